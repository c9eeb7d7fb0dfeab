use serde_json::json;

use super::*;

fn asked(text: &str) -> Asked {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = ["get_weather", "get_time"].map(|name| Tool {
        name: name.to_owned(),
        schema: schema.clone(),
    });
    Asked {
        last_user: text.to_owned(),
        tools: tools.into(),
        factor: 1,
        ..Asked::default()
    }
}

fn answered(asked: &Asked) -> Answer {
    answer(asked, &Action::default())
}

#[test]
fn the_text_and_its_count_follow_from_the_request() {
    let answer = answered(&asked("hello"));
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("You said: hello", Finish::Stop)
    );
    assert_eq!(answer.counts.output, 4);
    let answer = answered(&Asked {
        factor: 10,
        ..asked("hello")
    });
    assert_eq!(answer.counts.output, 40);
}

#[test]
fn tools_are_called_when_asked_for() {
    let names = |asked: &Asked| {
        answered(asked)
            .calls
            .into_iter()
            .map(|call| call.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&asked("hello")), [""; 0]);
    assert_eq!(names(&asked("please get_time")), ["get_time"]);
    assert_eq!(names(&asked("[sim:tools]")), ["get_weather", "get_time"]);
    assert_eq!(
        names(&Asked {
            one_call_only: true,
            ..asked("[sim:tools]")
        }),
        ["get_weather"]
    );
    assert_eq!(
        names(&Asked {
            choice: Choice::Any,
            ..asked("hello")
        }),
        ["get_weather"]
    );
    assert_eq!(
        names(&Asked {
            choice: Choice::None,
            ..asked("[sim:tool]")
        }),
        [""; 0]
    );
    let after = Asked {
        tool_result: Some("18 C".to_owned()),
        ..asked("get_weather")
    };
    assert_eq!(answered(&after).text, "The tool said: 18 C");
}

#[test]
fn the_limit_is_spent_on_reasoning_first() {
    let short = answered(&Asked {
        limit: Some(2),
        ..asked("hello")
    });
    assert_eq!(
        (short.text.as_str(), short.finish),
        ("You said", Finish::Length)
    );
    let none = answered(&Asked {
        limit: Some(64),
        reasoning: 64,
        ..asked("hello")
    });
    assert_eq!((none.text.as_str(), none.finish), ("", Finish::Length));
    assert_eq!((none.counts.output, none.counts.reasoning), (64, 64));
}

#[test]
fn a_stop_sequence_ends_the_text() {
    let answer = answered(&Asked {
        stops: vec!["hel".to_owned()],
        ..asked("hello")
    });
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("You said: ", Finish::Sequence("hel".to_owned()))
    );
}

#[test]
fn scripted_counts_are_not_multiplied() {
    let usage = Counts {
        input: 5,
        output: 6,
        ..Counts::default()
    };
    let action = Action {
        usage: Some(usage),
        ..Action::default()
    };
    assert_eq!(
        answer(
            &Asked {
                factor: 10,
                ..asked("x")
            },
            &action
        )
        .counts,
        usage
    );
}

#[test]
fn deltas_join_to_the_text_through_no_character() {
    let text = "Hello and bonjour — 你好 👋";
    assert_eq!(deltas(text).concat(), text);
    assert!(deltas(text).len() > 2);
}
