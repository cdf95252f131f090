//! `AdminService.ImportOrders`: the same import, fed by a client's stream.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use order_api::{prost::Message as _, v1};
use order_core::{
    currency::Currency,
    import_judge::{ImportOptions, RawItem, RawOrder, SourceName},
    limits,
    violation::{Violations, reason},
};
use order_store::Mode;
use tonic::Status;
use v1::import_orders_request::Message;

use super::{
    decision::{Decision, Outcome, Taken},
    importer::{Desk, Importer},
    summary::Summary,
};
use crate::{
    app::App,
    auth::Principal,
    convert::{self, actor, money},
    error::ApiError,
    service::call,
};

/// Room in the answer for everything but the decisions.
const FRAME_BYTES: usize = 16 * 1024;

/// Takes over the orders of a stream: the options first, then orders, at most [`limits::IMPORT_ORDERS_PER_STREAM`].
///
/// A refused order is part of the answer, not an error. When the stream breaks off or the store fails, the batches that
/// were complete stay; the client repeats the stream as a whole.
///
/// # Errors
/// `INVALID_FIELD` if the first message holds no or bad options, a later one no order, or there are too many; the store's.
pub async fn receive<S>(app: &App, principal: &Principal, stream: S) -> Result<v1::ImportOrdersResponse, ApiError>
where
    S: Stream<Item = Result<v1::ImportOrdersRequest, Status>> + Send,
{
    let mut stream = std::pin::pin!(stream);
    let first = stream.next().await.transpose().map_err(|status| broken(0, &status))?;
    let (options, mode) = match first.and_then(|request| request.message) {
        Some(Message::Options(options)) => self::options(&options, app)?,
        Some(Message::Order(_)) | None => return Err(invalid("options", reason::REQUIRED, "must come first")),
    };
    let mut importer = Importer::new(desk(app, principal), mode, options);
    while let Some(request) = stream.next().await {
        let request = request.map_err(|status| broken(importer.taken(), &status))?;
        let order = match request.message {
            Some(Message::Order(order)) => order,
            Some(Message::Options(_)) | None => {
                return Err(invalid("order", reason::REQUIRED, "must follow the options, one in a message"));
            }
        };
        if importer.taken() == limits::IMPORT_ORDERS_PER_STREAM {
            let most =
                format!("must be at most {} in a stream; send the rest in another", limits::IMPORT_ORDERS_PER_STREAM);
            return Err(invalid("order", reason::TOO_MANY, most));
        }
        importer.take(&raw(order)).await?;
    }
    importer.flush().await?;
    Ok(answer(&importer.into_decisions()))
}

fn desk(app: &App, principal: &Principal) -> Desk {
    Desk {
        store: Arc::clone(&app.store),
        numbering: app.numbering.clone(),
        policy: app.policy,
        clock: Arc::clone(&app.clock),
        ids: Arc::clone(&app.ids),
        actor: actor::of(principal),
    }
}

fn options(options: &v1::ImportOptions, app: &App) -> Result<(ImportOptions, Mode), ApiError> {
    let mode = call::mode(options.dry_run);
    let options = convert::checked(|violations| {
        let source = source(&options.source, violations);
        let currency = currency(&options.currency_code, app.currency, violations);
        Some(ImportOptions { source: source?, currency: currency?, now: app.clock.now() })
    })?;
    Ok((options, mode))
}

fn source(text: &str, violations: &mut Violations) -> Option<SourceName> {
    let why = if text.is_empty() { reason::REQUIRED } else { reason::MALFORMED };
    SourceName::parse(text).map_err(|error| violations.push("options.source", why, error.to_string())).ok()
}

fn currency(code: &str, default: Currency, violations: &mut Violations) -> Option<Currency> {
    money::optional_currency((code, default), "options.currency_code", violations)
}

fn raw(order: v1::ImportOrder) -> RawOrder {
    let v1::ImportOrder { external_id, customer_id, status, payment_status, total, created_at, items } = order;
    let items = items.into_iter().map(raw_item).collect();
    RawOrder { external_id, customer_id, status, payment_status, total, created_at, items }
}

fn raw_item(item: v1::ImportOrderItem) -> RawItem {
    let v1::ImportOrderItem { external_id, product_id, sku, quantity, unit_price } = item;
    RawItem { external_id, product_id, sku, quantity, unit_price }
}

fn invalid(path: &str, why: &'static str, description: impl Into<String>) -> ApiError {
    ApiError::invalid(Violations::one(path, why, description))
}

/// The stream ended with an error instead of its end. Whoever hangs up hears nothing of this; the others sent a message
/// that is none, or too large.
fn broken(taken: usize, status: &Status) -> ApiError {
    invalid("order", reason::MALFORMED, format!("number {} cannot be read: {}", taken + 1, status.message()))
}

fn answer(decisions: &[Decision]) -> v1::ImportOrdersResponse {
    let summary = Summary::of(decisions);
    let mut answer = v1::ImportOrdersResponse {
        received: int32(summary.received),
        imported: int32(summary.orders(Outcome::Imported)),
        already_imported: int32(summary.orders(Outcome::AlreadyImported) + summary.orders(Outcome::Repeated)),
        refused: int32(summary.orders(Outcome::Refused)),
        corrections: summary.corrections.into_iter().map(|(name, orders)| (name, int32(orders))).collect(),
        refusals: summary.refusals.iter().map(|(reason, orders)| (reason.to_string(), int32(*orders))).collect(),
        decisions: decisions.iter().map(decision).collect(),
    };
    fit(&mut answer.decisions);
    answer
}

/// Keeps the answer within what a message may have, whatever the sender put into its ids: first without the messages for
/// people, which repeat the reasons, then without the last decisions. The orders are written by now, and must not fail for it.
fn fit(decisions: &mut Vec<v1::ImportDecision>) {
    let room = limits::MESSAGE_BYTES_OUT - FRAME_BYTES;
    // Tag and length of an entry take at most six bytes.
    let size = |decision: &v1::ImportDecision| decision.encoded_len() + 6;
    if decisions.iter().map(size).sum::<usize>() > room {
        decisions.iter_mut().for_each(|decision| decision.message.clear());
    }
    let mut left = room;
    let fitting = decisions.iter().take_while(|decision| match left.checked_sub(size(decision)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    let fitting = fitting.count();
    decisions.truncate(fitting);
}

fn decision(decision: &Decision) -> v1::ImportDecision {
    let outcome = match decision.outcome {
        Outcome::Imported => v1::ImportOutcome::Imported,
        Outcome::AlreadyImported | Outcome::Repeated => v1::ImportOutcome::AlreadyImported,
        Outcome::Refused => v1::ImportOutcome::Refused,
    };
    let name = decision.taken.as_ref().and_then(|Taken { name, .. }| name.as_ref());
    v1::ImportDecision {
        external_id: decision.external_id.clone(),
        outcome: outcome.into(),
        order_id: name.map(|(id, _)| id.to_string()).unwrap_or_default(),
        order_number: name.map(|(_, number)| number.to_string()).unwrap_or_default(),
        corrections: decision.corrections.clone(),
        reason: decision.reason.map(|reason| reason.to_string()).unwrap_or_default(),
        message: decision.message.clone(),
    }
}

/// A stream is bounded far below.
fn int32(orders: usize) -> i32 {
    i32::try_from(orders).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_too_large_loses_its_messages_and_then_its_last_decisions() {
        let decision = |id: usize| v1::ImportDecision {
            external_id: id.to_string(),
            message: "m".repeat(200),
            ..v1::ImportDecision::default()
        };
        let mut few: Vec<_> = (0..10).map(decision).collect();
        fit(&mut few);
        assert_eq!((few.len(), few[9].message.len()), (10, 200));

        let mut many: Vec<_> = (0..30_000).map(decision).collect();
        fit(&mut many);
        assert_eq!((many.len(), many[0].message.len()), (30_000, 0));

        let wide = |id: usize| v1::ImportDecision { external_id: "ü".repeat(200), ..decision(id) };
        let mut wide: Vec<_> = (0..limits::IMPORT_ORDERS_PER_STREAM * 2).map(wide).collect();
        fit(&mut wide);
        let answer = v1::ImportOrdersResponse { decisions: wide, ..v1::ImportOrdersResponse::default() };
        assert!(answer.encoded_len() <= limits::MESSAGE_BYTES_OUT && answer.decisions.len() > 5_000);
    }
}
