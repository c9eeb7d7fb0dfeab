//! What an older build wrote is all there after an upgrade. The dumps in `upgrade/` were made by older
//! builds; `docs/operations.md` says how the next one is made.

mod dump;
#[cfg(feature = "external")]
mod postgres;

use keyway::client::Session;
use keyway_proto::vault::v1::{
    ListKeysRequest, MemberServiceListRequest, ResolveKeysRequest, TokenServiceWhoAmIRequest,
};
use keyway_words::{CallId, Secret};

use self::dump::{Dump, Past};
use crate::audit::verifier::Verifier;
use crate::harness::{Logs, Product, Setup, ask};

/// Of the oldest build that is still upgraded from.
const FIRST: Dump = Dump::of("step_0001", 1);
/// Of the build whose last step is the vault's 15th, on either database.
const LATEST: Dump = Dump::of("step_0015_sqlite", 15);
#[cfg(feature = "external")]
const LATEST_ON_POSTGRESQL: Dump = Dump::of("step_0015_postgres", 15);

#[tokio::test]
async fn what_the_first_build_wrote_on_sqlite_is_all_there_after_the_upgrade() {
    upgraded(FIRST).await;
}

#[tokio::test]
async fn what_the_build_of_step_15_wrote_on_sqlite_is_all_there_after_the_upgrade() {
    upgraded(LATEST).await;
}

async fn upgraded(dump: Dump) {
    let folder = dump.unpack();
    dump.load_sqlite(&folder).await;
    let product = Setup::new().start_in(folder).await;
    let product = product.unwrap_or_else(|error| panic!("no start: {error:#}"));
    let _logs = Logs(&product);
    all_there(&product, &dump, &Verifier::new(&product)).await;
}

async fn all_there(product: &Product, dump: &Dump, verifier: &Verifier) {
    verifier.database(&[]).says(0, "whole", "after the upgrade");
    for past in dump.workspaces() {
        admin_sees_the_past(product, &past).await;
        for (provider, secret) in past.secrets(&dump.written()) {
            assert_eq!(resolve(product, &past.name, provider).await, secret);
        }
        let calls: Vec<&str> = past.calls.iter().map(String::as_str).collect();
        let admin = product.speaker(&past.admin_token);
        let events = admin.events_of(&past.name, &calls).await;
        let found: Vec<&str> = events.iter().map(|event| event.call_id.as_str()).collect();
        assert_eq!(found, calls, "in stream order");
        assert!(events.iter().all(|event| event.list_price_usd.is_some()));

        let caller = product.speaker(&past.call_token);
        let served = caller.chat(ask("openai/gpt-5-mini")).await;
        served.unwrap_or_else(|status| panic!("{}: {status:?}", past.name));
    }
    verifier.database(&[]).says(0, "whole", "after new rows");
}

/// The token, the members, and the keys but for the deleted one.
async fn admin_sees_the_past(product: &Product, past: &Past) {
    let vault = product.speaker(&past.admin_token).vault;
    let request = TokenServiceWhoAmIRequest::default();
    let who = vault.tokens().who_am_i(request).await.expect("an answer");
    assert_eq!(who.into_inner().subject, "service:ana");

    let request = ListKeysRequest {
        owner: past.name.clone(),
        ..Default::default()
    };
    let keys = vault.keys().list_keys(request).await.expect("an answer");
    let keys = keys.into_inner().keys;
    let mut providers: Vec<&str> = keys.iter().map(|key| key.provider.as_str()).collect();
    providers.sort_unstable();
    assert_eq!(providers, ["anthropic", "openai"]);

    let request = MemberServiceListRequest {
        workspace: past.name.clone(),
        ..Default::default()
    };
    let members = vault.members().list(request).await.expect("an answer");
    let members = members.into_inner().members;
    let mut subjects: Vec<&str> = members.iter().map(|one| one.subject.as_str()).collect();
    subjects.sort_unstable();
    let expected = ["service:ana", "service:auditing", "service:first-admin"];
    assert_eq!(subjects, expected);
}

/// The own key, asked for as the router of the older build, by its token.
async fn resolve(product: &Product, workspace: &str, provider: &str) -> String {
    let token = std::fs::read_to_string(product.running.site.state.router_token());
    let token = Secret::new(token.expect("a token").trim().to_owned());
    let session = Session::new(product.vault_data(), &token).expect("a session");
    let request = ResolveKeysRequest {
        workspace: workspace.to_owned(),
        provider: provider.to_owned(),
        call_id: CallId::new().to_string(),
        key: String::new(),
    };
    let answer = session.leases().resolve_keys(request).await;
    let answer = answer.unwrap_or_else(|status| panic!("{workspace}: {status:?}"));
    let mut candidates = answer.into_inner().own.expect("a pool").candidates;
    assert_eq!(candidates.len(), 1);
    candidates.remove(0).secret
}
