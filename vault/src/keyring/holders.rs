//! Where the generations of the master key are kept: in this process, in a token, or, while they
//! move from one to the other, in both.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use keyway_vault_crypto::{DataKey, WrapContext};

use super::local::LocalKeys;
use super::token::{self, TokenSettings};
use super::wrap::{Generations, KeyWrap, WrapError};
use crate::master_key::MasterKeyError;
use crate::master_key::source::Source;

/// What the settings name: at least one of the two.
#[derive(Debug, Clone)]
pub(crate) struct Holders {
    /// Keys that this process reads.
    pub(crate) local: Option<Source>,
    /// Keys that never leave a token.
    pub(crate) token: Option<TokenSettings>,
}

impl From<Source> for Holders {
    fn from(source: Source) -> Self {
        Self {
            local: Some(source),
            token: None,
        }
    }
}

/// Why a holder was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HolderError {
    /// The keys that this process reads are not as they must be.
    #[error(transparent)]
    Local(#[from] MasterKeyError),
    /// What stands before the token can't be started.
    #[error(transparent)]
    Token(#[from] WrapError),
}

impl Holders {
    /// Opens what the settings name. Whether a token works shows at the first question to it.
    pub(crate) fn open(self) -> Result<Box<dyn KeyWrap>, HolderError> {
        let token_wraps = self.token.as_ref().is_some_and(TokenSettings::wraps);
        let local = self.local.map(LocalKeys::read).transpose()?;
        let token = self.token.as_ref().map(token::open).transpose()?;
        match (local, token) {
            (Some(local), Some(token)) => Ok(Box::new(Both {
                local,
                token,
                token_wraps,
            })),
            (Some(local), None) => Ok(Box::new(local)),
            (None, Some(token)) => Ok(token),
            (None, None) => Err(WrapError::Unavailable("no holder is set".to_owned()).into()),
        }
    }
}

/// Two holders. The newest generation of one wraps, all unwrap. They are healthy while both are.
struct Both {
    local: LocalKeys,
    token: Box<dyn KeyWrap>,
    token_wraps: bool,
}

impl KeyWrap for Both {
    fn status(&self) -> BoxFuture<'_, Result<Generations, WrapError>> {
        async {
            let (local, token) = tokio::join!(self.local.status(), self.token.status());
            let (mut older, mut newer) = (local?.0, token?.0);
            if !self.token_wraps {
                std::mem::swap(&mut older, &mut newer);
            }
            older.append(&mut newer);
            Ok(Generations(older))
        }
        .boxed()
    }

    // Both look for the id before anything else, so at most one of them has it. The local one is
    // asked first: it answers whatever the token does.
    fn wrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, WrapError>> {
        async move {
            match self.local.wrap(master_key_id, context, data_key).await {
                Err(WrapError::NotHere(_)) => {
                    self.token.wrap(master_key_id, context, data_key).await
                }
                answer => answer,
            }
        }
        .boxed()
    }

    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, WrapError>> {
        async move {
            match self.local.unwrap(master_key_id, context, wrapped).await {
                Err(WrapError::NotHere(_)) => {
                    self.token.unwrap(master_key_id, context, wrapped).await
                }
                answer => answer,
            }
        }
        .boxed()
    }

    fn forget(&self, master_key_id: &str) {
        self.local.forget(master_key_id);
        self.token.forget(master_key_id);
    }
}
