//! The load: callers that take grants from code to end, and note each answer.

use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::binary::kill::random::Random;
use crate::binary::kill::story::{Answer, Client, Known, Story};
use crate::binary::server::Callers;

/// How many operations were answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub registrations: usize,
    pub codes: usize,
    pub redemptions: usize,
    pub rotations: usize,
    pub replays: usize,
    pub revocations: usize,
    pub lost: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.registrations += other.registrations;
        self.codes += other.codes;
        self.redemptions += other.redemptions;
        self.rotations += other.rotations;
        self.replays += other.replays;
        self.revocations += other.revocations;
        self.lost += other.lost;
    }
}

impl Counts {
    pub fn answered(&self) -> usize {
        self.registrations + self.codes + self.redemptions + self.rotations + self.replays + self.revocations
    }
}

/// One caller, and what it was answered.
pub struct Worker {
    pub callers: Callers,
    pub random: Random,
    pub clients: Vec<Arc<Client>>,
    /// Grants of before the last kill, to go on with.
    pub inherited: Vec<Story>,
    pub registered: Vec<Arc<Client>>,
    pub stories: Vec<Story>,
    /// Access tokens whose revocation was answered while their grant went on.
    pub ended_tokens: Vec<(Arc<Client>, String)>,
    pub counts: Counts,
}

/// There was no answer, so the server is gone.
struct Gone;

impl Worker {
    /// Works until the server is gone, which it may be only when `killed` says so.
    pub async fn work(mut self, killed: Arc<AtomicBool>) -> Self {
        while self.one_grant().await.is_ok() {}
        assert!(killed.load(Ordering::SeqCst), "an answer was lost while the server was alive");
        self.counts.lost += 1;
        self.stories.append(&mut self.inherited);
        self
    }

    async fn one_grant(&mut self) -> Result<(), Gone> {
        if self.random.one_in(8) {
            let client = known(Client::register(&self.callers).await)?;
            self.counts.registrations += 1;
            self.clients.push(client.clone());
            self.registered.push(client);
        }
        let mut story = match self.inherited.pop() {
            Some(story) => story,
            None => {
                let client = self.clients[self.random.below(self.clients.len())].clone();
                let story = known(Story::begin(&self.callers, client).await)?;
                self.counts.codes += 1;
                story
            }
        };
        let outcome = self.live(&mut story).await;
        self.stories.push(story);
        outcome
    }

    async fn live(&mut self, story: &mut Story) -> Result<(), Gone> {
        if story.known == Known::Issued {
            if self.random.one_in(16) {
                return Ok(());
            }
            self.redeem(story).await?;
        }
        for _ in 0..self.random.below(7) {
            if story.known != Known::Settled {
                return Ok(());
            }
            self.rotate(story).await?;
        }
        if story.known == Known::Settled && self.random.one_in(4) {
            story.known = Known::EndInDoubt;
            known(story.client.revoke(&self.callers, story.newest()).await)?;
            self.counts.revocations += 1;
            story.known = Known::Ended;
        } else if story.known == Known::Settled && self.random.one_in(8) {
            known(story.client.revoke(&self.callers, &story.access_token).await)?;
            self.counts.revocations += 1;
            self.ended_tokens.push((story.client.clone(), story.access_token.clone()));
        }
        Ok(())
    }

    async fn redeem(&mut self, story: &mut Story) -> Result<(), Gone> {
        story.known = Known::RedemptionInDoubt;
        if !self.random.one_in(8) {
            let tokens = known(story.client.redeem(&self.callers, &story.code).await)?;
            self.counts.redemptions += 1;
            story.keep(tokens);
            return Ok(());
        }
        let (client, callers) = (&story.client, &self.callers);
        let both = tokio::join!(client.redeem(callers, &story.code), client.redeem(callers, &story.code));
        match both {
            (Answer::Done(_), Answer::Done(_)) => panic!("a code was redeemed twice at one time"),
            (Answer::Refused(_), Answer::Refused(_)) => panic!("nobody got the tokens of a code"),
            (Answer::Done(tokens), Answer::Refused(_)) | (Answer::Refused(_), Answer::Done(tokens)) => {
                self.counts.redemptions += 1;
                self.counts.replays += 1;
                story.keep(tokens);
                story.known = Known::Ended;
                Ok(())
            }
            (Answer::Done(tokens), Answer::Lost) | (Answer::Lost, Answer::Done(tokens)) => {
                self.counts.redemptions += 1;
                story.keep(tokens);
                story.known = Known::EndInDoubt;
                Err(Gone)
            }
            (Answer::Refused(_), Answer::Lost) | (Answer::Lost, Answer::Refused(_)) => {
                self.counts.replays += 1;
                story.known = Known::Ended;
                Err(Gone)
            }
            (Answer::Lost, Answer::Lost) => Err(Gone),
        }
    }

    async fn rotate(&mut self, story: &mut Story) -> Result<(), Gone> {
        story.known = Known::RotationInDoubt;
        let presented = story.newest();
        if !self.random.one_in(8) {
            let tokens = known(story.client.refresh(&self.callers, presented).await)?;
            self.counts.rotations += 1;
            story.keep(tokens);
            return Ok(());
        }
        let (client, callers) = (&story.client, &self.callers);
        match tokio::join!(client.refresh(callers, presented), client.refresh(callers, presented)) {
            (Answer::Done(one), Answer::Done(other)) => {
                assert_eq!(one.refresh_token, other.refresh_token, "one token has two successors");
                self.counts.rotations += 2;
                story.keep(other);
                Ok(())
            }
            (Answer::Done(tokens), Answer::Lost) | (Answer::Lost, Answer::Done(tokens)) => {
                self.counts.rotations += 1;
                story.keep(tokens);
                Err(Gone)
            }
            (Answer::Lost, Answer::Lost) => Err(Gone),
            (Answer::Refused(sentence), _) | (_, Answer::Refused(sentence)) => {
                panic!("the newest refresh token was refused: {sentence}")
            }
        }
    }
}

fn known<T>(answer: Answer<T>) -> Result<T, Gone> {
    match answer {
        Answer::Done(value) => Ok(value),
        Answer::Lost => Err(Gone),
        Answer::Refused(sentence) => panic!("a good request was refused: {sentence}"),
    }
}
