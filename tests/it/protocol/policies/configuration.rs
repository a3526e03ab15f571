//! Switching policies on: what is refused at once, and what the report says.

use jeton::pb::admin::v1::{DisablePolicyRequest, EnablePolicyRequest, PolicyReport, ReportPoliciesRequest};
use jeton::types::policy::Policy;
use tonic::Code;

use super::{disable, enable, enable_until, everything, request, service_of, set_ceiling, try_enable};
use crate::support::clients::{native, service};
use crate::support::server::{START, Server};
use crate::support::surface::{Api, Surface};

const CONFIDENTIAL_ONLY: [&str; 6] = [
    "code_in_query",
    "password_grant",
    "pkce_optional",
    "refresh_rotation_never",
    "refresh_token_on_client_credentials",
    "refresh_without_client_authentication",
];

#[tokio::test]
async fn a_policy_needs_a_reason_and_an_end_to_come() {
    let server = Server::start().await;
    let client = server.register(everything()).await;
    let good = || request(&client, "pkce_optional");
    let reason = "reason must be 1 to 200 characters without control characters";
    for (request, expected) in [
        (EnablePolicyRequest { reason: String::new(), ..good() }, reason),
        (EnablePolicyRequest { reason: "  ".to_owned(), ..good() }, reason),
        (EnablePolicyRequest { reason: "é".repeat(201), ..good() }, reason),
        (EnablePolicyRequest { reason: "a\nb".to_owned(), ..good() }, reason),
        (EnablePolicyRequest { expires_at: START, ..good() }, "expires_at must be in the future"),
        (EnablePolicyRequest { expires_at: -1, ..good() }, "expires_at must be Unix seconds, or 0 for never"),
        (
            EnablePolicyRequest { with_wildcard_scope: true, ..good() },
            "with_wildcard_scope is a statement about implicit_grant only",
        ),
    ] {
        let refused = try_enable(&server, request).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, expected));
    }
    let refused = try_enable(&server, request(&client, "PKCE_optional")).await.unwrap_err();
    assert!(refused.message().starts_with("policy must be one of code_in_query, grant_type_code"), "{refused}");
    let refused = try_enable(&server, EnablePolicyRequest { client_id: "jc_x".to_owned(), ..good() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(try_enable(&server, EnablePolicyRequest { reason: "é".repeat(200), expires_at: START + 1, ..good() }).await.is_ok());
}

/// For every policy: within the ceiling or not, and for whom.
#[tokio::test]
async fn a_policy_is_switched_on_only_where_it_may_be() {
    let server = Server::start().await;
    let (client, public) = (server.register(everything()).await, server.register(native()).await);
    for policy in Policy::ALL.iter().map(|policy| policy.as_str()) {
        set_ceiling(&server, &["path_aliases"]).await;
        let outcome = try_enable(&server, request(&client, policy)).await;
        let beyond = format!("policy {policy} is outside the ceiling of the workspace: ");
        assert!(outcome.is_ok() == (policy == "path_aliases"), "{policy}");
        assert!(outcome.err().is_none_or(|refused| refused.message().starts_with(&beyond)));
        set_ceiling(&server, &Policy::ALL.iter().map(|policy| policy.as_str()).collect::<Vec<_>>()).await;
        let outcome = try_enable(&server, request(&public, policy)).await;
        assert!(outcome.is_err() == CONFIDENTIAL_ONLY.contains(&policy) || policy == "wildcard_scope", "{policy}");
        disable(&server, &public, policy).await;
        assert!(try_enable(&server, request(&client, policy)).await.is_ok(), "{policy}");
        disable(&server, &client, policy).await;
    }
}

/// Both orders of asking, and both ways out.
#[tokio::test]
async fn implicit_grant_and_wildcard_scope_go_together_only_when_stated() {
    let server = Server::start().await;
    for [first, second] in [["implicit_grant", "wildcard_scope"], ["wildcard_scope", "implicit_grant"]] {
        let client = server.register(everything()).await;
        enable(&server, &client, first).await;
        let refused = try_enable(&server, request(&client, second)).await.unwrap_err();
        assert!(refused.message().contains("--with-wildcard-scope"), "{refused}");
        let stated = EnablePolicyRequest { with_wildcard_scope: true, ..request(&client, "implicit_grant") };
        try_enable(&server, stated).await.unwrap();
        enable(&server, &client, "wildcard_scope").await;
        // Taking the statement back is refused while both are on.
        assert!(try_enable(&server, request(&client, "implicit_grant")).await.is_err());
        disable(&server, &client, "wildcard_scope").await;
        enable(&server, &client, "implicit_grant").await;
    }
}

async fn report(server: &Server) -> Vec<PolicyReport> {
    let request = ReportPoliciesRequest::default();
    service_of(server).report_policies(server.as_admin(request)).await.unwrap().into_inner().reports
}

/// What was used stays counted through a restart; what is over or above the ceiling is said to be so.
#[tokio::test]
async fn the_report_says_what_is_on_and_when_it_was_used() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        enable(&api.server, &client, "wildcard_scope").await;
        enable_until(&api.server, &client, "path_aliases", START + 100).await;
        api.server.register(service()).await;
        for _ in 0..3 {
            api.client_credentials(&client, "*").await.unwrap();
            api.server.clock.advance_seconds(10);
        }
        let api = api.restart().await;
        api.client_credentials(&client, "*").await.unwrap();
        api.server.clock.advance_seconds(100);
        set_ceiling(&api.server, &["path_aliases"]).await;
        let reports = report(&api.server).await;
        let [aliases, wildcard] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((&aliases.client_id, aliases.client_name.as_str()), (&client.client_id, "Service"));
        assert_eq!((aliases.uses, aliases.last_used_at, aliases.expired, aliases.within_ceiling), (0, 0, true, true));
        assert_eq!((wildcard.uses, wildcard.last_used_at), (4, START + 30));
        assert_eq!((wildcard.expired, wildcard.within_ceiling), (false, false));
        assert_eq!(wildcard.advice, "name the scopes that are needed, separated by spaces");
        assert_eq!(wildcard.policy.as_ref().unwrap().reason, "an old client");
        // One surface is enough for what no surface has a part in.
        if matches!(api.surface, Surface::Grpc) {
            assert!(refusals(&api.server).await);
        }
    }
}

/// Unknown workspaces and clients are refused by every method.
async fn refusals(server: &Server) -> bool {
    let request = ReportPoliciesRequest { workspace: "nowhere".to_owned(), ..Default::default() };
    let report = service_of(server).report_policies(server.as_admin(request)).await.unwrap_err();
    let request = DisablePolicyRequest { client_id: "jc_x".to_owned(), policy: "path_aliases".to_owned(), ..Default::default() };
    let disable = service_of(server).disable_policy(server.as_admin(request)).await.unwrap_err();
    (report.code(), disable.code()) == (Code::NotFound, Code::NotFound)
}

/// Pages of a report are pages of clients.
#[tokio::test]
async fn the_report_comes_page_by_page() {
    let server = Server::start().await;
    for _ in 0..3 {
        let client = server.register(service()).await;
        enable(&server, &client, "path_aliases").await;
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ReportPoliciesRequest { page_size: 2, page_token, ..Default::default() };
        let page = service_of(&server).report_policies(server.as_admin(request)).await.unwrap().into_inner();
        assert!(page.reports.len() <= 2);
        seen.extend(page.reports.into_iter().map(|report| report.client_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted());
}
