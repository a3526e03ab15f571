//! What a person does on a page: finds things by what is written on them, clicks and types.

use serde_json::{Value, json};

use super::page::Page;

/// Finds a control by its label, a button or a link by its words, whatever can be seen.
const FIND: &str = r"
((words) => {
  const tidy = (text) => (text || '').replace(/\s+/g, ' ').trim();
  const seen = (element) => element.getClientRects().length > 0;
  const named = (element) => [element.getAttribute('aria-label'), element.innerText, element.value].map(tidy).includes(words);
  const labelled = [...document.querySelectorAll('label')].filter((label) => tidy(label.innerText) === words);
  const controls = labelled.map((label) => label.control).filter((control) => control);
  const buttons = [...document.querySelectorAll('button, a, summary, input[type=submit]')].filter(named);
  const element = [...controls, ...buttons].find(seen);
  if (!element) return null;
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const box = element.getBoundingClientRect();
  return { x: box.x, y: box.y, width: box.width, height: box.height };
})";

/// Where something stands on the screen, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A key that is no character.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    Enter,
    Space,
    Tab,
}

impl Key {
    fn event(self) -> Value {
        match self {
            Self::Enter => json!({ "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" }),
            Self::Space => json!({ "key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " " }),
            Self::Tab => json!({ "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 }),
        }
    }
}

impl Page {
    /// Where the thing with these words stands, if it can be seen.
    pub async fn find(&self, words: &str) -> Option<Bounds> {
        let found = self.evaluate(&format!("{FIND}({})", json!(words))).await;
        let number = |member: &str| found[member].as_f64();
        Some(Bounds { x: number("x")?, y: number("y")?, width: number("width")?, height: number("height")? })
    }

    /// Clicks with the mouse on the thing with these words.
    pub async fn click(&mut self, words: &str) {
        self.note_what_happened();
        let Some(found) = self.find(words).await else { panic!("no {words:?} on the page:\n{}", self.text().await) };
        let (x, y) = (found.x + found.width / 2.0, found.y + found.height / 2.0);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Clicks on what leads to another page, and waits until that has loaded.
    pub async fn follow(&mut self, words: &str) {
        self.click(words).await;
        self.loaded().await;
    }

    /// Clicks into the field with this label, and types.
    pub async fn fill(&mut self, label: &str, text: &str) {
        self.click(label).await;
        self.type_text(text).await;
    }

    /// Replaces what stands in the field with this label.
    pub async fn replace(&mut self, label: &str, text: &str) {
        self.click(label).await;
        let select_all = json!({ "type": "rawKeyDown", "key": "a", "code": "KeyA", "modifiers": 2, "commands": ["selectAll"] });
        self.call("Input.dispatchKeyEvent", select_all).await;
        self.type_text(text).await;
    }

    /// Types into what has the focus, key by key.
    pub async fn type_text(&self, text: &str) {
        for character in text.chars() {
            let typed = character.to_string();
            if character == '\n' {
                self.press(Key::Enter).await;
                continue;
            }
            for kind in ["keyDown", "keyUp"] {
                let mut event = json!({ "type": kind, "key": typed });
                if kind == "keyDown" {
                    event["text"] = json!(typed);
                }
                self.call("Input.dispatchKeyEvent", event).await;
            }
        }
    }

    /// Presses a key.
    pub async fn press(&self, key: Key) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = key.event();
            event["type"] = json!(kind);
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Presses Tab until the thing with these words has the focus.
    pub async fn tab_to(&self, words: &str) {
        let mut met = Vec::new();
        for _ in 0..40 {
            self.press(Key::Tab).await;
            let focused = self.focused().await;
            if focused == words {
                return;
            }
            met.push(focused);
        }
        panic!("Tab never comes to {words:?}, but to {met:?}");
    }

    /// The words of what has the focus.
    pub async fn focused(&self) -> String {
        let expression = r"(() => {
          const tidy = (text) => (text || '').replace(/\s+/g, ' ').trim();
          const element = document.activeElement;
          if (!element) return '';
          const label = element.labels && element.labels[0];
          return tidy(label ? label.innerText : element.getAttribute('aria-label') || element.innerText || element.value);
        })()";
        self.evaluate(expression).await.as_str().unwrap_or_default().to_owned()
    }

    /// Whether a person sees where the focus is: an outline, or a shadow in its place.
    pub async fn focus_shows(&self) -> bool {
        let expression = r"(() => {
          const style = getComputedStyle(document.activeElement);
          return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
        })()";
        self.evaluate(expression).await == json!(true)
    }

    /// What stands in the field with this label.
    pub async fn value(&self, label: &str) -> String {
        let expression = format!(
            "[...document.querySelectorAll('label')].find((label) => label.innerText.trim() === {}).control.value",
            json!(label)
        );
        self.evaluate(&expression).await.as_str().unwrap_or_default().to_owned()
    }
}
