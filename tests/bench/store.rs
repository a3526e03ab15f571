//! Figures 4 to 6 of the design, the store's part: what a durable refresh rotation costs beside one
//! writer's bare append and fdatasync on the same disk.
//!
//! Both take turns within one run, so that a noisy disk is noisy for both.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jeton::store::Store;
use jeton::store::grant::rotate::{Rotated, Rotation, rotate};
use jeton::store::grant::{Active, Authorization, Grant, RefreshState, State, transition};
use jeton::store::sled::{Durability, SledOptions, SledStore};
use jeton::types::entropy::SeededEntropy;
use jeton::types::ids::{ClientId, GrantId, Subject, WorkspaceId};
use jeton::types::scope::Scope;
use jeton::types::secret::SecretDigest;
use jeton::types::time::{Clock, SystemClock, UnixMillis};

/// Where every grant is.
pub const WORKSPACE: WorkspaceId = WorkspaceId([7; 16]);
const CALLERS: usize = 64;
const ROUNDS: usize = 7;
const SEGMENT: Duration = Duration::from_millis(1500);
/// What the bare writer appends.
const RECORD_BYTES: usize = 300;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Figure 4: durable rotations at 64 callers over one writer's appends, the median of the rounds.
    pub rotations_to_appends: f64,
    /// The store's part of figure 5: durable rotations over those with durability off.
    pub durable_to_off: f64,
    /// Figure 6: CPU of one durable rotation, in microseconds, its caller included.
    pub cpu_us: f64,
    /// Figure 6: bytes that one durable rotation has written.
    pub bytes: f64,
}

/// Measures and prints.  `background` is how many other grants are live.
pub fn run(background: u64) -> Figures {
    // Beside the build, not in a temporary directory, which may be in memory.
    let dir = tempfile::Builder::new().prefix("bench-store-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let fill = |name: &str, durable| runtime.block_on(Load::new(&dir.path().join(name), durable, background));
    let durable = fill("durable", Durability::Fdatasync);
    let off = fill("off", Durability::Off);
    let mut appends = Appends::new(&dir.path().join("appends"));

    println!("store: {CALLERS} callers, {background} other grants, {ROUNDS} rounds of {SEGMENT:?}");
    println!("round  appends/s  rotations/s  ratio  CPU us  bytes  off/s  durable/off");
    let mut ratios = Vec::new();
    let mut shares = Vec::new();
    let mut cpu = Vec::new();
    let mut bytes = Vec::new();
    for round in 0..=ROUNDS {
        let bare = appends.segment();
        let sled = runtime.block_on(durable.segment(CALLERS));
        let without = runtime.block_on(off.segment(CALLERS));
        if round == 0 {
            // Files grow and caches fill.
            continue;
        }
        let (ratio, share) = (sled.per_second / bare, sled.per_second / without.per_second);
        println!(
            "{round:5}  {bare:9.0}  {:11.0}  {ratio:5.1}  {:6.1}  {:5.0}  {:5.0}  {share:.2}",
            sled.per_second, sled.cpu_us, sled.bytes, without.per_second
        );
        ratios.push(ratio);
        shares.push(share);
        cpu.push(sled.cpu_us);
        bytes.push(sled.bytes);
    }
    let one = runtime.block_on(durable.segment(1));
    let figures = Figures {
        rotations_to_appends: median(ratios),
        durable_to_off: median(shares),
        cpu_us: median(cpu),
        bytes: median(bytes),
    };
    println!("one caller: {:.0} rotations/s", one.per_second);
    println!("figure 4: {:.1} times one writer's append and fdatasync (at least 15, aim 20)", figures.rotations_to_appends);
    println!("figure 5, the store alone: {:.2} of the same with durability off", figures.durable_to_off);
    println!("figure 6: {:.1} us CPU (at most 15), {:.0} bytes written (at most 2000)", figures.cpu_us, figures.bytes);
    runtime.block_on(durable.store.close()).unwrap();
    runtime.block_on(off.store.close()).unwrap();
    figures
}

/// One segment's measures.
struct Segment {
    per_second: f64,
    cpu_us: f64,
    bytes: f64,
}

/// A store with one rotating grant for each caller.
struct Load {
    store: Arc<SledStore>,
    client: ClientId,
    /// Each caller's grant and its newest generation.
    grants: Vec<(GrantId, Arc<AtomicU64>)>,
}

impl Load {
    async fn new(dir: &Path, durable: Durability, background: u64) -> Self {
        let client = client();
        if background > 0 {
            // Without waiting for each; the store below opens what this one flushed at its end.
            let store = open(dir, Durability::Off);
            for number in 0..background {
                let id = grant_id(number + CALLERS as u64);
                store.insert_grant(WORKSPACE, id, &grant(&client)).await.unwrap();
            }
            store.close().await.unwrap();
        }
        let store = Arc::new(open(dir, durable));
        let mut grants = Vec::new();
        for number in 0..CALLERS as u64 {
            let id = grant_id(number);
            store.insert_grant(WORKSPACE, id, &grant(&client)).await.unwrap();
            grants.push((id, Arc::new(AtomicU64::new(0))));
        }
        Self { store, client, grants }
    }

    async fn segment(&self, callers: usize) -> Segment {
        let stop = Arc::new(AtomicBool::new(false));
        let (cpu, written, began) = (cpu_seconds(), written_bytes(), Instant::now());
        let tasks: Vec<_> = self
            .grants
            .iter()
            .take(callers)
            .map(|(id, generation)| {
                let (store, stop, generation) = (Arc::clone(&self.store), Arc::clone(&stop), Arc::clone(generation));
                let store: Arc<dyn Store> = store;
                tokio::spawn(rotations(store, self.client.clone(), *id, generation, stop))
            })
            .collect();
        tokio::time::sleep(SEGMENT).await;
        stop.store(true, Ordering::Relaxed);
        let mut rotations = 0;
        for task in tasks {
            rotations += task.await.unwrap();
        }
        let seconds = began.elapsed().as_secs_f64();
        let each = |whole: f64| whole / f64::from(rotations);
        Segment {
            per_second: f64::from(rotations) / seconds,
            cpu_us: each((cpu_seconds() - cpu) * 1e6),
            bytes: each(written_bytes() - written),
        }
    }
}

/// One caller: presents the newest refresh token again and again, as the engine does.
pub async fn rotations(
    store: Arc<dyn Store>,
    client: ClientId,
    id: GrantId,
    generation: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> u32 {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let current = generation.load(Ordering::Relaxed);
        let rotation = Rotation {
            client: &client,
            generation: u32::try_from(current).unwrap(),
            presented: token(current),
            next: token(current + 1),
            sealed_next: &[7; 92],
            scope: None,
            retry_window: 30,
            now: now(),
        };
        let loaded = store.grant(WORKSPACE, id).await.unwrap().unwrap();
        let outcome = transition(&*store, WORKSPACE, id, loaded, |grant| rotate(grant, &rotation)).await.unwrap();
        assert!(matches!(outcome, Some(Rotated::Rotated(_))), "{outcome:?}");
        generation.store(current + 1, Ordering::Relaxed);
        done += 1;
        // With durability off nothing else waits, and the other callers' turn would never come.
        tokio::task::yield_now().await;
    }
    done
}

/// One writer that appends a record and syncs, again and again: what a log without group commit does.
struct Appends {
    file: File,
}

impl Appends {
    fn new(path: &Path) -> Self {
        Self { file: OpenOptions::new().append(true).create(true).open(path).unwrap() }
    }

    fn segment(&mut self) -> f64 {
        let record = [7; RECORD_BYTES];
        let began = Instant::now();
        let mut done = 0_u32;
        while began.elapsed() < SEGMENT {
            self.file.write_all(&record).unwrap();
            self.file.sync_data().unwrap();
            done += 1;
        }
        f64::from(done) / began.elapsed().as_secs_f64()
    }
}

fn open(dir: &Path, durable: Durability) -> SledStore {
    SledStore::open(SledOptions { durable, ..SledOptions::new(dir) }).unwrap()
}

/// A grant that has just been redeemed.
pub fn grant(client: &ClientId) -> Grant {
    let now = now();
    let end = now.seconds().plus(86_400);
    Grant {
        client: client.clone(),
        created_at: now,
        state: State::Active(Active {
            authorization: Authorization {
                subject: Subject::parse("alice@example.com").unwrap(),
                scope: Scope::parse("openid profile orders:read orders:write").unwrap(),
                auth_time: Some(now.seconds()),
            },
            code: SecretDigest([1; 32]),
            attempt: [2; 16],
            expires_at: end,
            refresh: Some(RefreshState {
                generation: 0,
                head: token(0),
                idle_expires_at: end,
                idle_lifetime: 86_400,
                previous: None,
            }),
        }),
    }
}

/// The client of every grant.
pub fn client() -> ClientId {
    ClientId::generate(&SeededEntropy::new(1)).unwrap()
}

fn token(generation: u64) -> SecretDigest {
    let mut digest = [9; 32];
    digest[..8].copy_from_slice(&generation.to_be_bytes());
    SecretDigest(digest)
}

/// The grant of a caller.
pub fn grant_id(number: u64) -> GrantId {
    GrantId::generate(now(), &SeededEntropy::new(number)).unwrap()
}

fn now() -> UnixMillis {
    SystemClock.now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU of this process, all threads (proc(5), stat, fields 14 and 15, in hundredths).
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Bytes that this process has caused to be written (proc(5), io).
fn written_bytes() -> f64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap()
}
