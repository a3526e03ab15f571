//! Passwords: who gets in, and what a password may be.

use std::time::{Duration, Instant};

use jeton::pb::admin::v1::{ListUsersRequest, SetUserAdministratorRequest, SetUserDisabledRequest, WorkspaceSettings};

use super::{Door, PASSWORD, WRONG};
use crate::support::server::Server;

#[tokio::test]
async fn a_username_and_its_password_sign_in_and_nothing_else_does() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    server.person("bob", "another password").await;
    let session = door.sign_in("alice", PASSWORD).await.unwrap();
    assert_eq!(door.who(&session).await.as_deref(), Some("alice"));
    let long = PASSWORD.repeat(100);
    for (username, password) in [
        ("alice", "correct hors"),
        ("alice", "Correct horse"),
        ("alice", ""),
        ("alice", "another password"),
        ("alice", &long),
        ("bob", PASSWORD),
        ("Alice", PASSWORD),
        ("alice ", PASSWORD),
        ("", PASSWORD),
        ("a\nb", PASSWORD),
        (&long, PASSWORD),
    ] {
        assert_eq!(door.refused(username, password).await, WRONG, "{username:?} {password:?}");
        // So that no failure before it counts.
        server.clock.advance_seconds(600);
    }
}

/// Threats E7 and K1: who exists, is disabled or has no password is not told.
#[tokio::test]
async fn unknown_disabled_and_passwordless_people_are_answered_alike() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("disabled", PASSWORD).await;
    server.disable("disabled", true).await;
    server.person("passwordless", "").await;
    for username in ["unknown", "disabled", "passwordless"] {
        for password in [PASSWORD, ""] {
            assert_eq!(door.refused(username, password).await, WRONG, "{username}");
        }
    }
}

/// Threat E7: a name that is nobody's takes as long as one that is somebody's.  The shortest of several is compared,
/// because whatever else the machine does only makes one longer.
#[tokio::test]
async fn an_unknown_name_costs_a_hash_too() {
    let server = Server::start().await;
    let door = Door::of(&server);
    server.person("alice", PASSWORD).await;
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..5 {
        for (shortest, username) in shortest.iter_mut().zip(["alice", "unknown"]) {
            let begun = Instant::now();
            assert_eq!(door.refused(username, "wrong").await, WRONG);
            *shortest = begun.elapsed().min(*shortest);
        }
    }
    let [known, unknown] = shortest;
    assert!(unknown * 2 > known && known * 2 > unknown, "{known:?} for one who exists, {unknown:?} for one who does not");
}

/// NIST SP 800-63B section 3.1.1.2: length counts, what it is made of does not.
#[tokio::test]
async fn a_new_password_is_judged_by_its_length() {
    let server = Server::with(&["passwords.min_length=10"]).await;
    let too_short = "password must be at least 10 characters and at most 1024 bytes";
    for bad in ["123456789", "ééééééééé", &"x".repeat(1025)] {
        let refused = server.try_person("alice", bad).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (tonic::Code::InvalidArgument, too_short), "{bad:?}");
    }
    for (username, good) in [("alice", "          "), ("bob", "éééééééééé"), ("carol", "1111111111"), ("dora", &"x".repeat(1024))]
    {
        server.person(username, good).await;
        Door::of(&server).sign_in(username, good).await.unwrap();
    }
    assert_eq!(server.set_password("alice", "123456789").await.unwrap_err().message(), too_short);
    assert_eq!(server.set_password("nobody", PASSWORD).await.unwrap_err().code(), tonic::Code::NotFound);
}

/// A `sub` is never a `client_id` (RFC 9068 section 5).
#[tokio::test]
async fn a_username_cannot_look_like_a_client() {
    let server = Server::start().await;
    let refused = server.try_person("jc_0", PASSWORD).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (tonic::Code::InvalidArgument, "username must not begin with jc_, as the ids of clients do")
    );
}

#[tokio::test]
async fn a_password_counts_in_its_own_workspace() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    server.person("alice", PASSWORD).await;
    let acme = Door { workspace: "acme", ..Door::of(&server) };
    assert_eq!(acme.refused("alice", PASSWORD).await, WRONG);
    let session = Door::of(&server).sign_in("alice", PASSWORD).await.unwrap();
    assert_eq!(acme.who(&session).await, None);
}

#[tokio::test]
async fn a_workspace_with_a_login_application_checks_no_passwords() {
    let server = Server::start().await;
    server.person("alice", PASSWORD).await;
    let login_uri = "https://login.example.org/".to_owned();
    server.sign_in_by(WorkspaceSettings { login_uri, ..WorkspaceSettings::default() }).await;
    let refused = Door::of(&server).refused("alice", PASSWORD).await;
    assert!(
        refused.starts_with("unauthorized_client: the people of this workspace sign in at its login application"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_password_outlives_a_restart() {
    let server = Server::start().await;
    server.person("alice", PASSWORD).await;
    let server = server.restart().await;
    Door::of(&server).sign_in("alice", PASSWORD).await.unwrap();
    assert_eq!(Door::of(&server).refused("alice", "wrong").await, WRONG);
}

#[tokio::test]
async fn the_directory_says_who_has_a_password_and_who_is_an_administrator() {
    let server = Server::start().await;
    server.person("alice", PASSWORD).await;
    server.person("bob", "").await;
    let request = SetUserAdministratorRequest { workspace: String::new(), subject: "bob".to_owned(), administrator: true };
    let bob = server.users().set_user_administrator(server.as_admin(request)).await.unwrap().into_inner().user.unwrap();
    assert!(bob.administrator && !bob.has_password);
    let users = server.users().list_users(server.as_admin(ListUsersRequest::default())).await.unwrap().into_inner().users;
    let listed: Vec<_> = users.iter().map(|user| (user.username.as_str(), user.has_password, user.administrator)).collect();
    assert_eq!(listed, [("alice", true, false), ("bob", false, true)]);
    let nobody = SetUserAdministratorRequest { workspace: String::new(), subject: "nobody".to_owned(), administrator: true };
    let refused = server.users().set_user_administrator(server.as_admin(nobody)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
    let request = SetUserDisabledRequest { workspace: String::new(), subject: "alice".to_owned(), disabled: true };
    let alice = server.users().set_user_disabled(server.as_admin(request)).await.unwrap().into_inner().user.unwrap();
    assert!(alice.disabled && alice.has_password, "a disabled person keeps the password for when they are enabled");
}
