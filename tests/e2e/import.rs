//! `keyway import` as people run it: a file of JSON lines, address and token in the environment.

use std::process::{Output, Stdio};

use keyway_proto::vault::v1::{Key, ListKeysRequest};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::harness::{DEMO, Product};

const SECRETS: [&str; 6] = [
    "sk-keyway-test-import-000001",
    "sk-keyway-test-import-000002",
    "sk-keyway-test-import-000003",
    "sk-keyway-test-import-000004",
    "sk-keyway-test-import-000005",
    "shorty7",
];

/// Seven lines with something on them; the first, third and ninth are good.
fn file() -> String {
    let [one, two, three, four, five, short] = SECRETS;
    let long = "x".repeat(70_000);
    [
        format!(r#"{{"provider":"openai","secret":"{one}","key_name":"old-main"}}"#),
        format!(r#"{{"provider":"openai","secret":"{two}","#),
        format!(
            r#"{{"provider":"exa","secret":"{three}","key_name":"old-search","label":"from the old system"}}"#
        ),
        String::new(),
        format!(r#"{{"provider":"openai","secret":"{four}","key_name":"x","api_key":"{four}"}}"#),
        format!(r#"{{"provider":"openai","secret":"{short}","key_name":"short"}}"#),
        format!(r#"{{"provider":"openai","secret":"{one}","key_name":"old-main"}}"#),
        format!(r#"{{"provider":"openai","secret":"{four}","label":"{long}"}}"#),
        format!(
            r#"{{"provider":"openai","secret":"{five}","key_name":"old-spare","order":7,"expire_time":"2099-01-01T00:00:00Z","allowed_models":["gpt-*"]}}"#
        ),
    ]
    .join("\n")
}

async fn import(vault: &str, token: &str, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
        .env_clear()
        .env("KEYWAY_VAULT", vault)
        .env("KEYWAY_ADMIN_TOKEN", token)
        .arg("import")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Who does not read to the end closes the pipe; that is no failure of the test.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    child.wait_with_output().await.expect("it ends")
}

async fn into(product: &Product, args: &[&str], input: &str) -> Output {
    let vault = product.running.site.addresses.vault.to_string();
    let token = product.running.access.admin_token.expose();
    import(&vault, token, args, input).await
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    for secret in SECRETS {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
    (out, err)
}

async fn stored(product: &Product) -> Vec<Key> {
    let request = ListKeysRequest {
        owner: DEMO.to_owned(),
        ..Default::default()
    };
    let answer = product.admin().vault.keys().list_keys(request).await;
    let mut keys = answer.expect("a list").into_inner().keys;
    keys.retain(|key| key.key_name.starts_with("old-"));
    keys
}

#[tokio::test]
async fn good_lines_are_stored_bad_ones_are_named_and_a_second_run_changes_nothing() {
    let product = Product::start().await;
    let args = ["--owner", DEMO];
    let output = into(&product, &args, &file()).await;
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert_eq!(out, "3 stored, 5 refused\n", "{err}");
    for complaint in [
        "line 2: the line is not one JSON object",
        "line 5: a field is none of owner, provider",
        "line 6: secret: must be 8 to 4096",
        "line 7: key_name: line 1 is of the same key",
        "line 8: the line is longer than 64 KiB",
    ] {
        assert!(err.contains(complaint), "{complaint}: {err}");
    }
    let keys = stored(&product).await;
    let names: Vec<&str> = keys.iter().map(|key| key.key_name.as_str()).collect();
    assert_eq!(names, ["old-search", "old-main", "old-spare"]);
    assert_eq!((keys[2].order, keys[2].allowed_models.len()), (7, 1));
    assert!(keys[2].expire_time.is_some());

    let output = into(&product, &args, &file()).await;
    assert_eq!(said(&output).0, "3 stored, 5 refused\n");
    assert_eq!(stored(&product).await, keys, "nothing changed");

    let rotated = file().replace(SECRETS[4], "sk-keyway-test-import-rotated");
    let output = into(&product, &args, &rotated).await;
    assert_eq!(said(&output).0, "3 stored, 5 refused\n");
    let versions: Vec<u64> = stored(&product)
        .await
        .iter()
        .map(|key| key.version)
        .collect();
    assert_eq!(versions, [1, 1, 2]);
}

#[tokio::test]
async fn a_dry_run_checks_at_the_vault_and_stores_nothing() {
    let product = Product::start().await;
    let output = into(&product, &["--owner", DEMO, "--dry-run"], &file()).await;
    let (out, err) = said(&output);
    assert_eq!(out, "3 good, 5 refused; nothing was stored (--dry-run)\n");
    assert!(err.contains("line 6: secret: must be 8 to 4096"), "{err}");
    assert!(stored(&product).await.is_empty());
}

#[tokio::test]
async fn an_import_that_can_not_go_on_says_why_and_ends_with_another_code() {
    let product = Product::start().await;
    let vault = product.running.site.addresses.vault.to_string();
    let args = ["--owner", DEMO];
    let output = import(&vault, "kwm_not-a-token", &args, &file()).await;
    let (_, err) = said(&output);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("does not know the token"), "{err}");
    assert!(!err.contains("kwm_not-a-token"), "{err}");

    let output = import("127.0.0.1:9", "kwm_x", &args, &file()).await;
    let (_, err) = said(&output);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("can't be reached"), "{err}");

    for (vault, token, told) in [
        (vault.as_str(), "", "KEYWAY_ADMIN_TOKEN is not set"),
        ("nowhere", "kwm_x", "KEYWAY_VAULT must be host:port"),
        ("192.0.2.1:7101", "kwm_x", "plain text"),
    ] {
        let output = import(vault, token, &args, &file()).await;
        let (_, err) = said(&output);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(told), "{err}");
    }
}
