//! How an answer says that it rests on policies: metadata under the names of the HTTP headers, which the
//! gateway passes on.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::engine::policy::notice::PolicyNotice;

/// RFC 9745 section 2.1.
const DEPRECATION: &str = "deprecation";
/// RFC 8594 section 3.
const SUNSET: &str = "sunset";
/// The names of the policies, separated by commas.
const POLICY: &str = "jeton-policy";

/// Writes a notice.
pub fn announce(notice: &PolicyNotice, metadata: &mut MetadataMap) {
    let names: Vec<&str> = notice.policies.iter().map(|policy| policy.as_str()).collect();
    let end = notice.ends_at.and_then(|end| Timestamp::from_second(end.0).ok());
    let sunset = end.and_then(|end| DateTimePrinter::new().timestamp_to_rfc9110_string(&end).ok());
    let values = [(DEPRECATION, Some(format!("@{}", notice.since))), (SUNSET, sunset), (POLICY, Some(names.join(", ")))];
    for (name, value) in values {
        // Digits, names and dates are always good values.
        if let Some(value) = value.and_then(|value| MetadataValue::try_from(value).ok()) {
            metadata.insert(name, value);
        }
    }
}
