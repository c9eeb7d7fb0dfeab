//! From the settings of a service to its database: one of two, and only then its password.

use std::io;
use std::path::{Path, PathBuf};

use keyway_words::Secret;

use super::{AddressError, DatabaseAddress, ServerAddress, read_line};

/// Settings that name no database, or two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Neither a file nor a server.
    #[error("no database is named")]
    Neither,
    /// A file and a server.
    #[error("two databases are named")]
    Both,
    /// A file has no password.
    #[error("a password is of use beside a server only")]
    Password,
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] AddressError),
}

/// A database that can't be opened for a reason that stands in this machine's files.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The file is not there.
    #[error("{} is not there", .0.display())]
    NoFile(PathBuf),
    /// The file with the password can't be read.
    #[error("{} can't be read: {cause}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl DatabaseAddress {
    /// The one database that the settings name.
    pub fn chosen(
        path: Option<PathBuf>,
        url: Option<String>,
        password_file: Option<&Path>,
    ) -> Result<Self, ChoiceError> {
        match (path, url.map(Secret::new)) {
            (Some(path), None) if password_file.is_none() => Ok(Self::File(path)),
            (Some(_), None) => Err(ChoiceError::Password),
            (None, Some(url)) => Ok(Self::Server(ServerAddress::parse(url.expose())?)),
            (Some(_), Some(_)) => Err(ChoiceError::Both),
            (None, None) => Err(ChoiceError::Neither),
        }
    }

    /// The same with the password of its file; a SQLite file must be there.
    pub fn ready(&self, password_file: Option<&Path>) -> Result<Self, NotReady> {
        match (self, password_file) {
            (Self::File(path), _) if !path.exists() => Err(NotReady::NoFile(path.clone())),
            (Self::Server(server), Some(path)) => {
                let password = read_line(path).map_err(|cause| NotReady::Password {
                    path: path.to_owned(),
                    cause,
                })?;
                Ok(Self::Server(server.clone().with_password(&password)))
            }
            (address, _) => Ok(address.clone()),
        }
    }
}
