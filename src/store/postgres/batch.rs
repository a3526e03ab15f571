//! Many requests as one statement: their columns, and what each hears of the outcome.

use std::collections::{HashMap, HashSet};

use crate::store::postgres::request::{Answer, GrantRow, Request, Swap, Work};

/// The columns of many requests.
#[derive(Default)]
pub struct Columns<'a> {
    /// Workspaces' ids.
    pub workspaces: Vec<&'a [u8]>,
    /// Grants' ids.
    pub ids: Vec<&'a [u8]>,
    /// The versions that they get.
    pub versions: Vec<&'a [u8]>,
    /// When they may be swept.
    pub sweeps: Vec<i64>,
    /// Their records.
    pub records: Vec<&'a [u8]>,
    /// The versions that they must still have.
    pub were: Vec<&'a [u8]>,
    /// Users.
    pub subjects: Vec<&'a str>,
    /// Clients.
    pub clients: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    /// Those of these requests.
    #[must_use]
    pub fn of(requests: &'a [Request]) -> Self {
        let mut columns = Self::default();
        for request in requests {
            match &request.work {
                Work::Load { workspace, id } => {
                    columns.workspaces.push(workspace);
                    columns.ids.push(id);
                }
                Work::Standing { workspace, subject, client } => {
                    columns.workspaces.push(workspace);
                    columns.subjects.push(subject);
                    columns.clients.push(client);
                }
                Work::Insert(row) => columns.row(row),
                Work::Swap(Swap { was, row }) | Work::Revoke(Swap { was, row }) => {
                    columns.row(row);
                    columns.were.push(was);
                }
                Work::Call(..) | Work::Script(_) => {}
            }
        }
        columns
    }

    fn row(&mut self, row: &'a GrantRow) {
        self.workspaces.push(&row.workspace);
        self.ids.push(&row.id);
        self.versions.push(&row.version);
        self.sweeps.push(row.sweep_at);
        self.records.push(&row.record);
    }
}

/// The records of a user and of a consent.
pub type Standings = (Option<Vec<u8>>, Option<Vec<u8>>);

/// What a statement said.
pub enum Outcome {
    /// The answer of the only request.
    Single(Answer),
    /// Grants by the number of their request.
    Grants(HashMap<i64, (Vec<u8>, Vec<u8>)>),
    /// Users and consents by the number of their request.
    Standings(HashMap<i64, Standings>),
    /// The versions that are in place now.
    Changed(HashSet<Vec<u8>>),
}

impl Outcome {
    /// Answers the requests; those that go by themselves come back.
    #[must_use]
    pub fn answer(self, requests: Vec<Request>) -> Vec<Request> {
        let mut left = Vec::new();
        match self {
            Self::Single(answer) => {
                if let Some(request) = requests.into_iter().next() {
                    request.answer(answer);
                }
            }
            Self::Grants(mut found) => {
                for (number, request) in (1_i64..).zip(requests) {
                    request.answer(Answer::Grant(found.remove(&number)));
                }
            }
            Self::Standings(mut found) => {
                for (number, request) in (1_i64..).zip(requests) {
                    let (user, consent) = found.remove(&number).unwrap_or_default();
                    request.answer(Answer::Standing(user, consent));
                }
            }
            Self::Changed(versions) => {
                for request in requests {
                    let changed = match &request.work {
                        Work::Insert(row) | Work::Swap(Swap { row, .. }) | Work::Revoke(Swap { row, .. }) => {
                            versions.contains(&row.version)
                        }
                        Work::Load { .. } | Work::Standing { .. } | Work::Call(..) | Work::Script(_) => false,
                    };
                    if changed { request.answer(Answer::Changed(true)) } else { left.push(request) }
                }
            }
        }
        left
    }
}
