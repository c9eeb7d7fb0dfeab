//! Requests that may be repeated: with the same request id and the same body the first answer is
//! given again, with another body the request is refused.

use keyway_proto::{Fault, Reason};
use keyway_vault_crypto::token;
use keyway_words::Secret;
use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::keyring::Keyring;
use crate::store::Write;
use crate::store::requests::{self, RequestRow};

/// A request with an id, reduced to what tells it from another.
pub(crate) struct Repeatable {
    scope: String,
    request_id: String,
    body_hash: [u8; 32],
}

impl Repeatable {
    /// The request without its secret; of the secret its keyed fingerprint. An id belongs to the
    /// subject that used it: nobody can take another's, or learn that it was used.
    pub(crate) fn new(
        keyring: &Keyring,
        (rpc, subject): (&str, &str),
        owner: &str,
        request_id: &str,
        body: &impl Message,
        fingerprint: &str,
    ) -> Self {
        let body = hex::encode(Sha256::digest(body.encode_to_vec()));
        // Keyed as tokens are, with its own beginning: no token starts so.
        let text = Secret::new(format!("request/{rpc}/{body}/{fingerprint}"));
        Self {
            scope: format!("{owner}/{rpc}/{subject}"),
            request_id: request_id.to_owned(),
            body_hash: token::hash(&keyring.token_hash, text.expose()),
        }
    }
}

/// The answer to the same request before, if there was one in the last 24 hours.
pub(crate) async fn earlier<R: Message + Default>(
    write: &Write,
    request: &Repeatable,
) -> Result<Option<R>, Fault> {
    if request.request_id.is_empty() {
        return Ok(None);
    }
    let found =
        requests::find(write.on(), &request.scope, &request.request_id, write.now()).await?;
    let Some(row) = found else { return Ok(None) };
    if row.body_hash != request.body_hash {
        return Err(Fault::new(
            Reason::RequestRepeated,
            "this request_id was used for another request in the last 24 hours; choose a new one",
        )
        .at_field("request_id"));
    }
    R::decode(row.response.as_slice())
        .map(Some)
        .map_err(|_form| {
            Fault::new(
                Reason::Internal,
                "the stored answer of this request_id is damaged; choose a new one",
            )
        })
}

/// Remembers an answer in the transaction of its change.
pub(crate) async fn remember(
    write: &Write,
    request: &Repeatable,
    response: &impl Message,
) -> Result<(), Fault> {
    if request.request_id.is_empty() {
        return Ok(());
    }
    let row = RequestRow {
        scope: request.scope.clone(),
        request_id: request.request_id.clone(),
        body_hash: request.body_hash.to_vec(),
        response: response.encode_to_vec(),
        created_at: write.now().0,
    };
    Ok(requests::insert(write.on(), row).await?)
}
