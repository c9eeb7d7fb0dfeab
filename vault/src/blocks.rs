//! The two blocks that rule a workspace: which fields a request changes, and whether they make sense.

use keyway_proto::Fault;
use keyway_proto::vault::v1::{
    CredentialMode, FailureClass, Limits, OnDisconnect, OperatorLimits, Policy, UnlistedPaths,
    WorkspaceServiceUpdateRequest,
};
use keyway_words::Usd;

/// Sets what the mask names, or the block that is given where there is no mask. Returns the names.
pub(crate) fn apply(
    request: &WorkspaceServiceUpdateRequest,
    policy: &mut Policy,
    limits: &mut OperatorLimits,
) -> Result<Vec<String>, Fault> {
    let mut paths = request
        .update_mask
        .as_ref()
        .map_or_else(Vec::new, |mask| mask.paths.clone());
    if paths.is_empty() {
        paths.extend(request.policy.as_ref().map(|_block| "policy".to_owned()));
        paths.extend(
            request
                .operator_limits
                .as_ref()
                .map(|_block| "operator_limits".to_owned()),
        );
    }
    if paths.is_empty() {
        return Err(Fault::field(
            "update_mask",
            format!("must name one or more of {PATHS}"),
        ));
    }
    let given = request.policy.clone().unwrap_or_default();
    check_policy(&given)?;
    let given_limits = request.operator_limits.clone().unwrap_or_default();
    check_limits("operator_limits.limits", given_limits.limits.as_ref())?;
    for path in &paths {
        match path.as_str() {
            "policy" => *policy = given.clone(),
            "policy.credential_mode" => policy.credential_mode = given.credential_mode,
            "policy.fallback_on" => policy.fallback_on.clone_from(&given.fallback_on),
            "policy.on_disconnect_own" => policy.on_disconnect_own = given.on_disconnect_own,
            "policy.on_disconnect_hosted" => {
                policy.on_disconnect_hosted = given.on_disconnect_hosted;
            }
            "policy.unlisted_paths" => policy.unlisted_paths = given.unlisted_paths,
            "policy.limits" => policy.limits.clone_from(&given.limits),
            "operator_limits" => *limits = given_limits.clone(),
            "operator_limits.hosted_allowed" => limits.hosted_allowed = given_limits.hosted_allowed,
            "operator_limits.limits" => limits.limits.clone_from(&given_limits.limits),
            _ => {
                return Err(Fault::field(
                    "update_mask",
                    format!("must name only {PATHS}"),
                ));
            }
        }
    }
    Ok(paths)
}

const PATHS: &str = "policy, policy.{credential_mode, fallback_on, on_disconnect_own, \
    on_disconnect_hosted, unlisted_paths, limits}, operator_limits, \
    operator_limits.{hosted_allowed, limits}";

/// Every value must be one this build knows: an unknown one would be read as the default, which
/// may allow more than was meant.
fn check_policy(policy: &Policy) -> Result<(), Fault> {
    known(
        "policy.credential_mode",
        CredentialMode::try_from(policy.credential_mode).is_ok(),
    )?;
    let class = |class: &i32| {
        FailureClass::try_from(*class).is_ok_and(|class| class != FailureClass::Unspecified)
    };
    known("policy.fallback_on", policy.fallback_on.iter().all(class))?;
    known(
        "policy.on_disconnect_own",
        OnDisconnect::try_from(policy.on_disconnect_own).is_ok(),
    )?;
    known(
        "policy.on_disconnect_hosted",
        OnDisconnect::try_from(policy.on_disconnect_hosted).is_ok(),
    )?;
    known(
        "policy.unlisted_paths",
        UnlistedPaths::try_from(policy.unlisted_paths).is_ok(),
    )?;
    check_limits("policy.limits", policy.limits.as_ref())
}

fn known(field: &str, holds: bool) -> Result<(), Fault> {
    if holds {
        Ok(())
    } else {
        Err(Fault::field(field, "must be one of the values of its type"))
    }
}

/// Limits whose amount can be read.
pub(crate) fn check_limits(field: &str, limits: Option<&Limits>) -> Result<(), Fault> {
    let amount = limits.and_then(|limits| limits.hosted_spend_per_month_usd.as_deref());
    let good = amount.is_none_or(|text| !text.starts_with('-') && text.parse::<Usd>().is_ok());
    if good {
        return Ok(());
    }
    Err(Fault::field(
        format!("{field}.hosted_spend_per_month_usd"),
        "must be an amount in USD such as 25 or 25.50, not negative, at most 12 digits after the point",
    ))
}

/// The credential mode that holds, for the audit row.
pub(crate) fn mode(policy: &Policy) -> &'static str {
    match policy.credential_mode() {
        CredentialMode::Unspecified => CredentialMode::OwnThenHosted.as_str_name(),
        mode => mode.as_str_name(),
    }
}
