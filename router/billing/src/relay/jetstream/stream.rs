//! The stream on the server: made if it is missing, checked if it is there.

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

use super::{JetStreamConfig, away};
use crate::relay::PublishError;

/// The stream, if the bill can be trusted to it.
pub(super) async fn ready(
    context: &Context,
    config: &JetStreamConfig,
) -> Result<Stream, PublishError> {
    let stream = match context.get_stream(&config.stream).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error.kind()) => context
            .create_stream(wanted(config))
            .await
            .map_err(|error| away(&error))?,
        Err(error) => return Err(away(&error)),
    };
    unsuitable(&stream.cached_info().config, config).map_or(Ok(stream), Err)
}

fn is_missing(kind: &GetStreamErrorKind) -> bool {
    let missing = ErrorCode::STREAM_NOT_FOUND;
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == missing)
}

fn wanted(config: &JetStreamConfig) -> Config {
    Config {
        name: config.stream.clone(),
        description: Some("Keyway's billing stream".to_owned()),
        subjects: vec![subjects(config)],
        // A stream that is full refuses; it never drops what was not read.
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: config.replicas,
        duplicate_window: config.deduplicate,
        ..Config::default()
    }
}

fn subjects(config: &JetStreamConfig) -> String {
    format!("{}.>", config.subject)
}

/// What is wrong with a stream that somebody else made or changed.
fn unsuitable(found: &Config, config: &JetStreamConfig) -> Option<PublishError> {
    let name = &config.stream;
    let (all, replicas) = (subjects(config), config.replicas);
    let wrong = if !found.subjects.contains(&all) {
        format!("{name} must have the subject {all}")
    } else if found.discard != DiscardPolicy::New {
        format!(
            "{name} must have the discard policy new, since old events would be dropped in silence"
        )
    } else if found.retention != RetentionPolicy::Limits {
        format!("{name} must have the retention policy limits")
    } else if found.storage != StorageType::File {
        format!("{name} must be stored in files")
    } else if found.num_replicas < replicas {
        let there = found.num_replicas;
        format!("{name} has {there} replicas, and relay.replicas asks for {replicas}")
    } else if found.no_ack {
        format!("{name} must acknowledge what it stores")
    } else {
        return None;
    };
    Some(PublishError::Unsuitable(wrong))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Change = fn(&mut Config);

    fn config() -> JetStreamConfig {
        JetStreamConfig {
            servers: Vec::new(),
            tls: None,
            login: None,
            stream: "KEYWAY".into(),
            subject: "keyway".into(),
            replicas: 3,
            deduplicate: Duration::from_mins(10),
            bound: Duration::from_secs(5),
        }
    }

    #[test]
    fn a_stream_that_drops_forgets_or_does_not_keep_enough_copies_is_refused() {
        let good = wanted(&config());
        assert!(unsuitable(&good, &config()).is_none());
        let with = |change: Change| {
            let mut found = good.clone();
            change(&mut found);
            unsuitable(&found, &config()).map(|error| error.to_string())
        };
        let wrongs: [(Change, &str); 6] = [
            (|found| found.subjects = vec!["other.>".into()], "keyway.>"),
            (|found| found.discard = DiscardPolicy::Old, "discard"),
            (
                |found| found.retention = RetentionPolicy::WorkQueue,
                "limits",
            ),
            (|found| found.storage = StorageType::Memory, "files"),
            (|found| found.num_replicas = 1, "relay.replicas"),
            (|found| found.no_ack = true, "acknowledge"),
        ];
        for (change, named) in wrongs {
            let said = with(change).expect(named);
            assert!(said.contains(named), "{said}");
        }
    }
}
