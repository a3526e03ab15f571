//! The ways of a person through the pages.

use super::element::Key;
use super::page::Device;
use super::scene::{PASSWORD, STATE, Scene, USERNAME, shell};

/// From the registration to tokens, with nothing but the pages and a shell.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_registered_consented_to_and_gets_tokens() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    page.sign_in().await;
    assert_eq!(page.url().await, scene.server.url("/oauth2/apps"));
    page.follow("Register an application").await;
    page.fill("Name", "My CLI Script").await;
    page.fill("Redirect URIs", "https://one.example.org/cb\nhttps://two.example.org/cb").await;
    page.click("This is a native or CLI application").await;
    page.click("read").await;
    page.follow("Register").await;
    let (id, secret) = (page.value("Client ID").await, page.value("Client secret").await);
    let command = page.value("Exchange a code for tokens in a shell").await;
    page.follow("To the application").await;
    assert!(!page.html().await.contains(&secret), "the secret is shown once");
    let consent_url = page.value("Consent URL").await;

    page.open(&consent_url).await;
    let text = page.text().await;
    assert!(text.contains("My CLI Script asks for access") && text.contains("Read your notes"), "{text}");
    assert!(!text.contains("Change and delete"), "{text}");
    page.follow("Allow").await;
    let code = page.value("Code").await;
    assert!(page.text().await.contains("Read your notes"));
    let silent = command.replacen("curl", "curl --silent --show-error", 1);
    let tokens = shell(&silent, &[("CLIENT_SECRET", &secret), ("CODE", &code)]);
    assert_eq!((tokens["token_type"].as_str(), tokens["scope"].as_str()), (Some("Bearer"), Some("read")), "{id}");
    page.walked_cleanly().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_allows_and_the_client_gets_tokens() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    assert!(page.text().await.contains("to continue to Notebook"), "{}", page.text().await);
    page.sign_in().await;
    let text = page.text().await;
    assert!(
        text.contains("Signed in as alice") && text.contains("Read your notes") && text.contains("Change and delete"),
        "{text}"
    );
    page.follow("Allow").await;
    let received = scene.application.received("/cb").remove(0);
    assert_eq!(received.parameter("state").as_deref(), Some(STATE));
    assert_eq!(received.parameter("iss"), Some(scene.server.url("")));
    let tokens = scene.exchange(&received.parameter("code").unwrap());
    assert_eq!(tokens["scope"], "read write");
    page.walked_cleanly().await;
}

/// RFC 6749 section 4.1.2.1.
#[tokio::test]
async fn a_person_says_no_and_the_client_hears_it() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    page.follow("Do not allow").await;
    let received = scene.application.received("/cb").remove(0);
    assert_eq!(received.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!((received.parameter("state").as_deref(), received.parameter("code")), (Some(STATE), None));
    page.walked_cleanly().await;
}

#[tokio::test]
async fn a_wrong_password_is_told_in_words_and_tried_again() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in_with("wrong").await;
    let text = page.text().await;
    assert!(text.contains("The username or the password is not right"), "{text}");
    assert_eq!((page.value("Username").await.as_str(), page.value("Password").await.as_str()), (USERNAME, ""));
    assert_eq!(page.focused().await, "Password");
    page.type_text(PASSWORD).await;
    page.press(Key::Enter).await;
    page.loaded().await;
    assert!(page.text().await.contains("Notebook asks for access"), "{}", page.text().await);
}

/// Threat K2.
#[tokio::test]
async fn too_many_wrong_passwords_make_a_person_wait() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    let mut attempts = 0;
    while !page.text().await.contains("too many attempts") {
        attempts += 1;
        assert!(attempts < 30, "nobody has to wait: {}", page.text().await);
        page.sign_in_with("wrong").await;
    }
    assert!(page.text().await.contains("Wait "), "{}", page.text().await);
    page.sign_in().await;
    assert!(page.text().await.contains("too many attempts"), "not even the right password counts now");
    scene.server.clock.advance_seconds(900);
    page.open(&scene.request()).await;
    page.sign_in().await;
    assert!(page.text().await.contains("Notebook asks for access"), "{}", page.text().await);
}

#[tokio::test]
async fn a_request_that_waited_too_long_is_over() {
    let scene = Scene::with(&["lifetimes.request_seconds=60"]).await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    scene.server.clock.advance_seconds(61);
    page.follow("Allow").await;
    let text = page.text().await;
    assert!(page.url().await.starts_with(&scene.server.url("/")) && text.contains("start again"), "{text}");
    assert_eq!(scene.codes(), Vec::<String>::new());
}

#[tokio::test]
async fn the_whole_way_is_walked_with_the_keyboard_alone() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    assert_eq!(page.focused().await, "Username", "the first field has the focus");
    page.type_text(USERNAME).await;
    page.tab_to("Password").await;
    page.type_text(PASSWORD).await;
    page.tab_to("Sign in").await;
    assert!(page.focus_shows().await);
    page.press(Key::Space).await;
    page.loaded().await;
    page.tab_to("Do not allow").await;
    assert!(page.focus_shows().await);
    page.open(&scene.request()).await;
    page.tab_to("Allow").await;
    assert!(page.focus_shows().await);
    page.press(Key::Enter).await;
    page.loaded().await;
    assert_eq!(scene.codes().len(), 1);
}

#[tokio::test]
async fn an_application_is_registered_with_the_keyboard_alone() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    page.sign_in().await;
    page.press(Key::Tab).await;
    assert_eq!(page.focused().await, "Skip to content");
    page.tab_to("Register an application").await;
    page.press(Key::Enter).await;
    page.loaded().await;
    page.tab_to("Name").await;
    page.type_text("Typed").await;
    page.tab_to("Redirect URIs").await;
    page.type_text("https://one.example.org/cb").await;
    page.tab_to("read").await;
    page.press(Key::Space).await;
    page.tab_to("Register").await;
    page.press(Key::Space).await;
    page.loaded().await;
    assert!(page.value("Client secret").await.starts_with("jcs_"));
}

#[tokio::test]
async fn the_way_is_walked_on_a_phone_without_scripts() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.on(Device::Phone).await;
    page.without_scripts().await;
    page.open(&scene.request()).await;
    assert_eq!(page.scroll_width().await, 360);
    page.sign_in().await;
    assert_eq!(page.scroll_width().await, 360);
    for button in ["Allow", "Do not allow"] {
        let found = page.find(button).await.unwrap();
        assert!(found.height >= 44.0 && found.x >= 0.0 && found.x + found.width <= 360.0, "{button}: {found:?}");
    }
    page.follow("Allow").await;
    assert_eq!(scene.codes().len(), 1);
}

/// A form that is sent again, and the way back, lead to the same code.
#[tokio::test(flavor = "multi_thread")]
async fn sending_a_form_again_or_going_back_issues_no_second_code() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    page.open(&scene.request()).await;
    page.sign_in().await;
    page.follow("Allow").await;
    page.back().await;
    if page.find("Allow").await.is_some() {
        page.follow("Allow").await;
    }
    page.back().await;
    let mut codes = scene.codes();
    assert!(!codes.is_empty());
    let first = codes[0].clone();
    codes.dedup();
    assert_eq!(codes, std::slice::from_ref(&first), "one request, one code");
    assert_eq!(scene.exchange(&first)["scope"], "read write");
    // RFC 6749 section 4.1.2: and it is used once.
    assert_eq!(scene.exchange(&first)["error"], "invalid_grant");
}

/// A web application at an https address of its own is not asked about twice.
#[tokio::test]
async fn what_was_allowed_before_is_not_asked_again_until_it_is_withdrawn() {
    let scene = Scene::set().await;
    let party = scene.server.register(crate::support::clients::web()).await;
    let request = scene.request_of(&party, crate::support::clients::REDIRECT_URI);
    let mut page = scene.chromium.person().await.page().await;
    page.open(&request).await;
    page.sign_in().await;
    page.follow("Allow").await;
    assert!(page.visited().last().unwrap().starts_with("https://app.example.org/cb?"), "{:?}", page.visited());
    page.open_what_fails(&request).await;
    assert!(page.visited().last().unwrap().starts_with("https://app.example.org/cb?"), "{:?}", page.visited());
    page.open(&scene.server.url("/oauth2/consents")).await;
    assert!(page.text().await.contains("Change and delete your notes"), "{}", page.text().await);
    page.follow("Withdraw access").await;
    assert!(page.text().await.contains("You have not allowed any application anything"), "{}", page.text().await);
    // What began before the withdrawal ends with it, and the clock of this server stands still.
    scene.server.clock.advance_seconds(1);
    page.open(&request).await;
    assert!(page.find("Allow").await.is_some(), "{}", page.text().await);
}

#[tokio::test]
async fn after_signing_out_nothing_is_shown_and_the_session_has_ended() {
    let scene = Scene::set().await;
    let person = scene.chromium.person().await;
    let mut page = person.page().await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    page.sign_in().await;
    let session = person.cookie("jeton_session").await.unwrap();
    page.follow("Sign out").await;
    page.follow("Sign out").await;
    assert!(page.text().await.contains("You are signed out"), "{}", page.text().await);
    assert_eq!(person.cookie("jeton_session").await, None);
    // Whoever kept the cookie has nothing either.
    person.plant_cookie(&scene.server.url("/"), "jeton_session", &session).await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    assert!(page.find("Password").await.is_some(), "{}", page.text().await);
}
