//! The failure matrix: what a call makes of every failure of a provider, on every kind of key, whole
//! and streamed. `failures/expected.md` was written by hand; `docs/failures.md` is made from what
//! happened; both must say the same. The simulator's journal confirms number and key of the attempts.

mod cell;
mod failure;
mod table;

use futures::StreamExt as _;

use self::cell::{Cell, Keys};
use self::failure::{Door, FAILURES, Failure};
use self::table::{Place, Table, expected};
use crate::docs::{is_current, read};
use crate::harness::{Logs, Product, SecondRouter, Setup};

/// Cells at once.
const AT_ONCE: usize = 8;

/// The product, and routers to which the provider is not there.
pub(super) struct World {
    product: Product,
    refused: SecondRouter,
    tls: SecondRouter,
}

impl World {
    async fn start() -> Self {
        let setup = Setup::new()
            .with("KEYWAY_ROUTER__TIMEOUTS__FIRST_BYTE", "3s")
            .with("KEYWAY_ROUTER__TIMEOUTS__IDLE", "3s")
            // Hundreds of workspaces are made at once here, also where the disk is slow.
            .with("KEYWAY_VAULT__DATABASE__LOCK_TIMEOUT", "60s")
            .with("KEYWAY_ROUTER__VAULT__DEADLINE", "30s");
        let product = setup.start().await;
        let simulator = product.simulator();
        let nobody = simulator.new_door("refused").await;
        let alert = simulator.new_door("tls_alert").await;
        let refused = format!("http://{nobody}/anthropic");
        let tls = format!("https://{alert}/anthropic");
        Self {
            refused: product.second_router(&[(BASE_URL, &refused)]).await,
            tls: product.second_router(&[(BASE_URL, &tls)]).await,
            product,
        }
    }

    /// Runs the cells. First those that need a good key of the platform; then those that spoil it, one
    /// after the other, since it is one for all, and beside them the rest.
    async fn run(&self, cells: Vec<Cell>) -> Table {
        let (allowed, others): (Vec<_>, Vec<_>) = cells
            .into_iter()
            .partition(|cell| cell.keys == Keys::Allowed);
        let (hosted, own) = others
            .into_iter()
            .partition(|cell| cell.keys == Keys::Hosted);
        let first = self.at_once(AT_ONCE, allowed).await;
        let (hosted, own) = tokio::join!(self.at_once(1, hosted), self.at_once(AT_ONCE, own));
        Table::of(&[first, hosted, own].concat())
    }

    async fn at_once(&self, most: usize, cells: Vec<Cell>) -> Vec<(Cell, String)> {
        let running = futures::stream::iter(cells).map(async |cell| (cell, cell.run(self).await));
        running.buffer_unordered(most).collect().await
    }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (number, failure) in (0_u16..).zip(FAILURES) {
        for keys in Keys::ALL {
            for streamed in [false, true] {
                cells.push(Cell {
                    number,
                    failure,
                    keys,
                    streamed,
                });
            }
        }
    }
    cells
}

#[tokio::test]
async fn every_failure_on_every_kind_of_key_ends_as_the_table_says() {
    let world = World::start().await;
    let _logs = Logs(&world.product);
    let table = world.run(cells()).await;
    let wanted = expected(&read("tests/e2e/failures/expected.md"));
    let happened = table.rows();
    let is_wrong = |(cell, said): &(&Place, &String)| wanted.get(*cell) != Some(*said);
    let wrong: Vec<String> = happened
        .iter()
        .filter(is_wrong)
        .map(|(cell, said)| format!("{cell:?}: {said}; expected {:?}", wanted.get(cell)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        happened.len(),
        wanted.len(),
        "the expectations have other rows"
    );
    is_current("docs/failures.md", &table.document());
}

/// Where a failure plays.
fn router_of<'a>(world: &'a World, failure: &Failure) -> Option<&'a SecondRouter> {
    match failure.door {
        Door::Open => None,
        Door::Refused => Some(&world.refused),
        Door::Tls => Some(&world.tls),
    }
}

const BASE_URL: &str = "KEYWAY_ROUTER__PROVIDERS__ANTHROPIC__BASE_URL";
