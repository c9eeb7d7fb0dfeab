//! A PostgreSQL server of this process's own.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::account::Account;
use crate::programs::postgres_folder;
use crate::wait::wait_for;

/// A running PostgreSQL server. Its user `keyway` may do everything; every commit is synced to disk, as
/// in production.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    password: String,
    port: u16,
    /// The shell that runs the server. When the pipe to it is closed (by the kernel, if this process
    /// is killed) it ends the server and removes the folder.
    watchdog: Mutex<Child>,
}

/// The file that makes a server a standby; a promotion removes it.
const STANDBY: &str = "standby.signal";

/// Starts and ends the server as told, line by line.
const WATCHDOG: &str = r#"
start() { "$1" -D "$2/data" >>"$2/log" 2>&1 </dev/null & server=$!; }
stop() { kill -QUIT "$server"; wait "$server"; }
kill_all() {
    # It must not start others while its own are counted.
    kill -STOP "$server"
    all="$server $(cat "/proc/$server/task/$server/children")"
    kill -KILL $all
    wait "$server"
    for one in $all; do while readlink "/proc/$one/exe"; do :; done; done
    sed -i 's/^ready *$/killed/' "$1/data/postmaster.pid"
}
start "$1" "$2"
while read -r word; do
    case $word in
        start) start "$1" "$2" ;;
        stop) stop ;;
        kill) kill_all "$2" ;;
    esac
done
stop
rm -rf "$2"
"#;

impl Postgres {
    /// The one server of this process, started when it is first asked for.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres>> = OnceLock::new();
        let shared = SHARED.get_or_init(Self::start);
        shared.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    /// Starts a server of a test's own, in a new folder and on a free port; it ends when dropped.
    pub fn start() -> Result<Self> {
        for _ in 0..PORTS_TRIED {
            if let Some(server) = Self::start_once()? {
                return Ok(server);
            }
        }
        bail!("none of {PORTS_TRIED} ports was free")
    }

    /// `None` if somebody took the port in between.
    fn start_once() -> Result<Option<Self>> {
        let programs = postgres_folder()?;
        let account = Account::unprivileged()?;
        let folder = new_folder(account)?;
        let password = format!("{:016x}{:016x}", random(), random());
        make_cluster(&programs, account, &folder, &password)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        configure(&folder, port)?;
        let watchdog = Mutex::new(watchdog(&programs, account, &folder)?);
        let server = Self {
            folder,
            password,
            port,
            watchdog,
        };
        Ok(server.until_ready()?.then_some(server))
    }

    /// The URL of one of its databases, password included.
    pub fn url(&self, database: &str) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://keyway:{password}@127.0.0.1:{port}/{database}")
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The same by its Unix socket and without the password.
    pub fn socket_url(&self, database: &str) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!("postgres://keyway@localhost:{port}/{database}?host={folder}")
    }

    /// The password of `keyway`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The ids of its processes, the first of which starts all others.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let told = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let first = told.lines().next().context("its file is empty")?.trim();
        let others = fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        let all = std::iter::once(first).chain(others.split_whitespace());
        Ok(all.map(str::parse).collect::<Result<_, _>>()?)
    }

    /// Ends the server as a crash would: nothing is flushed that was not committed.
    pub fn crash(&self) -> Result<()> {
        self.tell("stop")?;
        wait_for("the server's end", || {
            Ok(!self.folder.join("data/postmaster.pid").exists())
        })
    }

    /// Kills all its processes at once, as `kill -9` or the kernel would.
    pub fn kill(&self) -> Result<()> {
        self.tell("kill")?;
        wait_for("the server's end", || Ok(self.says("killed")))
    }

    /// Starts it again after a crash, on the same port.
    pub fn restart(&self) -> Result<()> {
        self.tell("start")?;
        ensure!(self.until_ready()?, "its port was taken meanwhile");
        Ok(())
    }

    /// Starts it again as a standby, which follows nobody and takes no writes.
    pub fn restart_as_standby(&self) -> Result<()> {
        self.leave_word(STANDBY)?;
        self.restart()
    }

    /// Makes a standby a server that takes writes, without a restart.
    pub fn promote(&self) -> Result<()> {
        self.leave_word("promote")?;
        let first = self.processes()?.first().copied();
        let first = first.context("it has no process")?;
        let told = Command::new("kill")
            .args(["-USR1", &first.to_string()])
            .status()?;
        ensure!(told.success(), "{told}");
        let standby = self.folder.join("data").join(STANDBY);
        wait_for("the promotion", || Ok(!standby.exists())).with_context(|| self.log())
    }

    /// An empty file by whose name the server knows what to do.
    fn leave_word(&self, name: &str) -> Result<()> {
        let file = self.folder.join("data").join(name);
        fs::write(&file, "")?;
        Account::unprivileged()?.give(&file)
    }

    /// From now on it takes connections over TLS only, with this certificate and key (PEM). Those that
    /// are open end.
    pub fn speak_tls(&self, certificate: &str, key: &str) -> Result<()> {
        let account = Account::unprivileged()?;
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.folder.join("data").join(name);
            fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&file)?
                .write_all(text.as_bytes())?;
            account.give(&file)?;
        }
        let rule = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.folder.join("data/pg_hba.conf"), rule)?;
        let mut settings = fs::OpenOptions::new()
            .append(true)
            .open(self.folder.join("data/postgresql.conf"))?;
        settings.write_all(b"ssl = on\n")?;
        self.crash()?;
        self.restart()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn tell(&self, word: &str) -> Result<()> {
        let mut watchdog = self.watchdog.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = watchdog
            .stdin
            .as_mut()
            .context("the watchdog has no pipe")?;
        Ok(writeln!(pipe, "{word}")?)
    }

    /// Whether it serves; `false` if its port was taken.
    fn until_ready(&self) -> Result<bool> {
        let mut taken = false;
        wait_for("the server", || {
            taken = self.log().contains("could not bind");
            Ok(taken || self.says("ready"))
        })
        .with_context(|| self.log())?;
        Ok(!taken)
    }

    /// Whether its own file says that it is in this state.
    fn says(&self, state: &str) -> bool {
        let file = self.folder.join("data/postmaster.pid");
        let told = fs::read_to_string(file).unwrap_or_default();
        told.lines().any(|line| line.trim_end() == state)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let watchdog = self
            .watchdog
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(watchdog.stdin.take());
        drop(watchdog.wait()); // it can't be told any more
    }
}

/// A folder of this account's own, with a short path, because a socket will be in it.
fn new_folder(account: Account) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "keyway-postgres-{}-{}",
        process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let folder = env::temp_dir().join(name);
    if folder.exists() {
        // Of a process that had our number before.
        fs::remove_dir_all(&folder)?;
    }
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    account.give(&folder)?;
    Ok(folder)
}

fn make_cluster(programs: &Path, account: Account, folder: &Path, password: &str) -> Result<()> {
    let secret = folder.join("password");
    fs::write(&secret, password)?;
    account.give(&secret)?;
    let made = account
        .command(&programs.join("initdb"))
        .current_dir(folder)
        .arg("--pgdata")
        .arg(folder.join("data"))
        .arg("--pwfile")
        .arg(&secret)
        .args(["--username", "keyway", "--auth", "scram-sha-256"])
        .args(["--encoding", "UTF8", "--no-locale", "--no-sync"])
        .output()
        .context("initdb can't be run")?;
    ensure!(
        made.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    fs::remove_file(&secret)?;
    Ok(())
}

fn configure(folder: &Path, port: u16) -> Result<()> {
    let settings = format!(
        "listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = '{}'\n\
         fsync = on\n\
         synchronous_commit = on\n\
         max_connections = 400\n\
         shared_buffers = 64MB\n",
        folder.display()
    );
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(folder.join("data/postgresql.conf"))?;
    Ok(file.write_all(settings.as_bytes())?)
}

fn watchdog(programs: &Path, account: Account, folder: &Path) -> Result<Child> {
    let mut command: Command = account.command(Path::new("/bin/sh"));
    command
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(programs.join("postgres"))
        .arg(folder)
        .current_dir(folder)
        // Ctrl-C in a terminal must not end the watchdog before it has cleaned up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("the watchdog can't be started")
}

/// Unpredictable enough for a password of a server that lives for one test.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

const PORTS_TRIED: u32 = 5;

#[cfg(all(test, feature = "external"))]
mod tests {
    use super::*;

    fn alive(server: &Postgres) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", server.port)).is_ok()
    }

    #[test]
    fn a_server_comes_back_after_every_process_of_it_was_killed() {
        let server = Postgres::start().unwrap();
        for _ in 0..3 {
            server.kill().unwrap();
            assert!(!alive(&server));
            server.restart().unwrap();
            assert!(alive(&server));
        }
    }

    #[test]
    fn a_server_comes_back_after_a_crash_and_leaves_nothing_when_it_is_dropped() {
        let server = Postgres::start().unwrap();
        assert!(alive(&server));
        server.crash().unwrap();
        assert!(!alive(&server));
        server.restart().unwrap();
        assert!(alive(&server));
        let (folder, port) = (server.folder.clone(), server.port);
        drop(server);
        assert!(!folder.exists());
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}
