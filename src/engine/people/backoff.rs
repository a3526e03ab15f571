//! Waiting after failures, for each username and each address, in bounded memory (threat K2).
//!
//! An attempt is booked before the password is looked at, so that guesses in parallel are not free, and taken
//! back when it succeeds.  Nobody's success takes back a failure, so that an account of one's own resets nothing.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;

use crate::types::secret::SecretDigest;
use crate::types::time::UnixMillis;

/// How many usernames and how many addresses are remembered; the least used are forgotten first.
const REMEMBERED: usize = 16_384;

/// How failures are answered.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// So many failures cost nothing; after the next one the wait is a second, and doubles with each more.
    free: u32,
    /// The longest wait, in seconds.
    longest: i64,
    /// Each time that so many seconds pass after a wait, one failure is forgiven.
    forgiven_after: i64,
}

const USER: Rule = Rule { free: 5, longest: 300, forgiven_after: 300 };
/// Forgiven sooner: many people may share an address.
const ADDRESS: Rule = Rule { free: 20, longest: 900, forgiven_after: 60 };

/// So many doublings reach every longest wait: more failures are not counted, or none would ever be forgiven.
const DOUBLINGS: u32 = 10;

/// What is remembered of one username or address.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    failures: u32,
    /// From when on nothing has been forgiven yet.
    reckoned: UnixMillis,
    /// No attempt before.
    not_before: UnixMillis,
}

impl Counter {
    fn forgive(&mut self, rule: Rule, now: UnixMillis) {
        let passed = now.0.saturating_sub(self.reckoned.0).max(0);
        let forgiven = passed.checked_div(rule.forgiven_after.saturating_mul(1000)).unwrap_or(0);
        let left = i64::from(self.failures).saturating_sub(forgiven).max(0);
        self.failures = left.try_into().unwrap_or(0);
        self.reckoned = match left {
            0 => self.reckoned.max(now),
            _ => self.reckoned.plus_seconds(forgiven.saturating_mul(rule.forgiven_after)),
        };
    }

    /// Seconds to wait; 0 for none.
    fn wait(&self, rule: Rule, now: UnixMillis) -> u64 {
        let millis = self.not_before.0.saturating_sub(now.0).max(0);
        // A clock that was set back makes nobody wait longer than the rule says.
        millis.unsigned_abs().div_ceil(1000).min(rule.longest.unsigned_abs())
    }

    fn book(&mut self, rule: Rule, now: UnixMillis) {
        let beyond = self.failures.saturating_sub(rule.free).min(DOUBLINGS);
        let priced = self.failures >= rule.free;
        self.failures = self.failures.saturating_add(1).min(rule.free.saturating_add(DOUBLINGS).saturating_add(1));
        if priced {
            let delay = 1_i64.checked_shl(beyond).unwrap_or(i64::MAX).min(rule.longest);
            self.not_before = now.plus_seconds(delay);
            self.reckoned = self.not_before;
        }
    }
}

type Key = [u8; 16];
type Counters = Cache<Key, Arc<Mutex<Counter>>>;

/// Who failed lately.
pub struct Backoff {
    users: Counters,
    addresses: Counters,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { users: Cache::new(REMEMBERED), addresses: Cache::new(REMEMBERED) }
    }
}

/// An attempt that was booked as a failure.
#[must_use]
pub struct Attempt(Vec<Booking>);

struct Booking {
    counter: Arc<Mutex<Counter>>,
    before: Counter,
    booked: Counter,
}

impl Backoff {
    /// Books an attempt for a username, by its digest, and an address.
    ///
    /// # Errors
    /// The seconds to wait first; then nothing is booked.
    pub fn book(&self, user: &SecretDigest, address: Option<IpAddr>, now: UnixMillis) -> Result<Attempt, u64> {
        let [.., user] = user.0.as_chunks::<16>().0 else { return Err(1) };
        let mut attempt = Attempt(Vec::with_capacity(2));
        let mut asked = vec![(&self.users, *user, USER)];
        asked.extend(address.map(|address| (&self.addresses, network(address), ADDRESS)));
        let mut longest = 0;
        for (counters, key, rule) in asked {
            let found = counters.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
            let counter = match found {
                Ok(counter) => counter,
                Err(never) => match never {},
            };
            let mut held = counter.lock().unwrap_or_else(PoisonError::into_inner);
            held.forgive(rule, now);
            let wait = held.wait(rule, now);
            if wait > 0 {
                longest = longest.max(wait);
                continue;
            }
            let before = *held;
            held.book(rule, now);
            let booked = *held;
            drop(held);
            attempt.0.push(Booking { counter, before, booked });
        }
        if longest == 0 {
            return Ok(attempt);
        }
        attempt.take_back();
        Err(longest)
    }
}

impl Attempt {
    /// The attempt was no failure: it succeeded, or the password was not looked at.
    pub fn take_back(self) {
        for Booking { counter, before, booked } in self.0 {
            let mut held = counter.lock().unwrap_or_else(PoisonError::into_inner);
            held.failures = held.failures.saturating_sub(1);
            // A later attempt may have prolonged the wait, and stays booked.
            if held.not_before == booked.not_before {
                (held.not_before, held.reckoned) = (before.not_before, before.reckoned);
            }
        }
    }
}

/// Of an IPv6 address the network: a single host has more of them than could be remembered.
fn network(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u8) -> SecretDigest {
        SecretDigest([number; 32])
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(1_700_000_000_000).plus_seconds(seconds)
    }

    /// Fails as soon as it may, and answers the waits.
    fn waits(attempts: usize, mut book: impl FnMut(UnixMillis) -> Result<Attempt, u64>) -> Vec<u64> {
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..attempts {
            let mut waited = 0;
            while let Err(seconds) = book(now) {
                waited += seconds;
                now = now.plus_seconds(seconds.try_into().unwrap());
            }
            waits.push(waited);
        }
        waits
    }

    #[test]
    fn waits_of_a_user_double_up_to_five_minutes() {
        let backoff = Backoff::default();
        let waited = waits(18, |now| backoff.book(&user(1), None, now).map(|_| Attempt(Vec::new())));
        assert_eq!(waited, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn waits_of_an_address_begin_later_and_reach_fifteen_minutes() {
        let backoff = Backoff::default();
        let mut number = 0;
        let waited = waits(34, |now| {
            number += 1;
            backoff.book(&user(number), Some([192, 0, 2, 1].into()), now)
        });
        assert!(waited[..21].iter().all(|wait| *wait == 0), "{waited:?}");
        assert_eq!(waited[21..], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900], "{waited:?}");
    }

    #[test]
    fn failures_are_forgiven_one_by_one_when_the_wait_is_over() {
        let backoff = Backoff::default();
        let fail = |seconds| backoff.book(&user(1), None, at(seconds)).map(|_| ());
        for _ in 0..6 {
            fail(0).unwrap();
        }
        assert_eq!(fail(0), Err(1), "six failures cost a second");
        assert_eq!(fail(300), Ok(()), "299 seconds after the wait nothing is forgiven");
        assert_eq!(fail(300), Err(2));
        assert_eq!(fail(302 + 300), Ok(()), "one is forgiven");
        assert_eq!(fail(302 + 300), Err(2));
        assert_eq!(fail(604 + 300 * 7), Ok(()), "all are forgiven");
        for _ in 1..6 {
            assert_eq!(fail(604 + 300 * 7), Ok(()));
        }
        assert_eq!(fail(604 + 300 * 7), Err(1));
    }

    #[test]
    fn an_attempt_is_a_failure_until_it_is_taken_back() {
        let backoff = Backoff::default();
        let mut attempts: Vec<Attempt> =
            (0..6).map(|_| backoff.book(&user(1), None, at(0)).unwrap_or_else(|_| panic!())).collect();
        assert_eq!(backoff.book(&user(1), None, at(0)).err(), Some(1), "six at once are not free");
        attempts.pop().unwrap().take_back();
        assert!(backoff.book(&user(1), None, at(0)).is_ok());
    }

    #[test]
    fn a_refused_attempt_books_nothing_anywhere() {
        let backoff = Backoff::default();
        let address = Some([192, 0, 2, 1].into());
        for _ in 0..6 {
            let _ = backoff.book(&user(1), address, at(0)).unwrap_or_else(|_| panic!());
        }
        for _ in 0..100 {
            assert_eq!(backoff.book(&user(1), address, at(0)).err(), Some(1));
        }
        for number in 2..16 {
            assert!(backoff.book(&user(number), address, at(0)).is_ok(), "{number}");
        }
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        assert_eq!(network("2001:db8:1:2::1".parse().unwrap()), network("2001:db8:1:2:ffff::2".parse().unwrap()));
        assert_ne!(network("2001:db8:1:2::1".parse().unwrap()), network("2001:db8:1:3::1".parse().unwrap()));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), network("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_ever() {
        let backoff = Backoff::default();
        for _ in 0..6 {
            let _ = backoff.book(&user(1), None, at(1_000_000)).unwrap_or_else(|_| panic!());
        }
        assert_eq!(backoff.book(&user(1), None, at(0)).err(), Some(300));
    }
}
