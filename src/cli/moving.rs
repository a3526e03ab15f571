//! What the two commands that move a deployment show.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;
use crate::cli::output::{Output, line};
use crate::server::moving::{MoveError, Moved, Progress};

/// A bar on stderr; nothing where stderr is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows nothing yet.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        // The default style is a bar as well.
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {percent:>3} %  {pos} of {len}  {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// Shows how far it is.
    pub fn show(&mut self, progress: Progress) {
        let (message, done, of) = match progress {
            Progress::Checked(bytes, of) => ("checking the dump, bytes".to_owned(), bytes, of),
            Progress::Moved(records, of) => ("moving, records".to_owned(), records, of),
            Progress::Waiting(time) => (format!("waiting {} s until every server has noticed", time.as_secs()), 0, 0),
        };
        if self.0.message() != message {
            self.0.reset();
            self.0.set_message(message);
        }
        self.0.set_length(of);
        self.0.set_position(done);
        if of == 0 {
            self.0.tick();
        }
    }

    /// Makes room for what is said at the end.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Says what was moved: how many records of each kind, and where they are.
///
/// # Errors
/// When stdout cannot be written.
pub fn report(moved: &Moved, done: &str, output: Output) -> Result<(), Failure> {
    let kinds = moved.counts.each();
    let total = moved.counts.total();
    match output {
        Output::Json => {
            let status = if moved.already { format!("already_{done}") } else { done.to_owned() };
            let records: Map<String, Value> = kinds.map(|(kind, records)| (kind.to_string(), json!(records))).collect();
            output.record(vec![
                ("status", json!(status)),
                ("dump_id", json!(moved.dump.to_string())),
                ("file", json!(moved.file)),
                ("records", Value::Object(records)),
                ("total", json!(total)),
            ])
        }
        Output::Table => {
            let rows = kinds.map(|(kind, records)| vec![("kind", json!(kind.to_string())), ("records", json!(records))]);
            output.list(rows.collect(), &["kind", "records"])?;
            let file = moved.file.display();
            let already = if moved.already { "already " } else { "" };
            line(&format!("{already}{done} {total} records: {file} (dump {})", moved.dump))
        }
    }
}

impl From<MoveError> for Failure {
    fn from(error: MoveError) -> Self {
        match &error {
            MoveError::Dump(_) => Self::refused("damaged_dump", error.to_string()),
            MoveError::File { .. } => Self::refused("io", error.to_string()),
            MoveError::MasterKey(_) => Self::Usage(error.to_string()),
            MoveError::Refused(_) => Self::refused("refused", error.to_string()),
            MoveError::Damaged(_) => Self::Damaged(error.to_string()),
            MoveError::Store(_) => Self::refused("store", error.to_string()),
        }
    }
}
