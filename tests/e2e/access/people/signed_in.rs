//! People and routers by the word of an issuer, and those whom its word does not reach.

use super::{People, member, router};
use crate::access::cells::{NO_COLUMN, Standing};
use crate::access::requests::ACME;
use crate::harness::{Issuer, subject};

impl People<'_> {
    pub(in crate::access) async fn signed_in(&mut self, issuer: &Issuer) {
        let admin = self.bearer("admin of workspaces/acme");
        member(&self.product.speaker(&admin), ACME, &subject("alice")).await;
        for (name, sub, groups, column, workspace) in [
            ("person who is a reader", "alice", "", 2, Some(ACME)),
            ("person of a group that calls", "eve", "apps", 1, Some(ACME)),
            (
                "person of a group of admins",
                "bob",
                "admins",
                3,
                Some(ACME),
            ),
            (
                "person of a group of operators",
                "carol",
                "operators",
                4,
                None,
            ),
            (
                "person of a group of auditors",
                "frank",
                "auditors",
                5,
                None,
            ),
            ("person without a role", "dan", "visitors", NO_COLUMN, None),
        ] {
            let token = issuer.token("keyway", sub, 3600, &[groups]);
            let standing = Standing {
                column,
                workspace: workspace.map(str::to_owned),
                listed: None,
            };
            self.add(name, &token, Some(standing));
        }
        for (account, list) in [
            ("router", None),
            ("router-acme", Some("acme")),
            ("router-globex", Some("globex")),
        ] {
            let subject = format!("system:serviceaccount:keyway:{account}");
            let token = issuer.token("keyway-vault", &subject, 3600, &[]);
            let name = format!("service account {account}");
            self.add(&name, &token, Some(router(list)));
        }
        self.not_signed_in(issuer);
    }

    fn not_signed_in(&mut self, issuer: &Issuer) {
        let account = |name| format!("system:serviceaccount:keyway:{name}");
        let listed = account("router");
        let person = |audience, seconds| issuer.token(audience, "alice", seconds, &[]);
        let router = |audience, sub: &str, ends| issuer.token(audience, sub, ends, &[]);
        let other = Issuer::new();
        for (name, token) in [
            ("person's token that is over", person("keyway", -600)),
            ("person's token for another", person("another", 3600)),
            ("person's token for routers", person("keyway-vault", 3600)),
            (
                "another account",
                router("keyway-vault", &account("other"), 3600),
            ),
            (
                "service account that is over",
                router("keyway-vault", &listed, -600),
            ),
            (
                "service account for another",
                router("another", &listed, 3600),
            ),
            (
                "person of another issuer",
                other.token("keyway", "alice", 3600, &["operators"]),
            ),
            (
                "service account of another issuer",
                other.token("keyway-vault", &listed, 3600, &[]),
            ),
        ] {
            self.add(name, &token, None);
        }
    }
}
