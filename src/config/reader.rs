//! Settings to types: each reading names the key, the layer and what is allowed when it fails.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::config::error::ConfigError;
use crate::config::layers::{Layers, Scalar, Setting};
use crate::types::secret::Secret;

/// Reads settings by their keys.
pub(super) struct Reader<'a>(pub(super) &'a Layers);

impl Reader<'_> {
    pub(super) fn text(&self, key: &str) -> Result<&str, ConfigError> {
        let setting = self.setting(key)?;
        match &setting.value {
            Scalar::Text(text) => Ok(text),
            Scalar::Boolean(_) | Scalar::Integer(_) | Scalar::List(_) => Err(self.refused(key, "must be a text")),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<bool, ConfigError> {
        let setting = self.setting(key)?;
        match &setting.value {
            Scalar::Boolean(boolean) => Ok(*boolean),
            Scalar::Integer(_) | Scalar::List(_) | Scalar::Text(_) => Err(self.refused(key, "must be true or false")),
        }
    }

    pub(super) fn integer(&self, key: &str, allowed: &RangeInclusive<i64>) -> Result<i64, ConfigError> {
        let setting = self.setting(key)?;
        match &setting.value {
            Scalar::Integer(integer) if allowed.contains(integer) => Ok(*integer),
            Scalar::Integer(integer) => {
                Err(self.refused(key, format!("is {integer}, but must be {} to {}", allowed.start(), allowed.end())))
            }
            Scalar::Boolean(_) | Scalar::List(_) | Scalar::Text(_) => Err(self.refused(key, "must be a whole number")),
        }
    }

    /// An integer as another type, into which every allowed value fits.
    pub(super) fn count<T: TryFrom<i64>>(&self, key: &str, allowed: &RangeInclusive<i64>) -> Result<T, ConfigError> {
        T::try_from(self.integer(key, allowed)?).map_err(|_| self.refused(key, "is too large for this machine"))
    }

    pub(super) fn milliseconds(&self, key: &str, allowed: &RangeInclusive<i64>) -> Result<Duration, ConfigError> {
        self.count(key, allowed).map(Duration::from_millis)
    }

    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let text = self.text(key)?;
        choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.refused(key, format!("must be {}", names.join(" or ")))
        })
    }

    pub(super) fn address(&self, key: &str) -> Result<SocketAddr, ConfigError> {
        let text = self.text(key)?;
        text.parse().map_err(|_| {
            self.refused(
                key,
                "must be an IP address and a port, for example 127.0.0.1:8080 or [::1]:8080; port 0 takes any free one",
            )
        })
    }

    /// Networks, each an address with the length of its prefix, or one address alone.
    pub(super) fn networks(&self, key: &str) -> Result<Vec<IpNet>, ConfigError> {
        let Scalar::List(texts) = &self.setting(key)?.value else { return Err(self.refused(key, "must be a list of texts")) };
        let network = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let networks: Result<_, _> = texts.iter().map(network).collect();
        networks.map_err(|_| self.refused(key, "must name networks, for example 10.0.0.0/8 or 2001:db8::/32"))
    }

    /// The text of the file that a key names.
    pub(super) fn file(&self, key: &str) -> Result<Zeroizing<String>, ConfigError> {
        let text = std::fs::read_to_string(self.text(key)?);
        text.map(Zeroizing::new).map_err(|cause| self.refused(key, format!("names a file that cannot be read: {cause}")))
    }

    /// The secret in the file that a key names, without the end of its line.
    pub(super) fn secret_file(&self, key: &str) -> Result<Secret, ConfigError> {
        Ok(Secret::new(self.file(key)?.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// What names the store, unless it is a word.
    pub(super) fn database_url(&self) -> Option<&Secret> {
        self.0.database_url()
    }

    /// Where a key's value stands.
    pub(super) fn layer(&self, key: &str) -> &str {
        self.0.get(key).map(|setting| setting.layer.as_str()).unwrap_or_default()
    }

    /// The refusal of what a key is set to.
    pub(super) fn refused(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Value { key: key.to_owned(), layer: self.layer(key).to_owned(), problem: problem.into() }
    }

    fn setting(&self, key: &str) -> Result<&Setting, ConfigError> {
        // Every key that is read stands in the defaults, which a test makes sure of.
        self.0.get(key).ok_or_else(|| self.refused(key, "has no default"))
    }
}
