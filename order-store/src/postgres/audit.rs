//! The statements of a survey.

use std::time::Duration;

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, SelectableHelper as _, dsl::sql, pg::Pg,
    sql_query, sql_types::Bool,
};
use order_core::ids::{OperationId, OrderId};
use tokio::sync::mpsc;

use super::{
    order_lists::goods,
    tx::{PgTx, run},
};
use crate::{
    fields::Id,
    fragments::{CountRow, IdOdd, TextOdd, odd_sql},
    rows::{EventRow, GatewayRow, OrderRow, OrderRows, RequestRow, SearchRow},
    schema::{gateway_operation, order_event, order_search, orders, request},
    statements::{Done, Named, Odd, Read as _, Survey, nobody_listens},
};

/// How often a transaction is heard of that waits for somebody else.
const AWAKE: Duration = Duration::from_secs(60);

impl Survey for PgTx {
    async fn hand_on<V: Send + 'static>(&mut self, to: &mpsc::Sender<V>, what: V) -> Done {
        loop {
            match tokio::time::timeout(AWAKE, to.reserve()).await {
                Ok(Ok(room)) => {
                    room.send(what);
                    return Ok(());
                }
                Ok(Err(_gone)) => return Err(nobody_listens()),
                // The server ends a transaction that says nothing for too long.
                Err(_elapsed) => self.probe().await?,
            }
        }
    }

    async fn rows_of(&mut self, table: &'static str) -> Done<i64> {
        let counted: CountRow = run!(self, get_result(sql_query(format!("SELECT COUNT(*) AS count FROM {table}"))))?;
        Ok(counted.count)
    }

    async fn orders_behind(&mut self, after: Option<OrderId>, size: u32) -> Done<Vec<OrderRows>> {
        let page = orders::table.order(orders::order_id).limit(i64::from(size)).into_boxed::<Pg>();
        let page = match after {
            Some(id) => page.filter(orders::order_id.gt(Id(id.uuid()))),
            None => page,
        };
        let found = run!(self, load(page.select(OrderRow::as_select())))?;
        self.with_children(found).await
    }

    async fn histories(&mut self, ids: &[OrderId]) -> Done<Vec<EventRow>> {
        let ids: Vec<_> = ids.iter().map(|id| Id(id.uuid())).collect();
        let query = order_event::table
            .filter(order_event::order_id.eq_any(ids))
            .order((order_event::order_id, order_event::revision))
            .select(EventRow::as_select());
        run!(self, load(query))
    }

    async fn documents(&mut self, ids: &[OrderId]) -> Done<Vec<SearchRow>> {
        let ids: Vec<_> = ids.iter().map(|id| Id(id.uuid())).collect();
        // Orders are not found by a line that is not in the table of lines.
        let complete = sql::<Bool>(concat!(
            "NOT EXISTS (SELECT FROM unnest(",
            goods!(),
            ") AS goods (line) LEFT JOIN search_line USING (line) WHERE search_line.line IS NULL)"
        ));
        let query = order_search::table.filter(order_search::order_id.eq_any(ids)).filter(complete);
        run!(self, load(query.select(SearchRow::as_select())))
    }

    async fn gateway_log(&mut self, keys: &[OperationId]) -> Done<Vec<GatewayRow>> {
        let keys: Vec<_> = keys.iter().map(|key| Id(key.uuid())).collect();
        let query = gateway_operation::table.filter(gateway_operation::key.eq_any(keys));
        run!(self, load(query.select(GatewayRow::as_select())))
    }

    async fn requests_behind(&mut self, after: Option<&RequestRow>, size: u32) -> Done<Vec<RequestRow>> {
        use request::{method, principal, request_id};

        let page = request::table.order((principal, method, request_id)).limit(i64::from(size)).into_boxed::<Pg>();
        let page = match after {
            Some(last) => {
                let same = method.eq(&last.method).and(request_id.gt(last.request_id));
                let behind = method.gt(&last.method).or(same);
                page.filter(principal.ge(&last.principal)).filter(principal.gt(&last.principal).or(behind))
            }
            None => page,
        };
        run!(self, load(page.select(RequestRow::as_select())))
    }

    async fn existing(&mut self, ids: &[OrderId]) -> Done<Vec<OrderId>> {
        let ids: Vec<_> = ids.iter().map(|id| Id(id.uuid())).collect();
        let there: Vec<Id> =
            run!(self, load(orders::table.filter(orders::order_id.eq_any(ids)).select(orders::order_id)))?;
        Ok(there.into_iter().map(|id| OrderId::new(id.0)).collect())
    }

    async fn odd(&mut self, sql: &'static str, named: Named, most: u64) -> Done<Vec<Odd>> {
        let query = sql_query(odd_sql(sql, most));
        Ok(match named {
            Named::ById => {
                let rows: Vec<IdOdd> = run!(self, load(query))?;
                rows.into_iter().map(Odd::from).collect()
            }
            Named::ByText => {
                let rows: Vec<TextOdd> = run!(self, load(query))?;
                rows.into_iter().map(Odd::from).collect()
            }
        })
    }
}
