//! What strangers can leave behind, and that it goes.

use std::collections::BTreeMap;
use std::path::Path;

use super::people::Door;
use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::web::Browser;

const MANY: usize = 60;
const PASSWORD: &str = "correct horse";

/// How many records each tree of the store has.
fn records(data: &Path) -> BTreeMap<String, usize> {
    let db = sled::open(data.join("store")).unwrap();
    let trees = db.tree_names().into_iter().map(|name| String::from_utf8(name.to_vec()).unwrap());
    trees.map(|name| (name.clone(), db.open_tree(name).unwrap().len())).collect()
}

/// The records of the store, looked at while the server is down.
async fn counted(server: Server) -> (Server, BTreeMap<String, usize>) {
    let mut counts = BTreeMap::new();
    let server = server.restart_after(|data| counts = records(data)).await;
    (server, counts)
}

/// Two whole rounds, since another one may have begun by itself; the steps are small, so that there are many.
async fn sweep(server: &Server) {
    for _ in 0..2 {
        while server.engine().sweep(7).await.unwrap().more {}
    }
}

async fn ask(server: &Server, client: &Party) {
    for _ in 0..MANY {
        assert_eq!(Browser::default().authorize(server, client, &[]).await.status, 303);
    }
}

#[tokio::test]
async fn requests_and_sessions_that_are_over_leave_nothing() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    server.person("alice", PASSWORD).await;
    let (server, before) = counted(server).await;

    ask(&server, &client).await;
    for _ in 0..3 {
        Door::of(&server).sign_in("alice", PASSWORD).await.unwrap();
    }
    sweep(&server).await;
    let (server, during) = counted(server).await;
    assert_eq!((during["grants"], during["sessions"]), (MANY, 3), "what is not over stays");

    // Requests wait ten minutes for a person, sessions last for half a day.
    server.clock.advance_seconds(600);
    sweep(&server).await;
    let (server, later) = counted(server).await;
    assert_eq!((later["grants"], later["sessions"]), (0, 3));
    server.clock.advance_seconds(12 * 3600);
    sweep(&server).await;
    assert_eq!(counted(server).await.1, before);
}

/// What is refused is not kept, not even for a while.
#[tokio::test]
async fn a_refused_request_leaves_nothing() {
    let server = Server::start().await;
    let client = server.register(web()).await;
    server.person("alice", PASSWORD).await;
    let (server, before) = counted(server).await;
    let stranger = client.with_secret("wrong");
    for name in ["client_id", "redirect_uri", "response_type", "scope", "code_challenge", "code_challenge_method"] {
        assert_ne!(Browser::default().authorize(&server, &client, &[(name, "nonsense")]).await.status, 200);
    }
    for pairs in [
        &[("grant_type", "client_credentials")][..],
        &[("grant_type", "authorization_code"), ("code", "c")],
        &[("grant_type", "refresh_token"), ("refresh_token", "r")],
        &[("grant_type", "password"), ("username", "alice"), ("password", "wrong")],
    ] {
        assert_eq!(server.post("/oauth2/token", &stranger, pairs).await.status, 401);
    }
    for path in ["/oauth2/revoke", "/oauth2/introspect"] {
        assert_eq!(server.post(path, &stranger, &[("token", "t")]).await.status, 401);
    }
    for username in ["alice", "nobody"] {
        Door::of(&server).refused(username, "wrong").await;
    }
    assert_eq!(counted(server).await.1, before);
}
