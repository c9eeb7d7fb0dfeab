//! What a first start puts into the vault — the demo workspace, its tokens, the platform's keys — and
//! what a later start finds there again.

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use keyway_chassis::proto::Reason;
use keyway_chassis::proto::vault::v1::{
    GetKeyRequest, PutKeyRequest, Role, TokenServiceCreateRequest, TokenServiceWhoAmIRequest,
    WorkspaceServiceCreateRequest,
};
use keyway_words::{ProviderId, Secret};

use crate::client::{Session, is, refused};
use crate::providers::{Place, Placed};

/// Id of the demo workspace.
pub(crate) const WORKSPACE_ID: &str = "demo";
/// Resource name of the demo workspace.
pub(crate) const WORKSPACE: &str = "workspaces/demo";
/// Its first admin.
const ADMIN: &str = "service:demo-admin";
/// Label of platform keys that the launcher stored, followed by where the key is from.
const LABEL: &str = "stored by the launcher: ";

/// Makes the demo workspace if it is not there.
pub(crate) async fn workspace(operator: &Session) -> Result<()> {
    let request = WorkspaceServiceCreateRequest {
        workspace_id: WORKSPACE_ID.to_owned(),
        display_name: "Demo".to_owned(),
        first_admin: ADMIN.to_owned(),
        ..Default::default()
    };
    match operator.workspaces().create(request).await {
        Ok(_) => Ok(()),
        Err(status) if is(&status, Reason::AlreadyExists) => Ok(()),
        Err(status) => Err(refused("can't make the demo workspace", &status)),
    }
}

/// Whether the vault still takes a token for `role` in the demo workspace.
pub(crate) async fn is_good(session: &Session, role: Role) -> Result<bool> {
    match session
        .tokens()
        .who_am_i(TokenServiceWhoAmIRequest {})
        .await
    {
        Ok(answer) => Ok(answer.get_ref().role() == role),
        Err(status) if is(&status, Reason::CallerUnknown) => Ok(false),
        Err(status) => Err(refused("can't ask the vault about a token", &status)),
    }
}

/// A new admin token, by the operator.
pub(crate) async fn admin_token(operator: &Session) -> Result<Secret> {
    let request = TokenServiceCreateRequest {
        workspace: WORKSPACE.to_owned(),
        role: Role::Admin.into(),
        subject: ADMIN.to_owned(),
        label: "demo admin".to_owned(),
        reason: "the launcher has no token of the demo admin".to_owned(),
        ..Default::default()
    };
    token(operator, request)
        .await
        .context("can't make the demo admin's token")
}

/// A new call token, by the demo's admin.
pub(crate) async fn call_token(admin: &Session) -> Result<Secret> {
    let request = TokenServiceCreateRequest {
        workspace: WORKSPACE.to_owned(),
        role: Role::Caller.into(),
        label: "demo calls".to_owned(),
        ..Default::default()
    };
    token(admin, request)
        .await
        .context("can't make the demo's call token")
}

async fn token(session: &Session, request: TokenServiceCreateRequest) -> Result<Secret> {
    let answer = session.tokens().create(request).await;
    let answer = answer.map_err(|status| refused("the vault refuses", &status))?;
    Ok(Secret::new(answer.into_inner().secret))
}

/// Stores the platform's keys as the places say, and says what it did.
pub(crate) async fn platform_keys(
    operator: &Session,
    placed: &[Placed],
    out: &mut dyn Write,
) -> Result<()> {
    let mut simulated = Vec::new();
    for Placed { provider, place } in placed {
        match place {
            Place::Real { variable, key } => {
                let label = format!("{LABEL}{variable}");
                let mask = put(operator, *provider, key, &label).await?;
                writeln!(
                    out,
                    "  {provider}: real, with the key of {variable} ({mask}) as the platform's"
                )?;
            }
            Place::Simulator => {
                simulator_key(operator, *provider).await?;
                simulated.push(provider.as_str());
            }
            Place::Elsewhere => writeln!(
                out,
                "  {provider}: where its base URL is set to, with whatever key is stored"
            )?,
        }
    }
    if !simulated.is_empty() {
        let names = simulated.join(", ");
        writeln!(
            out,
            "  {names}: at the simulator; no money is spent (no provider key in the environment)"
        )?;
    }
    Ok(())
}

/// Stores a worthless platform key, unless an operator has stored one by hand.
async fn simulator_key(operator: &Session, provider: ProviderId) -> Result<()> {
    let label = format!("{LABEL}simulator");
    let name = format!("platform/keys/{provider}/default");
    match operator.keys().get_key(GetKeyRequest { name }).await {
        Ok(answer) => {
            let found = answer.into_inner().key.unwrap_or_default().label;
            // A real key from an earlier start must not go on to the simulator.
            if found == label || !found.starts_with(LABEL) {
                return Ok(());
            }
        }
        Err(status) if is(&status, Reason::KeyNotFound) => {}
        Err(status) => return Err(refused("can't read the platform's keys", &status)),
    }
    let key = Secret::new(format!("sk-keyway-simulator-{provider}-hosted"));
    put(operator, provider, &key, &label).await.map(drop)
}

async fn put(
    operator: &Session,
    provider: ProviderId,
    key: &Secret,
    label: &str,
) -> Result<String> {
    let request = PutKeyRequest {
        owner: "platform".to_owned(),
        provider: provider.to_string(),
        secret: key.expose().to_owned(),
        label: label.to_owned(),
        ..Default::default()
    };
    let answer = operator.keys().put_key(request).await;
    let answer = answer.map_err(|status| {
        refused(
            &format!("can't store the platform's key for {provider}"),
            &status,
        )
    })?;
    match answer.into_inner().key {
        Some(key) => Ok(key.mask),
        None => bail!("the vault stored the platform's key for {provider} and did not show it"),
    }
}
