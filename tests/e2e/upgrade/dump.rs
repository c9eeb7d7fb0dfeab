//! A committed dump: both databases as SQL text, and the secrets of the installation that wrote them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;

/// One dump.
#[derive(Clone, Copy)]
pub(super) struct Dump {
    folder: &'static str,
    /// The highest step of either database.
    step: u32,
}

/// A workspace of before, and what was planted in it.
#[derive(Default)]
pub(super) struct Past {
    /// `workspaces/{id}`.
    pub(super) name: String,
    pub(super) admin_token: String,
    pub(super) call_token: String,
    /// Ids of its calls, in order.
    pub(super) calls: Vec<String>,
}

/// Files of the state folder that the databases are nothing without.
const SECRETS: [&str; 4] = ["master.key", "operator.token", "router.token", "keyway.env"];

impl Dump {
    pub(super) const fn of(folder: &'static str, step: u32) -> Self {
        Self { folder, step }
    }

    /// How the step stands in what was planted.
    pub(super) fn written(&self) -> String {
        format!("step{:04}", self.step)
    }

    fn read(&self, name: &str) -> String {
        let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/upgrade");
        let path = dumps.join(self.folder).join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A folder with the secrets in place, as their installation left them.
    pub(super) fn unpack(&self) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join(".keyway");
        fs::create_dir(&state).expect("a folder");
        for name in SECRETS {
            let text = self.read(&format!("test-only.{name}"));
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600);
            let mut file = file.open(state.join(name)).expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        }
        folder
    }

    /// Puts both databases where the launcher looks for them. It migrates them at its start.
    pub(super) async fn load_sqlite(&self, folder: &TempDir) {
        for (dump, file) in [("vault", "vault.db"), ("router", "ledger.db")] {
            let path = folder.path().join(".keyway").join(file);
            let url = format!("sqlite://{}?mode=rwc", path.display());
            self.load(&url, &format!("{dump}.sqlite.sql")).await;
        }
    }

    /// Runs a dump in an empty database.
    pub(super) async fn load(&self, url: &str, name: &str) {
        let text = self.read(name);
        let later = format!("_{:04}_", self.step + 1);
        assert!(!text.contains(&later), "{name} is of an earlier step");
        let database = Database::connect(url).await.expect("a database");
        let loaded = database.execute_unprepared(&text).await;
        loaded.unwrap_or_else(|error| panic!("{}/{name}: {error}", self.folder));
        database.close().await.expect("closed");
    }

    /// What was planted, a line each: workspace, what it is, its value.
    pub(super) fn workspaces(&self) -> [Past; 2] {
        let text = self.read("test-only.planted");
        ["north", "south"].map(|id| {
            let mut past = Past {
                name: format!("workspaces/{id}"),
                ..Past::default()
            };
            let lines = text.lines().filter_map(|line| line.strip_prefix(id));
            for line in lines {
                let (what, value) = line.trim().split_once(' ').expect("what and its value");
                match what {
                    "admin" => value.clone_into(&mut past.admin_token),
                    "call" => value.clone_into(&mut past.call_token),
                    "event" => past.calls.push(value.to_owned()),
                    _ => panic!("{line}"),
                }
            }
            assert!(!past.calls.is_empty(), "{id} has a past");
            past
        })
    }
}

impl Past {
    /// Its keys, by provider, as they were planted at a step.
    pub(super) fn secrets(&self, step: &str) -> [(&'static str, String); 2] {
        let id = self.name.trim_start_matches("workspaces/");
        [
            ("openai", format!("sk-keyway-test-{step}-openai-{id}")),
            ("anthropic", format!("sk-ant-keyway-test-{step}-{id}")),
        ]
    }
}
