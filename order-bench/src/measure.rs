//! What is measured, and in which order.

use std::{path::PathBuf, sync::Arc, time::Duration};

use neighbour_sim::Neighbours;
use order_api::v1::cart_service_client::CartServiceClient;
use tonic::transport::Channel;

use crate::{
    Failed,
    cluster::{Cluster, sql},
    create::{Choice, Create},
    dice::Dice,
    feed::{Heard, Noting, Watchers},
    figures::{Figures, millis, ratio},
    fill::Filled,
    load::{self, Load, Outcome},
    pgbench::{self, Script},
    reads::{self, Look, Mix, Reader},
    server::{STOCK, Server, catalog_product, sku},
    steps::{Step, Stepper},
};

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) time: Duration,
    pub(crate) products: u32,
    pub(crate) orders: u32,
    /// How long memory is watched for.
    pub(crate) soak: Duration,
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
/// Orders of the small database, on which statistics must not be faster.
const FEW_ORDERS: u32 = 10_000;
/// Those who watch.
const WATCHERS: usize = 3;
/// Ten times as many callers as there are calls in flight at the peak.
const TOO_MANY: usize = 5120;
/// With so many it is counted what an order costs.
const COUNTED: [usize; 2] = [64, 512];
/// Calls in flight while some watch: about the rate that is asked for, and more of it.
const WATCHED: [usize; 3] = [16, 64, 512];
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
        let load = Load::new(8, Duration::from_secs(2));
        load::drive(server, load, creator(server, (Choice::Uniform, plan.products))).await?;
    }
    soak(&mut figures, &place, plan).await?;
    eprintln!("copying {} orders", plan.orders);
    let filled = Filled::copy(&place.url, (plan.orders, plan.products))?;
    let scripts = Scripts::write(plan, (&place.url, filled))?;
    let reading = Reading::prepare(plan, (&place, filled)).await?;
    for round in 1..=plan.rounds {
        let mut round = Round { plan, figures: &mut figures, number: round };
        for (server, engine) in place.servers() {
            create(&mut round, (&place, server, engine)).await?;
        }
        steps(&mut round, &place).await?;
        fresh(&mut round, &place.cluster).await?;
        scripts.run(&mut round, &place.url)?;
        reading.measure(&mut round, &place.postgresql).await?;
        feed(&mut round, &place.postgresql).await?;
        remote(&mut round, &place.cluster).await?;
        overload(&mut round, &place).await?;
    }
    for (server, engine) in place.servers() {
        note_memory(&mut figures, (server, engine, "end"));
    }
    Ok(figures)
}

/// How much memory each server keeps under load, looked at ten times.
async fn soak(figures: &mut Figures, place: &Place, plan: &Plan) -> Result<(), Failed> {
    if plan.soak.is_zero() {
        return Ok(());
    }
    for (server, engine) in place.servers() {
        let watching = async {
            for tenth in 1..=10 {
                tokio::time::sleep(plan.soak / 10).await;
                note_memory(figures, (server, engine, &format!("soak_{tenth:02}")));
            }
        };
        let load = load::drive(server, Load::new(512, plan.soak), creator(server, (Choice::Uniform, plan.products)));
        let ((), outcome) = tokio::join!(watching, load);
        eprintln!("{engine} placed {:.0}/s for {} s", outcome?.per_second, plan.soak.as_secs());
    }
    Ok(())
}

/// A round, and where its figures go.
struct Round<'a> {
    plan: &'a Plan,
    figures: &'a mut Figures,
    number: u32,
}

/// Makes callers that place orders.
fn creator(server: &Server, buys: (Choice, u32)) -> impl Fn(Channel, Dice) -> Create {
    let bearer = server.service.clone();
    move |channel, dice| Create::new(channel, (bearer.clone(), dice), buys)
}

async fn create(round: &mut Round<'_>, (place, server, engine): (&Place, &Server, &str)) -> Result<(), Failed> {
    let plan = round.plan;
    for (choice, name) in CHOICES {
        for in_flight in IN_FLIGHT {
            let figure = format!("{engine}.create.{name}.{in_flight}");
            if !plan.wants(&figure) {
                continue;
            }
            let before = (engine == "postgresql" && COUNTED.contains(&in_flight)).then(|| place.used()).transpose()?;
            let load = Load::new(in_flight, plan.time);
            let outcome = load::drive(server, load, creator(server, (choice, plan.products))).await?;
            if let Some(before) = before {
                place.used()?.note_since(&before, (round.figures, &figure));
            }
            round.note(&outcome, &figure)?;
            if in_flight == 512 {
                note_memory(round.figures, (server, engine, "at_512"));
            }
        }
    }
    Ok(())
}

/// What comes after an order is placed, and before: on either engine, with as many calls in flight as many services have.
async fn steps(round: &mut Round<'_>, place: &Place) -> Result<(), Failed> {
    let plan = round.plan;
    for (server, engine) in place.servers() {
        for (step, name) in [(Step::Checkout, "checkout"), (Step::Pay, "pay"), (Step::Cancel, "cancel")] {
            let figure = format!("{engine}.{name}.64");
            if !plan.wants(&figure) {
                continue;
            }
            let create = creator(server, (Choice::Uniform, plan.products));
            let stepper = |channel: Channel, dice: Dice| Stepper {
                create: create(channel.clone(), dice),
                carts: CartServiceClient::new(channel),
                step,
            };
            let outcome = load::drive(server, Load::new(64, plan.time), stepper).await?;
            // Not how many in a second: what goes before them takes its time, too.
            round.note_latency(&outcome, &figure);
        }
    }
    Ok(())
}

/// An installation of its own, from its first order on: no statistics have been gathered of its tables.
async fn fresh(round: &mut Round<'_>, cluster: &Cluster) -> Result<(), Failed> {
    let (figure, plan) = ("postgresql.fresh.uniform.64", round.plan);
    if !plan.wants(figure) {
        return Ok(());
    }
    let server = Server::start(&cluster.database(&format!("fresh{}", round.number))?, plan.products).await?;
    let load = Load::new(64, plan.time).at_once();
    let outcome = load::drive(&server, load, creator(&server, (Choice::Uniform, plan.products))).await?;
    round.note(&outcome, figure)
}

/// How soon those who watch hear of orders, with many calls in flight and with as many as the server takes.
async fn feed(round: &mut Round<'_>, server: &Server) -> Result<(), Failed> {
    let plan = round.plan;
    for in_flight in WATCHED {
        let figure = format!("postgresql.watched.{in_flight}");
        if !plan.wants(&figure) {
            continue;
        }
        let watchers = Watchers::start(server, WATCHERS).await?;
        let (asked, answered) = (Heard::default(), Heard::default());
        let create = creator(server, (Choice::Uniform, plan.products));
        let caller = |channel, dice| Noting {
            create: create(channel, dice),
            asked: Arc::clone(&asked),
            answered: Arc::clone(&answered),
        };
        let outcome = load::drive(server, Load::new(in_flight, plan.time), caller).await?;
        // The commit lies between the two.
        for (name, since) in [("answer", &answered), ("call", &asked)] {
            let delays = watchers.delays(since).await?;
            let [p50, p99] = [500, 990].map(|per_mille| millis(load::at(&delays, per_mille)));
            say(round.number, &figure, &format!("heard of p50 {p50:.2} ms, p99 {p99:.2} ms after the {name}"));
            round.figures.note(format!("{figure}.after_{name}_p50_ms"), p50);
            round.figures.note(format!("{figure}.after_{name}_p99_ms"), p99);
        }
        round.note(&outcome, &figure)?;
    }
    Ok(())
}

/// The same orders, paid by card, with neighbours in the process and with all of them in another one.
async fn remote(round: &mut Round<'_>, cluster: &Cluster) -> Result<(), Failed> {
    let plan = round.plan;
    let neighbours = Neighbours::start("127.0.0.1:0".parse()?).await?;
    (0..plan.products).for_each(|n| neighbours.put_product(catalog_product(n)));
    let url = neighbours.url();
    (0..plan.products).for_each(|n| neighbours.put_stock(&sku(n), STOCK));
    let names = ["CATALOG_URL", "INVENTORY_URL", "PAYMENT_URL", "SHIPPING_URL", "NOTIFICATION_URL"];
    let elsewhere = names.map(|name| (name, url.as_str()));
    for (name, settings) in [("embedded", &[][..]), ("remote", &elsewhere[..])] {
        let figure = format!("postgresql.{name}.64");
        if !plan.wants(&figure) {
            continue;
        }
        let database = cluster.database(&format!("{name}{}", round.number))?;
        let server = Server::start_with(&database, plan.products, settings).await?;
        let create = creator(&server, (Choice::Uniform, plan.products));
        let stepper = |channel: Channel, dice: Dice| Stepper {
            create: create(channel.clone(), dice),
            carts: CartServiceClient::new(channel),
            step: Step::PaidOrder,
        };
        let outcome = load::drive(&server, Load::new(64, plan.time), stepper).await?;
        round.note(&outcome, &figure)?;
    }
    Ok(())
}

/// Ten times as many callers as the peak needs, at a server with the settings that it comes with.
async fn overload(round: &mut Round<'_>, place: &Place) -> Result<(), Failed> {
    let (figure, plan) = ("postgresql.overload", round.plan);
    if !plan.wants(figure) {
        return Ok(());
    }
    let server = Server::start_with(&place.url, plan.products, &[]).await?;
    let load = Load::new(TOO_MANY, plan.time);
    let outcome = load::drive(&server, load, creator(&server, (Choice::Uniform, plan.products))).await?;
    round.note(&outcome, figure)
}

/// What pgbench runs, each under a name.
struct Scripts {
    _home: tempfile::TempDir,
    written: Vec<(Script, PathBuf, String)>,
}

impl Scripts {
    fn write(plan: &Plan, (url, filled): (&str, Filled)) -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        let mut written = Vec::new();
        let mut write = |name: String, script: Script| -> Result<(), Failed> {
            let path = home.path().join(&name);
            std::fs::write(&path, &script.text)?;
            written.push((script, path, name));
            Ok(())
        };
        for (choice, name) in CHOICES {
            write(format!("interactive.{name}"), pgbench::order_script(url, (choice, plan.products))?)?;
        }
        write("batch".to_owned(), pgbench::batch_script(url, plan.products)?.into())?;
        write("single_row".to_owned(), pgbench::single_row_script(url)?.to_owned().into())?;
        write("get".to_owned(), pgbench::get_script(filled).into())?;
        Ok(Self { _home: home, written })
    }

    fn run(&self, round: &mut Round<'_>, url: &str) -> Result<(), Failed> {
        for (script, path, name) in &self.written {
            for clients in CLIENTS {
                let figure = format!("pgbench.{name}.{clients}");
                if round.plan.wants(&figure) {
                    let outcome = pgbench::run(url, (script, path), clients, round.plan.time)?;
                    let shown = format!("{:.0}/s, mean {:.2} ms", outcome.per_second, outcome.mean_ms);
                    say(round.number, &figure, &shown);
                    round.figures.note(format!("{figure}.per_s"), outcome.per_second);
                    if name == "batch" {
                        let orders = outcome.per_second * f64::from(pgbench::BATCH);
                        round.figures.note(format!("{figure}.orders_per_s"), orders);
                    }
                    round.figures.note(format!("{figure}.mean_ms"), outcome.mean_ms);
                }
            }
        }
        Ok(())
    }
}

/// Reading from the large database, and of statistics from a small one.
struct Reading {
    filled: Filled,
    deep: String,
    small: (Server, Filled),
}

impl Reading {
    async fn prepare(plan: &Plan, (place, filled): (&Place, Filled)) -> Result<Self, Failed> {
        eprintln!("walking to a deep page, and making a small database");
        let deep = reads::deep_page(&place.postgresql, filled).await?;
        let url = place.cluster.database("small")?;
        let small = Server::start(&url, plan.products).await?;
        let load = Load::new(1, Duration::from_millis(100)).at_once();
        load::drive(&small, load, creator(&small, (Choice::Uniform, plan.products))).await?;
        let few = Filled::copy(&url, (FEW_ORDERS.min(plan.orders), plan.products))?;
        Ok(Self { filled, deep, small: (small, few) })
    }

    async fn measure(&self, round: &mut Round<'_>, server: &Server) -> Result<(), Failed> {
        let (small, few) = &self.small;
        let looks = [
            ("postgresql.get.1", 1, Look::Order),
            ("postgresql.get.64", 64, Look::Order),
            ("postgresql.list.first", 1, Look::Page(String::new())),
            ("postgresql.list.deep", 1, Look::Page(self.deep.clone())),
            ("postgresql.search.1", 1, Look::Search),
            ("postgresql.search.8", 8, Look::Search),
            ("postgresql.sku.1", 1, Look::Sku),
            ("postgresql.stats.many", 1, Look::Stats),
        ];
        for (figure, in_flight, look) in looks {
            look_at(round, (server, self.filled), (figure, in_flight, look)).await?;
        }
        look_at(round, (small, *few), ("postgresql.stats.few", 1, Look::Stats)).await?;
        let (figure, plan) = ("postgresql.mix.64", round.plan);
        if !plan.wants(figure) {
            return Ok(());
        }
        let create = creator(server, (Choice::Uniform, plan.products));
        let mix = |channel: Channel, dice: Dice| Mix {
            create: create(channel.clone(), dice.clone()),
            reader: Reader::new(server, (channel, dice), (Look::Order, self.filled)),
        };
        let outcome = load::drive(server, Load::new(64, plan.time), mix).await?;
        round.note(&outcome, figure)
    }
}

async fn look_at(
    round: &mut Round<'_>,
    (server, filled): (&Server, Filled),
    (figure, in_flight, look): (&str, usize, Look),
) -> Result<(), Failed> {
    if !round.plan.wants(figure) {
        return Ok(());
    }
    let reader = |channel, dice| Reader::new(server, (channel, dice), (look.clone(), filled));
    let outcome = load::drive(server, Load::new(in_flight, round.plan.time), reader).await?;
    round.note(&outcome, figure)
}

impl Round<'_> {
    fn note_latency(&mut self, outcome: &Outcome, figure: &str) {
        let [p50, p99] = [500, 990].map(|per_mille| millis(outcome.at(per_mille)));
        let refusal = outcome.refusal.as_deref().unwrap_or("nothing");
        let refused =
            if outcome.refused > 0 { format!(", {} refused ({refusal})", outcome.refused) } else { String::new() };
        say(self.number, figure, &format!("p50 {p50:.2} ms, p99 {p99:.2} ms{refused}"));
        self.figures.note(format!("{figure}.p50_ms"), p50);
        self.figures.note(format!("{figure}.p99_ms"), p99);
        self.figures.note(format!("{figure}.p999_ms"), millis(outcome.at(999)));
    }

    fn note(&mut self, outcome: &Outcome, figure: &str) -> Result<(), Failed> {
        self.note_latency(outcome, figure);
        say(self.number, figure, &format!("{:.0}/s", outcome.per_second));
        self.figures.note(format!("{figure}.per_s"), outcome.per_second);
        self.figures.note(format!("{figure}.refused"), ratio(usize::try_from(outcome.refused)?, 1.0));
        Ok(())
    }
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
