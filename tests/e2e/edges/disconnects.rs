//! A client that goes at any point of any stream: one event each, with the basis and the amount that
//! the table says.
//!
//! A cell is a stream of the fixtures × the events that the client has when it goes × `on_disconnect`
//! × the source of the key. The expectation is read from the fixture's own text.

mod fixture;
mod tenant;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;
use keyway_proto::billing::v1::{Basis, Outcome, Source, UsageEvent};
use keyway_proto::vault::v1::OnDisconnect;

use self::fixture::{Fixture, Seen};
use self::tenant::Leaving;
use crate::harness::{Logs, Product};

const ZERO: &str = "0.000000000000";
/// Fixtures under way at once, in each of four workspaces.
const AT_ONCE: usize = 6;

#[tokio::test]
async fn a_client_that_goes_at_any_event_of_any_stream_leaves_one_event_with_its_basis_and_amount()
{
    let product = Product::start().await;
    let _logs = Logs(&product);
    let fixtures = fixture::all();
    let mut tenants = Vec::new();
    for policy in [OnDisconnect::Drain, OnDisconnect::Cancel] {
        for source in [Source::Own, Source::Hosted] {
            tenants.push(Leaving::new(&product, policy, source).await);
        }
    }
    let (spoiling, plain): (Vec<_>, Vec<_>) = fixtures.iter().partition(|one| one.spoils_its_key());
    let runs = tenants.iter().map(|tenant| every_point(tenant, &plain));
    let mut cells: Vec<usize> = join_all(runs).await;
    // The platform's key is one for all.
    for tenant in &tenants {
        for fixture in &spoiling {
            cells.push(every_point_of_one_that_spoils_its_key(tenant, fixture).await);
        }
    }
    let each_once = tenants.iter().map(Leaving::every_call_has_one_event);
    join_all(each_once).await;
    let told: usize = cells.iter().sum();
    tell(&format!(
        "{} streams, {told} cells: {cells:?}",
        fixtures.len()
    ));
    assert!(told > 1_000, "{cells:?}");
}

/// Goes at every point of every stream; how many there were.
async fn every_point(tenant: &Leaving, fixtures: &[&Fixture]) -> usize {
    let mut cells = 0;
    let mut whole = Vec::new();
    for fixture in fixtures.iter().copied() {
        let (read, event) = tenant.read_whole(fixture).await;
        is_charged(tenant.source, &event, &format!("{fixture} to its end"));
        whole.push((fixture, read, event));
        cells += 1;
    }
    for (fixture, _read, baseline) in &whole {
        let event = tenant.leaves_before_the_first_byte(fixture).await;
        check(tenant, (fixture, 0), &event, baseline);
        cells += 1;
    }
    let within = whole.iter().map(|(fixture, read, baseline)| async move {
        for seen in 1..*read {
            let event = tenant.leaves_after(fixture, seen).await;
            check(tenant, (fixture, seen), &event, baseline);
        }
        read.saturating_sub(1)
    });
    let within = stream::iter(within).buffer_unordered(AT_ONCE);
    cells
        + within
            .fold(0, |sum, cells| async move { sum + cells })
            .await
}

/// The same, one after the other, with a new key after each.
async fn every_point_of_one_that_spoils_its_key(tenant: &Leaving, fixture: &Fixture) -> usize {
    let (read, whole) = tenant.read_whole(fixture).await;
    is_charged(tenant.source, &whole, &format!("{fixture} to its end"));
    for seen in 0..read {
        tenant.renews_its_key().await;
        let event = match seen {
            0 => tenant.leaves_before_the_first_byte(fixture).await,
            _ => tenant.leaves_after(fixture, seen).await,
        };
        check(tenant, (fixture, seen), &event, &whole);
    }
    tenant.renews_its_key().await;
    read + 1
}

/// What the table says of a call whose client went after so many events.
fn check(tenant: &Leaving, at: (&Fixture, usize), event: &UsageEvent, whole: &UsageEvent) {
    let (fixture, seen) = at;
    let what = format!(
        "{:?}, {:?}, {fixture} after {seen}: {event:?}",
        tenant.policy, tenant.source
    );
    is_charged(tenant.source, event, &what);
    if tenant.policy == OnDisconnect::Drain {
        // Read to its end: as if nobody had gone.
        assert!(
            event.outcome() == Outcome::Abandoned || event.outcome() == whole.outcome(),
            "{what}"
        );
        assert_eq!(event.basis(), whole.basis(), "{what}");
        assert_eq!(event.usage, whole.usage, "{what}");
        assert_eq!(event.list_price_usd, whole.list_price_usd, "{what}");
        return;
    }
    assert_eq!(event.outcome(), Outcome::Abandoned, "{what}");
    let told = fixture.told_by(seen);
    let basis = match told {
        Seen::Nothing => Basis::Unknown,
        Seen::Some => Basis::Partial,
        Seen::All => Basis::ProviderReported,
    };
    assert_eq!(event.basis(), basis, "{what}");
    if told == Seen::All {
        assert_eq!(event.list_price_usd, whole.list_price_usd, "{what}");
    }
}

/// Own keys: 0, whatever is known. The platform's: the list price, and nothing where that is not known.
fn is_charged(source: Source, event: &UsageEvent, what: &str) {
    assert_eq!(event.source(), source, "{what}");
    assert!(!event.unpriced, "{what}");
    let known = matches!(
        event.basis(),
        Basis::ProviderReported | Basis::Partial | Basis::None
    );
    assert_eq!(event.list_price_usd.is_some(), known, "{what}");
    let charge = match source {
        Source::Own => Some(ZERO),
        _ => event.list_price_usd.as_deref(),
    };
    assert_eq!(event.charge_usd.as_deref(), charge, "{what}");
}

#[expect(
    clippy::print_stdout,
    reason = "the number of cells is a figure that people ask for"
)]
fn tell(line: &str) {
    println!("{line}");
}
