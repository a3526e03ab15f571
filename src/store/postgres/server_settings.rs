//! Whether the database keeps what it acknowledges.

use tokio_postgres::Client;

use crate::store::StoreError;
use crate::store::postgres::connect::describe;

/// The oldest server that the statements are written for.
const LEAST_VERSION: i32 = 130_000;

const QUESTION: &str = "SELECT version(), pg_is_in_recovery(), current_setting('server_version_num')::int4, \
     current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'), \
     current_setting('synchronous_commit'), current_setting('synchronous_standby_names')";

/// Said of a server that does not wait for a standby.
const ALONE: &str = "the database does not replicate synchronously: a fail-over can lose what was answered, and codes and \
     refresh tokens can then be used twice; set synchronous_standby_names, and synchronous_commit = on";

/// Refuses a server that forgets; answers what an operator should hear of one whose fail-over would.
///
/// # Errors
/// `Refused` with the setting and what it must be.
pub(super) async fn check(client: &Client) -> Result<Option<&'static str>, StoreError> {
    let unavailable = |error: tokio_postgres::Error| {
        StoreError::Unavailable(format!("the settings of the database cannot be read: {}", describe(&error)))
    };
    let row = client.query_one(QUESTION, &[]).await.map_err(unavailable)?;
    let text = |at: usize| row.try_get::<_, String>(at).map_err(unavailable);
    let refused = |sentence: String| Err(StoreError::Refused(sentence));

    if row.try_get(1).map_err(unavailable)? {
        return refused("the database is a standby, which takes no writes: name the primary, or all hosts".to_owned());
    }
    if row.try_get::<_, i32>(2).map_err(unavailable)? < LEAST_VERSION {
        return refused("the database is older than PostgreSQL 13: upgrade it".to_owned());
    }
    let encoding = text(3)?;
    if encoding != "UTF8" {
        return refused(format!("the database has the encoding {encoding}: create it with ENCODING 'UTF8'"));
    }
    // Replicates by itself, and has these settings only for show.
    if text(0)?.contains("-YB-") {
        return Ok(None);
    }
    let durable = [("fsync", text(4)?), ("full_page_writes", text(5)?), ("synchronous_commit", text(6)?)];
    if let Some((name, _)) = durable.iter().find(|(_, value)| value == "off") {
        return refused(format!(
            "the database has {name} = off, and so forgets in a crash what was answered: set {name} = on there"
        ));
    }
    let [_, _, (_, commit)] = durable;
    let waits = !text(7)?.is_empty() && ["on", "remote_apply"].contains(&commit.as_str());
    Ok(if waits { None } else { Some(ALONE) })
}
