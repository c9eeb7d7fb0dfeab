//! Everybody in the world of the access test, and how they came in.

mod certified;
mod signed_in;

use std::time::{Duration, UNIX_EPOCH};

use keyway_proto::Reason;
use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::Role;

use super::cells::Standing;
use super::requests::vault::{BYSTANDER, FIRST_ADMIN};
use super::requests::{ACME, DELETED, GLOBEX, Handles, PROVIDER, SUSPENDED};
use super::world::Credential;
use crate::harness::mint::{mint, scramble};
use crate::harness::{Product, Speaker, reason, wait_for};
use crate::leaks::search::Search;

/// Everybody, while they come in.
pub(super) struct People<'a> {
    product: &'a Product,
    pub(super) credentials: Vec<Credential>,
    pub(super) handles: Handles,
    pub(super) search: Search,
}

impl<'a> People<'a> {
    pub(super) fn new(product: &'a Product) -> Self {
        let mut search = Search::default();
        let key = format!("sk-{}", scramble(90, 40));
        search.plant("stored key", key.as_bytes());
        Self {
            product,
            credentials: Vec::new(),
            handles: Handles {
                admins: Vec::new(),
                bearers: Vec::new(),
                key,
            },
            search,
        }
    }

    fn add(&mut self, name: &str, token: &str, standing: Option<Standing>) {
        self.search.plant(name, token.as_bytes());
        self.credentials.push(Credential {
            name: name.to_owned(),
            headers: vec![format!("Bearer {token}")],
            shows: None,
            standing,
        });
    }

    pub(super) fn router(&mut self, token: &str, list: Option<&str>) {
        let name = list.map_or("router".to_owned(), |list| {
            format!("router listed for {list}")
        });
        self.add(&name, token, Some(router(list)));
    }

    /// Two workspaces with keys, of which the people of one call; and a suspended one.
    pub(super) async fn workspaces(&mut self) {
        for (name, seed, members) in [
            (ACME, 80, true),
            (GLOBEX, 81, false),
            (SUSPENDED, 82, true),
            (DELETED, 83, true),
        ] {
            let (admin, token) = self.workspace(name).await;
            let accessor = accessor(&admin).await;
            self.handles.admins.push((name.to_owned(), accessor));
            let key = format!("sk-{}", scramble(seed, 40));
            self.key(&admin, name, &key).await;
            let call = admin.token(request(name, Role::Caller, "")).await;
            self.handles.bearers.push((name.to_owned(), call.clone()));
            if !members {
                self.search
                    .plant(&format!("call token of {name}"), call.as_bytes());
                self.search
                    .plant(&format!("admin of {name}"), token.as_bytes());
                continue;
            }
            member(&admin, name, "service:reader").await;
            let reader = admin
                .token(request(name, Role::Reader, "service:reader"))
                .await;
            for (column, what, token) in [
                (1, "call token", call),
                (2, "reader", reader),
                (3, "admin", token),
            ] {
                let standing = Standing {
                    column,
                    workspace: Some(name.to_owned()),
                    listed: None,
                };
                // No call token of a deleted workspace works.
                let standing = (column != 1 || name != DELETED).then_some(standing);
                self.add(&format!("{what} of {name}"), &token, standing);
            }
        }
        self.suspended_and_deleted().await;
    }

    async fn suspended_and_deleted(&mut self) {
        let mut workspaces = self.product.operator().vault.workspaces();
        let suspend = pb::WorkspaceServiceSuspendRequest {
            name: SUSPENDED.to_owned(),
            ..Default::default()
        };
        workspaces.suspend(suspend).await.expect("suspended");
        let get = pb::WorkspaceServiceGetRequest {
            name: DELETED.to_owned(),
        };
        let found = workspaces.get(get).await.expect("a workspace").into_inner();
        let delete = pb::WorkspaceServiceDeleteRequest {
            name: DELETED.to_owned(),
            confirm_name: DELETED.to_owned(),
            etag: found.workspace.expect("a workspace").etag,
            ..Default::default()
        };
        workspaces.delete(delete).await.expect("deleted");
    }

    async fn workspace(&mut self, name: &str) -> (Speaker, String) {
        let operator = self.product.operator();
        let create = pb::WorkspaceServiceCreateRequest {
            workspace_id: name.trim_start_matches("workspaces/").to_owned(),
            first_admin: FIRST_ADMIN.to_owned(),
            ..Default::default()
        };
        let created = operator.vault.workspaces().create(create).await;
        created.expect("a workspace");
        let token = operator
            .token(request(name, Role::Admin, FIRST_ADMIN))
            .await;
        let admin = self.product.speaker(&token);
        member(&admin, name, BYSTANDER).await;
        (admin, token)
    }

    async fn key(&mut self, speaker: &Speaker, owner: &str, key: &str) {
        self.search
            .plant(&format!("key of {owner}"), key.as_bytes());
        for name in ["default", "spare"] {
            let put = pb::PutKeyRequest {
                owner: owner.to_owned(),
                provider: PROVIDER.to_owned(),
                key_name: name.to_owned(),
                secret: key.to_owned(),
                ..Default::default()
            };
            speaker.vault.keys().put_key(put).await.expect("a key");
        }
    }

    pub(super) async fn system(&mut self) {
        let operator = self.product.operator();
        self.key(&operator, "platform", &format!("sk-{}", scramble(91, 40)))
            .await;
        for (column, name, role) in [
            (4, "operator", Role::Operator),
            (5, "auditor", Role::Auditor),
        ] {
            let token = operator
                .token(request("", role, &format!("service:{name}")))
                .await;
            let standing = Standing {
                column,
                workspace: None,
                listed: None,
            };
            self.add(name, &token, Some(standing));
        }
        let first = self
            .product
            .running
            .access
            .operator_token
            .expose()
            .to_owned();
        self.search.plant("first operator", first.as_bytes());
    }

    fn bearer(&self, name: &str) -> String {
        let known = self.credentials.iter().find(|one| one.name == name);
        let headers = &known.unwrap_or_else(|| panic!("no {name}")).headers;
        headers[0].trim_start_matches("Bearer ").to_owned()
    }

    /// Everybody whom nobody knows: never, not any more, or not from here.
    pub(super) async fn nobodies(&mut self) {
        let silent = |name: &str, headers: &[&str]| Credential {
            name: name.to_owned(),
            headers: headers.iter().map(|&value| value.to_owned()).collect(),
            shows: None,
            standing: None,
        };
        let token = self.bearer("admin of workspaces/acme");
        let admin = format!("Bearer {token}");
        self.credentials.extend([
            silent("nobody", &[]),
            silent("an empty header", &[""]),
            silent("another scheme", &["Basic YWRtaW46YWRtaW4="]),
            silent("a bearer of nothing", &["Bearer "]),
            silent("a token without its scheme", &[&token]),
            silent("a token and a half", &[&format!("{admin}x")]),
            silent("two tokens", &[&admin, &admin]),
        ]);
        for (name, prefix) in [
            ("member", "kwa_"),
            ("call", "kwc_"),
            ("operator", "kwo_"),
            ("router", "kwr_"),
        ] {
            self.add(&format!("unknown {name} token"), &mint(prefix, 77), None);
        }
        let admin = self.product.speaker(&token);
        self.revoked(&admin).await;
        self.elsewhere(&admin).await;
        self.removed(&admin).await;
        self.expired(&admin).await;
    }

    async fn revoked(&mut self, admin: &Speaker) {
        for (name, role) in [("call", Role::Caller), ("admin", Role::Admin)] {
            let token = admin.token(request(ACME, role, FIRST_ADMIN)).await;
            let speaker = self.product.speaker(&token);
            let itself = pb::TokenServiceRevokeRequest::default();
            speaker
                .vault
                .tokens()
                .revoke(itself)
                .await
                .expect("it ends");
            self.add(&format!("revoked {name} token"), &token, None);
        }
    }

    async fn elsewhere(&mut self, admin: &Speaker) {
        let mut request = request(ACME, Role::Admin, FIRST_ADMIN);
        request.source_networks = vec!["203.0.113.0/24".to_owned()];
        let token = admin.token(request).await;
        self.add("token of another network", &token, None);
    }

    async fn removed(&mut self, admin: &Speaker) {
        let gone = "service:gone";
        member(admin, ACME, gone).await;
        let token = admin.token(request(ACME, Role::Reader, gone)).await;
        let remove = pb::MemberServiceRemoveRequest {
            workspace: ACME.to_owned(),
            subject: gone.to_owned(),
            ..Default::default()
        };
        admin.vault.members().remove(remove).await.expect("gone");
        self.add("token of a member who was removed", &token, None);
    }

    async fn expired(&mut self, admin: &Speaker) {
        let now = UNIX_EPOCH.elapsed().expect("a clock after 1970");
        let soon = UNIX_EPOCH + now + Duration::from_secs(2);
        let mut request = request(ACME, Role::Admin, FIRST_ADMIN);
        request.expire_time = Some(soon.into());
        let token = admin.token(request).await;
        let speaker = self.product.speaker(&token);
        let over = async || {
            let me = pb::TokenServiceWhoAmIRequest {};
            let refused = speaker.vault.tokens().who_am_i(me).await.err()?;
            assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
            Some(())
        };
        wait_for("the end of a token", over).await;
        self.add("expired token", &token, None);
    }
}

/// A router, for one workspace or for every one.
fn router(list: Option<&str>) -> Standing {
    Standing {
        column: 6,
        workspace: None,
        listed: list.map(|id| vec![format!("workspaces/{id}")]),
    }
}

/// What a token's accessor is.
async fn accessor(speaker: &Speaker) -> String {
    let me = pb::TokenServiceWhoAmIRequest {};
    let answer = speaker.vault.tokens().who_am_i(me).await;
    answer.expect("a caller").into_inner().accessor
}

async fn member(admin: &Speaker, workspace: &str, subject: &str) {
    let put = pb::MemberServicePutRequest {
        workspace: workspace.to_owned(),
        subject: subject.to_owned(),
        role: Role::Reader.into(),
        ..Default::default()
    };
    admin.vault.members().put(put).await.expect("a member");
}

fn request(workspace: &str, role: Role, subject: &str) -> pb::TokenServiceCreateRequest {
    pb::TokenServiceCreateRequest {
        workspace: workspace.to_owned(),
        role: role.into(),
        subject: subject.to_owned(),
        reason: "for a test".to_owned(),
        ..Default::default()
    }
}
