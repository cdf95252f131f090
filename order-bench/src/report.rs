//! What comes out: the ratios with their floors, then every figure.

use std::{collections::BTreeMap, fmt};

use crate::figures::{Figures, Spread};

/// Two figures compared.
#[derive(Debug, serde::Serialize)]
struct Ratio {
    name: &'static str,
    value: f64,
    /// Below (or, where less is better, above) it the run fails.
    floor: f64,
    aim: f64,
    less_is_better: bool,
}

/// The whole.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Report {
    ratios: Vec<Ratio>,
    figures: BTreeMap<String, Spread>,
}

impl Report {
    pub(crate) fn of(figures: &Figures) -> Self {
        let rows = [placing(figures), reading(figures), lasting(figures)].concat();
        let ratios = rows.into_iter().filter_map(|(name, value, (floor, aim, less_is_better))| {
            Some(Ratio { name, value: value?, floor, aim, less_is_better })
        });
        Self { ratios: ratios.collect(), figures: figures.spreads() }
    }

    /// The ratios below their floors.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        self.ratios.iter().filter(|ratio| !ratio.holds(ratio.floor)).map(|ratio| ratio.name).collect()
    }
}

/// A ratio's name, its value if it was measured, and floor, aim, and whether less is better.
type Row = (&'static str, Option<f64>, (f64, f64, bool));

fn over(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one / other)
}

/// Orders that are placed in a second.
fn created(figures: &Figures, engine: &str, (choice, in_flight): (&str, u32)) -> Option<f64> {
    figures.median(&format!("{engine}.create.{choice}.{in_flight}.per_s"))
}

/// How fast orders are placed.
fn placing(figures: &Figures) -> Vec<Row> {
    let create = |engine: &str, choice: &str, n: u32| created(figures, engine, (choice, n));
    let best = |choice: &str| figures.best(&format!("pgbench.interactive.{choice}."), ".per_s");
    vec![
        (
            "CreateOrder at 512 in flight / pgbench interactive at its best, uniform",
            over(create("postgresql", "uniform", 512), best("uniform")),
            (4.0, 6.0, false),
        ),
        (
            "CreateOrder at 512 in flight / pgbench interactive at its best, one hot product",
            over(create("postgresql", "hot", 512), best("hot")),
            (15.0, 30.0, false),
        ),
        (
            "CreateOrder at 64 in flight / pgbench interactive at 64 clients, uniform",
            over(create("postgresql", "uniform", 64), figures.median("pgbench.interactive.uniform.64.per_s")),
            (2.5, 4.0, false),
        ),
        (
            "CreateOrder at its best / pgbench running whole batches at its best",
            over(figures.best("postgresql.create.uniform.", ".per_s"), figures.best("pgbench.batch.", ".orders_per_s")),
            (0.6, 0.85, false),
        ),
        (
            "p50 of CreateOrder alone / mean of pgbench interactive alone",
            over(
                figures.median("postgresql.create.uniform.1.p50_ms"),
                figures.median("pgbench.interactive.uniform.1.mean_ms"),
            ),
            (1.0, 0.6, true),
        ),
        (
            "p99 of CreateOrder at 64 in flight, ms",
            figures.median("postgresql.create.uniform.64.p99_ms"),
            (25.0, 12.0, true),
        ),
        (
            "SQLite CreateOrder at 64 in flight / PostgreSQL CreateOrder at 64 in flight",
            over(create("sqlite", "uniform", 64), create("postgresql", "uniform", 64)),
            (1.0, 2.0, false),
        ),
    ]
}

/// How fast they are found.
fn reading(figures: &Figures) -> Vec<Row> {
    vec![
        (
            "GetOrder at 64 in flight / pgbench selecting the same rows",
            over(figures.median("postgresql.get.64.per_s"), figures.median("pgbench.get.64.per_s")),
            (0.5, 0.9, false),
        ),
        (
            "ListOrders 10 000 pages deep / page 1, p50",
            over(figures.median("postgresql.list.deep.p50_ms"), figures.median("postgresql.list.first.p50_ms")),
            (1.5, 1.0, true),
        ),
        (
            "GetOrderStats with many orders / with 10 000, p50",
            over(figures.median("postgresql.stats.many.p50_ms"), figures.median("postgresql.stats.few.p50_ms")),
            (1.5, 1.0, true),
        ),
        ("p99 of the admin search for a number, ms", figures.median("postgresql.search.1.p99_ms"), (50.0, 10.0, true)),
    ]
}

/// What it costs, and what becomes of it when there is too much, for long, or at the very beginning.
fn lasting(figures: &Figures) -> Vec<Row> {
    vec![
        (
            "goodput at ten times the peak's callers / peak",
            over(figures.median("postgresql.overload.per_s"), created(figures, "postgresql", ("uniform", 512))),
            (0.8, 0.95, false),
        ),
        (
            "p99 until watchers hear of an order after it is asked for, 16 in flight, ms",
            figures.median("postgresql.watched.16.after_call_p99_ms"),
            (50.0, 25.0, true),
        ),
        (
            "p99 until watchers hear of an order after its caller, 64 in flight, ms",
            figures.median("postgresql.watched.64.after_answer_p99_ms"),
            (50.0, 25.0, true),
        ),
        (
            "CreateOrder with payment, all neighbours remote / embedded, 64 in flight",
            over(figures.median("postgresql.remote.64.per_s"), figures.median("postgresql.embedded.64.per_s")),
            (0.5, 0.8, false),
        ),
        (
            "fsyncs per order at 64 in flight",
            figures.median("postgresql.create.uniform.64.fsyncs_per_order"),
            (0.1, 0.05, true),
        ),
        (
            "resident memory after 512 in flight, MiB",
            figures.median("postgresql.memory.at_512_mib"),
            (150.0, 100.0, true),
        ),
        (
            "resident memory at the end of a soak / after its first tenth",
            over(figures.median("postgresql.memory.soak_10_mib"), figures.median("postgresql.memory.soak_01_mib")),
            (1.1, 1.0, true),
        ),
        (
            "CreateOrder on a new, empty database / on a loaded one, 64 in flight",
            over(
                figures.median("postgresql.fresh.uniform.64.per_s"),
                figures.median("postgresql.create.uniform.64.per_s"),
            ),
            (0.8, 1.0, false),
        ),
    ]
}

impl Ratio {
    fn holds(&self, bound: f64) -> bool {
        if self.less_is_better { self.value <= bound } else { self.value >= bound }
    }

    fn verdict(&self) -> &'static str {
        match (self.holds(self.floor), self.holds(self.aim)) {
            (_, true) => "aim reached",
            (true, false) => "above the floor",
            (false, false) => "BELOW THE FLOOR",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| ratio of medians | value | floor | aim | |\n|---|---|---|---|---|")?;
        for ratio in &self.ratios {
            let verdict = ratio.verdict();
            writeln!(f, "| {} | {:.2} | {} | {} | {verdict} |", ratio.name, ratio.value, ratio.floor, ratio.aim)?;
        }
        writeln!(f, "\n| figure | median | min | max |\n|---|---|---|---|")?;
        for (name, Spread { median, min, max }) in &self.figures {
            writeln!(f, "| {name} | {median:.2} | {min:.2} | {max:.2} |")?;
        }
        Ok(())
    }
}
