//! What operators see: log lines on stderr, metrics, and where a panic was, never what it said.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};

/// Crates below us that write headers or stored bytes into their debug lines.
const CHATTY: &[&str] = &["h2", "hyper", "hyper_util", "sled", "tonic", "tower"];

/// How often the recorder folds what was measured, so that memory stays flat between two scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Seconds of a whole request: from a signature's time to a full disk's.
const REQUEST_BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds of a signature, which takes about 20 microseconds.
const SIGN_BUCKETS: &[f64] = &[0.000_005, 0.000_01, 0.000_02, 0.000_03, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025];
/// Seconds of a flush: from a fast disk's to a stuck one's.
const FLUSH_BUCKETS: &[f64] = &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Commits that share one flush.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// What is not ready to be seen.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The levels cannot be read; the configuration has checked them before.
    #[error("log.level cannot be read")]
    Level,
    /// The recorder has a histogram without buckets.
    #[error("the metrics recorder was not made: {0}")]
    Recorder(#[from] BuildError),
}

/// Sends this process's log lines to stderr and its panics to the log.  Does nothing the second time.
///
/// # Errors
/// When the levels cannot be read.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    let levels = EnvFilter::try_new(&log.level).map_err(|_| TelemetryError::Level)?;
    // Below info these crates show what they carry, Authorization headers too, so no setting opens them.
    let quiet = tracing_subscriber::filter::filter_fn(|metadata| {
        *metadata.level() <= LevelFilter::INFO || !CHATTY.contains(&metadata.target().split("::").next().unwrap_or_default())
    });
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Pretty => false,
    };
    let lines = if json {
        fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
    } else {
        fmt::layer().with_ansi(terminal).with_writer(std::io::stderr).boxed()
    };
    // A test process starts several servers; the first one's log stays.
    let _ = tracing_subscriber::registry().with(lines.with_filter(levels.and(quiet))).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // The payload may quote a request, so only the place is told.
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(location, "a task panicked");
    }));
    Ok(())
}

/// The metrics of this process.  The first call installs the recorder.
///
/// # Errors
/// When the recorder cannot be made.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("jeton_request_duration_seconds".to_owned()), REQUEST_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("jeton_sign_duration_seconds".to_owned()), SIGN_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("jeton_store_flush_duration_seconds".to_owned()), FLUSH_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("jeton_store_statement_duration_seconds".to_owned()), FLUSH_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("jeton_store_batch_size".to_owned()), BATCH_BUCKETS)?
        .build_recorder();
    let handle = HANDLE.get_or_init(|| {
        let handle = recorder.handle();
        // Fails only when a program that embeds this library has a recorder of its own, which then
        // gets the metrics, while this handle stays empty.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    });
    Ok(handle.clone())
}

/// The `# HELP` lines.
fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("jeton_requests_total", "Calls by method, grant type and outcome.");
    describe_counter!("jeton_gateway_refusals_total", "Requests that the REST gateway refused before any call.");
    describe_counter!("jeton_sign_ins_total", "Passwords that were presented, by outcome.");
    describe_histogram!("jeton_request_duration_seconds", Unit::Seconds, "How long calls took, by method.");
    describe_histogram!("jeton_sign_duration_seconds", Unit::Seconds, "How long signatures took.");
    describe_histogram!("jeton_store_flush_duration_seconds", Unit::Seconds, "How long flushes to disk took.");
    describe_histogram!("jeton_store_batch_size", "Commits that shared a flush, or operations that shared a statement.");
    describe_counter!("jeton_store_commits_total", "Durable commits.");
    describe_gauge!("jeton_store_disk_bytes", Unit::Bytes, "What the store takes on disk.");
    describe_histogram!("jeton_store_statement_duration_seconds", Unit::Seconds, "How long statements of PostgreSQL took.");
    describe_gauge!("jeton_store_connections", "Connections to PostgreSQL that carry operations.");
    describe_gauge!("jeton_store_marks", "Revocations that this replica remembers.");
    describe_gauge!("jeton_store_clock_difference_seconds", Unit::Seconds, "How far this clock and the database's differ.");
    describe_counter!("jeton_store_retries_total", "Statements that went again because another one was in the way.");
    describe_counter!("jeton_store_in_doubt_total", "Operations whose connection broke before the answer.");
    describe_gauge!("jeton_store_free_bytes", Unit::Bytes, "What is free on the store's disk.");
}

/// Keeps the recorder small until it is dropped: a scrape does it too, but nobody may be scraping.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        handle.run_upkeep();
    }
}
