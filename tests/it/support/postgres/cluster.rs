//! One PostgreSQL server and its data: started, stopped, killed, followed by a standby, promoted.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::guard::{Guard, log};
use super::programs::{give, run};
use super::{Database, OWNER, PASSWORD, SUPERUSER, superuser};

/// How often a port may turn out to be taken.
const PORTS: usize = 20;

/// What a server of a test's own is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    settings: Vec<(String, String)>,
    files: Vec<(String, String)>,
}

impl Settings {
    /// Another value of one of PostgreSQL's settings.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the data folder, for nobody else's eyes: a certificate, a key, `pg_hba.conf`.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Starts the server.
    pub async fn start(self) -> Cluster {
        spawn_blocking(|| Cluster::launch(self)).await.unwrap()
    }
}

/// How a standby follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The primary answers when it has what was written.
    Asynchronous,
    /// The primary answers when the standby has it too.
    Synchronous,
}

/// A server: gone with its data when it is dropped, or when the process ends.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    settings: Settings,
    running: Mutex<Option<Guard>>,
}

impl Cluster {
    /// Makes a cluster and starts its server; blocks.
    pub fn launch(settings: Settings) -> Self {
        let folder = new_folder();
        let (data, password) = (folder.join("data"), folder.join("password"));
        fs::write(&password, PASSWORD).unwrap();
        give(&password);
        let [data, password] = [data, password].map(|path| path.to_str().unwrap().to_owned());
        let arguments =
            ["-D", &data, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", &password, "-E", "UTF8", "--locale=C", "-N"];
        run("initdb", &folder, &arguments, &[]);
        let cluster = Self::over(folder, settings);
        let create = format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'");
        cluster.psql(&create);
        cluster
    }

    /// Starts a server on data that is there.
    fn over(folder: PathBuf, settings: Settings) -> Self {
        for (name, text) in &settings.files {
            let file = folder.join("data").join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            give(&file);
        }
        let mut cluster = Self { folder, port: 0, settings, running: Mutex::new(None) };
        for _ in 0..PORTS {
            cluster.port = free_port();
            if cluster.run() {
                return cluster;
            }
            let log = log(&cluster.folder);
            assert!(log.contains("could not bind"), "PostgreSQL does not start: {log}");
        }
        panic!("no port is free for PostgreSQL");
    }

    /// Starts the server; `false` when it ended at once.
    fn run(&self) -> bool {
        let mut arguments = vec!["-D".to_owned(), self.folder.join("data").to_str().unwrap().to_owned()];
        let (port, folder) = (self.port.to_string(), self.folder.to_str().unwrap());
        let ours = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port),
            ("unix_socket_directories", folder),
            ("max_connections", "300"),
            ("log_min_messages", "info"),
        ];
        let theirs = self.settings.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in ours.into_iter().chain(theirs) {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        let guard = Guard::start(&self.folder, &arguments);
        let ready = guard.ready(&self.folder, self.address());
        if ready {
            *self.running.lock().unwrap() = Some(guard);
        } else {
            guard.leave();
        }
        ready
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A database of its own.
    pub async fn database(&self) -> Database {
        Database::create(self, "template1").await
    }

    /// A bare connection that may do everything.
    pub async fn superuser(&self) -> Client {
        superuser(self.address(), "postgres").await
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        log(&self.folder)
    }

    /// The CPU time until now of the server's processes that still run.
    pub fn cpu(&self) -> Duration {
        let processes = self.running.lock().unwrap().as_ref().expect("the server runs").processes();
        // Of one that ended in between nothing is known.
        let times = processes.iter().filter_map(|pid| {
            let schedstat = fs::read_to_string(format!("/proc/{}/schedstat", pid.as_raw_nonzero())).ok()?;
            schedstat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(times.sum())
    }

    /// Ends the server in order.
    pub fn stop(&self) {
        self.take().stop();
    }

    /// Ends the server and everything it started as a power cut does.
    pub fn kill(&self) {
        self.take().kill();
    }

    /// Starts a server that was stopped or killed, on the same data and at the same address.
    pub fn start_again(&self) {
        assert!(self.run(), "PostgreSQL does not start again: {}", self.log());
    }

    /// A standby that has everything, and follows.
    pub async fn standby(&self, replication: Replication) -> Self {
        let (folder, settings, port) = (new_folder(), self.settings.clone(), self.port);
        let standby = spawn_blocking(move || {
            let data = folder.join("data").to_str().unwrap().to_owned();
            let source = format!("host=127.0.0.1 port={port} user={SUPERUSER} application_name=standby");
            let arguments = ["-D", &data, "-d", &source, "-R", "-X", "stream", "-c", "fast", "-N"];
            run("pg_basebackup", &folder, &arguments, &[("PGPASSWORD", PASSWORD)]);
            Self::over(folder, settings)
        });
        let standby = standby.await.unwrap();
        // After the copy: the standby, once promoted, has nobody to wait for.
        let primary = self.superuser().await;
        let names = if replication == Replication::Synchronous { "standby" } else { "" };
        primary.execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"), &[]).await.unwrap();
        primary.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
        let expected = if replication == Replication::Synchronous { "sync" } else { "async" };
        let until = Instant::now() + Duration::from_secs(30);
        let state = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = $1";
        while primary.query_opt(state, &[&expected]).await.unwrap().is_none() {
            assert!(Instant::now() < until, "the standby does not follow: {}", standby.log());
            sleep(Duration::from_millis(20)).await;
        }
        standby
    }

    /// Makes the standby the primary, and waits until it is.
    pub fn promote(&self) {
        let data = self.folder.join("data");
        run("pg_ctl", &self.folder, &["promote", "-w", "-D", data.to_str().unwrap()], &[]);
    }

    /// Runs a statement that may do everything.
    fn psql(&self, statement: &str) {
        let (socket, port) = (self.folder.to_str().unwrap(), self.port.to_string());
        let arguments = ["-X", "-q", "-h", socket, "-p", &port, "-U", SUPERUSER, "-d", "postgres", "-c", statement];
        run("psql", &self.folder, &arguments, &[("PGPASSWORD", PASSWORD)]);
    }

    fn take(&self) -> Guard {
        self.running.lock().unwrap().take().expect("the server runs")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A server that runs takes its folder along.
        if self.running.get_mut().is_ok_and(|running| running.take().is_none()) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder that belongs to who runs the server.
fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("jeton-postgres-").tempdir().unwrap().keep();
    give(&folder);
    folder
}

/// A port below those that the system gives to outgoing connections, so that a server finds its own again when it
/// is started again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 10_000).unwrap();
    let ports = (0..10_000).map(|_| 20_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.into_iter().find(free).expect("no port is free")
}
