//! The two blocks that rule a workspace: which fields a request changes, and whether they make sense.

use keyway_proto::Fault;
use keyway_proto::convert::{known, named};
use keyway_proto::vault::v1::{
    CredentialMode, FailureClass, Limits, OnDisconnect, OperatorLimits, Policy, UnlistedPaths,
    WorkspaceServiceUpdateRequest,
};
use keyway_words::Usd;

/// Sets what the mask names, or the block that is given where there is no mask. What is named and not
/// given is cleared. Returns the names.
pub(crate) fn apply(
    request: &WorkspaceServiceUpdateRequest,
    policy: &mut Policy,
    limits: &mut OperatorLimits,
) -> Result<Vec<String>, Fault> {
    let paths = paths(request)?;
    let mut given = request.policy.clone().unwrap_or_default();
    check_policy(&given)?;
    exact("policy.limits", given.limits.as_mut())?;
    let given_limits = exact_limits(request.operator_limits.clone())?;
    for path in &paths {
        let known = match path.split_once('.') {
            None if path == "policy" => {
                *policy = given.clone();
                true
            }
            None if path == "operator_limits" => {
                *limits = given_limits.clone();
                true
            }
            Some(("policy", field)) => set_policy(field, policy, &given),
            Some(("operator_limits", field)) => set_operator_limits(field, limits, &given_limits),
            _ => false,
        };
        if !known {
            let accepted = format!("must name only {PATHS}");
            return Err(Fault::field("update_mask", accepted));
        }
    }
    Ok(paths)
}

/// What is to be changed; never nothing.
fn paths(request: &WorkspaceServiceUpdateRequest) -> Result<Vec<String>, Fault> {
    let named = request.update_mask.as_ref().map(|mask| &mask.paths);
    let mut paths = named.cloned().unwrap_or_default();
    if paths.is_empty() {
        let policy = request.policy.as_ref().map(|_block| "policy");
        let limits = request
            .operator_limits
            .as_ref()
            .map(|_block| "operator_limits");
        paths.extend([policy, limits].into_iter().flatten().map(str::to_owned));
    }
    if paths.is_empty() {
        let accepted = format!("must name one or more of {PATHS}");
        return Err(Fault::field("update_mask", accepted));
    }
    Ok(paths)
}

/// Whether there is such a field; then it is set.
fn set_policy(field: &str, policy: &mut Policy, given: &Policy) -> bool {
    match field {
        "credential_mode" => policy.credential_mode = given.credential_mode,
        "fallback_on" => policy.fallback_on.clone_from(&given.fallback_on),
        "on_disconnect_own" => policy.on_disconnect_own = given.on_disconnect_own,
        "on_disconnect_hosted" => policy.on_disconnect_hosted = given.on_disconnect_hosted,
        "unlisted_paths" => policy.unlisted_paths = given.unlisted_paths,
        "limits" => policy.limits.clone_from(&given.limits),
        _ => return set_limit(field, &mut policy.limits, given.limits.as_ref()),
    }
    true
}

fn set_operator_limits(field: &str, limits: &mut OperatorLimits, given: &OperatorLimits) -> bool {
    match field {
        "hosted_allowed" => limits.hosted_allowed = given.hosted_allowed,
        "limits" => limits.limits.clone_from(&given.limits),
        _ => return set_limit(field, &mut limits.limits, given.limits.as_ref()),
    }
    true
}

fn set_limit(field: &str, limits: &mut Option<Limits>, given: Option<&Limits>) -> bool {
    let mut changed = limits.clone().unwrap_or_default();
    let given = given.cloned().unwrap_or_default();
    match field.strip_prefix("limits.") {
        Some("hosted_spend_per_month_usd") => {
            changed.hosted_spend_per_month_usd = given.hosted_spend_per_month_usd;
        }
        Some("hosted_requests_per_minute") => {
            changed.hosted_requests_per_minute = given.hosted_requests_per_minute;
        }
        Some("concurrency") => changed.concurrency = given.concurrency,
        Some(_) | None => return false,
    }
    *limits = Some(changed);
    true
}

const PATHS: &str = "policy, policy.{credential_mode, fallback_on, on_disconnect_own, \
    on_disconnect_hosted, unlisted_paths, limits}, operator_limits, \
    operator_limits.{hosted_allowed, limits}, and below limits: hosted_spend_per_month_usd, \
    hosted_requests_per_minute, concurrency";

/// Every value must be one this build knows.
fn check_policy(policy: &Policy) -> Result<(), Fault> {
    known::<CredentialMode>("policy.credential_mode", policy.credential_mode)?;
    for class in &policy.fallback_on {
        named::<FailureClass>("policy.fallback_on", *class)?;
    }
    known::<OnDisconnect>("policy.on_disconnect_own", policy.on_disconnect_own)?;
    known::<OnDisconnect>("policy.on_disconnect_hosted", policy.on_disconnect_hosted)?;
    known::<UnlistedPaths>("policy.unlisted_paths", policy.unlisted_paths)?;
    Ok(())
}

/// The operator's block, with its amount spelled out.
pub(crate) fn exact_limits(given: Option<OperatorLimits>) -> Result<OperatorLimits, Fault> {
    let mut block = given.unwrap_or_default();
    exact("operator_limits.limits", block.limits.as_mut())?;
    Ok(block)
}

/// Spells an amount with all its twelve digits, or refuses what is none that can be owed.
fn exact(field: &str, limits: Option<&mut Limits>) -> Result<(), Fault> {
    let Some(amount) = limits.and_then(|limits| limits.hosted_spend_per_month_usd.as_mut()) else {
        return Ok(());
    };
    let usd = amount.parse::<Usd>().ok();
    let usd = usd.filter(|usd| !amount.starts_with('-') && usd.parts().is_some());
    *amount = usd
        .ok_or_else(|| {
            Fault::field(
                format!("{field}.hosted_spend_per_month_usd"),
                "must be an amount in USD such as 25 or 25.50, not negative, at most 12 digits after the point",
            )
        })?
        .to_string();
    Ok(())
}

/// The credential mode that holds, for the audit row.
pub(crate) fn mode(policy: &Policy) -> &'static str {
    match policy.credential_mode() {
        CredentialMode::Unspecified => CredentialMode::OwnThenHosted.as_str_name(),
        mode => mode.as_str_name(),
    }
}
