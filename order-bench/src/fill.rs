//! Many orders at once: copies of one that the server placed, written by the database itself.

use crate::{
    Failed,
    cluster::{columns, sql},
    server,
};

/// How far back the oldest order was placed, in milliseconds.
const SPAN_MS: u64 = 365 * 24 * 3_600_000;

/// How rollups are made of orders that are there already. The same statements as the migration's, so that they stay the same.
const MIGRATION: &str = include_str!("../../order-store/migrations/postgres/0005_rollups/up.sql");

/// Orders that were copied into a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    count: u32,
    products: u32,
    /// When the first of them was placed, and how far they are apart; milliseconds since 1970.
    first_ms: u64,
    step_ms: u64,
}

impl Filled {
    /// Copies an order so many times, spread evenly over the year until now, and gathers statistics.
    pub(crate) fn copy(url: &str, (count, products): (u32, u32)) -> Result<Self, Failed> {
        let example = sql(url, "SELECT order_id FROM orders ORDER BY order_id DESC LIMIT 1")?;
        let now: u64 = sql(url, "SELECT (extract(epoch FROM now()) * 1000)::bigint")?.parse()?;
        let filled = Self { count, products, first_ms: now - SPAN_MS, step_ms: (SPAN_MS / u64::from(count)).max(1) };
        let id = filled.id_sql("n");
        let time = format!("to_timestamp(({} + n * {}) / 1000.0)", filled.first_ms, filled.step_ms);
        let number = "'SPK-1999-' || lpad(n::text, 9, '0')";
        let product = format!("lpad(((n * 7 + e.line_id * 13) % {products})::text, 6, '0')");
        let (product_id, sku) =
            (format!("'p' || {product}"), format!("'{}' || {product}", server::sku(0).trim_end_matches('0')));
        let shelf = server::sku(0).trim_end_matches('0').to_lowercase();
        let of_product = |p: &str| {
            format!("'product number ' || {p}, 'p' || lpad({p}::text, 6, '0'), '{shelf}' || lpad({p}::text, 6, '0')")
        };
        let bought = |line: u32| of_product(&format!("((n * 7 + {line} * 13) % {products})"));
        let document = format!(
            r"concat_ws(E'\n', lower({number}), 'ada@example.com', 'ada example', '', {}, {})",
            bought(1),
            bought(2)
        );
        let copy = |table: &str, replaced: &[(&str, &str)]| copy(url, (table, &example, count), replaced);
        copy(
            "orders",
            &[
                ("order_id", &id),
                ("order_number", number),
                ("customer_id", "'customer-' || (n % 100000)"),
                // Nobody is to call them off meanwhile.
                ("pay_by", "NULL"),
                ("create_time", &time),
                ("update_time", &time),
            ],
        )?;
        copy("order_line", &[("order_id", &id), ("product_id", &product_id), ("sku", &sku)])?;
        copy("order_event", &[("order_id", &id), ("create_time", &time)])?;
        copy("order_search", &[("order_id", &id), ("document", &document)])?;
        let lines = format!(
            "INSERT INTO search_line SELECT unnest(ARRAY[{}]) FROM generate_series(0, {products} - 1) AS p ON CONFLICT DO NOTHING",
            of_product("p")
        );
        sql(url, &lines)?;
        sql(url, "TRUNCATE order_rollup, customer_rollup")?;
        for statement in MIGRATION.split(";\n").filter(|statement| statement.trim_start().starts_with("INSERT")) {
            sql(url, statement)?;
        }
        sql(url, "VACUUM ANALYZE")?;
        // Segments of the log that are done with are used again, as on a server that has been running for a while; making new ones would
        // hold up commits.
        sql(url, "CHECKPOINT")?;
        Ok(filled)
    }

    /// How many there are.
    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    /// The identity of the `n`th order, counted from 1.
    pub(crate) fn id(self, n: u32) -> String {
        let time = format!("{:012x}", self.first_ms + u64::from(n) * self.step_ms);
        format!("{}-{}-7000-8000-{n:012x}", &time[..8], &time[8..])
    }

    /// The SKU of a line of the `n`th order.
    pub(crate) fn sku(self, n: u32) -> String {
        let product = (u64::from(n) * 7 + 13) % u64::from(self.products);
        server::sku(u32::try_from(product).expect("it is below a number that fits"))
    }

    /// The number of the `n`th order: of a year that no order is placed in.
    pub(crate) fn number(n: u32) -> String {
        format!("SPK-1999-{n:09}")
    }

    /// The same identity as SQL, of a number that is called so there.
    pub(crate) fn id_sql(self, n: &str) -> String {
        let Self { first_ms, step_ms, .. } = self;
        format!(
            "(lpad(to_hex({first_ms} + {n}::bigint * {step_ms}), 12, '0') || '70008000' || lpad(to_hex({n}::bigint), 12, '0'))::uuid"
        )
    }
}

/// Copies the example's rows of a table, some columns replaced by expressions over `n`, the copy's number, and `e`, the row.
fn copy(url: &str, (table, example, count): (&str, &str, u32), replaced: &[(&str, &str)]) -> Result<(), Failed> {
    let columns = columns(url, table)?;
    let values: Vec<_> = columns
        .iter()
        .map(|column| match replaced.iter().find(|(name, _)| *name == column.as_str()) {
            Some((_, expression)) => (*expression).to_owned(),
            None => format!("e.{column}"),
        })
        .collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    sql(
        url,
        &format!(
            "INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1::bigint, {count}) AS n \
             CROSS JOIN (SELECT * FROM {table} WHERE order_id = '{example}') AS e"
        ),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_uuids_in_the_order_of_their_time() {
        let filled = Filled { count: 3, products: 7, first_ms: 1_700_000_000_000, step_ms: 1000 };
        let ids = [1, 2, 3].map(|n| filled.id(n));
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(ids[0], "018bcfe5-6be8-7000-8000-000000000001");
        assert!(uuid::Uuid::parse_str(&ids[2]).is_ok());
    }

    #[test]
    fn the_migration_fills_two_tables() {
        let fills = MIGRATION.split(";\n").filter(|statement| statement.trim_start().starts_with("INSERT"));
        assert_eq!(fills.count(), 2);
    }
}
