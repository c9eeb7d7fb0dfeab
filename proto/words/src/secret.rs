//! Secrets: types that can't be printed, cloned or compared, and that wipe themselves.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text: a provider key or a token. Prints as `Secret(REDACTED)`; wiped when dropped.
///
/// Copies that HTTP and TLS libraries keep in their own buffers are out of its reach.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over. The caller's `String` is moved, not copied.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every use stands in the list of `clippy.toml`'s exceptions.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(REDACTED)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(
            format!("{:?}", Secret::new("sk-live".into())),
            "Secret(REDACTED)"
        );
    }
}
