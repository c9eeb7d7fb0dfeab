//! A NATS server with `JetStream`, of a test's own.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, process};

use anyhow::{Context as _, Result, bail, ensure};

use crate::postgres::random;
use crate::programs::nats_server;
use crate::wait::wait_for;

/// A running server that stores streams in a folder of its own. Who does not log in is refused.
#[derive(Debug)]
pub struct Nats {
    folder: PathBuf,
    password: String,
    port: u16,
    /// The shell that runs the server. When the pipe to it is closed (by the kernel, if this process
    /// is killed) it ends the server and removes the folder.
    watchdog: Mutex<Child>,
}

/// Starts, kills and stops the server as told, line by line.
const WATCHDOG: &str = r#"
start() { "$1" -c "$2/nats.conf" >>"$2/log" 2>&1 </dev/null & server=$!; }
kill_it() { kill -KILL "$server"; wait "$server"; }
start "$1" "$2"
while read -r word; do
    case $word in
        start) start "$1" "$2" ;;
        crash) kill_it; : >"$2/crashed" ;;
    esac
done
kill_it
rm -rf "$2"
"#;

impl Nats {
    /// Starts a server in a new folder and on a free port; it ends when dropped.
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// The same with more lines in its configuration.
    pub fn start_with(settings: &str) -> Result<Self> {
        for _ in 0..PORTS_TRIED {
            if let Some(server) = Self::start_once(settings)? {
                return Ok(server);
            }
        }
        bail!("none of {PORTS_TRIED} ports was free")
    }

    /// `None` if somebody took the port in between.
    fn start_once(settings: &str) -> Result<Option<Self>> {
        let program = nats_server()?;
        let folder = new_folder()?;
        let password = format!("{:016x}{:016x}", random(), random());
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let store = folder.join("store");
        let configuration = format!(
            "listen: \"127.0.0.1:{port}\"\n\
             jetstream {{ store_dir: \"{}\" }}\n\
             authorization {{ user: keyway, password: \"{password}\" }}\n{settings}\n",
            store.display()
        );
        fs::write(folder.join("nats.conf"), configuration)?;
        let watchdog = Mutex::new(watchdog(&program, &folder)?);
        let server = Self {
            folder,
            password,
            port,
            watchdog,
        };
        Ok(server.until_ready()?.then_some(server))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its URL without what logs in.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Its only user and the password, `user:password`.
    pub fn login(&self) -> String {
        format!("keyway:{}", self.password)
    }

    /// Kills it as the kernel would.
    pub fn crash(&self) -> Result<()> {
        self.tell("crash")?;
        let crashed = self.folder.join("crashed");
        wait_for("the server's end", || Ok(crashed.exists()))?;
        Ok(fs::remove_file(crashed)?)
    }

    /// Starts it again after a crash, on the same port and with what it had stored.
    pub fn restart(&self) -> Result<()> {
        self.tell("start")?;
        ensure!(self.until_ready()?, "its port was taken meanwhile");
        Ok(())
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
        wait_for("the NATS server", || {
            taken = self.log().contains("address already in use");
            Ok(taken || TcpStream::connect(self.address()).is_ok())
        })
        .with_context(|| self.log())?;
        Ok(!taken)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let watchdog = self
            .watchdog
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(watchdog.stdin.take());
        drop(watchdog.wait()); // it can't be told any more
    }
}

fn new_folder() -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("keyway-nats-{}-{count}", process::id());
    let folder = env::temp_dir().join(name);
    if folder.exists() {
        // Of a process that had our number before.
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn watchdog(program: &Path, folder: &Path) -> Result<Child> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(program)
        .arg(folder)
        .current_dir(folder)
        // Ctrl-C in a terminal must not end the watchdog before it has cleaned up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("the watchdog can't be started")
}

const PORTS_TRIED: u32 = 5;

#[cfg(all(test, feature = "external"))]
mod tests {
    use super::*;

    #[test]
    fn an_external_nats_server_comes_back_after_a_crash_and_leaves_nothing_when_it_is_dropped() {
        let server = Nats::start().unwrap();
        server.crash().unwrap();
        assert!(TcpStream::connect(server.address()).is_err());
        server.restart().unwrap();
        let (folder, port) = (server.folder.clone(), server.port);
        drop(server);
        assert!(!folder.exists());
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}
