//! Why a configuration is refused: the key, the layer it came from, and what is allowed.

use std::path::PathBuf;

/// A configuration that no server is started with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is not TOML.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A `--set` without an equals sign.
    #[error("--set {flag}: write it as section.key=value")]
    Flag {
        /// The flag's text up to where it makes no sense.
        flag: String,
    },
    /// A key that no setting has.
    #[error("{key} ({layer}) is not a setting{}", suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        layer: String,
        /// The most similar key.
        nearest: Option<String>,
    },
    /// A `JETON_` variable that means nothing.
    #[error("{name} (environment) is not a setting{}", suggestion(nearest.as_deref()))]
    UnknownVariable {
        /// The variable's name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// A value that the setting cannot have.
    #[error("{key} ({layer}) {problem}")]
    Value {
        /// The key, or the variable when it has no key.
        key: String,
        /// Where the value stands.
        layer: String,
        /// What is allowed.
        problem: String,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; jeton check-config --print-defaults lists them all".to_owned(),
        |nearest| format!("; did you mean {nearest}?"),
    )
}

/// The candidate that is most like `name`, if one is like it at all.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let allowed = (name.chars().count() / 3).max(2);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many characters must be added, removed or changed to make one of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, left) in from.chars().enumerate() {
        let mut next = vec![index.saturating_add(1)];
        for ((right, above_left), above) in to.chars().zip(&row).zip(row.iter().skip(1)) {
            let changed = above_left.saturating_add(usize::from(left != right));
            let before = next.last().copied().unwrap_or(0);
            next.push(changed.min(above.saturating_add(1)).min(before.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn a_name_like_nothing_has_no_nearest() {
        assert_eq!(nearest("JETON_ZZZZZZZZZ", ["JETON_ISSUER", "JETON_DATA_DIR"].into_iter()), None);
        assert_eq!(nearest("JETON_ISUER", ["JETON_ISSUER", "JETON_DATA_DIR"].into_iter()).as_deref(), Some("JETON_ISSUER"));
    }
}
