//! The same as [`crate::readiness`] of what only servers can do: not to be there, at the start and later.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::vault::v1::TokenServiceWhoAmIRequest;
use keyway_test_servers::Postgres;

use crate::harness::{Broker, Logs, Setup, VaultDatabase, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const BOTH: [(Part, &str); 2] = [(Part::Vault, "database"), (Part::Router, "ledger")];

#[tokio::test]
async fn services_whose_database_is_away_say_so_at_their_start_and_later_and_go_on_by_themselves() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "ready").await;
    let ledger = VaultDatabase::ledger_on(&server, "ready_ledger").await;
    let setup = Setup::new()
        .on(&database)
        .with("KEYWAY_ROUTER__LEDGER__PATH", "")
        .with("KEYWAY_ROUTER__LEDGER__URL", &ledger.url);
    let mut product = setup.start().await;
    for (part, _) in BOTH {
        product.kill(part).await;
    }
    server.crash().expect("crashed");
    for (part, condition) in BOTH {
        product.start_unready(part);
        product.until_missing(part, condition).await;
        let (alive, _) = keyway::ready::get(product.operations(part), "/livez")
            .await
            .expect("an answer");
        assert_eq!(alive, 200);
    }
    let me = TokenServiceWhoAmIRequest {};
    let refused = product.operator().vault.tokens().who_am_i(me).await;
    assert_eq!(
        reason(&refused.unwrap_err()),
        Some(Reason::VaultUnavailable)
    );
    let refused = product.caller().chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::LedgerUnavailable));
    server.restart().expect("restarted");
    for (part, _) in BOTH {
        product.until_well(part).await;
    }
    let _logs = Logs(&product);
    let served = async || product.caller().chat(ask(MODEL)).await.ok();
    wait_for("a call", served).await;

    server.crash().expect("crashed");
    for (part, condition) in BOTH {
        product.until_missing(part, condition).await;
    }
    server.restart().expect("restarted");
    for (part, _) in BOTH {
        product.until_well(part).await;
    }
    wait_for("a call", served).await;
}

#[tokio::test]
async fn a_database_server_that_never_heard_of_a_schema_is_waited_for_too() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "whole").await;
    let empty = VaultDatabase::empty_on(&server, "bare").await;
    let mut product = Setup::new().on(&database).start().await;
    product.kill(Part::Vault).await;
    let environment = &mut product.running.site.environment;
    environment.insert(
        "KEYWAY_VAULT__DATABASE__URL".into(),
        empty.url.clone().into(),
    );
    product.start_unready(Part::Vault);
    product.until_missing(Part::Vault, "migrations").await;
    empty.migrate("vault");
    product.until_well(Part::Vault).await;
}

#[tokio::test]
async fn a_router_without_nats_is_ready_and_degraded_and_mended_by_itself() {
    let broker = Broker::start();
    let product = broker.setup().start().await;
    product.until_well(Part::Router).await;
    for (gone, value) in [(true, 1), (false, 0)] {
        let done = if gone {
            broker.server.crash()
        } else {
            broker.server.restart()
        };
        done.expect("done");
        let told = async || {
            let series = format!("keyway_degraded{{what=\"relay\"}} {value}");
            let (status, body) = product.readyz(Part::Router).await?;
            assert_eq!(status, 200, "{body}");
            let is_so = body.contains("degraded") == gone;
            (is_so && product.metrics(Part::Router).await.contains(&series)).then_some(())
        };
        wait_for("the relay's standing", told).await;
    }
}
