//! Where the vault's database is, and how much of it one process takes.

use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::config::{self, ConfigError, Kind, Setting, Values};
use keyway_migrations::{ADDRESS_ACCEPTED, ChoiceError, DatabaseAddress, ServerAddress};

use crate::store::Bounds;

/// Where the vault's database is.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseSettings {
    pub(crate) address: DatabaseAddress,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) bounds: Bounds,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "database.path",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "The vault's SQLite file, made by `keyway-migrate vault --database FILE`. This or database.url.",
    },
    Setting {
        path: "database.url",
        kind: Kind::Checked {
            accepted: ADDRESS_ACCEPTED,
            check: is_address,
        },
        default: config::Default::Absent,
        help: "The vault's PostgreSQL database, made ready by `keyway-migrate vault --url-file FILE`; several vaults may share it. This or database.path.",
    },
    Setting {
        path: "database.password_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "File with the password of the user in database.url, one line, read at the start.",
    },
    Setting {
        path: "database.connections",
        kind: Kind::Integer { min: 1, max: 200 },
        default: config::Default::Is("4"),
        help: "Connections that read. One more writes.",
    },
    Setting {
        path: "database.connect_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("2s"),
        help: "Longest wait for a connection to the database; then it counts as away, and nobody queues for it until it answers.",
    },
    Setting {
        path: "database.lock_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("5s"),
        help: "Longest that a change waits for the changes before it; then it is OVERLOADED.",
    },
    Setting {
        path: "database.statement_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(10),
        },
        default: config::Default::Is("10s"),
        help: "On PostgreSQL, longest that one statement takes and that a transaction stands idle: a vault that hangs holds the others up no longer.",
    },
];

fn is_address(text: &str) -> bool {
    ServerAddress::parse(text).is_ok()
}

impl DatabaseSettings {
    pub(super) fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let path: Option<PathBuf> = values.get("database.path")?;
        let url: Option<String> = values.get("database.url")?;
        let password_file: Option<PathBuf> = values.get("database.password_file")?;
        let chosen = DatabaseAddress::chosen(path, url, password_file.as_deref());
        let address = chosen.map_err(|error| match error {
            ChoiceError::Url(error) => values.refuse("database.url", error.to_string()),
            ChoiceError::Password => {
                values.refuse("database.password_file", "only beside database.url")
            }
            ChoiceError::Both => values.refuse("database.path", ONE),
            ChoiceError::Neither => values.missing("database.path", ONE),
        })?;
        Ok(Self {
            address,
            password_file,
            bounds: Bounds {
                readers: values.get("database.connections")?,
                connect: values.get("database.connect_timeout")?,
                turn: values.get("database.lock_timeout")?,
                statement: values.get("database.statement_timeout")?,
            },
        })
    }
}

const ONE: &str = "exactly one of database.path and database.url";
