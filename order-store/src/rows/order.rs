//! `orders` with the tables that hang on it: an order is read and written as one [`OrderRows`].

use std::{collections::BTreeMap, sync::Arc};

use order_core::{
    contact::{Contact, Email, Phone},
    currency::Currency,
    ids::{CartId, CouponCode, CustomerId, OrderId, OrderNumber, ProductId, Sku},
    money::Money,
    order::{
        Counters, FulfillmentStatus, Hold, ImportSource, Line, Order, OrderReturn, Owner, PaymentStatus, Placement,
        Shipment, State, Status, Totals,
    },
    policy::StockKeeping,
};
use serde::{Deserialize, Serialize};

use super::{
    EventRow, OperationRow, PaymentRow, ReturnRow, ShipmentRow, count, currency, from_json, json, key, row, stored,
    word,
};
use crate::{
    error::StoreError,
    fields::{At, Id},
};

row! {
    /// An order's own row.
    orders, OrderRow {
        order_id: Id,
        order_number: String,
        customer_id: Option<String>,
        cart_id: Option<Id>,
        state: String,
        payment_status: String,
        fulfillment_status: String,
        status: String,
        holds: String,
        currency: String,
        subtotal: i64,
        discount: i64,
        tax: i64,
        shipping: i64,
        shipping_tax: i64,
        total: i64,
        refunded: i64,
        credited: i64,
        shipping_refunded: i64,
        contact_name: Option<String>,
        contact_email: Option<String>,
        contact_phone: Option<String>,
        shipping_address: Option<String>,
        billing_address: Option<String>,
        notes: String,
        metadata: String,
        explanation: String,
        cancel_reason: Option<String>,
        pay_by: Option<At>,
        import_source: Option<String>,
        import_external_id: Option<String>,
        import_detail: Option<String>,
        coupon_code: Option<String>,
        stock_keeping: String,
        create_time: At,
        update_time: At,
        revision: i64,
    }
}

row! {
    /// A line.
    order_line, LineRow {
        order_id: Id,
        line_id: i32,
        product_id: String,
        sku: String,
        name: String,
        unit_price: i64,
        subtotal: i64,
        discount: i64,
        tax: i64,
        total: i64,
        tax_rate: String,
        tax_class: String,
        ordered: i32,
        cancelled: i32,
        allocated: i32,
        shipped: i32,
        delivered: i32,
        return_requested: i32,
        return_received: i32,
        restocked: i32,
        written_off: i32,
        refunded: i32,
    }
}

row! {
    /// What an order can be found by.
    order_search, SearchRow {
        order_id: Id,
        document: String,
    }
}

row! {
    /// A line of what search documents say of goods. On PostgreSQL only.
    search_line, SearchLineRow {
        line: String,
    }
}

/// All rows of an order that is to be placed, but for its number: that is drawn while others wait for it, and these can be made before.
#[derive(Debug)]
pub(crate) struct NewOrder {
    rows: OrderRows,
    search: SearchRow,
    events: Vec<EventRow>,
}

impl NewOrder {
    pub(crate) fn new(Placement { order, events, .. }: &Placement) -> Self {
        debug_assert!(order.number.is_none(), "it is drawn later");
        Self {
            rows: OrderRows::with_number(order, String::new()),
            search: SearchRow::new(order),
            events: events.iter().map(|event| EventRow::new(order.id, event)).collect(),
        }
    }

    /// With the number that was drawn.
    pub(crate) fn numbered(mut self, number: &OrderNumber) -> (OrderRows, SearchRow, Vec<EventRow>) {
        number.as_str().clone_into(&mut self.rows.order.order_number);
        self.search.document = Order::search_text_with(number, &self.search.document);
        (self.rows, self.search, self.events)
    }
}

/// The parts of an import that are only ever shown.
#[derive(Serialize, Deserialize)]
struct ImportDetail {
    status: String,
    payment_status: String,
    total: Option<i64>,
    corrections: Vec<String>,
}

/// An order as rows; lines, payments, operations, shipments and returns in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRows {
    pub(crate) order: OrderRow,
    pub(crate) lines: Vec<LineRow>,
    pub(crate) payments: Vec<PaymentRow>,
    pub(crate) operations: Vec<OperationRow>,
    pub(crate) shipments: Vec<ShipmentRow>,
    pub(crate) returns: Vec<ReturnRow>,
}

impl OrderRows {
    /// # Panics
    /// For an order without a number. One that is to be placed becomes a [`NewOrder`] before it has one.
    pub(crate) fn new(order: &Order) -> Self {
        let number = order.number.as_ref().expect("the number is drawn before the order is stored");
        Self::with_number(order, number.to_string())
    }

    fn with_number(order: &Order, number: String) -> Self {
        Self {
            order: OrderRow::new(order, number),
            lines: order.lines.iter().map(|line| LineRow::new(order.id, line)).collect(),
            payments: PaymentRow::all(order),
            operations: OperationRow::all(order),
            shipments: order.shipments.iter().map(|parcel| ShipmentRow::new(order.id, parcel)).collect(),
            returns: order.returns.iter().map(|back| ReturnRow::new(order.id, back)).collect(),
        }
    }

    /// Reads the order back.
    pub(crate) fn into_order(self) -> Result<Order, StoreError> {
        let order = self.into_unproven()?;
        if order.is_sound() { Ok(order) } else { Err(StoreError::corrupt(format!("order {}", order.id))) }
    }

    /// Reads an order back that may contradict itself: for those who look for that.
    pub(crate) fn into_unproven(self) -> Result<Order, StoreError> {
        let Self { order: row, lines, payments, operations, shipments, returns } = self;
        let currency = currency(&row.currency)?;
        let totals = row.totals(currency);
        Ok(Order {
            id: OrderId::new(row.order_id.0),
            owner: match &row.customer_id {
                Some(id) => Owner::Customer(key(CustomerId::parse(id))?),
                None => Owner::Guest,
            },
            cart_id: row.cart_id.map(|id| CartId::new(id.0)),
            stock_keeping: word(&StockKeeping::ALL, StockKeeping::as_str, &row.stock_keeping)?,
            coupon_code: row.coupon_code.as_deref().map(CouponCode::parse).map(key).transpose()?,
            state: State::from_word(&row.state).ok_or_else(|| StoreError::corrupt(&row.state))?,
            payment_status: PaymentStatus::from_word(&row.payment_status)
                .ok_or_else(|| StoreError::corrupt(&row.payment_status))?,
            fulfillment_status: FulfillmentStatus::from_word(&row.fulfillment_status)
                .ok_or_else(|| StoreError::corrupt(&row.fulfillment_status))?,
            status: Status::from_word(&row.status).ok_or_else(|| StoreError::corrupt(&row.status))?,
            holds: from_json::<Vec<Hold>>(&row.holds)?,
            lines: lines.into_iter().map(|line| line.into_line(currency)).collect::<Result<_, _>>()?,
            totals,
            explanation: Arc::new(from_json(&row.explanation)?),
            contact: row.contact()?,
            shipping_address: row.shipping_address.as_deref().map(from_json).transpose()?,
            billing_address: row.billing_address.as_deref().map(from_json).transpose()?,
            payments: payments.into_iter().map(|p| p.into_payment(&operations)).collect::<Result<_, _>>()?,
            shipments: shipments.into_iter().map(Shipment::try_from).collect::<Result<_, _>>()?,
            returns: returns.into_iter().map(OrderReturn::try_from).collect::<Result<_, _>>()?,
            shipping_refunded: row.shipping_refunded,
            metadata: from_json::<BTreeMap<String, String>>(&row.metadata)?,
            import: row.import(currency)?,
            pay_by: row.pay_by.map(|at| at.0),
            create_time: row.create_time.0,
            update_time: row.update_time.0,
            revision: row.revision,
            number: Some(OrderNumber::stored(row.order_number)),
            notes: row.notes,
            cancel_reason: row.cancel_reason,
        })
    }
}

impl SearchRow {
    pub(crate) fn new(order: &Order) -> Self {
        Self { order_id: Id(order.id.uuid()), document: order.search_text() }
    }
}

impl OrderRow {
    fn new(order: &Order, order_number: String) -> Self {
        let contact = order.contact.as_ref();
        let import = order.import.as_ref();
        let totals = &order.totals;
        Self {
            order_id: Id(order.id.uuid()),
            order_number,
            customer_id: order.owner.customer_id().map(ToString::to_string),
            cart_id: order.cart_id.map(|id| Id(id.uuid())),
            state: order.state.as_str().to_owned(),
            payment_status: order.payment_status.as_str().to_owned(),
            fulfillment_status: order.fulfillment_status.as_str().to_owned(),
            status: order.status.as_str().to_owned(),
            holds: json(&order.holds),
            currency: totals.total.currency().code().to_owned(),
            subtotal: totals.subtotal.minor(),
            discount: totals.discount.minor(),
            tax: totals.tax.minor(),
            shipping: totals.shipping.minor(),
            shipping_tax: totals.shipping_tax.minor(),
            total: totals.total.minor(),
            refunded: order.payments.iter().map(|payment| payment.refunded).sum(),
            credited: totals.total.minor() - order.due(),
            shipping_refunded: order.shipping_refunded,
            contact_name: contact.map(|c| c.name.clone()),
            contact_email: contact.map(|c| c.email.as_str().to_owned()),
            contact_phone: contact.and_then(|c| c.phone.as_ref().map(|phone| phone.as_str().to_owned())),
            shipping_address: order.shipping_address.as_ref().map(json),
            billing_address: order.billing_address.as_ref().map(json),
            notes: order.notes.clone(),
            metadata: json(&order.metadata),
            explanation: json(&*order.explanation),
            cancel_reason: order.cancel_reason.clone(),
            pay_by: order.pay_by.map(At),
            import_source: import.map(|i| i.source.clone()),
            import_external_id: import.map(|i| i.external_id.clone()),
            import_detail: import.map(|i| {
                json(&ImportDetail {
                    status: i.original_status.clone(),
                    payment_status: i.original_payment_status.clone(),
                    total: i.original_total.map(Money::minor),
                    corrections: i.corrections.clone(),
                })
            }),
            coupon_code: order.coupon_code.as_ref().map(ToString::to_string),
            stock_keeping: order.stock_keeping.as_str().to_owned(),
            create_time: At(order.create_time),
            update_time: At(order.update_time),
            revision: order.revision,
        }
    }

    fn totals(&self, currency: Currency) -> Totals {
        let money = |minor| Money::new(minor, currency);
        Totals {
            subtotal: money(self.subtotal),
            discount: money(self.discount),
            tax: money(self.tax),
            shipping: money(self.shipping),
            shipping_tax: money(self.shipping_tax),
            total: money(self.total),
        }
    }

    fn contact(&self) -> Result<Option<Contact>, StoreError> {
        let (Some(name), Some(email)) = (&self.contact_name, &self.contact_email) else { return Ok(None) };
        let email = Email::parse(email).map_err(StoreError::corrupt)?;
        let phone = self.contact_phone.as_deref().map(Phone::parse).transpose().map_err(StoreError::corrupt)?;
        Ok(Some(Contact::from_parts(name.clone(), email, phone)))
    }

    fn import(&self, currency: Currency) -> Result<Option<ImportSource>, StoreError> {
        let (Some(source), Some(external_id), Some(detail)) =
            (&self.import_source, &self.import_external_id, &self.import_detail)
        else {
            return Ok(None);
        };
        let detail: ImportDetail = from_json(detail)?;
        Ok(Some(ImportSource {
            source: source.clone(),
            external_id: external_id.clone(),
            original_status: detail.status,
            original_payment_status: detail.payment_status,
            original_total: detail.total.map(|minor| Money::new(minor, currency)),
            corrections: detail.corrections,
        }))
    }
}

impl LineRow {
    fn new(order_id: OrderId, line: &Line) -> Self {
        let counters = &line.counters;
        Self {
            order_id: Id(order_id.uuid()),
            line_id: stored(line.line_id),
            product_id: line.product_id.to_string(),
            sku: line.sku.to_string(),
            name: line.name.clone(),
            unit_price: line.unit_price.minor(),
            subtotal: line.subtotal.minor(),
            discount: line.discount.minor(),
            tax: line.tax.minor(),
            total: line.total.minor(),
            tax_rate: line.tax_rate.clone(),
            tax_class: line.tax_class.clone(),
            ordered: stored(counters.ordered),
            cancelled: stored(counters.cancelled),
            allocated: stored(counters.allocated),
            shipped: stored(counters.shipped),
            delivered: stored(counters.delivered),
            return_requested: stored(counters.return_requested),
            return_received: stored(counters.return_received),
            restocked: stored(counters.restocked),
            written_off: stored(counters.written_off),
            refunded: stored(counters.refunded),
        }
    }

    fn into_line(self, currency: Currency) -> Result<Line, StoreError> {
        let money = |minor| Money::new(minor, currency);
        Ok(Line {
            line_id: count(self.line_id)?,
            product_id: key(ProductId::parse(&self.product_id))?,
            sku: key(Sku::parse(&self.sku))?,
            unit_price: money(self.unit_price),
            subtotal: money(self.subtotal),
            discount: money(self.discount),
            tax: money(self.tax),
            total: money(self.total),
            counters: Counters {
                ordered: count(self.ordered)?,
                cancelled: count(self.cancelled)?,
                allocated: count(self.allocated)?,
                shipped: count(self.shipped)?,
                delivered: count(self.delivered)?,
                return_requested: count(self.return_requested)?,
                return_received: count(self.return_received)?,
                restocked: count(self.restocked)?,
                written_off: count(self.written_off)?,
                refunded: count(self.refunded)?,
            },
            name: self.name,
            tax_rate: self.tax_rate,
            tax_class: self.tax_class,
        })
    }
}
