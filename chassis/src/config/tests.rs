use std::time::Duration;

use super::*;

#[derive(Debug)]
struct Sample {
    wait: Duration,
    size: usize,
    count: u32,
    color: String,
    note: Option<String>,
    peers: Vec<String>,
    doors: Vec<String>,
}

impl Settings for Sample {
    fn settings() -> Vec<Setting> {
        let minute = Duration::from_mins(1);
        let words = Kind::List {
            accepted: "words",
            check: |text| text.bytes().all(|b| b.is_ascii_alphabetic()),
        };
        let setting = |path, kind, default| Setting {
            path,
            kind,
            default,
            help: "a sample",
        };
        vec![
            setting(
                "timing.wait",
                Kind::Duration {
                    min: Duration::from_millis(10),
                    max: minute,
                },
                Default::Is("25s"),
            ),
            setting(
                "limits.size",
                Kind::Bytes {
                    min: 1024,
                    max: 1 << 20,
                },
                Default::Is("64KiB"),
            ),
            setting(
                "limits.count",
                Kind::Integer { min: 1, max: 100 },
                Default::Is("5"),
            ),
            setting("color", Kind::Choice(&["red", "green"]), Default::Is("red")),
            setting("note", Kind::Text { max: 10 }, Default::Absent),
            setting("open", Kind::Bool, Default::Is("false")),
            setting("at", Kind::Address, Default::Is("127.0.0.1:1")),
            setting("state", Kind::Path, Default::Absent),
            setting("peers", words, Default::Is("")),
            setting(
                "doors.*.width",
                Kind::Integer { min: 1, max: 9 },
                Default::Absent,
            ),
        ]
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let sample = Self {
            wait: values.get("timing.wait")?,
            size: values.get("limits.size")?,
            count: values.get("limits.count")?,
            color: values.get("color")?,
            note: values.get("note")?,
            peers: values.get("peers")?,
            doors: values.names("doors"),
        };
        if sample.color == "green" && sample.count == 99 {
            return Err(values.refuse("color", "red while limits.count is 99"));
        }
        Ok(sample)
    }
}

fn with(env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Sample, ConfigError> {
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let flags: Vec<_> = flags.iter().map(pair).collect();
    load("router", None, env.iter().map(pair), &flags)
}

fn from_file(text: &str) -> Result<Sample, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.toml");
    std::fs::write(&path, text).unwrap();
    load("router", Some(path), std::iter::empty(), &[])
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.toml");
    std::fs::write(
        &path,
        "peers = [\"a\", \"b\"]\n[limits]\ncount = 2\nsize = \"2KiB\"\n[timing]\nwait = \"1s\"\n",
    )
    .unwrap();
    let env = [
        ("KEYWAY_ROUTER__LIMITS__SIZE", "3KiB"),
        ("KEYWAY_ROUTER__TIMING__WAIT", "2s"),
    ];
    let env = env
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let flags = [("timing.wait".to_owned(), "250ms".to_owned())];
    let sample: Sample = load("router", Some(path), env, &flags).unwrap();
    assert_eq!(sample.count, 2);
    assert_eq!(sample.size, 3072);
    assert_eq!(sample.wait, Duration::from_millis(250));
    assert_eq!(sample.peers, ["a", "b"]);
    assert_eq!(sample.note, None);
}

#[test]
fn every_setting_of_the_sample_refuses_what_it_must_from_every_source() {
    check_every_setting::<Sample>("router");
}

#[test]
fn an_unknown_variable_is_an_error_that_suggests_the_nearest_settings() {
    let error = with(&[("KEYWAY_ROUTER__TIMING__WIAT", "1s")], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "timing.wiat (environment variable KEYWAY_ROUTER__TIMING__WIAT): no such setting; \
         accepted: a known setting; nearest: timing.wait, limits.size, limits.count",
    );
}

#[test]
fn variables_with_one_underscore_or_of_the_other_service_are_not_configuration() {
    let env = [
        ("KEYWAY_ROUTER", "127.0.0.1:7103"),
        ("KEYWAY_ROUTER_X", "1"),
        ("KEYWAY_VAULT__X", "1"),
    ];
    assert!(with(&env, &[]).is_ok());
}

#[test]
fn an_error_never_shows_the_value_that_was_given() {
    for error in [
        with(&[("KEYWAY_ROUTER__COLOR", "sk-keyway-test-1")], &[]).unwrap_err(),
        with(&[], &[("color", "sk-keyway-test-1")]).unwrap_err(),
        from_file("color = \"sk-keyway-test-1\"").unwrap_err(),
        from_file("color = \"red\"\nsk-keyway-test-1").unwrap_err(),
    ] {
        assert!(!error.to_string().contains("sk-keyway-test-1"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_by_its_line() {
    let error = from_file("color = \"red\"\nnonsense\n").unwrap_err();
    assert_eq!(error.problem, Problem::Malformed);
    assert!(error.accepted.contains("line 2"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let error = load::<Sample>(
        "router",
        Some("/nowhere/x.toml".into()),
        std::iter::empty(),
        &[],
    );
    let error = error.unwrap_err();
    assert_eq!(error.problem, Problem::Unreadable);
    assert!(
        error
            .to_string()
            .starts_with("--config (file /nowhere/x.toml): can't be read;")
    );
}

#[test]
fn a_table_in_the_place_of_a_value_is_a_wrong_type() {
    assert_eq!(
        from_file("[color]\nred = 1\n").unwrap_err().problem,
        Problem::WrongType
    );
    assert_eq!(
        from_file("limits = 1\n").unwrap_err().problem,
        Problem::Unknown
    );
    assert_eq!(
        from_file("\"limits.count\" = 1\n").unwrap_err().problem,
        Problem::Unknown
    );
    assert_eq!(
        from_file("limits.count = -1\n").unwrap_err().problem,
        Problem::NotAccepted
    );
}

#[test]
fn a_value_that_conflicts_with_another_names_its_source() {
    let error = with(
        &[("KEYWAY_ROUTER__COLOR", "green")],
        &[("limits.count", "99")],
    )
    .unwrap_err();
    assert_eq!(error.problem, Problem::Conflict);
    assert!(
        error.to_string().contains("KEYWAY_ROUTER__COLOR"),
        "{error}"
    );
}

#[test]
fn an_empty_text_unsets_what_may_be_absent() {
    assert_eq!(
        with(&[("KEYWAY_ROUTER__NOTE", "hi")], &[("note", "")])
            .unwrap()
            .note,
        None
    );
}

#[test]
fn names_that_the_operator_chooses_are_listed() {
    let env = [
        ("KEYWAY_ROUTER__DOORS__MAIN__WIDTH", "3"),
        ("KEYWAY_ROUTER__DOORS__BACK__WIDTH", "4"),
    ];
    assert_eq!(with(&env, &[]).unwrap().doors, ["back", "main"]);
    assert!(with(&[("KEYWAY_ROUTER__DOORS__MAIN__HEIGHT", "3")], &[]).is_err());
}

#[test]
fn asking_for_what_is_not_declared_is_an_error_and_not_a_default() {
    let values = Values::defaults(Sample::settings()).unwrap();
    assert_eq!(
        values.get::<u64>("nothing").unwrap_err().problem,
        Problem::Undeclared
    );
    assert_eq!(
        values.get::<bool>("color").unwrap_err().problem,
        Problem::Undeclared
    );
}

/// A setting that is a secret.
#[derive(Debug)]
struct Safe(Option<SecretText>);

impl Settings for Safe {
    fn settings() -> Vec<Setting> {
        vec![Setting {
            path: "safe.code",
            kind: Kind::Secret { accepted: "a code" },
            default: Default::Absent,
            help: "a sample",
        }]
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        values.get("safe.code").map(Self)
    }
}

#[test]
fn a_secret_is_taken_from_the_environment_alone_and_never_shown() {
    check_every_setting::<Safe>("sample");
    let planted = "planted-4711";
    let variable = ("KEYWAY_SAMPLE__SAFE__CODE".to_owned(), planted.to_owned());
    let safe = load::<Safe>("sample", None, std::iter::once(variable), &[]).unwrap();
    assert_eq!(safe.0.as_ref().unwrap().secret().expose(), planted);
    assert!(!format!("{safe:?}").contains(planted));

    let flag = [("safe.code".to_owned(), planted.to_owned())];
    let by_flag = load::<Safe>("sample", None, std::iter::empty(), &flag).unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.toml");
    std::fs::write(&file, format!("safe.code = \"{planted}\"\n")).unwrap();
    let by_file = load::<Safe>("sample", Some(file), std::iter::empty(), &[]).unwrap_err();
    for error in [by_flag, by_file] {
        let line = error.to_string();
        assert!(line.contains("only in the environment: a code"), "{line}");
        assert!(!line.contains(planted), "{line}");
    }
}
