//! Durable rotations at 64 callers: the store's few lanes beside a pool with a connection for each caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jeton::store::Store;
use jeton::store::postgres::{PostgresOptions, PostgresStore};
use jeton::types::ids::GrantId;
use jeton::types::secret::Secret;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Statement};

use crate::load::CALLERS;
use crate::report::{Report, Rounds};
use crate::store::{WORKSPACE, client, cpu_seconds, grant, grant_id, rotations};
use crate::support::postgres::Database;
use crate::support::postgres::cluster::{Cluster, Settings};

const ROUNDS: usize = 7;
const SEGMENT: Duration = Duration::from_millis(1500);
const CONNECTIONS: usize = 6;
/// As large as a grant that is rotated.
const RECORD_BYTES: usize = 300;

/// What the store does for a rotation, without its batches.
const LOAD: &str = "SELECT version, record FROM grants WHERE workspace = $1 AND id = $2";
const SWAP: &str = "UPDATE grants SET version = $3, sweep_at = $4, record = $5 \
                    WHERE workspace = $1 AND id = $2 AND version = $6 RETURNING id";

/// How a caller of the pool rotates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Reads the grant and replaces it, as the store does.
    Both,
    /// Replaces it, knowing its version.
    SwapAlone,
}

/// Measures.
pub fn run(report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Settings::default().start().await;
        let lanes = Lanes::new(&cluster).await;
        let pool = Pool::new(&cluster).await;
        println!("rotations: {CALLERS} callers, {ROUNDS} rounds of {SEGMENT:?}; us are CPU of the clients and of the database");
        println!("round  lanes/s       us  pool/s       us  ratio  swap alone/s       us  ratio");
        let (mut both, mut alone, mut cpu) = (Rounds::default(), Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let store = measure(&cluster, |stop| lanes.callers(&stop)).await;
            let pooled = measure(&cluster, |stop| pool.callers(Form::Both, &stop)).await;
            let swaps = measure(&cluster, |stop| pool.callers(Form::SwapAlone, &stop)).await;
            let ratios = (store.rate / pooled.rate, store.rate / swaps.rate);
            println!(
                "{round:5} {:8.0} {:>8} {:7.0} {:>8} {:6.2} {:13.0} {:>8} {:6.2}",
                store.rate,
                store.cpu(),
                pooled.rate,
                pooled.cpu(),
                ratios.0,
                swaps.rate,
                swaps.cpu(),
                ratios.1
            );
            // Tables grow and caches fill.
            if round > 0 {
                both.push(ratios.0);
                alone.push(ratios.1);
                cpu.push((store.client_us + store.database_us) / (pooled.client_us + pooled.database_us));
            }
        }
        lanes.store.close().await.unwrap();
        let what = format!("durable rotations of the store with {CONNECTIONS} connections / single statements over {CALLERS}");
        report.add("P2", &what, both.spread(), ">= 2");
        report.add("P2", "the same / the update alone, without reading first", alone.spread(), "");
        report.add("P2", "CPU of clients and database for one rotation / that of single statements", cpu.spread(), "");
    });
}

/// One segment's measures.
struct Cost {
    rate: f64,
    client_us: f64,
    database_us: f64,
}

impl Cost {
    fn cpu(&self) -> String {
        format!("{:.0}+{:.0}", self.client_us, self.database_us)
    }
}

async fn measure(cluster: &Cluster, callers: impl FnOnce(Arc<AtomicBool>) -> JoinSet<u32>) -> Cost {
    let stop = Arc::new(AtomicBool::new(false));
    let (client, database, began) = (cpu_seconds(), cluster.cpu(), Instant::now());
    let callers = callers(Arc::clone(&stop));
    tokio::time::sleep(SEGMENT).await;
    stop.store(true, Ordering::Relaxed);
    let done = f64::from(callers.join_all().await.into_iter().sum::<u32>());
    let seconds = began.elapsed().as_secs_f64();
    Cost {
        rate: done / seconds,
        client_us: (cpu_seconds() - client) * 1e6 / done,
        database_us: (cluster.cpu() - database).as_secs_f64() * 1e6 / done,
    }
}

/// The store, with one rotating grant for each caller.
struct Lanes {
    store: Arc<PostgresStore>,
    grants: Vec<(GrantId, Arc<AtomicU64>)>,
}

impl Lanes {
    async fn new(cluster: &Cluster) -> Self {
        let database = cluster.database().await;
        database.migrate().await;
        let options = PostgresOptions { connections: CONNECTIONS, ..PostgresOptions::new(Secret::new(database.url())) };
        let store = Arc::new(PostgresStore::open(options).await.unwrap());
        let mut grants = Vec::new();
        for number in 0..CALLERS as u64 {
            let id = grant_id(number);
            assert!(store.insert_grant(WORKSPACE, id, &grant(&client())).await.unwrap());
            grants.push((id, Arc::new(AtomicU64::new(0))));
        }
        Self { store, grants }
    }

    fn callers(&self, stop: &Arc<AtomicBool>) -> JoinSet<u32> {
        let mut callers = JoinSet::new();
        for (id, generation) in &self.grants {
            let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
            callers.spawn(rotations(store, client(), *id, Arc::clone(generation), Arc::clone(stop)));
        }
        callers
    }
}

/// A connection for each caller, with the statements prepared.
struct Pool(Vec<Arc<Connection>>);

struct Connection {
    client: Client,
    load: Statement,
    swap: Statement,
    id: Vec<u8>,
    version: AtomicU64,
}

impl Pool {
    async fn new(cluster: &Cluster) -> Self {
        let database: Database = cluster.database().await;
        database.migrate().await;
        let mut connections = Vec::new();
        for number in 0..CALLERS as u64 {
            let client = database.client().await;
            client.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
            let (load, swap) = (client.prepare(LOAD).await.unwrap(), client.prepare(SWAP).await.unwrap());
            let id = grant_id(number).0.to_vec();
            let insert = "INSERT INTO grants (workspace, id, version, sweep_at, record) VALUES ($1, $2, $3, 0, $4)";
            client.execute(insert, &[&&WORKSPACE.0[..], &id, &version(0), &vec![7_u8; RECORD_BYTES]]).await.unwrap();
            connections.push(Arc::new(Connection { client, load, swap, id, version: AtomicU64::new(0) }));
        }
        Self(connections)
    }

    fn callers(&self, form: Form, stop: &Arc<AtomicBool>) -> JoinSet<u32> {
        let mut callers = JoinSet::new();
        for connection in &self.0 {
            callers.spawn(Arc::clone(connection).rotations(form, Arc::clone(stop)));
        }
        callers
    }
}

impl Connection {
    async fn rotations(self: Arc<Self>, form: Form, stop: Arc<AtomicBool>) -> u32 {
        let mut done = 0;
        while !stop.load(Ordering::Relaxed) {
            let number = self.version.load(Ordering::Relaxed);
            let was = if form == Form::Both {
                let row = self.client.query_one(&self.load, &[&&WORKSPACE.0[..], &self.id]).await.unwrap();
                row.get(0)
            } else {
                version(number)
            };
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&&WORKSPACE.0[..], &self.id, &version(number + 1), &0_i64, &vec![7_u8; RECORD_BYTES], &was];
            assert!(self.client.query_opt(&self.swap, &values).await.unwrap().is_some());
            self.version.store(number + 1, Ordering::Relaxed);
            done += 1;
        }
        done
    }
}

/// As long as the store's.
fn version(number: u64) -> Vec<u8> {
    u128::from(number).to_be_bytes().to_vec()
}
