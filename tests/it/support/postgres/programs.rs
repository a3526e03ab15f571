//! PostgreSQL's own programs, and who runs them: its server refuses to be root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MISSING: &str = "PostgreSQL's server (initdb, pg_ctl) is missing: ./tests/run installs it";

/// One of PostgreSQL's programs.
pub fn program(name: &str) -> PathBuf {
    folder().expect(MISSING).join(name)
}

/// The newest that Debian installed, which is on nobody's PATH; else what is on it.
fn folder() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))).collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions.into_iter().rev().map(|(_, folder)| folder).chain(std::env::split_paths(&path)).find(complete)
}

/// A command in a folder, as the user that the folder was given to.
pub fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").env("TZ", "UTC");
    command.stdin(Stdio::null()).current_dir(folder);
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Runs one of PostgreSQL's programs to its end; it succeeds.
pub fn run(name: &str, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) {
    let output = command(program(name), folder).args(arguments).envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Gives a file or folder to the user who runs the server.
pub fn give(path: &Path) {
    if let Some((user, group)) = other_user() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// Who runs the server when the tests are root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let fields = users.lines().find_map(|line| line.strip_prefix("postgres:"));
    let mut fields = fields.expect("the tests are root, and there is no user postgres to run PostgreSQL").split(':').skip(1);
    let mut number = || fields.next().unwrap().parse().unwrap();
    Some((number(), number()))
}
