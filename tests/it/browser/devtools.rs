//! The DevTools protocol: commands with answers, and events, as JSON over one websocket.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use url::Url;

/// Longer than any page takes, and shorter than anybody waits.
pub const PATIENCE: Duration = Duration::from_secs(60);

type Sender = SplitSink<WebSocketStream<TcpStream>, Message>;

/// Who waits for what.
#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, oneshot::Sender<Value>>,
    sessions: HashMap<String, UnboundedSender<Value>>,
}

/// A connection to a browser.
#[derive(Clone)]
pub struct DevTools {
    sender: Arc<tokio::sync::Mutex<Sender>>,
    waiting: Arc<Mutex<Waiting>>,
    next: Arc<AtomicU64>,
}

impl DevTools {
    /// Connects to the URL that a browser said it listens at.
    pub async fn connect(url: &str) -> Self {
        let parsed = Url::parse(url).unwrap();
        let host = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap());
        let stream = TcpStream::connect(host).await.unwrap();
        let (socket, _) = client_async(url, stream).await.unwrap();
        let (sender, mut messages) = socket.split();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let dispatched = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let Message::Text(text) = message {
                    dispatch(&dispatched, serde_json::from_str(&text).unwrap());
                }
            }
            // Whoever still waits learns that nothing will come.
            *dispatched.lock().unwrap() = Waiting::default();
        });
        Self { sender: Arc::new(tokio::sync::Mutex::new(sender)), waiting, next: Arc::default() }
    }

    /// Runs a command of the browser itself.
    pub async fn call(&self, method: &str, parameters: Value) -> Value {
        self.send(None, method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Runs a command of a page, which may refuse it.
    pub async fn send(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap().answers.insert(id, sender);
        self.sender.lock().await.send(Message::text(command.to_string())).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("{method}: no answer"));
        let mut answer = answer.unwrap_or_else(|_| panic!("{method}: the browser is gone"));
        match answer.get("error") {
            None => Ok(answer["result"].take()),
            Some(error) => Err(error.clone()),
        }
    }

    /// The events of a page, from now on.
    pub fn events(&self, session: &str) -> UnboundedReceiver<Value> {
        let (sender, events) = unbounded_channel();
        self.waiting.lock().unwrap().sessions.insert(session.to_owned(), sender);
        events
    }
}

fn dispatch(waiting: &Mutex<Waiting>, message: Value) {
    let mut waiting = waiting.lock().unwrap();
    if let Some(id) = message["id"].as_u64() {
        if let Some(sender) = waiting.answers.remove(&id) {
            let _ = sender.send(message);
        }
    } else if let Some(sender) = message["sessionId"].as_str().and_then(|session| waiting.sessions.get(session)) {
        let _ = sender.send(message);
    }
}
