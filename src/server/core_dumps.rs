//! Keys are in memory while the server runs, and a core dump would put them on a disk.

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing::warn;

/// Switches core dumps of this process off.
pub fn switch_off() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let limited = limited.and_then(|()| rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable));
    if let Err(cause) = limited {
        warn!(%cause, "core dumps cannot be switched off: one would hold the keys");
    }
}
