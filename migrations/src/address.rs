//! Where a database is: a file of this machine or a PostgreSQL server.

mod choice;
mod url;

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use keyway_words::Secret;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use sea_orm::sqlx::{self, Connection as _};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

pub use self::choice::{ChoiceError, NotReady};
pub use self::url::{ACCEPTED, AddressError};

/// Where a database is.
#[derive(Debug, Clone)]
pub enum DatabaseAddress {
    /// A SQLite file.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Server(ServerAddress),
}

impl DatabaseAddress {
    /// One connection; of a file with SQLite's `mode`. A server that does not answer within `bound` is
    /// [away](is_away).
    pub(crate) async fn open(
        &self,
        mode: &str,
        bound: Duration,
    ) -> Result<DatabaseConnection, DbErr> {
        match self {
            Self::File(path) => {
                let mut options =
                    ConnectOptions::new(format!("sqlite://{}?mode={mode}", path.display()));
                options.max_connections(1).sqlx_logging(false);
                Database::connect(options).await
            }
            Self::Server(server) => {
                server.probe(bound).await?;
                server.pool(1, bound).await
            }
        }
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

/// A database of a PostgreSQL server and how to log in. Prints as host, port and database, never
/// with the password.
#[derive(Clone)]
pub struct ServerAddress {
    options: Arc<PgConnectOptions>,
    files: Vec<(&'static str, PathBuf)>,
    shown: String,
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerAddress({})", self.shown)
    }
}

impl ServerAddress {
    /// Reads `postgres://user[:password]@host[:port]/database[?parameters]`; see [`ACCEPTED`].
    ///
    /// A server that is not on this machine is spoken to over TLS with its certificate checked
    /// against `sslrootcert`, unless `sslmode` says otherwise.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let parts = url::check(text)?;
        let options =
            PgConnectOptions::from_str(text).map_err(|_shows_the_url| AddressError::Form)?;
        let options = if parts.sslmode_given {
            options
        } else if parts.on_this_machine {
            options.ssl_mode(PgSslMode::Prefer)
        } else {
            options.ssl_mode(PgSslMode::VerifyFull)
        };
        Ok(Self {
            options: Arc::new(
                options
                    .application_name("keyway")
                    .disable_statement_logging(),
            ),
            files: parts.files,
            shown: parts.shown,
        })
    }

    /// The same with the password of a file.
    #[must_use]
    pub fn with_password(self, password: &Secret) -> Self {
        Self {
            options: Arc::new((*self.options).clone().password(password.expose())),
            ..self
        }
    }

    /// The same for connections that begin with these settings of the server, whatever the database
    /// or the user says.
    #[must_use]
    pub fn with_session(self, settings: &[(&str, String)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        Self {
            options: Arc::new((*self.options).clone().options(settings)),
            ..self
        }
    }

    /// Connects once and closes again, so that a start fails with the server's own reason.
    pub async fn probe(&self, bound: Duration) -> Result<(), DbErr> {
        self.check_files()?;
        let failed = |error: sqlx::Error| {
            match error {
            // So rustls tells of a certificate.
            sqlx::Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => self.says(
                &format_args!("{cause}; sslrootcert in its URL must name the authority that signed the server's certificate, and the host must be the one that it names"),
            ),
            error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        }
        };
        let connecting = async {
            let connection = self.options.connect().await.map_err(failed)?;
            connection.close().await.map_err(failed)
        };
        let late = |_elapsed| {
            let told = format!("{}: it did not answer within {bound:?}", self.shown);
            failed(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                told,
            )))
        };
        tokio::time::timeout(bound, connecting)
            .await
            .map_err(late)?
    }

    /// The driver would not say which file it misses.
    fn check_files(&self) -> Result<(), DbErr> {
        for (name, path) in &self.files {
            std::fs::File::open(path).map_err(|cause| {
                let path = path.display();
                self.says(&format_args!("{name} {path} can't be read: {cause}"))
            })?;
        }
        Ok(())
    }

    fn says(&self, what: &dyn fmt::Display) -> DbErr {
        DbErr::Conn(RuntimeErr::Internal(format!("{}: {what}", self.shown)))
    }

    /// At most so many connections, made when they are needed and again when they broke. Waits at
    /// most `bound` for one.
    pub async fn pool(
        &self,
        connections: u32,
        bound: Duration,
    ) -> Result<DatabaseConnection, DbErr> {
        let address = Arc::clone(&self.options);
        // The URL is a placeholder: the real one, with the password, stays in its own type.
        let mut options = ConnectOptions::new("postgres://localhost");
        options
            .max_connections(connections)
            .acquire_timeout(bound)
            .connect_lazy(true)
            .test_before_acquire(true)
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .map_sqlx_postgres_opts(move |_placeholder| (*address).clone());
        Database::connect(options).await
    }
}

/// Whether nobody answered, or a server that is only starting: it may be there later. One that refuses
/// is there.
pub(crate) fn is_away(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return matches!(error, DbErr::ConnectionAcquire(_));
    };
    match &**cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(said) => said.code().is_some_and(|code| STARTING.contains(&&*code)),
        _ => false,
    }
}

/// PostgreSQL's `cannot_connect_now`, `admin_shutdown` and `crash_shutdown`.
const STARTING: [&str; 3] = ["57P03", "57P01", "57P02"];

/// The one line of a file that holds a password or a URL: at most 4 KiB, without the line's end.
pub fn read_line(path: &Path) -> io::Result<Secret> {
    let mut text = String::with_capacity(LONGEST_LINE);
    let mut file = std::fs::File::open(path)?.take(LONGEST_LINE as u64);
    file.read_to_string(&mut text)?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    let line = Secret::new(text);
    if line.is_empty() || line.expose().contains(['\n', '\r']) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it must hold one line of at most 4 KiB",
        ));
    }
    Ok(line)
}

const LONGEST_LINE: usize = 4 << 10;
