//! Where the programs of PostgreSQL and NATS are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The folder with `initdb` and `postgres`: the newest that Debian's packages have, else one of `PATH`.
pub(crate) fn postgres_folder() -> Result<PathBuf> {
    let is_complete = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let mut packaged: Vec<(u32, PathBuf)> = versions(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .filter(|(_, folder)| is_complete(folder))
        .collect();
    packaged.sort_unstable();
    if let Some((_, newest)) = packaged.pop() {
        return Ok(newest);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    match env::split_paths(&path).find(is_complete) {
        // Links lead to the folder that holds the rest of the installation.
        Some(folder) => Ok(fs::canonicalize(folder.join("postgres"))?
            .parent()
            .unwrap_or(&folder)
            .to_owned()),
        None => bail!("initdb and postgres are not installed; .ci/run installs them"),
    }
}

/// The NATS server: one of `PATH`, else where Debian's package has it.
pub(crate) fn nats_server() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let packaged = PathBuf::from("/usr/sbin");
    let found = env::split_paths(&path)
        .chain([packaged])
        .map(|folder| folder.join("nats-server"))
        .find(|program| program.is_file());
    match found {
        Some(program) => Ok(program),
        None => bail!("nats-server is not installed; .ci/run installs it"),
    }
}

fn versions(packages: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(packages) else {
        return Vec::new();
    };
    let version = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, entry.path().join("bin")))
    };
    entries.flatten().filter_map(version).collect()
}
