//! Master keys in a PKCS#11 token, kept by `SoftHSM`: the vault uses them there, data keys move there
//! and back, and a token that goes away stops what needs it and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::vault::v1::{SealServiceRewrapRequest, SealServiceStatusRequest};
use tempfile::TempDir;

use crate::harness::{DEMO, Product, reason, wait_for};
use crate::rotation::world::World;

const DIRECTORY: &str = "KEYWAY_VAULT__MASTER_KEY__DIRECTORY";
const WRAPS: &str = "KEYWAY_VAULT__MASTER_KEY__PKCS11__WRAPS";

/// A token in a folder of its own.
struct Token(TempDir);

impl Token {
    fn new() -> Self {
        let token = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(token.path("tokens")).expect("a folder");
        let tokens = token.path("tokens");
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(token.path("softhsm2.conf"), configuration).expect("a file");
        token.write_pin("246810");
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "keyway"])
            .args(["--so-pin", "135791", "--pin", "246810"])
            .env("SOFTHSM2_CONF", token.path("softhsm2.conf"))
            .output();
        let made = made.expect("softhsm2-util is installed");
        assert!(made.status.success(), "{made:?}");
        token
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write_pin(&self, pin: &str) {
        fs::write(self.path("pin"), format!("{pin}\n")).expect("a file");
        self.set_mode(0o600);
    }

    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path("pin"), mode).expect("a mode");
    }

    /// The settings that name it, with the labels of its keys.
    fn settings(&self, keys: &str) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().expect("text").to_owned();
        let pkcs11 = |name: &str| format!("KEYWAY_VAULT__MASTER_KEY__PKCS11__{name}");
        vec![
            ("SOFTHSM2_CONF".to_owned(), text(self.path("softhsm2.conf"))),
            (pkcs11("MODULE"), text(module())),
            (pkcs11("TOKEN"), "keyway".to_owned()),
            (pkcs11("PIN_FILE"), text(self.path("pin"))),
            (pkcs11("KEYS"), keys.to_owned()),
        ]
    }

    /// Makes a key by the vault's own command.
    fn make(&self, label: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyway-tests"));
        command
            .args(["--as", "vault", "new-token-key", "--label", label])
            .env_clear()
            .env("KEYWAY_VAULT__DATABASE__PATH", self.path("none.db"))
            .envs(self.settings(label));
        command.output().expect("it runs")
    }

    fn made(&self, label: &str) -> String {
        let made = self.make(label);
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout)
            .expect("text")
            .trim()
            .to_owned()
    }
}

fn module() -> PathBuf {
    let places = [
        "/usr/lib/softhsm",
        "/usr/lib/x86_64-linux-gnu/softhsm",
        "/usr/lib/aarch64-linux-gnu/softhsm",
        "/usr/local/lib/softhsm",
    ];
    let files = places.map(|place| Path::new(place).join("libsofthsm2.so"));
    files
        .into_iter()
        .find(|file| file.exists())
        .expect("SoftHSM is installed")
}

/// Starts the vault again with other settings; `None` takes one away.
async fn restart(product: &mut Product, settings: &[(&str, Option<&str>)]) {
    product.terminate(Part::Vault);
    assert_eq!(product.exit_code(Part::Vault).await, Some(0));
    let environment = &mut product.running.site.environment;
    for (name, value) in settings {
        match value {
            Some(value) => environment.insert(name.into(), value.into()),
            None => environment.remove(std::ffi::OsStr::new(name)),
        };
    }
    product.start_again(Part::Vault).await;
}

/// Rewraps everything with the newest generation; its id.
async fn rewrap(product: &Product) -> String {
    let operator = product.operator();
    let seal = operator.vault.seal();
    let answer = { seal }.rewrap(SealServiceRewrapRequest {}).await;
    let answer = answer.expect("an answer").into_inner();
    assert_eq!(answer.remaining, 0);
    answer.master_key_id
}

#[tokio::test]
async fn data_keys_move_into_a_token_and_back_and_everything_opens_on_the_way() {
    let token = Token::new();
    let (first, second) = (token.made("master-1"), token.made("master-2"));
    assert_ne!(first, second);
    let again = token.make("master-1");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && said.contains("never written over"),
        "{said}"
    );

    let mut world = World::start().await;
    let local = world.keys();
    let settings = token.settings("master-1");
    let settings: Vec<(&str, Option<&str>)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), Some(value.as_str())))
        .collect();
    // Local keys and the token: everything moves into the token.
    restart(&mut world.product, &settings).await;
    world.assert_every_key_opens().await;
    assert_eq!(rewrap(&world.product).await, first);
    // The token alone, first with one key, then with the next generation.
    restart(&mut world.product, &[(DIRECTORY, None)]).await;
    world.assert_every_key_opens().await;
    let by = world.product.operator();
    by.put_key("platform", "anthropic", "sk-keyway-test-in-the-token-0004")
        .await
        .expect("a key");
    let keys = "KEYWAY_VAULT__MASTER_KEY__PKCS11__KEYS";
    restart(&mut world.product, &[(keys, Some("master-1,master-2"))]).await;
    assert_eq!(rewrap(&world.product).await, second);
    restart(&mut world.product, &[(keys, Some("master-2"))]).await;
    world.assert_every_key_opens().await;
    // And back.
    let folder = local.to_str().expect("text");
    restart(
        &mut world.product,
        &[(DIRECTORY, Some(folder)), (WRAPS, Some("false"))],
    )
    .await;
    let back = rewrap(&world.product).await;
    assert!(back != first && back != second);
    let module = "KEYWAY_VAULT__MASTER_KEY__PKCS11__MODULE";
    restart(&mut world.product, &[(module, None)]).await;
    world.assert_every_key_opens().await;
    world.assert_record_is_whole().await;
}

#[tokio::test]
async fn a_token_that_goes_away_shows_in_readiness_fails_closed_and_is_opened_again() {
    let token = Token::new();
    token.made("master-1");
    let mut world = World::start().await;
    let mut settings = token.settings("master-1");
    // Nothing is kept, so that every use asks the token.
    settings.push((
        "KEYWAY_VAULT__DATA_KEY_CACHE__SIZE".to_owned(),
        "0".to_owned(),
    ));
    let settings: Vec<(&str, Option<&str>)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), Some(value.as_str())))
        .collect();
    restart(&mut world.product, &settings).await;
    rewrap(&world.product).await;

    let (there, away) = (token.path("tokens"), token.path("away"));
    fs::rename(&there, &away).expect("it goes away");
    let is_ready = |product: &Product| {
        let address = product.running.site.addresses.vault_operations;
        async move {
            let answer = reqwest::get(format!("http://{address}/readyz")).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        }
    };
    wait_for("a vault that is not ready", async || {
        (!is_ready(&world.product).await).then_some(())
    })
    .await;
    let admin = world.product.admin();
    let refused = admin
        .put_key(DEMO, "openai", "sk-keyway-test-refused-0005")
        .await;
    assert_eq!(
        reason(&refused.unwrap_err()),
        Some(Reason::VaultUnavailable)
    );
    let status = world.product.operator().vault.seal();
    let status = { status }.status(SealServiceStatusRequest::default()).await;
    status.expect("what the database knows is shown all the same");

    fs::rename(&away, &there).expect("it comes back");
    wait_for("a vault that is ready", async || {
        is_ready(&world.product).await.then_some(())
    })
    .await;
    world.assert_every_key_opens().await;
}

#[tokio::test]
async fn a_wrong_pin_is_refused_without_being_shown() {
    let token = Token::new();
    token.made("master-1");
    token.write_pin("000000");
    let refused = token.make("master-2");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("refuses the PIN"), "{said}");
    assert!(!said.contains("000000"), "{said}");
    assert_eq!(refused.status.code(), Some(78), "{said}");
}

#[tokio::test]
async fn a_vault_whose_token_is_not_as_the_settings_say_ends_as_one_that_is_configured_wrongly() {
    let token = Token::new();
    token.made("master-1");
    let mut world = World::start().await;
    let starts = async |world: &mut World| {
        world.product.start_unready(Part::Vault);
        world.product.exit_code(Part::Vault).await
    };
    world.product.terminate(Part::Vault);
    assert_eq!(world.product.exit_code(Part::Vault).await, Some(0));
    for (name, value) in token.settings("master-1") {
        let environment = &mut world.product.running.site.environment;
        environment.insert(name.into(), value.into());
    }
    token.write_pin("000000");
    assert_eq!(starts(&mut world).await, Some(78), "a wrong PIN");
    let said = world.product.log(Part::Vault);
    assert!(said.contains("refuses the PIN") && !said.contains("000000"));
    token.write_pin("246810");
    token.set_mode(0o440);
    assert_eq!(
        starts(&mut world).await,
        Some(78),
        "a PIN for others to read"
    );
    // As the files of master keys.
    let readable = "KEYWAY_VAULT__MASTER_KEY__GROUP_READABLE";
    let environment = &mut world.product.running.site.environment;
    environment.insert(readable.into(), "true".into());
    world.product.start_again(Part::Vault).await;
    world.assert_every_key_opens().await;
}
