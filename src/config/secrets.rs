//! Supplied secrets: from a file, or from the environment with a warning; never from a setting.

use std::path::Path;

use crate::config::Secrets;
use crate::config::environment::{ADMIN_TOKEN, EnvironmentSecrets, MASTER_KEY};
use crate::config::error::ConfigError;
use crate::config::reader::Reader;
use crate::types::secret::Secret;

/// The least characters of a supplied secret: 128 bits in hexadecimal.
const LEAST_CHARACTERS: usize = 32;

/// Takes each secret from the one place where it was supplied.
pub(super) fn read(reader: &Reader<'_>, given: EnvironmentSecrets, warnings: &mut Vec<String>) -> Result<Secrets, ConfigError> {
    Ok(Secrets {
        admin_token: one(reader, "secrets.admin_token_file", ADMIN_TOKEN, given.admin_token, warnings)?,
        master_key: one(reader, "secrets.master_key_file", MASTER_KEY, given.master_key, warnings)?,
    })
}

fn one(
    reader: &Reader<'_>,
    key: &str,
    variable: &str,
    value: Option<Secret>,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, ConfigError> {
    let path = reader.text(key)?;
    match (value, path.is_empty()) {
        (None, true) => Ok(None),
        (Some(_), false) => Err(reader.refused(key, format!("is set beside {variable}; leave one of them out"))),
        (None, false) => {
            let text = std::fs::read_to_string(Path::new(path))
                .map_err(|cause| reader.refused(key, format!("names a file that cannot be read: {cause}")))?;
            let secret = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
            drop(Secret::new(text));
            check(&secret).map_err(|problem| reader.refused(key, format!("names a file whose secret {problem}")))?;
            Ok(Some(secret))
        }
        (Some(secret), true) => {
            check(&secret).map_err(|problem| ConfigError::Value {
                key: variable.to_owned(),
                layer: "environment".to_owned(),
                problem: problem.to_owned(),
            })?;
            warnings.push(format!(
                "{variable} holds a secret that other processes of this user can read; a file named by {variable}_FILE is safer"
            ));
            Ok(Some(secret))
        }
    }
}

/// What a header and a file can carry, and nobody can guess.
fn check(secret: &Secret) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.len() < LEAST_CHARACTERS {
        return Err("must have at least 32 characters, for example those of: openssl rand -hex 32");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be of printable ASCII characters without spaces");
    }
    Ok(())
}
