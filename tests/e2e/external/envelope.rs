//! What the vault has sealed, opened by another implementation from the documented format.

use serde_json::json;

use super::sdk::python;
use crate::harness::{DEMO, Logs, Product};

#[tokio::test]
async fn another_implementation_opens_what_the_vault_sealed_and_only_in_its_place() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let mut expected = serde_json::Map::new();
    for (provider, secret) in [
        ("openai", "sk-keyway-test-0123456789".to_owned()),
        ("anthropic", "x".repeat(4096)),
        ("exa", "eight888".to_owned()),
    ] {
        admin.put_key(DEMO, provider, &secret).await.expect("a key");
        expected.insert(format!("{DEMO}/keys/{provider}/default"), json!(secret));
    }
    let state = &product.running.site.state;
    let (database, master) = (state.vault_database(), state.master_key());
    let args = [database, master].map(|path| path.to_str().expect("UTF-8").to_owned());
    let input = serde_json::Value::from(expected).to_string();
    let (right, said) = python("open_envelope.py", &[&args[0], &args[1]], &input, &[]).await;
    assert!(right, "{said}");
    assert!(said.contains("data keys unwrapped"), "{said}");
}
