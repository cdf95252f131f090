//! `product`, `stock` and `stock_movement`.

use diesel::{
    BoolExpressionMethods as _, EscapeExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, QueryResult, QueryableByName, RunQueryDsl, SelectableHelper as _, SqliteConnection,
    TextExpressionMethods as _, declare_sql_function,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_query,
    sql_types::{BigInt, Nullable, Text},
    sqlite::Sqlite,
};
use order_core::ids::{ProductId, Sku};

use super::{
    connection::{failure, fault, race},
    insert::{insert_new, insert_row},
    many::find,
};
use crate::{
    assemble,
    error::StoreError,
    fields::Id,
    fragments::{HISTORY, like_pattern},
    query::{MovementQuery, ProductQuery},
    rows::{MovementRow, ProductRow, StockRow},
    schema::{product, stock, stock_movement},
    sql_types::Uuid,
    statements::Done,
};

#[declare_sql_function]
extern "SQL" {
    /// Lower case of all alphabets; SQLite's own knows ASCII only, and PostgreSQL's knows them all.
    fn lower_unicode(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Teaches a connection `lower_unicode`.
pub(super) fn register_lower(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    lower_unicode_utils::register_impl(connection, |text: String| text.to_lowercase()).map_err(failure)
}

/// Products of these ids or SKUs, by id.
pub(super) fn products_by_id_or_sku(
    connection: &mut SqliteConnection,
    ids: &[ProductId],
    skus: &[Sku],
) -> Done<Vec<ProductRow>> {
    let ids = ids.iter().map(ProductId::as_str);
    let skus = skus.iter().map(Sku::as_str);
    product::table
        .filter(product::product_id.eq_any(ids).or(product::sku.eq_any(skus)))
        .order(product::product_id.asc())
        .select(ProductRow::as_select())
        .load(connection)
        .map_err(fault)
}

pub(super) fn products(connection: &mut SqliteConnection, ids: &[ProductId]) -> Done<Vec<ProductRow>> {
    product::table
        .filter(product::product_id.eq_any(ids.iter().map(ProductId::as_str)))
        .select(ProductRow::as_select())
        .load(connection)
        .map_err(fault)
}

/// `CROSS JOIN` has SQLite go through the keys, in their order, and look each of them up.
pub(super) const REVISIONS: &str = "SELECT product.product_id, product.revision
    FROM json_each(?) AS wanted CROSS JOIN product ON product.product_id = wanted.value";

pub(super) fn revisions(connection: &mut SqliteConnection, ids: &[ProductId]) -> Done<Vec<(String, i64)>> {
    find::<(Text, BigInt), _>(connection, REVISIONS, &ids.iter().map(ProductId::as_str).collect::<Vec<_>>())
}

pub(super) fn put_products(connection: &mut SqliteConnection, rows: &[ProductRow]) -> Done {
    for row in rows {
        diesel::insert_into(product::table)
            .values(row)
            .on_conflict(product::product_id)
            .do_update()
            .set(row)
            .execute(connection)
            .map_err(race)?;
    }
    Ok(())
}

pub(super) fn product_page(connection: &mut SqliteConnection, query: &ProductQuery) -> Done<Vec<ProductRow>> {
    let mut page = product::table
        .select(ProductRow::as_select())
        .order(product::product_id.asc())
        .limit(i64::from(query.size) + 1)
        .into_boxed();
    if let Some(active) = query.active {
        page = page.filter(product::active.eq(active));
    }
    if let Some(after) = &query.after {
        page = page.filter(product::product_id.gt(after.as_str()));
    }
    for word in &query.words {
        let text = product::product_id.concat(" ").concat(product::sku).concat(" ").concat(product::name);
        page = page.filter(lower_unicode(text).like(like_pattern(word)).escape('\\'));
    }
    page.load(connection).map_err(fault)
}

/// As [`REVISIONS`].
pub(super) const LEVELS: &str =
    "SELECT stock.sku, stock.on_hand, stock.reserved, stock.allocated, stock.backorder_limit,
        stock.last_movement_id
    FROM json_each(?) AS wanted CROSS JOIN stock ON stock.sku = wanted.value";

/// Levels of these SKUs, in their order.
pub(super) fn levels(connection: &mut SqliteConnection, skus: &[Sku]) -> Done<Vec<StockRow>> {
    find::<diesel::dsl::SqlTypeOf<<stock::table as diesel::Table>::AllColumns>, _>(
        connection,
        LEVELS,
        &skus.iter().map(Sku::as_str).collect::<Vec<_>>(),
    )
}

/// Adds the shelves that do not exist and names them.
pub(super) fn insert_stock(connection: &mut SqliteConnection, rows: &[StockRow]) -> Done<Vec<String>> {
    let mut added = Vec::new();
    for row in rows {
        if insert_new(connection, row).map_err(fault)? {
            added.push(row.sku.clone());
        }
    }
    Ok(added)
}

/// Writes levels. Row by row: as one statement over all of them it would first gather what it finds, because it changes the table
/// that it reads.
pub(super) fn update_stock(connection: &mut SqliteConnection, rows: &[StockRow]) -> Done {
    rows.iter().try_for_each(|row| NewLevel(row).execute(connection).map(drop)).map_err(fault)
}

/// Writes one level, by a statement that is kept prepared, as diesel's own `update` would not be.
struct NewLevel<'a>(&'a StockRow);

impl QueryFragment<Sqlite> for NewLevel<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let StockRow { sku, on_hand, reserved, allocated, backorder_limit, last_movement_id } = self.0;
        out.push_sql("UPDATE stock SET on_hand = ");
        out.push_bind_param::<BigInt, _>(on_hand)?;
        out.push_sql(", reserved = ");
        out.push_bind_param::<BigInt, _>(reserved)?;
        out.push_sql(", allocated = ");
        out.push_bind_param::<BigInt, _>(allocated)?;
        out.push_sql(", backorder_limit = ");
        out.push_bind_param::<BigInt, _>(backorder_limit)?;
        out.push_sql(", last_movement_id = ");
        out.push_bind_param::<Nullable<Uuid>, _>(last_movement_id)?;
        out.push_sql(" WHERE sku = ");
        out.push_bind_param::<Text, _>(sku)
    }
}

impl QueryId for NewLevel<'_> {
    type QueryId = NewLevel<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for NewLevel<'_> {}

pub(super) fn insert_movements(connection: &mut SqliteConnection, rows: &[MovementRow]) -> Done {
    for row in rows {
        insert_row(connection, row).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn movement_page(connection: &mut SqliteConnection, query: &MovementQuery) -> Done<Vec<MovementRow>> {
    let rows = i64::from(query.size) + 1;
    let all = stock_movement::table.select(MovementRow::as_select());
    let Some(sku) = &query.sku else {
        let mut page = all.order(stock_movement::movement_id.desc()).limit(rows).into_boxed();
        if let Some(after) = query.after {
            page = page.filter(stock_movement::movement_id.lt(Id(after)));
        }
        return page.load(connection).map_err(fault);
    };
    let first: Option<Option<Id>> = match query.after {
        None => stock::table.find(sku.as_str()).select(stock::last_movement_id).first(connection),
        Some(after) => {
            let same = stock_movement::table.find(Id(after)).filter(stock_movement::sku.eq(sku.as_str()));
            same.select(stock_movement::previous_movement_id).first(connection)
        }
    }
    .optional()
    .map_err(fault)?;
    let Some(first) = first.flatten() else { return Ok(Vec::new()) };
    let ids =
        sql_query(HISTORY).bind::<Uuid, _>(first).bind::<BigInt, _>(rows).load::<Step>(connection).map_err(fault)?;
    let ids: Vec<_> = ids.into_iter().map(|step| step.movement_id).collect();
    let found = all.filter(stock_movement::movement_id.eq_any(&ids)).load(connection).map_err(fault)?;
    Ok(assemble::history(&ids, found))
}

/// A step of a shelf's history.
#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Uuid)]
    movement_id: Id,
}
