//! Surveys: the thread's work, and their statements.

use std::path::Path;

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _,
    connection::SimpleConnection as _, sql_query,
};
use futures_util::FutureExt as _;
use order_core::ids::{OperationId, OrderId};
use tokio::sync::mpsc;

use super::{
    connection::{self, fault},
    job::caught,
    orders,
    tx::SqliteTx,
};
use crate::{
    backend::SurveyWork,
    fields::Id,
    fragments::{CountRow, IdOdd, TextOdd, odd_sql},
    rows::{EventRow, GatewayRow, OrderRow, OrderRows, RequestRow, SearchRow},
    schema::{gateway_operation, order_event, order_search, orders as orders_table, request},
    statements::{Done, Named, Odd, Survey, nobody_listens},
};

/// Runs a survey to its end, at one snapshot.
///
/// What it sorts goes to files: aggregates over a large database would fill the memory that the service needs.
pub(super) fn survey<S: SurveyWork>(path: &Path, work: &S) -> Done<S::Output> {
    let mut connection = connection::reader(path)?;
    connection.batch_execute("PRAGMA temp_store = FILE; BEGIN DEFERRED").map_err(fault)?;
    let result = caught(|| {
        let mut tx = SqliteTx { connection: &mut connection };
        work.run(&mut tx)
            .now_or_never()
            .expect("statements of SQLite are ready at once, and bodies wait for nothing else")
    });
    connection.batch_execute("ROLLBACK").map_err(fault)?;
    result
}

impl Survey for SqliteTx<'_> {
    /// A survey has a thread of its own: it may wait.
    async fn hand_on<V: Send + 'static>(&mut self, to: &mpsc::Sender<V>, what: V) -> Done {
        to.blocking_send(what).map_err(|_gone| nobody_listens())
    }

    async fn rows_of(&mut self, table: &'static str) -> Done<i64> {
        let count = sql_query(format!("SELECT COUNT(*) AS count FROM {table}"));
        Ok(count.get_result::<CountRow>(self.connection).map_err(fault)?.count)
    }

    async fn orders_behind(&mut self, after: Option<OrderId>, size: u32) -> Done<Vec<OrderRows>> {
        let page = orders_table::table.order(orders_table::order_id.asc()).limit(i64::from(size));
        let page = page.select(OrderRow::as_select()).into_boxed();
        let page = match after {
            Some(id) => page.filter(orders_table::order_id.gt(Id(id.uuid()))),
            None => page,
        };
        let rows = page.load(self.connection).map_err(fault)?;
        orders::whole(self.connection, rows)
    }

    async fn histories(&mut self, ids: &[OrderId]) -> Done<Vec<EventRow>> {
        order_event::table
            .filter(order_event::order_id.eq_any(ids.iter().map(|id| Id(id.uuid()))))
            .order((order_event::order_id.asc(), order_event::revision.asc()))
            .select(EventRow::as_select())
            .load(self.connection)
            .map_err(fault)
    }

    async fn documents(&mut self, ids: &[OrderId]) -> Done<Vec<SearchRow>> {
        order_search::table
            .filter(order_search::order_id.eq_any(ids.iter().map(|id| Id(id.uuid()))))
            .select(SearchRow::as_select())
            .load(self.connection)
            .map_err(fault)
    }

    async fn gateway_log(&mut self, keys: &[OperationId]) -> Done<Vec<GatewayRow>> {
        // Of a page whose orders were tried often there may be more keys than a statement takes.
        let mut log = Vec::new();
        for keys in keys.chunks(KEYS) {
            let rows = gateway_operation::table
                .filter(gateway_operation::key.eq_any(keys.iter().map(|key| Id(key.uuid()))))
                .select(GatewayRow::as_select())
                .load(self.connection)
                .map_err(fault)?;
            log.extend(rows);
        }
        Ok(log)
    }

    async fn requests_behind(&mut self, after: Option<&RequestRow>, size: u32) -> Done<Vec<RequestRow>> {
        use request::{method, principal, request_id};

        let page = request::table.order((principal.asc(), method.asc(), request_id.asc())).limit(i64::from(size));
        let page = page.select(RequestRow::as_select()).into_boxed();
        let page = match after {
            Some(last) => {
                let same = method.eq(&last.method).and(request_id.gt(last.request_id));
                let behind = method.gt(&last.method).or(same);
                page.filter(principal.ge(&last.principal)).filter(principal.gt(&last.principal).or(behind))
            }
            None => page,
        };
        page.load(self.connection).map_err(fault)
    }

    async fn existing(&mut self, ids: &[OrderId]) -> Done<Vec<OrderId>> {
        let there = orders_table::table
            .filter(orders_table::order_id.eq_any(ids.iter().map(|id| Id(id.uuid()))))
            .select(orders_table::order_id)
            .load::<Id>(self.connection)
            .map_err(fault)?;
        Ok(there.into_iter().map(|id| OrderId::new(id.0)).collect())
    }

    async fn odd(&mut self, sql: &'static str, named: Named, most: u64) -> Done<Vec<Odd>> {
        let query = sql_query(odd_sql(sql, most));
        Ok(match named {
            Named::ById => {
                let rows = query.load::<IdOdd>(self.connection).map_err(fault)?;
                rows.into_iter().map(Odd::from).collect()
            }
            Named::ByText => {
                let rows = query.load::<TextOdd>(self.connection).map_err(fault)?;
                rows.into_iter().map(Odd::from).collect()
            }
        })
    }
}

/// Arguments of one statement, well below SQLite's bound of 32 766.
const KEYS: usize = 10_000;
