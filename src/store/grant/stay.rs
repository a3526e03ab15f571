//! Using a refresh token that stays the same: only the end of its idle time moves.

use crate::store::grant::rotate::{Rotated, Rotation, rotate, usable, with_refresh};
use crate::store::grant::{Grant, RefreshState, Step};

/// The idle end is written when it moves by more seconds than this, so that not every use costs a flush.
const WORTH_WRITING: i64 = 60;

/// The step for the newest token of a grant; an older one is judged by [`rotate`], as ever.
#[must_use]
pub fn stay(grant: &Grant, rotation: &Rotation<'_>) -> Step<Rotated> {
    let (active, refresh) = match usable(grant, rotation) {
        Ok(usable) => usable,
        Err(outcome) => return Step::Keep(outcome),
    };
    if rotation.generation != refresh.generation {
        return rotate(grant, rotation);
    }
    if !refresh.head.matches(&rotation.presented) {
        return Step::Keep(Rotated::Missing);
    }
    let stayed = Rotated::Stayed(active.authorization.clone());
    let idle_end = rotation.now.seconds().plus(refresh.idle_lifetime).min(active.expires_at);
    // A short idle time must not pass while its end is not worth writing.
    if idle_end.since(refresh.idle_expires_at) <= WORTH_WRITING.min(refresh.idle_lifetime / 4) {
        return Step::Keep(stayed);
    }
    let moved = RefreshState { idle_expires_at: idle_end, ..refresh.clone() };
    Step::Swap(Box::new(with_refresh(grant, active, moved)), stayed)
}
