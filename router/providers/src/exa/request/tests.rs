use super::*;

fn call(model: &str) -> SearchCall {
    let query = if model == "contents" { "" } else { "q" };
    let urls = if model == "contents" {
        vec!["https://example.com".to_owned()]
    } else {
        vec![]
    };
    SearchCall {
        model: model.into(),
        query: query.into(),
        urls,
        ..SearchCall::default()
    }
}

fn refused_field(call: &SearchCall) -> Option<&'static str> {
    match search(call) {
        Ok(_request) => None,
        Err(EncodeError::Unsupported { field, .. } | EncodeError::Invalid { field, .. }) => {
            Some(field)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_kind_chooses_the_endpoint_and_an_unknown_one_is_left_to_the_provider() {
    for (model, path) in [
        ("auto", "/search"),
        ("brand-new", "/search"),
        ("contents", "/contents"),
        ("answer", "/answer"),
    ] {
        assert_eq!(search(&call(model)).unwrap().path, path);
    }
}

#[test]
fn a_field_that_the_endpoint_has_not_is_refused() {
    type Change = fn(&mut SearchCall);
    let schema: Change = |call| call.output_schema = JsonObject::parse("{}").ok();
    let cases: [(&str, Change, Option<&str>); 10] = [
        (
            "answer",
            |call| call.max_results = Some(3),
            Some("max_results"),
        ),
        (
            "answer",
            |call| call.contents.summary = true,
            Some("contents.summary"),
        ),
        ("contents", |call| call.query = "q".into(), Some("query")),
        ("auto", |call| call.urls = vec!["u".into()], Some("urls")),
        ("auto", |call| call.query.clear(), Some("query")),
        ("contents", |call| call.urls.clear(), Some("urls")),
        (
            "auto",
            |call| call.max_results = Some(101),
            Some("max_results"),
        ),
        ("auto", schema, Some("output_schema_json")),
        ("deep", schema, None),
        ("answer", schema, None),
    ];
    for (model, change, field) in cases {
        let mut call = call(model);
        change(&mut call);
        assert_eq!(refused_field(&call), field, "{model}");
    }
}
