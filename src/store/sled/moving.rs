//! Moving: the embedded store as a source and as a target.

use async_trait::async_trait;

use crate::store::StoreError;
use crate::store::codec::{self, NameOwner, OwnedClient, Record, RevokedToken, UsedUp};
use crate::store::moving::{
    Counts, DumpId, Fence, Import, Item, Kind, Moved, Moving, Purpose, differs, gap, not_empty, overtaken, wrong_counts,
};
use crate::store::place;
use crate::store::sled::commit::Ticket;
use crate::store::sled::meta::{FENCE_KEY, IMPORT_KEY};
use crate::store::sled::options::SledOptions;
use crate::store::sled::table::Table;
use crate::store::sled::{SledStore, directory};

/// Refuses to make a store where one should be moved away.
pub fn check_exists(options: &SledOptions) -> Result<(), StoreError> {
    if options.purpose != Purpose::MoveAway || directory::database(&options.dir).exists() {
        return Ok(());
    }
    let dir = options.dir.display();
    Err(StoreError::Refused(format!("there is no store in {dir}: name its data directory with JETON_DATA_DIR")))
}

impl SledStore {
    /// Refuses to open a store for what its fence or its import forbids.
    pub(super) fn check_purpose(&self, purpose: Purpose) -> Result<(), StoreError> {
        let place = self.place();
        let fence = || match self.fences.load(FENCE_KEY)? {
            Some(fence) => Err(fence.record.refusal(&place)),
            None => Ok(()),
        };
        let import = || match self.imports.load(IMPORT_KEY)? {
            Some(import) => import.record.check_complete(&place),
            None => Ok(()),
        };
        match purpose {
            Purpose::MoveInto => fence(),
            Purpose::MoveAway => import(),
            Purpose::Serve => fence().and_then(|()| import()),
        }
    }

    fn place(&self) -> String {
        format!("the store in {}", self.directory.path().display())
    }

    /// Writes the records of an item; the ticket of the last one that was not there.
    fn keep(&self, item: &Item) -> Result<Option<Ticket<'_>>, StoreError> {
        let key = item.key();
        match item {
            Item::DataKeys(keys) => add(&self.data_keys, &key, keys, item),
            Item::Workspace(workspace) => {
                let name = workspace.name.as_str().as_bytes();
                let named = add(&self.names, name, &NameOwner(workspace.id), item)?;
                Ok(add(&self.workspaces, &key, workspace, item)?.or(named))
            }
            Item::SigningKey(_, signing_key) => add(&self.signing_keys, &key, signing_key, item),
            Item::Scope(_, scope) => add(&self.scopes, &key, scope, item),
            Item::Client(workspace, client) => {
                let owned = match &client.owner {
                    Some(owner) => {
                        let entry = place::owned(*workspace, owner, &client.id);
                        add(&self.owned, &entry, &OwnedClient(client.id.clone()), item)?
                    }
                    None => None,
                };
                Ok(add(&self.clients, &key, client, item)?.or(owned))
            }
            Item::User(_, user) => add(&self.users, &key, user, item),
            Item::Consent(_, consent) => add(&self.consents, &key, consent, item),
            Item::Session(_, _, session) => add(&self.sessions, &key, session, item),
            Item::PolicyUse(_, _, used) => add(&self.policy_uses, &key, used, item),
            Item::Grant(_, _, grant) => add(&self.grants, &key, grant, item),
            Item::RevokedToken(_, _, until) => add(&self.revoked_tokens, &key, &RevokedToken { until: *until }, item),
            Item::SingleUse(_, once) => add(&self.single_uses, &key, &UsedUp { until: once.until }, item),
        }
    }

    /// The import that goes on, and the bytes that note it.
    fn import_of(&self, dump: DumpId) -> Result<(Import, Vec<u8>), StoreError> {
        match self.imports.load(IMPORT_KEY)? {
            Some(noted) => Ok((noted.record.of(dump, &self.place())?, noted.bytes.to_vec())),
            None => Err(overtaken()),
        }
    }
}

#[async_trait]
impl Moving for SledStore {
    fn source(&self) -> &'static str {
        "sled"
    }

    async fn fence(&self, fence: &Fence) -> Result<Fence, StoreError> {
        if self.fences.insert(FENCE_KEY, fence).await? {
            return Ok(fence.clone());
        }
        Ok(self.fenced().await?.unwrap_or_else(|| fence.clone()))
    }

    async fn fenced(&self) -> Result<Option<Fence>, StoreError> {
        Ok(self.fences.get(FENCE_KEY).await?.map(|fence| fence.record))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for kind in Kind::ALL {
            let records = match kind {
                Kind::DataKeys => self.data_keys.count(),
                Kind::Workspaces => self.workspaces.count(),
                Kind::SigningKeys => self.signing_keys.count(),
                Kind::Scopes => self.scopes.count(),
                Kind::Clients => self.clients.count(),
                Kind::Users => self.users.count(),
                Kind::Consents => self.consents.count(),
                Kind::Sessions => self.sessions.count(),
                Kind::PolicyUses => self.policy_uses.count(),
                Kind::Grants => self.grants.count(),
                Kind::RevokedTokens => self.revoked_tokens.count(),
                Kind::SingleUses => self.single_uses.count(),
            };
            counts.add(kind, records);
        }
        Ok(counts)
    }

    async fn page(&self, kind: Kind, after: Option<&Item>, limit: usize) -> Result<Vec<Item>, StoreError> {
        let after = after.map(Item::key);
        let after = after.as_deref();
        match kind {
            Kind::DataKeys => page(&self.data_keys, after, limit),
            Kind::Workspaces => page(&self.workspaces, after, limit),
            Kind::SigningKeys => page(&self.signing_keys, after, limit),
            Kind::Scopes => page(&self.scopes, after, limit),
            Kind::Clients => page(&self.clients, after, limit),
            Kind::Users => page(&self.users, after, limit),
            Kind::Consents => page(&self.consents, after, limit),
            Kind::Sessions => page(&self.sessions, after, limit),
            Kind::PolicyUses => page(&self.policy_uses, after, limit),
            Kind::Grants => page(&self.grants, after, limit),
            Kind::RevokedTokens => page(&self.revoked_tokens, after, limit),
            Kind::SingleUses => page(&self.single_uses, after, limit),
        }
    }

    async fn begin_import(&self, dump: DumpId) -> Result<Import, StoreError> {
        let place = self.place();
        if let Some(fence) = self.fenced().await? {
            return Err(fence.refusal(&place));
        }
        if let Some(import) = self.imported().await? {
            return import.of(dump, &place);
        }
        let counts = self.counts().await?;
        if counts.total() > 0 {
            return Err(not_empty(&place, &counts));
        }
        let import = Import { dump, items: 0, complete: false };
        if self.imports.insert(IMPORT_KEY, &import).await? { Ok(import) } else { Err(overtaken()) }
    }

    async fn imported(&self) -> Result<Option<Import>, StoreError> {
        Ok(self.imports.get(IMPORT_KEY).await?.map(|import| import.record))
    }

    async fn put(&self, dump: DumpId, before: u64, items: &[Item]) -> Result<(), StoreError> {
        self.room()?;
        let (import, noted) = self.import_of(dump)?;
        let after = before.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
        if import.complete || import.items >= after {
            return self.imports.settle(IMPORT_KEY).await;
        }
        if import.items < before {
            return Err(gap(import.items, before));
        }
        // All are in memory before a ticket is waited for, and the last one's batch has all.
        let mut last = None;
        for item in items {
            last = self.keep(item)?.or(last);
        }
        if let Some(last) = last {
            last.durable().await?;
        }
        let next = Import { items: after, ..import };
        if self.imports.swap(IMPORT_KEY, &noted, &next).await? { Ok(()) } else { Err(overtaken()) }
    }

    async fn end_import(&self, dump: DumpId, counts: &Counts) -> Result<(), StoreError> {
        let (import, noted) = self.import_of(dump)?;
        if import.complete {
            return self.imports.settle(IMPORT_KEY).await;
        }
        let found = self.counts().await?;
        if found != *counts {
            return Err(wrong_counts(&found, counts));
        }
        let next = Import { complete: true, ..import };
        if self.imports.swap(IMPORT_KEY, &noted, &next).await? { Ok(()) } else { Err(overtaken()) }
    }
}

/// Writes a record where there is none; refuses when there is another one than this.
fn add<'a, R: Record>(table: &'a Table<R>, key: &[u8], record: &R, item: &Item) -> Result<Option<Ticket<'a>>, StoreError> {
    let bytes = codec::encode(key, record)?;
    if let Some(ticket) = table.change(key, None, Some(bytes.clone()))? {
        return Ok(Some(ticket));
    }
    match table.load(key)? {
        Some(loaded) if *loaded.bytes == *bytes => Ok(None),
        Some(_) | None => Err(differs(item.kind())),
    }
}

fn page<R: Record + Moved>(table: &Table<R>, after: Option<&[u8]>, limit: usize) -> Result<Vec<Item>, StoreError> {
    let entries = table.entries(&[], after, limit)?;
    let item = |(key, bytes): (::sled::IVec, ::sled::IVec)| {
        codec::decode::<R>(&key, &bytes)?.moved(&key).ok_or_else(|| codec::damaged(R::TREE, &key))
    };
    entries.into_iter().map(item).collect()
}
