//! Supplied secrets: from a file, or from the environment with a warning.

use jeton::config::{Config, Sources};
use tempfile::tempdir;

use super::{answer, jeton};

const ADMIN_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Config::load(&Sources { environment, ..Sources::default() }).map_err(|error| error.to_string())
}

#[test]
fn without_any_the_server_makes_its_own() {
    let config = load(&[]).unwrap();
    assert!(config.secrets.admin_token.is_none() && config.secrets.master_key.is_none());
}

#[test]
fn a_secret_in_the_environment_is_taken_with_a_warning() {
    let config = load(&[("JETON_ADMIN_TOKEN", ADMIN_TOKEN), ("JETON_MASTER_KEY", MASTER_KEY)]).unwrap();
    assert_eq!(config.secrets.admin_token.unwrap().expose_secret(), ADMIN_TOKEN);
    assert_eq!(config.secrets.master_key.unwrap().expose_secret(), MASTER_KEY);
    assert_eq!(config.warnings.len(), 2);
    assert!(config.warnings.iter().all(|warning| !warning.contains(ADMIN_TOKEN) && !warning.contains(MASTER_KEY)));
}

#[test]
fn a_secret_in_a_file_is_taken_without_the_newline_and_without_a_warning() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("admin-token");
    std::fs::write(&file, format!("{ADMIN_TOKEN}\n")).unwrap();
    let config = load(&[("JETON_ADMIN_TOKEN_FILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(config.secrets.admin_token.unwrap().expose_secret(), ADMIN_TOKEN);
    assert!(config.warnings.is_empty());
}

#[test]
fn both_twins_at_once_are_refused() {
    let refusal = load(&[("JETON_MASTER_KEY", MASTER_KEY), ("JETON_MASTER_KEY_FILE", "/run/secrets/key")]).unwrap_err();
    assert_eq!(
        refusal,
        "secrets.master_key_file (environment JETON_MASTER_KEY_FILE) is set beside JETON_MASTER_KEY; leave one of them out"
    );
}

#[test]
fn secrets_that_can_be_guessed_or_cannot_be_used_are_refused_unseen() {
    for (variable, value, problem) in [
        ("JETON_ADMIN_TOKEN", "hunter2", "at least 32 printable characters"),
        ("JETON_ADMIN_TOKEN", "hunter2 hunter2 hunter2 hunter2 hunter2", "without spaces"),
        ("JETON_ADMIN_TOKEN", "", "at least 32 printable characters"),
        ("JETON_MASTER_KEY", "hunter2hunter2hunter2hunter2hunter2", "32 bytes in base64"),
        ("JETON_MASTER_KEY", "aHVudGVyMg==", "32 bytes in base64"),
    ] {
        let refusal = load(&[(variable, value)]).unwrap_err();
        assert!(refusal.starts_with(variable) && refusal.contains(problem), "{refusal}");
        assert!(value.is_empty() || !refusal.contains(value), "{refusal}");
    }
    let refusal = load(&[("JETON_ADMIN_TOKEN_FILE", "/nowhere/admin-token")]).unwrap_err();
    assert!(refusal.contains("names a file that cannot be read"), "{refusal}");
}

#[test]
fn no_output_shows_a_secret() {
    let directory = tempdir().unwrap();
    for arguments in [&["check-config"][..], &["check-config", "--output", "json"], &["client", "create", "--help"]] {
        let shown = answer(
            jeton(directory.path()).args(arguments).env("JETON_ADMIN_TOKEN", ADMIN_TOKEN).env("JETON_MASTER_KEY", MASTER_KEY),
        );
        assert_eq!(shown.code, 0);
        for secret in [ADMIN_TOKEN, MASTER_KEY] {
            assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret));
        }
    }
    let config = load(&[("JETON_ADMIN_TOKEN", ADMIN_TOKEN)]).unwrap();
    assert!(!format!("{config:?}").contains(ADMIN_TOKEN));
}
