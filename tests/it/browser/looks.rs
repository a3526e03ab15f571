//! How every page looks, in light and dark, on a phone and on a desk; the pictures are for people.

use std::path::{Path, PathBuf};

use jeton::pb::v1::ClientMetadata;

use super::page::{Device, Page, Scheme};
use super::scene::Scene;
use crate::support::clients::web;

const LOOKS: &[(Device, Scheme)] = &[
    (Device::Phone, Scheme::Light),
    (Device::Phone, Scheme::Dark),
    (Device::Desktop, Scheme::Light),
    (Device::Desktop, Scheme::Dark),
];

/// Text that is hard to read: what WCAG 2.2 level AA forbids (success criterion 1.4.3).
const LOW_CONTRAST: &str = r"
(() => {
  const channel = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const pixel = (over, color) => {
    canvas.fillStyle = `rgb(${over.join()})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const behind = (element) => {
    const under = element.parentElement ? behind(element.parentElement) : dark ? [18, 18, 18] : [255, 255, 255];
    return pixel(under, getComputedStyle(element).backgroundColor);
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const poor = [];
  for (const element of document.body.querySelectorAll('*')) {
    const field = ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName) && element.value;
    if (!(own(element) || field) || !element.getClientRects().length || element.tagName === 'OPTION') continue;
    const style = getComputedStyle(element);
    const under = behind(element);
    const [a, b] = [luminance(pixel(under, style.color)), luminance(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && parseInt(style.fontWeight) >= 700;
    if (ratio < (large ? 3 : 4.5)) poor.push(`${element.tagName} ${ratio.toFixed(2)}: ${element.innerText || element.value}`);
  }
  return poor;
})()";

/// What every page must have: a language, one heading, and a label for each field.
const STRUCTURE: &str = r"
(() => {
  const missing = [];
  if (!document.documentElement.lang) missing.push('no language');
  if (!document.title) missing.push('no title');
  if (document.querySelectorAll('h1').length !== 1) missing.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) missing.push('not one main');
  for (const field of document.querySelectorAll('input:not([type=hidden]), textarea, select')) {
    if (!field.labels.length) missing.push('no label: ' + field.name);
  }
  for (const id of [...document.querySelectorAll('[id]')].map((element) => element.id)) {
    if (document.querySelectorAll('#' + CSS.escape(id)).length > 1) missing.push('twice: ' + id);
  }
  for (const element of document.querySelectorAll('[aria-describedby], [aria-labelledby]')) {
    const ids = [element.getAttribute('aria-describedby'), element.getAttribute('aria-labelledby')].join(' ').split(/\s+/);
    for (const id of ids.filter((id) => id && !document.getElementById(id))) missing.push('describes nothing: ' + id);
  }
  return missing;
})()";

/// Where pictures go: the build directory.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots")
}

/// Looks at the page in every way, and says what is wrong with it.
async fn look_at(page: &mut Page, name: &str, wrong: &mut Vec<String>) {
    for (device, scheme) in LOOKS {
        page.on(*device).await;
        page.prefers(*scheme).await;
        let how = format!("{name}-{}-{scheme:?}", device.width()).to_lowercase();
        page.screenshot(&folder().join(format!("{how}.png"))).await;
        let width = page.scroll_width().await;
        if width > device.width() {
            wrong.push(format!("{how} is {width} wide"));
        }
        wrong.extend(texts(page, LOW_CONTRAST).await.into_iter().map(|text| format!("{how} contrast {text}")));
    }
    wrong.extend(texts(page, STRUCTURE).await.into_iter().map(|text| format!("{name} {text}")));
    wrong.extend(page.complaints().await.iter().filter(|complaint| complaint.contains("Policy")).cloned());
    page.on(Device::Desktop).await;
}

async fn texts(page: &Page, expression: &str) -> Vec<String> {
    let found = page.evaluate(expression).await;
    found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_page_fits_the_screen_and_can_be_read() {
    let scene = Scene::set().await;
    let mut page = scene.chromium.person().await.page().await;
    let mut wrong = Vec::new();
    page.open(&scene.server.url("/login")).await;
    look_at(&mut page, "login", &mut wrong).await;
    page.open(&scene.request()).await;
    look_at(&mut page, "login-for-client", &mut wrong).await;
    page.sign_in_with("wrong").await;
    look_at(&mut page, "login-wrong", &mut wrong).await;
    page.sign_in().await;
    look_at(&mut page, "consent", &mut wrong).await;
    page.open(&scene.server.url("/consent?handle=nonsense")).await;
    look_at(&mut page, "error", &mut wrong).await;
    page.open(&scene.server.url("/oauth2/consents")).await;
    look_at(&mut page, "consents-none", &mut wrong).await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    look_at(&mut page, "applications-none", &mut wrong).await;
    page.follow("Register an application").await;
    look_at(&mut page, "application-new", &mut wrong).await;
    page.fill("Name", "x").await;
    page.fill("Redirect URIs", "http://plain.example.org/cb").await;
    page.follow("Register").await;
    look_at(&mut page, "application-refused", &mut wrong).await;
    page.replace("Name", "Ein Programm mit einem recht langen Namen, wie ihn Menschen manchmal wählen").await;
    page.replace("Redirect URIs", "https://a-rather-long-host-name-without-breaks.example.org/with/a/long/path/callback").await;
    page.click("This is a native or CLI application").await;
    page.click("read").await;
    page.click("write").await;
    page.follow("Register").await;
    look_at(&mut page, "application-registered", &mut wrong).await;
    page.follow("To the application").await;
    look_at(&mut page, "application", &mut wrong).await;
    let consent_url = page.value("Consent URL").await;
    page.follow("Delete this application").await;
    look_at(&mut page, "application-delete", &mut wrong).await;
    page.open(&scene.server.url("/oauth2/apps")).await;
    look_at(&mut page, "applications", &mut wrong).await;
    page.open(&consent_url).await;
    look_at(&mut page, "consent-native", &mut wrong).await;
    page.follow("Allow").await;
    look_at(&mut page, "code", &mut wrong).await;
    page.open(&consent_url).await;
    page.follow("Do not allow").await;
    look_at(&mut page, "denied", &mut wrong).await;
    page.open(&scene.server.url("/oauth2/consents")).await;
    look_at(&mut page, "consents", &mut wrong).await;
    for (name, brand_color) in [("consent-yellow", "#ffe14d"), ("consent-navy", "#000040")] {
        let redirect_uris = vec![scene.application.url("/cb")];
        let branded =
            ClientMetadata { client_name: name.to_owned(), brand_color: brand_color.to_owned(), redirect_uris, ..web() };
        let party = scene.server.register(branded).await;
        page.open(&scene.request_of(&party, &scene.application.url("/cb"))).await;
        look_at(&mut page, name, &mut wrong).await;
    }
    page.open(&scene.server.url("/logout")).await;
    look_at(&mut page, "logout", &mut wrong).await;
    page.follow("Sign out").await;
    look_at(&mut page, "logged-out", &mut wrong).await;
    page.open(&scene.server.url("/login")).await;
    for _ in 0..6 {
        page.sign_in_with("wrong").await;
    }
    assert!(page.text().await.contains("too many attempts"), "{}", page.text().await);
    look_at(&mut page, "login-wait", &mut wrong).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
