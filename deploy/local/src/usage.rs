//! `keyway usage`: the events of one month as CSV, as a client of `BillingService`.

mod month;
mod row;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use keyway_chassis::clock::{Clock as _, SystemClock};
use keyway_chassis::proto::billing::v1::{
    ListUsageRequest, SummarizeUsageRequest, UsageEvent, UsageFilter,
};
use keyway_chassis::proto::convert::timestamp;
use keyway_words::Usd;

use crate::child::Environment;
use crate::cli::UsageOptions;
use crate::client::Session;
use crate::endpoint;

use self::month::Month;

/// Everything is written, and the sums agree.
const ALL_GOOD: u8 = 0;
/// It is written, but sums to something else than the router says.
const DIFFERS: u8 = 1;
/// It could not be read.
const NOT_READ: u8 = 2;

/// Runs the command. The environment holds address and token.
pub(crate) fn run(options: &UsageOptions, environment: &Environment) -> ExitCode {
    let code = begin(options, environment).unwrap_or_else(|error| {
        tell(&format!("keyway usage: {error:#}"));
        NOT_READ
    });
    ExitCode::from(code)
}

fn begin(options: &UsageOptions, environment: &Environment) -> Result<u8> {
    let month: Month = options.month.parse()?;
    if !options.so_far && !month.is_over(SystemClock.now()) {
        bail!("{month} is not over, so that its sums still change; --so-far writes what there is");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let session = endpoint::session(endpoint::ROUTER, &options.way, environment)?;
        let sums = write(&session, options, month).await?;
        let agree = agrees(&session, options, month, sums).await?;
        tell(&format!(
            "{month}: {} rows, charge {} USD, list price {} USD",
            sums.rows, sums.charge, sums.list_price
        ));
        Ok(if agree { ALL_GOOD } else { DIFFERS })
    })
}

/// What is written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    charge: Usd,
    list_price: Usd,
}

impl Sums {
    fn add(&mut self, event: &UsageEvent) -> Result<()> {
        self.rows += 1;
        for (sum, text) in [
            (&mut self.charge, &event.charge_usd),
            (&mut self.list_price, &event.list_price_usd),
        ] {
            *sum = plus(*sum, text.as_deref().unwrap_or("0"))?;
        }
        Ok(())
    }
}

fn plus(sum: Usd, text: &str) -> Result<Usd> {
    sum.checked_add(text.parse()?)
        .context("the sum does not fit")
}

async fn write(session: &Session, options: &UsageOptions, month: Month) -> Result<Sums> {
    let mut out = BufWriter::new(io::stdout());
    out.write_all(row::HEAD.join(",").as_bytes())?;
    out.write_all(b"\r\n")?;
    let (mut sums, mut page_token) = (Sums::default(), String::new());
    loop {
        let request = ListUsageRequest {
            filter: Some(filter(options)),
            from_time: Some(timestamp(month.start())),
            to_time: Some(timestamp(month.end())),
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = session.billing().list_usage(request).await?.into_inner();
        // What an operator did is no usage and has no amount.
        for event in page
            .events
            .iter()
            .filter(|event| event.operation_json.is_empty())
        {
            out.write_all(row::of(event).as_bytes())?;
            sums.add(event)?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            out.flush()?;
            return Ok(sums);
        }
    }
}

/// Whether the router's own summary is the same. It lags behind the stream for a moment.
async fn agrees(
    session: &Session,
    options: &UsageOptions,
    month: Month,
    sums: Sums,
) -> Result<bool> {
    let mut told = Sums::default();
    for _ in 0..LOOKS {
        let request = SummarizeUsageRequest {
            filter: Some(filter(options)),
            from_time: Some(timestamp(month.start())),
            to_time: Some(timestamp(month.end())),
            ..Default::default()
        };
        let answer = session.billing().summarize_usage(request).await?;
        told = Sums {
            rows: sums.rows,
            ..Sums::default()
        };
        for row in answer.into_inner().rows {
            told.charge = plus(told.charge, &row.charge_usd)?;
            told.list_price = plus(told.list_price, &row.list_price_usd)?;
        }
        if told == sums {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    tell(&format!(
        "the router's summary says charge {} USD, list price {} USD",
        told.charge, told.list_price
    ));
    Ok(false)
}

fn filter(options: &UsageOptions) -> UsageFilter {
    UsageFilter {
        workspace: options.workspace.clone(),
        ..Default::default()
    }
}

fn tell(line: &str) {
    let told = writeln!(io::stderr(), "{line}");
    drop(told); // nowhere left to say it
}

const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(200);
