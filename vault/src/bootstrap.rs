//! `keyway-vault bootstrap`: the first operator's token, and only while there is no operator.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use keyway_words::{Role, Secret};
use serde_json::json;
use zeroize::Zeroizing;

use crate::keyring::{DataKeyError, Keyring};
use crate::master_key::write_private;
use crate::service::tokens::create::NewToken;
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::{Store, StoreError, tokens};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    /// Somebody can make tokens already.
    #[error(
        "there is an operator already; an operator makes further tokens with TokenService.Create"
    )]
    OperatorExists,
    /// The token can't be handed over.
    #[error("{}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Whoever looks at the screen would see it.
    #[error(
        "--out -: standard output is a terminal, which would show the token; send it into a file"
    )]
    Terminal,
    /// The token can't be made.
    #[error(transparent)]
    Keys(#[from] DataKeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the token and writes it to a new file that its owner alone can read, or, where `out` is
/// `-`, to standard output: an image has no folder for a file, and nothing that could read it.
pub(crate) async fn bootstrap(
    store: &Store,
    keyring: &Keyring,
    out: &Path,
) -> Result<(), BootstrapError> {
    let write = store.write().await?;
    if tokens::working_operators(write.on(), write.now()).await? > 0 {
        return Err(BootstrapError::OperatorExists);
    }
    let new = NewToken {
        role: Role::Operator,
        workspace: None,
        subject: SUBJECT.to_owned(),
        source_networks: "[]".to_owned(),
        label: "made by keyway-vault bootstrap".to_owned(),
        expires_at: write.now().plus_seconds(YEAR),
    };
    let (row, secret) = new.insert(&write, keyring).await?;
    let entry = Entry {
        chain: Chain::System,
        accessor: row.accessor.clone(),
        subject: SUBJECT.to_owned(),
        rpc: "keyway-vault bootstrap".to_owned(),
        resource: format!("tokens/{}", row.accessor),
        decision: Decision::Allowed,
        reason: "",
        facts: json!({ "role": row.role, "expires_at": row.expires_at }),
        origin: Origin::default(),
    };
    write.audit(&entry).await?;
    hand_over(out, &secret)?;
    if let Err(error) = write.commit().await {
        // A file with a token that does not work would mislead; if it stays, it is harmless.
        if out != Path::new(STANDARD_OUTPUT) {
            drop(fs::remove_file(out));
        }
        return Err(error.into());
    }
    Ok(())
}

fn hand_over(out: &Path, secret: &Secret) -> Result<(), BootstrapError> {
    let mut line = Zeroizing::new(String::with_capacity(secret.len() + 1));
    line.push_str(secret.expose());
    line.push('\n');
    let written = if out == Path::new(STANDARD_OUTPUT) {
        let mut standard = io::stdout();
        if standard.is_terminal() {
            return Err(BootstrapError::Terminal);
        }
        standard
            .write_all(line.as_bytes())
            .and_then(|()| standard.flush())
    } else {
        write_private(out, line.as_bytes())
    };
    written.map_err(|cause| BootstrapError::Write {
        path: out.to_owned(),
        cause,
    })
}

const STANDARD_OUTPUT: &str = "-";
const SUBJECT: &str = "service:bootstrap";
const YEAR: i64 = 365 * 24 * 60 * 60;
