//! Sessions: how they begin, and all that ends them.

use jeton::engine::people::sign_in::Visitor;
use jeton::pb::admin::v1::{RevokeUserTokensRequest, WorkspaceSettings};
use jeton::types::secret::Secret;

use super::{BROWSER, Door, PASSWORD};
use crate::support::clients::web;
use crate::support::server::Server;
use crate::support::surface::Api;

/// Session fixation: what the browser brings is ended and never used again.
#[tokio::test]
async fn a_planted_session_is_not_used_again() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    server.person("mallory", "mallory's own").await;
    let planted = door.sign_in("mallory", "mallory's own").await.unwrap();
    let csrf = door.csrf_token();
    for brought in [planted.clone(), Secret::new("made up".to_owned())] {
        let session = door.sign_in_with(&door.visitor(Some(&brought)), &csrf, "alice", PASSWORD).await.unwrap();
        assert_ne!(session.expose_secret(), brought.expose_secret());
        assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
        assert_eq!(door.who(&brought).await, None, "what was brought has ended");
    }
}

#[tokio::test]
async fn a_failed_sign_in_leaves_the_session() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let session = door.sign_in("alice", PASSWORD).await.unwrap();
    let csrf = door.csrf_token();
    door.sign_in_with(&door.visitor(Some(&session)), &csrf, "alice", "wrong").await.unwrap_err();
    assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
}

/// Threat J2: a form of another site signs nobody in and nobody out.
#[tokio::test]
async fn a_form_that_is_not_ours_is_refused() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let session = door.sign_in("alice", PASSWORD).await.unwrap();
    let csrf = door.csrf_token();
    let without_cookie = Visitor::default();
    let other_browser = Visitor { browser: Some(Secret::new(format!("not {BROWSER}"))), ..Visitor::default() };
    let visitor = door.visitor(None);
    for (visitor, token) in
        [(&without_cookie, &csrf), (&other_browser, &csrf), (&visitor, &String::new()), (&visitor, &csrf[1..].to_owned())]
    {
        assert_eq!(door.sign_in_with(visitor, token, "alice", PASSWORD).await.unwrap_err(), "not our form");
    }
    assert_eq!(door.sign_out(&session, "").await.unwrap_err(), "not our form");
    assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_no_other() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let (here, elsewhere) = (door.sign_in("alice", PASSWORD).await.unwrap(), door.sign_in("alice", PASSWORD).await.unwrap());
    for _ in 0..2 {
        door.sign_out(&here, &door.csrf_token()).await.unwrap();
        assert_eq!(door.who(&here).await, None);
    }
    assert_eq!(door.who(&elsewhere).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_session_ends_with_its_time() {
    let server = Server::with(&["lifetimes.session_seconds=60"]).await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let session = door.sign_in("alice", PASSWORD).await.unwrap();
    server.clock.advance_seconds(59);
    assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
    server.clock.advance_seconds(1);
    assert_eq!(door.who(&session).await, None);
}

#[derive(Clone, Copy, Debug)]
enum End {
    NewPassword,
    Disabled,
    TokensRevoked,
}

impl End {
    async fn come(self, server: &Server) {
        match self {
            Self::NewPassword => server.set_password("alice", "a new password").await.unwrap(),
            Self::Disabled => server.disable("alice", true).await,
            Self::TokensRevoked => {
                let request = RevokeUserTokensRequest { workspace: String::new(), subject: "alice".to_owned() };
                server.users().revoke_user_tokens(server.as_admin(request)).await.unwrap();
            }
        }
    }
}

/// Threats B4 and K1: what ends a person's tokens ends their sessions, and the other way round.
#[tokio::test]
async fn sessions_and_grants_end_with_the_password_and_with_the_person() {
    for end in [End::NewPassword, End::Disabled, End::TokensRevoked] {
        for api in Api::both().await {
            let server = &api.server;
            let door = Door::of(server);
            server.person("alice", PASSWORD).await;
            server.person("bob", PASSWORD).await;
            let client = server.register(web()).await;
            let (alice, bob) = (door.sign_in("alice", PASSWORD).await.unwrap(), door.sign_in("bob", PASSWORD).await.unwrap());
            let tokens = api.sign_in(&client, "alice", "read").await;
            end.come(server).await;
            server.disable("alice", false).await;
            assert_eq!(door.who(&alice).await, None, "{end:?}");
            assert_eq!(door.who(&bob).await.as_deref(), Some("bob"), "{end:?}");
            let refused = api.refresh(&client, tokens.refresh_token()).await.unwrap_err();
            assert_eq!(refused.to_string(), "invalid_grant: the person's tokens were revoked", "{end:?}");
        }
    }
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    End::NewPassword.come(&server).await;
    server.clock.advance_seconds(1);
    assert_eq!(door.refused("alice", PASSWORD).await, super::WRONG);
    let session = door.sign_in("alice", "a new password").await.unwrap();
    assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_first_password_ends_nothing() {
    for api in Api::both().await {
        let client = api.server.register(web()).await;
        api.server.person("alice", "").await;
        let tokens = api.sign_in(&client, "alice", "read").await;
        api.server.set_password("alice", PASSWORD).await.unwrap();
        api.refresh(&client, tokens.refresh_token()).await.unwrap();
    }
}

/// Threat B4: a suspended workspace looks at no password, so that nobody learns there which one is right, and no session
/// waits for its return.
#[tokio::test]
async fn a_suspended_workspace_looks_at_no_password() {
    let server = Server::start().await;
    server.person("alice", PASSWORD).await;
    let door = Door::of(&server);
    server.sign_in_by(WorkspaceSettings { suspended: true, ..WorkspaceSettings::default() }).await;
    for password in [PASSWORD, "wrong"] {
        assert_eq!(door.refused("alice", password).await, "unauthorized_client: the workspace is suspended");
    }
    server.sign_in_by(WorkspaceSettings::default()).await;
    door.sign_in("alice", PASSWORD).await.unwrap();
}
