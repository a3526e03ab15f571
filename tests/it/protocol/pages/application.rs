//! A person's own applications: registered, shown, changed and deleted by whom they belong to.

use jeton::pb::admin::v1::{PolicyCeiling, UpdateWorkspaceRequest, WorkspaceSettings};
use jeton::pb::pages::v1::application_service_server::ApplicationService;
use jeton::pb::pages::v1::{
    Application, ApplicationForm, DeleteApplicationRequest, GetApplicationFormRequest, GetApplicationRequest,
    ListApplicationsRequest, ListApplicationsResponse, RegisterApplicationRequest, RegisterApplicationResponse,
    RotateApplicationSecretRequest, UpdateApplicationRequest,
};
use jeton::pb::v1::{ClientPermission, GetClientRequest, GrantType};
use tonic::{Code, Status};

use super::visitor::Visitor;
use crate::support::clients::{Party, web};
use crate::support::server::Server;
use crate::support::surface::{Api, Surface, oauth_refusal};
use crate::support::web::parameter;

const PAGE: &str = "https://id.example.org/authorized";

pub async fn server() -> Server {
    let server = Server::start().await;
    server.enroll("alice", false).await;
    server.enroll("bob", false).await;
    server.enroll("root", true).await;
    server.describe("read", "See your notes", false).await;
    server.describe("write", "Change your notes", false).await;
    server.describe("admin", "Change everything", true).await;
    server
}

pub fn form() -> ApplicationForm {
    ApplicationForm {
        name: "My script".to_owned(),
        redirect_uris: vec!["https://app.example.org/cb".to_owned()],
        scopes: vec!["read".to_owned()],
        native: false,
    }
}

pub async fn register(visitor: &Visitor<'_>, form: ApplicationForm) -> Result<RegisterApplicationResponse, Status> {
    let csrf_token = visitor.personal_csrf_token().await;
    let request = RegisterApplicationRequest { workspace: String::new(), csrf_token, form: Some(form) };
    Ok(visitor.applications().register_application(visitor.ask(request)).await?.into_inner())
}

pub async fn update(visitor: &Visitor<'_>, before: &Application, form: ApplicationForm) -> Result<Application, Status> {
    let request = UpdateApplicationRequest {
        workspace: String::new(),
        csrf_token: visitor.personal_csrf_token().await,
        client_id: before.client_id.clone(),
        form: Some(form),
        revision: before.revision,
    };
    Ok(visitor.applications().update_application(visitor.ask(request)).await?.into_inner().application.unwrap())
}

async fn list(visitor: &Visitor<'_>, page_token: &str) -> ListApplicationsResponse {
    let request = ListApplicationsRequest { workspace: String::new(), page_token: page_token.to_owned() };
    visitor.applications().list_applications(visitor.ask(request)).await.unwrap().into_inner()
}

async fn ids(visitor: &Visitor<'_>) -> Vec<String> {
    list(visitor, "").await.applications.into_iter().map(|application| application.client_id).collect()
}

async fn get(visitor: &Visitor<'_>, client_id: &str) -> Result<Application, Status> {
    let request = GetApplicationRequest { workspace: String::new(), client_id: client_id.to_owned() };
    Ok(visitor.applications().get_application(visitor.ask(request)).await?.into_inner().application.unwrap())
}

async fn delete(visitor: &Visitor<'_>, client_id: &str) -> Result<(), Status> {
    let csrf_token = visitor.personal_csrf_token().await;
    let request = DeleteApplicationRequest { workspace: String::new(), csrf_token, client_id: client_id.to_owned() };
    visitor.applications().delete_application(visitor.ask(request)).await.map(|_| ())
}

async fn rotate(visitor: &Visitor<'_>, client_id: &str, overlap_seconds: i64) -> Result<String, Status> {
    let csrf_token = visitor.personal_csrf_token().await;
    let client_id = client_id.to_owned();
    let request = RotateApplicationSecretRequest { workspace: String::new(), csrf_token, client_id, overlap_seconds };
    Ok(visitor.applications().rotate_application_secret(visitor.ask(request)).await?.into_inner().client_secret)
}

/// A person registers a command line tool, copies its consent URL and the code, and has tokens that last.
#[tokio::test]
async fn a_command_line_tool_gets_from_its_form_to_tokens() {
    let api = Api { server: server().await, surface: Surface::Rest };
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let offered = alice.applications().get_application_form(alice.ask(GetApplicationFormRequest::default())).await.unwrap();
    assert_eq!(offered.into_inner().code_page, PAGE);
    let native = ApplicationForm { native: true, redirect_uris: Vec::new(), ..form() };
    let registered = register(&alice, native).await.unwrap();
    let application = registered.application.unwrap();
    assert_eq!(application.form.unwrap().redirect_uris, [PAGE]);
    assert_eq!(application.owner, "alice");
    assert_eq!(
        application.consent_url,
        format!(
            "https://id.example.org/oauth2/authorize?response_type=code&client_id={}&redirect_uri=\
             https%3A%2F%2Fid.example.org%2Fauthorized",
            application.client_id
        )
    );
    let secret = Some(registered.client_secret);
    let client = Party { workspace: String::new(), client_id: application.client_id, secret };
    let changes = ["scope", "state", "code_challenge", "code_challenge_method"].map(|name| (name, ""));
    let handle = alice.begin(&client, &[&changes[..], &[("redirect_uri", PAGE)]].concat()).await;
    alice.decide(&handle, true).await.unwrap();
    let request = jeton::pb::pages::v1::GetCodeRequest { workspace: String::new(), handle };
    use jeton::pb::pages::v1::interaction_service_server::InteractionService;
    let code = alice.interactions().get_code(alice.ask(request)).await.unwrap().into_inner().code;
    let tokens = api.redeem_with(&client, &code, &[("redirect_uri", PAGE)]).await.unwrap();
    assert_eq!(tokens.scope, "read");
    assert!(api.refresh(&client, tokens.refresh_token()).await.is_ok());
}

/// Another person's application does not exist; the workspace's administrator sees all.
#[tokio::test]
async fn an_application_is_its_owners_and_the_administrators_business() {
    let server = server().await;
    let operators = server.register(web()).await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let bob = Visitor::of(&server, 'E', "bob").await;
    let root = Visitor::of(&server, 'I', "root").await;
    let application = register(&alice, form()).await.unwrap().application.unwrap();
    let id = application.client_id.as_str();
    assert_eq!(ids(&alice).await, [id]);
    assert_eq!(ids(&bob).await, Vec::<String>::new());
    assert_eq!(ids(&root).await.len(), 2);
    for foreign in [id, &operators.client_id] {
        let named = Application { client_id: foreign.to_owned(), revision: 1, ..Application::default() };
        assert_eq!(get(&bob, foreign).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(update(&bob, &named, form()).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(delete(&bob, foreign).await.unwrap_err().code(), Code::NotFound);
        let rotated = rotate(&bob, foreign, 0).await.unwrap_err();
        let unknown = rotate(&bob, "jc_nothing", 0).await.unwrap_err();
        assert_eq!((rotated.code(), rotated.message()), (Code::NotFound, unknown.message()));
    }
    let renamed = update(&root, &application, ApplicationForm { name: "Theirs".to_owned(), ..form() }).await.unwrap();
    assert_eq!((renamed.owner.as_str(), renamed.form.unwrap().name.as_str()), ("alice", "Theirs"));
    delete(&root, id).await.unwrap();
    assert_eq!(ids(&alice).await, Vec::<String>::new());
    assert_eq!(get(&root, &operators.client_id).await.unwrap().form.unwrap().name, "Web");
}

/// Threat I3: with the secret of a client come its permissions, which are the operator's to give.
#[tokio::test]
async fn an_administrator_makes_no_secret_that_comes_with_permissions() {
    let server = server().await;
    let login = server.register(web()).await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let root = Visitor::of(&server, 'I', "root").await;
    let application = register(&alice, form()).await.unwrap().application.unwrap();
    let hers = Party { workspace: String::new(), client_id: application.client_id.clone(), secret: None };
    for party in [&login, &hers] {
        rotate(&root, &party.client_id, 0).await.unwrap();
        server.permit(party, &[ClientPermission::IssueCode]).await;
        assert_eq!(rotate(&root, &party.client_id, 0).await.unwrap_err().code(), Code::PermissionDenied);
    }
    assert!(rotate(&alice, &hers.client_id, 0).await.is_ok(), "an operator gave them to what is hers");
}

/// Threat J2: no change without this browser's own form, and none without a session.
#[tokio::test]
async fn a_foreign_form_changes_nothing() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let application = register(&alice, form()).await.unwrap().application.unwrap();
    let (workspace, client_id) = (String::new(), application.client_id.clone());
    let foreign = Visitor::new(&server, 'E').csrf_token().await;
    for csrf_token in [String::new(), foreign] {
        let service = alice.applications();
        let request =
            RegisterApplicationRequest { workspace: workspace.clone(), csrf_token: csrf_token.clone(), form: Some(form()) };
        let refused = service.register_application(alice.ask(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let request = UpdateApplicationRequest {
            workspace: workspace.clone(),
            csrf_token: csrf_token.clone(),
            client_id: client_id.clone(),
            form: Some(form()),
            revision: 1,
        };
        let refused = service.update_application(alice.ask(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let request = RotateApplicationSecretRequest {
            workspace: workspace.clone(),
            csrf_token: csrf_token.clone(),
            client_id: client_id.clone(),
            overlap_seconds: 0,
        };
        let refused = service.rotate_application_secret(alice.ask(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let request = DeleteApplicationRequest { workspace: workspace.clone(), csrf_token, client_id: client_id.clone() };
        let refused = service.delete_application(alice.ask(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let nobody = Visitor::new(&server, 'A');
    assert_eq!(oauth_refusal(&register(&nobody, form()).await.unwrap_err()).error, "login_required");
    assert_eq!(oauth_refusal(&delete(&nobody, &client_id).await.unwrap_err()).error, "login_required");
    assert_eq!(get(&alice, &client_id).await.unwrap().revision, 1);
}

/// The present secret lives on for the overlap, and no answer shows one again (threat I4).
#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let api = Api { server: server().await, surface: Surface::Rest };
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let registered = register(&alice, form()).await.unwrap();
    let client_id = registered.application.unwrap().client_id;
    let old = Party { workspace: String::new(), client_id: client_id.clone(), secret: Some(registered.client_secret) };
    let new = old.with_secret(&rotate(&alice, &client_id, 60).await.unwrap());
    let secrets = get(&alice, &client_id).await.unwrap().secrets;
    assert_eq!(secrets.iter().map(|secret| secret.expires_at).collect::<Vec<_>>(), [1_700_000_060, 0]);
    // An unknown token is inactive for who has authenticated.
    assert!(!api.active(&old, "unknown").await && !api.active(&new, "unknown").await);
    api.server.clock.advance_seconds(60);
    assert_eq!(api.introspect(&old, "unknown").await.unwrap_err().error, "invalid_client");
    assert!(!api.active(&new, "unknown").await);
    assert_eq!(rotate(&alice, &client_id, -1).await.unwrap_err().code(), Code::InvalidArgument);
}

/// A deleted application's tokens end at once, and a form of an older state changes nothing.
#[tokio::test]
async fn an_old_form_is_refused_and_a_deletion_ends_the_tokens() {
    let api = Api { server: server().await, surface: Surface::Rest };
    let alice = Visitor::of(&api.server, 'A', "alice").await;
    let registered = register(&alice, form()).await.unwrap();
    let before = registered.application.unwrap();
    let renamed = update(&alice, &before, ApplicationForm { name: "Second".to_owned(), ..form() }).await.unwrap();
    let old = update(&alice, &before, ApplicationForm { name: "Third".to_owned(), ..form() }).await.unwrap_err();
    assert_eq!((old.code(), renamed.form.unwrap().name.as_str()), (Code::Aborted, "Second"));

    let client = Party { workspace: String::new(), client_id: before.client_id.clone(), secret: Some(registered.client_secret) };
    let handle = alice.begin(&client, &[]).await;
    let code = parameter(&alice.decide(&handle, true).await.unwrap(), "code").unwrap();
    api.redeem(&client, &code).await.unwrap();
    delete(&alice, &before.client_id).await.unwrap();
    assert_eq!(api.introspect(&client, "unknown").await.unwrap_err().error, "invalid_client");
    assert_eq!(get(&alice, &before.client_id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(delete(&alice, &before.client_id).await.unwrap_err().code(), Code::NotFound);
}

/// Who may register how many: 20 for a person, none where an operator switched it off.
#[tokio::test]
async fn registrations_are_bounded_and_can_be_switched_off() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    for _ in 0..20 {
        assert!(list(&alice, "").await.may_register);
        register(&alice, form()).await.unwrap();
    }
    let listed = list(&alice, "").await;
    assert_eq!((listed.applications.len(), listed.may_register), (20, false));
    let refused = oauth_refusal(&register(&alice, form()).await.unwrap_err());
    assert_eq!(refused.to_string(), "access_denied: a person may register at most 20 applications: delete one first");
    delete(&alice, &listed.applications[0].client_id).await.unwrap();
    register(&alice, form()).await.unwrap();

    let bob = Visitor::of(&server, 'E', "bob").await;
    let settings = WorkspaceSettings { self_registration_off: true, ..WorkspaceSettings::default() };
    server.set_workspace("default", settings).await;
    assert!(!list(&bob, "").await.may_register);
    let refused = oauth_refusal(&register(&bob, form()).await.unwrap_err());
    let words = "access_denied: the people of this workspace may not register applications: ask its operator";
    assert_eq!(refused.to_string(), words);
}

/// An operator may give the applications of a workspace a preset: as far as the ceiling goes, and no other way to a token.
#[tokio::test]
async fn applications_get_the_preset_of_their_workspace() {
    let server = server().await;
    let alice = Visitor::of(&server, 'A', "alice").await;
    let policies = async |settings: WorkspaceSettings| {
        server.set_workspace("default", settings).await;
        let id = register(&alice, form()).await.unwrap().application.unwrap().client_id;
        let request = GetClientRequest { workspace: String::new(), client_id: id };
        let client = server.clients().get_client(server.as_admin(request)).await.unwrap().into_inner().client.unwrap();
        let names: Vec<String> = client.policies.into_iter().map(|policy| policy.policy).collect();
        (names, client.metadata.unwrap())
    };
    let preset = |name: &str| WorkspaceSettings { application_preset: name.to_owned(), ..WorkspaceSettings::default() };
    assert!(policies(preset("")).await.0.is_empty());

    let (names, metadata) = policies(preset("code-in-query")).await;
    assert_eq!(names, ["code_in_query", "pkce_optional", "refresh_rotation_never"]);
    assert_eq!(metadata.lifetimes.unwrap().access_token_seconds, 5400);

    let (names, metadata) = policies(preset("workspace-legacy")).await;
    assert_eq!(names, ["grant_type_code", "path_aliases", "pkce_optional", "wildcard_scope"]);
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode as i32, GrantType::RefreshToken as i32]);

    let policy_ceiling = Some(PolicyCeiling { policies: vec!["pkce_optional".to_owned()] });
    assert_eq!(policies(WorkspaceSettings { policy_ceiling, ..preset("code-in-query") }).await.0, ["pkce_optional"]);

    let request = UpdateWorkspaceRequest { name: "default".to_owned(), settings: Some(preset("legacy")), revision: 0 };
    let refused = server.workspaces().update_workspace(server.as_admin(request)).await.unwrap_err();
    assert!(refused.message().contains("must be one of code-in-query, m2m-refresh, standard, workspace-legacy"));
}

/// The administrator's list has pages.
#[tokio::test]
async fn the_list_of_a_workspace_has_pages() {
    let server = server().await;
    for _ in 0..51 {
        server.register(web()).await;
    }
    let root = Visitor::of(&server, 'I', "root").await;
    let first = list(&root, "").await;
    let second = list(&root, &first.next_page_token).await;
    assert_eq!((first.applications.len(), second.applications.len()), (50, 1));
    assert_eq!(second.next_page_token, "");
}
