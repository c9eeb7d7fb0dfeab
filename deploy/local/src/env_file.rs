//! `keyway.env`: what a shell needs to talk to the product, in a form that it can source.

use keyway_words::Secret;

/// What stands in `keyway.env`.
#[derive(Debug)]
pub struct EnvFile {
    /// Vault, host:port.
    pub vault: String,
    /// Router, host:port.
    pub router: String,
    /// Simulator, host:port; `None` where it does not run.
    pub simulator: Option<String>,
    /// Resource name of the demo workspace.
    pub workspace: String,
    /// The operator's token.
    pub operator_token: Secret,
    /// The demo admin's token.
    pub admin_token: Secret,
    /// The demo workspace's call token.
    pub call_token: Secret,
}

impl EnvFile {
    /// The text of the file. Values need no quoting: addresses, names and tokens have no character
    /// that a shell reads as its own; they are quoted all the same.
    pub fn to_text(&self) -> String {
        let head = "# Written by the launcher at every start. Source it: . keyway.env\n";
        let mut text = head.to_owned();
        let mut line = |name: &str, value: &str| {
            text.extend(["export ", name, "='", value, "'\n"]);
        };
        line("KEYWAY_VAULT", &self.vault);
        line("KEYWAY_ROUTER", &self.router);
        if let Some(simulator) = &self.simulator {
            line("KEYWAY_SIM", simulator);
        }
        line("KEYWAY_WORKSPACE", &self.workspace);
        line("KEYWAY_OPERATOR_TOKEN", self.operator_token.expose());
        line("KEYWAY_ADMIN_TOKEN", self.admin_token.expose());
        line("KEYWAY_CALL_TOKEN", self.call_token.expose());
        text
    }
}

/// One value of a `keyway.env`, if it stands there.
pub fn value(text: &str, name: &str) -> Option<Secret> {
    text.lines().find_map(|line| {
        let (found, value) = line.strip_prefix("export ")?.split_once('=')?;
        let value = value.trim_matches('\'');
        let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
        (found == name && printable && !value.is_empty()).then(|| Secret::new(value.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(simulator: Option<String>) -> EnvFile {
        EnvFile {
            vault: "127.0.0.1:7101".to_owned(),
            router: "127.0.0.1:7103".to_owned(),
            simulator,
            workspace: "workspaces/demo".to_owned(),
            operator_token: Secret::new("kwo_x".to_owned()),
            admin_token: Secret::new("kwa_y".to_owned()),
            call_token: Secret::new("kwc_z".to_owned()),
        }
    }

    #[test]
    fn a_shell_reads_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyway.env");
        std::fs::write(&path, sample(Some("127.0.0.1:7129".to_owned())).to_text()).unwrap();
        let script = format!(
            ". {} && echo $KEYWAY_VAULT $KEYWAY_SIM $KEYWAY_WORKSPACE && env | grep -c ^KEYWAY_",
            path.display()
        );
        let output = std::process::Command::new("sh")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .args(["-c", &script])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text, "127.0.0.1:7101 127.0.0.1:7129 workspaces/demo\n7\n");
    }

    #[test]
    fn values_are_read_back_and_an_absent_one_is_absent() {
        let text = sample(None).to_text();
        assert_eq!(value(&text, "KEYWAY_CALL_TOKEN").unwrap().expose(), "kwc_z");
        assert!(value(&text, "KEYWAY_SIM").is_none());
        let damaged = text.replace("kwc_z", "kwc\u{fffd}");
        assert!(value(&damaged, "KEYWAY_CALL_TOKEN").is_none());
    }
}
