//! The state folder: everything that the launcher keeps, readable by its owner only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::part::Part;

/// An open state folder. While it lives, no second launcher can use the folder.
#[derive(Debug)]
pub struct StateDir {
    root: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Creates the folder (0700) if it is not there, and locks it.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| {
                format!("can't create the state folder {shown}; give another with --state DIR")
            })?;
        let root = path
            .canonicalize()
            .with_context(|| format!("can't read the state folder {shown}"))?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).with_context(|| {
            format!("can't make {shown} private; give a folder of your own with --state DIR")
        })?;
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(root.join("launcher.lock"))
            .with_context(|| {
                format!("can't write in {shown}; give another folder with --state DIR")
            })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another launcher runs on {shown}; stop it, or give another folder with --state DIR"
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("can't lock {shown}"));
            }
        }
        for folder in ["logs", "config"] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(root.join(folder))?;
        }
        Ok(Self { root, _lock: lock })
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The vault's database.
    pub fn vault_database(&self) -> PathBuf {
        self.path("vault.db")
    }

    /// The ledger.
    pub fn ledger_database(&self) -> PathBuf {
        self.path("ledger.db")
    }

    /// The master key.
    pub fn master_key(&self) -> PathBuf {
        self.path("master.key")
    }

    /// The token by which the router is known to the vault.
    pub fn router_token(&self) -> PathBuf {
        self.path("router.token")
    }

    /// The first operator's token.
    pub fn operator_token(&self) -> PathBuf {
        self.path("operator.token")
    }

    /// What a shell can source.
    pub fn env_file(&self) -> PathBuf {
        self.path("keyway.env")
    }

    /// What the simulator has read.
    pub fn journal(&self) -> PathBuf {
        self.path("provider-sim.journal")
    }

    /// The log of a part.
    pub fn log(&self, part: Part) -> PathBuf {
        self.root
            .join("logs")
            .join(format!("{}.log", part.as_str()))
    }

    /// The settings that the launcher gives a part.
    pub fn config(&self, part: Part) -> PathBuf {
        self.root
            .join("config")
            .join(format!("{}.toml", part.as_str()))
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Opens a log that only its owner can read. The log of the start before is kept beside it.
pub fn open_log(path: &Path) -> Result<File> {
    if path.exists() {
        fs::rename(path, path.with_extension("log.before"))?;
    }
    private(OpenOptions::new().create(true).truncate(true).write(true))
        .open(path)
        .with_context(|| format!("can't write the log {}", path.display()))
}

/// Writes a file that only its owner can read: whole and synced, or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let beside = path.with_extension("new");
        if beside.exists() {
            fs::remove_file(&beside)?;
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// Reads a small text file; `None` if it is not there. What is no text in it is replaced, and then
/// means nothing to whoever reads it.
pub fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_can_read_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("deep/state")).unwrap();
        write_private(&state.env_file(), "first").unwrap();
        write_private(&state.env_file(), "second").unwrap();
        drop(open_log(&state.log(Part::Vault)).unwrap());
        assert_eq!(mode(state.root()), 0o700);
        assert_eq!(mode(&state.env_file()), 0o600);
        assert_eq!(mode(&state.log(Part::Vault)), 0o600);
        assert_eq!(read_if_there(&state.env_file()).unwrap().unwrap(), "second");
    }

    #[test]
    fn a_folder_that_others_could_read_becomes_private() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        assert_eq!(mode(state.root()), 0o700);
    }

    #[test]
    fn a_second_launcher_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateDir::open(folder.path()).unwrap();
        let error = StateDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("another launcher runs on"), "{error}");
        drop(first);
        StateDir::open(folder.path()).unwrap();
    }
}
