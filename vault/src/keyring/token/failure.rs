//! What a module's refusals mean.

use cryptoki::error::{Error, RvError};
use keyway_vault_crypto::CryptoError;

use super::super::wrap::WrapError;

/// Why the token did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The module or the token failed.
    Token(Error),
    /// It works and is not set up as the settings say.
    Setup(String),
    /// The key is not among those of the settings.
    NotHere(String),
    /// What it answered is not what was sealed.
    Crypto(CryptoError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Token(error)
    }
}

impl From<CryptoError> for Failure {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

impl Failure {
    /// Whether a new session may mend it.
    pub(super) const fn may_be_the_session(&self) -> bool {
        matches!(self, Self::Token(_))
    }

    /// Whether the token refuses who asks. A token locks after a few such answers.
    pub(super) const fn is_pin(&self) -> bool {
        matches!(
            self,
            Self::Token(Error::Pkcs11(
                RvError::PinIncorrect
                    | RvError::PinLocked
                    | RvError::PinExpired
                    | RvError::PinInvalid
                    | RvError::PinLenRange,
                _
            ))
        )
    }

    /// Whether a token that otherwise works says that the sealed bytes do not open. Modules differ in
    /// the word for it.
    pub(super) const fn is_refused_bytes(&self) -> bool {
        matches!(
            self,
            Self::Token(Error::Pkcs11(
                RvError::EncryptedDataInvalid
                    | RvError::EncryptedDataLenRange
                    | RvError::DataInvalid
                    | RvError::FunctionFailed
                    | RvError::GeneralError,
                _
            ))
        )
    }
}

impl From<Failure> for WrapError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Token(error) => Self::Unavailable(format!("PKCS#11: {error}")),
            Failure::Setup(why) => Self::Misconfigured(why),
            Failure::NotHere(id) => Self::NotHere(id),
            Failure::Crypto(error) => Self::Crypto(error),
        }
    }
}
