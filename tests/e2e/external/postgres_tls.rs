//! The way to PostgreSQL: TLS with the server's certificate checked, the password from a file and in
//! no log.

use keyway::Part;
use keyway_proto::billing::v1::Source;
use keyway_test_servers::Postgres;
use sea_orm::Database;

use crate::harness::pki::{Authority, Files};
use crate::harness::{DEMO, Logs, Product, Setup, VaultDatabase};

const MODEL: &str = "openai/gpt-5-mini";
const URL: &str = "KEYWAY_VAULT__DATABASE__URL";
const PASSWORD_FILE: &str = "KEYWAY_VAULT__DATABASE__PASSWORD_FILE";
const WRONG: &str = "not-the-password-0001";

#[tokio::test]
async fn a_vault_speaks_tls_to_a_database_that_it_knows_and_to_no_other_and_logs_no_password() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "over_tls").await;
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (files, leaf) = (Files::new(), ours.server());
    server.speak_tls(&leaf.certificate, &leaf.key).unwrap();
    let plain = format!("{}?sslmode=disable", database.url);
    let refused = Database::connect(plain).await;
    refused.expect_err("the server takes no plain text");

    let right = files.put("right.pem", &ours.pem());
    let wrong = files.put("wrong.pem", &theirs.pem());
    let password = files.put("password", server.password());
    let url = |root: &str| {
        let bare = database.url.replace(&format!(":{}", server.password()), "");
        format!("{bare}?sslmode=verify-full&sslrootcert={root}")
    };
    let mut product = Setup::new()
        .with("KEYWAY_VAULT__DATABASE__PATH", "")
        .with(URL, &url(&right))
        .with(PASSWORD_FILE, &password)
        .start()
        .await;
    let secret = "sk-keyway-test-over-tls-0001";
    product
        .admin()
        .put_key(DEMO, "openai", secret)
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;

    let missing = files.path("missing").display().to_string();
    let guess = files.put("guess", WRONG);
    for (root, password, words) in [
        (
            &wrong,
            &password,
            "sslrootcert in its URL must name the authority",
        ),
        (&right, &guess, "password authentication failed"),
        (&right, &missing, "database.password_file"),
        (&missing, &password, "sslrootcert /"),
    ] {
        product.kill(Part::Vault).await;
        change(&mut product, &url(root), password);
        product.start_unready(Part::Vault);
        let code = product.exit_code(Part::Vault).await;
        let log = product.log(Part::Vault);
        assert!(code.is_some_and(|code| code != 0), "{code:?}: {log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(last.contains(words), "{words}: {log}");
        no_password(&product, &server);
    }
    change(&mut product, &url(&right), &password);
    product.start_again(Part::Vault).await;
    let _logs = Logs(&product);
    product.until_served_by(MODEL, Source::Own).await;
    no_password(&product, &server);
}

fn change(product: &mut Product, url: &str, password: &str) {
    let environment = &mut product.running.site.environment;
    environment.insert(URL.into(), url.into());
    environment.insert(PASSWORD_FILE.into(), password.into());
}

fn no_password(product: &Product, server: &Postgres) {
    for part in [Part::Vault, Part::Router] {
        let log = product.log(part);
        for password in [server.password(), WRONG] {
            assert!(!log.contains(password), "{part:?}");
        }
    }
}
