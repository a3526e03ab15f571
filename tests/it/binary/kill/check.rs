//! What must be true of every grant after a kill, whatever was in flight.

use crate::binary::kill::story::{Answer, Known, Story};
use crate::binary::server::Callers;

/// What a check does with a grant that lives.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Leaves it for the next round.
    GoOn,
    /// Ends it by presenting its code again.
    ReplayCode,
    /// Ends it by presenting a refresh token that is older than the one before the newest.
    ReuseToken,
    /// Ends it by asking.
    Revoke,
}

/// Asserts on one grant, and brings its story up to date.
pub async fn check(callers: &Callers, mut story: Story, then: Then) -> Story {
    let client = story.client.clone();
    match story.known {
        Known::Issued => {
            let tokens = client.redeem(callers, &story.code).await.done("an answered code is good for one redemption");
            story.keep(tokens);
        }
        Known::RedemptionInDoubt => match client.redeem(callers, &story.code).await {
            Answer::Done(tokens) => story.keep(tokens),
            Answer::Refused(_) => story.known = Known::Ended,
            Answer::Lost => panic!("a redemption was not answered"),
        },
        Known::RotationInDoubt => {
            let presented = story.newest().to_owned();
            let again = client.refresh(callers, &presented).await.done("a refresh whose answer was lost can be retried");
            story.keep(again);
            let third = client.refresh(callers, &presented).await.done("a retry can be lost too");
            assert_eq!(third.refresh_token, story.newest(), "one token has two successors");
        }
        Known::EndInDoubt => match client.refresh(callers, story.newest()).await {
            Answer::Done(tokens) => story.keep(tokens),
            Answer::Refused(_) => story.known = Known::Ended,
            Answer::Lost => panic!("a refresh was not answered"),
        },
        Known::Settled | Known::Ended => {}
    }
    if story.known == Known::Ended {
        ended(callers, &story).await;
        return story;
    }
    refresh(callers, &mut story).await;
    assert!(client.active(callers, &story.access_token).await, "a new access token is active");
    match then {
        Then::GoOn => return story,
        Then::ReplayCode => {
            client.redeem(callers, &story.code).await.refused("a code is good for only one redemption");
        }
        Then::ReuseToken => {
            while story.tokens.len() < 3 {
                refresh(callers, &mut story).await;
            }
            let older = &story.tokens[story.tokens.len() - 3];
            client.refresh(callers, older).await.refused("only the token before the newest may be retried");
        }
        Then::Revoke => client.revoke(callers, story.newest()).await.done("a grant can be revoked"),
    }
    story.known = Known::Ended;
    ended(callers, &story).await;
    story
}

async fn refresh(callers: &Callers, story: &mut Story) {
    let presented = story.newest().to_owned();
    let tokens = story.client.refresh(callers, &presented).await.done("the newest answered refresh token is good");
    story.keep(tokens);
    assert_ne!(story.newest(), presented, "a refresh token is rotated when it is used");
}

/// Nothing of an ended grant works.
pub async fn ended(callers: &Callers, story: &Story) {
    let client = &story.client;
    client.redeem(callers, &story.code).await.refused("the code of an ended grant is used");
    if let Some(newest) = story.tokens.last() {
        client.refresh(callers, newest).await.refused("the grant has ended");
        assert!(!client.active(callers, newest).await, "the grant has ended");
        assert!(!client.active(callers, &story.access_token).await, "the grant has ended");
    }
}
