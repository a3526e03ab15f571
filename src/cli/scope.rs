//! `jeton scope`: what the scopes of a workspace mean, in words for people.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, text};
use crate::cli::runtime;
use crate::pb::admin::v1::scope_service_client::ScopeServiceClient;
use crate::pb::admin::v1::{DeleteScopeRequest, ListScopesRequest, Scope, SetScopeRequest};

const AFTER_HELP: &str = "\
A consent page shows these words, and people choose from these scopes when they register an application.

Examples:
  jeton scope set read:analysis --description \"See your analyses\"
  jeton scope set admin --description \"Change the workspace\" --restricted
  jeton scope list
  jeton scope delete admin";

const SET_HELP: &str = "\
Examples:
  jeton scope set read:analysis --description \"See your analyses\"
  jeton scope set admin --description \"Change the workspace\" --restricted";

const LIST_HELP: &str = "\
Example:
  jeton scope list --workspace acme";

const DELETE_HELP: &str = "\
Example:
  jeton scope delete read:analysis";

/// Manages the scope registry.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Scopes {
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
    /// Describe a scope, in place of what was said before.
    #[command(after_help = SET_HELP)]
    Set {
        /// One scope token.
        name: String,
        /// What it allows, for the person who is asked: 1 to 200 characters.
        #[arg(long, value_name = "WORDS")]
        description: String,
        /// Only a workspace's administrator may give it to an application.
        #[arg(long)]
        restricted: bool,
    },
    /// List the registry.
    #[command(after_help = LIST_HELP)]
    List,
    /// Remove a description; clients keep the scope.
    #[command(after_help = DELETE_HELP)]
    Delete {
        /// One scope token.
        name: String,
    },
}

impl Scopes {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        runtime::wait(async {
            let mut service = ScopeServiceClient::new(self.connection.open().await?);
            let workspace = self.workspace;
            match self.command {
                Command::Set { name, description, restricted } => {
                    let scope = Some(Scope { name, description, restricted });
                    let set = service.set_scope(SetScopeRequest { workspace, scope }).await?.into_inner();
                    output.record(record(set.scope.unwrap_or_default()))
                }
                Command::List => {
                    let listed = service.list_scopes(ListScopesRequest { workspace }).await?.into_inner();
                    output.list(listed.scopes.into_iter().map(record).collect(), &["name", "description", "restricted"])
                }
                Command::Delete { name } => {
                    service.delete_scope(DeleteScopeRequest { workspace, name }).await?;
                    output.done("the scope is no longer described; clients that have it keep it")
                }
            }
        })
    }
}

fn record(scope: Scope) -> Record {
    vec![("name", text(scope.name)), ("description", text(scope.description)), ("restricted", json!(scope.restricted))]
}
