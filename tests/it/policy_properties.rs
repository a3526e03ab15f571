//! Compatibility policies as a table: for any policies, ceilings, kinds of client and ends, configuration takes exactly
//! what the table allows, and a policy counts exactly while it is on, unexpired and within the ceiling.

use std::collections::BTreeMap;

use jeton::pb::admin::v1::policy_service_client::PolicyServiceClient;
use jeton::pb::admin::v1::{EnablePolicyRequest, PolicyCeiling, WorkspaceSettings};
use jeton::pb::v1::{Client, ClientMetadata, GetClientRequest, GrantType};
use jeton::types::policy::Policy;
use jeton::types::time::Clock;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::support::clients::{Party, native, web};
use crate::support::server::Server;
use crate::support::surface::Answer;
use crate::support::web::Browser;

/// What the README's table says: those are for clients with a secret.
const CONFIDENTIAL_ONLY: [Policy; 6] = [
    Policy::CodeInQuery,
    Policy::PasswordGrant,
    Policy::PkceOptional,
    Policy::RefreshRotationNever,
    Policy::RefreshTokenOnClientCredentials,
    Policy::RefreshWithoutClientAuthentication,
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Confidential,
    Public,
}

/// An operator's command; the end is so many seconds from then.
#[derive(Clone, Debug)]
struct Enable {
    policy: Policy,
    end: Option<i64>,
    stated: bool,
}

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    ceiling: Option<Vec<Policy>>,
    commands: Vec<Enable>,
    /// What is true when the policies are used.
    later: i64,
    later_ceiling: Option<Vec<Policy>>,
}

fn policy() -> impl Strategy<Value = Policy> {
    select(Policy::ALL)
}

fn ceiling() -> impl Strategy<Value = Option<Vec<Policy>>> {
    option::of(proptest::sample::subsequence(Policy::ALL, 3..=Policy::ALL.len()))
}

fn case() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![3 => Just(Kind::Confidential), 1 => Just(Kind::Public)];
    let end = prop_oneof![3 => Just(None), 1 => Just(Some(0)), 1 => Just(Some(-1)), 4 => (1_i64..200).prop_map(Some)];
    let enable = (policy(), end, prop::bool::weighted(0.4)).prop_map(|(policy, end, stated)| Enable {
        policy,
        end,
        // Said of another policy, it is refused whatever else is true; that has a test of its own.
        stated: stated && policy == Policy::ImplicitGrant,
    });
    (kind, ceiling(), vec(enable, 1..10), 0_i64..200, ceiling())
        .prop_map(|(kind, ceiling, commands, later, later_ceiling)| Case { kind, ceiling, commands, later, later_ceiling })
}

/// What is on: its end, and whether it was stated.
type Table = BTreeMap<Policy, (Option<i64>, bool)>;

fn within(ceiling: Option<&Vec<Policy>>, policy: Policy) -> bool {
    ceiling.is_none_or(|ceiling| ceiling.contains(&policy))
}

/// The table after a command; `None` when it must be refused.
fn taken(table: &Table, case: &Case, command: &Enable, now: i64) -> Option<Table> {
    let mut next = table.clone();
    next.insert(command.policy, (command.end.map(|end| now + end), command.stated));
    let both = next.contains_key(&Policy::ImplicitGrant) && next.contains_key(&Policy::WildcardScope);
    let stated = next.get(&Policy::ImplicitGrant).is_some_and(|(_, stated)| *stated);
    let good = command.end.is_none_or(|end| end > 0)
        && within(case.ceiling.as_ref(), command.policy)
        && (case.kind == Kind::Confidential || !CONFIDENTIAL_ONLY.contains(&command.policy))
        && (!both || stated);
    good.then_some(next)
}

fn named(ceiling: Option<&Vec<Policy>>) -> WorkspaceSettings {
    let policies = |ceiling: &Vec<Policy>| ceiling.iter().map(ToString::to_string).collect();
    WorkspaceSettings { policy_ceiling: ceiling.map(|these| PolicyCeiling { policies: policies(these) }), ..Default::default() }
}

fn metadata(kind: Kind) -> ClientMetadata {
    let mut grant_types = vec![GrantType::AuthorizationCode.into(), GrantType::RefreshToken.into()];
    match kind {
        Kind::Public => ClientMetadata { grant_types, ..native() },
        Kind::Confidential => {
            grant_types.push(GrantType::ClientCredentials.into());
            ClientMetadata { grant_types, ..web() }
        }
    }
}

/// A request that only this policy makes good; whether it was, as far as the policy matters.  `None` where no request of
/// this kind of client shows it.
async fn serves(server: &Server, kind: Kind, client: &Party, policy: Policy) -> Option<bool> {
    let own = [("grant_type", "client_credentials")];
    let error = |answer: &Answer| answer.json().err().map(|refused| refused.error).unwrap_or_default();
    let code = [("grant_type", "authorization_code"), ("code", "c"), ("redirect_uri", "https://app.example.org/cb")];
    let asked = async |changes: &[(&str, &str)]| {
        let answer = Browser::default().authorize(server, client, changes).await;
        assert_eq!(answer.status, 303, "{changes:?} {}", answer.body);
        // To the client with an error, in its query or its fragment, or to jeton's own pages without one.
        let told = answer.header("location").split(['?', '#']).nth(1).unwrap_or_default();
        let found = form_urlencoded::parse(told.as_bytes()).find(|(name, _)| name == "error");
        found.map(|(_, error)| error.into_owned()).unwrap_or_default()
    };
    Some(match policy {
        Policy::CodeInQuery if kind == Kind::Confidential => {
            let pairs = [code[0], code[2]];
            error(&server.post("/oauth2/token?code=c", client, &pairs).await) == "invalid_grant"
        }
        Policy::GrantTypeCode => {
            let pairs = [("grant_type", "code"), code[1], code[2]];
            error(&server.post("/oauth2/token", client, &pairs).await) == "invalid_grant"
        }
        Policy::ImplicitGrant => {
            let without = [("response_type", "token"), ("code_challenge", ""), ("code_challenge_method", "")];
            asked(&without).await.is_empty()
        }
        Policy::PasswordGrant if kind == Kind::Confidential => {
            let pairs = [("grant_type", "password"), ("username", "nobody at all"), ("password", "wrong")];
            ["invalid_grant", "too_many_requests"].contains(&&*error(&server.post("/oauth2/token", client, &pairs).await))
        }
        Policy::PathAliases => error(&server.post("/token", client, &code).await) == "invalid_grant",
        Policy::PkceOptional if kind == Kind::Confidential => {
            asked(&[("code_challenge", ""), ("code_challenge_method", "")]).await.is_empty()
        }
        Policy::RefreshTokenOnClientCredentials if kind == Kind::Confidential => {
            server.post("/oauth2/token", client, &own).await.json().unwrap()["refresh_token"].is_string()
        }
        Policy::WildcardScope => asked(&[("scope", "*")]).await.is_empty(),
        _ => return None,
    })
}

async fn check(server: &Server, case: &Case) -> Result<(), TestCaseError> {
    server.set_workspace("default", named(case.ceiling.as_ref())).await;
    let client = server.register(metadata(case.kind)).await;
    let now = server.clock.now().seconds().0;
    let mut table = Table::new();
    for command in &case.commands {
        let request = EnablePolicyRequest {
            client_id: client.client_id.clone(),
            policy: command.policy.to_string(),
            reason: "a property".to_owned(),
            expires_at: command.end.map_or(0, |end| now + end),
            with_wildcard_scope: command.stated,
            ..EnablePolicyRequest::default()
        };
        let outcome = PolicyServiceClient::new(server.admin()).enable_policy(server.as_admin(request)).await;
        let expected = taken(&table, case, command, now);
        prop_assert_eq!(outcome.is_ok(), expected.is_some(), "{:?} on {:?}: {:?}", command, table, outcome.err());
        table = expected.unwrap_or(table);
    }
    prop_assert_eq!(kept(server, &client).await, table.clone(), "what was refused changed nothing");

    server.clock.advance_seconds(case.later);
    server.set_workspace("default", named(case.later_ceiling.as_ref())).await;
    for &policy in Policy::ALL {
        let Some(served) = serves(server, case.kind, &client, policy).await else { continue };
        let lives = table.get(&policy).is_some_and(|(end, _)| end.is_none_or(|end| now + case.later < end));
        prop_assert_eq!(served, lives && within(case.later_ceiling.as_ref(), policy), "{}", policy);
    }
    Ok(())
}

async fn kept(server: &Server, client: &Party) -> Table {
    let request = GetClientRequest { client_id: client.client_id.clone(), ..Default::default() };
    let read: Client = server.clients().get_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap();
    let entry = |name: &str, end: i64, stated| (Policy::from_name(name).unwrap(), (Some(end).filter(|&end| end != 0), stated));
    read.policies.into_iter().map(|on| entry(&on.policy, on.expires_at, on.with_wildcard_scope)).collect()
}

#[test]
fn configuration_takes_what_the_table_allows_and_a_policy_counts_while_it_is_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, max_shrink_iters: 200, ..Config::default() });
    runner.run(&case(), |case| runtime.block_on(check(&server, &case))).unwrap();
}
