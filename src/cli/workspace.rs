//! `jeton workspace`: issuers that share one server.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::client::metadata::{LifetimeFlags, words};
use crate::cli::confirm::Confirm;
use crate::cli::connection::{Authorized, Connection};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, instant, number, text};
use crate::cli::runtime;
use crate::pb::admin::v1::workspace_service_client::WorkspaceServiceClient;
use crate::pb::admin::v1::{
    CreateWorkspaceRequest, DeleteWorkspaceRequest, GetWorkspaceRequest, ListWorkspacesRequest, PolicyCeiling, SignInMethod,
    UpdateWorkspaceRequest, Workspace, WorkspaceSettings,
};
use crate::types::policy::{Policy, Preset};

const AFTER_HELP: &str = "\
The workspace \"default\" is served at the root, every other one under /NAME.

Examples:
  jeton workspace create acme --login-uri https://login.acme.example/start
  jeton workspace update acme --access-token-lifetime 300
  jeton workspace update acme --policy-ceiling pkce_optional,path_aliases
  jeton workspace update acme --sign-in directory --self-registration off
  jeton client create --workspace acme --name billing --grant-type client_credentials --scope read";

const SETTINGS_HELP: &str = "\
Examples:
  jeton workspace create acme --login-uri https://login.acme.example/start
  jeton workspace update acme --policy-ceiling pkce_optional,path_aliases
  jeton workspace update acme --policy-ceiling none      no policy counts there from now on
  jeton workspace update acme --sign-in directory --self-registration off
  jeton workspace update acme --logo-uri https://acme.example/logo.png --brand-color '#1c6e8c'";

/// Manages workspaces.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Workspaces {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a workspace and its first signing key.
    #[command(after_help = SETTINGS_HELP)]
    Create {
        /// Stands in its paths: 1 to 63 of a-z, 0-9 and inner hyphens.
        name: String,
        #[command(flatten)]
        settings: SettingsFlags,
    },
    /// Show one workspace.
    Get {
        /// Its name.
        name: String,
    },
    /// List the workspaces.
    List,
    /// Change what is given; everything else stays.
    #[command(after_help = SETTINGS_HELP)]
    Update {
        /// Its name.
        name: String,
        #[command(flatten)]
        settings: SettingsFlags,
        /// Issue nothing; its tokens introspect inactive.
        #[arg(long, conflicts_with = "resume")]
        suspend: bool,
        /// Serve it again.
        #[arg(long)]
        resume: bool,
    },
    /// Delete a workspace and all that is in it.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        confirm: Confirm,
    },
}

#[derive(Debug, Args)]
struct SettingsFlags {
    /// The name that a person sees.
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,

    /// Where /oauth2/authorize sends the browser: your login application.
    #[arg(long, value_name = "URI")]
    login_uri: Option<String>,

    /// The aud of access tokens of clients that have none of their own.
    #[arg(long, value_name = "AUD")]
    default_audience: Option<String>,

    /// Where its people sign in; at --login-uri when there is one, else with the directory.
    #[arg(long, value_name = "METHOD", value_parser = words(SIGN_IN))]
    sign_in: Option<SignInMethod>,

    /// An https URL of a picture for its pages.
    #[arg(long, value_name = "URI")]
    logo_uri: Option<String>,

    /// The colour of its pages, like #1c6e8c.
    #[arg(long, value_name = "COLOR")]
    brand_color: Option<String>,

    /// Whether its people may register applications by themselves.
    #[arg(long, value_name = "on|off", value_parser = words(ON_OFF))]
    self_registration: Option<bool>,

    /// The policies that its clients may be given: names separated by commas, any, or none.
    #[arg(long, value_name = "POLICIES", value_parser = parse_ceiling)]
    policy_ceiling: Option<Ceiling>,

    /// The preset of the applications that its people register: its name, or none.
    #[arg(long, value_name = "PRESET", value_parser = preset_or_none())]
    application_preset: Option<String>,

    #[command(flatten)]
    lifetimes: LifetimeFlags,
}

/// Which policies clients may be given.
#[derive(Clone, Debug)]
enum Ceiling {
    Any,
    These(Vec<Policy>),
}

fn parse_ceiling(text: &str) -> Result<Ceiling, String> {
    let known = || Policy::ALL.iter().map(|policy| policy.as_str()).collect::<Vec<_>>().join(", ");
    let named = |name: &str| {
        Policy::from_name(name.trim()).ok_or_else(|| format!("give any, none, or names separated by commas, of: {}", known()))
    };
    match text {
        "any" => Ok(Ceiling::Any),
        "none" => Ok(Ceiling::These(Vec::new())),
        names => names.split(',').map(named).collect::<Result<_, _>>().map(Ceiling::These),
    }
}

const SIGN_IN: &[(&str, SignInMethod)] = &[
    ("directory", SignInMethod::Directory),
    ("application", SignInMethod::Application),
    ("credential_check", SignInMethod::CredentialCheck),
];

const ON_OFF: &[(&str, bool)] = &[("on", true), ("off", false)];

impl SettingsFlags {
    fn apply(self, settings: &mut WorkspaceSettings) {
        if let Some(display_name) = self.display_name {
            settings.display_name = display_name;
        }
        if let Some(login_uri) = self.login_uri {
            settings.login_uri = login_uri;
        }
        if let Some(default_audience) = self.default_audience {
            settings.default_audience = default_audience;
        }
        if let Some(sign_in) = self.sign_in {
            settings.set_sign_in(sign_in);
        }
        if let Some(logo_uri) = self.logo_uri {
            settings.logo_uri = logo_uri;
        }
        if let Some(brand_color) = self.brand_color {
            settings.brand_color = brand_color;
        }
        if let Some(on) = self.self_registration {
            settings.self_registration_off = !on;
        }
        if let Some(preset) = self.application_preset {
            settings.application_preset = if preset == "none" { String::new() } else { preset };
        }
        if let Some(ceiling) = self.policy_ceiling {
            settings.policy_ceiling = match ceiling {
                Ceiling::Any => None,
                Ceiling::These(policies) => Some(PolicyCeiling { policies: policies.iter().map(ToString::to_string).collect() }),
            };
        }
        self.lifetimes.apply(&mut settings.lifetimes);
    }
}

impl Workspaces {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        if let Command::Delete { name, confirm } = &self.command {
            confirm.ask(&format!("This deletes the workspace {name} with its clients, users and keys, and ends its tokens"))?;
        }
        runtime::wait(async {
            let mut service = WorkspaceServiceClient::new(self.connection.open().await?);
            match self.command {
                Command::Create { name, settings: flags } => {
                    let mut settings = WorkspaceSettings::default();
                    flags.apply(&mut settings);
                    let request = CreateWorkspaceRequest { name, settings: Some(settings) };
                    let created = service.create_workspace(request).await?.into_inner().workspace;
                    output.record(record(created.unwrap_or_default()))
                }
                Command::Get { name } => output.record(record(get(&mut service, name).await?)),
                Command::List => {
                    let workspaces = list(&mut service).await?.into_iter().map(record).collect();
                    output.list(workspaces, &["workspace", "issuer", "display_name", "suspended", "created_at"])
                }
                Command::Update { name, settings: flags, suspend, resume } => {
                    let present = get(&mut service, name.clone()).await?;
                    let mut settings = present.settings.unwrap_or_default();
                    flags.apply(&mut settings);
                    settings.suspended = (settings.suspended || suspend) && !resume;
                    let request = UpdateWorkspaceRequest { name, settings: Some(settings), revision: present.revision };
                    let updated = service.update_workspace(request).await?.into_inner().workspace;
                    output.record(record(updated.unwrap_or_default()))
                }
                Command::Delete { name, confirm: _ } => {
                    service.delete_workspace(DeleteWorkspaceRequest { name }).await?;
                    output.done("the workspace is deleted")
                }
            }
        })
    }
}

async fn get(service: &mut WorkspaceServiceClient<Authorized>, name: String) -> Result<Workspace, Failure> {
    let answer = service.get_workspace(GetWorkspaceRequest { name }).await?;
    Ok(answer.into_inner().workspace.unwrap_or_default())
}

async fn list(service: &mut WorkspaceServiceClient<Authorized>) -> Result<Vec<Workspace>, Failure> {
    let mut workspaces = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = service.list_workspaces(ListWorkspacesRequest { page_size: 500, page_token }).await?.into_inner();
        workspaces.extend(page.workspaces);
        if page.next_page_token.is_empty() {
            return Ok(workspaces);
        }
        page_token = page.next_page_token;
    }
}

fn record(workspace: Workspace) -> Record {
    let settings = workspace.settings.unwrap_or_default();
    let lifetimes = settings.lifetimes.unwrap_or_default();
    let sign_in = SIGN_IN.iter().find(|(_, method)| *method == settings.sign_in()).map_or("unknown", |(name, _)| name);
    // In the words of --policy-ceiling; nothing at all would read as no ceiling.
    let ceiling = match settings.policy_ceiling {
        None => json!("any"),
        Some(ceiling) if ceiling.policies.is_empty() => json!("none"),
        Some(ceiling) => json!(ceiling.policies),
    };
    vec![
        ("workspace", text(workspace.name)),
        ("issuer", text(workspace.issuer)),
        ("display_name", text(settings.display_name)),
        ("login_uri", text(settings.login_uri)),
        ("default_audience", text(settings.default_audience)),
        ("access_token_lifetime", number(lifetimes.access_token_seconds)),
        ("refresh_idle_lifetime", number(lifetimes.refresh_idle_seconds)),
        ("refresh_absolute_lifetime", number(lifetimes.refresh_absolute_seconds)),
        ("sign_in", json!(sign_in)),
        ("logo_uri", text(settings.logo_uri)),
        ("brand_color", text(settings.brand_color)),
        ("self_registration", json!(!settings.self_registration_off)),
        ("policy_ceiling", ceiling),
        ("application_preset", text(settings.application_preset)),
        ("suspended", json!(settings.suspended)),
        ("created_at", instant(workspace.created_at)),
        ("revision", json!(workspace.revision)),
    ]
}

fn preset_or_none() -> PossibleValuesParser {
    PossibleValuesParser::new(Preset::ALL.iter().map(|preset| preset.as_str()).chain(["none"]))
}
