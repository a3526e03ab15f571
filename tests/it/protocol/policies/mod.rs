//! Compatibility policies at the token endpoint, at registration and in the hands of operators.

mod audit;
mod configuration;
mod refresh;
mod registration;
mod served;
mod wire;

use jeton::pb::admin::v1::policy_service_client::PolicyServiceClient;
use jeton::pb::admin::v1::{CreateUserRequest, DisablePolicyRequest, EnablePolicyRequest, PolicyCeiling, WorkspaceSettings};
use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{Client, ClientMetadata, GrantType, IssueTokenRequest, RefreshTokenGrant};
use tonic::Status;
use tonic::transport::Channel;

use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::surface::{Api, Refused, Surface, form, oauth_refusal};

/// How a refusal names the way out.
const HOW: &str = "is off for this client: an operator switches it on with jeton policy enable";
const PASSWORD: &str = "correct horse battery staple";

/// A confidential client that registered for everything.
fn everything() -> ClientMetadata {
    let grant_types = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
    ClientMetadata { grant_types: grant_types.map(i32::from).to_vec(), ..web() }
}

fn service_of(server: &Server) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(server.admin())
}

fn request(party: &Party, policy: &str) -> EnablePolicyRequest {
    EnablePolicyRequest {
        workspace: party.workspace.clone(),
        client_id: party.client_id.clone(),
        policy: policy.to_owned(),
        reason: "an old client".to_owned(),
        ..EnablePolicyRequest::default()
    }
}

async fn try_enable(server: &Server, request: EnablePolicyRequest) -> Result<Client, Status> {
    Ok(service_of(server).enable_policy(server.as_admin(request)).await?.into_inner().client.unwrap())
}

async fn enable(server: &Server, party: &Party, policy: &str) {
    try_enable(server, request(party, policy)).await.unwrap();
}

async fn enable_until(server: &Server, party: &Party, policy: &str, expires_at: i64) {
    try_enable(server, EnablePolicyRequest { expires_at, ..request(party, policy) }).await.unwrap();
}

async fn disable(server: &Server, party: &Party, policy: &str) -> Client {
    let request = DisablePolicyRequest {
        workspace: party.workspace.clone(),
        client_id: party.client_id.clone(),
        policy: policy.to_owned(),
    };
    service_of(server).disable_policy(server.as_admin(request)).await.unwrap().into_inner().client.unwrap()
}

/// Lets the clients of the default workspace have these policies only.
async fn set_ceiling(server: &Server, policies: &[&str]) {
    let policies = policies.iter().map(|&policy| policy.to_owned()).collect();
    let settings = WorkspaceSettings { policy_ceiling: Some(PolicyCeiling { policies }), ..WorkspaceSettings::default() };
    server.set_workspace("default", settings).await;
}

/// A person with [`PASSWORD`].
async fn person(server: &Server, username: &str) {
    let (username, password) = (username.to_owned(), PASSWORD.to_owned());
    let request = CreateUserRequest { username, password, ..CreateUserRequest::default() };
    server.users().create_user(server.as_admin(request)).await.unwrap();
}

/// Refreshes with nothing but the refresh token: the new one, if there is one.
async fn refresh_alone(api: &Api, refresh_token: &str) -> Result<Option<String>, Refused> {
    match api.surface {
        Surface::Rest => {
            let body = form(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
            let answer = api.server.post_plainly("/oauth2/token", &body).await.json()?;
            Ok(answer["refresh_token"].as_str().map(str::to_owned))
        }
        Surface::Grpc => {
            let grant = RefreshTokenGrant { refresh_token: refresh_token.to_owned(), scope: String::new() };
            let request = IssueTokenRequest { grant: Some(Grant::RefreshToken(grant)), ..IssueTokenRequest::default() };
            let answer = api.server.tokens().issue_token(request).await.map_err(|status| oauth_refusal(&status))?;
            Ok(Some(answer.into_inner().refresh_token).filter(|token| !token.is_empty()))
        }
    }
}
