//! Tells somebody of every method that is over, without knowing what for.

use std::{sync::OnceLock, time::Duration};

/// A method that is over.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// Which method.
    pub method: &'static str,
    /// `ok`, `refused`, or what was wrong.
    pub outcome: &'static str,
    /// How long it took.
    pub took: Duration,
}

static WATCHER: OnceLock<fn(&Done)> = OnceLock::new();

/// From now on `watcher` is called where a method ends, by whoever called the method. It must not wait. The first call in a
/// process counts.
pub fn watch_methods(watcher: fn(&Done)) {
    let _first = WATCHER.set(watcher);
}

pub(crate) fn tell(done: &Done) {
    if let Some(watcher) = WATCHER.get() {
        watcher(done);
    }
}
