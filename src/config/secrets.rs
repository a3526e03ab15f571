//! Supplied secrets: from a file, or from the environment with a warning; never from a setting.

use crate::config::Secrets;
use crate::config::environment::{ADMIN_TOKEN, EnvironmentSecrets, MASTER_KEY};
use crate::config::error::ConfigError;
use crate::config::reader::Reader;
use crate::keys::master_key::MasterKey;
use crate::types::secret::Secret;

/// The least characters of an admin token: 128 bits in hexadecimal.
const LEAST_CHARACTERS: usize = 32;

/// A secret that may be supplied.
struct Kind {
    key: &'static str,
    variable: &'static str,
    check: fn(&Secret) -> Result<(), &'static str>,
}

const ADMIN: Kind = Kind { key: "secrets.admin_token_file", variable: ADMIN_TOKEN, check: check_admin_token };
const MASTER: Kind = Kind { key: "secrets.master_key_file", variable: MASTER_KEY, check: check_master_key };

/// Takes each secret from the one place where it was supplied.
pub(super) fn read(reader: &Reader<'_>, given: EnvironmentSecrets, warnings: &mut Vec<String>) -> Result<Secrets, ConfigError> {
    Ok(Secrets {
        admin_token: one(reader, &ADMIN, given.admin_token, warnings)?,
        master_key: one(reader, &MASTER, given.master_key, warnings)?,
    })
}

fn one(
    reader: &Reader<'_>,
    kind: &Kind,
    value: Option<Secret>,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, ConfigError> {
    let Kind { key, variable, check } = kind;
    let path = reader.text(key)?;
    match (value, path.is_empty()) {
        (None, true) => Ok(None),
        (Some(_), false) => Err(reader.refused(key, format!("is set beside {variable}; leave one of them out"))),
        (None, false) => {
            let secret = reader.secret_file(key)?;
            check(&secret).map_err(|problem| reader.refused(key, format!("names a file that {problem}")))?;
            Ok(Some(secret))
        }
        (Some(secret), true) => {
            check(&secret).map_err(|problem| ConfigError::Value {
                key: (*variable).to_owned(),
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

/// What a header can carry and nobody can guess.
fn check_admin_token(secret: &Secret) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.len() < LEAST_CHARACTERS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must hold at least 32 printable characters without spaces, as openssl rand -hex 32 makes them");
    }
    Ok(())
}

fn check_master_key(secret: &Secret) -> Result<(), &'static str> {
    match MasterKey::parse(secret) {
        Ok(_) => Ok(()),
        Err(_) => Err("must hold 32 bytes in base64, as openssl rand -base64 32 makes them"),
    }
}
