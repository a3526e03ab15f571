//! A headless Chromium process: started with a profile of its own, and gone when the test is over.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::devtools::{DevTools, PATIENCE};
use super::page::Page;

/// What Chromium says before the URL of its DevTools.
const LISTENING: &str = "DevTools listening on ";

const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-port=0",
    // The tests may run as root in a container, where Chromium's own sandbox does not start.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-proxy-server",
    // Nothing leaves this machine, and the tests' own names lead back to it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// A browser process.
pub struct Chromium {
    process: Child,
    devtools: DevTools,
    _profile: TempDir,
}

/// A cookie as the browser keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub http_only: bool,
    pub same_site: String,
}

/// A browser as one person has it: with its own cookies and its own history.
pub struct Person<'a> {
    chromium: &'a Chromium,
    context: String,
}

impl Chromium {
    /// Starts a browser, and waits until it listens.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromium");
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A group of its own, so that its helpers end with it.
        command.process_group(0);
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("chromium is needed for the tests of the pages: {error}"));
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = channel();
        // Read to the end: a browser whose stderr is full would stand still.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut group = Group(Some(process));
        let mut said = String::new();
        let url = loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("chromium does not listen: {said}"));
            if let Some(url) = line.strip_prefix(LISTENING) {
                break url.trim().to_owned();
            }
            said += &(line + "\n");
        };
        let devtools = DevTools::connect(&url).await;
        Self { process: group.0.take().unwrap(), devtools, _profile: profile }
    }

    /// A person with no cookies.
    pub async fn person(&self) -> Person<'_> {
        let context = self.devtools.call("Target.createBrowserContext", json!({})).await;
        Person { chromium: self, context: context["browserContextId"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// A process that has not said yet where it listens.
struct Group(Option<Child>);

impl Drop for Group {
    fn drop(&mut self) {
        self.0.as_mut().map(end);
    }
}

fn end(process: &mut Child) {
    let _ = kill_process_group(Pid::from_child(process), Signal::KILL);
    let _ = process.wait();
}

impl Person<'_> {
    /// A new window.
    pub async fn page(&self) -> Page {
        let devtools = &self.chromium.devtools;
        let target = json!({ "url": "about:blank", "browserContextId": self.context, "newWindow": true });
        let target = devtools.call("Target.createTarget", target).await;
        let attached = devtools.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true })).await;
        Page::attach(devtools.clone(), attached["sessionId"].as_str().unwrap()).await
    }

    /// Every cookie of this person, those that scripts cannot read included.
    pub async fn cookies(&self) -> Vec<Cookie> {
        let answer = self.chromium.devtools.call("Storage.getCookies", json!({ "browserContextId": self.context })).await;
        let text = |cookie: &Value, member: &str| cookie[member].as_str().unwrap_or_default().to_owned();
        let cookies = answer["cookies"].as_array().unwrap().iter().map(|cookie| Cookie {
            name: text(cookie, "name"),
            value: text(cookie, "value"),
            http_only: cookie["httpOnly"] == json!(true),
            same_site: text(cookie, "sameSite"),
        });
        cookies.collect()
    }

    /// The value of a cookie.
    pub async fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().await.into_iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value)
    }

    /// Gives the browser a cookie that no answer set.
    pub async fn plant_cookie(&self, url: &str, name: &str, value: &str) {
        let cookie = json!({ "url": url, "name": name, "value": value });
        let planted = json!({ "browserContextId": self.context, "cookies": [cookie] });
        self.chromium.devtools.call("Storage.setCookies", planted).await;
    }
}
