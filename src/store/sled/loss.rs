//! What follows from an accepted loss: whatever was used up in what is missing looks unused again.

use crate::store::StoreError;
use crate::store::codec::{self, Record};
use crate::store::grant::revoke::revoked;
use crate::store::grant::{Grant, State};
use crate::types::time::UnixSeconds;

/// Drops grants that are not redeemed yet, since their codes may have been, and revokes those with
/// refresh tokens, since these may have been rotated.  People sign in again: they may have signed out.
pub fn accept(grants: &::sled::Tree, sessions: &::sled::Tree, now: UnixSeconds) -> Result<(), StoreError> {
    let unwritable = |error: ::sled::Error| StoreError::Refused(format!("the store cannot be written: {error}"));
    sessions.clear().map_err(unwritable)?;
    let mut dropped = 0_usize;
    let mut ended = 0_usize;
    for entry in grants {
        let (key, bytes) = entry.map_err(|_| codec::damaged(Grant::TREE, &[]))?;
        let grant: Grant = codec::decode(&key, &bytes)?;
        let written = match &grant.state {
            State::Requested(_) | State::Decided(_) | State::CodeIssued(_) => {
                dropped += 1;
                grants.remove(&key)
            }
            State::Active(active) if active.refresh.is_some() => {
                ended += 1;
                let grant = revoked(&grant, now, "the store lost a part of what it had acknowledged");
                grants.insert(&key, codec::encode(&key, &grant)?)
            }
            State::Active(_) | State::Revoked(_) => continue,
        };
        written.map_err(unwritable)?;
    }
    tracing::warn!(dropped, ended, "the loss was accepted: unfinished grants are gone, those with refresh tokens are revoked");
    Ok(())
}
