//! Hints that shorten the look at the feed.  Nothing correct depends on them: a database without them is looked at
//! every now and then all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::store::postgres::base::Base;
use crate::store::postgres::connect::{Connector, Session};
use crate::store::postgres::fault::Fault;

const LISTEN: &str = "LISTEN jeton_changes";
const NOTIFY: &str = "SELECT pg_notify('jeton_changes', '')";
/// At most so often: a notification in every commit would make them wait for each other.
const PAUSE: Duration = Duration::from_millis(50);
const AGAIN: Duration = Duration::from_secs(1);

/// Passes on what other replicas say, for ever.
pub async fn listen(base: Arc<Base>, connector: Arc<Connector>) {
    loop {
        if let Ok(Session { client, mut notified, .. }) = connector.connect().await {
            match client.batch_execute(LISTEN).await {
                Ok(()) => {
                    hint(&base);
                    while notified.changed().await.is_ok() {
                        hint(&base);
                    }
                }
                Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => {
                    tracing::info!("the database has no notifications: the feed is only looked at now and then");
                    return;
                }
                Err(error) => tracing::debug!(why = ?Fault::of(&error), "the database does not notify"),
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Says that this replica appended to the feed, after the commit and not in it, for ever.
pub async fn notify(base: Arc<Base>) {
    loop {
        base.told.notified().await;
        hint(&base);
        if let Err(error) = base.call(NOTIFY, Vec::new()).await {
            tracing::debug!(%error, "the other replicas were not notified; they look by themselves");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn hint(base: &Base) {
    base.hint.send_modify(|count| *count = count.wrapping_add(1));
}
