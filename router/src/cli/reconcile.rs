//! `keyway-router reconcile`: the ledger, the stream in NATS and a provider's report side by side.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command};
use keyway_chassis::run::{self, StartError};
use keyway_router_billing::{Compared, DayAndKey, Reconciled, Report, Totals};
use keyway_words::Usd;

use super::{Beside, EXIT_DIFFERS, span, span_arguments};

pub(super) fn command() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .value_parser(PathBufValueParser::new())
            .help(help)
    };
    Command::new("reconcile")
        .about("Compares counts and sums of the ledger, the stream in NATS and a provider's report")
        .args(span_arguments("DAY"))
        .arg(file(
            "report",
            "A provider's report: lines of day,key,requests,amount_usd, whose first names the columns",
        ))
        .arg(
            Arg::new("tolerance")
                .long("tolerance")
                .value_name("USD")
                .default_value("0")
                .help("Difference per line of the report that is none, since providers round"),
        )
        .arg(file(
            "metrics",
            "Writes the differences here as Prometheus text, for a node exporter's folder",
        ))
        .after_help(
            "Exit code 0: all agree; 3: something differs; 1: it could not be compared. Days are UTC, by \
             the time of settlement; what waits for the relay is shown and is no difference.",
        )
}

pub(super) async fn run(mut beside: Beside, matches: ArgMatches) -> Result<ExitCode, StartError> {
    let span = span(&matches)?;
    let tolerance: Usd = matches
        .get_one::<String>("tolerance")
        .and_then(|text| text.parse().ok())
        .filter(|tolerance| *tolerance >= Usd::ZERO)
        .ok_or("--tolerance must be an amount in USD, not negative")?;
    let report = matches.get_one::<PathBuf>("report");
    let report = report.map(|path| read(path)).transpose()?;
    let subject = &beside.relay.subject;
    let all = keyway_router_billing::reconcile(
        &beside.ledger,
        &mut beside.stream,
        subject,
        span,
        report.as_ref(),
    )
    .await?;
    let found = Found::of(&all, tolerance);
    if let Some(path) = matches.get_one::<PathBuf>("metrics") {
        std::fs::write(path, found.metrics())
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    let said = run::say(&shown(&all, tolerance, &found)?);
    Ok(if found.all_agrees() {
        said
    } else {
        ExitCode::from(EXIT_DIFFERS)
    })
}

fn read(path: &Path) -> Result<Report, StartError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("can't read {}: {error}", path.display()))?;
    Ok(Report::parse(&text)?)
}

/// How many rows differ.
struct Found {
    stream: usize,
    report: usize,
    waiting: u64,
    conflicts: u64,
}

impl Found {
    fn of(all: &Reconciled, tolerance: Usd) -> Self {
        let rows = || all.rows.values();
        Self {
            stream: rows().filter(|row| !row.stream_agrees()).count(),
            report: rows().filter(|row| !row.report_agrees(tolerance)).count(),
            waiting: rows().map(|row| row.waiting.events).sum(),
            conflicts: all.conflicts,
        }
    }

    const fn all_agrees(&self) -> bool {
        self.stream == 0 && self.report == 0 && self.conflicts == 0
    }

    fn metrics(&self) -> String {
        let Self {
            stream,
            report,
            waiting,
            conflicts,
        } = self;
        format!(
            "# TYPE keyway_reconcile_differences gauge\n\
             keyway_reconcile_differences{{between=\"ledger_stream\"}} {stream}\n\
             keyway_reconcile_differences{{between=\"ledger_report\"}} {report}\n\
             # TYPE keyway_reconcile_conflicts gauge\n\
             keyway_reconcile_conflicts {conflicts}\n\
             # TYPE keyway_reconcile_waiting_events gauge\n\
             keyway_reconcile_waiting_events {waiting}\n"
        )
    }
}

/// One line per day and key, and one that counts.
fn shown(all: &Reconciled, tolerance: Usd, found: &Found) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "day\tkey\tledger: events\tcharge\tlist\twaiting\tstream: events\tcharge\tlist\treport: requests\tamount\tverdict\n",
    );
    for (place, row) in &all.rows {
        line(&mut text, place, row, tolerance)?;
    }
    writeln!(
        text,
        "{} rows; the stream differs in {}, the report in {}; {} events wait for the relay, which is at position {}; \
         {} messages came more than once, {} of them with another body",
        all.rows.len(),
        found.stream,
        found.report,
        found.waiting,
        all.relayed,
        all.duplicates,
        all.conflicts
    )?;
    Ok(text)
}

fn line(text: &mut String, place: &DayAndKey, row: &Compared, tolerance: Usd) -> std::fmt::Result {
    let sums = |totals: &Totals| {
        let usd = |pico| Usd::from_pico(pico).to_string();
        let (charge, list) = (usd(totals.charge), usd(totals.list_price));
        format!("{}\t{charge}\t{list}", totals.events)
    };
    let reported = match row.reported {
        None => "\t".to_owned(),
        Some((None, amount)) => format!("\t{amount}"),
        Some((Some(requests), amount)) => format!("{requests}\t{amount}"),
    };
    let verdict = match (row.stream_agrees(), row.report_agrees(tolerance)) {
        (true, true) => "ok",
        (false, true) => "STREAM DIFFERS",
        (true, false) => "REPORT DIFFERS",
        (false, false) => "STREAM AND REPORT DIFFER",
    };
    writeln!(
        text,
        "{}\t{}\t{}\t{}\t{}\t{reported}\t{verdict}",
        place.day,
        if place.key.is_empty() {
            "-"
        } else {
            &place.key
        },
        sums(&row.relayed),
        row.waiting.events,
        sums(&row.stream),
    )
}
