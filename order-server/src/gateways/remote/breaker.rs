//! Leaves a neighbour alone that keeps failing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use metrics::gauge;

use crate::telemetry::metrics::NEIGHBOUR_LEFT_ALONE;

/// After how many failures in a row.
const FAILURES: u32 = 5;
/// For how long at first; twice as long after each trial that failed, up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// See the module. After the pause one call is let through as a trial; the others follow once it has succeeded. What was under way before
/// says nothing about the trial.
#[derive(Debug)]
pub(super) struct Breaker {
    name: &'static str,
    /// What a trial may take before another one is let through.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u32,
    /// When the next trial may begin, while the neighbour is left alone.
    trial: Option<Instant>,
    pause: Duration,
}

/// A call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// One of many.
    Ordinary,
    /// The one that decides whether others follow.
    Trial,
}

impl Breaker {
    pub(super) fn new(name: &'static str, patience: Duration) -> Self {
        let state = State { failures: 0, trial: None, pause: PAUSE };
        Self { name, patience, state: Mutex::new(state) }
    }

    /// Whether a call may go on now.
    pub(super) fn let_through(&self) -> Option<Pass> {
        self.let_through_at(Instant::now())
    }

    fn let_through_at(&self, now: Instant) -> Option<Pass> {
        let mut state = self.state();
        match state.trial {
            None => Some(Pass::Ordinary),
            Some(trial) if trial <= now => {
                // Whoever makes the trial may go away before it is decided.
                state.trial = Some(now + self.patience);
                Some(Pass::Trial)
            }
            Some(_) => None,
        }
    }

    /// A call was answered.
    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        if state.trial.is_some() {
            tracing::info!(neighbour = self.name, "a neighbour answers again");
            gauge!(NEIGHBOUR_LEFT_ALONE, "neighbour" => self.name).set(0.0);
        }
        *state = State { failures: 0, trial: None, pause: PAUSE };
    }

    /// A call was not.
    pub(super) fn failed(&self, pass: Pass) {
        self.failed_at(pass, Instant::now());
    }

    fn failed_at(&self, pass: Pass, now: Instant) {
        let mut state = self.state();
        match (state.trial, pass) {
            (Some(_), Pass::Ordinary) => {}
            (Some(_), Pass::Trial) => {
                state.pause = (state.pause * 2).min(LONGEST_PAUSE);
                state.trial = Some(now + state.pause);
            }
            (None, Pass::Ordinary | Pass::Trial) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= FAILURES {
                    tracing::warn!(
                        neighbour = self.name,
                        "a neighbour fails again and again and is left alone for a while"
                    );
                    gauge!(NEIGHBOUR_LEFT_ALONE, "neighbour" => self.name).set(1.0);
                    state.trial = Some(now + state.pause);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn open(now: Instant) -> Breaker {
        let breaker = Breaker::new("catalog", PATIENCE);
        for _ in 0..FAILURES {
            let pass = breaker.let_through_at(now).unwrap();
            breaker.failed_at(pass, now);
        }
        breaker
    }

    #[test]
    fn a_few_failures_are_nothing_and_a_success_forgets_them() {
        let (now, breaker) = (Instant::now(), Breaker::new("catalog", PATIENCE));
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.failed_at(Pass::Ordinary, now);
            }
            assert!(breaker.let_through_at(now).is_some());
            breaker.succeeded();
        }
    }

    #[test]
    fn after_many_in_a_row_one_is_let_through_at_a_time_until_one_succeeds() {
        let now = Instant::now();
        let breaker = open(now);
        assert_eq!(breaker.let_through_at(now), None);
        let later = now + PAUSE;
        assert_eq!(breaker.let_through_at(later), Some(Pass::Trial));
        assert_eq!(breaker.let_through_at(later), None, "the trial is not decided");
        breaker.succeeded();
        assert_eq!([breaker.let_through_at(later), breaker.let_through_at(later)], [Some(Pass::Ordinary); 2]);
    }

    #[test]
    fn the_pause_grows_while_trials_fail() {
        let mut now = Instant::now();
        let breaker = open(now);
        for n in 0..10 {
            let pause = (PAUSE * 2_u32.pow(n)).min(LONGEST_PAUSE);
            assert_eq!(breaker.let_through_at(now + pause - Duration::from_millis(1)), None, "{n}");
            // Those that were under way when it began change nothing.
            (0..60).for_each(|_| breaker.failed_at(Pass::Ordinary, now));
            now += pause;
            assert_eq!(breaker.let_through_at(now), Some(Pass::Trial), "{n}");
            breaker.failed_at(Pass::Trial, now);
        }
    }

    #[test]
    fn a_trial_that_nobody_finished_is_followed_by_another() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + PAUSE;
        assert!(breaker.let_through_at(later).is_some());
        assert_eq!(breaker.let_through_at(later + PATIENCE - Duration::from_millis(1)), None);
        assert_eq!(breaker.let_through_at(later + PATIENCE), Some(Pass::Trial));
    }
}
