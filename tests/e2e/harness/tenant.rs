//! A workspace of a test's own, made by the RPCs that an operator and an admin use.

use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest, WorkspaceServiceCreateRequest};

use super::{Product, Speaker};

/// A workspace that no call has touched yet: whatever it asks for is cold.
pub(crate) struct Tenant {
    /// `workspaces/{id}`.
    pub(crate) name: String,
    /// Its admin.
    pub(crate) admin: Speaker,
    /// The admin's token.
    pub(crate) token: String,
    /// A client with its call token.
    pub(crate) caller: Speaker,
    /// The call token.
    pub(crate) call_token: String,
}

const ADMIN: &str = "service:first-admin";

impl Product {
    /// Makes a workspace, its admin and a call token.
    pub(crate) async fn tenant(&self, id: &str) -> Tenant {
        let operator = self.operator();
        let create = WorkspaceServiceCreateRequest {
            workspace_id: id.to_owned(),
            display_name: "Made by a test".to_owned(),
            first_admin: ADMIN.to_owned(),
            ..Default::default()
        };
        let created = operator.vault.workspaces().create(create).await;
        let name = created.expect("a workspace").into_inner();
        let name = name.workspace.expect("a workspace").name;
        let request = TokenServiceCreateRequest {
            workspace: name.clone(),
            role: Role::Admin.into(),
            subject: ADMIN.to_owned(),
            reason: "the first admin".to_owned(),
            ..Default::default()
        };
        let token = operator.token(request).await;
        let admin = self.speaker(&token);
        let request = TokenServiceCreateRequest {
            workspace: name.clone(),
            role: Role::Caller.into(),
            ..Default::default()
        };
        let call_token = admin.token(request).await;
        let caller = self.speaker(&call_token);
        Tenant {
            name,
            admin,
            token,
            caller,
            call_token,
        }
    }
}

impl Speaker {
    /// Makes a token and gives its text.
    pub(crate) async fn token(&self, request: TokenServiceCreateRequest) -> String {
        let created = self.vault.tokens().create(request).await;
        created.expect("a token").into_inner().secret
    }
}
