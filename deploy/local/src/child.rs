//! One process of the product. It ends when the launcher ends, however that happens: it reads a
//! pipe that only the launcher holds, and stops when the pipe closes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::process::{ChildStdin, Command};

use crate::part::Part;
use crate::state::open_log;

/// The environment that a process is given: nothing else reaches it.
pub type Environment = BTreeMap<OsString, OsString>;

/// A started process.
#[derive(Debug)]
pub struct Child {
    part: Part,
    process: tokio::process::Child,
    // Closing it asks the process to stop; the kernel closes it when this process dies.
    pipe: Option<ChildStdin>,
    log: PathBuf,
}

impl Child {
    /// Starts `program --as PART args…` with its output in `log`.
    pub fn spawn(
        program: &Path,
        part: Part,
        args: &[OsString],
        environment: &Environment,
        log: &Path,
    ) -> Result<Self> {
        let output = open_log(log)?;
        let mut process = Command::new(program)
            .arg("--as")
            .arg(part.as_str())
            .args(args)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C in a terminal reaches the launcher alone, which stops the others in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't start {} as {}", program.display(), part.as_str()))?;
        let pipe = process.stdin.take();
        Ok(Self {
            part,
            process,
            pipe,
            log: log.to_owned(),
        })
    }

    /// Which part it is.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        // Not `Child::wait`, which would close the pipe first; the pipe was taken out of it.
        Ok(self.process.wait().await?)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Asks it to stop and waits; kills it when `bound` has passed. Tells how it ended.
    pub async fn stop(&mut self, bound: Duration) -> Result<ExitStatus> {
        drop(self.pipe.take());
        match tokio::time::timeout(bound, self.process.wait()).await {
            Ok(status) => Ok(status?),
            Err(_elapsed) => {
                self.process.start_kill()?;
                Ok(self.process.wait().await?)
            }
        }
    }

    /// Kills it at once and waits until it is gone.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.process.start_kill()?;
        Ok(self.process.wait().await?)
    }

    /// Why it ended although it should run: its own last words, unless it was given no time for any.
    pub fn failure(&self, status: ExitStatus) -> anyhow::Error {
        let part = self.part.as_str();
        if status.signal().is_some() {
            let log = self.log.display();
            return anyhow!("the {part} was ended by somebody else ({status}); its log is {log}");
        }
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        match text.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => anyhow!(
                "the {part} stopped: {} (more in {})",
                line.trim(),
                self.log.display()
            ),
            None => anyhow!("the {part} stopped with {status} and said nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A shell takes the place of the program: `sh --as` would fail, so a script ignores its arguments.
    // Another process writes it: were it this one, a child that another test starts meanwhile could
    // hold the file open for writing, and the kernel starts no such file.
    fn script(folder: &Path, body: &str) -> PathBuf {
        let path = folder.join("program");
        let written = std::process::Command::new("sh")
            .args([
                "-c",
                "printf '#!/bin/sh\\n%s\\n' \"$0\" >\"$1\" && chmod 755 \"$1\"",
                body,
            ])
            .arg(&path)
            .status();
        assert!(written.unwrap().success());
        path
    }

    fn start(folder: &Path, body: &str) -> Child {
        let environment = Environment::from([("PATH".into(), "/usr/bin:/bin".into())]);
        let log = folder.join("child.log");
        Child::spawn(&script(folder, body), Part::Vault, &[], &environment, &log).unwrap()
    }

    #[tokio::test]
    async fn a_process_is_asked_to_stop_by_closing_its_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(folder.path(), "cat; exit 7");
        assert!(child.ended().unwrap().is_none());
        assert_eq!(
            child.stop(Duration::from_secs(20)).await.unwrap().code(),
            Some(7)
        );
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(folder.path(), "exec sleep 1000");
        assert_eq!(
            child.stop(Duration::from_millis(50)).await.unwrap().code(),
            None
        );
    }

    #[tokio::test]
    async fn its_last_words_say_why_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(
            folder.path(),
            "echo first; echo the port is taken >&2; exit 2",
        );
        let status = child.wait().await.unwrap();
        let text = child.failure(status).to_string();
        assert!(
            text.starts_with("the vault stopped: the port is taken (more in "),
            "{text}"
        );
    }

    #[tokio::test]
    async fn one_that_is_killed_is_not_said_to_have_ended_for_what_it_wrote_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(folder.path(), "echo all is well; kill -9 $$");
        let status = child.wait().await.unwrap();
        let text = child.failure(status).to_string();
        assert!(
            text.starts_with("the vault was ended by somebody else (signal: 9 (SIGKILL))"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn nothing_but_the_given_environment_reaches_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(folder.path(), "exec env");
        child.wait().await.unwrap();
        let text = std::fs::read_to_string(child.log()).unwrap();
        assert!(
            text.lines().all(|line| line.starts_with("PATH=")
                || line.starts_with("PWD=")
                || line.starts_with("OLDPWD=")
                || line.starts_with("SHLVL=")
                || line.starts_with("_=")),
            "{text}"
        );
    }
}
