//! Results on stdout: tables for people, JSON for scripts.

use std::io::Write;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::cli::failure::Failure;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// One JSON value.
    Json,
}

/// The named values of one thing, in the order in which a person reads them.
pub type Record = Vec<(&'static str, Value)>;

impl Output {
    /// Writes one thing.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn record(self, record: Record) -> Result<(), Failure> {
        match self {
            Self::Json => line(&object(record).to_string()),
            Self::Table => {
                let width = record.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in record.iter().filter(|(_, value)| !value.is_null()) {
                    for (at, shown) in lines_of(value).iter().enumerate() {
                        let name = if at == 0 { name } else { "" };
                        line(format!("{name:width$}  {shown}").trim_end())?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes a list of things; the table shows only these columns.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn list(self, records: Vec<Record>, columns: &[&str]) -> Result<(), Failure> {
        match self {
            Self::Json => line(&Value::Array(records.into_iter().map(object).collect()).to_string()),
            Self::Table => {
                let mut table = Builder::default();
                table.push_record(columns.iter().copied());
                for record in &records {
                    table.push_record(columns.iter().map(|column| {
                        record.iter().find(|(name, _)| name == column).map(|(_, value)| cell(value)).unwrap_or_default()
                    }));
                }
                let text = table.build().with(Style::blank()).to_string();
                text.lines().try_for_each(|row| line(row.trim()))
            }
        }
    }

    /// Says that something was done: a sentence for people, `{}` for scripts.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn done(self, sentence: &str) -> Result<(), Failure> {
        match self {
            Self::Json => line("{}"),
            Self::Table => line(sentence),
        }
    }
}

/// Writes one line to stdout.  `println!` would panic when nobody reads it.
///
/// # Errors
/// When stdout cannot be written.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// An instant for people and scripts alike (RFC 3339); null for 0, which means none.
pub fn instant(unix_seconds: i64) -> Value {
    match Timestamp::from_second(unix_seconds) {
        Ok(instant) if unix_seconds != 0 => Value::String(instant.to_string()),
        Ok(_) | Err(_) => Value::Null,
    }
}

/// A text; null for the empty one, which means not set.
pub fn text(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::String(text) }
}

/// A number; null for 0, which means not set.
pub fn number(number: i64) -> Value {
    if number == 0 { Value::Null } else { Value::from(number) }
}

fn object(record: Record) -> Value {
    let members: Map<String, Value> =
        record.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    Value::Object(members)
}

/// A value beside its name: things in a list have a line each.
fn lines_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) if values.iter().any(Value::is_object) => values.iter().map(cell).collect(),
        other => vec![cell(other)],
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // What others registered must not move the cursor of who reads it.
        Value::String(text) => text.replace(char::is_control, "?"),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let set = members.iter().filter(|(_, value)| !value.is_null());
            set.map(|(name, value)| format!("{name}={}", cell(value))).collect::<Vec<_>>().join("  ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
