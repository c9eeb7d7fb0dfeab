//! In a build without PKCS#11 there is no token to open: the settings refuse one.

use super::wrap::{KeyWrap, WrapError};

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum TokenSettings {}

impl TokenSettings {
    pub(super) const fn wraps(&self) -> bool {
        match *self {}
    }
}

pub(super) fn open(settings: &TokenSettings) -> Result<Box<dyn KeyWrap>, WrapError> {
    match *settings {}
}
