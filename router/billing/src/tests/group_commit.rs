//! Opening and settling read nothing, and many share one commit.

use std::sync::Mutex;

use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::database::Connections;
use crate::group;
use crate::record::{EventRow, Record};
use crate::slot::{OpenHandle, Slot};

struct Workbench {
    writer: DatabaseConnection,
    statements: Arc<Mutex<Vec<String>>>,
    records: mpsc::UnboundedReceiver<Record>,
    sender: mpsc::UnboundedSender<Record>,
    slots: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Workbench {
    async fn new(home: &Home) -> Self {
        let connections = Connections::open(&home.config()).await.unwrap();
        let mut writer = connections.writer.get();
        writer
            .execute_unprepared("INSERT INTO writers VALUES (1, 'test', 1, 1, NULL)")
            .await
            .unwrap();
        let statements = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&statements);
        writer.set_metric_callback(move |info| {
            seen.lock().unwrap().push(info.statement.sql.clone());
        });
        let (sender, records) = mpsc::unbounded_channel();
        let slots = Arc::new(Semaphore::new(1_000));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&home.clock);
        Self {
            writer,
            statements,
            records,
            sender,
            slots,
            clock,
        }
    }

    fn open(&self) -> OpenHandle {
        let permit = Arc::clone(&self.slots).try_acquire_owned().unwrap();
        let slot = Slot {
            permit,
            records: self.sender.clone(),
            clock: Arc::clone(&self.clock),
        };
        slot.open(attempt("acme", Source::Own))
    }

    async fn commit(&mut self) -> Vec<String> {
        let (mut opens, mut settles) = (Vec::new(), Vec::new());
        while let Ok(record) = self.records.try_recv() {
            match record {
                Record::Open(open) => opens.push(*open),
                Record::Settle(settle) => settles.push(*settle),
                Record::Stop => {}
            }
        }
        group::commit(&self.writer, 1, START, &opens, &settles)
            .await
            .unwrap();
        std::mem::take(&mut *self.statements.lock().unwrap())
    }
}

#[tokio::test]
async fn a_group_of_warm_calls_runs_a_fixed_number_of_statements_and_none_reads() {
    let home = Home::new().await;
    let mut bench = Workbench::new(&home).await;
    let open: Vec<_> = (0..200).map(|_| bench.open()).collect();
    let opening = bench.commit().await;
    for handle in open {
        drop(handle.settle(completed()));
    }
    let settling = bench.commit().await;
    for sql in opening.iter().chain(&settling) {
        assert!(
            !sql.trim_start().to_uppercase().starts_with("SELECT"),
            "{sql}"
        );
    }
    let writes = |statements: &[String]| {
        statements
            .iter()
            .filter(|sql| sql.starts_with("INSERT") || sql.starts_with("DELETE"))
            .count()
    };
    assert_eq!((writes(&opening), writes(&settling)), (1, 3));
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        200
    );
}

#[tokio::test]
async fn a_group_that_is_delivered_twice_counts_once() {
    let home = Home::new().await;
    let bench = Workbench::new(&home).await;
    let event = crate::event::settled(
        crate::event::opened(attempt("acme", Source::Hosted)),
        completed(),
    );
    let row = EventRow::new(event);
    for _ in 0..2 {
        let transaction = crate::database::begin(&bench.writer).await.unwrap();
        group::settle(&transaction, &[&row, &row]).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        1
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM unsequenced").await,
        1
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM corrections").await,
        0
    );
}
