//! How the steps are said at the door.
#![expect(clippy::needless_update, reason = "one macro fills requests with and without other fields")]

use order_api::v1;
use prost_types::{FieldMask, Timestamp};

use super::{
    message::Message,
    money::percent,
    order::Order,
    step::{
        At, CartStep, How, Instrument, Lines, Manner, OrderStep, PRODUCTS, ParcelStep, ReturnStep, Trouble, Units, Wish,
    },
};
use crate::{
    door_goods::kit::received,
    door_money::kit::usd,
    door_races::{kit::checkout, model::price::COUPONS},
    world::{START, address, card, cash, line, order_of, request_id},
};

/// A request that begins with an order's id, an etag and a new request id.
macro_rules! about {
    ($about:ident, $name:ident($request:ident) { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        Message::$name(v1::$request {
            order_id: $about.seen.order_id.clone(),
            etag: $about.etag(),
            request_id: request_id(),
            $($field $(: $value)?,)*
            ..Default::default()
        })
    };
}

/// The order that a request is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// As it is in the model.
    pub(super) order: &'a Order,
    /// As it was last seen at the door.
    pub(super) seen: &'a v1::Order,
    pub(super) manner: Manner,
}

impl About<'_> {
    fn etag(&self) -> String {
        match self.manner {
            Manner::Plain | Manner::Twice => String::new(),
            Manner::UnderEtag => self.seen.etag.clone(),
            Manner::UnderOtherEtag => "999999".to_owned(),
        }
    }

    fn units(&self, units: &Units) -> Vec<v1::LineQuantity> {
        let units = self.order.named(units).into_iter();
        units.map(|(line, quantity)| v1::LineQuantity { line_id: line_id(line), quantity: count(quantity) }).collect()
    }

    /// The request of a step, if it is one.
    pub(super) fn message(&self, step: &OrderStep) -> Option<Message> {
        let about = self;
        let message = match step {
            OrderStep::Pay(instrument, part) => {
                let amount = part.map(|part| usd(percent(part, self.order.missing())));
                about!(about, Pay(PayOrderRequest) { payment: Some(pays(*instrument)), amount })
            }
            OrderStep::Cancel => about!(about, Cancel(CancelOrderRequest) {}),
            OrderStep::CancelUnits(units) => about!(about, Cancel(CancelOrderRequest) { lines: self.units(units) }),
            OrderStep::Edit(units, added) => self.edit(units, *added),
            OrderStep::Note(note) => {
                self.update("notes", v1::Order { notes: format!("note {note}"), ..Default::default() })
            }
            OrderStep::Move(house) => {
                let moved = v1::Address { line2: format!("house {house}"), ..address() };
                self.update("shipping_address", v1::Order { shipping_address: Some(moved), ..Default::default() })
            }
            OrderStep::Walk(word) => about!(about, Walk(UpdateOrderStatusRequest) { status: (*word).into() }),
            OrderStep::Hold(hold) => about!(about, Hold(HoldOrderRequest) { hold: (*hold).into() }),
            OrderStep::Release(hold) => about!(about, Release(ReleaseHoldRequest) { hold: (*hold).into() }),
            OrderStep::Capture(payment, part) => {
                let amount = part.map(|part| usd(percent(part, self.order.capturable(*payment))));
                let payment_id = self.seen.payments[*payment].payment_id.clone();
                about!(about, Capture(CapturePaymentRequest) { payment_id, amount })
            }
            OrderStep::Void(payment) => {
                let payment_id = self.seen.payments[*payment].payment_id.clone();
                about!(about, Void(VoidPaymentRequest) { payment_id })
            }
            OrderStep::Refund(wish) => self.refund(wish),
            OrderStep::Parcel(units) => {
                about!(about, CreateShipment(CreateShipmentRequest) { lines: self.units(units) })
            }
            OrderStep::Shipment(parcel, step) => self.shipment(*parcel, *step),
            OrderStep::RequestReturn(units) => {
                let line = |(line, quantity)| v1::ReturnLineInput {
                    line_id: line_id(line),
                    quantity: count(quantity),
                    ..Default::default()
                };
                let lines = self.order.named(units).into_iter().map(line).collect();
                about!(about, RequestReturn(RequestReturnRequest) { lines })
            }
            OrderStep::Return(order_return, step) => self.step_return(*order_return, step),
            OrderStep::Tell(_) | OrderStep::Contradict(_) | OrderStep::Reconcile => return None,
        };
        Some(message)
    }

    fn edit(&self, units: &Units, added: Option<(usize, i64)>) -> Message {
        let change = |(line, quantity)| v1::LineChange { line_id: line_id(line), quantity: count(quantity) };
        let changes = self.order.named(units).into_iter().map(change).collect();
        let add = added.into_iter().map(|(product, quantity)| line(PRODUCTS[product].0, quantity)).collect();
        about!(self, Edit(EditOrderRequest) { changes, add })
    }

    fn update(&self, field: &str, order: v1::Order) -> Message {
        Message::Update(v1::UpdateOrderRequest {
            order: Some(v1::Order { order_id: self.seen.order_id.clone(), ..order }),
            update_mask: Some(FieldMask { paths: vec![field.to_owned()] }),
            etag: self.etag(),
            request_id: request_id(),
        })
    }

    fn refund(&self, wish: &Wish) -> Message {
        match wish {
            Wish::All => about!(self, Refund(RefundOrderRequest) {}),
            Wish::Part(part) => {
                let amount = Some(usd(percent(*part, self.order.held())));
                about!(self, Refund(RefundOrderRequest) { amount })
            }
            Wish::Units(units) => about!(self, Refund(RefundOrderRequest) { lines: self.units(units) }),
            Wish::UnitsAndShipping(units) => {
                about!(self, Refund(RefundOrderRequest) { lines: self.units(units), include_shipping: true })
            }
        }
    }

    fn shipment(&self, parcel: usize, step: ParcelStep) -> Message {
        let shipment_id = self.seen.shipments[parcel].shipment_id.clone();
        match step {
            ParcelStep::Pack => about!(self, MarkPacked(MarkPackedRequest) { shipment_id }),
            ParcelStep::Ship => about!(self, MarkShipped(MarkShippedRequest) { shipment_id }),
            ParcelStep::Deliver => about!(self, MarkDelivered(MarkDeliveredRequest) { shipment_id }),
            ParcelStep::Cancel => about!(self, CancelShipment(CancelShipmentRequest) { shipment_id }),
            ParcelStep::SendBack => about!(self, SendBack(MarkReturnedToSenderRequest) { shipment_id }),
            ParcelStep::Tell(news) => {
                let (order_id, request_id) = (self.seen.order_id.clone(), request_id());
                let event = Some(v1::CarrierEvent {
                    event_time: Some(Timestamp { seconds: START.micros() / 1_000_000, nanos: 0 }),
                    code: format!("NEWS_{news}"),
                    ..Default::default()
                });
                Message::CarrierEvent(v1::RecordCarrierEventRequest { order_id, shipment_id, event, request_id })
            }
        }
    }

    fn step_return(&self, order_return: usize, step: &ReturnStep) -> Message {
        let return_id = self.seen.returns[order_return].return_id.clone();
        match step {
            ReturnStep::Cancel => about!(self, CancelReturn(CancelReturnRequest) { return_id }),
            ReturnStep::Approve => about!(self, ApproveReturn(ApproveReturnRequest) { return_id }),
            ReturnStep::Reject => {
                about!(self, RejectReturn(RejectReturnRequest) { return_id, reason: "worn".to_owned() })
            }
            ReturnStep::Receive { lines, unpaid } => {
                let lines = self.order.returns[order_return].named(lines).into_iter();
                let lines: Vec<_> =
                    lines.map(|(line, restock, off)| (line_id(line), count(restock), count(off))).collect();
                Message::ReceiveReturn(v1::ReceiveReturnRequest {
                    skip_refund: *unpaid,
                    etag: self.etag(),
                    request_id: request_id(),
                    ..received((&self.seen.order_id, &return_id), &lines)
                })
            }
            ReturnStep::Close => about!(self, CloseReturn(CloseReturnRequest) { return_id }),
        }
    }
}

/// The request of a change of a cart whose lines have these ids.
pub(super) fn cart(change: CartStep, items: &[String]) -> Message {
    let item = |line: usize| items.get(line).cloned().unwrap_or_else(request_id);
    let request_id = request_id();
    match change {
        CartStep::Add { product, quantity } => {
            let (product_id, quantity) = (PRODUCTS[product].0.to_owned(), count(quantity));
            Message::AddItem(v1::AddCartItemRequest { product_id, quantity, request_id, ..Default::default() })
        }
        CartStep::Set { line, quantity } => {
            let (item_id, quantity) = (item(line), count(quantity));
            Message::UpdateItem(v1::UpdateCartItemRequest { item_id, quantity, request_id, ..Default::default() })
        }
        CartStep::Remove { line } => {
            Message::RemoveItem(v1::RemoveCartItemRequest { item_id: item(line), request_id, ..Default::default() })
        }
        CartStep::Clear => Message::ClearCart(v1::ClearCartRequest { request_id, ..Default::default() }),
    }
}

pub(super) fn checking_out(how: How) -> Message {
    let (payment, coupon_code) = told(how);
    Message::Checkout(v1::CheckoutRequest { payment, coupon_code, ..checkout(&request_id()) })
}

pub(super) fn creating(lines: &Lines, how: How) -> Message {
    let wanted: Vec<_> = lines.iter().map(|(product, quantity)| (PRODUCTS[*product].0, *quantity)).collect();
    let (payment, coupon_code) = told(how);
    Message::Create(v1::CreateOrderRequest { coupon_code, request_id: request_id(), ..order_of(&wanted, payment) })
}

pub(super) fn adjusting(product: usize, delta: i64, backorder_limit: Option<i64>) -> Message {
    Message::AdjustStock(v1::AdjustStockRequest {
        sku: sku(product),
        delta,
        backorder_limit,
        reason: "counted".to_owned(),
        request_id: request_id(),
        ..Default::default()
    })
}

pub(super) fn sku(product: usize) -> String {
    PRODUCTS[product].0.to_ascii_uppercase()
}

fn told(how: How) -> (Option<v1::PaymentInstrument>, String) {
    (how.instrument.map(pays), how.coupon.map_or_else(String::new, |coupon| COUPONS[coupon].code.to_owned()))
}

fn pays(instrument: Instrument) -> v1::PaymentInstrument {
    let (at, trouble) = match instrument {
        Instrument::Cash => return cash(),
        Instrument::Card => return card("tok_approve"),
        Instrument::Bad(at, trouble) => (at, trouble),
    };
    let at = match at {
        At::Collecting => "",
        At::Capture => "capture_",
        At::Refund => "refund_",
        At::Void => "void_",
    };
    let trouble = match trouble {
        Trouble::Declined => "decline_lost_card",
        Trouble::AnswerLost => "timeout_charged",
        Trouble::RequestLost => "timeout_lost",
    };
    card(&format!("tok_{at}{trouble}"))
}

fn line_id(line: usize) -> i32 {
    i32::try_from(line + 1).unwrap()
}

fn count(units: i64) -> i32 {
    i32::try_from(units).unwrap()
}
