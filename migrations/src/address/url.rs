//! What a database's URL may say. No error repeats any of it, because a password may stand in it.

use std::net::IpAddr;
use std::path::PathBuf;

/// What is accepted, for error lines and the reference.
pub const ACCEPTED: &str = "postgres://user[:password]@host[:port]/database, with the parameters host (a socket's folder, in place of host:port), sslmode, sslrootcert, sslcert, sslkey; off this machine with sslrootcert or an sslmode that needs none";

/// A text is not the URL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It can't be read.
    #[error("the database's URL can't be read; give {ACCEPTED}")]
    Form,
    /// A parameter is unknown or twice there.
    #[error("the database's URL has a parameter that is not known here; give {ACCEPTED}")]
    Parameter,
    /// Nothing says by which certificate the server is known.
    #[error(
        "the database is not on this machine, and nothing says by which certificate it is known; add sslrootcert=FILE to its URL, or an sslmode"
    )]
    Unverified,
}

/// What the rest of a URL's reading depends on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Without user, password and parameters.
    pub(super) shown: String,
    /// Files that it names, each with its parameter.
    pub(super) files: Vec<(&'static str, PathBuf)>,
    pub(super) sslmode_given: bool,
    pub(super) on_this_machine: bool,
}

const FILES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];
const PARAMETERS: [&str; 5] = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/// Looks at the form only; the driver reads the rest.
pub(super) fn check(text: &str) -> Result<Parts, AddressError> {
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(AddressError::Form)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, rest) = rest.rsplit_once('@').ok_or(AddressError::Form)?;
    let (server, database) = rest.split_once('/').ok_or(AddressError::Form)?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '#';
    if user.is_empty() || user.starts_with(':') || database.is_empty() || text.contains(odd) {
        return Err(AddressError::Form);
    }
    let parameters = parameters(query)?;
    let given = |name: &str| parameters.iter().find(|(key, _)| *key == name);
    let socket = given("host").map(|(_, folder)| *folder);
    if server.is_empty() {
        return Err(AddressError::Form);
    }
    let on_this_machine = is_loopback(host(server)?) || socket.is_some();
    let mode = given("sslmode").map(|(_, mode)| *mode);
    let needs_root = matches!(mode, None | Some("verify-ca" | "verify-full"));
    if !on_this_machine && needs_root && given("sslrootcert").is_none() {
        return Err(AddressError::Unverified);
    }
    Ok(Parts {
        shown: format!("postgres://{}/{database}", socket.unwrap_or(server)),
        files: files(&parameters),
        sslmode_given: mode.is_some(),
        on_this_machine,
    })
}

/// The parameters, each known and given once. A socket's folder is an absolute path.
fn parameters(query: &str) -> Result<Vec<(&str, &str)>, AddressError> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(AddressError::Parameter)?;
        let known = PARAMETERS.contains(&key) && !found.iter().any(|(other, _)| *other == key);
        if !known || value.is_empty() || (key == "host" && !value.starts_with('/')) {
            return Err(AddressError::Parameter);
        }
        found.push((key, value));
    }
    Ok(found)
}

/// The files, but for those whose names only the driver can decode.
fn files(parameters: &[(&str, &str)]) -> Vec<(&'static str, PathBuf)> {
    let named = parameters.iter().filter_map(|(key, value)| {
        let name = FILES.into_iter().find(|name| name == key)?;
        (!value.contains('%')).then(|| (name, PathBuf::from(*value)))
    });
    named.collect()
}

/// The host of `host`, `host:port` or either with an IPv6 address in brackets.
fn host(server: &str) -> Result<&str, AddressError> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(AddressError::Form)?,
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (fits && !host.is_empty())
        .then_some(host)
        .ok_or(AddressError::Form)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::super::ServerAddress;
    use super::*;

    #[test]
    fn the_address_is_shown_without_user_password_and_parameters() {
        let cases = [
            (
                "postgres://keyway:hunter2@127.0.0.1:6432/vault",
                "postgres://127.0.0.1:6432/vault",
            ),
            (
                "postgresql://keyway:p%40ss@[::1]/vault",
                "postgres://[::1]/vault",
            ),
            (
                "postgres://keyway:hunter2@db.example.com/vault?sslrootcert=/etc/ca.pem",
                "postgres://db.example.com/vault",
            ),
            (
                "postgres://keyway@localhost/vault?host=/run/postgresql",
                "postgres:///run/postgresql/vault",
            ),
        ];
        for (url, shown) in cases {
            let address = ServerAddress::parse(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), format!("ServerAddress({shown})"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for (url, error) in [
            ("", AddressError::Form),
            ("mysql://keyway:hunter2@localhost/vault", AddressError::Form),
            ("postgres://localhost/vault", AddressError::Form),
            ("postgres://keyway:hunter2@localhost", AddressError::Form),
            ("postgres://keyway:hunter2@localhost/", AddressError::Form),
            ("postgres://:hunter2@localhost/vault", AddressError::Form),
            ("postgres://keyway:hunter2@/vault", AddressError::Form),
            (
                "postgres://keyway:hunter2@localhost:x/vault",
                AddressError::Form,
            ),
            (
                "postgres://keyway:hunter 2@localhost/vault",
                AddressError::Form,
            ),
            (
                "postgres://keyway@localhost/vault?password=hunter2",
                AddressError::Parameter,
            ),
            (
                "postgres://keyway@localhost/vault?sslmode=a&sslmode=b",
                AddressError::Parameter,
            ),
            (
                "postgres://keyway@localhost/vault?hunter2",
                AddressError::Parameter,
            ),
            (
                "postgres://keyway@localhost/vault?host=hunter2",
                AddressError::Parameter,
            ),
            (
                "postgres://keyway@localhost/vault?sslmode=hunter2",
                AddressError::Form,
            ),
        ] {
            let refused = ServerAddress::parse(url).unwrap_err();
            assert_eq!(refused, error, "{url}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn off_this_machine_a_certificate_is_checked_unless_the_url_says_otherwise() {
        let bare = "postgres://keyway@db.example.com/vault";
        let refused = |text: &str| ServerAddress::parse(text).unwrap_err();
        assert_eq!(refused(bare), AddressError::Unverified);
        assert_eq!(
            refused(&format!("{bare}?sslmode=verify-full")),
            AddressError::Unverified
        );
        let full = format!(
            "{:?}",
            ServerAddress::parse(&format!("{bare}?sslrootcert=/ca.pem"))
                .unwrap()
                .options
                .get_ssl_mode()
        );
        assert_eq!(full, "VerifyFull");
        ServerAddress::parse(&format!("{bare}?sslmode=require")).unwrap();
    }
}
