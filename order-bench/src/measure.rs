//! What is measured, and in which order.

use std::time::Duration;

use crate::{
    Failed,
    cluster::{Cluster, sql},
    figures::{Figures, millis, ratio},
    load::{self, Choice, Outcome},
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
/// With so many it is counted what an order costs.
const COUNTED: [usize; 2] = [64, 512];
/// What is bought, and how that is called.
const CHOICES: [(Choice, &str); 2] = [(Choice::Uniform, "uniform"), (Choice::Hot, "hot")];

/// The servers under load, and the cluster below one of them.
struct Place {
    cluster: Cluster,
    url: String,
    postgresql: Server,
    sqlite: Server,
    _home: tempfile::TempDir,
}

impl Place {
    async fn open(products: u32) -> Result<Self, Failed> {
        let cluster = Cluster::start()?;
        let url = cluster.database("bench")?;
        let postgresql = Server::start(&url, products).await?;
        let home = tempfile::tempdir()?;
        let sqlite = Server::start(&format!("sqlite://{}", home.path().join("bench.db").display()), products).await?;
        Ok(Self { cluster, url, postgresql, sqlite, _home: home })
    }

    fn servers(&self) -> [(&Server, &'static str); 2] {
        [(&self.postgresql, "postgresql"), (&self.sqlite, "sqlite")]
    }

    /// What the database and its server have used until now.
    fn used(&self) -> Result<Used, Failed> {
        let counted =
            sql(&self.url, "SELECT (SELECT sum(value) FROM order_counter), wal_sync, wal_bytes FROM pg_stat_wal")?;
        let mut counted = counted.split('|').map(str::parse);
        let mut next = || counted.next().ok_or("fewer columns than were asked for");
        Ok(Used {
            orders: next()??,
            syncs: next()??,
            wal: next()??,
            server: self.postgresql.processor_time()?.as_secs_f64(),
            database: self.cluster.processor_time()?.as_secs_f64(),
        })
    }
}

/// What was used: orders placed, flushes, bytes of the log, and seconds of processors.
struct Used {
    orders: f64,
    syncs: f64,
    wal: f64,
    server: f64,
    database: f64,
}

impl Used {
    /// Notes what each order has cost since then.
    fn note_since(&self, before: &Self, (figures, figure): (&mut Figures, &str)) {
        let orders = self.orders - before.orders;
        figures.note(format!("{figure}.fsyncs_per_order"), (self.syncs - before.syncs) / orders);
        figures.note(format!("{figure}.wal_bytes_per_order"), (self.wal - before.wal) / orders);
        figures.note(format!("{figure}.server_cpu_us_per_order"), (self.server - before.server) / orders * 1e6);
        figures.note(format!("{figure}.database_cpu_us_per_order"), (self.database - before.database) / orders * 1e6);
    }
}

/// Measures everything, interleaved, round by round.
pub(crate) async fn all(plan: &Plan) -> Result<Figures, Failed> {
    let mut figures = Figures::default();
    eprintln!("starting a throw-away PostgreSQL (fsync on) and two servers");
    let place = Place::open(plan.products).await?;
    for (server, engine) in place.servers() {
        note_memory(&mut figures, (server, engine, "start"));
        load::create_orders(server, (8, Choice::Uniform, plan.products), Duration::from_secs(2)).await?;
    }
    let scripts = tempfile::tempdir()?;
    let mut written = Vec::new();
    for (choice, name) in CHOICES {
        let path = scripts.path().join(name);
        std::fs::write(&path, pgbench::order_script(&place.url, (choice, plan.products))?)?;
        written.push((path, format!("interactive.{name}")));
    }
    let path = scripts.path().join("single_row");
    std::fs::write(&path, pgbench::single_row_script(&place.url)?)?;
    written.push((path, "single_row".to_owned()));
    for round in 1..=plan.rounds {
        for (server, engine) in place.servers() {
            create(plan, (&place, server, engine, round), &mut figures).await?;
        }
        fresh(plan, (&place.cluster, round), &mut figures).await?;
        for (path, name) in &written {
            for clients in CLIENTS {
                let figure = format!("pgbench.{name}.{clients}");
                if plan.wants(&figure) {
                    let outcome = pgbench::run(&place.url, path, clients, plan.time)?;
                    say(round, &figure, &format!("{:.0}/s, mean {:.2} ms", outcome.per_second, outcome.mean_ms));
                    figures.note(format!("{figure}.per_s"), outcome.per_second);
                    figures.note(format!("{figure}.mean_ms"), outcome.mean_ms);
                }
            }
        }
    }
    for (server, engine) in place.servers() {
        note_memory(&mut figures, (server, engine, "end"));
    }
    Ok(figures)
}

async fn create(
    plan: &Plan,
    (place, server, engine, round): (&Place, &Server, &str, u32),
    figures: &mut Figures,
) -> Result<(), Failed> {
    for (choice, name) in CHOICES {
        for in_flight in IN_FLIGHT {
            let figure = format!("{engine}.create.{name}.{in_flight}");
            if !plan.wants(&figure) {
                continue;
            }
            let before = (engine == "postgresql" && COUNTED.contains(&in_flight)).then(|| place.used()).transpose()?;
            let outcome = load::create_orders(server, (in_flight, choice, plan.products), plan.time).await?;
            if let Some(before) = before {
                place.used()?.note_since(&before, (figures, &figure));
            }
            note(&outcome, (figures, &figure, round))?;
        }
    }
    Ok(())
}

/// An installation of its own, from its first order on: no statistics have been gathered of its tables.
async fn fresh(plan: &Plan, (cluster, round): (&Cluster, u32), figures: &mut Figures) -> Result<(), Failed> {
    let figure = "postgresql.fresh.uniform.64";
    if !plan.wants(figure) {
        return Ok(());
    }
    let server = Server::start(&cluster.database(&format!("fresh{round}"))?, plan.products).await?;
    let outcome = load::create_orders_at_once(&server, (64, Choice::Uniform, plan.products), plan.time).await?;
    note(&outcome, (figures, figure, round))
}

fn note(outcome: &Outcome, (figures, figure, round): (&mut Figures, &str, u32)) -> Result<(), Failed> {
    let [p50, p99] = [500, 990].map(|per_mille| millis(outcome.at(per_mille)));
    let refused = if outcome.refused > 0 { format!(", {} refused", outcome.refused) } else { String::new() };
    say(round, figure, &format!("{:.0} orders/s, p50 {p50:.2} ms, p99 {p99:.2} ms{refused}", outcome.per_second));
    figures.note(format!("{figure}.per_s"), outcome.per_second);
    figures.note(format!("{figure}.p50_ms"), p50);
    figures.note(format!("{figure}.p99_ms"), p99);
    figures.note(format!("{figure}.p999_ms"), millis(outcome.at(999)));
    figures.note(format!("{figure}.refused"), ratio(usize::try_from(outcome.refused)?, 1.0));
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
