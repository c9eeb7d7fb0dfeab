//! Where the master key is: what this process reads, and what a token keeps.

use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::config::{self, ConfigError, Kind, SecretText, Setting, Values};

#[cfg(feature = "pkcs11")]
use crate::keyring::Pin;
use crate::keyring::{Holders, TokenSettings};
use crate::master_key::Readers;
use crate::master_key::source::Source;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "master_key.file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "The master key, a file that its owner alone can read, made by `keyway-vault new-master-key --out FILE`. At most one of `master_key.file`, `master_key.directory` and `master_key.environment` is set; none only where `master_key.pkcs11` is.",
    },
    Setting {
        path: "master_key.directory",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "Several generations of the master key: a folder with a file each, named by whole numbers, such as a mounted Kubernetes secret. The highest wraps, all unwrap. Newer files are noticed while the vault runs.",
    },
    Setting {
        path: "master_key.environment",
        kind: Kind::Secret {
            accepted: "one or more master keys, the current one first, separated by commas",
        },
        default: config::Default::Absent,
        help: "The texts of the master keys themselves. A file is safer: the environment of a process can be read by whoever runs as its user.",
    },
    Setting {
        path: "master_key.group_readable",
        kind: Kind::Bool,
        default: config::Default::Is("false"),
        help: "Whether the group of a file with a master key, or with the PIN of a token, may read it, as it must where a Kubernetes secret is mounted with `fsGroup` and `defaultMode: 0440`. Others never may.",
    },
    Setting {
        path: "master_key.timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("3s"),
        help: "Longest time for one answer of what holds the master key.",
    },
    Setting {
        path: "master_key.pkcs11.module",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "A PKCS#11 module, a shared library, whose token keeps master keys; only in a build with the feature `pkcs11`. Beside local master keys, so that data keys can be wrapped again from one to the other, or instead of them.",
    },
    Setting {
        path: "master_key.pkcs11.token",
        kind: Kind::Text { max: 32 },
        default: config::Default::Absent,
        help: "The label of the token.",
    },
    Setting {
        path: "master_key.pkcs11.pin_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "File with the PIN of the token's user, one line, readable as `master_key.group_readable` says. This or `master_key.pkcs11.pin`.",
    },
    Setting {
        path: "master_key.pkcs11.pin",
        kind: Kind::Secret {
            accepted: "the PIN of the token's user",
        },
        default: config::Default::Absent,
        help: "The PIN itself. A file is safer.",
    },
    Setting {
        path: "master_key.pkcs11.keys",
        kind: Kind::List {
            accepted: KEY_LABEL,
            check: is_key_label,
        },
        default: config::Default::Is(""),
        help: "Labels of the master keys in the token, the oldest first, made by `keyway-vault new-token-key --label LABEL`. The last one wraps, all unwrap.",
    },
    Setting {
        path: "master_key.pkcs11.wraps",
        kind: Kind::Bool,
        default: config::Default::Is("true"),
        help: "Whether the token wraps where there are local master keys too. `false` leads back from the token to them, by SealService.Rewrap.",
    },
];

/// Everything that holds a generation.
pub(super) fn holders(values: &Values) -> Result<Holders, ConfigError> {
    let local = local(values)?;
    let token = token(values)?;
    if local.is_none() && token.is_none() {
        return Err(values.refuse("master_key.file", ONE_SOURCE));
    }
    Ok(Holders { local, token })
}

/// Who may be able to read files with secrets of the master key.
fn readers(values: &Values) -> Result<Readers, ConfigError> {
    Ok(if values.get("master_key.group_readable")? {
        Readers::OwnerAndGroup
    } else {
        Readers::Owner
    })
}

fn local(values: &Values) -> Result<Option<Source>, ConfigError> {
    let readers = readers(values)?;
    let file: Option<PathBuf> = values.get("master_key.file")?;
    let directory: Option<PathBuf> = values.get("master_key.directory")?;
    let environment: Option<SecretText> = values.get("master_key.environment")?;
    match (file, directory, environment) {
        (Some(path), None, None) => Ok(Some(Source::File(path, readers))),
        (None, Some(folder), None) => Ok(Some(Source::Directory(folder, readers))),
        (None, None, Some(texts)) => Ok(Some(Source::Environment(texts))),
        (None, None, None) => Ok(None),
        _ => Err(values.refuse("master_key.file", ONE_SOURCE)),
    }
}

#[cfg(feature = "pkcs11")]
fn token(values: &Values) -> Result<Option<TokenSettings>, ConfigError> {
    let module: Option<PathBuf> = values.get("master_key.pkcs11.module")?;
    let Some(module) = module else {
        return Ok(None);
    };
    let label: Option<String> = values.get("master_key.pkcs11.token")?;
    let label = label.ok_or_else(|| {
        values.missing(
            "master_key.pkcs11.token",
            "the label of the token, as master_key.pkcs11.module is set",
        )
    })?;
    let file: Option<PathBuf> = values.get("master_key.pkcs11.pin_file")?;
    let text: Option<SecretText> = values.get("master_key.pkcs11.pin")?;
    let pin = match (file, text) {
        (Some(path), None) => Pin::File(path, readers(values)?),
        (None, Some(text)) => Pin::Text(text),
        _ => {
            let one = "exactly one of master_key.pkcs11.pin_file and master_key.pkcs11.pin";
            return Err(values.missing("master_key.pkcs11.pin_file", one));
        }
    };
    let keys: Vec<String> = values.get("master_key.pkcs11.keys")?;
    if keys.is_empty() {
        return Err(values.missing("master_key.pkcs11.keys", KEY_LABEL));
    }
    Ok(Some(TokenSettings {
        module,
        label,
        pin,
        keys,
        wraps: values.get("master_key.pkcs11.wraps")?,
    }))
}

#[cfg(not(feature = "pkcs11"))]
fn token(values: &Values) -> Result<Option<TokenSettings>, ConfigError> {
    let module: Option<PathBuf> = values.get("master_key.pkcs11.module")?;
    match module {
        None => Ok(None),
        Some(_) => Err(values.refuse("master_key.pkcs11.module", NOT_IN_THIS_BUILD)),
    }
}

fn is_key_label(label: &str) -> bool {
    (1..=64).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic())
}

const KEY_LABEL: &str = "one or more labels of 1 to 64 visible ASCII characters";
#[cfg(not(feature = "pkcs11"))]
const NOT_IN_THIS_BUILD: &str =
    "a token only in a build with PKCS#11: `cargo build --features keyway-vault/pkcs11`";
const ONE_SOURCE: &str = "exactly one of master_key.file, master_key.directory and \
     master_key.environment, or master_key.pkcs11.module; a vault that has never stored anything gets \
     its first key by `keyway-vault new-master-key --out FILE`";
