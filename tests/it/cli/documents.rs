//! The documents name what the binary has: a setting, a variable or a command that is not written
//! down is one that nobody finds.

use jeton::config::{Config, Sources};

const README: &str = include_str!("../../../README.md");
const DEFAULTS: &str = include_str!("../../../src/config/defaults.toml");

#[test]
fn the_readme_has_every_setting_with_its_default() {
    let config = Config::load(&Sources::default()).unwrap();
    for (key, setting) in config.layers.settings() {
        let row = README.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {key}"));
        assert!(row.contains(&format!("| `{}` |", setting.value)) || setting.value.to_string().is_empty(), "{row}");
    }
}

#[test]
fn the_readme_has_no_setting_that_does_not_exist() {
    let config = Config::load(&Sources::default()).unwrap();
    let table = README.split("## Configuration").nth(1).unwrap().split("\n## ").next().unwrap();
    for row in table.lines().filter_map(|line| line.strip_prefix("| `")) {
        let key = row.split('`').next().unwrap();
        assert!(key.starts_with("JETON_") || config.layers.get(key).is_some(), "{key}");
    }
}

#[test]
fn every_setting_has_a_comment_above_it() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for pair in lines.windows(2) {
        if let [above, line] = pair
            && line.contains(" = ")
            && !line.starts_with('#')
        {
            assert!(above.starts_with('#'), "{line}");
        }
    }
}

#[test]
fn the_readme_has_every_well_known_variable_and_metric() {
    for name in [
        "JETON_ISSUER",
        "JETON_HTTP_ADDR",
        "JETON_GRPC_ADDR",
        "JETON_ADMIN_ADDR",
        "JETON_OPS_ADDR",
        "JETON_DATA_DIR",
        "JETON_STORE",
        "JETON_ADMIN_TOKEN",
        "JETON_ADMIN_TOKEN_FILE",
        "JETON_MASTER_KEY",
        "JETON_MASTER_KEY_FILE",
        "jeton_requests_total",
        "jeton_request_duration_seconds",
        "jeton_sign_duration_seconds",
        "jeton_store_flush_duration_seconds",
        "jeton_store_batch_size",
        "jeton_store_commits_total",
        "jeton_store_disk_bytes",
        "jeton_store_free_bytes",
        "jeton_store_statement_duration_seconds",
        "jeton_store_connections",
        "jeton_store_marks",
        "jeton_store_clock_difference_seconds",
        "jeton_store_retries_total",
        "jeton_store_in_doubt_total",
    ] {
        assert!(README.contains(&format!("`{name}")), "README.md does not name {name}");
    }
}
