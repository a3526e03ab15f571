//! The URL of a database: what is taken, and that its password is never seen.

use jeton::config::store::{PostgresConfig, StoreKind};
use jeton::config::{Config, Sources};
use tempfile::tempdir;

use crate::cli::{answer, jeton};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn load(flags: &[&str]) -> Result<Config, String> {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Config::load(&Sources { flags, ..Sources::default() }).map_err(|error| error.to_string())
}

fn store(url: &str) -> Result<Config, String> {
    load(&[&format!("store.kind={url}")])
}

fn postgres(config: &Config) -> &PostgresConfig {
    match &config.store.kind {
        StoreKind::Postgres(postgres) => postgres,
        StoreKind::Sled => panic!("the store is sled"),
    }
}

#[test]
fn a_url_alone_chooses_the_shared_store() {
    for url in [
        "postgres://jeton@db.example.com/jeton",
        "postgresql://jeton@db.example.com:6432/jeton",
        "postgres://jeton@a.example.com,b.example.com:5433/jeton?target_session_attrs=read-write",
        "postgres://jeton@a,b/jeton?target_session_attrs=primary&sslmode=verify-full&sslrootcert=system",
        "postgres://jeton@[::1]:5432/jeton?connect_timeout=5",
        "postgres:///jeton?user=jeton&host=/var/run/postgresql",
        "postgres://jeton@%2Fvar%2Frun%2Fpostgresql/jeton",
        "postgres://jeton@db.example.com/jeton?hostaddr=192.0.2.1",
    ] {
        let config = store(url);
        if url.contains("hostaddr") {
            assert!(config.unwrap_err().contains("names its hosts twice"));
            continue;
        }
        let config = config.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(postgres(&config).url.expose_secret(), url);
        assert_eq!(postgres(&config).shown, url, "there is nothing to hide in it");
        assert_eq!(config.layers.get("store.kind").unwrap().value.to_string(), url);
    }
}

/// What libpq takes for its lesser modes is taken, and checked in full all the same; what falls back is not.
#[test]
fn a_url_that_cannot_be_meant_is_refused_with_the_way_to_write_it() {
    for (url, problem) in [
        ("redis", "must be \"sled\", or a URL that begins with postgres://"),
        ("mysql://jeton@db/jeton", "must be \"sled\", or a URL that begins with postgres://"),
        ("postgres:///jeton", "names no host, for example postgres://"),
        ("postgres://jeton@a,,b/jeton", "names an empty host"),
        ("postgres://jeton@db:x/jeton", "invalid value for option `port`"),
        ("postgres://jeton@db/jeton?sslmode=prefer", "falls back to plain text without a word: use verify-full"),
        ("postgres://jeton@db/jeton?sslmode=allow", "falls back to plain text without a word: use verify-full"),
        ("postgres://jeton@db/jeton?sslmode=on", "must have the sslmode disable, require, verify-ca or verify-full"),
        ("postgres://jeton@db/jeton?sslcert=x", "has a parameter that is not one of application_name"),
        ("postgres://jeton@db/jeton?connect_timeout=x", "invalid value for option `connect_timeout`"),
        ("postgres://jeton@db/jeton?connect_timeout=1&connect_timeout=2", "has connect_timeout twice"),
        ("postgres://jeton@db/jeton?host=other", "names its hosts twice: before the database and as host"),
        ("postgres://jeton@db/jeton?target_session_attrs=read-only", "but jeton writes: leave it out"),
        ("postgres://jeton@db/jeton?target_session_attrs=standby", "invalid value for option `target_session_attrs`"),
        ("postgres:///jeton?host=a,b&port=1,2,3", "must have as many of host, hostaddr and port"),
    ] {
        let refusal = store(url).unwrap_err();
        assert!(refusal.starts_with("store.kind (flag --set store.kind) ") && refusal.contains(problem), "{url}: {refusal}");
    }
}

/// F2: no output shows a password, however the URL around it is written.
#[test]
fn the_password_of_a_url_is_never_shown() {
    for url in [
        "postgres://jeton:hunter2@db/jeton",
        "postgresql://jeton:hunter2%40x@db,db2/jeton?sslmode=disable",
        "postgres://db/jeton?user=jeton&password=hunter2",
        "postgres://db/jeton?user=jeton&p%61ssword=hunter2&sslmode=require",
        "postgres://jeton:hunter2@/jeton",
        "postgres://jeton:x@hunter2@db/jeton",
        "postgres://jeton:x/hunter2@db/jeton",
        "postgres://jeton:x?hunter2@db/jeton",
        "postgres://jeton:x?hunter2=y",
        "postgres://jeton:hunter2",
        "postgres://jeton:hunter2@db/jeton?nothing=x",
        "mysql://jeton:hunter2@db/jeton",
        "hunter2",
    ] {
        let directory = tempdir().unwrap();
        for output in ["table", "json"] {
            let mut command = jeton(directory.path());
            command.args(["check-config", "--output", output]).env("JETON_STORE", url).env("JETON_MASTER_KEY", MASTER_KEY);
            let shown = answer(&mut command);
            assert!(!shown.stdout.contains("hunter2") && !shown.stderr.contains("hunter2"), "{url}: {}", shown.stderr);
        }
        match store(url) {
            Ok(config) => {
                assert!(!format!("{config:?}").contains("hunter2"), "{url}");
                assert!(postgres(&config).shown.contains("***"), "{url}");
                assert!(config.warnings.iter().any(|warning| warning.contains("store.password_file is safer")), "{url}");
            }
            Err(refusal) => assert!(!refusal.contains("hunter2"), "{refusal}"),
        }
        // A slip of the flag itself.
        for flag in [url.to_owned(), format!("store.kind:{url}"), format!("{url}=x")] {
            let refusal = load(&[&flag]).unwrap_err();
            assert!(!refusal.contains("hunter2@") && !refusal.contains(":hunter2"), "{refusal}");
        }
    }
}

#[test]
fn check_config_shows_the_rest_of_the_url() {
    let directory = tempdir().unwrap();
    let mut command = jeton(directory.path());
    command.args(["check-config", "--output", "json"]).env("JETON_STORE", "postgres://jeton:hunter2@db:6432/j?sslmode=require");
    let answer = answer(command.env("JETON_MASTER_KEY", MASTER_KEY).env("JETON_ADMIN_TOKEN", MASTER_KEY));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("\"postgres://jeton:***@db:6432/j?sslmode=require\""), "{}", answer.stdout);
    assert!(answer.stderr.contains("store.kind (environment JETON_STORE) holds the password"), "{}", answer.stderr);
}

#[test]
fn the_password_is_read_from_a_file_without_the_end_of_its_line() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "p@ss word\n").unwrap();
    let flag = format!("store.password_file={}", file.display());
    let config = load(&["store.kind=postgres://jeton@db/jeton", &flag]).unwrap();
    assert_eq!(postgres(&config).password.as_ref().unwrap().expose_secret(), "p@ss word");
    assert!(!format!("{config:?}").contains("p@ss word"));

    let both = load(&["store.kind=postgres://jeton:x@db/jeton", &flag]).unwrap_err();
    assert!(both.ends_with("is set beside a password in store.kind; leave one of them out"), "{both}");
    let lonely = load(&[&flag]).unwrap_err();
    assert!(lonely.ends_with("is of no use without a postgres:// URL in store.kind"), "{lonely}");
    std::fs::write(&file, "\n").unwrap();
    let empty = load(&["store.kind=postgres://jeton@db/jeton", &flag]).unwrap_err();
    assert!(empty.ends_with("names a file that is empty"), "{empty}");
}

#[test]
fn authorities_are_certificates_and_stand_in_one_place() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let flag = format!("store.ca_file={}", file.display());
    let refused = load(&["store.kind=postgres://jeton@db/jeton", &flag]).unwrap_err();
    assert!(refused.contains("must hold certificates in PEM"), "{refused}");
    let twice = load(&["store.kind=postgres://jeton@db/jeton?sslrootcert=/ca.pem", &flag]).unwrap_err();
    assert!(twice.ends_with("is set beside sslrootcert in store.kind; leave one of them out"), "{twice}");
}

#[test]
fn what_leaves_the_machine_in_plain_text_is_warned_of() {
    let warns = |url: &str| store(url).unwrap().warnings.iter().any(|warning| warning.contains("says sslmode=disable"));
    assert!(warns("postgres://jeton@db/jeton?sslmode=disable"));
    for url in [
        "postgres://jeton@db/jeton",
        "postgres://jeton@127.0.0.1/jeton",
        "postgres://jeton@localhost/jeton?sslmode=disable",
        "postgres://jeton@%2Frun%2Fpostgresql/jeton?sslmode=disable",
    ] {
        assert!(!warns(url), "{url}");
    }
}

/// The keys in the database are sealed under it, and a replica that made its own could not read them.
#[test]
fn a_shared_store_needs_a_master_key_that_was_supplied() {
    let directory = tempdir().unwrap();
    for command in ["serve", "check-config"] {
        let refused = answer(jeton(directory.path()).arg(command).env("JETON_STORE", "postgres://jeton@127.0.0.1:1/jeton"));
        assert_eq!(refused.code, 2, "{command}: {}", refused.stderr);
        for word in ["secrets.master_key_file", "JETON_MASTER_KEY", "openssl rand -base64 32"] {
            assert!(refused.stderr.contains(word), "{command}: {}", refused.stderr);
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
