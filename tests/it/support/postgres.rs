//! A real PostgreSQL server for the tests: one for all of them, or one of a test's own that it may break.

pub mod cluster;
mod guard;
mod programs;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use jeton::store::postgres::PostgresOptions;
use jeton::store::postgres::migrate::migrate;
use jeton::types::secret::Secret;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_postgres::{Client, NoTls};

use cluster::{Cluster, Settings};

use crate::support::proxy::Proxy;

/// The role that owns every database; it may do nothing else.
const OWNER: &str = "jeton";
/// The role that may do everything.
const SUPERUSER: &str = "postgres";
/// Of both.  In a URL it must be escaped.
pub const PASSWORD: &str = "p@ss word/of:tests";
const PASSWORD_IN_URL: &str = "p%40ss%20word%2Fof%3Atests";

/// The server that all tests of this process share.
async fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    // Starting takes a second and blocks, and others may wait for the same server.
    spawn_blocking(|| SHARED.get_or_init(|| Cluster::launch(Settings::default()))).await.unwrap()
}

/// An empty database of its own.
pub async fn database() -> Database {
    shared().await.database().await
}

/// A database of its own with the newest schema.
pub async fn migrated() -> Database {
    static TEMPLATE: OnceCell<Database> = OnceCell::const_new();
    let cluster = shared().await;
    let template = TEMPLATE.get_or_init(|| async {
        let database = cluster.database().await;
        database.migrate().await;
        database
    });
    Database::create(cluster, template.await.name()).await
}

/// An empty database, owned by a role that is no superuser.
#[derive(Clone, Debug)]
pub struct Database {
    name: String,
    address: SocketAddr,
}

impl Database {
    /// Makes one on a server, as a copy of another.
    pub async fn create(cluster: &Cluster, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("jeton_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let statement = format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}");
        superuser(cluster.address(), "postgres").await.batch_execute(&statement).await.unwrap();
        Self { name, address: cluster.address() }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that has it, or what stands in front of that.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same database by way of another address: a proxy, or the server that took over.
    #[must_use]
    pub fn on(&self, other: &impl Place) -> Self {
        Self { name: self.name.clone(), address: other.address() }
    }

    /// What jeton's configuration takes.
    pub fn url(&self) -> String {
        self.url_at(&[self.address])
    }

    /// The same with several servers, of which one is the primary.
    pub fn url_at(&self, addresses: &[SocketAddr]) -> String {
        let hosts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let (hosts, name) = (hosts.join(","), &self.name);
        let any = if addresses.len() > 1 { "?target_session_attrs=read-write" } else { "" };
        format!("postgres://{OWNER}:{PASSWORD_IN_URL}@{hosts}/{name}{any}")
    }

    /// A URL without a password.
    pub fn url_without_password(&self) -> String {
        format!("postgres://{OWNER}@{}/{}", self.address, self.name)
    }

    /// Makes the newest schema.
    pub async fn migrate(&self) {
        migrate(&PostgresOptions::new(Secret::new(self.url())), &mut |_| {}).await.unwrap();
    }

    /// A bare connection as the owner.
    pub async fn client(&self) -> Client {
        connect(&self.url()).await
    }

    /// A bare connection that may do everything.
    pub async fn superuser(&self) -> Client {
        superuser(self.address, &self.name).await
    }
}

/// A connection that may do everything.
async fn superuser(address: SocketAddr, database: &str) -> Client {
    connect(&format!("postgres://{SUPERUSER}:{PASSWORD_IN_URL}@{address}/{database}")).await
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Something that listens where a server does.
pub trait Place {
    /// Where.
    fn address(&self) -> SocketAddr;
}

impl Place for Cluster {
    fn address(&self) -> SocketAddr {
        Cluster::address(self)
    }
}

impl Place for Proxy {
    fn address(&self) -> SocketAddr {
        Proxy::address(self)
    }
}
