//! Where time and identities come from. The only place that reads the wall clock or draws random ids, so that tests and
//! simulations can own both.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use order_core::{ids::IdSeed, time::Timestamp};
use uuid::Uuid;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present moment, to the microsecond. May step backwards when the machine's clock is set.
    fn now(&self) -> Timestamp;
}

/// Fresh identities.
pub trait IdSource: Send + Sync + 'static {
    /// A UUIDv7 that nobody has seen before, from which a command mints every identity it needs.
    fn seed(&self) -> IdSeed;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everybody else takes the time from")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Random identities that begin with the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the IdSource that everybody else takes ids from")]
    fn seed(&self) -> IdSeed {
        IdSeed::new(Uuid::now_v7())
    }
}

/// A clock that stands still until somebody moves it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(Timestamp::from_micros(1_000));
        assert_eq!(clock.now().micros(), 1_000);
        clock.advance(Duration::from_millis(2));
        assert_eq!(clock.now().micros(), 3_000);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(RandomIds.seed(), RandomIds.seed());
    }
}
