//! A grant against a model: whatever a client does with its refresh tokens, one line of them lives.

use std::cell::Cell;

use jeton::store::grant::revoke::revoke;
use jeton::store::grant::rotate::{MAX_RETRIES, Rotated, Rotation, rotate};
use jeton::store::grant::{Active, Authorization, Grant, RefreshState, State, Step, transition};
use jeton::store::postgres::{PostgresOptions, PostgresStore};
use jeton::store::sled::{SledOptions, SledStore};
use jeton::store::{Store, Versioned};
use jeton::types::entropy::SeededEntropy;
use jeton::types::ids::{ClientId, GrantId, Subject, WorkspaceId};
use jeton::types::scope::Scope;
use jeton::types::secret::{Secret, SecretDigest};
use jeton::types::time::{UnixMillis, UnixSeconds};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::postgres::migrated;

const WINDOW: i64 = 30;
const WORKSPACE: WorkspaceId = WorkspaceId([7; 16]);

#[derive(Clone, Debug)]
enum Act {
    /// Presents the token that is so many rotations old.
    Present(u32),
    Wait(i64),
    Revoke,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0_u32..3).prop_map(Act::Present),
        3 => (0_i64..40_000).prop_map(Act::Wait),
        1 => Just(Act::Revoke),
    ];
    prop::collection::vec(act, 1..40)
}

fn digest(generation: u32) -> SecretDigest {
    SecretDigest([u8::try_from(generation).unwrap(); 32])
}

fn fresh(client: &ClientId) -> Grant {
    let authorization = Authorization {
        subject: Subject::parse("alice").unwrap(),
        scope: Scope::parse("read").unwrap(),
        auth_time: Some(UnixSeconds(0)),
    };
    let refresh = RefreshState {
        generation: 0,
        head: digest(0),
        idle_expires_at: UnixSeconds(1 << 40),
        idle_lifetime: 1 << 40,
        previous: None,
    };
    Grant {
        client: client.clone(),
        created_at: UnixMillis(0),
        state: State::Active(Active {
            authorization,
            code: SecretDigest([255; 32]),
            attempt: [0; 16],
            expires_at: UnixSeconds(1 << 41),
            refresh: Some(refresh),
        }),
    }
}

/// What the model knows: the head, when it was made, how often the one before was retried.
struct Model {
    head: u32,
    made_at: i64,
    retries: u32,
    ended: bool,
}

impl Model {
    /// RFC 9700 section 4.14.2, and the retry of a lost answer.
    fn expects(&self, presented: u32, now: i64) -> &'static str {
        let retryable = presented + 1 == self.head && now < self.made_at + WINDOW * 1000 && self.retries < MAX_RETRIES;
        match presented {
            _ if self.ended => "revoked",
            presented if presented == self.head => "rotated",
            _ if retryable => "retried",
            _ => "reused",
        }
    }
}

/// Where the grant is.
trait Place {
    /// Takes a step of it.
    fn step<T>(&mut self, step: impl FnMut(&Grant) -> Step<T> + Send) -> T;
    /// What it is now.
    fn grant(&mut self) -> Grant;
}

/// The steps alone.
struct Memory(Grant);

impl Place for Memory {
    fn step<T>(&mut self, mut step: impl FnMut(&Grant) -> Step<T> + Send) -> T {
        match step(&self.0) {
            Step::Keep(outcome) => outcome,
            Step::Swap(next, outcome) => {
                self.0 = *next;
                outcome
            }
        }
    }

    fn grant(&mut self) -> Grant {
        self.0.clone()
    }
}

/// A store that keeps the grant between the steps.
struct Stored<'a> {
    runtime: &'a Runtime,
    store: &'a dyn Store,
    id: GrantId,
}

impl Stored<'_> {
    fn load(&self) -> Versioned<Grant> {
        self.runtime.block_on(self.store.grant(WORKSPACE, self.id)).unwrap().unwrap()
    }
}

impl Place for Stored<'_> {
    fn step<T>(&mut self, step: impl FnMut(&Grant) -> Step<T> + Send) -> T {
        let taken = transition(self.store, WORKSPACE, self.id, self.load(), step);
        self.runtime.block_on(taken).unwrap().unwrap()
    }

    fn grant(&mut self) -> Grant {
        self.load().record
    }
}

/// Takes the steps, and holds what they answer against the model.
fn follow(acts: Vec<Act>, client: &ClientId, place: &mut impl Place) -> Result<(), TestCaseError> {
    let mut model = Model { head: 0, made_at: 0, retries: 0, ended: false };
    let mut now = 0;
    for act in acts {
        let generation = match act {
            Act::Wait(millis) => {
                now += millis;
                continue;
            }
            Act::Revoke => {
                place.step(|grant| revoke(grant, UnixSeconds(now / 1000), "asked"));
                model.ended = true;
                continue;
            }
            Act::Present(age) => model.head.saturating_sub(age),
        };
        let sealed = [u8::try_from(generation).unwrap() + 1];
        let rotation = Rotation {
            client,
            generation,
            presented: digest(generation),
            next: digest(generation + 1),
            sealed_next: &sealed,
            scope: None,
            retry_window: WINDOW,
            now: UnixMillis(now),
        };
        match (model.expects(generation, now), place.step(|grant| rotate(grant, &rotation))) {
            ("rotated", Rotated::Rotated(_)) => model = Model { head: generation + 1, made_at: now, retries: 0, ended: false },
            // The same successor again: the one that the head's digest is of.
            ("retried", Rotated::Retried(_, successor)) => {
                prop_assert_eq!(successor, vec![u8::try_from(model.head).unwrap()]);
                model.retries += 1;
            }
            ("reused", Rotated::Reused) => model.ended = true,
            ("revoked", Rotated::Revoked) => {}
            (expected, outcome) => prop_assert!(false, "expected {}, got {:?}", expected, outcome),
        }
        prop_assert_eq!(matches!(place.grant().state, State::Revoked(_)), model.ended);
    }
    Ok(())
}

/// The same on a store, which forgets nothing between the steps and adds nothing.
fn follow_on(runtime: &Runtime, store: &dyn Store) {
    let client = ClientId::generate(&SeededEntropy::new(1)).unwrap();
    let numbers = Cell::new(0);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(48) });
    let outcome = runner.run(&acts(), |acts| {
        numbers.set(numbers.get() + 1);
        let id = GrantId::generate(UnixMillis(0), &SeededEntropy::new(numbers.get())).unwrap();
        assert!(runtime.block_on(store.insert_grant(WORKSPACE, id, &fresh(&client))).unwrap());
        follow(acts, &client, &mut Stored { runtime, store, id })
    });
    outcome.unwrap();
    assert!(numbers.get() >= 48);
}

#[test]
fn one_line_of_refresh_tokens_lives_on_the_embedded_store() {
    let dir = TempDir::new().unwrap();
    let store = SledStore::open(SledOptions { min_free_bytes: 0, ..SledOptions::new(dir.path()) }).unwrap();
    follow_on(&Runtime::new().unwrap(), &store);
}

#[test]
fn one_line_of_refresh_tokens_lives_on_the_shared_store() {
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let url = Secret::new(migrated().await.url());
        PostgresStore::open(PostgresOptions::new(url)).await.unwrap()
    });
    follow_on(&runtime, &store);
}

proptest! {
    /// Threats B1, B2 and B9.
    #[test]
    fn one_line_of_refresh_tokens_lives(acts in acts()) {
        let client = ClientId::generate(&SeededEntropy::new(1)).unwrap();
        follow(acts, &client, &mut Memory(fresh(&client)))?;
    }

    /// Another client's request changes nothing, whatever it presents (threat A1).
    #[test]
    fn another_client_changes_nothing(generation in 0_u32..5) {
        let [owner, other] = [1, 2].map(|seed| ClientId::generate(&SeededEntropy::new(seed)).unwrap());
        let rotation = Rotation {
            client: &other, generation, presented: digest(generation), next: digest(9), sealed_next: &[], scope: None,
            retry_window: WINDOW, now: UnixMillis(0),
        };
        let step = rotate(&fresh(&owner), &rotation);
        prop_assert!(matches!(step, Step::Keep(Rotated::Missing)));
    }
}
