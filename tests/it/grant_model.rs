//! A grant against a model: whatever a client does with its refresh tokens, one line of them lives.

use jeton::store::grant::revoke::revoke;
use jeton::store::grant::rotate::{MAX_RETRIES, Rotated, Rotation, rotate};
use jeton::store::grant::{Active, Authorization, Grant, RefreshState, State, Step};
use jeton::types::entropy::SeededEntropy;
use jeton::types::ids::{ClientId, Subject};
use jeton::types::scope::Scope;
use jeton::types::secret::SecretDigest;
use jeton::types::time::{UnixMillis, UnixSeconds};
use proptest::prelude::*;

const WINDOW: i64 = 30;

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

proptest! {
    /// Threats B1, B2 and B9.
    #[test]
    fn one_line_of_refresh_tokens_lives(acts in acts()) {
        let client = ClientId::generate(&SeededEntropy::new(1)).unwrap();
        let mut grant = fresh(&client);
        let mut model = Model { head: 0, made_at: 0, retries: 0, ended: false };
        let mut now = 0;
        for act in acts {
            let generation = match act {
                Act::Wait(millis) => { now += millis; continue; }
                Act::Revoke => {
                    if let Step::Swap(next, ()) = revoke(&grant, UnixSeconds(now / 1000), "asked") { grant = *next; }
                    model.ended = true;
                    continue;
                }
                Act::Present(age) => model.head.saturating_sub(age),
            };
            let sealed = [u8::try_from(generation).unwrap() + 1];
            let rotation = Rotation {
                client: &client, generation, presented: digest(generation), next: digest(generation + 1), sealed_next: &sealed,
                scope: None, retry_window: WINDOW, now: UnixMillis(now),
            };
            let (next, outcome) = match rotate(&grant, &rotation) {
                Step::Keep(outcome) => (None, outcome),
                Step::Swap(next, outcome) => (Some(*next), outcome),
            };
            match (model.expects(generation, now), outcome) {
                ("rotated", Rotated::Rotated(_)) => model = Model { head: generation + 1, made_at: now, retries: 0, ended: false },
                // The same successor again: the one that the head's digest is of.
                ("retried", Rotated::Retried(_, successor)) => { prop_assert_eq!(successor, vec![u8::try_from(model.head).unwrap()]); model.retries += 1; }
                ("reused", Rotated::Reused) => model.ended = true,
                ("revoked", Rotated::Revoked) => {}
                (expected, outcome) => prop_assert!(false, "expected {}, got {:?}", expected, outcome),
            }
            if let Some(next) = next { grant = next; }
            prop_assert_eq!(matches!(grant.state, State::Revoked(_)), model.ended);
        }
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
