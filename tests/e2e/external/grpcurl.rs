//! The real grpcurl, with a note of what it was told and what it said.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// A folder with a grpcurl that notes its arguments and its answers, and does its work.
pub(super) struct Watched(PathBuf);

/// What one call said.
pub(super) struct Said {
    /// Its messages, as text.
    pub(super) answer: String,
    /// What it said of a failure.
    pub(super) error: String,
}

impl Watched {
    pub(super) fn in_folder(folder: &Path) -> Self {
        let found = std::process::Command::new("sh")
            .args(["-c", "command -v grpcurl"])
            .output();
        let found = String::from_utf8(found.expect("a shell").stdout).expect("a path");
        let found = found.trim();
        assert!(!found.is_empty(), "grpcurl is missing: .ci/run installs it");
        let bin = folder.join("bin");
        fs::create_dir(&bin).expect("a folder");
        let notes = bin.display();
        let text = format!(
            "#!/bin/sh\n\
             printf '%s\\n' \"$@\" >>'{notes}/argv'\n\
             echo >>'{notes}/count'\n\
             said='{notes}'/$(wc -l <'{notes}/count')\n\
             '{found}' \"$@\" >\"$said.answer\" 2>\"$said.error\"\n\
             code=$?\n\
             cat \"$said.answer\"\n\
             cat \"$said.error\" >&2\n\
             exit $code\n"
        );
        let program = bin.join("grpcurl");
        fs::write(&program, text).expect("a script");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a mode");
        Self(bin)
    }

    /// A shell that has this one and runs a script, its errors among its output.
    pub(super) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("bash");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.0.display());
        shell
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .env_clear()
            .env("PATH", path);
        shell
    }

    /// Every argument so far.
    pub(super) fn argv(&self) -> String {
        fs::read_to_string(self.0.join("argv")).expect("grpcurl ran")
    }

    /// What each call said, in order.
    pub(super) fn said(&self) -> Vec<Said> {
        let read =
            |number: usize, name| fs::read_to_string(self.0.join(format!("{number}.{name}")));
        let one = |number| {
            let answer = read(number, "answer").ok()?;
            let error = read(number, "error").ok()?;
            Some(Said { answer, error })
        };
        (1..).map_while(one).collect()
    }
}
