//! The page of admin commands as it stands, by one shell with the real grpcurl, against a running pair.

use serde_json::{Deserializer, Value};

use super::grpcurl::{Said, Watched};
use crate::admin::{BLOCK, PAGE, Row, Table};
use crate::docs::read;
use crate::harness::Logs;
use crate::rotation::world::{World, new_key};

const PROVIDER_KEY: &str = "sk-ant-keyway-admin-page-0001";
const PLATFORM_KEY: &str = "sk-keyway-admin-page-0002";

fn script() -> String {
    let page = read(PAGE);
    let blocks = page.split(BLOCK).skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().expect("a block"));
    blocks.collect()
}

/// Whether an answer has what the table says, and where it has not.
fn has(said: &Value, expected: &Value) -> Result<(), String> {
    let differs = || format!("{said} is not {expected}");
    match (said, expected) {
        (Value::String(_), Value::String(any)) if any == "*" => Ok(()),
        (Value::Object(said), Value::Object(expected)) => {
            expected.iter().try_for_each(|(name, expected)| {
                let field = said.get(name).ok_or_else(|| format!("no {name}"))?;
                has(field, expected).map_err(|cause| format!("{name}: {cause}"))
            })
        }
        (Value::Array(list), Value::Array(expected)) if list.len() >= expected.len() => list
            .iter()
            .zip(expected)
            .try_for_each(|(said, expected)| has(said, expected)),
        _ => (said == expected).then_some(()).ok_or_else(differs),
    }
}

fn is_as_the_table_says(said: &Said, row: &Row) -> Result<(), String> {
    if let Some(fails) = &row.fails {
        let head = format!(
            "ERROR:\n  Code: {}\n  Message: {}\n",
            fails.code, fails.message
        );
        let reason = format!("\"reason\": \"{}\"", fails.reason);
        let error = said.error.replace("\":  ", "\": ");
        let right = error.starts_with(&head) && error.contains(&reason) && said.answer.is_empty();
        return right.then_some(()).ok_or(error);
    }
    let messages: Result<Vec<Value>, _> =
        Deserializer::from_str(&said.answer).into_iter().collect();
    let messages = messages.map_err(|error| error.to_string())?;
    if !said.error.is_empty() {
        return Err(said.error.clone());
    }
    let expected = row.answers.iter().flatten();
    in_order(messages.iter(), expected)
}

/// Whether the messages of a stream come in order. There may be others between them.
fn in_order<'a>(
    mut said: impl Iterator<Item = &'a Value>,
    mut expected: impl Iterator<Item = &'a Value>,
) -> Result<(), String> {
    expected.try_for_each(|expected| {
        let mut cause = format!("nothing more said, but {expected} expected");
        for message in said.by_ref() {
            match has(message, expected) {
                Ok(()) => return Ok(()),
                Err(differs) => cause = differs,
            }
        }
        Err(cause)
    })
}

#[tokio::test]
async fn every_command_of_the_page_answers_what_it_says() {
    let world = World::start().await;
    let product = &world.product;
    let _logs = Logs(product);
    new_key(&world.keys().join("2"));
    let folder = product.state().parent().expect("a folder");
    let grpcurl = Watched::in_folder(folder);
    let addresses = &product.running.site.addresses;
    let run = grpcurl
        .shell(&script())
        .current_dir(folder)
        .env("KEYWAY_VAULT", addresses.vault.to_string())
        .env("KEYWAY_ROUTER", addresses.router.to_string())
        .env(
            "KEYWAY_OPERATOR_TOKEN",
            product.running.access.operator_token.expose(),
        )
        .env("PROVIDER_KEY", PROVIDER_KEY)
        .env("PLATFORM_KEY", PLATFORM_KEY)
        .output();
    let run = run.await.expect("bash");
    let shown = String::from_utf8(run.stdout).expect("text");

    let said = grpcurl.said();
    let table = Table::read();
    let rows: Vec<_> = table.rows().collect();
    let checked = rows.iter().zip(&said).map(|(row, said)| {
        let right = is_as_the_table_says(said, row);
        right.map_err(|cause| format!("{}, {}: {cause}", row.rpc, row.says))
    });
    let wrong: Vec<_> = checked.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(said.len(), rows.len(), "{shown}");
    for secret in ["kwa_", "kwc_", "kwo_", PROVIDER_KEY, PLATFORM_KEY] {
        assert!(!shown.contains(secret), "a secret was shown: {secret}");
        let argv = grpcurl.argv();
        assert!(!argv.contains(secret), "in a command line: {secret}");
    }
}

#[test]
fn an_answer_that_lacks_or_differs_is_found() {
    let said = serde_json::json!({"a": "text", "b": [{"c": 1}, {"c": 2}], "d": {"e": "1"}});
    let has = |expected: &str| has(&said, &expected.parse().expect("JSON")).is_ok();
    for right in [
        r"{}",
        r#"{"a": "*"}"#,
        r#"{"b": [{}, {"c": 2}]}"#,
        r#"{"d": {"e": "1"}}"#,
    ] {
        assert!(has(right), "{right}");
    }
    for wrong in [
        r#"{"z": "*"}"#,
        r#"{"b": "*"}"#,
        r#"{"b": [{"c": 2}]}"#,
        r#"{"b": [{}, {}, {}]}"#,
    ] {
        assert!(!has(wrong), "{wrong}");
    }
}
