//! What is measured, and in which order.

use std::time::Duration;

use crate::{
    Failed,
    cluster::Cluster,
    figures::{Figures, millis, ratio},
    load::{self, Choice},
    pgbench,
    server::Server,
};

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) time: Duration,
    pub(crate) products: u32,
    /// Names must begin with one of these, if there are any.
    pub(crate) only: Vec<String>,
}

impl Plan {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| name.starts_with(wanted.as_str()))
    }
}

/// Calls in flight.
const IN_FLIGHT: [usize; 4] = [1, 8, 64, 512];
/// Clients of pgbench: more of them than 64 only wait for each other.
const CLIENTS: [usize; 3] = [1, 8, 64];
/// What is bought, and how that is called.
const CHOICES: [(Choice, &str); 2] = [(Choice::Uniform, "uniform"), (Choice::Hot, "hot")];

/// Measures everything, interleaved, round by round.
pub(crate) async fn all(plan: &Plan) -> Result<Figures, Failed> {
    let mut figures = Figures::default();
    eprintln!("starting a throw-away PostgreSQL (fsync on) and two servers");
    let cluster = Cluster::start()?;
    let url = cluster.database("bench")?;
    let postgresql = Server::start(&url, plan.products).await?;
    let home = tempfile::tempdir()?;
    let sqlite = Server::start(&format!("sqlite://{}", home.path().join("bench.db").display()), plan.products).await?;
    for (server, engine) in [(&postgresql, "postgresql"), (&sqlite, "sqlite")] {
        note_memory(&mut figures, (server, engine, "start"));
        load::create_orders(server, (8, Choice::Uniform, plan.products), Duration::from_secs(2)).await?;
    }
    let scripts = tempfile::tempdir()?;
    let mut written = Vec::new();
    for (choice, name) in CHOICES {
        if !CLIENTS.iter().any(|clients| plan.wants(&format!("pgbench.interactive.{name}.{clients}"))) {
            continue;
        }
        let path = scripts.path().join(name);
        std::fs::write(&path, pgbench::order_script(&url, (choice, plan.products))?)?;
        written.push((path, name));
    }
    for round in 1..=plan.rounds {
        for (server, engine) in [(&postgresql, "postgresql"), (&sqlite, "sqlite")] {
            place(plan, (server, engine, round), &mut figures).await?;
        }
        for (path, name) in &written {
            for clients in CLIENTS {
                let figure = format!("pgbench.interactive.{name}.{clients}");
                if plan.wants(&figure) {
                    let outcome = pgbench::run(&url, path, clients, plan.time)?;
                    say(round, &figure, &format!("{:.0} orders/s, mean {:.2} ms", outcome.per_second, outcome.mean_ms));
                    figures.note(format!("{figure}.per_s"), outcome.per_second);
                    figures.note(format!("{figure}.mean_ms"), outcome.mean_ms);
                }
            }
        }
    }
    for (server, engine) in [(&postgresql, "postgresql"), (&sqlite, "sqlite")] {
        note_memory(&mut figures, (server, engine, "end"));
    }
    Ok(figures)
}

async fn place(
    plan: &Plan,
    (server, engine, round): (&Server, &str, u32),
    figures: &mut Figures,
) -> Result<(), Failed> {
    for (choice, name) in CHOICES {
        for in_flight in IN_FLIGHT {
            let figure = format!("{engine}.create.{name}.{in_flight}");
            if !plan.wants(&figure) {
                continue;
            }
            let outcome = load::create_orders(server, (in_flight, choice, plan.products), plan.time).await?;
            let [p50, p99] = [500, 990].map(|per_mille| millis(outcome.at(per_mille)));
            let refused = if outcome.refused > 0 { format!(", {} refused", outcome.refused) } else { String::new() };
            let shown = format!("{:.0} orders/s, p50 {p50:.2} ms, p99 {p99:.2} ms{refused}", outcome.per_second);
            say(round, &figure, &shown);
            figures.note(format!("{figure}.per_s"), outcome.per_second);
            figures.note(format!("{figure}.p50_ms"), p50);
            figures.note(format!("{figure}.p99_ms"), p99);
            figures.note(format!("{figure}.p999_ms"), millis(outcome.at(999)));
            figures.note(format!("{figure}.refused"), ratio(usize::try_from(outcome.refused)?, 1.0));
        }
    }
    Ok(())
}

fn note_memory(figures: &mut Figures, (server, engine, when): (&Server, &str, &str)) {
    if let Some(bytes) = server.resident() {
        let mebibytes = u32::try_from(bytes >> 20).map_or(f64::MAX, f64::from);
        figures.note(format!("{engine}.memory.{when}_mib"), mebibytes);
    }
}

fn say(round: u32, figure: &str, outcome: &str) {
    eprintln!("round {round}  {figure:<34} {outcome}");
}
