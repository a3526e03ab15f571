//! That the driver itself sees what a browser does: the other tests rest on it.

use super::application::Application;
use super::chromium::Chromium;
use super::element::Key;
use super::page::{Device, Scheme};

const FORM: &str = r#"<!doctype html><meta name="viewport" content="width=device-width"><title>Form</title>
<style>@media (prefers-color-scheme: dark) { body { background: rgb(1, 2, 3) } }</style>
<form method="post" action="/sent"><label for="who">Who</label><input id="who" name="who">
<label><input type="checkbox" name="native" value="on"> Native</label><button name="decision" value="allow">Send it</button>
</form><script>document.title = 'Scripted'</script>"#;

#[tokio::test]
async fn a_form_is_filled_in_with_mouse_and_keys() {
    let (chromium, application) = (Chromium::start().await, Application::start().await);
    application.show("/form", FORM);
    let mut page = chromium.person().await.page().await;
    page.open(&application.url("/form")).await;
    assert_eq!(page.title().await, "Scripted");
    page.fill("Who", "alice & bob").await;
    assert_eq!(page.value("Who").await, "alice & bob");
    page.click("Native").await;
    page.follow("Send it").await;
    assert_eq!(page.url().await, application.url("/sent"));
    assert_eq!(page.text().await, "The application has its answer.");
    let sent = application.received("/sent").remove(0);
    assert_eq!(sent.body, "who=alice+%26+bob&native=on&decision=allow");
    assert_eq!(sent.header("referer"), application.url("/form"));
    page.back().await;
    assert_eq!(page.url().await, application.url("/form"));
    assert_eq!(page.visited(), ["/form", "/sent", "/form"].map(|path| application.url(path)));
    page.replace("Who", "bob").await;
    assert_eq!(page.value("Who").await, "bob");
}

#[tokio::test]
async fn a_page_that_leads_on_by_itself_is_followed_to_its_end() {
    let (chromium, application) = (Chromium::start().await, Application::start().await);
    let form =
        r#"<form method="post" action="/end"><input name="a" value="1"></form><script>document.forms[0].submit()</script>"#;
    application.show("/start", form);
    let mut page = chromium.person().await.page().await;
    page.open(&application.foreign_url("/start")).await;
    page.arrived(&application.foreign_url("/end")).await;
    page.reload().await;
    let sent = application.received("/end");
    assert_eq!(sent.iter().map(|sent| sent.body.as_str()).collect::<Vec<_>>(), ["a=1", "a=1"]);
    assert!(page.html().await.contains("<title>Application</title>"));
}

#[tokio::test]
async fn a_form_is_filled_in_with_keys_alone_and_without_scripts() {
    let (chromium, application) = (Chromium::start().await, Application::start().await);
    application.show("/form", FORM);
    let mut page = chromium.person().await.page().await;
    page.without_scripts().await;
    page.open(&application.url("/form")).await;
    assert_eq!(page.title().await, "Form");
    page.tab_to("Who").await;
    page.type_text("carol").await;
    page.tab_to("Native").await;
    page.press(Key::Space).await;
    page.tab_to("Send it").await;
    assert!(page.focus_shows().await);
    page.press(Key::Enter).await;
    page.loaded().await;
    assert_eq!(application.received("/sent")[0].body, "who=carol&native=on&decision=allow");
}

#[tokio::test]
async fn people_share_no_cookies_and_screens_differ() {
    let (chromium, application) = (Chromium::start().await, Application::start().await);
    application.show("/form", FORM);
    let (alice, bob) = (chromium.person().await, chromium.person().await);
    alice.plant_cookie(&application.url("/"), "planted", "here").await;
    assert_eq!((alice.cookie("planted").await.as_deref(), bob.cookie("planted").await), (Some("here"), None));
    let mut page = alice.page().await;
    page.on(Device::Phone).await;
    page.prefers(Scheme::Dark).await;
    page.open(&application.url("/form")).await;
    assert_eq!(page.cookies_for_scripts().await, "planted=here");
    assert_eq!(application.received("/form")[0].header("cookie"), "planted=here");
    let looks = "[innerWidth, getComputedStyle(document.body).backgroundColor].join()";
    assert_eq!(page.evaluate(looks).await, "360,rgb(1, 2, 3)");
    assert_eq!(page.scroll_width().await, 360);
    page.on(Device::Desktop).await;
    page.prefers(Scheme::Light).await;
    assert_eq!(page.evaluate(looks).await, "1200,rgba(0, 0, 0, 0)");
    let file = tempfile::tempdir().unwrap();
    page.screenshot(&file.path().join("form.png")).await;
    assert!(std::fs::read(file.path().join("form.png")).unwrap().starts_with(b"\x89PNG"));
}

/// A policy that a page breaks is seen, so that a walk can say that none was.
#[tokio::test]
async fn a_broken_policy_is_complained_about() {
    let (chromium, application) = (Chromium::start().await, Application::start().await);
    let html = r#"<!doctype html><meta http-equiv="Content-Security-Policy" content="script-src 'none'"><script>1</script>"#;
    application.show("/strict", html);
    let mut page = chromium.person().await.page().await;
    page.open(&application.url("/strict")).await;
    let complaints = page.complaints().await;
    assert!(complaints.iter().any(|complaint| complaint.contains("Content Security Policy")), "{complaints:?}");
}
