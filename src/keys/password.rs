//! Passwords as they are kept: argon2id (RFC 9106), with a pepper that only the server has.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::keys::data_keys::DataKeys;
use crate::types::entropy::{Entropy, NoEntropy};
use crate::types::ids::{Subject, WorkspaceId};
use crate::types::secret::Secret;

/// KiB of memory of one hash: with [`PASSES`] the least that OWASP's password storage cheat sheet names.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// No longer password is looked at.
pub const MOST_BYTES: usize = 1024;

/// Why a password could not be hashed or compared: a damaged record, or no memory.
#[derive(Debug, thiserror::Error)]
#[error("argon2: {0}")]
pub struct CannotHash(String);

impl CannotHash {
    fn new(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

/// Random bytes that make equal passwords differ.
pub struct Salt([u8; 16]);

impl Salt {
    /// A new one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        entropy.array().map(Self)
    }
}

/// What a person's passwords are hashed with.  It is bound to the person, so that the record of one cannot be
/// put in the place of another's.
pub struct Pepper(zeroize::Zeroizing<[u8; 32]>);

impl DataKeys {
    /// The pepper of a person's passwords.
    #[must_use]
    pub fn pepper(&self, workspace: WorkspaceId, subject: &Subject) -> Pepper {
        Pepper(self.derive(&[b"password", &workspace.0, subject.as_str().as_bytes()]))
    }
}

/// The PHC string of a new password.  Takes a core for tens of milliseconds.
///
/// # Errors
/// Without memory.
pub fn hash(password: &Secret, salt: &Salt, pepper: &Pepper) -> Result<Secret, CannotHash> {
    let hash: Phc =
        argon2(pepper)?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt.0).map_err(CannotHash::new)?;
    Ok(Secret::new(hash.to_string()))
}

/// Whether a password is the one that a PHC string was made of.  As expensive as [`hash`].
///
/// # Errors
/// When the string is none of argon2, and without memory.
pub fn verify(password: &Secret, phc: &Secret, pepper: &Pepper) -> Result<bool, CannotHash> {
    let kept = Phc::new(phc.expose_secret()).map_err(CannotHash::new)?;
    match argon2(pepper)?.verify_password(password.expose_secret().as_bytes(), &kept) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(cause) => Err(CannotHash::new(cause)),
    }
}

/// Whether a PHC string was made with today's parameters.
#[must_use]
pub fn up_to_date(phc: &Secret) -> bool {
    let Ok(kept) = Phc::new(phc.expose_secret()) else { return false };
    let same = |params: Params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES);
    kept.algorithm == Algorithm::Argon2id.ident()
        && kept.version == Some(Version::V0x13.into())
        && Params::try_from(&kept).is_ok_and(same)
}

fn argon2(pepper: &Pepper) -> Result<Argon2<'_>, CannotHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(CannotHash::new)?;
    Argon2::new_with_secret(&*pepper.0, Algorithm::Argon2id, Version::V0x13, params).map_err(CannotHash::new)
}

/// A hash as a release with weaker parameters would have made it.
#[cfg(test)]
pub(crate) fn hash_with_half_the_memory(password: &Secret, salt: &Salt, pepper: &Pepper) -> Result<Secret, CannotHash> {
    let params = Params::new(MEMORY_KIB / 2, PASSES, LANES, None).map_err(CannotHash::new)?;
    let argon2 = Argon2::new_with_secret(&*pepper.0, Algorithm::Argon2id, Version::V0x13, params).map_err(CannotHash::new)?;
    let hash: Phc = argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt.0).map_err(CannotHash::new)?;
    Ok(Secret::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::entropy::SeededEntropy;

    const WORKSPACE: WorkspaceId = WorkspaceId([7; 16]);

    fn keys(id: u8) -> DataKeys {
        DataKeys::generate(id, &SeededEntropy::new(id.into())).unwrap()
    }

    fn subject(name: &str) -> Subject {
        Subject::parse(name).unwrap()
    }

    fn hashed(keys: &DataKeys, name: &str) -> Secret {
        let salt = Salt::generate(&SeededEntropy::new(9)).unwrap();
        hash(&Secret::new("correct horse".to_owned()), &salt, &keys.pepper(WORKSPACE, &subject(name))).unwrap()
    }

    #[test]
    fn a_hash_is_of_one_password_one_person_and_one_data_key() {
        let phc = hashed(&keys(1), "alice");
        let good = Secret::new("correct horse".to_owned());
        let check = |password: &Secret, keys: &DataKeys, workspace, name: &str| {
            verify(password, &phc, &keys.pepper(workspace, &subject(name))).unwrap()
        };
        assert!(check(&good, &keys(1), WORKSPACE, "alice"));
        assert!(!check(&Secret::new("correct hors".to_owned()), &keys(1), WORKSPACE, "alice"));
        assert!(!check(&good, &keys(1), WORKSPACE, "bob"));
        assert!(!check(&good, &keys(1), WorkspaceId([8; 16]), "alice"));
        assert!(!check(&good, &keys(2), WORKSPACE, "alice"));
    }

    /// OWASP password storage: argon2id with 19 MiB, two passes and one lane.
    #[test]
    fn a_hash_says_how_it_was_made_and_is_renewed_when_that_is_old() {
        let phc = hashed(&keys(1), "alice");
        assert!(phc.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(up_to_date(&phc));
        let older = phc.expose_secret().replace("m=19456", "m=9216");
        assert!(!up_to_date(&Secret::new(older)));
        assert!(!up_to_date(&Secret::new("$2b$12$nonsense".to_owned())));
    }
}
