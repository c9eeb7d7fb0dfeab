//! The way to PostgreSQL: TLS with the server's certificate checked, the password from a file and in
//! no log.

use keyway::Part;
use keyway_proto::billing::v1::Source;
use keyway_test_servers::Postgres;
use sea_orm::Database;

use crate::harness::pki::{Authority, Files};
use crate::harness::{DEMO, Logs, Product, Setup, VaultDatabase};

const MODEL: &str = "openai/gpt-5-mini";
const WRONG: &str = "not-the-password-0001";

/// A service and its database.
struct Way<'a> {
    part: Part,
    database: &'a VaultDatabase,
    server: &'a Postgres,
}

impl Way<'_> {
    fn setting(&self, name: &str) -> String {
        let section = match self.part {
            Part::Vault => "VAULT__DATABASE",
            _ => "ROUTER__LEDGER",
        };
        format!("KEYWAY_{section}__{name}")
    }

    fn password_file(&self) -> &'static str {
        match self.part {
            Part::Vault => "database.password_file",
            _ => "ledger.password_file",
        }
    }

    /// The URL without a password, where this file has the CA.
    fn url(&self, root: &str) -> String {
        let password = format!(":{}", self.server.password());
        let bare = self.database.url.replace(&password, "");
        format!("{bare}?sslmode=verify-full&sslrootcert={root}")
    }

    fn of(&self, setup: Setup, root: &str, password: &str) -> Setup {
        setup
            .with(&self.setting("PATH"), "")
            .with(&self.setting("URL"), &self.url(root))
            .with(&self.setting("PASSWORD_FILE"), password)
    }

    fn change(&self, product: &mut Product, root: &str, password: &str) {
        let environment = &mut product.running.site.environment;
        environment.insert(self.setting("URL").into(), self.url(root).into());
        environment.insert(self.setting("PASSWORD_FILE").into(), password.into());
    }
}

#[tokio::test]
async fn both_services_speak_tls_to_a_database_that_they_know_and_to_no_other_and_log_no_password()
{
    let server = Postgres::start().expect("PostgreSQL");
    let keys = VaultDatabase::migrated_on(&server, "over_tls").await;
    let ledger = VaultDatabase::ledger_on(&server, "ledger_over_tls").await;
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (files, leaf) = (Files::new(), ours.server());
    server.speak_tls(&leaf.certificate, &leaf.key).unwrap();
    let ways = [(Part::Vault, &keys), (Part::Router, &ledger)].map(|(part, database)| Way {
        part,
        database,
        server: &server,
    });
    for way in &ways {
        let plain = Database::connect(format!("{}?sslmode=disable", way.database.url)).await;
        plain.expect_err("the server takes no plain text");
    }

    let right = files.put("right.pem", &ours.pem());
    let wrong = files.put("wrong.pem", &theirs.pem());
    let password = files.put("password", server.password());
    let setup = ways
        .iter()
        .fold(Setup::new(), |setup, way| way.of(setup, &right, &password));
    let mut product = setup.start().await;
    let secret = "sk-keyway-test-over-tls-0001";
    product
        .admin()
        .put_key(DEMO, "openai", secret)
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;

    let missing = files.path("missing").display().to_string();
    let guess = files.put("guess", WRONG);
    for way in &ways {
        for (root, password, words) in [
            (
                &wrong,
                &password,
                "sslrootcert in its URL must name the authority",
            ),
            (&right, &guess, "password authentication failed"),
            (&right, &missing, way.password_file()),
            (&missing, &password, "sslrootcert /"),
        ] {
            product.kill(way.part).await;
            way.change(&mut product, root, password);
            product.start_unready(way.part);
            let code = product.exit_code(way.part).await;
            let log = product.log(way.part);
            assert!(code.is_some_and(|code| code != 0), "{code:?}: {log}");
            let last = log.lines().last().unwrap_or_default();
            assert!(last.contains(words), "{words}: {log}");
            no_password(&product, &server);
        }
        way.change(&mut product, &right, &password);
        product.start_again(way.part).await;
    }
    let _logs = Logs(&product);
    product.until_served_by(MODEL, Source::Own).await;
    no_password(&product, &server);
}

fn no_password(product: &Product, server: &Postgres) {
    for part in [Part::Vault, Part::Router] {
        let log = product.log(part);
        for password in [server.password(), WRONG] {
            assert!(!log.contains(password), "{part:?}");
        }
    }
}
