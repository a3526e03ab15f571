//! One tree of records of one kind: every operation is one of sled's on one key, then the wait until
//! it is durable.
//!
//! Never a transaction or a batch of sled's: the first one would put every later operation of the
//! process behind one lock.

use std::marker::PhantomData;
use std::sync::Arc;

use ::sled::IVec;

use crate::store::codec::{self, Record};
use crate::store::feed;
use crate::store::sled::commit::{Commit, Ticket};
use crate::store::sled::pending::Place;
use crate::store::{Replaced, StoreError};

/// A tree.
pub struct Table<R> {
    tree: ::sled::Tree,
    number: usize,
    commit: Arc<Commit>,
    records: PhantomData<fn() -> R>,
}

/// A record, and the bytes it was read from.
pub struct Loaded<R> {
    /// The record.
    pub record: R,
    /// Its bytes.
    pub bytes: IVec,
}

/// A record that counts its changes.
pub trait Revised {
    /// How often it has changed.
    fn revision(&self) -> u64;
}

impl<R: Record> Table<R> {
    /// The tree of these records; `number` tells it from the others.
    #[must_use]
    pub fn new(tree: ::sled::Tree, number: usize, commit: Arc<Commit>) -> Self {
        Self { tree, number, commit, records: PhantomData }
    }

    /// Reads a record.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Loaded<R>>, StoreError> {
        let loaded = self.load(key)?;
        self.settle(key).await?;
        Ok(loaded)
    }

    /// Writes a record where there is none; `false` when there is one.
    pub async fn insert(&self, key: &[u8], record: &R) -> Result<bool, StoreError> {
        self.exchange(key, None, Some(codec::encode(key, record)?), None).await
    }

    /// Replaces exactly these bytes; `false` when it is no longer them.
    pub async fn swap(&self, key: &[u8], bytes: &[u8], record: &R) -> Result<bool, StoreError> {
        self.exchange(key, Some(bytes), Some(codec::encode(key, record)?), None).await
    }

    /// Removes a record, whatever it is; `false` when there is none.
    pub async fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.delete_and_tell(key, None).await
    }

    /// The same, told in the feed.
    pub async fn delete_and_tell(&self, key: &[u8], told: Option<feed::Change>) -> Result<bool, StoreError> {
        loop {
            let Some(bytes) = self.bytes(key)? else {
                self.settle(key).await?;
                return Ok(false);
            };
            if self.exchange(key, Some(&bytes), None, told.clone()).await? {
                return Ok(true);
            }
        }
    }

    /// The step of every change, without the wait for it: `None` when the key does not have `old`.
    pub fn change(&self, key: &[u8], old: Option<&[u8]>, new: Option<Vec<u8>>) -> Result<Option<Ticket<'_>>, StoreError> {
        self.change_and_tell(key, old, new, None)
    }

    /// The same, told in the feed.
    pub fn change_and_tell(
        &self,
        key: &[u8],
        old: Option<&[u8]>,
        new: Option<Vec<u8>>,
        told: Option<feed::Change>,
    ) -> Result<Option<Ticket<'_>>, StoreError> {
        let change = self.commit.begin(self.place(key))?.telling(told);
        match self.tree.compare_and_swap(key, old, new) {
            Ok(Ok(())) => Ok(Some(change.happened())),
            Ok(Err(_)) => {
                change.withdrawn();
                Ok(None)
            }
            Err(error) => Err(self.commit.fail(&format!("writing to {} failed: {error}", R::TREE))),
        }
    }

    /// Reads a record that may not be durable yet: who answers with it must [`Table::settle`] first.
    pub fn load(&self, key: &[u8]) -> Result<Option<Loaded<R>>, StoreError> {
        self.bytes(key)?.map(|bytes| Ok(Loaded { record: codec::decode(key, &bytes)?, bytes })).transpose()
    }

    /// Waits until what was read of a key is durable.
    pub async fn settle(&self, key: &[u8]) -> Result<(), StoreError> {
        self.commit.settle(self.place(key)).await
    }

    /// Waits until what was read of any keys is durable.
    pub async fn settle_all(&self) -> Result<(), StoreError> {
        self.commit.settle_tree(self.number).await
    }

    /// Up to `limit` records whose keys begin with `prefix`, in the order of their keys, behind `after`.
    pub async fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<R>, StoreError> {
        let mut records = Vec::new();
        for (key, bytes) in self.entries(prefix, after, limit)? {
            records.push(codec::decode(&key, &bytes)?);
        }
        self.settle_all().await?;
        Ok(records)
    }

    /// As [`Table::scan`], undecoded and perhaps not durable yet.
    pub fn entries(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(IVec, IVec)>, StoreError> {
        let entries = match after {
            // The smallest key behind `after` is that key with a zero at its end.
            Some(after) => self.tree.range([after, &[0]].concat()..),
            None => self.tree.range(prefix..),
        };
        let mut found = Vec::new();
        for entry in entries.take(limit) {
            let (key, bytes) = entry.map_err(|error| self.unreadable(prefix, error))?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key, bytes));
        }
        Ok(found)
    }

    /// How many records there are; looks at every one.
    pub fn count(&self) -> u64 {
        u64::try_from(self.tree.len()).unwrap_or(u64::MAX)
    }

    async fn exchange(
        &self,
        key: &[u8],
        old: Option<&[u8]>,
        new: Option<Vec<u8>>,
        told: Option<feed::Change>,
    ) -> Result<bool, StoreError> {
        match self.change_and_tell(key, old, new, told)? {
            Some(ticket) => ticket.durable().await.map(|()| true),
            // Who lost must not answer with what a crash could undo either.
            None => self.settle(key).await.map(|()| false),
        }
    }

    fn bytes(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.tree.get(key).map_err(|error| self.unreadable(key, error))
    }

    fn unreadable(&self, key: &[u8], error: ::sled::Error) -> StoreError {
        match error {
            ::sled::Error::Corruption { .. } => codec::damaged(R::TREE, key),
            error @ (::sled::Error::CollectionNotFound(_)
            | ::sled::Error::Unsupported(_)
            | ::sled::Error::ReportableBug(_)
            | ::sled::Error::Io(_)) => self.commit.fail(&format!("reading {} failed: {error}", R::TREE)),
        }
    }

    fn place(&self, key: &[u8]) -> Place {
        Place::new(self.number, key)
    }
}

impl<R: Record + Revised> Table<R> {
    /// Replaces a record that still has the revision `expected`.
    pub async fn replace(&self, key: &[u8], expected: u64, next: &R) -> Result<Replaced, StoreError> {
        self.replace_and_tell(key, expected, next, None).await
    }

    /// The same, told in the feed.
    pub async fn replace_and_tell(
        &self,
        key: &[u8],
        expected: u64,
        next: &R,
        told: Option<feed::Change>,
    ) -> Result<Replaced, StoreError> {
        let record = codec::encode(key, next)?;
        loop {
            let Some(loaded) = self.load(key)? else {
                self.settle(key).await?;
                return Ok(Replaced::Missing);
            };
            if loaded.record.revision() != expected {
                self.settle(key).await?;
                return Ok(Replaced::Changed);
            }
            if self.exchange(key, Some(&loaded.bytes), Some(record.clone()), told.clone()).await? {
                return Ok(Replaced::Done);
            }
        }
    }
}
