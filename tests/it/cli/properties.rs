//! No text, in any layer, makes the configuration panic or pass for something else.

use jeton::config::{Config, Sources};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn flag(text: String) -> Result<Config, String> {
    Config::load(&Sources { flags: vec![text], ..Sources::default() }).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn a_flag_that_names_no_setting_is_refused(key in "[a-z_.]{0,40}", value in ".{0,20}") {
        let known = Config::load(&Sources::default()).unwrap();
        if known.layers.get(&key).is_none() {
            let outcome = flag(format!("{key}={value}"));
            prop_assert!(outcome.is_err());
        }
    }

    #[test]
    fn a_whole_number_is_taken_exactly_when_it_is_in_range(seconds in any::<i64>()) {
        match flag(format!("lifetimes.code_seconds={seconds}")) {
            Ok(config) => {
                prop_assert!((1..=600).contains(&seconds));
                prop_assert_eq!(config.lifetimes.code, seconds);
            }
            Err(_) => prop_assert!(!(1..=600).contains(&seconds)),
        }
    }

    #[test]
    fn an_issuer_is_taken_only_as_it_will_be_compared(issuer in "(https?|ftp)://[a-zA-Z0-9@:./?#\\[\\]-]{0,30}") {
        if let Ok(config) = flag(format!("issuer={issuer}")) {
            let url = url::Url::parse(&issuer).unwrap();
            prop_assert_eq!(config.issuer.as_deref(), Some(issuer.as_str()));
            prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
            prop_assert_eq!(url.as_str().trim_end_matches('/'), issuer.as_str());
        }
    }

    #[test]
    fn an_address_that_others_can_reach_needs_the_mesh_setting(octets in any::<[u8; 4]>(), port in any::<u16>()) {
        let address = std::net::SocketAddr::from((octets, port));
        let outcome = flag(format!("listen.grpc={address}"));
        let taken = ["127.0.0.1:8080", "127.0.0.1:50052", "127.0.0.1:9090"].contains(&address.to_string().as_str());
        prop_assert_eq!(outcome.is_ok(), address.ip().is_loopback() && !taken);
    }

    #[test]
    fn any_file_is_read_or_refused(text in "\\PC{0,200}") {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jeton.toml");
        std::fs::write(&path, text).unwrap();
        let _ = Config::load(&Sources { file: Some(path), ..Sources::default() });
    }
}
