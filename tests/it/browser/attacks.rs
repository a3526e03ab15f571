//! What others try with a person's browser, and what they get.

use jeton::pb::v1::ClientMetadata;

use super::scene::{PASSWORD, Scene, USERNAME};
use crate::support::clients::web;

/// What stores text where a page would run it.
const MARKUP: &str = r#"<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"#;

/// Threat J2: a foreign page sends our forms with the person's browser.
#[tokio::test]
async fn a_foreign_page_cannot_send_our_forms() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    let handle = page.evaluate("document.querySelector('[name=handle]').value").await.as_str().unwrap().to_owned();
    let forms = [
        ("/consent", format!(r#"<input name="handle" value="{handle}"><input name="decision" value="allow">"#)),
        ("/logout", String::new()),
        (
            "/oauth2/apps",
            r#"<input name="name" value="planted"><input name="redirect_uris" value="https://evil.example">"#.to_owned(),
        ),
    ];
    for (path, fields) in forms {
        let target = scene.server.url(path);
        let attack = format!(
            r#"<form method="post" action="{target}"><input name="csrf_token" value="guessed">{fields}</form>
            <script>document.forms[0].submit()</script>"#
        );
        scene.application.show("/attack", &attack);
        for origin in [scene.application.foreign_url("/attack"), scene.application.url("/attack")] {
            page.open(&origin).await;
            page.arrived(&target).await;
            let status = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus").await;
            assert_eq!(status, 403, "{path} from {origin}: {}", page.text().await);
        }
    }
    assert_eq!(scene.codes(), Vec::<String>::new());
    page.open(&scene.server.url("/oauth2/apps")).await;
    let text = page.text().await;
    assert!(text.contains("Signed in as alice") && text.contains("There are no applications yet"), "{text}");
}

/// Threat J2: nobody is signed in as somebody else without seeing it.
#[tokio::test]
async fn a_foreign_page_cannot_sign_a_person_in_as_another() {
    let scene = Scene::set().await;
    let target = scene.server.url("/login");
    let attack = format!(
        r#"<form method="post" action="{target}"><input name="username" value="{USERNAME}"><input name="password" value="{PASSWORD}">
        <input name="csrf_token" value=""><input name="handle" value=""></form><script>document.forms[0].submit()</script>"#
    );
    scene.application.show("/attack", &attack);
    let person = scene.chromium.person().await;
    let mut page = person.page().await;
    page.open(&scene.application.foreign_url("/attack")).await;
    page.arrived(&target).await;
    assert_eq!(person.cookie("jeton_session").await, None, "{}", page.text().await);
}

/// Threat J5.
#[tokio::test]
async fn no_page_is_shown_in_a_frame() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    page.sign_in().await;
    for target in [scene.request(), scene.server.url("/oauth2/apps"), scene.server.url("/login"), scene.server.url("/nothing")] {
        let target = target.replace('&', "&amp;");
        scene.application.show("/frame", &format!(r#"<title>Frame</title><iframe src="{target}"></iframe>"#));
        for origin in [scene.application.foreign_url("/frame"), scene.application.url("/frame")] {
            let before = page.complaints().await.len();
            page.open(&origin).await;
            let complaints = &page.complaints().await[before..];
            let refused = |complaint: &String| complaint.contains("frame-ancestors") || complaint.contains("X-Frame-Options");
            assert!(complaints.iter().any(refused), "{target} in {origin}: {complaints:?}");
        }
    }
}

/// A session that somebody planted is not the one that a sign-in begins.
#[tokio::test]
async fn a_planted_session_is_worth_nothing_and_never_becomes_one() {
    let scene = Scene::set().await;
    let attacker = scene.chromium.person().await;
    let mut page = attacker.page().await;
    page.open(&scene.server.url("/login")).await;
    let planted_browser = attacker.cookie("jeton_browser").await.unwrap();
    let person = scene.chromium.person().await;
    person.plant_cookie(&scene.server.url("/"), "jeton_session", "planted").await;
    person.plant_cookie(&scene.server.url("/"), "jeton_browser", &planted_browser).await;
    let mut page = person.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    assert!(page.find("Password").await.is_some());
    page.sign_in().await;
    let first = person.cookie("jeton_session").await.unwrap();
    assert_ne!(first, "planted");
    // What the attacker knows shows them nothing.
    let mut theirs = attacker.page().await;
    attacker.plant_cookie(&scene.server.url("/"), "jeton_session", "planted").await;
    theirs.open(&scene.server.url("/oauth2/apps")).await;
    assert!(theirs.find("Password").await.is_some());
    // Each sign-in begins another session.
    page.open(&scene.server.url("/login")).await;
    page.sign_in().await;
    assert_ne!(person.cookie("jeton_session").await.unwrap(), first);
}

/// Neither a script of a page nor another site's request has the cookies.
#[tokio::test]
async fn cookies_are_for_no_script_and_no_other_sites_form() {
    let scene = Scene::set().await;
    let person = scene.chromium.person().await;
    let mut page = person.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    let cookies = person.cookies().await;
    let ours: Vec<_> = cookies.iter().filter(|cookie| cookie.name.starts_with("jeton_")).collect();
    assert_eq!(ours.len(), 2, "{cookies:?}");
    assert!(ours.iter().all(|cookie| cookie.http_only && cookie.same_site == "Lax"), "{ours:?}");
    assert_eq!(page.cookies_for_scripts().await, "");
}

/// Threat C5: nothing that a stranger writes into a URL leads a browser away.
#[tokio::test]
async fn no_parameter_leads_to_another_site() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    page.sign_in().await;
    let elsewhere = scene.application.foreign_url("/elsewhere");
    let request = scene.request_of(&scene.party, &elsewhere);
    let mut urls = vec![request.clone(), request.replace("response_type=code", "response_type=nonsense")];
    for path in ["/login", "/consent", "/logout", "/authorized", "/oauth2/continue", "/oauth2/apps"] {
        for name in ["handle", "ticket", "return_to", "next", "redirect_uri", "continue"] {
            urls.push(scene.server.url(&format!("{path}?{name}={elsewhere}")));
        }
    }
    urls.push(scene.server.url("//evil.example/login"));
    urls.push(scene.server.url("/%2f%2fevil.example"));
    for url in urls {
        page.open(&url).await;
        let landed = page.url().await;
        assert!(landed.starts_with(&scene.server.url("/")), "{url} leads to {landed}");
    }
    assert!(scene.application.received("/elsewhere").is_empty());
}

/// Threat J1: what a client calls itself is text.
#[tokio::test]
async fn markup_in_a_clients_name_is_shown_as_text() {
    let scene = Scene::set().await;
    let metadata = ClientMetadata { client_name: MARKUP.to_owned(), redirect_uris: vec![scene.application.url("/cb")], ..web() };
    let party = scene.server.register(metadata).await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request_of(&party, &scene.application.url("/cb"))).await;
    assert!(page.text().await.contains(MARKUP), "{}", page.text().await);
    page.sign_in().await;
    assert!(page.text().await.contains(MARKUP), "{}", page.text().await);
    assert_eq!(page.evaluate("document.querySelectorAll('img, script').length").await, 0);
    assert!(!page.title().await.contains("owned"));
    page.open(&scene.server.url("/oauth2/apps/new")).await;
    page.fill("Name", MARKUP).await;
    page.fill("Redirect URIs", "https://one.example.org/cb").await;
    page.click("read").await;
    page.follow("Register").await;
    for path in ["/oauth2/apps", "/oauth2/consents"] {
        assert!(!page.title().await.contains("owned"), "{path}");
        assert_eq!(page.evaluate("document.querySelectorAll('img, script').length").await, 0, "{path}");
        page.open(&scene.server.url(path)).await;
    }
    page.walked_cleanly().await;
}
