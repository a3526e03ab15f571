//! `jeton client`: who may ask for tokens.

pub mod metadata;
pub mod view;

use clap::{Args, Subcommand};

use crate::cli::client::metadata::{MetadataFlags, permission_parser};
use crate::cli::client::view::{record, record_with_secret};
use crate::cli::confirm::Confirm;
use crate::cli::connection::{Authorized, Connection};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::policy::PresetFlags;
use crate::cli::runtime;
use crate::pb::admin::v1::client_admin_service_client::ClientAdminServiceClient;
use crate::pb::admin::v1::{RevokeClientTokensRequest, SetClientDisabledRequest, SetClientPermissionsRequest};
use crate::pb::v1::client_service_client::ClientServiceClient;
use crate::pb::v1::{
    Client, ClientMetadata, ClientPermission, DeleteClientRequest, GetClientRequest, ListClientsRequest, RegisterClientRequest,
    RotateClientSecretRequest, UpdateClientRequest,
};

const AFTER_HELP: &str = "\
Examples:
  a service that calls other services:
    jeton client create --name billing --grant-type client_credentials --scope \"read write\"
  a web application that signs people in:
    jeton client create --name shop --grant-type authorization_code --grant-type refresh_token \\
      --redirect-uri https://shop.example/callback --scope \"profile orders\"
  an application on a person's device:
    jeton client create --name notes --public --native --redirect-uri http://127.0.0.1/callback \\
      --grant-type authorization_code refresh_token --scope notes
  a client whose code cannot be changed, with the deviations that it needs (jeton policy --help):
    jeton client create --name legacy --preset m2m-refresh --policy-reason \"until the vendor updates\" \\
      --scope read
  the login application, which may have codes issued:
    jeton client permit CLIENT_ID --permission issue_code

A secret is shown once, when it is made.";

const CREATE_HELP: &str = "\
Examples:
  jeton client create --name billing --grant-type client_credentials --scope \"read write\"
  jeton client create --name shop --redirect-uri https://shop.example/callback --scope \"profile orders\" \\
    --logo-uri https://shop.example/logo.png --brand-color '#1c6e8c'
  jeton client create --name legacy --preset m2m-refresh --policy-reason \"until the vendor updates\" --scope read

`jeton client --help` has more.  The secret is shown once.";

/// Manages clients.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Clients {
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
    /// Register a client; its secret is shown once.
    #[command(after_help = CREATE_HELP)]
    Create {
        /// The name that a person sees, 1 to 100 characters.
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        metadata: Box<MetadataFlags>,
        #[command(flatten)]
        preset: PresetFlags,
    },
    /// Show one client.
    Get {
        /// Whom.
        client_id: String,
    },
    /// List the clients.
    List,
    /// Change what is given; everything else stays.
    Update {
        /// Whom.
        client_id: String,
        /// The name that a person sees.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        metadata: Box<MetadataFlags>,
    },
    /// Delete a client; its tokens end at once.
    Delete {
        /// Whom.
        client_id: String,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Make a second secret; the present one stays valid for the overlap.
    RotateSecret {
        /// Whose.
        client_id: String,
        /// How long the present secret stays valid, 0 to 2592000.
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        overlap: i64,
    },
    /// Let a disabled client work again.
    Enable {
        /// Whom.
        client_id: String,
    },
    /// Disable a client: it can do nothing, and its tokens introspect inactive.
    Disable {
        /// Whom.
        client_id: String,
    },
    /// Replace the trusted acts that a client is allowed.
    Permit {
        /// Whom.
        client_id: String,
        /// An act that it is allowed; give it often, or several after one another.
        #[arg(long = "permission", value_name = "ACT", num_args = 1.., value_parser = permission_parser(), required_unless_present = "none")]
        permissions: Vec<ClientPermission>,
        /// Take all of them away.
        #[arg(long, conflicts_with = "permissions")]
        none: bool,
    },
    /// End every token that the client was issued until now.
    RevokeTokens {
        /// Whose.
        client_id: String,
    },
}

impl Clients {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        if let Command::Delete { client_id, confirm } = &self.command {
            confirm.ask(&format!("This deletes the client {client_id} and ends its tokens"))?;
        }
        runtime::wait(async {
            let connection = self.connection.open().await?;
            let mut service = ClientServiceClient::new(connection.clone());
            let mut admin = ClientAdminServiceClient::new(connection);
            let workspace = self.workspace;
            match self.command {
                Command::Create { name, metadata: flags, preset } => {
                    let mut metadata = ClientMetadata { client_name: name, ..ClientMetadata::default() };
                    flags.apply(&mut metadata);
                    let (preset, policy_reason) = preset.into_request();
                    let request = RegisterClientRequest { workspace, metadata: Some(metadata), preset, policy_reason };
                    let registered = service.register_client(request).await?.into_inner();
                    output.record(record_with_secret(registered.client.unwrap_or_default(), registered.client_secret))
                }
                Command::Get { client_id } => output.record(record(get(&mut service, workspace, client_id).await?)),
                Command::List => {
                    let clients = list(&mut service, &workspace).await?.into_iter().map(record).collect();
                    output.list(clients, &["client_id", "client_name", "grant_types", "scope", "disabled"])
                }
                Command::Update { client_id, name, metadata: flags } => {
                    let present = get(&mut service, workspace.clone(), client_id.clone()).await?;
                    let mut metadata = present.metadata.unwrap_or_default();
                    if let Some(name) = name {
                        metadata.client_name = name;
                    }
                    flags.apply(&mut metadata);
                    let request =
                        UpdateClientRequest { workspace, client_id, metadata: Some(metadata), revision: present.revision };
                    let updated = service.update_client(request).await?.into_inner().client;
                    output.record(record(updated.unwrap_or_default()))
                }
                Command::Delete { client_id, confirm: _ } => {
                    service.delete_client(DeleteClientRequest { workspace, client_id }).await?;
                    output.done("the client is deleted")
                }
                Command::RotateSecret { client_id, overlap } => {
                    let request = RotateClientSecretRequest { workspace, client_id, overlap_seconds: overlap };
                    let rotated = service.rotate_client_secret(request).await?.into_inner();
                    output.record(record_with_secret(rotated.client.unwrap_or_default(), rotated.client_secret))
                }
                Command::Enable { client_id } => {
                    let request = SetClientDisabledRequest { workspace, client_id, disabled: false };
                    let client = admin.set_client_disabled(request).await?.into_inner().client;
                    output.record(record(client.unwrap_or_default()))
                }
                Command::Disable { client_id } => {
                    let request = SetClientDisabledRequest { workspace, client_id, disabled: true };
                    let client = admin.set_client_disabled(request).await?.into_inner().client;
                    output.record(record(client.unwrap_or_default()))
                }
                Command::Permit { client_id, permissions, none: _ } => {
                    let permissions = permissions.into_iter().map(i32::from).collect();
                    let request = SetClientPermissionsRequest { workspace, client_id, permissions };
                    let client = admin.set_client_permissions(request).await?.into_inner().client;
                    output.record(record(client.unwrap_or_default()))
                }
                Command::RevokeTokens { client_id } => {
                    admin.revoke_client_tokens(RevokeClientTokensRequest { workspace, client_id }).await?;
                    output.done("every token of this client that was issued until now has ended")
                }
            }
        })
    }
}

async fn get(service: &mut ClientServiceClient<Authorized>, workspace: String, client_id: String) -> Result<Client, Failure> {
    let answer = service.get_client(GetClientRequest { workspace, client_id }).await?;
    Ok(answer.into_inner().client.unwrap_or_default())
}

/// Every client of a workspace, page after page.
pub async fn list(service: &mut ClientServiceClient<Authorized>, workspace: &str) -> Result<Vec<Client>, Failure> {
    let mut clients = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListClientsRequest { workspace: workspace.to_owned(), page_size: 500, page_token };
        let page = service.list_clients(request).await?.into_inner();
        clients.extend(page.clients);
        if page.next_page_token.is_empty() {
            return Ok(clients);
        }
        page_token = page.next_page_token;
    }
}
