//! The master key's generations, as they stand outside the database. A server never makes one: a key
//! made beside existing data would lose it.

pub(crate) mod source;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use keyway_vault_crypto::{MasterKey, MasterKeyMalformed, NoRandomness, OsRandom};
use zeroize::Zeroizing;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// No such file, or a folder without one. The path is where a first key belongs.
    #[error("there is no master key in {}", .0.display())]
    Missing(PathBuf),
    /// Others than its owner may read it.
    #[error(
        "the master key file {path} can be read by others; run `chmod 600 {path}`, or set \
         `master_key.group_readable` where only its group is meant to read it",
        path = .0.display()
    )]
    Exposed(PathBuf),
    /// A folder of generations holds something else.
    #[error(
        "the folder of master keys {folder} holds {name}; every generation is a file named by a \
         whole number without leading zeros, the highest is the current one",
        folder = .folder.display(),
        name = .name.display()
    )]
    NotAGeneration {
        /// The folder.
        folder: PathBuf,
        /// Name of the entry.
        name: PathBuf,
    },
    /// More generations than anybody needs.
    #[error("{0} holds more than {max} master keys; retire and remove the old ones", max = source::MOST)]
    TooMany(String),
    /// One key under two names.
    #[error("{place} holds the master key {id} twice; every generation is a key of its own")]
    Twice {
        /// Where.
        place: String,
        /// The public id.
        id: String,
    },
    /// The text in the environment is not of its form.
    #[error(
        "KEYWAY_VAULT__MASTER_KEY__ENVIRONMENT: {0}; several are separated by commas, the current one first"
    )]
    MalformedText(MasterKeyMalformed),
    /// It is there, and a new one must never take its place.
    #[error("{} exists already; a master key is never written over", .0.display())]
    Exists(PathBuf),
    /// It is not of its form.
    #[error("the master key file {}: {cause}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The accepted form.
        cause: MasterKeyMalformed,
    },
    /// The system refused.
    #[error("the master key file {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// No randomness to make one.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Makes a new master key and writes it to a new file that its owner alone can read. Never writes
/// over a file. It is on disk when this returns.
pub fn create_file(path: &Path) -> Result<(), MasterKeyError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::AlreadyExists => MasterKeyError::Exists(path.to_owned()),
        _ => MasterKeyError::Io {
            path: path.to_owned(),
            cause,
        },
    };
    let text = MasterKey::generate(&mut OsRandom)?.to_file_text();
    write_private(path, text.as_bytes()).map_err(failed)
}

/// The public id of the key in a file. Says nothing else of it.
pub(crate) fn id_of_file(path: &Path) -> Result<String, MasterKeyError> {
    read_file(path, Readers::OwnerAndGroup).map(|key| key.id())
}

/// Who may be able to read a master key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner alone.
    Owner,
    /// Its group too: files of a mounted Kubernetes secret belong to root and to the pod's `fsGroup`.
    OwnerAndGroup,
}

impl Readers {
    const fn forbidden(self) -> u32 {
        match self {
            Self::Owner => 0o077,
            Self::OwnerAndGroup => 0o037,
        }
    }
}

/// Reads a master key file.
pub(crate) fn read_file(path: &Path, readers: Readers) -> Result<MasterKey, MasterKeyError> {
    let text = read_private(path, readers)?;
    MasterKey::parse_file(&text).map_err(|cause| MasterKeyError::Malformed {
        path: path.to_owned(),
        cause,
    })
}

/// Reads a short file that others can't read. The text is wiped when dropped.
pub(crate) fn read_private(
    path: &Path,
    readers: Readers,
) -> Result<Zeroizing<String>, MasterKeyError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => MasterKeyError::Missing(path.to_owned()),
        _ => MasterKeyError::Io {
            path: path.to_owned(),
            cause,
        },
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & readers.forbidden() != 0 {
        return Err(MasterKeyError::Exposed(path.to_owned()));
    }
    // Room for more than any key, so that reading does not grow it and leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(4096).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes a new file for its owner alone, synced with its folder.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_reads_back_and_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        create_file(&path).unwrap();
        let id = read_file(&path, Readers::Owner).unwrap().id();
        assert!(matches!(create_file(&path), Err(MasterKeyError::Exists(_))));
        assert_eq!(read_file(&path, Readers::Owner).unwrap().id(), id);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        create_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read_file(&path, Readers::Owner).err().unwrap().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_group_reads_a_file_where_it_is_meant_to_and_never_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1");
        create_file(&path).unwrap();
        for (mode, accepted) in [(0o440, true), (0o640, true), (0o660, false), (0o644, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                read_file(&path, Readers::OwnerAndGroup).is_ok(),
                accepted,
                "{mode:o}"
            );
        }
    }

    #[test]
    fn a_malformed_file_is_refused_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        write_private(&path, b"planted-content").unwrap();
        let error = read_file(&path, Readers::Owner).err().unwrap().to_string();
        assert!(!error.contains("planted"), "{error}");
    }
}
