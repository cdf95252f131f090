//! Reads an export of two CSV files: orders, and their lines.
//!
//! What is *in* a row is the judge's business. A file whose rows cannot be told apart into columns (a missing column, a row
//! with a cell too many, bytes that are no UTF-8) is not read at all: guessing where a cell belongs would invent orders.
//! Both files are held in memory; an order's lines may stand anywhere in the second.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::Read,
    path::Path,
};

use csv::{ReaderBuilder, StringRecord};
use order_core::import_judge::{RawItem, RawOrder};

/// Columns of the file of orders; further ones are ignored, and their order does not matter.
pub(super) const ORDER_COLUMNS: [&str; 6] =
    ["order_id", "customer_id", "order_status", "payment_status", "order_total", "created_at"];

/// Columns of the file of lines.
pub(super) const ITEM_COLUMNS: [&str; 6] = ["order_item_id", "order_id", "product_id", "sku", "quantity", "unit_price"];

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened, or is no CSV.
    #[error("{file}: {source}")]
    Csv {
        /// Its name.
        file: String,
        /// What is wrong with it, and where.
        source: csv::Error,
    },
    /// Its first line does not name the columns.
    #[error("{file}: the first line must name the columns; missing or named twice: {}", .columns.join(", "))]
    Columns {
        /// Its name.
        file: String,
        /// Which.
        columns: Vec<&'static str>,
    },
}

/// An order, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: u64,
    /// The order with its lines.
    pub order: RawOrder,
}

/// A line whose order is not in the file of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Line of the file of lines, from 1.
    pub line: u64,
    /// The order that it names.
    pub order_id: String,
    /// Its own id.
    pub item_id: String,
}

/// What the two files hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Export {
    /// The orders, as they stand in the file.
    pub rows: Vec<Row>,
    /// Lines in all.
    pub items: usize,
    /// Lines without an order, as they stand in the file.
    pub orphans: Vec<Orphan>,
    /// SKUs in all.
    pub skus: usize,
    /// SKUs among them that stand for several products.
    pub shared_skus: usize,
}

impl Export {
    /// Reads both files.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(orders: &Path, items: &Path) -> Result<Self, FileError> {
        let read = |path: &Path| {
            let name = path.display().to_string();
            match File::open(path) {
                Ok(file) => Ok((name, file)),
                Err(error) => Err(FileError::Csv { file: name, source: error.into() }),
            }
        };
        Self::read(read(orders)?, read(items)?)
    }

    /// Reads both from anywhere, given their names.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read<O: Read, I: Read>(
        (orders_name, orders): (String, O),
        (items_name, items): (String, I),
    ) -> Result<Self, FileError> {
        let mut lines = Lines::default();
        rows(&items_name, items, ITEM_COLUMNS, |line, cells| lines.add(line, cells))?;
        let mut export = Self { items: lines.count, ..Self::default() };
        rows(&orders_name, orders, ORDER_COLUMNS, |line, cells| {
            let [external_id, customer_id, status, payment_status, total, created_at] = cells;
            // Two rows with one id both get its lines: the judge compares them as they are.
            let items = lines.of(&external_id);
            let order = RawOrder { external_id, customer_id, status, payment_status, total, created_at, items };
            export.rows.push(Row { line, order });
        })?;
        export.skus = lines.products_by_sku.len();
        export.shared_skus = lines.products_by_sku.values().filter(|products| products.len() > 1).count();
        export.orphans = lines.orphans();
        Ok(export)
    }
}

/// The lines by the order that they name.
#[derive(Default)]
struct Lines {
    count: usize,
    by_order: HashMap<String, OfOrder>,
    products_by_sku: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct OfOrder {
    claimed: bool,
    items: Vec<(u64, RawItem)>,
}

impl Lines {
    fn add(&mut self, line: u64, cells: [String; 6]) {
        let [external_id, order_id, product_id, sku, quantity, unit_price] = cells;
        self.count += 1;
        self.products_by_sku.entry(sku.trim().to_owned()).or_default().insert(product_id.trim().to_owned());
        let item = RawItem { external_id, product_id, sku, quantity, unit_price };
        self.by_order.entry(order_id.trim().to_owned()).or_default().items.push((line, item));
    }

    fn of(&mut self, order_id: &str) -> Vec<RawItem> {
        let Some(found) = self.by_order.get_mut(order_id.trim()) else { return Vec::new() };
        found.claimed = true;
        found.items.iter().map(|(_, item)| item.clone()).collect()
    }

    fn orphans(self) -> Vec<Orphan> {
        let unclaimed = self.by_order.into_iter().filter(|(_, found)| !found.claimed);
        let mut orphans: Vec<_> = unclaimed
            .flat_map(|(order_id, found)| {
                found.items.into_iter().map(move |(line, item)| Orphan {
                    line,
                    order_id: order_id.clone(),
                    item_id: item.external_id,
                })
            })
            .collect();
        orphans.sort_unstable_by_key(|orphan| orphan.line);
        orphans
    }
}

/// Reads the rows of a file, the cells of each in the order of `columns`.
fn rows<const N: usize>(
    name: &str,
    file: impl Read,
    columns: [&'static str; N],
    mut take: impl FnMut(u64, [String; N]),
) -> Result<(), FileError> {
    let failed = |source| FileError::Csv { file: name.to_owned(), source };
    let mut reader = ReaderBuilder::new().has_headers(true).from_reader(file);
    let header = reader.headers().map_err(failed)?;
    let places = places(header, columns).map_err(|columns| FileError::Columns { file: name.to_owned(), columns })?;
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(failed)? {
        let line = record.position().map_or(0, csv::Position::line);
        take(line, places.map(|place| record.get(place).unwrap_or_default().to_owned()));
    }
    Ok(())
}

/// Where each column stands, or those that stand nowhere or twice. Capitals, blanks and a byte order mark do not matter.
fn places<const N: usize>(header: &StringRecord, columns: [&'static str; N]) -> Result<[usize; N], Vec<&'static str>> {
    let named = |cell: &str, column: &str| cell.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(column);
    let found = columns.map(|column| {
        let mut places = header.iter().enumerate().filter(|(_, cell)| named(cell, column)).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none())
    });
    let wrong: Vec<_> =
        columns.iter().zip(found).filter(|(_, place)| place.is_none()).map(|(column, _)| *column).collect();
    if wrong.is_empty() { Ok(found.map(Option::unwrap_or_default)) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = "order_id,customer_id,order_status,payment_status,order_total,created_at\n";
    const ITEMS: &str = "order_item_id,order_id,product_id,sku,quantity,unit_price\n";

    fn read(orders: &str, items: &str) -> Result<Export, FileError> {
        Export::read(("orders.csv".into(), orders.as_bytes()), ("items.csv".into(), items.as_bytes()))
    }

    #[test]
    fn lines_find_their_orders_and_those_that_do_not_are_named() {
        let orders = format!(
            "{ORDERS}1,44,CREATED,FAILED,1.00,2024-09-18 14:40:32\n2,98,CANCELLED,FAILED,2.00,2023-02-06 02:26:38\n"
        );
        let items = format!("{ITEMS}1,2,7,A,1,2.00\n2,9,7,A,1,2.00\n3, 2,8,A,3,0.50\n4,,8,B,3,0.50\n");
        let export = read(&orders, &items).unwrap();
        assert_eq!(
            export.rows.iter().map(|row| (row.line, row.order.items.len())).collect::<Vec<_>>(),
            [(2, 0), (3, 2)]
        );
        assert_eq!(export.rows[1].order.items[1].product_id, "8");
        let orphans: Vec<_> =
            export.orphans.iter().map(|o| (o.line, o.order_id.as_str(), o.item_id.as_str())).collect();
        assert_eq!(orphans, [(3, "9", "2"), (5, "", "4")]);
        assert_eq!((export.items, export.skus, export.shared_skus), (4, 2, 1));
    }

    #[test]
    fn columns_are_found_by_name_wherever_they_stand() {
        let orders = "\u{feff}Created_At,note, order_id ,customer_id,order_status,payment_status,order_total\n\
                      2024-09-18 14:40:32,\"a, b\",1,44,CREATED,FAILED,1.00\n";
        let export = read(orders, ITEMS).unwrap();
        assert_eq!(export.rows[0].order.created_at, "2024-09-18 14:40:32");
        assert_eq!(export.rows[0].order.total, "1.00");
    }

    #[test]
    fn two_rows_of_one_order_both_have_its_lines() {
        let row = "1,44,CREATED,FAILED,1.00,2024-09-18 14:40:32\n";
        let export = read(&format!("{ORDERS}{row}{row}"), &format!("{ITEMS}1,1,7,A,1,2.00\n")).unwrap();
        assert_eq!(export.rows[0].order, export.rows[1].order);
        assert!(export.orphans.is_empty());
    }

    #[test]
    fn a_file_that_is_no_such_table_is_refused_with_its_name_and_line() {
        let told = |orders: &str| read(orders, ITEMS).unwrap_err().to_string();
        assert_eq!(
            told("order_id,customer_id,order_status,order_status,created_at\n"),
            "orders.csv: the first line must name the columns; missing or named twice: order_status, payment_status, order_total"
        );
        let ragged = told(&format!("{ORDERS}1,44,CREATED,FAILED,1,234.50,2024-09-18 14:40:32\n"));
        assert!(ragged.starts_with("orders.csv: ") && ragged.contains("line: 2"), "{ragged}");
        assert!(told("").contains("order_id"));
        let missing = Export::open(Path::new("no-such-orders.csv"), Path::new("no-such-items.csv")).unwrap_err();
        assert!(missing.to_string().starts_with("no-such-orders.csv: "), "{missing}");
    }
}
