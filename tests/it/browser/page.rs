//! One tab: where it goes, what it shows, and what the browser complains about.

use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::devtools::{DevTools, PATIENCE};

/// How a page looks to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Dark,
    Light,
}

/// What carries a page to the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// 1200 by 800 points.
    Desktop,
    /// 360 by 740 points.
    Phone,
}

impl Device {
    /// Points from left to right.
    pub fn width(self) -> u64 {
        match self {
            Self::Desktop => 1200,
            Self::Phone => 360,
        }
    }

    fn height(self) -> u64 {
        match self {
            Self::Desktop => 800,
            Self::Phone => 740,
        }
    }
}

/// A tab of a browser.
pub struct Page {
    devtools: DevTools,
    session: String,
    events: UnboundedReceiver<Value>,
    frame: String,
    complaints: Vec<String>,
    visited: Vec<String>,
}

impl Page {
    pub(super) async fn attach(devtools: DevTools, session: &str) -> Self {
        let events = devtools.events(session);
        let mut page = Self {
            devtools,
            session: session.to_owned(),
            events,
            frame: String::new(),
            complaints: Vec::new(),
            visited: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true })).await;
        // Several tabs at once would otherwise take the focus from one another.
        page.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        let tree = page.call("Page.getFrameTree", json!({})).await;
        page.frame = tree["frameTree"]["frame"]["id"].as_str().unwrap().to_owned();
        page
    }

    /// Runs a command of this tab.
    pub(super) async fn call(&self, method: &str, parameters: Value) -> Value {
        let answer = self.devtools.send(Some(&self.session), method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Opens a URL, and waits until the page that it led to has loaded.
    pub async fn open(&mut self, url: &str) {
        let answer = self.navigate(url).await;
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
    }

    /// Opens a URL that leads to a site that is not there: only the way is of interest.
    pub async fn open_what_fails(&mut self, url: &str) {
        let answer = self.navigate(url).await;
        assert!(answer.get("errorText").is_some(), "{url}: {answer}");
    }

    async fn navigate(&mut self, url: &str) -> Value {
        self.note_what_happened();
        let answer = self.call("Page.navigate", json!({ "url": url })).await;
        // The load of the page before, which may still be reported, is not this one's.
        let loader = &answer["loaderId"];
        self.event(|event| event["params"]["frame"]["loaderId"] == *loader).await;
        self.loaded().await;
        answer
    }

    /// Goes back, as the button of the browser does.
    pub async fn back(&mut self) {
        self.note_what_happened();
        let history = self.call("Page.getNavigationHistory", json!({})).await;
        let current = usize::try_from(history["currentIndex"].as_u64().unwrap()).unwrap();
        let before = &history["entries"][current.checked_sub(1).expect("a page before this one")]["id"];
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": before })).await;
        self.loaded().await;
    }

    /// Loads the page again; a form is sent again, as after the question of the browser.
    pub async fn reload(&mut self) {
        self.note_what_happened();
        self.call("Page.reload", json!({})).await;
        self.loaded().await;
    }

    /// Waits until the next page of this tab has loaded.
    pub async fn loaded(&mut self) {
        let frame = json!(self.frame);
        let loaded = |event: &Value| {
            let parameters = &event["params"];
            // A page that the browser kept is not loaded again.
            let kept = parameters["type"] == "BackForwardCacheRestore" && event["method"] == "Page.frameNavigated";
            kept || parameters["name"] == "load" && parameters["frameId"] == frame
        };
        self.event(loaded).await;
    }

    async fn event(&mut self, awaited: impl Fn(&Value) -> bool) {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
            let Ok(event) = event else { panic!("no page loads; the last one was {:?}", self.visited.last()) };
            let event = event.expect("the tab is gone");
            self.note(&event);
            if awaited(&event) {
                return;
            }
        }
    }

    /// Waits until a page whose URL begins so has loaded, however many come before it.
    pub async fn arrived(&mut self, beginning: &str) {
        while !self.url().await.starts_with(beginning) {
            self.loaded().await;
        }
    }

    /// Takes note of what happened until now.
    pub(super) fn note_what_happened(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.note(&event);
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            // What is merely told, like that a person was faster than the autofocus, is no complaint.
            "Log.entryAdded" if parameters["entry"]["level"] == "info" || parameters["entry"]["level"] == "verbose" => {}
            "Log.entryAdded" => self.complaints.push(parameters["entry"].to_string()),
            "Runtime.exceptionThrown" => self.complaints.push(parameters["exceptionDetails"].to_string()),
            "Page.frameNavigated" if parameters["frame"]["id"] == json!(self.frame) => {
                let frame = &parameters["frame"];
                let url = frame["unreachableUrl"].as_str().or(frame["url"].as_str());
                self.visited.push(url.unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// Every URL that stood in the bar of this tab.
    pub fn visited(&mut self) -> &[String] {
        self.note_what_happened();
        &self.visited
    }

    /// What the browser complained about: refused by a policy, not found, failed.
    pub async fn complaints(&mut self) -> &[String] {
        // What the page did is reported before the answer to this.
        self.evaluate("0").await;
        self.note_what_happened();
        &self.complaints
    }

    /// What stands in the bar.
    pub async fn url(&self) -> String {
        self.evaluated_text("location.href").await
    }

    /// The title of the window.
    pub async fn title(&self) -> String {
        self.evaluated_text("document.title").await
    }

    /// What a person can read.
    pub async fn text(&self) -> String {
        self.evaluated_text("document.body ? document.body.innerText : ''").await
    }

    /// The source as it stands now.
    pub async fn html(&self) -> String {
        self.evaluated_text("document.documentElement.outerHTML").await
    }

    /// The cookies that a script of the page sees.
    pub async fn cookies_for_scripts(&self) -> String {
        self.evaluated_text("document.cookie").await
    }

    /// How wide the page is, which is more than the screen where it must be moved sideways.
    pub async fn scroll_width(&self) -> u64 {
        self.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)").await.as_u64().unwrap()
    }

    /// The value of an expression; scripts of the page itself may be switched off.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let question = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", question).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    async fn evaluated_text(&self, expression: &str) -> String {
        self.evaluate(expression).await.as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_owned()
    }

    /// Switches the scripts of pages off, from the next page on.
    pub async fn without_scripts(&self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// Shows the page on another screen.
    pub async fn on(&self, device: Device) {
        let (width, height) = (device.width(), device.height());
        let mobile = device == Device::Phone;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Tells pages what the person prefers.
    pub async fn prefers(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Dark => "dark",
            Scheme::Light => "light",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes a picture of the whole page.
    pub async fn screenshot(&self, file: &Path) {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true })).await;
        let picture = base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, picture).unwrap();
    }
}
