//! What a grant rests on is withdrawn (threats B4, B5 and K1): the person, the client, a scope, the workspace.

use jeton::pb::admin::v1::{
    CreateUserRequest, RevokeClientTokensRequest, RevokeUserTokensRequest, SetClientDisabledRequest, SetUserDisabledRequest,
    WorkspaceSettings,
};
use jeton::pb::v1::{ClientMetadata, ClientPermission, DeleteClientRequest, GrantType, UpdateClientRequest};

use crate::support::clients::{Party, service, web};
use crate::support::server::Server;
use crate::support::surface::Api;

const FAILED: &str = "invalid_client: client authentication failed: check client_id, client_secret and how they are sent";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Withdrawal {
    UserDisabled,
    UserTokensRevoked,
    ClientDisabled,
    ClientDeleted,
    ClientTokensRevoked,
    ScopeRemoved,
    RefreshTokenRemoved,
    WorkspaceSuspended,
}

impl Withdrawal {
    const ALL: [Self; 8] = [
        Self::UserDisabled,
        Self::UserTokensRevoked,
        Self::ClientDisabled,
        Self::ClientDeleted,
        Self::ClientTokensRevoked,
        Self::ScopeRemoved,
        Self::RefreshTokenRemoved,
        Self::WorkspaceSuspended,
    ];

    /// What the client hears when it comes back with its code or its refresh token.
    fn refusal(self) -> &'static str {
        match self {
            Self::UserDisabled | Self::UserTokensRevoked => "invalid_grant: the person's tokens were revoked",
            Self::ClientTokensRevoked => "invalid_grant: the client's tokens were revoked; ask the person again",
            Self::ScopeRemoved => "invalid_grant: the client lost a scope of this grant; ask the person again",
            Self::RefreshTokenRemoved => {
                "unauthorized_client: the client is not registered for refresh_token: add it to the client's grant_types"
            }
            Self::ClientDisabled | Self::ClientDeleted | Self::WorkspaceSuspended => FAILED,
        }
    }

    async fn happen(self, server: &Server, client: &Party) {
        let (workspace, client_id) = (client.workspace.clone(), client.client_id.clone());
        let subject = "alice".to_owned();
        match self {
            Self::UserDisabled => {
                let request = SetUserDisabledRequest { workspace, subject, disabled: true };
                server.users().set_user_disabled(server.as_admin(request)).await.unwrap();
            }
            Self::UserTokensRevoked => {
                let request = RevokeUserTokensRequest { workspace, subject };
                server.users().revoke_user_tokens(server.as_admin(request)).await.unwrap();
            }
            Self::ClientDisabled => {
                let request = SetClientDisabledRequest { workspace, client_id, disabled: true };
                server.client_admin().set_client_disabled(server.as_admin(request)).await.unwrap();
            }
            Self::ClientDeleted => {
                let request = DeleteClientRequest { workspace, client_id };
                server.clients().delete_client(server.as_admin(request)).await.unwrap();
            }
            Self::ClientTokensRevoked => {
                let request = RevokeClientTokensRequest { workspace, client_id };
                server.client_admin().revoke_client_tokens(server.as_admin(request)).await.unwrap();
            }
            Self::ScopeRemoved => {
                let metadata = ClientMetadata { scope: "read".to_owned(), default_scope: String::new(), ..web() };
                let request = UpdateClientRequest { workspace, client_id, metadata: Some(metadata), revision: 0 };
                server.clients().update_client(server.as_admin(request)).await.unwrap();
            }
            Self::RefreshTokenRemoved => {
                let metadata = ClientMetadata { grant_types: vec![GrantType::AuthorizationCode.into()], ..web() };
                let request = UpdateClientRequest { workspace, client_id, metadata: Some(metadata), revision: 0 };
                server.clients().update_client(server.as_admin(request)).await.unwrap();
            }
            Self::WorkspaceSuspended => {
                server.set_workspace("acme", WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() }).await;
            }
        }
    }
}

async fn workspace_with_a_client(server: &Server) -> Party {
    server.create_workspace("acme").await;
    let request =
        CreateUserRequest { workspace: "acme".to_owned(), username: "alice".to_owned(), ..CreateUserRequest::default() };
    server.users().create_user(server.as_admin(request)).await.unwrap();
    server.register_in("acme", web()).await
}

/// RFC 9700 section 4.14.2; threats B4 and B5: a refresh token ends with what it rests on.
#[tokio::test]
async fn a_refresh_token_ends_with_what_it_rests_on() {
    for withdrawal in Withdrawal::ALL {
        for api in Api::both().await {
            let client = workspace_with_a_client(&api.server).await;
            let tokens = api.sign_in(&client, "alice", "read write").await;
            withdrawal.happen(&api.server, &client).await;
            let refused = api.refresh(&client, tokens.refresh_token()).await.unwrap_err();
            assert_eq!(refused.to_string(), withdrawal.refusal(), "{withdrawal:?}");
        }
    }
}

/// Threats B4 and B5: a code that was issued before is worth nothing after.
#[tokio::test]
async fn a_code_ends_with_what_it_rests_on() {
    // A client that may not refresh any more may still redeem.
    for withdrawal in Withdrawal::ALL.into_iter().filter(|it| *it != Withdrawal::RefreshTokenRemoved) {
        for api in Api::both().await {
            let client = workspace_with_a_client(&api.server).await;
            let code = api.server.code(&client, "alice", "read write").await;
            withdrawal.happen(&api.server, &client).await;
            let refused = api.redeem(&client, &code).await.unwrap_err();
            assert_eq!(refused.to_string(), withdrawal.refusal(), "{withdrawal:?}");
        }
    }
}

/// RFC 7662 section 2.2; threats B4 and B5: the tokens introspect inactive at once.
#[tokio::test]
async fn tokens_are_inactive_once_what_they_rest_on_is_gone() {
    for withdrawal in Withdrawal::ALL {
        for api in Api::both().await {
            let client = workspace_with_a_client(&api.server).await;
            let observer = api.server.register_in("acme", service()).await;
            api.server.permit(&observer, &[ClientPermission::IntrospectAny]).await;
            let tokens = api.sign_in(&client, "alice", "read write").await;
            assert!(api.active(&observer, &tokens.access_token).await);
            assert!(api.active(&observer, tokens.refresh_token()).await);
            withdrawal.happen(&api.server, &client).await;
            match withdrawal {
                Withdrawal::WorkspaceSuspended => {
                    assert_eq!(api.introspect(&observer, &tokens.access_token).await.unwrap_err().to_string(), FAILED);
                }
                // An access token says what was true when it was issued; it ends by itself.
                Withdrawal::ScopeRemoved | Withdrawal::RefreshTokenRemoved => {
                    assert!(!api.active(&observer, tokens.refresh_token()).await)
                }
                _ => {
                    assert!(!api.active(&observer, &tokens.access_token).await, "{withdrawal:?}");
                    assert!(!api.active(&observer, tokens.refresh_token()).await, "{withdrawal:?}");
                }
            }
        }
    }
}

/// Threat B5: a client's own tokens end with the client too.
#[tokio::test]
async fn a_clients_own_token_ends_with_the_client() {
    for withdrawal in [Withdrawal::ClientDisabled, Withdrawal::ClientDeleted, Withdrawal::ClientTokensRevoked] {
        for api in Api::both().await {
            let client = api.server.register(service()).await;
            let observer = api.server.register(service()).await;
            api.server.permit(&observer, &[ClientPermission::IntrospectAny]).await;
            let tokens = api.client_credentials(&client, "").await.unwrap();
            assert!(api.active(&observer, &tokens.access_token).await);
            withdrawal.happen(&api.server, &client).await;
            assert!(!api.active(&observer, &tokens.access_token).await, "{withdrawal:?}");
        }
    }
}

/// Threat B5: what is issued a moment after a revocation is good again.
#[tokio::test]
async fn a_revocation_ends_only_what_was_issued_before() {
    for withdrawal in [Withdrawal::UserTokensRevoked, Withdrawal::ClientTokensRevoked] {
        for api in Api::both().await {
            let client = workspace_with_a_client(&api.server).await;
            withdrawal.happen(&api.server, &client).await;
            api.server.clock.advance_millis(1);
            let tokens = api.sign_in(&client, "alice", "read").await;
            assert!(api.active(&client, &tokens.access_token).await);
            assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap().scope, "read");
        }
    }
}

/// Threat B4: a mark about a subject counts for subjects that are in no directory.
#[tokio::test]
async fn the_tokens_of_a_subject_without_a_user_can_be_revoked() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        let tokens = api.sign_in(&client, "vouched-for", "read").await;
        let request = RevokeUserTokensRequest { workspace: String::new(), subject: "vouched-for".to_owned() };
        api.server.users().revoke_user_tokens(api.server.as_admin(request)).await.unwrap();
        assert!(!api.active(&client, &tokens.access_token).await);
        let refused = api.refresh(&client, tokens.refresh_token()).await.unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant: the person's tokens were revoked");
    }
}

/// Threat K1: for a disabled person no code is issued; for a suspended workspace neither.
#[tokio::test]
async fn nothing_new_is_issued_for_a_disabled_person_or_a_suspended_workspace() {
    let server = Server::start().await;
    let client = workspace_with_a_client(&server).await;
    Withdrawal::UserDisabled.happen(&server, &client).await;
    let refused = crate::support::surface::oauth_refusal(&server.try_code(&client, "alice", "read").await.unwrap_err());
    assert_eq!(refused.to_string(), "access_denied: the person is disabled");
    Withdrawal::WorkspaceSuspended.happen(&server, &client).await;
    let refused = crate::support::surface::oauth_refusal(&server.try_code(&client, "bob", "read").await.unwrap_err());
    assert_eq!(refused.to_string(), "unauthorized_client: the workspace is suspended");
}

/// Threat M1: a workspace that was deleted and made again knows nothing of the first.
#[tokio::test]
async fn a_workspace_of_the_same_name_inherits_nothing() {
    for api in Api::both().await {
        let client = workspace_with_a_client(&api.server).await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        let request = jeton::pb::admin::v1::DeleteWorkspaceRequest { name: "acme".to_owned() };
        api.server.workspaces().delete_workspace(api.server.as_admin(request)).await.unwrap();
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap_err().to_string(), FAILED);
        api.server.create_workspace("acme").await;
        assert_eq!(api.refresh(&client, tokens.refresh_token()).await.unwrap_err().to_string(), FAILED);
        let next = api.server.register_in("acme", web()).await;
        api.server.permit(&next, &[ClientPermission::IntrospectAny]).await;
        assert!(!api.active(&next, &tokens.access_token).await);
        assert!(!api.active(&next, tokens.refresh_token()).await);
    }
}
