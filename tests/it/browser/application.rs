//! Another site on this machine: it records what browsers send it, and shows what a test tells it to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    /// A header's text; empty without the header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned())
    }
}

#[derive(Default)]
struct Seen {
    received: Mutex<Vec<Received>>,
    pages: Mutex<HashMap<String, String>>,
}

/// A site that is not ours.
pub struct Application {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Application {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, task }
    }

    /// A URL of this site; to a browser, it is the same machine as ours under the same name.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same under another name, so that a browser takes it for a foreign site.
    pub fn foreign_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    /// What is shown at a path.
    pub fn show(&self, path: &str, html: &str) {
        self.seen.pages.lock().unwrap().insert(path.to_owned(), html.to_owned());
    }

    /// What arrived at a path, in order.
    pub fn received(&self, path: &str) -> Vec<Received> {
        self.seen.received.lock().unwrap().iter().filter(|received| received.path == path).cloned().collect()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(seen): State<Arc<Seen>>, request: Request<Body>) -> Response<String> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path().to_owned();
    let shown = seen.pages.lock().unwrap().get(&path).cloned();
    seen.received.lock().unwrap().push(Received {
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let html = shown.unwrap_or_else(|| "<!doctype html><title>Application</title><p>The application has its answer.".to_owned());
    Response::builder().header(CONTENT_TYPE, "text/html; charset=utf-8").body(html).unwrap()
}
