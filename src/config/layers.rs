//! The layers: each is read by itself, and a later one replaces what an earlier one says.
//!
//! The compiled-in defaults are also the schema: a key that they do not have is refused, and a value
//! must be of the kind that the default has.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use crate::config::error::{ConfigError, nearest};
use crate::store::postgres::url::mask;
use crate::types::secret::Secret;

/// The commented defaults, as `jeton check-config --print-defaults` shows them.
pub const DEFAULTS: &str = include_str!("defaults.toml");

const DEFAULTS_LAYER: &str = "defaults";

/// The one setting that may be a URL with a password in it, and the word that it is otherwise.
const STORE: (&str, &str) = ("store.kind", "sled");

/// A value, of one of the kinds that settings have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Several texts; in a variable or a flag separated by commas.
    List(Vec<String>),
    /// Anything else.
    Text(String),
}

impl Scalar {
    fn from_toml(value: Value) -> Option<Self> {
        match value {
            Value::Boolean(boolean) => Some(Self::Boolean(boolean)),
            Value::Integer(integer) => Some(Self::Integer(integer)),
            Value::String(text) => Some(Self::Text(text)),
            Value::Array(values) => {
                let texts = values.into_iter().map(|value| match value {
                    Value::String(text) => Some(text),
                    _ => None,
                });
                texts.collect::<Option<_>>().map(Self::List)
            }
            Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
        }
    }

    /// Reads what an environment variable or a flag says, as the kind that this default has.
    fn parse_like(&self, text: &str) -> Option<Self> {
        match self {
            Self::Boolean(_) => text.parse().ok().map(Self::Boolean),
            Self::Integer(_) => text.parse().ok().map(Self::Integer),
            Self::List(_) => {
                let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
                Some(Self::List(texts.map(str::to_owned).collect()))
            }
            Self::Text(_) => Some(Self::Text(text.to_owned())),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "must be true or false",
            Self::Integer(_) => "must be a whole number",
            Self::List(_) => "must be a list of texts, for example [\"10.0.0.0/8\"]",
            Self::Text(_) => "must be a text in quotes",
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(boolean) => boolean.fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            Self::List(texts) => f.write_str(&texts.join(",")),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A setting as it counts, and the layer that decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its value.
    pub value: Scalar,
    /// Where the value stands, for example `defaults` or `environment JETON_ISSUER`.
    pub layer: String,
}

/// Every setting by its key.
#[derive(Clone, Debug)]
pub struct Layers {
    settings: BTreeMap<String, Setting>,
    /// As it was given; the setting itself has it with the password hidden.
    database_url: Option<Secret>,
}

impl Layers {
    /// The lowest layer.
    ///
    /// # Errors
    /// Never: the defaults are compiled in, and a test reads them.
    pub fn defaults() -> Result<Self, ConfigError> {
        let mut leaves = Vec::new();
        flatten("", parse(Path::new(DEFAULTS_LAYER), DEFAULTS)?, &mut leaves);
        let settings = leaves.into_iter().filter_map(|(key, value)| {
            let value = Scalar::from_toml(value)?;
            Some((key, Setting { value, layer: DEFAULTS_LAYER.to_owned() }))
        });
        Ok(Self { settings: settings.collect(), database_url: None })
    }

    /// Lays a file over what is there.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, an unknown key, a value of the wrong kind.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::File { path: path.to_owned(), problem: cause.to_string() })?;
        self.toml(path, &text)
    }

    /// Lays the text of a file over what is there.
    ///
    /// # Errors
    /// As [`Layers::file`].
    pub fn toml(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let layer = format!("file {}", path.display());
        let mut leaves = Vec::new();
        flatten("", parse(path, text)?, &mut leaves);
        for (key, value) in leaves {
            let default = self.known(&key, &layer)?;
            let scalar = Scalar::from_toml(value)
                .filter(|scalar| std::mem::discriminant(scalar) == std::mem::discriminant(default))
                .ok_or_else(|| wrong_kind(&key, &layer, default))?;
            self.insert(&key, scalar, layer.clone());
        }
        Ok(())
    }

    /// Lays one value over what is there, in the spelling of a variable or a flag.
    ///
    /// # Errors
    /// An unknown key, or a value of the wrong kind.
    pub fn set(&mut self, key: &str, text: &str, layer: String) -> Result<(), ConfigError> {
        let default = self.known(key, &layer)?;
        let value = default.parse_like(text).ok_or_else(|| wrong_kind(key, &layer, default))?;
        self.insert(key, value, layer);
        Ok(())
    }

    /// Every key, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    /// Every setting by its key, in alphabetical order.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// One setting.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// What names the store, unless it is a word.
    pub(super) fn database_url(&self) -> Option<&Secret> {
        self.database_url.as_ref()
    }

    /// Whoever prints the settings, prints none of their secrets.
    fn insert(&mut self, key: &str, mut value: Scalar, layer: String) {
        if key == STORE.0 {
            self.database_url = None;
            if let Scalar::Text(text) = &mut value
                && text != STORE.1
            {
                let shown = mask(text);
                self.database_url = Some(Secret::new(std::mem::replace(text, shown)));
            }
        }
        self.settings.insert(key.to_owned(), Setting { value, layer });
    }

    fn known(&self, key: &str, layer: &str) -> Result<&Scalar, ConfigError> {
        let setting = self.settings.get(key).ok_or_else(|| ConfigError::UnknownKey {
            key: key.to_owned(),
            layer: layer.to_owned(),
            nearest: nearest(key, self.keys()),
        })?;
        Ok(&setting.value)
    }
}

fn wrong_kind(key: &str, layer: &str, default: &Scalar) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), layer: layer.to_owned(), problem: default.kind().to_owned() }
}

fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|cause: toml::de::Error| ConfigError::File {
        path: path.to_owned(),
        // The error's own text quotes the line, which in a mistaken file may be a secret.
        problem: match cause.span() {
            Some(span) => {
                let line = text.get(..span.start).unwrap_or_default().lines().count().max(1);
                format!("line {line} is not TOML: {}", cause.message())
            }
            None => format!("is not TOML: {}", cause.message()),
        },
    })
}

/// The values of a table under their dotted keys.  An empty table counts as a value, so that a
/// section that does not exist is refused even when nothing stands in it.
fn flatten(prefix: &str, table: Table, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) if !inner.is_empty() => flatten(&key, inner, leaves),
            other => leaves.push((key, other)),
        }
    }
}
