//! A router's token and its entry in the setting `routers`: how a launcher introduces the router
//! that it starts beside the vault.

use keyway_vault_crypto::token::{self, TokenKind};
use keyway_vault_crypto::{NoRandomness, OsRandom};
use keyway_words::Secret;
use sha2::{Digest as _, Sha256};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticate::RouterIdentity;

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
