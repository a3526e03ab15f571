//! Secrets on their way through a browser: seen by whom they are for, and by nobody else.

use super::chromium::Chromium;
use super::scene::{Scene, shell};
use crate::interfaces::clayton::{cli_application, consent_url};
use crate::interfaces::site::{PASSWORD, USERNAME, Vendor};

/// RFC 9700 section 4.2: the code goes to the client in one redirect, and shows nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_shows_in_a_title_a_referrer_or_the_bar_of_our_pages() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    assert!(!page.title().await.contains("jah_"));
    page.follow("Allow").await;
    let received = scene.application.received("/cb").remove(0);
    let code = received.parameter("code").unwrap();
    assert_eq!(received.header("referer"), "", "the client is told nothing of our addresses");
    let ours = scene.server.url("/");
    let leaks = |url: &&String| url.starts_with(&ours) && (url.contains(&code) || url.contains("jst_"));
    assert_eq!(page.visited().iter().filter(leaks).collect::<Vec<_>>(), Vec::<&String>::new());
    page.walked_cleanly().await;
}

/// Threat N1: the real binary, at the level that shows most.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_person_or_a_page_sends_is_logged() {
    let vendor = Vendor::start_with(&["--set", "log.level=trace"]);
    vendor.user("", USERNAME, PASSWORD);
    let application = cli_application(&vendor);
    let chromium = Chromium::start().await;
    let person = chromium.person().await;
    let mut page = person.page().await;
    page.open(&consent_url(&vendor, &application)).await;
    let mut secrets = vec![PASSWORD.to_owned(), application.secret.clone()];
    for password in ["wrong-password-typed", PASSWORD] {
        page.replace("Username", USERNAME).await;
        page.fill("Password", password).await;
        page.follow("Sign in").await;
        secrets.push(password.to_owned());
    }
    for field in ["csrf_token", "handle"] {
        let value = page.evaluate(&format!("document.querySelector('[name={field}]').value")).await;
        secrets.push(value.as_str().unwrap().to_owned());
    }
    page.follow("Allow").await;
    let code = page.value("Code").await;
    assert!(!page.title().await.contains(&code) && !page.visited().iter().any(|url| url.contains(&code)));
    let line = r#"curl --silent --user "$CLIENT_ID:$CLIENT_SECRET" --data "grant_type=authorization_code&code=$CODE" \
        --data "redirect_uri=$HOST/authorized" "$HOST/oauth2/token""#;
    let host = vendor.host();
    let variables = [("HOST", host.as_str()), ("CODE", &code)];
    let tokens = shell(line, &[&application.variables()[..], &variables].concat());
    for member in ["access_token", "refresh_token"] {
        secrets.push(tokens[member].as_str().unwrap().to_owned());
    }
    secrets.push(code);
    secrets.extend(person.cookies().await.into_iter().map(|cookie| cookie.value));
    page.open(&vendor.server.http("/logout")).await;
    page.follow("Sign out").await;
    let log = vendor.server.log();
    assert!(log.contains("INFO") || log.contains("\"info\"") || log.contains("token"), "there is a log");
    for (index, secret) in secrets.iter().enumerate() {
        assert!(!log.contains(secret.as_str()), "secret {index} is logged");
    }
    for prefix in ["jac_", "jah_", "jat_", "jst_", "jrt_", "jcs_"] {
        assert!(!log.contains(prefix), "something that begins with {prefix} is logged");
    }
}
