//! The same statements, sent one by one by PostgreSQL's own benchmark: what a hand-written transaction per order comes to.

use std::{
    path::Path,
    process::Command,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::{
    Failed,
    cluster::{columns, sql, text},
    create::Choice,
    fill::Filled,
    server::{product_id, sku},
};

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// Transactions in a second.
    pub(crate) per_second: f64,
    /// Mean time of a transaction, in milliseconds.
    pub(crate) mean_ms: f64,
}

/// What pgbench runs.
#[derive(Debug)]
pub(crate) struct Script {
    /// Its text.
    pub(crate) text: String,
    /// What it sends as arguments besides what it draws itself, as `name=value`.
    arguments: Vec<String>,
}

impl From<String> for Script {
    fn from(text: String) -> Self {
        Self { text, arguments: Vec::new() }
    }
}

/// Runs a script, kept in a file, with so many clients, for a while. Documents that it writes are taken into the search index meanwhile,
/// as the server has that done behind its own.
pub(crate) fn run(url: &str, script: (&Script, &Path), clients: usize, time: Duration) -> Result<Outcome, Failed> {
    let run = || run_alone(url, script, clients, time);
    if script.0.text.contains("INSERT INTO order_search") { beside_taking_in(url, run) } else { run() }
}

fn run_alone(url: &str, (script, path): (&Script, &Path), clients: usize, time: Duration) -> Result<Outcome, Failed> {
    let clients = clients.to_string();
    let threads = if clients == "1" { "1" } else { "2" };
    let printed = text(
        Command::new("pgbench")
            .args(["-n", "-M", "prepared", "-c", &clients, "-j", threads, "-T", &time.as_secs().to_string()])
            .args(script.arguments.iter().map(|argument| format!("-D{argument}")))
            .arg("-f")
            .arg(path)
            .arg(url)
            .output()?,
    )?;
    let number = |start: &str| {
        let line = printed.lines().find_map(|line| line.trim().strip_prefix(start));
        let word = line.and_then(|rest| rest.trim_start_matches([' ', '=']).split(' ').next());
        word.and_then(|word| word.parse().ok()).ok_or_else(|| format!("pgbench said nothing of {start}: {printed}"))
    };
    Ok(Outcome { per_second: number("tps")?, mean_ms: number("latency average")? })
}

fn beside_taking_in<T>(url: &str, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    thread::scope(|scope| {
        let (over, is_over) = mpsc::channel::<()>();
        let taking_in = scope.spawn(move || {
            while is_over.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                sql(url, "SELECT take_in_search_documents()").map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        });
        let done = work();
        drop(over);
        taking_in.join().map_err(|_panic| "taking documents in panicked")??;
        done
    })
}

/// The statements of one order as pgbench script, after the example of an order that the server placed in this database: the same
/// tables, columns and sizes, the same locks in the same order, every value an argument.
pub(crate) fn order_script(url: &str, (choice, products): (Choice, u32)) -> Result<Script, Failed> {
    let example = example(url)?;
    let of = format!("WHERE order_id = '{example}'");
    let mut arguments = Vec::new();
    let mut row = |table: &str, condition: &str, replaced: &[(&str, &str)]| {
        let argument = |literal: &Literal| {
            // What pgbench takes for no argument stands in the text.
            let Some(value) = literal.value.as_ref().filter(|value| !value.is_empty()) else { return literal.folded() };
            let name = format!("v{}", arguments.len());
            let place = format!(":{name}::{}", literal.kind);
            arguments.push(format!("{name}={value}"));
            place
        };
        values(url, (table, condition), (replaced, argument))
    };
    let id = ("order_id", ":oid");
    let now = ("create_time", "now()");
    let orders = row(
        "orders",
        &of,
        &[id, ("order_number", "'SPK-BENCH-' || lpad(:num::text, 9, '0')"), now, ("update_time", "now()")],
    )?;
    let lines = [1, 2].map(|line| row("order_line", &format!("{of} AND line_id = {line}"), &[id]));
    let [first, second] = lines;
    let event = row("order_event", &of, &[id, now])?;
    let search = row("order_search", &of, &[id])?;
    let mut movement = |sku: &str| {
        let key = ("movement_id", NEW_ID);
        row("stock_movement", &format!("{of} LIMIT 1"), &[key, id, ("sku", sku), now])
    };
    let [one, other] = [movement(":a")?, movement(":b")?];
    let request = row("request", "LIMIT 1", &[("request_id", NEW_ID), now])?;
    let periods = periods(1);
    let pick = match choice {
        Choice::Uniform => {
            format!("\\set n random(0, {})\n\\set m random(0, {})\n", products / 2 - 1, products / 2 - 1)
        }
        Choice::Hot => format!("\\set n 0\n\\set m random(0, {})\n", products / 2 - 1),
    };
    let name = |kind: &str, n: &str, offset: u32| format!("'{kind}' || lpad((:{n} + {offset})::text, 6, '0')");
    let (skus, ids) = (prefix(&sku(0)), prefix(&product_id(0)));
    let text = format!(
        "{pick}\
         \\set shard random(0, 7)\n\
         \\set customer random(0, 99999)\n\
         BEGIN;\n\
         INSERT INTO {request} ON CONFLICT DO NOTHING RETURNING request_id AS oid \\gset\n\
         SELECT min(sku) AS a, max(sku) AS b FROM (SELECT sku FROM stock WHERE sku IN ({a}, {b}) ORDER BY sku FOR NO KEY UPDATE) AS locked \\gset\n\
         SELECT sum(revision) AS revisions FROM product WHERE product_id IN ({p}, {q}) \\gset\n\
         UPDATE stock SET allocated = allocated + 1, last_movement_id = gen_random_uuid() WHERE sku IN (:a, :b);\n\
         INSERT INTO {one}, {other_values};\n\
         INSERT INTO order_counter (prefix, year, value) VALUES ('SPK', 2000, 1) ON CONFLICT (prefix, year) DO UPDATE SET value = order_counter.value + 1 RETURNING value AS num \\gset\n\
         INSERT INTO {orders};\n\
         INSERT INTO {first}, {second_values};\n\
         INSERT INTO {event};\n\
         INSERT INTO {search};\n\
         INSERT INTO order_rollup (grain, start_time, status, currency, shard, orders, total, refunded, credited) VALUES {periods} \
         {ADD_ROLLUPS};\n\
         INSERT INTO customer_rollup (customer_id, currency, orders, spent) VALUES ('customer-' || :customer, 'USD', 1, 0) \
         ON CONFLICT (customer_id, currency) DO UPDATE SET orders = customer_rollup.orders + EXCLUDED.orders, \
         spent = customer_rollup.spent + EXCLUDED.spent;\n\
         COMMIT;\n",
        a = name(&skus, "n", 0),
        b = name(&skus, "m", products / 2),
        p = name(&ids, "n", 0),
        q = name(&ids, "m", products / 2),
        other_values = tuple(&other),
        first = first?,
        second_values = tuple(&second?),
    );
    Ok(Script { text, arguments })
}

/// Orders of a batch, as many as the server puts into one at most: `PLACE_BATCH` of order-store.
pub(crate) const BATCH: u32 = 256;

/// The statements of a whole batch, each with all of its rows, in one transaction: what the database could do if nobody decided
/// anything, nobody called and nobody was answered. The rows come out of the database itself, which costs it less than reading them.
pub(crate) fn batch_script(url: &str, products: u32) -> Result<String, Failed> {
    let example = example(url)?;
    let of = format!("WHERE order_id = '{example}'");
    let id = ("order_id", BATCH_ID);
    let now = ("create_time", "now()");
    let rows = format!("FROM generate_series(1, {BATCH}) AS g");
    let insert = |table: &str, condition: &str, replaced: &[(&str, &str)]| -> Result<String, Failed> {
        let values = values(url, (table, condition), (replaced, Literal::folded))?;
        let (into, tuple) = values.split_once(" VALUES (").ok_or("no values")?;
        Ok(format!("INSERT INTO {into} SELECT {} {rows}", tuple.strip_suffix(')').unwrap_or(tuple)))
    };
    let shelf = |n: u32| format!("('{}' || lpad(((:n + {n} * g) % {products})::text, 6, '0'))", prefix(&sku(0)));
    let shelves = format!("(SELECT {} {rows} UNION SELECT {} {rows})", shelf(7), shelf(10));
    let number =
        [id, ("order_number", "'SPK-BATCH-' || lpad((:num::bigint + g)::text, 9, '0')"), now, ("update_time", "now()")];
    let new = ("movement_id", NEW_ID);
    let movement = |n: u32| insert("stock_movement", &format!("{of} LIMIT 1"), &[new, id, ("sku", &shelf(n)), now]);
    let statements = [
        format!(
            "SELECT count(*) AS locked FROM (SELECT FROM stock WHERE sku IN {shelves} ORDER BY sku FOR NO KEY UPDATE) AS s \\gset"
        ),
        format!(
            "INSERT INTO order_counter (prefix, year, value) VALUES ('SPK', 2001, {BATCH}) ON CONFLICT (prefix, year) \
             DO UPDATE SET value = order_counter.value + {BATCH} RETURNING value AS num \\gset"
        ),
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS b \\gset".to_owned(),
        insert("request", "LIMIT 1", &[("request_id", NEW_ID), now])? + ";",
        format!(
            "UPDATE stock SET allocated = allocated + 1, last_movement_id = gen_random_uuid() WHERE sku IN {shelves};"
        ),
        movement(7)? + ";",
        movement(10)? + ";",
        insert("orders", &of, &number)? + ";",
        insert("order_line", &format!("{of} AND line_id = 1"), &[id, ("sku", &shelf(7))])? + ";",
        insert("order_line", &format!("{of} AND line_id = 2"), &[id, ("sku", &shelf(10))])? + ";",
        insert("order_event", &of, &[id, now])? + ";",
        insert("order_search", &of, &[id])? + ";",
        format!(
            "INSERT INTO order_rollup (grain, start_time, status, currency, shard, orders, total, refunded, credited) VALUES {} \
             {ADD_ROLLUPS};",
            periods(BATCH)
        ),
        format!(
            "INSERT INTO customer_rollup (customer_id, currency, orders, spent) \
             SELECT 'customer-' || (:n + 97 * g) % 100000, 'USD', 1, 0 {rows} ON CONFLICT (customer_id, currency) \
             DO UPDATE SET orders = customer_rollup.orders + EXCLUDED.orders;"
        ),
    ];
    Ok(format!("\\set n random(0, 99999)\n\\set shard random(0, 7)\nBEGIN;\n{}\nCOMMIT;\n", statements.join("\n")))
}

/// The identity of the `g`th order of a batch; sorts by time.
const BATCH_ID: &str = "(lpad(to_hex(:b::bigint), 16, '0') || lpad(to_hex(g), 16, '0'))::uuid";

/// How sums are added to.
const ADD_ROLLUPS: &str = "ON CONFLICT (grain, start_time, status, currency, shard) DO UPDATE SET orders = order_rollup.orders + EXCLUDED.orders, \
     total = order_rollup.total + EXCLUDED.total, refunded = order_rollup.refunded + EXCLUDED.refunded, \
     credited = order_rollup.credited + EXCLUDED.credited";

/// So many orders in the sums of each kind of period.
fn periods(orders: u32) -> String {
    let period = |grain: &str, start: &str| {
        format!("('{grain}', {start}, 'PENDING', 'USD', :shard, {orders}, {orders} * 2000, 0, 0)")
    };
    let binned = |length: &str| format!("date_bin('{length}', now(), to_timestamp(0))");
    [
        period("ALL", "to_timestamp(0)"),
        period("DAY", &binned("1 day")),
        period("HOUR", &binned("1 hour")),
        period("QUARTER_HOUR", &binned("15 minutes")),
    ]
    .join(", ")
}

/// What all names begin with, after that with number 0.
fn prefix(name: &str) -> String {
    name.trim_end_matches('0').to_owned()
}

/// An order that the server placed.
fn example(url: &str) -> Result<String, Failed> {
    // Copies have no movements.
    let placed = "SELECT order_id FROM stock_movement WHERE order_id IS NOT NULL ORDER BY movement_id DESC LIMIT 1";
    let example = sql(url, placed)?;
    if example.is_empty() {
        return Err("no order was placed yet that could be an example".into());
    }
    Ok(example)
}

/// One order by key, in as many statements as the server reads it with.
pub(crate) fn get_script(filled: Filled) -> String {
    let id = filled.id_sql(":n");
    let statements = ["orders", "order_line", "payment", "payment_operation", "shipment", "order_return"]
        .map(|table| format!("SELECT * FROM {table} WHERE order_id = {id};\n"));
    format!("\\set n random(1, {})\n{}", filled.count(), statements.concat())
}

/// The smallest durable transaction that there is: one row into a table of its own.
pub(crate) fn single_row_script(url: &str) -> Result<&'static str, Failed> {
    sql(url, "CREATE TABLE single_row (n bigint)")?;
    Ok("INSERT INTO single_row VALUES (1);\n")
}

/// A new identity that sorts by time, as the server's do.
const NEW_ID: &str = "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') \
                      || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid";

/// A value of a row that is there.
struct Literal {
    value: Option<String>,
    /// Its type.
    kind: String,
}

impl Literal {
    /// Read out of a column.
    fn of(url: &str, column: &str, (table, condition): (&str, &str)) -> Result<Self, Failed> {
        let query = format!("SELECT pg_typeof({column}), {column} IS NULL, {column}::text FROM {table} {condition}");
        let found = sql(url, &query)?;
        let [kind, is_null, value] = found.splitn(3, '|').collect::<Vec<_>>()[..] else {
            return Err(format!("{table} has no example of {column}").into());
        };
        let value = (is_null == "f").then(|| value.to_owned());
        Ok(Self { value, kind: kind.to_owned() })
    }

    /// Written into the text. The server folds it when it plans.
    fn folded(&self) -> String {
        // A colon would begin a variable of pgbench, even inside quotes.
        self.value.as_ref().map_or_else(
            || "NULL".to_owned(),
            |value| format!("('{}')::{}", value.replace('\'', "''").replace(':', "' || chr(58) || '"), self.kind),
        )
    }
}

/// `table (columns) VALUES (...)` of a row that is there, some of its columns replaced, the others written in some way.
fn values(
    url: &str,
    (table, condition): (&str, &str),
    (replaced, mut written): (&[(&str, &str)], impl FnMut(&Literal) -> String),
) -> Result<String, Failed> {
    let columns = columns(url, table)?;
    let mut literals = Vec::with_capacity(columns.len());
    for column in &columns {
        literals.push(match replaced.iter().find(|(name, _)| *name == column.as_str()) {
            Some((_, expression)) => (*expression).to_owned(),
            None => written(&Literal::of(url, column, (table, condition))?),
        });
    }
    Ok(format!("{table} ({}) VALUES ({})", columns.join(", "), literals.join(", ")))
}

/// What stands behind VALUES.
fn tuple(insert: &str) -> &str {
    insert.split_once(" VALUES ").map_or(insert, |(_, tuple)| tuple)
}
