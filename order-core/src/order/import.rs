//! Taking an order over from another system, as it stood there.
//!
//! Nothing is charged, promised, sent or given back because of it: what the other system did has happened. Its dates are
//! kept, and its own total stands beside the sum of its lines.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Order, Owner, State, Totals,
    command::Context,
    decide::Script,
    event::EventBody,
    line::{Counters, Line},
    place::Placement,
    state::{FulfillmentStatus, PaymentStatus, Status},
};
use crate::{
    currency::Currency,
    ids::{CustomerId, IdSeed, OrderId, PaymentId, ProductId, Sku},
    money::{Money, MoneyError},
    payment::{Operation, OperationKind, OperationState, Payment, PaymentMethod},
    policy::AllocatePolicy,
    quantity::Quantity,
    stock::Demand,
    time::Timestamp,
};

/// Where an imported order came from, and what it said there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSource {
    /// The other system.
    pub source: String,
    /// Its name there; unique within the source.
    pub external_id: String,
    /// Its status there, as written.
    pub original_status: String,
    /// Its payment status there, as written.
    pub original_payment_status: String,
    /// Its total there; it need not be ours.
    pub original_total: Option<Money>,
    /// What had to be put right, by name.
    pub corrections: Vec<String>,
}

/// A line that was judged fit to be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// What was bought.
    pub product_id: ProductId,
    /// What was counted.
    pub sku: Sku,
    /// Its name, if one is known; otherwise the product id.
    pub name: String,
    /// Units.
    pub quantity: Quantity,
    /// Of one unit.
    pub unit_price: Money,
}

/// An order that was judged fit to be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportDraft {
    /// Whose it was.
    pub customer_id: CustomerId,
    /// The state to take it over in: PENDING, CANCELLED, or PROCESSING for one that was delivered.
    pub state: State,
    /// Whether its goods have arrived.
    pub delivered: bool,
    /// Whether its money was taken.
    pub paid: bool,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// At least one.
    pub lines: Vec<ImportLine>,
    /// When it was placed.
    pub create_time: Timestamp,
    /// Where it came from.
    pub source: ImportSource,
}

/// Takes an order over. Its events carry the context's time: that is when *we* learned of it.
///
/// # Errors
/// Where the sum of its lines is no amount of money.
pub fn import(draft: ImportDraft, id: OrderId, context: &Context) -> Result<Placement, MoneyError> {
    let source = draft.source.clone();
    let order = as_it_stood(draft, id, context)?;
    let mut script = Script::on(order, context);
    script.emit(EventBody::Imported {
        source: source.source,
        external_id: source.external_id,
        corrections: source.corrections,
    });
    let Script { order, events, .. } = script;
    Ok(Placement { order, events, demand: Demand::new(), allocate: AllocatePolicy::Confirm })
}

fn as_it_stood(draft: ImportDraft, id: OrderId, context: &Context) -> Result<Order, MoneyError> {
    let lines =
        draft.lines.iter().zip(1..).map(|(line, n)| taken_over(line, n, &draft)).collect::<Result<Vec<_>, _>>()?;
    let currency = draft.currency;
    let zero = Money::zero(currency);
    let total = Money::sum(lines.iter().map(|line| line.total), currency)?;
    let mut order = Order {
        id,
        number: None,
        owner: Owner::Customer(draft.customer_id.clone()),
        cart_id: None,
        coupon_code: None,
        state: draft.state,
        payment_status: PaymentStatus::Unpaid,
        fulfillment_status: FulfillmentStatus::Unfulfilled,
        status: Status::Pending,
        holds: Vec::new(),
        lines,
        totals: Totals { subtotal: total, discount: zero, tax: zero, shipping: zero, shipping_tax: zero, total },
        explanation: Arc::default(),
        contact: None,
        shipping_address: None,
        billing_address: None,
        // Nothing moves for nothing: the ledger knows no request over no money.
        payments: if total.is_zero() { Vec::new() } else { vec![payment(&draft, total, context.ids)] },
        shipments: Vec::new(),
        returns: Vec::new(),
        shipping_refunded: 0,
        notes: String::new(),
        metadata: BTreeMap::new(),
        cancel_reason: None,
        stock_keeping: context.policy.stock_keeping,
        pay_by: None,
        create_time: draft.create_time,
        update_time: draft.create_time,
        import: Some(draft.source),
        revision: 0,
    };
    order.derive();
    Ok(order)
}

fn taken_over(line: &ImportLine, line_id: u32, draft: &ImportDraft) -> Result<Line, MoneyError> {
    let ordered = line.quantity.get();
    let subtotal = line.unit_price.checked_mul(i64::from(ordered))?;
    let zero = Money::zero(subtotal.currency());
    let arrived = if draft.delivered { ordered } else { 0 };
    let cancelled = if draft.state == State::Cancelled { ordered } else { 0 };
    Ok(Line {
        line_id,
        product_id: line.product_id.clone(),
        sku: line.sku.clone(),
        name: line.name.clone(),
        unit_price: line.unit_price,
        subtotal,
        discount: zero,
        tax: zero,
        total: subtotal,
        tax_rate: "0".to_owned(),
        tax_class: "imported".to_owned(),
        counters: Counters { shipped: arrived, delivered: arrived, cancelled, ..Counters::ordered(ordered) },
    })
}

/// The other system's payment as one closed operation: taken, or refused.
fn payment(draft: &ImportDraft, total: Money, ids: IdSeed) -> Payment {
    let now = draft.create_time;
    let mut payment = Payment::open(PaymentId::new(ids.nth(1)), PaymentMethod::External, total, now);
    let operation_id = crate::ids::OperationId::new(ids.nth(2));
    payment.begin(Operation {
        id: operation_id,
        kind: OperationKind::Sale,
        amount: total.minor(),
        state: OperationState::Sent,
        cause: None,
        concession: 0,
        return_id: None,
        token: None,
        gateway_reference: None,
        reported: None,
        decline_code: None,
        attempts: 1,
        next_attempt_at: None,
        create_time: now,
        update_time: now,
    });
    let outcome = if draft.paid {
        crate::payment::Outcome::succeeded(draft.source.external_id.clone())
    } else {
        crate::payment::Outcome::Failed { code: "not_paid_at_source".to_owned() }
    };
    payment.settle(operation_id, &outcome, now);
    payment
}
