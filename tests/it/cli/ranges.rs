//! What each setting may be, and what only some of them together may be.

use jeton::config::{Config, Plaintext, Sources};

fn load(flags: &[&str]) -> Result<Config, String> {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Config::load(&Sources { flags, ..Sources::default() }).map_err(|error| error.to_string())
}

/// The least and the greatest value of every whole number, as the comments in the defaults say.
#[test]
fn whole_numbers_have_their_documented_bounds() {
    for (key, least, greatest) in [
        ("store.cache_bytes", 1_048_576_i64, 1_099_511_627_776_i64),
        ("store.connections", 2, 64),
        ("store.timeout_ms", 100, 60_000),
        ("store.min_free_bytes", 0, 1_125_899_906_842_624),
        ("store.staleness_seconds", 1, 60),
        ("lifetimes.access_token_seconds", 1, 86_400),
        ("lifetimes.refresh_idle_seconds", 1, 31_536_000),
        ("lifetimes.refresh_absolute_seconds", 1, 315_360_000),
        ("lifetimes.code_seconds", 1, 600),
        ("lifetimes.request_seconds", 1, 3600),
        ("lifetimes.refresh_retry_window_seconds", 0, 300),
        ("lifetimes.clock_skew_seconds", 0, 300),
        ("passwords.min_length", 1, 64),
        ("hooks.credential_check_timeout_ms", 100, 60_000),
        ("keys.announce_seconds", 0, 604_800),
        ("keys.rotation_interval_seconds", 1801, 315_360_000),
        ("limits.body_bytes", 1024, 1_048_576),
        ("limits.connections", 1, 1_000_000),
        ("limits.request_timeout_ms", 100, 300_000),
        ("limits.first_byte_timeout_ms", 100, 300_000),
        ("limits.drain_timeout_ms", 0, 300_000),
        ("runtime.workers", 0, 1024),
    ] {
        for good in [least, greatest] {
            let outcome = load(&[&format!("{key}={good}")]);
            assert!(outcome.is_ok(), "{key}={good}: {outcome:?}");
        }
        for bad in [least - 1, greatest + 1] {
            let refusal = load(&[&format!("{key}={bad}")]).unwrap_err();
            assert!(refusal.starts_with(&format!("{key} (flag --set {key}) ")), "{refusal}");
        }
    }
}

#[test]
fn a_rotation_schedule_leaves_time_to_announce() {
    assert!(load(&["keys.rotation_interval_seconds=0"]).is_ok());
    assert!(load(&["keys.announce_seconds=0", "keys.rotation_interval_seconds=60"]).is_ok());
    assert!(load(&["keys.announce_seconds=0", "keys.rotation_interval_seconds=59"]).is_err());
    assert!(load(&["keys.announce_seconds=600", "keys.rotation_interval_seconds=600"]).is_err());
}

#[test]
fn what_carries_secrets_listens_on_loopback_unless_a_mesh_encrypts() {
    for key in ["listen.http", "listen.grpc", "listen.admin"] {
        let address = format!("{key}=0.0.0.0:1");
        let refusal = load(&[&address, "issuer=https://auth.example.com"]).unwrap_err();
        assert!(refusal.contains("network.plaintext"), "{refusal}");
        let config = load(&[&address, "issuer=https://auth.example.com", "network.plaintext=mesh"]).unwrap();
        assert_eq!(config.plaintext, Plaintext::Mesh);
    }
    assert!(load(&["listen.ops=0.0.0.0:1"]).is_ok());
}

#[test]
fn an_issuer_is_derived_only_on_loopback() {
    let config = load(&["listen.http=127.0.0.1:0"]).unwrap();
    assert_eq!(config.issuer_at("127.0.0.1:4711".parse().unwrap()), "http://127.0.0.1:4711");
    let config = load(&["issuer=https://auth.example.com"]).unwrap();
    assert_eq!(config.issuer_at("127.0.0.1:4711".parse().unwrap()), "https://auth.example.com");
    assert_eq!(config.engine_settings().issuer, "https://auth.example.com");
    let refusal = load(&["listen.http=10.0.0.1:80", "network.plaintext=mesh"]).unwrap_err();
    assert_eq!(refusal, "issuer (defaults) must be set when listen.http is not a loopback address");
}

#[test]
fn two_listeners_may_not_share_an_address() {
    let refusal = load(&["listen.ops=127.0.0.1:8080"]).unwrap_err();
    assert_eq!(refusal, "listen.http (defaults) is the address of listen.ops too");
    assert!(load(&["listen.ops=127.0.0.1:0", "listen.http=127.0.0.1:0"]).is_ok());
}

#[test]
fn words_and_addresses_are_checked() {
    for (flag, problem) in [
        ("network.plaintext=anywhere", "must be \"loopback\" or \"mesh\""),
        ("log.format=xml", "must be \"auto\" or \"pretty\" or \"json\""),
        ("log.level=a=b=c", "must be a level"),
        ("listen.http=localhost:8080", "must be an IP address and a port"),
        ("listen.http=127.0.0.1", "must be an IP address and a port"),
        ("listen.http=127.0.0.1:65536", "must be an IP address and a port"),
        ("data_dir=", "must be the path of a directory"),
        ("issuer=http://auth.example.com", "must begin with https://"),
        ("issuer=https://auth.example.com/", "must not end with a slash"),
    ] {
        let refusal = load(&[flag]).unwrap_err();
        assert!(refusal.contains(problem), "{flag}: {refusal}");
    }
}

#[test]
fn the_rules_get_what_the_settings_say() {
    let settings = load(&[
        "lifetimes.access_token_seconds=1",
        "lifetimes.refresh_idle_seconds=2",
        "lifetimes.refresh_absolute_seconds=3",
        "lifetimes.code_seconds=4",
        "lifetimes.request_seconds=5",
        "lifetimes.refresh_retry_window_seconds=6",
        "lifetimes.clock_skew_seconds=7",
        "keys.announce_seconds=8",
        "keys.rotation_interval_seconds=99",
    ])
    .unwrap()
    .engine_settings();
    assert_eq!(settings.access_token_lifetime, 1);
    assert_eq!(settings.refresh_idle_lifetime, 2);
    assert_eq!(settings.refresh_absolute_lifetime, 3);
    assert_eq!(settings.code_lifetime, 4);
    assert_eq!(settings.request_lifetime, 5);
    assert_eq!(settings.refresh_retry_window, 6);
    assert_eq!(settings.clock_skew, 7);
    assert_eq!(settings.key_announce, 8);
    assert_eq!(settings.key_rotation_interval, 99);
}

/// The library's own defaults, which tests in process use, are those of the binary.
#[test]
fn both_sets_of_defaults_agree() {
    let configured = load(&[]).unwrap().engine_settings();
    let library = jeton::engine::settings::Settings::default();
    assert_eq!(format!("{configured:?}"), format!("{library:?}"));
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let config = load(&["network.trusted_proxies=10.0.0.0/8, 192.0.2.1,2001:db8::/32"]).unwrap();
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
    assert!(load(&["network.trusted_proxies="]).unwrap().trusted_proxies.is_empty());
    for bad in ["10.0.0.0/33", "proxy.example", "*"] {
        let refusal = load(&[&format!("network.trusted_proxies={bad}")]).unwrap_err();
        assert!(refusal.contains("must name networks"), "{refusal}");
    }
}

/// Passwords go to a hook over TLS, or not beyond this machine.
#[test]
fn a_hook_is_called_over_tls_and_with_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "a-token\n").unwrap();
    let token = format!("hooks.credential_check_token_file={}", file.display());
    for good in
        ["https://users.example", "https://users.example:8443", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"]
    {
        let config = load(&[&format!("hooks.credential_check_uri={good}"), &token]).unwrap();
        assert_eq!(config.credential_check.unwrap().uri, good);
    }
    for bad in
        ["http://users.example", "https://users.example/path", "https://u:p@users.example", "users.example", "ftp://127.0.0.1"]
    {
        let refusal = load(&[&format!("hooks.credential_check_uri={bad}"), &token]).unwrap_err();
        assert!(refusal.contains("must be an https URI"), "{bad}: {refusal}");
    }
    assert!(load(&["hooks.credential_check_uri=https://users.example"]).unwrap_err().contains("must be set beside"));
    assert!(load(&[&token]).unwrap_err().contains("is of no use without"));
    std::fs::write(&file, "two words").unwrap();
    assert!(load(&["hooks.credential_check_uri=https://users.example", &token]).is_err());
}
