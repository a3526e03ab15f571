//! The layers of the configuration: which one counts, and what is refused in each.

use std::ffi::OsString;

use jeton::config::error::ConfigError;
use jeton::config::{Config, Sources};
use tempfile::tempdir;

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn load(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Config, ConfigError> {
    let directory = tempdir().unwrap();
    let path = directory.path().join("jeton.toml");
    std::fs::write(&path, file).unwrap();
    Config::load(&Sources {
        file: Some(path),
        environment: environment(variables),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    })
}

fn refusal(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> String {
    load(file, variables, flags).unwrap_err().to_string()
}

#[test]
fn the_last_layer_that_says_something_counts() {
    let file = "[lifetimes]\ncode_seconds = 10\nrequest_seconds = 10\nclock_skew_seconds = 10\n";
    let variables = [("JETON_LIFETIMES__REQUEST_SECONDS", "20"), ("JETON_LIFETIMES__CLOCK_SKEW_SECONDS", "20")];
    let config = load(file, &variables, &["lifetimes.clock_skew_seconds=30"]).unwrap();
    assert_eq!(config.lifetimes.access_token, 900);
    assert_eq!(config.lifetimes.code, 10);
    assert_eq!(config.lifetimes.request, 20);
    assert_eq!(config.lifetimes.clock_skew, 30);
}

#[test]
fn of_two_flags_for_one_setting_the_later_counts() {
    let config = load("", &[], &["lifetimes.code_seconds=1", "lifetimes.code_seconds=2"]).unwrap();
    assert_eq!(config.lifetimes.code, 2);
}

#[test]
fn every_short_variable_means_its_setting() {
    let config = load(
        "",
        &[
            ("JETON_ISSUER", "https://auth.example.com"),
            ("JETON_HTTP_ADDR", "127.0.0.1:1"),
            ("JETON_GRPC_ADDR", "127.0.0.1:2"),
            ("JETON_ADMIN_ADDR", "127.0.0.1:3"),
            ("JETON_OPS_ADDR", "[::1]:4"),
            ("JETON_DATA_DIR", "/srv/jeton"),
            ("JETON_STORE", "sled"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(config.issuer.as_deref(), Some("https://auth.example.com"));
    assert_eq!(config.listen.http, "127.0.0.1:1".parse().unwrap());
    assert_eq!(config.listen.grpc, "127.0.0.1:2".parse().unwrap());
    assert_eq!(config.listen.admin, "127.0.0.1:3".parse().unwrap());
    assert_eq!(config.listen.ops, "[::1]:4".parse().unwrap());
    assert_eq!(config.data_dir.to_str(), Some("/srv/jeton"));
}

#[test]
fn every_setting_has_a_variable() {
    let defaults = Config::load(&Sources::default()).unwrap();
    for (key, setting) in defaults.layers.settings() {
        let name = format!("JETON_{}", key.replace('.', "__").to_uppercase());
        let config = load("", &[(&name, &setting.value.to_string())], &[]).unwrap();
        assert_eq!(config.layers.get(key).unwrap().layer, format!("environment {name}"));
    }
}

#[test]
fn an_unknown_key_is_refused_in_every_layer() {
    assert_eq!(refusal("[lifetimes]\ncode_second = 1\n", &[], &[]).split_once(" (file ").unwrap().0, "lifetimes.code_second");
    assert!(refusal("[lifetimes]\ncode_second = 1\n", &[], &[]).ends_with("did you mean lifetimes.code_seconds?"));
    assert!(refusal("[lifetime]\n", &[], &[]).contains("is not a setting"));
    assert!(refusal("lifetimes = 1\n", &[], &[]).contains("is not a setting"));
    assert!(refusal("[issuer]\nurl = \"x\"\n", &[], &[]).contains("is not a setting"));
    assert_eq!(
        refusal("", &[("JETON_LIFETIMES_CODE_SECONDS", "1")], &[]),
        "JETON_LIFETIMES_CODE_SECONDS (environment) is not a setting; did you mean JETON_LIFETIMES__CODE_SECONDS?"
    );
    assert_eq!(
        refusal("", &[("JETON_QQQQQQQQQQQQ", "1")], &[]),
        "JETON_QQQQQQQQQQQQ (environment) is not a setting; jeton check-config --print-defaults lists them all"
    );
    assert_eq!(refusal("", &[], &["isuer=x"]), "isuer (flag --set isuer) is not a setting; did you mean issuer?");
}

#[test]
fn a_value_of_another_kind_is_refused_not_converted() {
    for (file, problem) in [
        ("[grpc]\nreflection = \"yes\"\n", "must be true or false"),
        ("[grpc]\nreflection = 1\n", "must be true or false"),
        ("[lifetimes]\ncode_seconds = \"60\"\n", "must be a whole number"),
        ("[lifetimes]\ncode_seconds = 1.5\n", "must be a whole number"),
        ("[lifetimes]\ncode_seconds = [60]\n", "must be a whole number"),
        ("issuer = 1\n", "must be a text in quotes"),
    ] {
        let refusal = refusal(file, &[], &[]);
        assert!(refusal.ends_with(problem), "{file}: {refusal}");
    }
    assert_eq!(
        refusal("", &[("JETON_GRPC__REFLECTION", "yes")], &[]),
        "grpc.reflection (environment JETON_GRPC__REFLECTION) must be true or false"
    );
    assert_eq!(
        refusal("", &[], &["limits.connections=1.5"]),
        "limits.connections (flag --set limits.connections) must be a whole number"
    );
}

#[test]
fn one_setting_by_two_variables_is_refused() {
    let variables = [("JETON_HTTP_ADDR", "127.0.0.1:1"), ("JETON_LISTEN__HTTP", "127.0.0.1:1")];
    assert_eq!(
        refusal("", &variables, &[]),
        "JETON_LISTEN__HTTP (environment) says the same as JETON_HTTP_ADDR; leave one of them out"
    );
}

/// Kubernetes gives every container of a namespace variables for a Service named `jeton`.
#[test]
fn variables_of_kubernetes_are_not_looked_at() {
    let variables =
        [("JETON_PORT", "tcp://10.0.0.1:8080"), ("JETON_SERVICE_HOST", "10.0.0.1"), ("JETON_GRPC_PORT_50051_TCP", "x")];
    assert!(load("", &variables, &[]).is_ok());
}

#[test]
fn a_file_that_is_not_toml_is_refused_by_line_without_quoting_it() {
    let refusal = refusal("issuer = \"\"\nadmin_token = hunter2hunter2\n", &[], &[]);
    assert!(refusal.contains("line 2 is not TOML"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn a_list_is_an_array_in_a_file_and_separated_by_commas_elsewhere() {
    let file = "[network]\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\n";
    assert_eq!(load(file, &[], &[]).unwrap().trusted_proxies.len(), 2);
    let variables = [("JETON_NETWORK__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.0/24,2001:db8::/32")];
    assert_eq!(load(file, &variables, &[]).unwrap().trusted_proxies.len(), 3);
    for bad in ["[network]\ntrusted_proxies = \"10.0.0.0/8\"\n", "[network]\ntrusted_proxies = [10]\n"] {
        assert!(refusal(bad, &[], &[]).contains("must be a list of texts"), "{bad}");
    }
}
