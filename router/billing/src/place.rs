//! Where a ledger's file lies. What is committed to a file that somebody took away is gone with the
//! process, so nothing may be acknowledged by it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use keyway_migrations::DatabaseAddress;
use sea_orm::{DbErr, RuntimeErr};

/// The file that was opened, or a server, which looks after its files itself.
#[derive(Debug, Clone)]
pub(crate) struct Place(Option<File>);

#[derive(Debug, Clone)]
struct File {
    path: PathBuf,
    log: PathBuf,
    /// Device and number on it.
    opened: (u64, u64),
}

impl Place {
    /// Of a database that has just been opened.
    pub(crate) fn of(address: &DatabaseAddress) -> Result<Self, DbErr> {
        let DatabaseAddress::File(path) = address else {
            return Ok(Self(None));
        };
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        Ok(Self(Some(File {
            path: path.clone(),
            log: log.into(),
            opened: identity(path).map_err(|cause| {
                DbErr::Custom(format!("{} can't be looked at: {cause}", path.display()))
            })?,
        })))
    }

    /// Whether what was opened still lies where the next process looks for it, with its log beside it.
    pub(crate) fn holds(&self) -> Result<(), DbErr> {
        let Some(file) = &self.0 else { return Ok(()) };
        if identity(&file.path).is_ok_and(|found| found == file.opened) && file.log.exists() {
            return Ok(());
        }
        let path = file.path.display();
        Err(DbErr::Conn(RuntimeErr::Internal(format!(
            "{path} and {path}-wal are no longer the files that this router opened: move them back, \
             or stop the router and bring back a copy"
        ))))
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}
