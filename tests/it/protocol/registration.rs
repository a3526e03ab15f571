//! Registering and managing clients (RFC 7591, RFC 7592).

use jeton::pb::admin::v1::SetClientPermissionsRequest;
use jeton::pb::v1::{
    ApplicationType, Client, ClientMetadata, ClientPermission, DeleteClientRequest, GetClientRequest, GrantType, Lifetimes,
    ListClientsRequest, ListClientsResponse, RegisterClientRequest, RotateClientSecretRequest, RotateClientSecretResponse,
    TokenEndpointAuthMethod, UpdateClientRequest,
};
use prost::Message;
use tonic::{Code, Status};

use crate::support::clients::{Party, native, service, web};
use crate::support::server::{Server, with_authorization};
use crate::support::surface::{Api, Surface, oauth_refusal};

async fn read(server: &Server, party: &Party) -> Client {
    let request = GetClientRequest { workspace: party.workspace.clone(), client_id: party.client_id.clone() };
    server.clients().get_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap()
}

async fn update(server: &Server, party: &Party, metadata: ClientMetadata, revision: u64) -> Result<Client, Status> {
    let (workspace, client_id) = (party.workspace.clone(), party.client_id.clone());
    let request = UpdateClientRequest { workspace, client_id, metadata: Some(metadata), revision };
    Ok(server.clients().update_client(server.as_admin(request)).await?.into_inner().client.unwrap())
}

async fn rotate(server: &Server, party: &Party, overlap_seconds: i64) -> Result<RotateClientSecretResponse, Status> {
    let (workspace, client_id) = (party.workspace.clone(), party.client_id.clone());
    let request = RotateClientSecretRequest { workspace, client_id, overlap_seconds };
    Ok(server.clients().rotate_client_secret(server.as_admin(request)).await?.into_inner())
}

/// RFC 7591 section 3.2.1: what was not said is filled in and answered.
#[tokio::test]
async fn a_registration_is_answered_with_its_defaults() {
    let server = Server::start().await;
    let client = read(&server, &server.register(web()).await).await;
    let metadata = client.metadata.unwrap();
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode as i32, GrantType::RefreshToken as i32]);
    assert_eq!(metadata.token_endpoint_auth_method(), TokenEndpointAuthMethod::ClientSecretBasic);
    assert_eq!(metadata.application_type(), ApplicationType::Web);
    assert_eq!((client.workspace.as_str(), client.revision, client.created_at), ("default", 1, 1_700_000_000));
    assert_eq!((client.secrets.len(), client.secrets[0].expires_at), (1, 0));
    let public = read(&server, &server.register(native()).await).await;
    assert!(public.secrets.is_empty());
    let plain = ClientMetadata { client_name: "Plain".to_owned(), scope: "a b".to_owned(), ..ClientMetadata::default() };
    let plain = read(&server, &server.register(plain).await).await.metadata.unwrap();
    assert_eq!(plain.grant_types, [GrantType::ClientCredentials as i32]);
    assert_eq!(plain.default_scope, "a b");
}

/// RFC 9700 section 2.6, RFC 8252 section 7; threat C2: only addresses that lead back to the client alone.
#[tokio::test]
async fn a_dangerous_redirect_uri_is_refused() {
    let server = Server::start().await;
    let refused = [
        "",
        "cb",
        "//app.example.org/cb",
        "http://app.example.org/cb",
        "http://localhost.evil.test/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.2/cb",
        "https://app.example.org/cb#fragment",
        "https://app.example.org/cb#",
        "https://user@app.example.org/cb",
        "https://user:password@app.example.org/cb",
        "https://@app.example.org/cb",
        "https://app.example.org@evil.test/cb",
        "https://APP.example.org/cb",
        "HTTPS://app.example.org/cb",
        "https://app.example.org:443/cb",
        "https://app.example.org/a/../cb",
        "https://app.example.org\\cb",
        "https:app.example.org/cb",
        "https://app.example.org/c b",
        " https://app.example.org/cb",
        "https://app.example.org/cb\n",
        "https://\u{430}pp.example.org/cb",
        "https://app.example.org/*\u{0}",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://app.example.org/x",
        "about:blank",
        "myapp:/cb",
        "myapp://cb",
    ];
    for uri in refused {
        for base in [web(), native()] {
            let metadata = ClientMetadata { redirect_uris: vec![uri.to_owned()], ..base };
            let status = server.try_register("", metadata).await.unwrap_err();
            assert_eq!(oauth_refusal(&status).error, "invalid_redirect_uri", "{uri:?}");
        }
    }
    for uri in ["com.example.app:/cb", "com.example.app://cb"] {
        let metadata = ClientMetadata { redirect_uris: vec![uri.to_owned()], ..web() };
        assert_eq!(oauth_refusal(&server.try_register("", metadata).await.unwrap_err()).error, "invalid_redirect_uri", "{uri}");
        server.register(ClientMetadata { redirect_uris: vec![uri.to_owned()], ..native() }).await;
    }
    for uri in ["https://app.example.org/cb?x=1", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "http://localhost/cb"] {
        for base in [web(), native()] {
            server.register(ClientMetadata { redirect_uris: vec![uri.to_owned()], ..base }).await;
        }
    }
}

/// Metadata that no client may have, each for one reason.
fn bad_metadata() -> Vec<(&'static str, ClientMetadata)> {
    let lifetimes = |access, idle, absolute| {
        Some(Lifetimes { access_token_seconds: access, refresh_idle_seconds: idle, refresh_absolute_seconds: absolute })
    };
    let grants = |grants: &[GrantType]| grants.iter().map(|&grant| grant.into()).collect::<Vec<_>>();
    vec![
        ("no name", ClientMetadata { client_name: String::new(), ..web() }),
        ("a blank name", ClientMetadata { client_name: "  ".to_owned(), ..web() }),
        ("a long name", ClientMetadata { client_name: "n".repeat(101), ..web() }),
        ("a control character", ClientMetadata { client_name: "a\u{1b}[31m".to_owned(), ..web() }),
        ("a bad redirect URI", ClientMetadata { redirect_uris: vec!["javascript:alert(1)".to_owned()], ..web() }),
        (
            "one bad among good",
            ClientMetadata {
                redirect_uris: vec!["https://app.example.org/cb".to_owned(), "http://evil.test/".to_owned()],
                ..web()
            },
        ),
        ("too many", ClientMetadata { redirect_uris: (0..17).map(|n| format!("https://a.example.org/{n}")).collect(), ..web() }),
        (
            "no redirect URI",
            ClientMetadata { redirect_uris: Vec::new(), grant_types: grants(&[GrantType::AuthorizationCode]), ..web() },
        ),
        ("refresh alone", ClientMetadata { grant_types: grants(&[GrantType::RefreshToken]), ..web() }),
        ("no grant type's value", ClientMetadata { grant_types: grants(&[GrantType::Unspecified]), ..web() }),
        ("the scope *", ClientMetadata { scope: "read *".to_owned(), default_scope: String::new(), ..web() }),
        ("a malformed scope", ClientMetadata { scope: "re\"ad".to_owned(), default_scope: String::new(), ..web() }),
        ("a default beyond", ClientMetadata { default_scope: "delete".to_owned(), ..web() }),
        ("a bad audience", ClientMetadata { default_audience: "a b".to_owned(), ..web() }),
        ("a bad page", ClientMetadata { client_uri: "javascript:alert(1)".to_owned(), ..web() }),
        ("a long access token", ClientMetadata { lifetimes: lifetimes(86_401, 0, 0), ..web() }),
        ("a negative lifetime", ClientMetadata { lifetimes: lifetimes(0, -1, 0), ..web() }),
        ("an endless grant", ClientMetadata { lifetimes: lifetimes(0, 0, i64::MAX), ..web() }),
    ]
}

/// RFC 7592 section 2.2; threat I2: an update is judged as a registration would be, and changes nothing when refused.
#[tokio::test]
async fn an_update_is_judged_like_a_registration() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    let before = read(&server, &client).await;
    for (what, metadata) in bad_metadata() {
        let registering = server.try_register("", metadata.clone()).await.unwrap_err();
        let updating = update(&server, &client, metadata, 0).await.unwrap_err();
        let refused = oauth_refusal(&registering);
        assert!(["invalid_redirect_uri", "invalid_client_metadata"].contains(&refused.error.as_str()), "{what}: {refused}");
        assert_eq!(oauth_refusal(&updating), refused, "{what}");
    }
    let credentials = ClientMetadata { grant_types: vec![GrantType::ClientCredentials.into()], ..native() };
    let refused = oauth_refusal(&server.try_register("", credentials.clone()).await.unwrap_err());
    let public = server.register(native()).await;
    assert_eq!(oauth_refusal(&update(&server, &public, credentials, 0).await.unwrap_err()), refused);
    assert_eq!(read(&server, &client).await, before);
}

/// Threat I2: a client with secrets does not become one without, nor the other way round.
#[tokio::test]
async fn a_client_stays_public_or_confidential() {
    let server = Server::start().await;
    let (confidential, public) = (server.register(web()).await, server.register(native()).await);
    let expected = "invalid_client_metadata: a client cannot change between public and confidential: register a new one";
    assert_eq!(oauth_refusal(&update(&server, &confidential, native(), 0).await.unwrap_err()).to_string(), expected);
    assert_eq!(oauth_refusal(&update(&server, &public, web(), 0).await.unwrap_err()).to_string(), expected);
}

/// An update names what it read, so that nobody's change is lost.
#[tokio::test]
async fn an_update_of_an_old_revision_is_refused() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    let changed = ClientMetadata { client_name: "Changed".to_owned(), ..web() };
    assert_eq!(update(&server, &client, changed, 1).await.unwrap().revision, 2);
    let status = update(&server, &client, web(), 1).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Aborted, "the client was changed meanwhile: read it again"));
    assert_eq!(read(&server, &client).await.metadata.unwrap().client_name, "Changed");
    assert_eq!(update(&server, &client, web(), 0).await.unwrap().revision, 3);
}

/// During a rotation both secrets are good; the old one ends when the overlap does.
#[tokio::test]
async fn two_secrets_overlap_while_one_is_rotated() {
    for api in Api::both().await {
        let client = api.server.register(service()).await;
        let rotated = rotate(&api.server, &client, 3600).await.unwrap();
        assert_eq!(
            rotated.client.unwrap().secrets.iter().map(|secret| secret.expires_at).collect::<Vec<_>>(),
            [1_700_003_600, 0]
        );
        let renewed = client.with_secret(&rotated.client_secret);
        api.server.clock.advance_millis(3_599_999);
        assert!(api.client_credentials(&client, "").await.is_ok());
        assert!(api.client_credentials(&renewed, "").await.is_ok());
        api.server.clock.advance_millis(1);
        assert_eq!(api.client_credentials(&client, "").await.unwrap_err().error, "invalid_client");
        assert!(api.client_credentials(&renewed, "").await.is_ok());
    }
}

/// A third secret ends the first at once, and an overlap of 0 ends the present one.
#[tokio::test]
async fn there_are_never_more_than_two_secrets() {
    let api = Api { server: Server::start().await, surface: Surface::Grpc };
    let first = api.server.register(service()).await;
    let second = first.with_secret(&rotate(&api.server, &first, 3600).await.unwrap().client_secret);
    let third = first.with_secret(&rotate(&api.server, &first, 3600).await.unwrap().client_secret);
    assert_eq!(api.client_credentials(&first, "").await.unwrap_err().error, "invalid_client");
    assert!(api.client_credentials(&second, "").await.is_ok());
    let fourth = first.with_secret(&rotate(&api.server, &first, 0).await.unwrap().client_secret);
    for ended in [&second, &third] {
        assert_eq!(api.client_credentials(ended, "").await.unwrap_err().error, "invalid_client");
    }
    assert!(api.client_credentials(&fourth, "").await.is_ok());
    for overlap in [-1, 2_592_001] {
        assert_eq!(rotate(&api.server, &first, overlap).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let public = api.server.register(native()).await;
    let refused = oauth_refusal(&rotate(&api.server, &public, 0).await.unwrap_err());
    assert_eq!(refused.to_string(), "invalid_client_metadata: a public client has no secret to rotate");
}

/// Threat I4: a secret is answered once, and no reading shows it again, nor what is stored of it.
#[tokio::test]
async fn no_reading_shows_a_secret() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    let second = rotate(&server, &client, 3600).await.unwrap().client_secret;
    let shown = read(&server, &client).await;
    let listed = list(&server, "", 0, "").await.unwrap();
    for bytes in [shown.encode_to_vec(), listed.encode_to_vec()] {
        let text = String::from_utf8_lossy(&bytes);
        for secret in [client.secret.as_deref().unwrap(), &second] {
            assert!(!text.contains(secret) && !text.contains(&secret[4..20]));
        }
    }
    assert_eq!(shown.secrets.len(), 2);
}

/// RFC 7592 section 2.3: a deleted client is unknown.
#[tokio::test]
async fn a_deleted_client_is_gone() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    let request = DeleteClientRequest { workspace: String::new(), client_id: client.client_id.clone() };
    server.clients().delete_client(server.as_admin(request.clone())).await.unwrap();
    assert_eq!(server.clients().delete_client(server.as_admin(request)).await.unwrap_err().code(), Code::NotFound);
    let request = GetClientRequest { workspace: String::new(), client_id: client.client_id.clone() };
    assert_eq!(server.clients().get_client(server.as_admin(request)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(rotate(&server, &client, 0).await.unwrap_err().code(), Code::NotFound);
    assert!(list(&server, "", 0, "").await.unwrap().clients.is_empty());
}

async fn list(server: &Server, workspace: &str, page_size: i32, page_token: &str) -> Result<ListClientsResponse, Status> {
    let request = ListClientsRequest { workspace: workspace.to_owned(), page_size, page_token: page_token.to_owned() };
    Ok(server.clients().list_clients(server.as_admin(request)).await?.into_inner())
}

/// Pages follow each other without gaps or repetitions, and the last one says that it is the last.
#[tokio::test]
async fn a_listing_comes_in_pages() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    server.register_in("acme", web()).await;
    let mut registered = Vec::new();
    for _ in 0..6 {
        registered.push(server.register(web()).await.client_id);
    }
    registered.sort();
    for (page_size, lengths) in [(4, vec![4, 2]), (2, vec![2, 2, 2]), (6, vec![6]), (0, vec![6]), (500, vec![6])] {
        let (mut pages, mut seen, mut token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = list(&server, "", page_size, &token).await.unwrap();
            pages.push(page.clients.len());
            seen.extend(page.clients.into_iter().map(|client| client.client_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((&pages, &seen), (&lengths, &registered), "{page_size}");
    }
}

/// Threat M2: a page token is a place in the list and nothing more; what was not answered before is refused.
#[tokio::test]
async fn a_made_up_page_token_is_refused() {
    let server = Server::start().await;
    for token in ["x", "!!!", "AAAA", "' OR 1=1 --", "_____w"] {
        assert_eq!(list(&server, "", 0, token).await.unwrap_err().code(), Code::InvalidArgument, "{token}");
    }
    for size in [-1, 501, i32::MIN] {
        assert_eq!(list(&server, "", size, "").await.unwrap_err().code(), Code::InvalidArgument, "{size}");
    }
    assert_eq!(list(&server, "nobody", 0, "").await.unwrap_err().code(), Code::NotFound);
}

/// Threat I3: a client that may register others gains no permission by it, and sees no other workspace.
#[tokio::test]
async fn a_registering_client_cannot_raise_itself() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let registrar = server.register(service()).await;
    server.permit(&registrar, &[ClientPermission::RegisterClients]).await;
    let request = RegisterClientRequest { workspace: String::new(), metadata: Some(web()), ..RegisterClientRequest::default() };
    let made = server.clients().register_client(with_authorization(request, &registrar.basic())).await.unwrap().into_inner();
    assert!(made.client.unwrap().permissions.is_empty());
    let request =
        RegisterClientRequest { workspace: "acme".to_owned(), metadata: Some(web()), ..RegisterClientRequest::default() };
    let status = server.clients().register_client(with_authorization(request, &registrar.basic())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let request = SetClientPermissionsRequest {
        workspace: String::new(),
        client_id: registrar.client_id.clone(),
        permissions: vec![ClientPermission::IssueCode.into()],
    };
    let status = server.client_admin().set_client_permissions(with_authorization(request, &registrar.basic())).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let metadata = ClientMetadata { client_name: "Renamed".to_owned(), ..service() };
    update(&server, &registrar, metadata, 0).await.unwrap();
    assert_eq!(read(&server, &registrar).await.permissions, [ClientPermission::RegisterClients as i32]);
}

/// RFC 7009 section 5: whoever cannot prove who it is gets no trusted act.
#[tokio::test]
async fn a_public_client_gets_no_permission() {
    let server = Server::start().await;
    let public = server.register(native()).await;
    let request = SetClientPermissionsRequest {
        workspace: String::new(),
        client_id: public.client_id,
        permissions: vec![ClientPermission::IssueCode.into()],
    };
    let status = server.client_admin().set_client_permissions(server.as_admin(request)).await.unwrap_err();
    let expected = "invalid_client_metadata: a public client cannot have permissions: it cannot prove who it is";
    assert_eq!(oauth_refusal(&status).to_string(), expected);
}
