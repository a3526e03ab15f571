//! The meeting of writers, readers and the flusher, one step at a time.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;

const AT_ONCE: Duration = Duration::ZERO;

fn place(key: &[u8]) -> Place {
    Place::new(0, key)
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn batch(commit: &Commit) -> Batch {
    match commit.next(0, AT_ONCE, AT_ONCE) {
        Next::Flush(batch) => batch,
        Next::Idle | Next::Close => panic!("there is no batch"),
    }
}

#[test]
fn a_writer_and_a_reader_of_its_key_wait_for_the_flush() {
    let commit = Commit::new(1, Durability::Fdatasync);
    let change = commit.begin(place(b"a")).unwrap();
    let mut writer = pin!(change.happened().durable());
    let mut reader = pin!(commit.settle(place(b"a")));
    let mut of_the_tree = pin!(commit.settle_tree(0));
    let mut other = pin!(commit.settle(place(b"b")));
    assert!(poll(writer.as_mut()).is_pending());
    assert!(poll(reader.as_mut()).is_pending());
    assert!(poll(of_the_tree.as_mut()).is_pending());
    assert!(poll(other.as_mut()).is_ready());

    let batch = batch(&commit);
    assert!(poll(reader.as_mut()).is_pending());
    commit.complete(batch);
    assert!(matches!(poll(writer.as_mut()), Poll::Ready(Ok(()))));
    assert!(matches!(poll(reader.as_mut()), Poll::Ready(Ok(()))));
    assert!(matches!(poll(of_the_tree.as_mut()), Poll::Ready(Ok(()))));
    assert!(poll(pin!(commit.settle(place(b"a")))).is_ready());
}

#[test]
fn who_reads_between_the_announcement_and_the_ticket_waits_too() {
    let commit = Commit::new(1, Durability::Fdatasync);
    let change = commit.begin(place(b"a")).unwrap();
    assert!(poll(pin!(commit.settle(place(b"a")))).is_pending());
    change.withdrawn();
    assert!(poll(pin!(commit.settle(place(b"a")))).is_ready());
}

#[test]
fn a_ticket_that_was_dropped_leaves_no_pending_key() {
    let commit = Commit::new(1, Durability::Fdatasync);
    drop(commit.begin(place(b"a")).unwrap().happened());
    assert!(poll(pin!(commit.settle(place(b"a")))).is_pending());
    commit.complete(batch(&commit));
    assert!(poll(pin!(commit.settle(place(b"a")))).is_ready());
}

/// A panic inside the swap: nobody knows whether it happened.
#[test]
fn a_change_that_was_dropped_counts_as_having_happened() {
    let commit = Commit::new(1, Durability::Fdatasync);
    drop(commit.begin(place(b"a")).unwrap());
    assert!(poll(pin!(commit.settle(place(b"a")))).is_pending());
    let batch = batch(&commit);
    assert_eq!(batch.changes.len(), 1);
    commit.complete(batch);
    assert!(poll(pin!(commit.settle(place(b"a")))).is_ready());
}

#[test]
fn a_later_change_keeps_the_key_pending() {
    let commit = Commit::new(1, Durability::Fdatasync);
    drop(commit.begin(place(b"a")).unwrap().happened());
    let first = batch(&commit);
    drop(commit.begin(place(b"a")).unwrap().happened());
    commit.complete(first);
    assert!(poll(pin!(commit.settle(place(b"a")))).is_pending());
}

/// B1: a failed flush is the end, for those who wait and those who come.
#[test]
fn a_failure_refuses_those_who_wait_and_everything_after() {
    let commit = Commit::new(1, Durability::Fdatasync);
    let mut waiting = pin!(commit.begin(place(b"a")).unwrap().happened().durable());
    let mut in_flush = pin!(commit.begin(place(b"b")).unwrap().happened().durable());
    let taken = batch(&commit);
    commit.fail("fdatasync failed");
    drop(taken);
    let refused = |outcome| matches!(outcome, Poll::Ready(Err(StoreError::Unavailable(why))) if why == "fdatasync failed");
    assert!(refused(poll(waiting.as_mut())));
    assert!(refused(poll(in_flush.as_mut())));
    assert!(refused(poll(pin!(commit.settle(place(b"c"))))));
    assert!(matches!(commit.begin(place(b"c")), Err(StoreError::Unavailable(_))));
    assert_eq!(*commit.health().borrow(), Health::Failed("fdatasync failed".to_owned()));
    assert!(matches!(commit.next(0, AT_ONCE, AT_ONCE), Next::Close));
}

#[test]
fn closing_hands_out_what_waits_first() {
    let commit = Commit::new(1, Durability::Fdatasync);
    drop(commit.begin(place(b"a")).unwrap().happened());
    commit.close();
    commit.complete(batch(&commit));
    assert!(matches!(commit.next(0, AT_ONCE, AT_ONCE), Next::Close));
}
