//! The router's own token, read anew when its file changes: a cluster renews the tokens of service
//! accounts long before they end.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Secret;
use tonic::metadata::{Ascii, MetadataValue};

/// The token in force. Cheap to clone.
#[derive(Clone)]
pub struct RouterToken {
    file: Arc<Path>,
    bearer: Arc<ArcSwap<MetadataValue<Ascii>>>,
}

impl fmt::Debug for RouterToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterToken").finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum RouterTokenError {
    /// The file can't be read.
    #[error("can't read {} (vault.token_file): {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not hold a token.
    #[error(
        "{} (vault.token_file) must hold one line of visible ASCII characters, at most 8 KiB",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
    },
}

impl RouterToken {
    /// Reads a token from its file.
    pub fn read(file: &Path) -> Result<Self, RouterTokenError> {
        let bearer = bearer(file)?;
        Ok(Self {
            file: file.into(),
            bearer: Arc::new(ArcSwap::from_pointee(bearer)),
        })
    }

    /// The value of `authorization`.
    pub(super) fn bearer(&self) -> MetadataValue<Ascii> {
        self.bearer.load().as_ref().clone()
    }

    /// Reads the file again and again, until `stop`. One that can't be read changes nothing.
    pub async fn follow(self, stop: Shutdown) {
        let mut failed = false;
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            match bearer(&self.file) {
                Ok(read) if read != *self.bearer.load().as_ref() => {
                    self.bearer.store(Arc::new(read));
                    tracing::info!("the router's token was renewed");
                }
                Ok(_same) => failed = false,
                Err(error) if !failed => {
                    tracing::warn!(%error, "the router goes on with the token that it has");
                    failed = true;
                }
                Err(_again) => {}
            }
        }
    }
}

fn bearer(path: &Path) -> Result<MetadataValue<Ascii>, RouterTokenError> {
    let failed = |source| RouterTokenError::File {
        path: path.to_owned(),
        source,
    };
    let content = || RouterTokenError::Content {
        path: path.to_owned(),
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::with_capacity(LONGEST);
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    file.take(most).read_to_string(&mut text).map_err(failed)?;
    let text = Secret::new(text);
    let token = text.expose().trim();
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.is_empty() || text.len() == LONGEST || !visible {
        return Err(content());
    }
    let mut bearer: MetadataValue<Ascii> = format!("Bearer {token}")
        .parse()
        .map_err(|_form| content())?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// How often the file is looked at; it is small.
const EVERY: Duration = Duration::from_secs(1);
const LONGEST: usize = 8 * 1024 + 2;

#[cfg(test)]
mod tests {
    use keyway_chassis::lifecycle::Tasks;

    use super::*;

    fn text(token: &RouterToken) -> String {
        token.bearer().to_str().unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_whose_file_changes_is_used_and_a_broken_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let token = RouterToken::read(&file).unwrap();
        assert_eq!(text(&token), "Bearer one");
        assert_eq!(format!("{token:?}"), "RouterToken { .. }");
        let (tasks, stop) = (Tasks::new(), Shutdown::new());
        tasks.spawn("follow", token.clone().follow(stop.clone()));
        for (content, wanted) in [
            (Some("two\n".to_owned()), "Bearer two"),
            (Some(String::new()), "Bearer two"),
            (Some("three words here".to_owned()), "Bearer two"),
            (Some("x".repeat(9000)), "Bearer two"),
            (None, "Bearer two"),
            (Some("four".to_owned()), "Bearer four"),
        ] {
            match content {
                Some(content) => std::fs::write(&file, content).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            tokio::time::sleep(EVERY * 2).await;
            assert_eq!(text(&token), wanted);
        }
        stop.begin();
    }
}
