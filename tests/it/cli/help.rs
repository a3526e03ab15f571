//! Help that teaches: every command has some, and the one of jeton itself names the exit codes.

use tempfile::tempdir;

use super::{answer, jeton};

#[test]
fn every_command_explains_itself() {
    let directory = tempdir().unwrap();
    for (command, says) in [
        (&["--help"][..], "3  the store is damaged"),
        (&["serve", "--help"], "JETON_SECTION__KEY"),
        (&["client", "--help"], "rotate-secret"),
        (&["client", "create", "--help"], "--redirect-uri <URI>"),
        (&["client", "permit", "--help"], "issue_code"),
        (&["workspace", "create", "--help"], "--login-uri <URI>"),
        (&["user", "create", "--help"], "--username <NAME>"),
        (&["key", "rotate", "--help"], "--compromised"),
        (&["migrate", "--help"], "replace\nthe servers one by one"),
        (&["check-config", "--help"], "--print-defaults"),
        (&["export", "--help"], "from the store no more"),
        (&["import", "--help"], "The whole file is checked before anything is written"),
        (&["healthcheck", "--help"], "4 when it does not answer"),
    ] {
        let help = answer(jeton(directory.path()).args(command));
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command:?}");
        assert!(help.stdout.contains(says), "{command:?} does not say {says}:\n{}", help.stdout);
    }
}

/// Who reads the help of a command wants one to copy.
#[test]
fn a_command_has_an_example_of_itself() {
    let directory = tempdir().unwrap();
    for command in [
        "client create",
        "export",
        "import",
        "policy enable",
        "policy disable",
        "policy preset",
        "policy report",
        "migrate",
        "scope set",
        "scope list",
        "scope delete",
        "user create",
        "user set-password",
        "user promote",
        "user demote",
        "user consents",
        "user withdraw-consent",
        "workspace create",
        "workspace update",
    ] {
        let help = answer(jeton(directory.path()).args(command.split(' ')).arg("--help"));
        let examples = help.stdout.split("Example").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("\n  jeton {command}")), "{command}:\n{}", help.stdout);
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let directory = tempdir().unwrap();
    for command in [
        &[][..],
        &["nothing"],
        &["client", "create"],
        &["client", "create", "--name", "n", "--grant-type", "password"],
        &["client", "create", "--name", "n", "--public", "--auth-method", "client_secret_post"],
        &["client", "permit", "jc_x"],
        &["key", "rotate", "--now", "--compromised"],
        &["client", "list", "--output", "yaml"],
    ] {
        let refused = answer(jeton(directory.path()).args(command));
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{command:?}");
        assert!(!refused.stderr.is_empty());
    }
}
