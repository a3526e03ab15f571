//! The flags that say how pages look, where people sign in, and what a workspace allows.

use serde_json::{Value, json};

use crate::binary::server::Site;

fn refused(site: &Site, arguments: &[&str], code: i32, told: &str) {
    let refused = site.run(arguments);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{arguments:?}: {refused:?}");
    assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
}

/// What is shown is in the words of the flag.
#[test]
fn a_ceiling_is_any_none_or_names() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let ceiling = |arguments: &[&str]| site.json(&[&["workspace"], arguments].concat())["policy_ceiling"].clone();
    assert_eq!(ceiling(&["get", "default"]), "any");
    let two = json!(["path_aliases", "pkce_optional"]);
    assert_eq!(ceiling(&["create", "acme", "--policy-ceiling", "path_aliases,pkce_optional"]), two);
    assert_eq!(ceiling(&["update", "acme", "--display-name", "Acme"]), two, "everything else stays");
    assert_eq!(ceiling(&["update", "acme", "--policy-ceiling", "none"]), "none");
    let shown = site.run(&["workspace", "get", "acme"]).stdout;
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["policy_ceiling", "none"])), "{shown}");
    assert_eq!(ceiling(&["update", "acme", "--policy-ceiling", "any"]), "any");
    for bad in ["pkce", "", "any,pkce_optional", "pkce_optional,,path_aliases", "NONE"] {
        refused(&site, &["workspace", "update", "acme", "--policy-ceiling", bad], 2, "any, none, or names separated by commas");
    }
    assert_eq!(ceiling(&["get", "acme"]), "any");
}

#[test]
fn a_workspace_says_where_its_people_sign_in() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let sign_in = |arguments: &[&str]| site.json(&[&["workspace"], arguments].concat())["sign_in"].clone();
    assert_eq!(sign_in(&["create", "acme"]), "directory");
    refused(&site, &["workspace", "update", "acme", "--sign-in", "application"], 1, "login_uri");
    refused(&site, &["workspace", "update", "acme", "--sign-in", "credential_check"], 1, "hooks.credential_check_uri");
    refused(&site, &["workspace", "update", "acme", "--sign-in", "elsewhere"], 2, "credential_check");
    let login = ["--login-uri", "https://login.acme.example/start"];
    assert_eq!(sign_in(&["update", "acme", "--sign-in", "application", login[0], login[1]]), "application");
    assert_eq!(sign_in(&["update", "acme", "--sign-in", "directory"]), "directory");
    assert_eq!(sign_in(&["create", "other", login[0], login[1]]), "application", "a login application is there to be used");
}

#[tokio::test]
async fn the_look_of_a_workspace_is_on_its_pages() {
    let site = Site::new();
    let server = site.serve(&[]);
    let look = ["--logo-uri", "https://acme.example/logo.png", "--brand-color", "#1C6E8C", "--display-name", "Acme"];
    let made = site.json(&[&["workspace", "create", "acme"], &look[..]].concat());
    assert_eq!(made["logo_uri"], look[1]);
    assert!(made["brand_color"].as_str().unwrap().eq_ignore_ascii_case(look[3]), "{made}");
    let page = reqwest::get(server.http("/acme/login")).await.unwrap().text().await.unwrap();
    assert!(page.contains(look[1]) && page.contains("Acme") && page.to_lowercase().contains("#1c6e8c"), "{page}");
    for bad in ["red", "#fff", "#12345g", "1c6e8c"] {
        refused(&site, &["workspace", "update", "acme", "--brand-color", bad], 1, "a colour like #1c6e8c");
    }
    for bad in ["http://acme.example/logo.png", "data:image/png;base64,AA", "https://u:p@acme.example/l.png"] {
        refused(&site, &["workspace", "update", "acme", "--logo-uri", bad], 1, "https URI");
    }
    assert_eq!(site.json(&["workspace", "get", "acme"])["logo_uri"], look[1]);
}

#[test]
fn self_registration_is_switched_on_and_off() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let update = |value: &str| site.json(&["workspace", "update", "default", "--self-registration", value]);
    assert_eq!(site.json(&["workspace", "get", "default"])["self_registration"], true);
    assert_eq!(update("off")["self_registration"], false);
    assert_eq!(site.json(&["workspace", "update", "default", "--display-name", "D"])["self_registration"], false);
    assert_eq!(update("on")["self_registration"], true);
    refused(&site, &["workspace", "update", "default", "--self-registration", "maybe"], 2, "on, off");
}

#[test]
fn a_client_has_a_look_and_a_kind() {
    let site = Site::new();
    let _server = site.serve(&[]);
    let create =
        ["client", "create", "--name", "Shop", "--scope", "read", "--redirect-uri", "https://shop.example/cb", "--native"];
    let look = ["--logo-uri", "https://shop.example/logo.png", "--brand-color", "#1c6e8c"];
    let made = site.json(&[&create[..], &look].concat());
    let id = made["client_id"].as_str().unwrap();
    let shown = |client: &Value| [&client["logo_uri"], &client["brand_color"], &client["application_type"]].map(Value::clone);
    assert_eq!(shown(&made), [look[1], look[3], "native"]);
    assert_eq!(shown(&site.json(&["client", "update", id, "--web"])), [look[1], look[3], "web"]);
    let other = ["--brand-color", "#000000", "--logo-uri", ""];
    assert_eq!(
        shown(&site.json(&[&["client", "update", id], &other[..]].concat())),
        [Value::Null, json!("#000000"), json!("web")]
    );
    refused(&site, &["client", "update", id, "--web", "--native"], 2, "--native");
    refused(&site, &["client", "update", id, "--brand-color", "blue"], 1, "a colour like #1c6e8c");
    refused(&site, &["client", "update", id, "--logo-uri", "javascript:alert(1)"], 1, "https URI");
}
