//! OrderService.EditOrder: changing what an order contains, as far as it has not been shipped.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    error::Refusal,
    money::Money,
    order::{Command, Edit, Event, EventBody, LineQuantity, Order, lines},
    payment::OperationKind,
    violation::{Violations, reason},
};

use super::{
    change_order::{Change, Changed, change_telling, read, read_change, refuse},
    create_order::may_discount,
    offer::{self, Age, Goods, Wanted},
    placing::recall,
};
use crate::{
    app::App,
    auth::Principal,
    convert::{
        checked,
        line::{self, WantedLine},
        money, order, quantity,
    },
    error::ApiError,
};

/// Calls units off and adds lines at the prices of today, all in one, and says what that means in money.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PRODUCT_NOT_FOUND`, `PRODUCT_INACTIVE`, `CURRENCY_MISMATCH`, `PRICE_CHANGED`,
/// `INSUFFICIENT_STOCK`, `LINE_QUANTITY_EXCEEDED`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn edit_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::EditOrderRequest,
) -> Result<v1::EditOrderResponse, ApiError> {
    let mut added = Vec::new();
    let mut asked = read_change(app, principal, &message, |violations| {
        let (edit, lines) = edit(&message, violations)?;
        added = lines;
        Some(Command::Edit(edit))
    })?;
    let priced = match price(app, principal, (&mut asked, added)).await {
        Ok(priced) => priced,
        // What was added may have no price any more; what was done before is told all the same.
        Err(error) => recall(app, asked.request.as_ref(), error).await.map(|_edited| Ok(()))?,
    };
    let Changed { order, events } = match priced {
        Ok(()) => change_telling(app, principal, asked).await?,
        Err(refusal) => refuse(app, asked, refusal).await?,
    };
    Ok(answer(order, &events))
}

fn answer(order: Order, events: &[Event]) -> v1::EditOrderResponse {
    let currency = order.totals.total.currency();
    let amount = |minor| Some(money::to_proto(Money::new(minor, currency)));
    let (mut difference, mut refund) = (0, 0);
    for event in events {
        if let EventBody::Edited { difference: made } = &event.body {
            difference += made;
        }
        if let EventBody::OperationStarted { operation, .. } = &event.body
            && operation.kind == OperationKind::Refund
        {
            refund += operation.amount;
        }
    }
    v1::EditOrderResponse {
        difference: amount(difference),
        refund: amount(refund),
        due: amount(order.missing()),
        order: Some(order::single(order)),
    }
}

/// Reads an edit, and the lines that it adds, which have no price yet.
fn edit(message: &v1::EditOrderRequest, violations: &mut Violations) -> Option<(Edit, Vec<WantedLine>)> {
    let quantities = changes(&message.changes, violations);
    let added = additions(&message.add, violations);
    let expected_difference = difference(message.expected_difference.as_ref(), violations);
    if message.changes.is_empty() && message.add.is_empty() {
        violations.push("changes", reason::REQUIRED, "must change or add something");
    }
    let edit = Edit {
        quantities: quantities?,
        added: Vec::new(),
        steps: Vec::new(),
        expected_difference: expected_difference?,
    };
    Some((edit, added?))
}

/// Unlike other amounts, it may be negative.
fn difference(money: Option<&order_api::Money>, violations: &mut Violations) -> Option<Option<Money>> {
    match money {
        None => Some(None),
        Some(money) => money::from_proto(money, "expected_difference", violations).map(Some),
    }
}

/// Has the lines that an edit adds priced: without shipping, which was agreed with the order. What stands in their way is
/// handed on apart from what goes wrong, since it is kept under the request id.
async fn price(
    app: &App,
    principal: &Principal,
    (asked, added): (&mut Change, Vec<WantedLine>),
) -> Result<Result<(), Refusal>, ApiError> {
    let Command::Edit(edit) = &mut asked.command else { return Ok(Ok(())) };
    if added.is_empty() {
        return Ok(Ok(()));
    }
    may_discount(principal, (&added, None))?;
    let order = read(app, principal, asked.order_id).await?;
    let currency = order.totals.total.currency();
    checked(|violations| line::discounts_in(currency, ("add", &added), violations))?;
    let wanted = Wanted {
        list: "add",
        lines: added,
        currency,
        destination: order.shipping_address.as_ref().map(Into::into).unwrap_or_default(),
        discount: None,
        expected_total: None,
    };
    let goods = Goods::find(app, &wanted, Age::Now).await?;
    let offer = offer::price(app, (&wanted, goods), None)?;
    if let Err(refusal) = offer::accept(&wanted, &offer) {
        return Ok(Err(refusal));
    }
    edit.added = lines(&offer.lines, &offer.pricing);
    edit.steps = offer.pricing.explanation.steps.into_iter().filter(|step| step.subject.starts_with("line ")).collect();
    Ok(Ok(()))
}

fn changes(changes: &[v1::LineChange], violations: &mut Violations) -> Option<Vec<LineQuantity>> {
    let read = |change: &v1::LineChange, path: &str, violations: &mut Violations| {
        let line_id = line::line_id(change.line_id, &format!("{path}.line_id"), violations);
        let units = quantity::or_none(change.quantity, &format!("{path}.quantity"), violations);
        let units = units?.map_or(0, order_core::quantity::Quantity::get);
        Some(LineQuantity { line_id: line_id?, quantity: units })
    };
    let read = line::each_line(changes, "changes", read, violations)?;
    line::each_once(read.iter().map(|change| change.line_id), "changes", violations)?;
    Some(read)
}

fn additions(lines: &[v1::OrderLineInput], violations: &mut Violations) -> Option<Vec<WantedLine>> {
    if lines.is_empty() { Some(Vec::new()) } else { line::wanted_in("add", lines, violations) }
}
