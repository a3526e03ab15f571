//! What runs beside the requests: following the change feed, sweeping, the key schedule, health, the
//! store's gauges.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{debug, error, info, warn};

use crate::engine::Engine;
use crate::store::{Health, Store};

const UPKEEP_EVERY: Duration = Duration::from_secs(60);
const MEASURE_EVERY: Duration = Duration::from_secs(10);
/// So much of the counts is lost when the server is killed.
const KEEP_USES_EVERY: Duration = Duration::from_secs(1);
const HEALTH_EVERY: Duration = Duration::from_secs(1);
/// Twice in the second within which a change counts everywhere, when no hint comes.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Records per step of a sweep, so that no request waits long behind one.
const SWEEP_STEP: usize = 500;

/// Every service whose health is the engine's; the empty name is the whole server.
const SERVICES: &[&str] = &[
    "",
    "jeton.v1.TokenService",
    "jeton.v1.AuthorizationService",
    "jeton.v1.ClientService",
    "jeton.v1.MetadataService",
    "jeton.admin.v1.WorkspaceService",
    "jeton.admin.v1.ClientAdminService",
    "jeton.admin.v1.KeyService",
    "jeton.admin.v1.UserService",
    "jeton.admin.v1.PolicyService",
];

/// Removes what has ended and keeps the key schedule, now and then, for ever.
pub async fn upkeep(engine: Arc<Engine>) {
    let mut ticks = interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(refusal) = engine.run_key_schedule().await {
            warn!(?refusal, "the key schedule could not be kept; it is tried again");
        }
        engine.forget_what_is_past();
        let mut removed = 0_usize;
        loop {
            match engine.sweep(SWEEP_STEP).await {
                Ok(swept) => {
                    removed = removed.saturating_add(swept.removed);
                    if !swept.more {
                        break;
                    }
                }
                Err(cause) => {
                    warn!(%cause, "the sweep stopped; it is tried again");
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        debug!(removed, "swept");
    }
}

/// Brings what is in memory up to date with the store, for ever: with what other replicas changed, and with
/// what was changed here for a caller who did not stay for the answer.
pub async fn follow_feed(engine: Arc<Engine>) {
    let mut hint = engine.feed_hint();
    let mut failing = false;
    loop {
        let followed = engine.follow_feed().await;
        match &followed {
            Ok(()) if failing => info!("the change feed is followed again"),
            Err(cause) if !failing => warn!(%cause, "the change feed cannot be followed; it is tried again"),
            Ok(()) | Err(_) => {}
        }
        failing = followed.is_err();
        let _ = timeout(FOLLOW_EVERY, hinted(hint.as_mut())).await;
    }
}

/// Waits until there may be something new.
async fn hinted(hint: Option<&mut watch::Receiver<u64>>) {
    let changed = match hint {
        Some(hint) => hint.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending().await
    }
}

/// Adds the uses of policies to the store, for ever.
pub async fn keep_policy_uses(engine: Arc<Engine>) {
    let mut ticks = interval(KEEP_USES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(cause) = engine.flush_policy_uses().await {
            warn!(%cause, "the uses of policies could not be kept; it is tried again");
        }
    }
}

/// Tells `grpc.health.v1` what the engine's health is, whenever it changes, for ever.
pub async fn report_health(engine: Arc<Engine>, reporter: HealthReporter, draining: watch::Receiver<bool>) {
    let mut ticks = interval(HEALTH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        ticks.tick().await;
        let health = engine.health();
        let serving = health == Health::Serving && !*draining.borrow();
        if told == Some(serving) {
            continue;
        }
        match &health {
            Health::Failed(reason) | Health::Unreachable(reason) => error!(reason, "not serving"),
            Health::NearlyFull => error!("little disk space is left: nothing new is issued"),
            Health::Serving => {}
        }
        report(&reporter, serving).await;
        told = Some(serving);
    }
}

/// Tells every service's status at once.
pub async fn report(reporter: &HealthReporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Keeps the gauges of the store's size, for ever.
pub async fn measure(store: Arc<dyn Store>) {
    let disk = metrics::gauge!("jeton_store_disk_bytes");
    let mut ticks = interval(MEASURE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Ok(size) = store.size().await {
            #[allow(clippy::cast_precision_loss)] // A gauge is a float; sizes are far below 2^53.
            {
                disk.set(size.disk_bytes as f64);
                if let Some(bytes) = size.free_bytes {
                    // Only where there is such a disk: a zero would be an alarm.
                    metrics::gauge!("jeton_store_free_bytes").set(bytes as f64);
                }
            }
        }
    }
}
