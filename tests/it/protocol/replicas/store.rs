//! One store as a replica sees it: the real one, that others change too, and that a test can hold up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jeton::store::client::Client;
use jeton::store::consent::Consent;
use jeton::store::feed::{Feed, FeedVersion};
use jeton::store::grant::Grant;
use jeton::store::key::{SealedDataKeys, SigningKey};
use jeton::store::policy_use::PolicyUse;
use jeton::store::scope::ScopeEntry;
use jeton::store::session::Session;
use jeton::store::standing::Standing;
use jeton::store::token::{IssuedToken, SingleUse};
use jeton::store::user::User;
use jeton::store::workspace::Workspace;
use jeton::store::{Health, Replaced, Size, Store, StoreError, Swept, Version, Versioned};
use jeton::types::ids::{ClientId, GrantId, SessionId, Subject, WorkspaceId};
use jeton::types::time::UnixSeconds;
use tokio::sync::{Barrier, oneshot, watch};
use tonic::async_trait;

/// A look-up of a client that has read, and has not answered.
pub struct Held {
    read: oneshot::Receiver<()>,
    answer: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the look-up has read.
    pub async fn read(&mut self) {
        (&mut self.read).await.unwrap();
    }

    /// Lets it answer.
    pub fn answer(self) {
        self.answer.send(()).unwrap();
    }
}

/// The store of one replica.
pub struct SharedStore {
    inner: Arc<dyn Store>,
    feed_cut: AtomicBool,
    feed_lost: AtomicBool,
    answer_lost: AtomicBool,
    held: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
    /// Where replicas that make the same first things wait for each other.
    together: Option<Arc<Barrier>>,
    calls: Mutex<BTreeMap<&'static str, usize>>,
}

impl SharedStore {
    /// A replica's view.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            feed_cut: AtomicBool::new(false),
            feed_lost: AtomicBool::new(false),
            answer_lost: AtomicBool::new(false),
            held: Mutex::default(),
            together: None,
            calls: Mutex::default(),
        }
    }

    /// A view of one of those that find the store empty at once.
    pub fn together(inner: Arc<dyn Store>, others: Arc<Barrier>) -> Self {
        Self { together: Some(others), ..Self::new(inner) }
    }

    /// From now on, the feed cannot be read; or it can again.
    pub fn cut_feed(&self, cut: bool) {
        self.feed_cut.store(cut, Ordering::SeqCst);
    }

    /// The next question is too old for the feed.
    pub fn lose_feed(&self) {
        self.feed_lost.store(true, Ordering::SeqCst);
    }

    /// The next replacement of a grant happens, and its answer does not come.
    pub fn lose_answer(&self) {
        self.answer_lost.store(true, Ordering::SeqCst);
    }

    /// Holds the next look-up of a client between its reading and its answer.
    pub fn hold_client(&self) -> Held {
        let (tell, read) = oneshot::channel();
        let (answer, wait) = oneshot::channel();
        *self.held.lock().unwrap() = Some((tell, wait));
        Held { read, answer }
    }

    /// The calls since this was asked last.
    pub fn take_calls(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn count(&self, call: &'static str) {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
    }

    async fn meet(&self) {
        if let Some(others) = &self.together {
            others.wait().await;
        }
    }

    fn feed(&self) -> Result<(), StoreError> {
        match self.feed_cut.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("the feed is cut".to_owned())),
            false => Ok(()),
        }
    }
}

/// Counts the call, and hands it on.
macro_rules! hand_on {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        $self.count(stringify!($call));
        $self.inner.$call($($argument),*).await
    }};
}

#[async_trait]
impl Store for SharedStore {
    async fn insert_workspace(&self, workspace: &Workspace, first_key: &SigningKey) -> Result<bool, StoreError> {
        self.meet().await;
        hand_on!(self.insert_workspace(workspace, first_key))
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        hand_on!(self.workspaces())
    }

    async fn replace_workspace(&self, expected: u64, workspace: &Workspace) -> Result<Replaced, StoreError> {
        hand_on!(self.replace_workspace(expected, workspace))
    }

    async fn delete_workspace(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        hand_on!(self.delete_workspace(workspace))
    }

    async fn insert_client(&self, workspace: WorkspaceId, client: &Client) -> Result<bool, StoreError> {
        hand_on!(self.insert_client(workspace, client))
    }

    async fn client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let client = hand_on!(self.client(workspace, id));
        let held = self.held.lock().unwrap().take();
        if let Some((read, answer)) = held {
            read.send(()).unwrap();
            answer.await.unwrap();
        }
        client
    }

    async fn clients(&self, workspace: WorkspaceId, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        hand_on!(self.clients(workspace, after, limit))
    }

    async fn clients_of(
        &self,
        workspace: WorkspaceId,
        owner: &Subject,
        after: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        hand_on!(self.clients_of(workspace, owner, after, limit))
    }

    async fn replace_client(&self, workspace: WorkspaceId, expected: u64, client: &Client) -> Result<Replaced, StoreError> {
        hand_on!(self.replace_client(workspace, expected, client))
    }

    async fn delete_client(&self, workspace: WorkspaceId, id: &ClientId) -> Result<bool, StoreError> {
        hand_on!(self.delete_client(workspace, id))
    }

    async fn insert_user(&self, workspace: WorkspaceId, user: &User) -> Result<bool, StoreError> {
        hand_on!(self.insert_user(workspace, user))
    }

    async fn user(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Option<User>, StoreError> {
        hand_on!(self.user(workspace, subject))
    }

    async fn users(&self, workspace: WorkspaceId, after: Option<&Subject>, limit: usize) -> Result<Vec<User>, StoreError> {
        hand_on!(self.users(workspace, after, limit))
    }

    async fn replace_user(&self, workspace: WorkspaceId, expected: u64, user: &User) -> Result<Replaced, StoreError> {
        hand_on!(self.replace_user(workspace, expected, user))
    }

    async fn insert_session(&self, workspace: WorkspaceId, id: SessionId, session: &Session) -> Result<bool, StoreError> {
        hand_on!(self.insert_session(workspace, id, session))
    }

    async fn session(&self, workspace: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError> {
        hand_on!(self.session(workspace, id))
    }

    async fn delete_session(&self, workspace: WorkspaceId, id: SessionId) -> Result<bool, StoreError> {
        hand_on!(self.delete_session(workspace, id))
    }

    async fn insert_consent(&self, workspace: WorkspaceId, consent: &Consent) -> Result<bool, StoreError> {
        hand_on!(self.insert_consent(workspace, consent))
    }

    async fn consent(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        hand_on!(self.consent(workspace, subject, client))
    }

    async fn consents(&self, workspace: WorkspaceId, subject: &Subject) -> Result<Vec<Consent>, StoreError> {
        hand_on!(self.consents(workspace, subject))
    }

    async fn replace_consent(&self, workspace: WorkspaceId, expected: u64, consent: &Consent) -> Result<Replaced, StoreError> {
        hand_on!(self.replace_consent(workspace, expected, consent))
    }

    async fn standing(&self, workspace: WorkspaceId, subject: &Subject, client: &ClientId) -> Result<Standing, StoreError> {
        hand_on!(self.standing(workspace, subject, client))
    }

    async fn put_scope(&self, workspace: WorkspaceId, scope: &ScopeEntry) -> Result<(), StoreError> {
        hand_on!(self.put_scope(workspace, scope))
    }

    async fn scopes(&self, workspace: WorkspaceId) -> Result<Vec<ScopeEntry>, StoreError> {
        hand_on!(self.scopes(workspace))
    }

    async fn delete_scope(&self, workspace: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        hand_on!(self.delete_scope(workspace, name))
    }

    async fn add_policy_use(&self, workspace: WorkspaceId, client: &ClientId, used: &PolicyUse) -> Result<(), StoreError> {
        hand_on!(self.add_policy_use(workspace, client, used))
    }

    async fn policy_uses(&self, workspace: WorkspaceId, client: &ClientId) -> Result<Vec<PolicyUse>, StoreError> {
        hand_on!(self.policy_uses(workspace, client))
    }

    async fn insert_signing_key(&self, workspace: WorkspaceId, key: &SigningKey) -> Result<bool, StoreError> {
        self.meet().await;
        hand_on!(self.insert_signing_key(workspace, key))
    }

    async fn signing_keys(&self, workspace: WorkspaceId) -> Result<Vec<SigningKey>, StoreError> {
        hand_on!(self.signing_keys(workspace))
    }

    async fn delete_signing_key(&self, workspace: WorkspaceId, kid: &str) -> Result<bool, StoreError> {
        hand_on!(self.delete_signing_key(workspace, kid))
    }

    async fn insert_data_keys(&self, keys: &SealedDataKeys) -> Result<bool, StoreError> {
        self.meet().await;
        hand_on!(self.insert_data_keys(keys))
    }

    async fn data_keys(&self) -> Result<Vec<SealedDataKeys>, StoreError> {
        hand_on!(self.data_keys())
    }

    async fn insert_grant(&self, workspace: WorkspaceId, id: GrantId, grant: &Grant) -> Result<bool, StoreError> {
        hand_on!(self.insert_grant(workspace, id, grant))
    }

    async fn grant(&self, workspace: WorkspaceId, id: GrantId) -> Result<Option<Versioned<Grant>>, StoreError> {
        hand_on!(self.grant(workspace, id))
    }

    async fn swap_grant(&self, workspace: WorkspaceId, id: GrantId, version: &Version, next: &Grant) -> Result<bool, StoreError> {
        let swapped = hand_on!(self.swap_grant(workspace, id, version, next));
        match self.answer_lost.swap(false, Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("the answer was lost".to_owned())),
            false => swapped,
        }
    }

    async fn revoke_token(&self, workspace: WorkspaceId, jti: &str, until: UnixSeconds) -> Result<(), StoreError> {
        hand_on!(self.revoke_token(workspace, jti, until))
    }

    async fn token_stands(&self, workspace: WorkspaceId, token: &IssuedToken<'_>) -> Result<bool, StoreError> {
        hand_on!(self.token_stands(workspace, token))
    }

    async fn first_use(&self, workspace: WorkspaceId, once: &SingleUse) -> Result<bool, StoreError> {
        hand_on!(self.first_use(workspace, once))
    }

    fn shared(&self) -> bool {
        true
    }

    async fn feed_version(&self) -> Result<FeedVersion, StoreError> {
        self.feed()?;
        hand_on!(self.feed_version())
    }

    async fn changes(&self, after: FeedVersion, limit: usize) -> Result<Feed, StoreError> {
        self.feed()?;
        if self.feed_lost.swap(false, Ordering::SeqCst) {
            return Ok(Feed::Lost);
        }
        hand_on!(self.changes(after, limit))
    }

    fn feed_hint(&self) -> watch::Receiver<u64> {
        self.inner.feed_hint()
    }

    async fn sweep(&self, now: UnixSeconds, limit: usize) -> Result<Swept, StoreError> {
        hand_on!(self.sweep(now, limit))
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    async fn size(&self) -> Result<Size, StoreError> {
        hand_on!(self.size())
    }

    async fn close(&self) -> Result<(), StoreError> {
        hand_on!(self.close())
    }
}
