//! The environment: which variable means which key.

use std::ffi::OsString;

use crate::config::error::{ConfigError, nearest};
use crate::config::layers::Layers;
use crate::types::secret::Secret;

const PREFIX: &str = "JETON_";

/// The well-known short names; every other key is `JETON_SECTION__KEY`.
const SHORT: &[(&str, &str)] = &[
    ("JETON_ADMIN_ADDR", "listen.admin"),
    ("JETON_ADMIN_TOKEN_FILE", "secrets.admin_token_file"),
    ("JETON_GRPC_ADDR", "listen.grpc"),
    ("JETON_HTTP_ADDR", "listen.http"),
    ("JETON_MASTER_KEY_FILE", "secrets.master_key_file"),
    ("JETON_OPS_ADDR", "listen.ops"),
    ("JETON_STORE", "store.kind"),
];

/// The variables that hold a secret itself, and so have no key.
pub(super) const ADMIN_TOKEN: &str = "JETON_ADMIN_TOKEN";
pub(super) const MASTER_KEY: &str = "JETON_MASTER_KEY";

/// The secrets that stand in the environment itself.
#[derive(Default)]
pub(super) struct EnvironmentSecrets {
    pub(super) admin_token: Option<Secret>,
    pub(super) master_key: Option<Secret>,
}

/// Lays the `JETON_` variables over what is there, and takes the secrets out.
pub(super) fn lay(layers: &mut Layers, variables: &[(OsString, OsString)]) -> Result<EnvironmentSecrets, ConfigError> {
    let names: Vec<(String, String)> = layers.keys().flat_map(names_of).collect();
    let mut secrets = EnvironmentSecrets::default();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !service_link(name)) else {
            continue;
        };
        let layer = format!("environment {name}");
        let value = value.to_str().ok_or_else(|| refused(name, "is not UTF-8"))?;
        match name {
            ADMIN_TOKEN => secrets.admin_token = Some(Secret::new(value.to_owned())),
            MASTER_KEY => secrets.master_key = Some(Secret::new(value.to_owned())),
            name => {
                let (_, key) = names.iter().find(|(known, _)| known == name).ok_or_else(|| unknown(name, &names))?;
                if let Some((_, other)) = seen.iter().find(|(before, _)| before == key) {
                    return Err(refused(name, &format!("says the same as {other}; leave one of them out")));
                }
                seen.push((key, name));
                layers.set(key, value, layer)?;
            }
        }
    }
    Ok(secrets)
}

/// The variables that mean a key: the short name, when it has one, and the regular one.
pub(super) fn names_of(key: &str) -> impl Iterator<Item = (String, String)> {
    let short = SHORT.iter().find(|(_, short_key)| *short_key == key).map(|(name, _)| (*name).to_owned());
    let regular = format!("{PREFIX}{}", key.replace('.', "__").to_uppercase());
    let key = key.to_owned();
    short.into_iter().chain([regular]).map(move |name| (name, key.clone()))
}

/// Whether Kubernetes made the variable: a Service named `jeton` or `jeton-grpc` gives every container
/// of its namespace `JETON_SERVICE_HOST`, `JETON_GRPC_PORT_50051_TCP_ADDR` and so on.
fn service_link(name: &str) -> bool {
    let port = name.rsplit_once("_PORT").is_some_and(|(_, rest)| {
        rest.is_empty()
            || rest.strip_prefix('_').is_some_and(|rest| {
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let protocol = rest.get(digits..).unwrap_or_default();
                digits > 0 && ["_TCP", "_UDP", "_SCTP"].iter().any(|known| protocol.starts_with(known))
            })
    });
    port || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

fn refused(name: &str, problem: &str) -> ConfigError {
    ConfigError::Value { key: name.to_owned(), layer: "environment".to_owned(), problem: problem.to_owned() }
}

fn unknown(name: &str, names: &[(String, String)]) -> ConfigError {
    let known = names.iter().map(|(name, _)| name.as_str()).chain([ADMIN_TOKEN, MASTER_KEY]);
    ConfigError::UnknownVariable { name: name.to_owned(), nearest: nearest(name, known) }
}

#[cfg(test)]
mod tests {
    use super::service_link;

    #[test]
    fn variables_that_kubernetes_makes_are_not_settings() {
        for name in [
            "JETON_SERVICE_HOST",
            "JETON_SERVICE_PORT",
            "JETON_SERVICE_PORT_HTTP",
            "JETON_PORT",
            "JETON_PORT_8080_TCP",
            "JETON_GRPC_PORT_50051_TCP_ADDR",
        ] {
            assert!(service_link(name), "{name}");
        }
        for name in ["JETON_ISSUER", "JETON_HTTP_ADDR", "JETON_PORTS", "JETON_PORT_X", "JETON_LIFETIMES__CODE_SECONDS"] {
            assert!(!service_link(name), "{name}");
        }
    }
}
