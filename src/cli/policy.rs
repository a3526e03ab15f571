//! `jeton policy`: the deviations from the strict core that single clients are allowed.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::client::view;
use crate::cli::connection::{Authorized, Connection};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Record, instant, text};
use crate::cli::runtime;
use crate::pb::admin::v1::policy_service_client::PolicyServiceClient;
use crate::pb::admin::v1::{ApplyPresetRequest, DisablePolicyRequest, EnablePolicyRequest, PolicyReport, ReportPoliciesRequest};
use crate::types::policy::{Policy, Preset};

const AFTER_HELP: &str = "\
A policy is off until an operator switches it on for one client, with a reason, best with an end.  Each use
is counted, and answers that rest on one carry the header Deprecation, and Sunset when the policy ends.

  code_in_query                          code in the URL of the token request
  grant_type_code                        grant_type=code for authorization_code
  implicit_grant                         response_type=token
  password_grant                         grant_type=password
  path_aliases                           /token and /oauth/2/token beside /oauth2/token
  pkce_optional                          an authorization request without PKCE
  refresh_rotation_never                 a refresh token that stays the same
  refresh_token_on_client_credentials    a refresh token in the answer to client_credentials
  refresh_without_client_authentication  a refresh with nothing but the refresh token
  wildcard_scope                         scope=* for all that the client registered

Presets: code-in-query, m2m-refresh, standard, workspace-legacy.

Examples:
  jeton policy enable CLIENT_ID pkce_optional --reason \"vendor ticket 4711\" --expires-in 90
  jeton policy enable CLIENT_ID implicit_grant --reason \"old page\" --expires-at 2027-01-31T00:00:00Z
  jeton policy preset CLIENT_ID m2m-refresh --reason \"until their next release\"
  jeton policy report --workspace acme
  jeton policy disable CLIENT_ID pkce_optional";

const ENABLE_HELP: &str = "\
Policies: code_in_query, grant_type_code, implicit_grant, password_grant, path_aliases,
pkce_optional, refresh_rotation_never, refresh_token_on_client_credentials,
refresh_without_client_authentication, wildcard_scope.  `jeton policy --help` explains them.

Examples:
  jeton policy enable CLIENT_ID pkce_optional --reason \"vendor ticket 4711\" --expires-in 90
  jeton policy enable CLIENT_ID implicit_grant --reason \"old page\" --expires-at 2027-01-31T00:00:00Z
  jeton policy enable CLIENT_ID implicit_grant --reason \"old page\" --with-wildcard-scope";

const DISABLE_HELP: &str = "\
Example:
  jeton policy disable CLIENT_ID pkce_optional";

const PRESET_HELP: &str = "\
  code-in-query     code_in_query, pkce_optional, refresh_rotation_never
  m2m-refresh       path_aliases, refresh_rotation_never, refresh_token_on_client_credentials,
                    refresh_without_client_authentication
  standard          pkce_optional
  workspace-legacy  grant_type_code, implicit_grant, password_grant, path_aliases, pkce_optional, wildcard_scope

Example:
  jeton policy preset CLIENT_ID m2m-refresh --reason \"until their next release\" --expires-in 180";

const REPORT_HELP: &str = "\
Examples:
  jeton policy report --workspace acme
  jeton policy report --output json      with everything that a script needs";

/// Manages compatibility policies.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Policies {
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
    /// Switch a policy on for a client, or change its reason and end.
    #[command(after_help = ENABLE_HELP)]
    Enable {
        /// For whom.
        client_id: String,
        /// Which.
        #[arg(value_parser = policy_parser(), hide_possible_values = true)]
        policy: Policy,
        /// Why, 1 to 200 characters: who looks at the report in a year will want to know.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        end: End,
        /// For implicit_grant: states that the client may have wildcard_scope too.
        #[arg(long)]
        with_wildcard_scope: bool,
    },
    /// Switch a policy off.
    #[command(after_help = DISABLE_HELP)]
    Disable {
        /// For whom.
        client_id: String,
        /// Which.
        #[arg(value_parser = policy_parser(), hide_possible_values = true)]
        policy: Policy,
    },
    /// Switch on what one published interface needs.
    #[command(after_help = PRESET_HELP)]
    Preset {
        /// For whom.
        client_id: String,
        /// Which.
        #[arg(value_parser = preset_parser())]
        preset: Preset,
        /// Why; the preset's name when this is left out.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
        #[command(flatten)]
        end: End,
    },
    /// List which clients have which policies, whether they are used, and how to get rid of them.
    #[command(after_help = REPORT_HELP)]
    Report,
}

/// When a policy ends.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct End {
    /// It ends after so many days.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    expires_in: Option<i64>,

    /// It ends at this instant (RFC 3339), like 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    expires_at: Option<Timestamp>,
}

impl End {
    /// Unix seconds; 0 for never.
    fn unix_seconds(self) -> i64 {
        match (self.expires_in, self.expires_at) {
            (Some(days), _) => Timestamp::now().as_second().saturating_add(days.saturating_mul(86_400)),
            (None, Some(end)) => end.as_second(),
            (None, None) => 0,
        }
    }
}

fn parse_instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "an instant is a date, a time and a zone, like 2027-01-31T00:00:00Z".to_owned())
}

/// The policies that a client is registered with.
#[derive(Debug, Args)]
pub struct PresetFlags {
    /// Switch on what one published interface needs; see `jeton policy --help`.
    #[arg(long, value_name = "PRESET", value_parser = preset_parser())]
    preset: Option<Preset>,

    /// Why; the preset's name when this is left out.
    #[arg(long, value_name = "TEXT", requires = "preset")]
    policy_reason: Option<String>,
}

impl PresetFlags {
    /// The preset and the reason, as the message carries them.
    pub fn into_request(self) -> (String, String) {
        (self.preset.map(|preset| preset.to_string()).unwrap_or_default(), self.policy_reason.unwrap_or_default())
    }
}

impl Policies {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        runtime::wait(async {
            let mut service = PolicyServiceClient::new(self.connection.open().await?);
            let workspace = self.workspace;
            match self.command {
                Command::Enable { client_id, policy, reason, end, with_wildcard_scope } => {
                    let (policy, expires_at) = (policy.to_string(), end.unix_seconds());
                    let request = EnablePolicyRequest { workspace, client_id, policy, reason, expires_at, with_wildcard_scope };
                    let client = service.enable_policy(request).await?.into_inner().client;
                    output.record(view::record(client.unwrap_or_default()))
                }
                Command::Disable { client_id, policy } => {
                    let request = DisablePolicyRequest { workspace, client_id, policy: policy.to_string() };
                    let client = service.disable_policy(request).await?.into_inner().client;
                    output.record(view::record(client.unwrap_or_default()))
                }
                Command::Preset { client_id, preset, reason, end } => {
                    let (preset, expires_at) = (preset.to_string(), end.unix_seconds());
                    let request = ApplyPresetRequest { workspace, client_id, preset, reason, expires_at };
                    let client = service.apply_preset(request).await?.into_inner().client;
                    output.record(view::record(client.unwrap_or_default()))
                }
                Command::Report => {
                    let reports = report(&mut service, &workspace).await?.into_iter().map(record).collect();
                    output.list(
                        reports,
                        &[
                            "client_id",
                            "client_name",
                            "policy",
                            "state",
                            "expires_at",
                            "uses",
                            "last_used_at",
                            "reason",
                            "advice",
                        ],
                    )
                }
            }
        })
    }
}

/// The whole report of a workspace, page after page.
async fn report(service: &mut PolicyServiceClient<Authorized>, workspace: &str) -> Result<Vec<PolicyReport>, Failure> {
    let mut reports = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ReportPoliciesRequest { workspace: workspace.to_owned(), page_size: 500, page_token };
        let page = service.report_policies(request).await?.into_inner();
        reports.extend(page.reports);
        if page.next_page_token.is_empty() {
            return Ok(reports);
        }
        page_token = page.next_page_token;
    }
}

fn record(report: PolicyReport) -> Record {
    let policy = report.policy.unwrap_or_default();
    let state = match (report.expired, report.within_ceiling) {
        (true, _) => "expired",
        (false, false) => "outside the ceiling",
        (false, true) => "on",
    };
    vec![
        ("client_id", text(report.client_id)),
        ("client_name", text(report.client_name)),
        ("policy", text(policy.policy)),
        ("state", json!(state)),
        ("reason", text(policy.reason)),
        ("since", instant(policy.since)),
        ("expires_at", instant(policy.expires_at)),
        ("expired", json!(report.expired)),
        ("within_ceiling", json!(report.within_ceiling)),
        ("uses", json!(report.uses)),
        ("last_used_at", instant(report.last_used_at)),
        ("advice", text(report.advice)),
    ]
}

fn policy_parser() -> impl TypedValueParser<Value = Policy> {
    let names = PossibleValuesParser::new(Policy::ALL.iter().map(|policy| policy.as_str()));
    names.try_map(|name| Policy::from_name(&name).ok_or("not one of the possible values"))
}

fn preset_parser() -> impl TypedValueParser<Value = Preset> {
    let names = PossibleValuesParser::new(Preset::ALL.iter().map(|preset| preset.as_str()));
    names.try_map(|name| Preset::from_name(&name).ok_or("not one of the possible values"))
}
