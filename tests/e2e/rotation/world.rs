//! A product whose master keys are a folder of generations, with keys of several owners.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyway::client::Session;
use keyway_proto::vault::v1::{AuditServiceListRequest, ResolveKeysRequest, ResolveKeysResponse};
use keyway_words::{CallId, Secret};
use tempfile::TempDir;
use tonic::Status;

use crate::harness::{DEMO, Product, Setup};

/// The product and the folder of its master keys.
pub(crate) struct World {
    pub(crate) product: Product,
    keys: TempDir,
}

const OWN: &str = "sk-keyway-test-own-rotated-0001";
const OTHER: &str = "sk-keyway-test-other-rotated-0002";
const HOSTED: &str = "sk-keyway-test-hosted-rotated-0003";
/// A workspace that keeps its keys whatever happens to the demo's.
pub(crate) const NEIGHBOUR: &str = "workspaces/neighbour";

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|setup| setup).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let keys = tempfile::tempdir().expect("a folder");
        new_key(&keys.path().join("1"));
        let folder = keys.path().to_str().expect("text");
        let setup = Setup::new().with("KEYWAY_VAULT__MASTER_KEY__DIRECTORY", folder);
        let product = change(setup).start().await;
        let neighbour = product.tenant("neighbour").await;
        let stored = [
            (product.admin(), DEMO, OWN),
            (neighbour.admin, NEIGHBOUR, OTHER),
            (product.operator(), "platform", HOSTED),
        ];
        for (by, owner, secret) in stored {
            by.put_key(owner, "openai", secret).await.expect("a key");
        }
        Self { product, keys }
    }

    /// The folder of the generations.
    pub(crate) fn keys(&self) -> PathBuf {
        self.keys.path().to_owned()
    }

    /// Resolves as a router does: the own key and the platform's.
    pub(crate) async fn resolve(&self, workspace: &str) -> Vec<String> {
        let vault = self.product.running.site.addresses.vault_data;
        self.resolve_at(vault, workspace).await
    }

    async fn resolve_at(&self, vault: SocketAddr, workspace: &str) -> Vec<String> {
        let answer = self.ask(vault, workspace).await;
        let answer = answer.unwrap_or_else(|status| panic!("{workspace}: {status:?}"));
        let pools = answer.own.into_iter().chain(answer.platform);
        pools
            .flat_map(|pool| pool.candidates)
            .map(|candidate| candidate.secret)
            .collect()
    }

    /// Asks a vault for the keys of a workspace.
    pub(crate) async fn ask(
        &self,
        vault: SocketAddr,
        workspace: &str,
    ) -> Result<ResolveKeysResponse, Status> {
        let site = &self.product.running.site;
        let token = std::fs::read_to_string(site.state.router_token()).expect("a token");
        let session = Session::new(vault, &Secret::new(token.trim().to_owned()));
        let request = ResolveKeysRequest {
            workspace: workspace.to_owned(),
            provider: "openai".to_owned(),
            call_id: CallId::new().to_string(),
            key: String::new(),
        };
        let mut leases = session.expect("a session").leases();
        let answer = leases.resolve_keys(request).await?;
        Ok(answer.into_inner())
    }

    /// Every planted key is what `ResolveKeys` gives.
    pub(crate) async fn assert_every_key_opens(&self) {
        assert_eq!(self.resolve(DEMO).await, [OWN, HOSTED]);
        self.assert_neighbours_open().await;
    }

    /// The same at another vault.
    #[cfg(feature = "external")]
    pub(crate) async fn assert_every_key_opens_at(&self, vault: SocketAddr) {
        assert_eq!(self.resolve_at(vault, DEMO).await, [OWN, HOSTED]);
        assert_eq!(self.resolve_at(vault, NEIGHBOUR).await, [OTHER, HOSTED]);
    }

    pub(crate) async fn assert_neighbours_open(&self) {
        assert_eq!(self.resolve(NEIGHBOUR).await, [OTHER, HOSTED]);
    }

    /// The record has every row from the first on, in both chains that rotation writes to.
    pub(crate) async fn assert_record_is_whole(&self) {
        for workspace in ["", DEMO] {
            let request = AuditServiceListRequest {
                workspace: workspace.to_owned(),
                page_size: 500,
                ..Default::default()
            };
            let operator = self.product.operator();
            let list = operator.vault.audit().list(request).await.expect("a list");
            let rows = list.into_inner().rows;
            let expected = (1..=rows.len() as u64).rev();
            assert!(rows.iter().map(|row| row.sequence).eq(expected), "{rows:?}");
        }
    }
}

/// Makes a master key file by the vault's own command; its public id.
pub(crate) fn new_key(path: &Path) -> String {
    let run = |arguments: [&str; 2]| {
        let output = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
            .args(["--as", "vault"])
            .args(arguments)
            .arg(path)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .expect("text")
            .trim()
            .to_owned()
    };
    run(["new-master-key", "--out"]);
    run(["master-key-id", "--file"])
}
