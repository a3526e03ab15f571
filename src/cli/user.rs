//! `jeton user`: the people of a workspace.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::connection::{Authorized, Connection};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, instant, text};
use crate::cli::password::PasswordFlag;
use crate::cli::runtime;
use crate::pb::admin::v1::user_service_client::UserServiceClient;
use crate::pb::admin::v1::{
    Consent, CreateUserRequest, ListUserConsentsRequest, ListUsersRequest, RevokeUserTokensRequest, SetUserAdministratorRequest,
    SetUserDisabledRequest, SetUserPasswordRequest, User, WithdrawUserConsentRequest,
};
use crate::types::secret::Secret;

const AFTER_HELP: &str = "\
Examples:
  jeton user create --username alice --password-stdin < password
  jeton user set-password alice      asks for the new one; sessions and tokens of the old one end
  jeton user promote alice           she sees and changes every application of the workspace
  jeton user consents alice          what she allowed, and to which clients
  jeton user disable alice           her tokens end, and she gets no new ones
  jeton user revoke-tokens alice     her tokens end, and she can sign in again";

const CREATE_HELP: &str = "\
Examples:
  jeton user create alice                                asks for her password
  jeton user create alice --password-stdin < password    from a file or a pipe; it is never an argument
  jeton user create bob --administrator";

const SET_PASSWORD_HELP: &str = "\
Examples:
  jeton user set-password alice
  jeton user set-password alice --password-stdin < password";

const PROMOTE_HELP: &str = "\
Example:
  jeton user promote alice";

const DEMOTE_HELP: &str = "\
Example:
  jeton user demote alice";

const CONSENTS_HELP: &str = "\
Example:
  jeton user consents alice";

const WITHDRAW_CONSENT_HELP: &str = "\
Example:
  jeton user withdraw-consent alice CLIENT_ID      `jeton user consents alice` names the client";

/// Manages users.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Users {
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
    /// Create a user.
    #[command(after_help = CREATE_HELP)]
    Create {
        /// What the person signs in with, 1 to 255 characters; stands in `sub` too.
        #[arg(long, value_name = "NAME", required_unless_present = "name")]
        username: Option<String>,
        /// The same, without the flag.
        #[arg(value_name = "USERNAME", conflicts_with = "username")]
        name: Option<String>,
        /// Sees and changes every application of the workspace on its page.
        #[arg(long)]
        administrator: bool,
        #[command(flatten)]
        password: PasswordFlag,
    },
    /// List the users.
    List,
    /// Disable a user: their tokens end, and they get no new ones.
    Disable {
        /// The user's `sub`.
        subject: String,
    },
    /// Enable a user again.
    Enable {
        /// The user's `sub`.
        subject: String,
    },
    /// Give a user a new password; sessions and tokens that the old one gave end.
    #[command(after_help = SET_PASSWORD_HELP)]
    SetPassword {
        /// The user's `sub`.
        subject: String,
        #[command(flatten)]
        password: PasswordFlag,
    },
    /// Let a user see and change every application of the workspace.
    #[command(after_help = PROMOTE_HELP)]
    Promote {
        /// The user's `sub`.
        subject: String,
    },
    /// Let a user see their own applications only.
    #[command(after_help = DEMOTE_HELP)]
    Demote {
        /// The user's `sub`.
        subject: String,
    },
    /// List what a user allowed applications to do.
    #[command(after_help = CONSENTS_HELP)]
    Consents {
        /// The user's `sub`.
        subject: String,
    },
    /// Withdraw what a user allowed a client: the tokens that came of it end.
    #[command(after_help = WITHDRAW_CONSENT_HELP)]
    WithdrawConsent {
        /// The user's `sub`.
        subject: String,
        /// The client's id.
        client_id: String,
    },
    /// End every token that a user has, whether they are in the directory or not.
    RevokeTokens {
        /// The user's `sub`.
        subject: String,
    },
}

impl Users {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        runtime::wait(async {
            let mut service = UserServiceClient::new(self.connection.open().await?);
            let workspace = self.workspace;
            match self.command {
                Command::Create { username, name, administrator, password } => {
                    let username = username.or(name).unwrap_or_default();
                    let password = password.read()?.map(Secret::expose_secret_owned).unwrap_or_default();
                    let request = CreateUserRequest { workspace, username, password, administrator };
                    let user = service.create_user(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::List => {
                    let users = list(&mut service, &workspace).await?;
                    let columns = ["sub", "username", "disabled", "has_password", "administrator", "created_at"];
                    output.list(users.into_iter().map(record).collect(), &columns)
                }
                Command::Disable { subject } => {
                    let request = SetUserDisabledRequest { workspace, subject, disabled: true };
                    let user = service.set_user_disabled(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::Enable { subject } => {
                    let request = SetUserDisabledRequest { workspace, subject, disabled: false };
                    let user = service.set_user_disabled(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::SetPassword { subject, password } => {
                    let password = password.read_one()?.expose_secret_owned();
                    let request = SetUserPasswordRequest { workspace, subject, password };
                    let user = service.set_user_password(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::Promote { subject } => {
                    let request = SetUserAdministratorRequest { workspace, subject, administrator: true };
                    let user = service.set_user_administrator(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::Demote { subject } => {
                    let request = SetUserAdministratorRequest { workspace, subject, administrator: false };
                    let user = service.set_user_administrator(request).await?.into_inner().user;
                    output.record(record(user.unwrap_or_default()))
                }
                Command::Consents { subject } => {
                    let request = ListUserConsentsRequest { workspace, subject };
                    let consents = service.list_user_consents(request).await?.into_inner().consents;
                    output.list(consents.into_iter().map(consent).collect(), &["client_id", "scope", "granted_at"])
                }
                Command::WithdrawConsent { subject, client_id } => {
                    service.withdraw_user_consent(WithdrawUserConsentRequest { workspace, subject, client_id }).await?;
                    output.done("the consent is withdrawn, and every token that came of it has ended")
                }
                Command::RevokeTokens { subject } => {
                    service.revoke_user_tokens(RevokeUserTokensRequest { workspace, subject }).await?;
                    output.done("every token and session of this user that was made until now has ended")
                }
            }
        })
    }
}

async fn list(service: &mut UserServiceClient<Authorized>, workspace: &str) -> Result<Vec<User>, Failure> {
    let mut users = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListUsersRequest { workspace: workspace.to_owned(), page_size: 500, page_token };
        let page = service.list_users(request).await?.into_inner();
        users.extend(page.users);
        if page.next_page_token.is_empty() {
            return Ok(users);
        }
        page_token = page.next_page_token;
    }
}

fn record(user: User) -> Record {
    vec![
        ("sub", text(user.subject)),
        ("username", text(user.username)),
        ("disabled", json!(user.disabled)),
        ("has_password", json!(user.has_password)),
        ("administrator", json!(user.administrator)),
        ("created_at", instant(user.created_at)),
    ]
}

fn consent(consent: Consent) -> Record {
    vec![("client_id", text(consent.client_id)), ("scope", text(consent.scope)), ("granted_at", instant(consent.granted_at))]
}
