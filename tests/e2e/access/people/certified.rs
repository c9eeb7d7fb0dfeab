//! Routers by their certificates, alone and beside tokens, and certificates that are no router's.

use super::{People, router};
use crate::access::cells::Standing;
use crate::access::world::{Credential, certificate_of};
use crate::harness::pki::{self, Authority};

/// Name in the certificate, token beside it, and what the two are together.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, Option<Standing>);

impl People<'_> {
    pub(in crate::access) fn certified(&mut self, authority: &Authority) {
        let admin = self.standing_of("admin of workspaces/acme");
        let cases: [Case<'_>; 9] = [
            ("router", "local", None, Some(router(None))),
            (
                "router of acme",
                "of-acme",
                None,
                Some(router(Some("acme"))),
            ),
            (
                "router of globex",
                "of-globex",
                None,
                Some(router(Some("globex"))),
            ),
            ("nobody listed", "of-nobody", None, None),
            // Beside a router's certificate only its own token is taken.
            (
                "router and its token",
                "local",
                Some("router"),
                Some(router(None)),
            ),
            (
                "router of acme and its token",
                "of-acme",
                Some("router listed for acme"),
                Some(router(Some("acme"))),
            ),
            (
                "router of acme and a token of another",
                "of-acme",
                Some("router"),
                None,
            ),
            (
                "router and an admin's token",
                "local",
                Some("admin of workspaces/acme"),
                None,
            ),
            // Any other certificate says nothing.
            (
                "nobody listed and an admin's token",
                "of-nobody",
                Some("admin of workspaces/acme"),
                admin,
            ),
        ];
        for (name, of, token, standing) in cases {
            let leaf = authority.client(&certificate_of(of));
            let bearer = token.map(|token| format!("Bearer {}", self.bearer(token)));
            self.credentials.push(Credential {
                name: format!("certificate of {name}"),
                headers: bearer.into_iter().collect(),
                shows: Some(pki::config(authority, Some(&leaf))),
                standing,
            });
        }
    }

    fn standing_of(&self, name: &str) -> Option<Standing> {
        let known = self.credentials.iter().find(|one| one.name == name);
        known.and_then(|one| one.standing.clone())
    }
}
