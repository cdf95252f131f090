//! For how long callers are asked to stay away who were refused for want of room.
//!
//! To refuse is work, too: were all of ten times too many callers to come back within a second, a third of the time would go into
//! sending them away again. So the longer too many come back, the longer they are asked to wait.

use std::time::{Duration, Instant};

/// Nobody is asked back sooner.
const SOONEST: Duration = Duration::from_millis(100);
/// Callers who are refused together come back spread over so long at first.
const NARROWEST: Duration = Duration::from_secs(1);
/// And over so long at most: who was refused once should not be forgotten.
const WIDEST: Duration = Duration::from_secs(16);
/// How often it is looked at whether too many come back.
const WINDOW: Duration = Duration::from_millis(250);
/// After so long without a refusal the next one is like the first.
const OVER: Duration = Duration::from_secs(20);

/// How refusals have gone.
#[derive(Debug)]
pub(super) struct Pushback {
    /// Over how long callers are spread.
    spread: Duration,
    /// All refusals.
    refused: u64,
    window: Window,
}

/// What was counted when the present window began.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    refused: u64,
    admitted: u64,
}

impl Pushback {
    /// Nobody was refused before.
    pub(super) const fn new(now: Instant) -> Self {
        Self { spread: NARROWEST, refused: 0, window: Window { since: now, refused: 0, admitted: 0 } }
    }

    /// For how long the next caller is asked to stay away, where so many calls were let in up to now.
    pub(super) fn delay(&mut self, admitted: u64, now: Instant) -> Duration {
        self.refused += 1;
        let elapsed = now.saturating_duration_since(self.window.since);
        if elapsed >= WINDOW {
            let refusals = self.refused - self.window.refused;
            let admissions = admitted.saturating_sub(self.window.admitted);
            self.spread = match () {
                () if elapsed >= OVER => NARROWEST,
                () if refusals > admissions / 2 => (self.spread * 2).min(WIDEST),
                () if refusals < admissions / 8 => (self.spread / 2).max(NARROWEST),
                () => self.spread,
            };
            self.window = Window { since: now, refused: self.refused, admitted };
        }
        SOONEST + share(self.spread, self.refused)
    }
}

/// The `n`th of parts that are as far from each other as can be, however many there are: multiples of the golden ratio.
fn share(whole: Duration, n: u64) -> Duration {
    let fraction = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    whole * u32::try_from(fraction).unwrap_or_default() / 0x1_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_who_are_refused_together_come_back_apart() {
        let now = Instant::now();
        let mut pushback = Pushback::new(now);
        let mut delays: Vec<_> = (0..100).map(|_| pushback.delay(0, now)).collect();
        delays.sort_unstable();
        assert!(delays[0] >= SOONEST && delays[99] < SOONEST + NARROWEST, "{delays:?}");
        assert!(delays.windows(2).all(|pair| pair[1] - pair[0] < Duration::from_millis(30)), "{delays:?}");
    }

    /// So many refusals and admissions in each of some windows; the spread afterwards.
    fn after(pushback: &mut Pushback, (windows, refusals, admissions): (u32, u32, u64)) -> Duration {
        let (start, admitted) = (pushback.window.since, pushback.window.admitted);
        for window in 1..=windows {
            let now = start + WINDOW * window;
            for _ in 0..refusals {
                pushback.delay(admitted + admissions * u64::from(window), now);
            }
        }
        pushback.spread
    }

    #[test]
    fn the_more_come_back_too_soon_the_longer_they_are_asked_to_wait_and_the_other_way_round() {
        let mut pushback = Pushback::new(Instant::now());
        assert_eq!(after(&mut pushback, (3, 1000, 500)), NARROWEST * 4);
        assert_eq!(after(&mut pushback, (2, 1000, 4000)), NARROWEST * 4, "about as many as should");
        assert_eq!(after(&mut pushback, (9, 1000, 10)), WIDEST);
        assert_eq!(after(&mut pushback, (9, 10, 1000)), NARROWEST);
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut pushback = Pushback::new(Instant::now());
        after(&mut pushback, (3, 1000, 500));
        let later = pushback.window.since + OVER;
        assert!(pushback.delay(5000, later) < SOONEST + NARROWEST);
    }
}
