//! What logs in at NATS: a user and password, or a token, in a file of its own.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use async_nats::ConnectOptions;
use keyway_migrations::read_line;

/// A file with one line: `user:password`, or a token. It is read anew for every connection.
#[derive(Debug, Clone)]
pub struct NatsLogin {
    file: PathBuf,
}

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
#[error("can't read {} (relay.credentials_file): {cause}", file.display())]
pub struct NatsLoginError {
    file: PathBuf,
    cause: io::Error,
}

impl NatsLogin {
    /// Looks at the file once, so that a wrong one is told at the start.
    pub fn new(file: PathBuf) -> Result<Self, NatsLoginError> {
        let login = Self { file };
        login.apply(ConnectOptions::new())?;
        Ok(login)
    }

    /// Adds it to the options of a connection, which keep a copy of it.
    pub(super) fn apply(&self, options: ConnectOptions) -> Result<ConnectOptions, NatsLoginError> {
        let failed = |cause| NatsLoginError {
            file: self.file.clone(),
            cause,
        };
        let line = read_line(&self.file).map_err(failed)?;
        match line.expose().split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Ok(options.user_and_password(user.to_owned(), password.to_owned()))
            }
            Some(_) => Err(failed(io::Error::new(
                ErrorKind::InvalidData,
                "it must hold user:password, or a token without a colon",
            ))),
            None => Ok(options.token(line.expose().to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_login_is_named_and_its_content_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("login");
        assert!(NatsLogin::new(file.clone()).is_err());
        for (content, is_login) in [
            ("keyway:pass:word\n", true),
            ("a-token\n", true),
            (":secret-part", false),
            ("secret-part:", false),
            ("", false),
            ("two\nlines", false),
        ] {
            std::fs::write(&file, content).unwrap();
            let login = NatsLogin::new(file.clone());
            assert_eq!(login.is_ok(), is_login, "{content:?}");
            if let Err(error) = login {
                let said = error.to_string();
                assert!(
                    said.contains("login") && !said.contains("secret-part"),
                    "{said}"
                );
            }
        }
    }
}
