//! A router's token and its entry in the setting `routers`: how a launcher introduces the router
//! that it starts beside the vault.

use std::io;
use std::path::{Path, PathBuf};

use keyway_vault_crypto::token::{self, TokenKind};
use keyway_vault_crypto::{NoRandomness, OsRandom};
use keyway_words::Secret;
use sha2::{Digest as _, Sha256};

use crate::authenticate::RouterIdentity;
use crate::master_key::write_private;

/// A new token. Errors: the system gives no randomness.
pub fn generate() -> Result<Secret, NoRandomness> {
    token::generate(TokenKind::Router, &mut OsRandom)
}

/// Whether a text has the form of a router's token. A vault takes no other.
pub fn is_well_formed(token: &Secret) -> bool {
    token::parse(token.expose()) == Ok(TokenKind::Router)
}

/// The entry of a router in the setting `routers`: the vault knows the token's hash only.
pub fn entry(name: &str, token: &Secret) -> String {
    format!(
        "{name}:{}",
        hex::encode(Sha256::digest(token.expose().as_bytes()))
    )
}

/// Makes a new token in a file that its owner alone can read, and gives its entry. A file that is there
/// stays.
pub(crate) fn create_file(name: &str, path: &Path) -> Result<String, CreateError> {
    let token = generate()?;
    let entry = entry(name, &token);
    entry
        .parse::<RouterIdentity>()
        .map_err(|_form| CreateError::Name)?;
    let cause = |cause| CreateError::File {
        path: path.to_owned(),
        cause,
    };
    write_private(path, token.expose().as_bytes()).map_err(cause)?;
    Ok(entry)
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// The name would not be accepted.
    #[error("--name must be letters, digits, - and _, as the setting `routers` takes them")]
    Name,
    /// The system gives no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The file can't be made.
    #[error("{} can't be made: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_in_a_private_file_that_is_never_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("router.token");
        let first = create_file("eu-1", &path).unwrap();
        let token = Secret::new(std::fs::read_to_string(&path).unwrap());
        assert!(is_well_formed(&token) && first == entry("eu-1", &token));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = create_file("eu-1", &path).unwrap_err();
        assert!(matches!(again, CreateError::File { .. }), "{again}");
        let other = create_file("a name", &folder.path().join("other")).unwrap_err();
        assert!(matches!(other, CreateError::Name), "{other}");
        assert!(!folder.path().join("other").exists());
    }

    #[test]
    fn an_entry_is_accepted_by_the_setting_and_does_not_hold_the_token() {
        let token = generate().unwrap();
        let entry = entry("local", &token);
        assert!(entry.parse::<RouterIdentity>().is_ok());
        assert!(!entry.contains(token.expose()));
        assert!(is_well_formed(&token));
        assert!(!is_well_formed(&Secret::new(String::new())));
    }
}
