//! Lists of models: what a check of a key reads.

use serde_json::json;

use crate::manifest::{Row, rows};

pub(crate) fn tested_ids() -> Vec<String> {
    lists().map(|row| row.id).collect()
}

fn lists() -> impl Iterator<Item = Row> {
    let rows = rows("response").into_iter();
    rows.filter(|row| row.expect.get("ids").is_some())
}

#[test]
fn every_list_of_models_is_the_answer_to_a_check_of_a_key() {
    for row in lists() {
        let adapter = row.adapter();
        let probed = adapter.probe_reply(&row.bytes()).unwrap();
        assert_eq!(json!(probed.models), row.expect["ids"], "{}", row.id);
        assert_eq!(probed.used, None, "{}", row.id);

        let probe = adapter.probe().unwrap();
        let path = probe.path.split('?').next().unwrap();
        let base = adapter.base_url();
        let endpoint = format!("{} {base}{path}", probe.method);
        let asked = row.endpoint.replace(' ', " https://").split_off(4);
        assert!(
            endpoint.ends_with(asked.trim_start_matches("https://")),
            "{}: {endpoint}",
            row.id
        );
    }
}

#[test]
fn a_check_that_is_a_paid_search_says_what_it_used() {
    let mut searches = rows("response").into_iter();
    let row = searches
        .find(|row| row.id == "exa/search_plain.response")
        .unwrap();
    let probed = row.adapter().probe_reply(&row.bytes()).unwrap();
    let (model, used) = probed.used.unwrap();
    assert_eq!((model, probed.models.len()), ("lite", 0));
    let cost = row.expect["cost"].as_str().unwrap().parse().unwrap();
    assert_eq!(used.provider_cost, Some(cost));
    assert!(row.adapter().probe_reply(b"<html>").is_err());
}
