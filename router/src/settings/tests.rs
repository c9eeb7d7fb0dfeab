use keyway_chassis::config::{check_every_setting, load};

use super::*;

fn flags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let required = [
        ("vault.token_file", "/token"),
        ("ledger.path", "/ledger.db"),
    ];
    let all = required.iter().chain(pairs);
    all.map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(pairs: &[(&str, &str)]) -> Result<RouterConfig, ConfigError> {
    load("router", None, std::iter::empty(), &flags(pairs))
}

#[test]
fn every_setting_refuses_what_it_does_not_accept() {
    check_every_setting::<RouterConfig>("router");
}

#[test]
fn the_defaults_are_the_designs_numbers() {
    let config = read(&[]).unwrap();
    assert_eq!(config.rules.attempts, 4);
    assert_eq!(config.vault.stale_bound, Duration::from_mins(1));
    assert_eq!(config.upstream.reply, 32 << 20);
    assert!(config.rules.open_before_send.hosted && !config.rules.open_before_send.own);
    assert!(config.rules.settle_before_reply.hosted && !config.rules.settle_before_reply.own);
    assert_eq!(config.multiplier, Multiplier::ONE);
}

#[test]
fn a_key_is_not_sent_in_plain_text_beyond_loopback() {
    let base = "providers.openai.base_url";
    assert!(read(&[(base, "http://127.0.0.1:9/v1")]).is_ok());
    let line = read(&[(base, "http://api.internal/v1")])
        .unwrap_err()
        .to_string();
    assert!(line.contains(base) && line.contains("https:"), "{line}");
    assert!(
        read(&[
            (base, "http://api.internal/v1"),
            ("providers.insecure", "true")
        ])
        .is_ok()
    );
}

#[test]
fn the_stale_bound_is_at_least_feed_dead() {
    let line = read(&[("lease.stale_bound", "10s")])
        .unwrap_err()
        .to_string();
    assert!(line.contains("feed.dead_after"), "{line}");
    assert!(read(&[("lease.stale_bound", "3s"), ("feed.dead_after", "2s")]).is_ok());
}

#[test]
fn the_way_to_the_vault_has_all_of_tls_or_nothing_of_it() {
    let (https, ca) = (
        ("vault.endpoint", "https://vault.internal:7102"),
        ("vault.tls.ca", "/ca.pem"),
    );
    let (certificate, key) = (
        ("vault.tls.certificate", "/router.pem"),
        ("vault.tls.key", "/router.key"),
    );
    assert!(read(&[]).unwrap().vault.tls.is_none());
    let (files, name) = read(&[https, ca]).unwrap().vault.tls.unwrap();
    assert_eq!(name, "vault.internal");
    assert!(files.pair.is_none());
    let named = ("vault.tls.server_name", "vault.keyway");
    let without_token = ("vault.token_file", "");
    let all = read(&[https, ca, certificate, key, named, without_token]).unwrap();
    assert!(all.vault.token_file.is_none());
    assert_eq!(all.vault.tls.unwrap().1, "vault.keyway");
    for (missing, names) in [
        (vec![https], "vault.tls.ca"),
        (vec![ca], "vault.endpoint"),
        (vec![https, ca, key], "vault.tls.certificate"),
        (vec![certificate, key], "vault.endpoint"),
        (vec![without_token], "vault.tls.certificate"),
    ] {
        let line = read(&missing).unwrap_err().to_string();
        assert!(line.contains(names), "{line}");
    }
}

#[test]
fn a_base_url_with_a_private_address_needs_a_network_that_is_allowed() {
    let base = ("providers.openai.base_url", "https://10.0.0.7/v1");
    let line = read(&[base]).unwrap_err().to_string();
    assert!(
        line.contains(base.0) && line.contains("egress.allowed_networks"),
        "{line}"
    );
    assert!(
        read(&[
            base,
            ("egress.allowed_networks", "192.168.0.0/16,10.0.0.0/8")
        ])
        .is_ok()
    );
    let metadata = (
        "providers.openai.base_url",
        "https://[::ffff:169.254.169.254]/v1",
    );
    assert!(read(&[metadata]).is_err());
}

#[test]
fn a_proxy_is_a_host_and_a_port() {
    let proxy = read(&[("egress.proxy", "http://proxy.internal:3128")]).unwrap();
    assert!(proxy.egress.proxy.is_some());
    for bad in [
        "proxy:3128",
        "http://user:word@proxy:3128",
        "http://proxy:3128/x",
        "socks5://proxy",
    ] {
        assert!(read(&[("egress.proxy", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn the_relay_has_all_of_tls_or_nothing_of_it() {
    assert!(read(&[]).unwrap().relay.is_none());
    let plain = ("relay.url", "nats://127.0.0.1:4222,nats://[::1]:4222");
    let tls = ("relay.url", "tls://nats.internal:4222");
    let ca = ("relay.tls.ca", "/ca.pem");
    let relay = read(&[plain]).unwrap().relay.unwrap();
    assert_eq!(relay.servers.len(), 2);
    assert_eq!(relay.replicas, 3);
    assert_eq!(relay.plain_beyond_loopback(), None);
    assert!(read(&[tls, ca]).unwrap().relay.unwrap().tls.is_some());
    let far = read(&[("relay.url", "nats://nats.internal:4222")]).unwrap();
    assert!(far.relay.unwrap().plain_beyond_loopback().is_some());
    let mixed = ("relay.url", "tls://a:4222,nats://b:4222");
    for (pairs, named) in [
        (&[tls][..], "relay.tls.ca"),
        (&[plain, ca], "relay.tls.ca"),
        (&[mixed, ca], "relay.url"),
        (&[("relay.url", "nats://user:pass@a:4222")], "relay.url"),
        (
            &[("relay.credentials_file", "/login")],
            "relay.credentials_file",
        ),
    ] {
        let line = read(pairs).unwrap_err().to_string();
        assert!(line.contains(named) && !line.contains("pass@"), "{line}");
    }
}
