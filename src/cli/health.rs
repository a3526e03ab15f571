//! `jeton healthcheck`: asks grpc.health.v1, so that an image needs no curl.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::cli::connection::{GRPC, connect, locate};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::runtime;

const AFTER_HELP: &str = "\
Ends with 0 when the server is ready, 1 when it says that it is not, 4 when it does not answer.

Examples:
  jeton healthcheck
  jeton healthcheck --endpoint http://127.0.0.1:50051";

/// Asks a server whether it is ready.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Healthcheck {
    /// Where the server's gRPC listener is.  Without it: JETON_GRPC_ADDR, else what the server wrote
    /// into endpoints.json of its data directory, else http://127.0.0.1:50051.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// The server's data directory, when it is on this machine.
    #[arg(long, env = "JETON_DATA_DIR", default_value = "./jeton-data", value_name = "DIR")]
    data_dir: PathBuf,
}

impl Healthcheck {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let status = runtime::wait(async {
            let endpoint = locate(self.endpoint.as_deref(), GRPC, &self.data_dir)?;
            let mut health = HealthClient::new(connect(&endpoint).await?);
            // The empty name asks for the server as a whole.
            let answer = health.check(HealthCheckRequest { service: String::new() }).await?;
            Ok(answer.into_inner().status())
        })?;
        match status {
            ServingStatus::Serving => output.record(vec![("status", json!("serving"))]),
            ServingStatus::NotServing | ServingStatus::ServiceUnknown | ServingStatus::Unknown => {
                Err(Failure::refused("not_serving", "the server is not ready"))
            }
        }
    }
}
