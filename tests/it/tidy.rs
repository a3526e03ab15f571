//! What the layout promises, read from the sources: floors, small files, and names that are documented
//! and tested.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jeton::config::layers::DEFAULTS;
use jeton::types::client::GrantType;
use jeton::types::error::ErrorCode;

/// What each part of `src/` may name: itself, and these.  A path below a part allows that alone.
const FLOORS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("store", &["types", "pb::storage"]),
    // A signing key's record is the store's; its meaning is the keys'.
    ("keys", &["types", "store::key"]),
    ("upstream", &["types", "pb::hooks"]),
    ("engine", &["types", "store", "keys", "upstream"]),
    ("grpc", &["types", "store", "keys", "engine", "pb::v1", "pb::admin", "pb::pages"]),
    // REST sees only what every gRPC caller sees.
    ("gateway", &["types", "grpc::status", "grpc::facts", "grpc::notice", "pb::v1", "pb::pages"]),
    // How a database's URL is written, and where its password stands, is known in one place.
    ("config", &["types", "keys", "engine::settings", "store::postgres::url"]),
    ("server", &["types", "store", "keys", "upstream", "engine", "grpc", "gateway", "config", "pb"]),
    ("cli", &["types", "config", "server", "pb::v1", "pb::admin"]),
    ("pb", &[]),
    ("lib", &[]),
    ("main", &[]),
];

/// Crates that only these parts of `src/` may name.
const CRATES: &[(&str, &[&str])] = &[
    ("argon2", &["keys/"]),
    ("axum", &["gateway/", "server/"]),
    ("clap", &["cli/"]),
    ("ed25519_dalek", &["keys/"]),
    ("hyper", &["server/"]),
    ("prost", &["grpc/", "store/codec"]),
    ("rustix", &["server/core_dumps.rs", "store/sled/"]),
    ("rustls", &["store/postgres/tls.rs"]),
    ("sled", &["store/sled/"]),
    ("tokio_postgres", &["store/postgres/"]),
    ("tonic", &["grpc/", "gateway/", "server/", "cli/", "pb.rs", "upstream/"]),
];

const MOST_LINES: usize = 400;
/// Files that are longer, and why.
const LONG: &[(&str, &str)] = &[];

/// Literals that look like a metric's name and are none.
const NO_METRICS: &[&str] = &["jeton_browser", "jeton_session"];

struct Source {
    /// Below `src/` or `tests/`.
    path: String,
    text: String,
}

impl Source {
    /// The part of `src/` that the file belongs to.
    fn part(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    fn test(&self) -> bool {
        self.path.ends_with("tests.rs")
    }

    /// What is compiled into the binary: without comments, and without the tests, which come last.
    fn code(&self) -> String {
        let lines = self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        lines.map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<Source> {
    let base = root().join(folder);
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 1, "{folder} has files");
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&base).unwrap().to_str().unwrap().to_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    files.into_iter().map(read).collect()
}

/// The characters of a Rust name.
fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Every place where `word` stands by itself: what is before it, and what is behind it.
fn places<'a>(text: &'a str, word: &str) -> Vec<(&'a str, &'a str)> {
    let around = text.match_indices(word).map(|(at, _)| (&text[..at], &text[at + word.len()..]));
    around.filter(|(before, behind)| !before.ends_with(of_name) && !behind.starts_with(of_name)).collect()
}

fn named(text: &str, word: &str) -> bool {
    !places(text, word).is_empty()
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn imports_go_down_only() {
    let mut found = Vec::new();
    for source in rust_files("src") {
        let part = source.part();
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == part) else {
            found.push(format!("{} has no floor", source.path));
            continue;
        };
        let code = source.code();
        for (_, behind) in places(&code, "crate") {
            let Some(path) = behind.strip_prefix("::") else { continue };
            let path: String = path.chars().take_while(|c| of_name(*c) || *c == ':').collect();
            let within = |allowed: &str| path == allowed || path.starts_with(&format!("{allowed}::"));
            // Which store it is, only the wiring knows.
            let adapter = within("store::sled") && !["store", "server"].contains(&part);
            if adapter || !within(part) && !allowed.iter().any(|allowed| within(allowed)) {
                found.push(format!("{}: crate::{path}", source.path));
            }
        }
    }
    none(found, "a part names what is not below it");
}

#[test]
fn a_crate_is_named_only_where_it_belongs() {
    let mut found = Vec::new();
    for source in rust_files("src") {
        let code = source.code();
        for (name, homes) in CRATES {
            // A path that begins with the name; our own store::sled does not.
            let outside = |(before, behind): &(&str, &str)| {
                let own = before.ends_with("::") && before.trim_end_matches(':').ends_with(of_name);
                behind.starts_with("::") && !own
            };
            let home = homes.iter().any(|home| source.path.starts_with(home));
            // Inside the store, `sled::` without the leading colons is our module.
            let module = *name == "sled" && source.path == "store/mod.rs";
            if !home && !module && places(&code, name).iter().any(outside) {
                found.push(format!("{}: {name}", source.path));
            }
        }
    }
    none(found, "a crate is named outside its part");
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut found = Vec::new();
    for source in rust_files("src").into_iter().chain(rust_files("tests")) {
        if !source.text.starts_with("//! ") {
            found.push(format!("{} does not begin with //!", source.path));
        }
    }
    for source in rust_files("src") {
        let lines = source.text.lines().count();
        let listed = LONG.iter().any(|(path, _)| *path == source.path);
        if listed != (lines > MOST_LINES) {
            found.push(format!("{} has {lines} lines; listed as long: {listed}", source.path));
        }
    }
    none(found, "a file is not as it should be");
}

#[test]
fn nothing_in_the_binary_panics_on_purpose() {
    let mut found = Vec::new();
    for source in rust_files("src").into_iter().filter(|source| !source.test()) {
        let code = source.code();
        for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "dbg!("] {
            if code.contains(word) {
                found.push(format!("{}: {word}", source.path));
            }
        }
    }
    none(found, "a file panics");
}

/// The keys of every setting, as operators write them.
fn settings() -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in DEFAULTS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned() + ".";
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}{key}"));
        }
    }
    assert!(keys.contains("issuer") && keys.contains("lifetimes.code_seconds"), "{keys:?}");
    keys
}

/// The names of every metric, from the literals in the code.
fn metric_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in rust_files("src") {
        for literal in source.code().split('"').filter(|part| part.starts_with("jeton_") && part.chars().all(of_name)) {
            names.insert(literal.to_owned());
        }
    }
    names.retain(|name| !NO_METRICS.contains(&name.as_str()));
    assert!(names.contains("jeton_requests_total"), "{names:?}");
    names
}

fn error_codes() -> BTreeSet<String> {
    ErrorCode::ALL.iter().map(|code| code.as_str().to_owned()).collect()
}

fn grant_types() -> BTreeSet<String> {
    GrantType::ALL.iter().map(|grant_type| grant_type.as_str().to_owned()).collect()
}

/// An operator finds every name in the README.
#[test]
fn every_name_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let groups =
        [("grant type", grant_types()), ("error code", error_codes()), ("setting", settings()), ("metric", metric_names())];
    let mut missing = Vec::new();
    for (kind, names) in groups {
        missing.extend(names.into_iter().filter(|name| !named(&readme, name)).map(|name| format!("{kind} {name}")));
    }
    none(missing, "README.md does not name");
}

#[test]
fn every_error_code_and_grant_type_is_tested() {
    let tests: Vec<Source> = rust_files("tests").into_iter().filter(|source| source.path != "it/tidy.rs").collect();
    let names = error_codes().into_iter().chain(grant_types());
    let untested = names.filter(|name| !tests.iter().any(|source| named(&source.text, name)));
    none(untested.collect(), "no test names");
}

/// The catalogue of threats says which test holds each off, and that test says so too.
#[test]
fn every_threat_of_the_catalogue_has_its_tests() {
    let catalogue = fs::read_to_string(root().join("tests/THREATS.md")).unwrap();
    let tests = rust_files("tests");
    let exists = |name: &str| {
        let (test, module) = (format!("fn {name}("), format!("{name}.rs"));
        tests.iter().any(|source| source.text.contains(&test) || source.path.ends_with(&module))
    };
    let rows = catalogue.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id"));
    let mut found = Vec::new();
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).map(|path| path.rsplit("::").next().unwrap_or(path)).collect();
        if names.is_empty() {
            found.push(format!("no test: {row}"));
        }
        found.extend(names.into_iter().filter(|name| !exists(name)).map(|name| format!("no such test: {name}")));
    }
    none(found, "the catalogue of threats names what is not tested");
}
