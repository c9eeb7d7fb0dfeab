//! `Rerate`: checked, told on the stream, done, and told again with what came of it.

use std::sync::Arc;

use keyway_chassis::access::Caller;
use keyway_proto::Fault;
use keyway_proto::billing::v1 as wire;
use keyway_router_billing::{RerateRequest, Rerated};
use keyway_router_pricing::Catalogue;
use serde_json::{Value, json};

use super::Services;
use super::asked::{filter, span};
use crate::price::rate_again;

impl Services {
    /// Rates events again. What is written is on the stream before it begins: who, which and why.
    pub(super) async fn rate_again(
        &self,
        asked: wire::RerateRequest,
        caller: &Caller,
    ) -> Result<wire::RerateResponse, Fault> {
        let table = self.table(&asked.price_table).await?;
        let request = request(&asked, table.hash())?;
        let multiplier = self.prices.multiplier();
        let rate = |event: &wire::UsageEvent| rate_again(&table, multiplier, event);
        if !request.dry_run {
            self.tell(&began(&asked, table.hash(), caller)).await?;
        }
        let rerated = self.ledger.rerate(&request, &rate).await?;
        if !request.dry_run {
            self.tell(&ended(table.hash(), rerated)).await?;
        }
        Ok(wire::RerateResponse {
            events: rerated.events,
            corrections: rerated.corrections,
            difference_usd: rerated.difference.to_string(),
        })
    }

    /// The table of a hash, or the one in force.
    async fn table(&self, hash: &str) -> Result<Arc<Catalogue>, Fault> {
        let in_force = self.prices.table();
        if hash.is_empty() || hash == in_force.hash() {
            return Ok(in_force);
        }
        let kept = self.ledger.price_table(hash).await?;
        let kept = kept.and_then(|kept| Catalogue::kept(&kept.json).ok());
        kept.map(Arc::new).ok_or_else(|| {
            let form = "must be the hash of a table that was in force, or empty";
            Fault::field("price_table", form)
        })
    }

    async fn tell(&self, operation: &Value) -> Result<(), Fault> {
        let slot = self.ledger.reserve()?;
        Ok(slot.operation(operation.to_string()).durable().await?)
    }
}

fn request(asked: &wire::RerateRequest, table: &str) -> Result<RerateRequest, Fault> {
    let reason = asked.reason.trim();
    if reason.is_empty() && !asked.dry_run || reason.len() > REASON_BYTES {
        let form = "must say why in at most 512 bytes; it stands in the corrections";
        return Err(Fault::field("reason", form));
    }
    let (from, to) = span(asked.from_time.as_ref(), asked.to_time.as_ref())?;
    Ok(RerateRequest {
        filter: filter(asked.filter.as_ref())?,
        from,
        to,
        price_table: table.to_owned(),
        reason: reason.to_owned(),
        dry_run: asked.dry_run,
    })
}

fn began(asked: &wire::RerateRequest, table: &str, caller: &Caller) -> Value {
    let filter = asked.filter.clone().unwrap_or_default();
    let seconds = |at: Option<&prost_types::Timestamp>| at.map(|at| at.seconds);
    json!({
        "operation": "rerate",
        "price_table": table,
        "workspace": filter.workspace,
        "provider": filter.provider,
        "source": filter.source().as_str_name(),
        "from_seconds": seconds(asked.from_time.as_ref()),
        "to_seconds": seconds(asked.to_time.as_ref()),
        "reason": asked.reason.trim(),
        "by": caller.subject,
        "accessor": caller.accessor,
    })
}

fn ended(table: &str, rerated: Rerated) -> Value {
    json!({
        "operation": "rerated",
        "price_table": table,
        "events": rerated.events,
        "corrections": rerated.corrections,
        "difference_usd": rerated.difference.to_string(),
    })
}

const REASON_BYTES: usize = 512;
