//! `jeton key`: the signing keys of a workspace.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::confirm::Confirm;
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, instant, text};
use crate::cli::runtime;
use crate::pb::admin::v1::key_service_client::KeyServiceClient;
use crate::pb::admin::v1::{KeyState, ListKeysRequest, RotateKeyRequest, RotationMode, SigningKey};

const ROTATE_HELP: &str = "\
A new key is announced first: it stands in the key set, but does not sign until every verifier can have
fetched it (keys.announce_seconds).  The answer says when that is.

Examples:
  jeton key rotate
  jeton key rotate --now            verifiers that cache keys refuse new tokens until they fetch again
  jeton key rotate --compromised    every other key is dropped: all tokens that they signed end";

/// Manages signing keys.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    command: Command,

    /// The workspace; the default one when it is left out.
    #[arg(long, global = true, default_value = "", hide_default_value = true, value_name = "NAME")]
    workspace: String,

    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys that are announced, active or retired.
    List,
    /// Make a new key.
    #[command(after_help = ROTATE_HELP)]
    Rotate(Rotate),
}

#[derive(Debug, Args)]
struct Rotate {
    /// Sign with the new key at once.
    #[arg(long, conflicts_with = "compromised")]
    now: bool,

    /// Sign with the new key at once and drop every other: somebody else has them.
    #[arg(long)]
    compromised: bool,

    #[command(flatten)]
    confirm: Confirm,
}

impl Keys {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let workspace = self.workspace;
        match self.command {
            Command::List => {
                let keys = runtime::wait(async {
                    let mut service = KeyServiceClient::new(self.connection.open().await?);
                    Ok(service.list_keys(ListKeysRequest { workspace }).await?.into_inner().keys)
                })?;
                let records = keys.into_iter().map(record).collect();
                output.list(records, &["kid", "alg", "state", "active_from", "retired_at", "removed_at"])
            }
            Command::Rotate(rotate) => {
                let mode = rotate.mode();
                if mode == RotationMode::Compromised {
                    rotate.confirm.ask("This ends every token that was signed until now")?;
                }
                let key = runtime::wait(async {
                    let mut service = KeyServiceClient::new(self.connection.open().await?);
                    let request = RotateKeyRequest { workspace, mode: mode.into() };
                    Ok(service.rotate_key(request).await?.into_inner().key.unwrap_or_default())
                })?;
                output.record(record(key))
            }
        }
    }
}

impl Rotate {
    fn mode(&self) -> RotationMode {
        if self.compromised {
            RotationMode::Compromised
        } else if self.now {
            RotationMode::Now
        } else {
            RotationMode::Announced
        }
    }
}

fn record(key: SigningKey) -> Record {
    let state = match key.state() {
        KeyState::Unspecified => "unknown",
        KeyState::Announced => "announced",
        KeyState::Active => "active",
        KeyState::Retired => "retired",
    };
    vec![
        ("kid", text(key.kid)),
        ("alg", text(key.alg)),
        ("state", json!(state)),
        ("announced_at", instant(key.announced_at)),
        ("active_from", instant(key.active_from)),
        ("retired_at", instant(key.retired_at)),
        ("removed_at", instant(key.removed_at)),
    ]
}
