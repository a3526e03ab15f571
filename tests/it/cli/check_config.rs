//! `jeton check-config`, by the real binary.

use serde_json::Value;
use tempfile::tempdir;

use super::{answer, jeton};

#[test]
fn a_good_configuration_ends_with_0_and_shows_where_each_setting_is_from() {
    let directory = tempdir().unwrap();
    std::fs::write(directory.path().join("jeton.toml"), "[lifetimes]\ncode_seconds = 30\n").unwrap();

    let answer = answer(
        jeton(directory.path())
            .args(["check-config", "--config", "jeton.toml", "--set", "limits.connections=7", "--output", "json"])
            .env("JETON_ISSUER", "https://auth.example.com"),
    );

    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let settings: Value = serde_json::from_str(&answer.stdout).unwrap();
    let find = |key: &str| settings.as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap().clone();
    assert_eq!(find("lifetimes.code_seconds")["from"], "file jeton.toml");
    assert_eq!(find("lifetimes.code_seconds")["value"], 30);
    assert_eq!(find("issuer")["from"], "environment JETON_ISSUER");
    assert_eq!(find("limits.connections")["from"], "flag --set limits.connections");
    assert_eq!(find("grpc.reflection")["from"], "defaults");
}

#[test]
fn a_refused_configuration_ends_with_2_and_says_why() {
    let directory = tempdir().unwrap();
    for (arguments, variables, message) in [
        (
            vec!["--set", "lifetimes.code_seconds=601"],
            vec![],
            "error: lifetimes.code_seconds (flag --set lifetimes.code_seconds) is 601, but must be 1 to 600\n",
        ),
        (vec![], vec![("JETON_ISUER", "x")], "error: JETON_ISUER (environment) is not a setting; did you mean JETON_ISSUER?\n"),
        (vec!["--config", "none.toml"], vec![], "error: none.toml: No such file or directory (os error 2)\n"),
        (vec!["--set", "data_dir"], vec![], "error: --set data_dir: write it as section.key=value\n"),
    ] {
        let answer = answer(jeton(directory.path()).arg("check-config").args(arguments).envs(variables));
        assert_eq!((answer.code, answer.stderr.as_str()), (2, message));
        assert_eq!(answer.stdout, "");
    }
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let directory = tempdir().unwrap();
    let answer = answer(jeton(directory.path()).args(["--output", "json", "check-config", "--set", "issuer=x"]));
    assert_eq!(answer.code, 2);
    assert_eq!(
        answer.stderr,
        "{\"error\":\"configuration\",\"message\":\"issuer (flag --set issuer) must be a URL, for example https://auth.example.com\"}\n"
    );
}

#[test]
fn the_printed_defaults_are_a_file_that_changes_nothing() {
    let directory = tempdir().unwrap();
    let printed = answer(jeton(directory.path()).args(["check-config", "--print-defaults"]));
    assert_eq!(printed.code, 0);
    std::fs::write(directory.path().join("jeton.toml"), &printed.stdout).unwrap();

    let values = |arguments: &[&str]| {
        let answer = answer(jeton(directory.path()).args(["check-config", "--output", "json"]).args(arguments));
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let mut settings: Value = serde_json::from_str(&answer.stdout).unwrap();
        for setting in settings.as_array_mut().unwrap() {
            setting.as_object_mut().unwrap().remove("from");
        }
        settings
    };
    assert_eq!(values(&["--config", "jeton.toml"]), values(&[]));
}

#[test]
fn serve_refuses_the_same_before_it_touches_anything() {
    let directory = tempdir().unwrap();
    let answer = answer(jeton(directory.path()).args(["serve", "--set", "listen.htpt=127.0.0.1:0"]));
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("did you mean listen.http?"), "{}", answer.stderr);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn development_mode_refuses_an_address_that_others_can_reach() {
    let directory = tempdir().unwrap();
    let answer = answer(jeton(directory.path()).args(["serve", "--dev", "--set", "listen.ops=0.0.0.0:0"]));
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("listen.ops is 0.0.0.0:0"), "{}", answer.stderr);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
