//! PostgreSQL refuses to run as root; under root it gets another account.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

/// Whom a server runs as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// Whoever runs the tests.
    Same,
    /// Another user and group, by their numbers.
    Other(u32, u32),
}

impl Account {
    /// The account for a server of this process.
    pub(crate) fn unprivileged() -> Result<Self> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Self::Same);
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        for name in ["postgres", "nobody"] {
            let line = accounts
                .lines()
                .find(|line| line.split(':').next() == Some(name));
            let mut ids = line
                .into_iter()
                .flat_map(|line| line.split(':').skip(2))
                .map(str::parse);
            if let (Some(Ok(user)), Some(Ok(group))) = (ids.next(), ids.next()) {
                return Ok(Self::Other(user, group));
            }
        }
        bail!("there is neither a user postgres nor a user nobody to run PostgreSQL as")
    }

    /// Makes a folder this account's own.
    pub(crate) fn give(self, folder: &Path) -> Result<()> {
        if let Self::Other(user, group) = self {
            chown(folder, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// A program as this account.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Self::Same => Command::new(program),
            Self::Other(user, group) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        }
    }
}
