//! A server's process, which does not outlive this one, however this one ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::programs::{command, program};

/// Longer than a start or a stop takes, and shorter than anybody waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell that starts the server and reads: a line says that the server ends and the folder stays; the end of the
/// input, that nobody is there any more.
const SCRIPT: &str = r#"
folder=$1; shift; exec 2>> "$folder/log"
"$@" >&2 &
echo $!
if read -r line; then wait $!; exit 0; fi
kill -QUIT $!
wait $!
rm -rf "$folder"
"#;

/// A server that runs.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    input: Option<ChildStdin>,
    server: Pid,
}

impl Guard {
    /// Starts a server on the data in a folder.
    pub fn start(folder: &Path, arguments: &[String]) -> Self {
        let mut shell = command("sh", folder);
        shell.args(["-c", SCRIPT, "guard"]).arg(folder).arg(program("postgres")).args(arguments);
        // Of its own group: an interrupted test run ends the shell's input, and not the shell.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        Self { input: shell.stdin.take(), shell, server }
    }

    /// Waits until the server takes connections; `false` when it ended instead.
    pub fn ready(&self, folder: &Path, address: SocketAddr) -> bool {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut probe = command(program("pg_isready"), folder);
        probe.args(["-q", "-h", &host, "-p", &port, "-d", "postgres"]);
        let until = Instant::now() + PATIENCE;
        while !probe.status().unwrap().success() {
            if !alive(self.server) {
                return false;
            }
            assert!(Instant::now() < until, "PostgreSQL does not get ready: {}", log(folder));
            sleep(Duration::from_millis(10));
        }
        true
    }

    /// The server and everything it started.
    pub fn processes(&self) -> Vec<Pid> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.server.as_raw_nonzero())).unwrap();
        let children = children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap());
        std::iter::once(self.server).chain(children).collect()
    }

    /// Ends the server in order: it says good-bye to its clients and writes a checkpoint.
    pub fn stop(self) {
        kill_process(self.server, Signal::INT).unwrap();
        self.leave();
    }

    /// Ends the server and everything it started as a power cut does.
    pub fn kill(self) {
        // The postmaster is the first, so that it cannot see that the others end.
        let processes = self.processes();
        for process in &processes {
            // Those that saw the end of their parent are gone already.
            let _ = kill_process(*process, Signal::KILL);
        }
        let until = Instant::now() + PATIENCE;
        while processes.iter().any(|child| alive(*child)) {
            assert!(Instant::now() < until, "PostgreSQL's processes do not end");
            sleep(Duration::from_millis(1));
        }
        self.leave();
    }

    /// Waits for the end of the server, and leaves the folder.
    pub fn leave(mut self) {
        self.input.take().unwrap().write_all(b"leave\n").unwrap();
        self.shell.wait().unwrap();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

/// Whether a process runs: the dead ones that nobody waited for do not (proc(5), stat, field 3).
fn alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

/// What the server logged.
pub fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}
