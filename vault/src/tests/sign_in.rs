//! People sign in with a JSON Web Token of an issuer that the configuration trusts.

use std::collections::HashSet;

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use serde_json::{Value, json};
use tonic::{Request, Status};

use super::harness::{Bearer, World, put_request, reason};
use super::idp::Idp;
use super::issuer::{SigningKey, base64};

const SECRET: &str = "sk-keyway-test-0123456789abcd";

/// A vault that trusts one provider, with the workspaces `acme` and `globex`.
struct Signed {
    world: World,
    idp: Idp,
    key: SigningKey,
    acme: Bearer,
    globex: Bearer,
}

async fn signed(groups: &[&str]) -> Signed {
    let key = SigningKey::p256("k1");
    let idp = Idp::start(&[&key]).await;
    let world = World::with_issuers(vec![idp.people(groups)]).await;
    let acme = world.workspace("acme").await;
    let globex = world.workspace("globex").await;
    Signed {
        world,
        idp,
        key,
        acme,
        globex,
    }
}

impl Signed {
    fn bearer(&self, sub: &str, groups: &[&str]) -> Bearer {
        let mut claims = self.idp.claims(sub);
        claims["groups"] = json!(groups);
        Bearer::new(&self.key.token(&claims))
    }

    async fn seat(&self, by: &Bearer, id: &str, sub: &str, role: Role) {
        let request = MemberServicePutRequest {
            workspace: format!("workspaces/{id}"),
            subject: self.idp.subject(sub),
            role: role.into(),
            ..Default::default()
        };
        self.world.members(by).put(request).await.unwrap();
    }

    async fn who(&self, bearer: &Bearer) -> Result<TokenServiceWhoAmIResponse, Status> {
        let mut tokens = self.world.tokens(bearer);
        Ok(tokens
            .who_am_i(TokenServiceWhoAmIRequest {})
            .await?
            .into_inner())
    }

    async fn put_key(&self, bearer: &Bearer, owner: &str) -> Result<(), Status> {
        let request = put_request(owner, "openai", SECRET);
        self.world.keys(bearer).put_key(request).await.map(drop)
    }

    async fn list_keys(&self, bearer: &Bearer, owner: &str) -> Result<(), Status> {
        let request = ListKeysRequest {
            owner: owner.to_owned(),
            ..Default::default()
        };
        self.world.keys(bearer).list_keys(request).await.map(drop)
    }
}

#[tokio::test]
async fn a_person_is_in_each_workspace_what_its_admin_made_of_them_and_nothing_elsewhere() {
    let signed = signed(&[]).await;
    signed
        .seat(&signed.acme, "acme", "alice", Role::Reader)
        .await;
    signed
        .seat(&signed.globex, "globex", "alice", Role::Admin)
        .await;
    let alice = signed.bearer("alice", &[]);
    let who = signed.who(&alice).await.unwrap();
    assert_eq!(who.subject, signed.idp.subject("alice"));
    assert!(who.accessor.starts_with("jwt:") && who.expire_time.is_some());
    assert_eq!(
        (who.role(), who.workspace.as_str()),
        (Role::Reader, "workspaces/acme")
    );
    let others: Vec<_> = who
        .others
        .iter()
        .map(|o| (o.role(), o.workspace.as_str()))
        .collect();
    assert_eq!(others, [(Role::Admin, "workspaces/globex")]);

    signed.list_keys(&alice, "workspaces/acme").await.unwrap();
    let refused = signed.put_key(&alice, "workspaces/acme").await;
    assert_eq!(reason(refused), Reason::Denied);
    signed.put_key(&alice, "workspaces/globex").await.unwrap();
    signed.world.workspace("initech").await;
    let refused = signed.list_keys(&alice, "workspaces/initech").await;
    assert_eq!(reason(refused), Reason::Denied);
}

#[tokio::test]
async fn a_demoted_or_removed_member_loses_the_role_at_the_next_call() {
    let signed = signed(&[]).await;
    signed
        .seat(&signed.acme, "acme", "alice", Role::Admin)
        .await;
    let alice = signed.bearer("alice", &[]);
    signed.put_key(&alice, "workspaces/acme").await.unwrap();
    signed
        .seat(&signed.acme, "acme", "alice", Role::Reader)
        .await;
    assert_eq!(
        reason(signed.put_key(&alice, "workspaces/acme").await),
        Reason::Denied
    );
    signed.list_keys(&alice, "workspaces/acme").await.unwrap();
    let remove = MemberServiceRemoveRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: signed.idp.subject("alice"),
        ..Default::default()
    };
    signed
        .world
        .members(&signed.acme)
        .remove(remove)
        .await
        .unwrap();
    assert_eq!(
        reason(signed.list_keys(&alice, "workspaces/acme").await),
        Reason::Denied
    );
}

#[tokio::test]
async fn groups_give_the_roles_that_the_configuration_says_and_no_other() {
    let signed = signed(&[
        "ops=operator",
        "audit=auditor",
        "acme=workspaces/acme:admin",
    ])
    .await;
    let ops = signed.bearer("o", &["ops"]);
    assert_eq!(signed.who(&ops).await.unwrap().role(), Role::Operator);
    signed.put_key(&ops, "platform").await.unwrap();
    assert_eq!(
        reason(signed.put_key(&ops, "workspaces/acme").await),
        Reason::Denied
    );
    let audit = signed.bearer("a", &["audit", "unknown"]);
    assert_eq!(signed.who(&audit).await.unwrap().role(), Role::Auditor);
    assert_eq!(
        reason(signed.put_key(&audit, "platform").await),
        Reason::Denied
    );
    // Both at once: each request counts as what it needs.
    let both = signed.bearer("b", &["ops", "acme"]);
    signed.put_key(&both, "workspaces/acme").await.unwrap();
    signed.put_key(&both, "platform").await.unwrap();
    assert_eq!(
        reason(signed.put_key(&both, "workspaces/globex").await),
        Reason::Denied
    );
}

#[tokio::test]
async fn a_person_without_a_role_is_denied_and_the_system_chain_names_the_subject() {
    let signed = signed(&["ops=operator"]).await;
    let nobody = signed.bearer("nobody", &["OPS"]);
    assert_eq!(reason(signed.who(&nobody).await), Reason::Denied);
    let of_subject = format!(
        "SELECT count(*) FROM audit_rows WHERE decision = 'DENIED' AND subject = '{}'",
        signed.idp.subject("nobody")
    );
    let recorded = async {
        while signed.world.number(&of_subject).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), recorded)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_says_by_metadata_in_which_workspace_its_caller_acts() {
    let signed = signed(&[]).await;
    signed
        .seat(&signed.acme, "acme", "alice", Role::Admin)
        .await;
    signed
        .seat(&signed.globex, "globex", "alice", Role::Reader)
        .await;
    let alice = signed.bearer("alice", &[]);
    let within = async |workspace: &'static str| {
        let mut request = Request::new(TokenServiceWhoAmIRequest {});
        request
            .metadata_mut()
            .insert("keyway-workspace", workspace.parse().unwrap());
        signed
            .world
            .tokens(&alice)
            .who_am_i(request)
            .await
            .map(tonic::Response::into_inner)
    };
    let who = within("workspaces/globex").await.unwrap();
    assert_eq!((who.role(), who.others.len()), (Role::Reader, 0));
    assert_eq!(reason(within("workspaces/initech").await), Reason::Denied);
    assert_eq!(reason(within("globex").await), Reason::FieldInvalid);
}

#[tokio::test]
async fn a_router_learns_everything_that_a_person_may_be_within_its_list() {
    let signed = signed(&["apps=workspaces/acme:call", "ops=operator"]).await;
    signed
        .seat(&signed.globex, "globex", "app", Role::Admin)
        .await;
    let app = signed.bearer("app", &["apps"]);
    let verdict = signed.world.verify(&app, "192.0.2.1").await;
    assert!(verdict.known && !verdict.source_bound);
    assert_eq!(
        (verdict.role(), verdict.workspace.as_str()),
        (Role::Caller, "workspaces/acme")
    );
    assert_eq!(verdict.others.len(), 1);
    assert_eq!(verdict.others[0].role(), Role::Admin);
    let grants = |grants: &[Grant]| grants.iter().any(|grant| grant.rpc.ends_with("/Chat"));
    assert!(grants(&verdict.grants) && !grants(&verdict.others[0].grants));

    let mut listed = signed.world.lease(&signed.world.acme_router);
    let ask = |bearer: &Bearer| VerifyCallerRequest {
        token: bearer.0.clone().unwrap(),
        ..Default::default()
    };
    let verdict = listed.verify_caller(ask(&app)).await.unwrap().into_inner();
    assert_eq!(
        (verdict.workspace.as_str(), verdict.others.len()),
        ("workspaces/acme", 0)
    );
    let elsewhere = signed.bearer("g", &[]);
    signed
        .seat(&signed.globex, "globex", "g", Role::Admin)
        .await;
    assert_eq!(
        reason(listed.verify_caller(ask(&elsewhere)).await),
        Reason::Denied
    );
    let gone = Bearer::new(&SigningKey::p256("k1").token(&signed.idp.claims("app")));
    assert!(
        !listed
            .verify_caller(ask(&gone))
            .await
            .unwrap()
            .into_inner()
            .known
    );
}

/// Every kind of bad token that the provider's good one can be turned into.
fn bad_tokens(signed: &Signed) -> Vec<String> {
    let (key, stranger) = (&signed.key, SigningKey::p256("k1"));
    let good = signed.idp.claims("alice");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        key.token(&claims)
    };
    let header = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        key.with_header(&header, &good)
    };
    let none = base64(br#"{"alg":"none"}"#);
    let claims = base64(good.to_string().as_bytes());
    let now = super::harness::NOW.0 / 1_000_000;
    vec![
        format!("{none}.{claims}."),
        format!("{none}.{claims}.x"),
        stranger.token(&good),
        header("alg", json!("HS256")),
        header("kid", json!("k2")),
        header("crit", json!(["exp"])),
        with("aud", json!("other")),
        with("iss", json!("http://127.0.0.1:1")),
        with("exp", json!(now)),
        with("nbf", json!(now + 1)),
        with("sub", json!("")),
        with("pad", json!("x".repeat(7_000))),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ]
}

#[tokio::test]
async fn of_a_thousand_bad_tokens_at_once_none_passes_and_all_hear_the_same() {
    let signed = signed(&[]).await;
    signed
        .seat(&signed.acme, "acme", "alice", Role::Admin)
        .await;
    let bad: Vec<Bearer> = bad_tokens(&signed)
        .iter()
        .map(|token| Bearer::new(token))
        .collect();
    let calls = (0..1000).map(|n| {
        let mut tokens = signed.world.tokens(&bad[n % bad.len()]);
        async move { tokens.who_am_i(TokenServiceWhoAmIRequest {}).await }
    });
    let answers = futures::future::join_all(calls).await;
    let texts: HashSet<String> = answers
        .into_iter()
        .map(|answer| {
            let status = answer.expect_err("a bad token passed");
            let status = status.clone();
            assert_eq!(reason(Err::<(), _>(status.clone())), Reason::CallerUnknown);
            status.message().to_owned()
        })
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(signed.who(&signed.bearer("alice", &[])).await.is_ok());
    assert_eq!(
        signed.idp.fetched(),
        1,
        "one at the start, none for the unknown key"
    );
}
