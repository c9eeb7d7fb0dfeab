use super::*;

fn call(model: &str) -> ChatCall {
    ChatCall {
        model: model.into(),
        ..ChatCall::default()
    }
}

fn refused_field(call: &ChatCall) -> Option<&'static str> {
    match check(call) {
        Ok(()) => None,
        Err(EncodeError::Unsupported { field, .. } | EncodeError::Invalid { field, .. }) => {
            Some(field)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn documented_bounds_are_checked() {
    type Change = fn(&mut ChatCall);
    let cases: [(&str, Change, Option<&str>); 8] = [
        ("gpt-4.1", |call| call.stop = vec!["x".into(); 4], None),
        (
            "gpt-4.1",
            |call| call.stop = vec!["x".into(); 5],
            Some("stop"),
        ),
        (
            "o3-2025-04-16",
            |call| call.stop = vec!["x".into()],
            Some("stop"),
        ),
        (
            "gpt-4.1",
            |call| call.temperature = "2.0".parse().ok(),
            None,
        ),
        (
            "gpt-4.1",
            |call| call.temperature = "2.1".parse().ok(),
            Some("temperature"),
        ),
        (
            "gpt-4.1",
            |call| call.top_p = "1.01".parse().ok(),
            Some("top_p"),
        ),
        (
            "gpt-6-sol",
            |call| call.temperature = "1".parse().ok(),
            Some("temperature"),
        ),
        (
            "gpt-4.1",
            |call| call.end_user = Some("u".repeat(65)),
            Some("end_user"),
        ),
    ];
    for (model, change, field) in cases {
        let mut call = call(model);
        change(&mut call);
        assert_eq!(refused_field(&call), field, "{model}");
    }
}
