//! Registering with a preset, and what holds for every later change of such a client.

use jeton::pb::admin::v1::ApplyPresetRequest;
use jeton::pb::v1::{
    Client, ClientMetadata, ClientPermission, GetClientRequest, GrantType, RegisterClientRequest, RegisterClientResponse,
    UpdateClientRequest,
};
use tonic::Status;

use super::{disable, enable, service_of, set_ceiling};
use crate::support::clients::{Party, native, service, web};
use crate::support::server::{Server, with_authorization};
use crate::support::surface::oauth_refusal;

async fn register(server: &Server, preset: &str, metadata: ClientMetadata) -> Result<RegisterClientResponse, Status> {
    let request = RegisterClientRequest { metadata: Some(metadata), preset: preset.to_owned(), ..Default::default() };
    Ok(server.clients().register_client(server.as_admin(request)).await?.into_inner())
}

fn policies(client: &Client) -> Vec<&str> {
    client.policies.iter().map(|on| on.policy.as_str()).collect()
}

fn grant_types(client: &Client) -> Vec<GrantType> {
    client.metadata.as_ref().unwrap().grant_types().collect()
}

async fn read(server: &Server, client_id: &str) -> Client {
    let request = GetClientRequest { client_id: client_id.to_owned(), ..Default::default() };
    server.clients().get_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap()
}

/// What a registrant leaves out is what the interface of the preset has.
#[tokio::test]
async fn a_preset_completes_a_registration() {
    let server = Server::start().await;
    let (code, refresh, own) = (GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials);
    let pages = ClientMetadata { default_scope: String::new(), ..web() };
    let alone = ClientMetadata { redirect_uris: Vec::new(), default_scope: String::new(), ..web() };
    for (preset, metadata, grants, lifetime, default_scope, on) in [
        (
            "code-in-query",
            &pages,
            vec![code, refresh],
            5400,
            "read write admin",
            vec!["code_in_query", "pkce_optional", "refresh_rotation_never"],
        ),
        (
            "m2m-refresh",
            &alone,
            vec![refresh, own],
            3600,
            "read write admin",
            vec![
                "path_aliases",
                "refresh_rotation_never",
                "refresh_token_on_client_credentials",
                "refresh_without_client_authentication",
            ],
        ),
        ("standard", &pages, vec![code, refresh], 0, "read", vec!["pkce_optional"]),
        (
            "workspace-legacy",
            &pages,
            vec![code, refresh, own],
            0,
            "read write admin",
            vec!["grant_type_code", "implicit_grant", "password_grant", "path_aliases", "pkce_optional", "wildcard_scope"],
        ),
        (
            "workspace-legacy",
            &alone,
            vec![refresh, own],
            0,
            "read write admin",
            vec!["grant_type_code", "implicit_grant", "password_grant", "path_aliases", "pkce_optional", "wildcard_scope"],
        ),
    ] {
        let client = register(&server, preset, metadata.clone()).await.unwrap().client.unwrap();
        let said = client.metadata.clone().unwrap();
        assert_eq!(grant_types(&client), grants, "{preset}");
        assert_eq!(said.lifetimes.unwrap().access_token_seconds, lifetime, "{preset}");
        assert_eq!(said.default_scope, default_scope, "{preset}");
        assert_eq!(policies(&client), on, "{preset}");
        assert!(client.policies.iter().all(|on| on.reason == format!("preset {preset}") && on.expires_at == 0));
        assert_eq!(read(&server, &client.client_id).await, client);
    }
    let said = ClientMetadata { grant_types: vec![own.into()], default_scope: "write".to_owned(), ..service() };
    let client = register(&server, "standard", said).await.unwrap().client.unwrap();
    assert_eq!((grant_types(&client), client.metadata.unwrap().default_scope.as_str()), (vec![own], "write"));
}

/// Threat I2: a registration with a preset is judged like any other, and nothing is kept of a refused one.
#[tokio::test]
async fn a_preset_that_does_not_suit_registers_nothing() {
    let server = Server::start().await;
    for (preset, metadata, expected) in [
        ("standard", native(), "pkce_optional is for clients with a secret only, not for public ones"),
        ("standard", service(), ""),
        ("Standard", web(), "preset must be one of code-in-query, m2m-refresh, standard, workspace-legacy"),
    ] {
        let outcome = register(&server, preset, metadata).await;
        assert_eq!(outcome.err().map(|status| status.message().to_owned()).unwrap_or_default(), expected);
    }
    set_ceiling(&server, &["path_aliases"]).await;
    let refused = register(&server, "standard", web()).await.unwrap_err();
    assert!(refused.message().starts_with("policy pkce_optional is outside the ceiling of the workspace"), "{refused}");
    let request = RegisterClientRequest { metadata: Some(web()), policy_reason: "why".to_owned(), ..Default::default() };
    let refused = server.clients().register_client(server.as_admin(request)).await.unwrap_err();
    assert_eq!(refused.message(), "policy_reason needs a preset");
    let listed = server.clients().list_clients(server.as_admin(Default::default())).await.unwrap().into_inner().clients;
    assert_eq!(listed.len(), 1, "the one service");
}

/// Threat I3: a client that may register others may not loosen what holds for them.
#[tokio::test]
async fn only_the_administrator_registers_with_a_preset() {
    let server = Server::start().await;
    let registrar = server.register(service()).await;
    server.permit(&registrar, &[ClientPermission::RegisterClients]).await;
    let request = |preset: &str| RegisterClientRequest { metadata: Some(web()), preset: preset.to_owned(), ..Default::default() };
    let as_registrar = |request| with_authorization(request, &registrar.basic());
    assert!(server.clients().register_client(as_registrar(request(""))).await.is_ok());
    let refused = server.clients().register_client(as_registrar(request("standard"))).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

/// Threat I2: whatever changes a client, one verdict falls on what it would be.
#[tokio::test]
async fn a_client_cannot_keep_what_only_a_policy_allowed() {
    let server = Server::start().await;
    let made = register(&server, "m2m-refresh", service_with(&[])).await.unwrap().client.unwrap();
    let party = Party { workspace: String::new(), client_id: made.client_id.clone(), secret: None };
    let update = |metadata: ClientMetadata| {
        let request = UpdateClientRequest { client_id: made.client_id.clone(), metadata: Some(metadata), ..Default::default() };
        let mut clients = server.clients();
        let request = server.as_admin(request);
        async move { clients.update_client(request).await }
    };
    let needs = "invalid_client_metadata: grant type refresh_token needs authorization_code: nothing else gives a refresh token";
    // Without the grant that gave refresh tokens there are none.
    let refused = update(service_with(&[GrantType::RefreshToken])).await.unwrap_err();
    assert_eq!(oauth_refusal(&refused).to_string(), needs);
    let kept = update(service_with(&[GrantType::RefreshToken, GrantType::ClientCredentials])).await.unwrap().into_inner();
    assert_eq!(policies(&kept.client.unwrap()).len(), 4);
    let refused = update(ClientMetadata { token_endpoint_auth_method: 3, ..service_with(&[]) }).await.unwrap_err();
    assert_eq!(oauth_refusal(&refused).error, "invalid_client_metadata");

    let without = disable(&server, &party, "refresh_token_on_client_credentials").await;
    assert_eq!(grant_types(&without), [GrantType::ClientCredentials]);
    let refused = update(service_with(&[GrantType::RefreshToken, GrantType::ClientCredentials])).await.unwrap_err();
    assert_eq!(oauth_refusal(&refused).to_string(), needs);
    enable(&server, &party, "password_grant").await;
    assert!(update(service_with(&[GrantType::RefreshToken])).await.is_ok());
}

fn service_with(grant_types: &[GrantType]) -> ClientMetadata {
    ClientMetadata { grant_types: grant_types.iter().map(|&grant_type| grant_type.into()).collect(), ..service() }
}

/// A preset for a client that is there adds its policies, and changes nothing else.
#[tokio::test]
async fn a_preset_is_applied_to_a_registered_client() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    enable(&server, &client, "pkce_optional").await;
    let before = read(&server, &client.client_id).await;
    server.clock.advance_seconds(60);
    let apply = |preset: &str, reason: &str| {
        let (client_id, preset, reason) = (client.client_id.clone(), preset.to_owned(), reason.to_owned());
        let request = ApplyPresetRequest { client_id, preset, reason, expires_at: 1_800_000_000, ..Default::default() };
        let (mut service, request) = (service_of(&server), server.as_admin(request));
        async move { service.apply_preset(request).await.map(|answer| answer.into_inner().client.unwrap()) }
    };
    let after = apply("workspace-legacy", "their release").await.unwrap();
    assert_eq!(after.metadata, before.metadata);
    assert_eq!(policies(&after).len(), 6);
    assert!(after.policies.iter().all(|on| on.reason == "their release" && on.expires_at == 1_800_000_000));
    // What was on before is on since then.
    let since = |policy: &str| after.policies.iter().find(|on| on.policy == policy).unwrap().since;
    assert_eq!((since("pkce_optional"), since("path_aliases")), (1_700_000_000, 1_700_000_060));
    assert!(after.policies.iter().all(|on| on.with_wildcard_scope == (on.policy == "implicit_grant")));
    let public = server.register(native()).await;
    let request = ApplyPresetRequest { client_id: public.client_id, preset: "standard".to_owned(), ..Default::default() };
    let refused = service_of(&server).apply_preset(server.as_admin(request)).await.unwrap_err();
    assert_eq!(refused.message(), "policy pkce_optional is for clients with a secret only, not for public ones");
}
