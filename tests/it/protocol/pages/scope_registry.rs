//! The scope registry: what scope tokens mean, in words.

use jeton::pb::admin::v1::{DeleteScopeRequest, ListScopesRequest, Scope, SetScopeRequest};
use tonic::Code;

use crate::support::server::Server;

async fn names(server: &Server, workspace: &str) -> Vec<(String, String, bool)> {
    let request = ListScopesRequest { workspace: workspace.to_owned() };
    let listed = server.scopes().list_scopes(server.as_admin(request)).await.unwrap().into_inner().scopes;
    listed.into_iter().map(|scope| (scope.name, scope.description, scope.restricted)).collect()
}

#[tokio::test]
async fn a_description_replaces_the_one_before_and_goes() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    server.describe("write:notes", "Change your notes", false).await;
    server.describe("read", "See", true).await;
    server.describe("read", "See your notes", false).await;
    let read = ("read".to_owned(), "See your notes".to_owned(), false);
    let write = ("write:notes".to_owned(), "Change your notes".to_owned(), false);
    assert_eq!(names(&server, "").await, [read.clone(), write]);
    assert_eq!(names(&server, "acme").await, []);
    let delete = |name: &str| DeleteScopeRequest { workspace: String::new(), name: name.to_owned() };
    server.scopes().delete_scope(server.as_admin(delete("write:notes"))).await.unwrap();
    assert_eq!(names(&server, "").await, [read]);
    let again = server.scopes().delete_scope(server.as_admin(delete("write:notes"))).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
}

/// RFC 6749 section 3.3: one token; and words that a page can show.
#[tokio::test]
async fn what_is_no_scope_or_no_description_is_refused() {
    let server = Server::start().await;
    let long = "x".repeat(201);
    for (name, description) in [
        ("", "See"),
        ("*", "All"),
        ("two tokens", "See"),
        ("quo\"te", "See"),
        ("ä", "See"),
        ("read", ""),
        ("read", "  "),
        ("read", "two\nlines"),
        ("read", &long),
    ] {
        let scope = Some(Scope { name: name.to_owned(), description: description.to_owned(), restricted: false });
        let request = SetScopeRequest { workspace: String::new(), scope };
        let status = server.scopes().set_scope(server.as_admin(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name:?} {description:?}");
    }
    server.describe("read", &"ä".repeat(200), false).await;
    assert_eq!(names(&server, "").await.len(), 1);
}
