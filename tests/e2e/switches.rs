//! The operator's switches, hot: a file that changes is in force without a restart.

use std::path::Path;

use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use serde_json::{Value, json};

use crate::harness::{Product, Setup, Speaker, ask, reason, wait_for};

const OPENAI: &str = "openai/gpt-5-mini";
const ANTHROPIC: &str = "anthropic/claude-haiku-4-5";

async fn refusal(caller: &Speaker, model: &str) -> Option<Reason> {
    caller
        .chat(ask(model))
        .await
        .err()
        .and_then(|status| reason(&status))
}

/// Writes the file and waits until a call meets it.
async fn switched(file: &Path, text: &str, caller: &Speaker, model: &str, off: bool) {
    std::fs::write(file, text).expect("a file");
    let met = async || {
        let refusal = refusal(caller, model).await;
        (refusal == off.then_some(Reason::SwitchedOff)).then_some(())
    };
    wait_for("the switch", met).await;
}

#[tokio::test]
async fn each_switch_stops_what_it_names_without_a_restart_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("switches.json");
    std::fs::write(&file, "").expect("a file");
    let setup = Setup::new().with("KEYWAY_ROUTER__SWITCHES__FILE", file.to_str().unwrap());
    let product: Product = setup.start().await;
    let caller = product.caller();
    let tenant = product.tenant("own-keys").await;
    let secret = "sk-keyway-test-switch-0001";
    tenant
        .admin
        .put_key(&tenant.name, "openai", secret)
        .await
        .unwrap();
    assert_eq!(
        tenant.caller.chat_once(OPENAI).await.0.source(),
        Source::Own
    );

    let text = json!({"models": [OPENAI]}).to_string();
    switched(&file, &text, &caller, OPENAI, true).await;
    assert_eq!(
        refusal(&tenant.caller, OPENAI).await,
        Some(Reason::SwitchedOff)
    );
    assert_eq!(refusal(&caller, ANTHROPIC).await, None);

    let text = json!({"providers": ["anthropic"]}).to_string();
    switched(&file, &text, &caller, ANTHROPIC, true).await;
    assert_eq!(refusal(&caller, OPENAI).await, None);

    let text = json!({"workspaces": [tenant.name]}).to_string();
    switched(&file, &text, &tenant.caller, OPENAI, true).await;
    assert_eq!(refusal(&caller, OPENAI).await, None);

    // All hosted calls: an own key goes on.
    switched(&file, r#"{"hosted": true}"#, &caller, OPENAI, true).await;
    assert_eq!(refusal(&tenant.caller, OPENAI).await, None);
    assert_eq!(
        refusal(&tenant.caller, ANTHROPIC).await,
        Some(Reason::SwitchedOff)
    );

    // Each change is on the stream, for those who see all of it.
    let events = product.operator().operations(4).await;
    let told: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(&event.operation_json).unwrap())
        .collect();
    assert_eq!(told[0]["went_off"], json!([format!("model {OPENAI}")]));
    assert_eq!(told[1]["came_on"], json!([format!("model {OPENAI}")]));
    assert_eq!(told[3]["off"], json!(["hosted"]));
    assert!(events.iter().all(|event| event.charge_usd.is_none()));

    // What can't be read leaves it as it is, and says so.
    std::fs::write(&file, "{").expect("a file");
    let refused = async || {
        let log =
            std::fs::read_to_string(product.state().join("logs/router.log")).unwrap_or_default();
        log.contains("what was off stays off").then_some(())
    };
    wait_for("the refusal in the log", refused).await;
    assert_eq!(refusal(&caller, OPENAI).await, Some(Reason::SwitchedOff));
    switched(&file, "", &caller, OPENAI, false).await;
}
