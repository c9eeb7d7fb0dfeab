//! Where the generations of the master key come from: one file, a folder with a file per generation,
//! or the environment. Exactly one of them; the current generation wraps, every one unwraps.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keyway_chassis::config::SecretText;
use keyway_vault_crypto::MasterKey;
use keyway_words::Secret;

use super::{MasterKeyError, Readers, read_file};

/// Where this process was told to look.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// One key in a file.
    File(PathBuf, Readers),
    /// A folder such as a mounted Kubernetes secret: files named 1, 2, … The highest is current.
    Directory(PathBuf, Readers),
    /// Key texts, the current one first, separated by commas.
    Environment(SecretText),
}

impl Source {
    /// Reads every generation, oldest first: the last one is the current one. Never empty.
    pub(crate) fn read(&self) -> Result<Vec<MasterKey>, MasterKeyError> {
        let keys = match self {
            Self::File(path, readers) => vec![read_file(path, *readers)?],
            Self::Directory(folder, readers) => generations(folder)?
                .iter()
                .map(|path| read_file(path, *readers))
                .collect::<Result<_, _>>()?,
            Self::Environment(texts) => from_texts(texts.secret())?,
        };
        if keys.len() > MOST {
            return Err(MasterKeyError::TooMany(self.place()));
        }
        refuse_twice(&keys, &self.place())?;
        Ok(keys)
    }

    /// Where a first key belongs, if a command can put one there.
    pub(crate) fn first_file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path, _) => Some(path.clone()),
            Self::Directory(folder, _) => Some(folder.join("1")),
            Self::Environment(_) => None,
        }
    }

    /// For people.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path, _) | Self::Directory(path, _) => path.display().to_string(),
            Self::Environment(_) => "KEYWAY_VAULT__MASTER_KEY__ENVIRONMENT".to_owned(),
        }
    }
}

/// The files of a folder by their number. Names with a dot in front are how Kubernetes swaps a
/// mounted secret as a whole; anything else that is not a number is refused, since a generation with
/// a mistyped name would be missed in silence.
fn generations(folder: &Path) -> Result<Vec<PathBuf>, MasterKeyError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => MasterKeyError::Missing(folder.to_owned()),
        _ => MasterKeyError::Io {
            path: folder.to_owned(),
            cause,
        },
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let number = name.to_str().and_then(generation);
        let number = number.ok_or_else(|| MasterKeyError::NotAGeneration {
            folder: folder.to_owned(),
            name: PathBuf::from(&name),
        })?;
        found.push((number, folder.join(name)));
    }
    if found.is_empty() {
        return Err(MasterKeyError::Missing(folder.to_owned()));
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_number, path)| path).collect())
}

/// A whole number as it is written: without sign, space or leading zeros.
fn generation(name: &str) -> Option<u64> {
    let number: u64 = name.parse().ok()?;
    (number > 0 && number.to_string() == name).then_some(number)
}

fn from_texts(texts: &Secret) -> Result<Vec<MasterKey>, MasterKeyError> {
    let mut keys = texts
        .expose()
        .split(',')
        .map(|text| MasterKey::parse_file(text.trim()).map_err(MasterKeyError::MalformedText))
        .collect::<Result<Vec<_>, _>>()?;
    keys.reverse();
    Ok(keys)
}

fn refuse_twice(keys: &[MasterKey], place: &str) -> Result<(), MasterKeyError> {
    let mut ids: Vec<String> = keys.iter().map(MasterKey::id).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => Err(MasterKeyError::Twice {
            place: place.to_owned(),
            id: pair.concat().chars().take(16).collect(),
        }),
        None => Ok(()),
    }
}

/// Most generations at once.
pub(crate) const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use keyway_vault_crypto::OsRandom;
    use tempfile::TempDir;

    use super::*;
    use crate::master_key::create_file;

    fn folder(names: &[&str]) -> (TempDir, Source) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            create_file(&folder.path().join(name)).unwrap();
        }
        let source = Source::Directory(folder.path().to_owned(), Readers::Owner);
        (folder, source)
    }

    fn ids(source: &Source) -> Vec<String> {
        source.read().unwrap().iter().map(MasterKey::id).collect()
    }

    fn id(path: &Path) -> String {
        read_file(path, Readers::Owner).unwrap().id()
    }

    #[test]
    fn the_highest_number_is_the_current_generation() {
        let (folder, source) = folder(&["9", "10", "2"]);
        let expected: Vec<_> = ["2", "9", "10"]
            .map(|name| id(&folder.path().join(name)))
            .into();
        assert_eq!(ids(&source), expected);
    }

    #[test]
    fn a_mounted_kubernetes_secret_reads_as_its_generations() {
        let (folder, source) = folder(&[]);
        let data = folder.path().join("..2026_11_24_00_00_00.1");
        fs::create_dir(&data).unwrap();
        symlink(&data, folder.path().join("..data")).unwrap();
        for name in ["1", "2"] {
            create_file(&data.join(name)).unwrap();
            fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o440)).unwrap();
            symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
        }
        let error = source.read().err().unwrap().to_string();
        assert!(error.contains("master_key.group_readable"), "{error}");
        let source = Source::Directory(folder.path().to_owned(), Readers::OwnerAndGroup);
        assert_eq!(source.read().unwrap().len(), 2);
    }

    #[test]
    fn a_name_that_is_no_generation_is_refused_by_name() {
        for name in ["0", "01", "+1", "1.key", "two", "1 "] {
            let (_folder, source) = folder(&["1", "3", name]);
            let error = source.read().err().unwrap().to_string();
            assert!(error.contains(&format!("holds {name};")), "{error}");
        }
    }

    #[test]
    fn a_folder_without_a_generation_is_a_missing_key() {
        let (_folder, source) = folder(&[".hidden"]);
        assert!(matches!(source.read(), Err(MasterKeyError::Missing(_))));
    }

    #[test]
    fn one_key_under_two_names_is_refused_by_its_id() {
        let (folder, source) = folder(&["1"]);
        let first = folder.path().join("1");
        fs::copy(&first, folder.path().join("2")).unwrap();
        let error = source.read().err().unwrap().to_string();
        assert!(
            error.contains(&id(&first)) && error.contains("twice"),
            "{error}"
        );
    }

    #[test]
    fn the_environment_names_the_current_key_first() {
        let texts: Vec<_> = (0..2)
            .map(|_| MasterKey::generate(&mut OsRandom).unwrap().to_file_text())
            .collect();
        let joined = format!("{}, {}", texts[1].trim(), texts[0].trim());
        let source = Source::Environment(SecretText::new(&joined));
        let expected: Vec<_> = texts
            .iter()
            .map(|text| MasterKey::parse_file(text).unwrap().id())
            .collect();
        assert_eq!(ids(&source), expected);
    }

    #[test]
    fn a_text_of_another_form_is_refused_with_the_form_and_without_the_text() {
        for text in ["planted", "keyway-master-v1:cGxhbnRlZA==", ",", ""] {
            let source = Source::Environment(SecretText::new(text));
            let error = source.read().err().unwrap().to_string();
            assert!(error.contains("base64 of 32 bytes"), "{error}");
            assert!(
                !error.contains("lanted") && !error.contains("cGxh"),
                "{error}"
            );
        }
    }
}
