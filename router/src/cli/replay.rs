//! `keyway-router replay`: publishes a span of the billing stream to NATS once more.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use keyway_chassis::run::{self, StartError};

use super::{Beside, EXIT_DIFFERS, span, span_arguments};

pub(super) fn command() -> Command {
    Command::new("replay")
        .about("Publishes billing events to NATS once more, each under the id that it has for ever")
        .args(span_arguments("TIME"))
        .after_help(
            "Runs beside a router. Exit code 0: published; 3: published, and the stream holds other \
             messages under some of the ids (logged by id); 1: it failed, and may be begun again.",
        )
}

pub(super) async fn run(mut beside: Beside, matches: ArgMatches) -> Result<ExitCode, StartError> {
    let span = span(&matches)?;
    let subject = &beside.relay.subject;
    let replayed = keyway_router_billing::replay(&beside.ledger, &mut beside.stream, subject, span);
    let replayed = replayed.await?;
    let (events, told) = (replayed.events, replayed.told);
    let said = run::say(&format!(
        "{events} events published; {} of them NATS had seen under their ids lately, {} of those with another body\n",
        told.duplicates, told.conflicts
    ));
    Ok(if told.conflicts == 0 {
        said
    } else {
        ExitCode::from(EXIT_DIFFERS)
    })
}
