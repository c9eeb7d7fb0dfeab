//! Master keys in a PKCS#11 token: they are used there and never leave it.
//!
//! A thread of its own speaks to the module, since a call into it may take long or never end. Who
//! asks waits with a bound; a full queue is an answer at once.

mod connection;
mod failure;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{PoisonError, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use keyway_chassis::config::SecretText;
use keyway_vault_crypto::{DataKey, HeldOpening, HeldSealing, OsRandom, WrapContext};
use tokio::sync::oneshot;

use self::connection::Connection;
use super::wrap::{Generations, KeyWrap, WrapError};
use crate::master_key::Readers;

/// Which keys of which token.
#[derive(Debug, Clone)]
pub(crate) struct TokenSettings {
    /// The module: a shared library.
    pub(crate) module: PathBuf,
    /// Label of the token.
    pub(crate) label: String,
    /// Of its user.
    pub(crate) pin: Pin,
    /// Labels of the master keys, oldest first.
    pub(crate) keys: Vec<String>,
    /// Whether the last of them wraps where this process has keys too.
    pub(crate) wraps: bool,
}

/// Where the PIN is.
#[derive(Debug, Clone)]
pub(crate) enum Pin {
    /// In a file that only these can read.
    File(PathBuf, Readers),
    /// From the environment.
    Text(SecretText),
}

impl TokenSettings {
    pub(super) const fn wraps(&self) -> bool {
        self.wraps
    }
}

/// Starts the thread that speaks to the token. It ends with what is returned.
pub(super) fn open(settings: &TokenSettings) -> Result<Box<dyn KeyWrap>, WrapError> {
    let (jobs, queue) = sync_channel(QUEUE);
    let connection = Connection::new(settings.clone());
    std::thread::Builder::new()
        .name("pkcs11".to_owned())
        .spawn(move || work(&queue, connection))
        .map_err(|error| WrapError::Unavailable(error.to_string()))?;
    Ok(Box::new(TokenKeys {
        jobs,
        gone: RwLock::default(),
    }))
}

/// Makes a key in the token; its public id. Blocks.
pub(crate) fn make_key(settings: TokenSettings, label: &str) -> Result<String, WrapError> {
    Connection::new(settings).make_key(label)
}

struct TokenKeys {
    jobs: SyncSender<Job>,
    /// Generations that must not be used again.
    gone: RwLock<BTreeSet<String>>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

fn work(queue: &Receiver<Job>, mut connection: Connection) {
    for job in queue {
        job(&mut connection);
    }
}

impl TokenKeys {
    /// Lets the thread do something. What nobody waits for any more is not begun.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, WrapError> + Send + 'static,
    ) -> Result<T, WrapError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !reply.is_closed() {
                drop(reply.send(work(connection))); // nobody may be left to hear it
            }
        });
        if self.jobs.try_send(job).is_err() {
            let why = "the token has not answered earlier questions";
            return Err(WrapError::Unavailable(why.to_owned()));
        }
        let gone = |_closed| WrapError::Unavailable("the token's thread ended".to_owned());
        answer.await.map_err(gone)?
    }

    fn is_gone(&self, id: &str) -> bool {
        let gone = self.gone.read().unwrap_or_else(PoisonError::into_inner);
        gone.contains(id)
    }
}

impl KeyWrap for TokenKeys {
    fn status(&self) -> BoxFuture<'_, Result<Generations, WrapError>> {
        self.ask(Connection::check).boxed()
    }

    fn wrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, WrapError>> {
        async move {
            if self.is_gone(master_key_id) {
                return Err(WrapError::NotHere(master_key_id.to_owned()));
            }
            let id = master_key_id.to_owned();
            let sealing = HeldSealing::new(&id, &context, data_key, &mut OsRandom)?;
            let wrapped = self.ask(move |token| token.seal(&id, &sealing));
            wrapped.await
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
            if self.is_gone(master_key_id) {
                return Err(WrapError::NotHere(master_key_id.to_owned()));
            }
            let id = master_key_id.to_owned();
            let opening = HeldOpening::new(&id, &context, wrapped);
            self.ask(move |token| token.open(&id, opening)).await
        }
        .boxed()
    }

    fn forget(&self, master_key_id: &str) {
        let mut gone = self.gone.write().unwrap_or_else(PoisonError::into_inner);
        gone.insert(master_key_id.to_owned());
    }
}

/// Most questions that wait for the token.
const QUEUE: usize = 256;
