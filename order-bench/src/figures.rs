//! Figures: what was measured, under a name, round by round.

use std::{collections::BTreeMap, time::Duration};

/// How often something happened in a time, or a share of a whole.
pub(crate) fn ratio(count: usize, whole: f64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from) / whole
}

/// A latency in milliseconds.
pub(crate) fn millis(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1000.0
}

/// Measured values by name, one for each round.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, Vec<f64>>);

/// The middle, the least and the greatest of some values.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Figures {
    /// Notes a value of this round.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// All of them, by name.
    pub(crate) fn spreads(&self) -> BTreeMap<String, Spread> {
        self.0.iter().map(|(name, values)| (name.clone(), Spread::of(values))).collect()
    }

    /// The median of a figure.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        self.0.get(name).map(|values| Spread::of(values).median)
    }

    /// The greatest median among the figures whose names begin so.
    pub(crate) fn best(&self, prefix: &str, suffix: &str) -> Option<f64> {
        let named = self.0.iter().filter(|(name, _)| name.starts_with(prefix) && name.ends_with(suffix));
        named.map(|(_, values)| Spread::of(values).median).reduce(f64::max)
    }
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |n: usize| sorted.get(n).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        let median = f64::midpoint(at(last / 2), at(last.div_ceil(2)));
        Self { median, min: at(0), max: at(last) }
    }
}
