//! Carries the steps out at the door and compares every answer with the model's.

use std::time::Duration;

use order_api::v1;
use order_server::workers;
use order_store::testing::TestDatabase;
use tonic::Status;

use super::{
    order::{Money, Refused},
    reference::{PAY_BY_MINUTES, Reference},
    step::{CartStep, Etag, Instrument, OrderStep, PRODUCTS, STOCK, Step},
};
use crate::{
    door_races::{
        audit::count,
        kit::{checkout, quiet, reason},
    },
    world::{Caller, World, card, cash, order_of, product, request_id},
};

/// A request as it was sent, so that it can be sent again.
#[derive(Debug, Clone)]
enum Message {
    Add(v1::AddCartItemRequest),
    Set(v1::UpdateCartItemRequest),
    Clear(v1::ClearCartRequest),
    Checkout(v1::CheckoutRequest),
    Create(v1::CreateOrderRequest),
    Pay(v1::PayOrderRequest),
    Cancel(v1::CancelOrderRequest),
    Walk(v1::UpdateOrderStatusRequest),
}

/// What a request led to, and leads to again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// An order, as it is now.
    Order(usize),
    /// The same, unless its payment was refused.
    Paid(usize),
    /// A cart, as it is now.
    Cart(usize),
    /// A refusal.
    Refused(Refused),
}

/// What the door said.
#[derive(Debug)]
enum Answer {
    Order(Box<v1::Order>),
    Cart(Box<v1::Cart>),
}

/// A request and what it led to.
#[derive(Debug, Clone)]
struct Sent {
    customer: usize,
    message: Message,
    outcome: Outcome,
}

pub(super) struct Player {
    world: World,
    model: Reference,
    /// The identities of the model's orders.
    orders: Vec<String>,
    /// The lines of each of the model's carts.
    items: Vec<Vec<String>>,
    sent: Vec<Sent>,
}

impl Player {
    pub(super) async fn new(database: &TestDatabase, when_paid: bool) -> Self {
        let minutes = PAY_BY_MINUTES.to_string();
        let confirm = if when_paid { "when_paid" } else { "manual" };
        let world = World::start(database, &[("CONFIRM_POLICY", confirm), ("PAY_BY_MINUTES", &minutes)]).await;
        let price = |cents: i64| ("USD", cents / 100, i32::try_from(cents % 100).unwrap() * 10_000_000);
        let products = PRODUCTS.iter().map(|(id, cents)| product(id, price(*cents), STOCK)).collect();
        let request = v1::UpsertProductsRequest { products, ..Default::default() };
        world.admin().admin.upsert_products(request).await.unwrap();
        Self { world, model: Reference::new(when_paid), orders: Vec::new(), items: Vec::new(), sent: Vec::new() }
    }

    pub(super) async fn stop(self) {
        self.world.stop().await;
    }

    pub(super) async fn play(&mut self, step: &Step) {
        match step {
            Step::Cart { customer, change } => self.change_cart(*customer, *change).await,
            Step::Checkout { customer, instrument } => {
                let request = v1::CheckoutRequest { payment: instrument.map(pays), ..checkout(&request_id()) };
                let expected = self.model.checkout(*customer, *instrument);
                self.send(*customer, Message::Checkout(request), placed(expected)).await;
            }
            Step::Create { customer, lines, instrument } => {
                let wanted: Vec<_> =
                    lines.iter().map(|(product, quantity)| (PRODUCTS[*product].0, *quantity)).collect();
                let order = order_of(&wanted, instrument.map(pays));
                let request = v1::CreateOrderRequest { request_id: request_id(), ..order };
                let expected = self.model.place(*customer, (lines.clone(), *instrument));
                self.send(*customer, Message::Create(request), placed(expected)).await;
            }
            Step::Order { order, change, etag } => {
                if let Some(order) = latest(self.orders.len(), *order) {
                    self.change_order(order, (*change, *etag)).await;
                }
            }
            Step::Adjust { product, delta } => self.adjust(*product, *delta).await,
            Step::Retry { request } => {
                if let Some(nth) = latest(self.sent.len(), *request) {
                    let Sent { customer, message, outcome } = self.sent[nth].clone();
                    self.ask(customer, message, outcome).await;
                }
            }
            Step::Reuse { request } => {
                if let Some(nth) = latest(self.sent.len(), *request) {
                    let Sent { customer, message, .. } = self.sent[nth].clone();
                    self.ask(customer, altered(message), Outcome::Refused("REQUEST_ID_REUSED")).await;
                }
            }
            Step::Reconcile => {
                self.eleven_minutes();
                workers::reconcile_due(&self.world.app).await.unwrap();
                quiet(&self.world).await;
                self.model.reconcile();
            }
            Step::Expire => {
                self.eleven_minutes();
                workers::expire_due(&self.world.app).await.unwrap();
                self.model.expire();
            }
        }
    }

    /// Longer than the reconciler ever waits between two looks.
    fn eleven_minutes(&mut self) {
        self.world.clock.advance(Duration::from_secs(660));
        self.model.now += 11;
    }

    async fn change_cart(&mut self, customer: usize, change: CartStep) {
        let request_id = request_id();
        let count = |quantity: i64| i32::try_from(quantity).unwrap();
        let (message, expected) = match change {
            CartStep::Add { product, quantity } => {
                let (product_id, quantity_asked) = (PRODUCTS[product].0.to_owned(), count(quantity));
                let request =
                    v1::AddCartItemRequest { product_id, quantity: quantity_asked, request_id, ..Default::default() };
                (Message::Add(request), Ok(self.model.add(customer, (product, quantity))))
            }
            CartStep::Set { line, quantity } => {
                let known = self.model.live_cart(customer).and_then(|cart| self.items[cart].get(line).cloned());
                let (item_id, quantity_asked) = (known.unwrap_or_else(crate::world::request_id), count(quantity));
                let request =
                    v1::UpdateCartItemRequest { item_id, quantity: quantity_asked, request_id, ..Default::default() };
                (Message::Set(request), self.model.set(customer, (line, quantity)))
            }
            CartStep::Clear => {
                let request = v1::ClearCartRequest { request_id, ..Default::default() };
                (Message::Clear(request), self.model.clear(customer))
            }
        };
        self.send(customer, message, expected.map_or_else(Outcome::Refused, Outcome::Cart)).await;
    }

    async fn change_order(&mut self, order: usize, (change, etag): (OrderStep, Etag)) {
        let customer = self.model.orders[order].customer;
        let message = self.order_message(order, (change, etag)).await;
        let outcome = match change {
            _ if etag == Etag::Wrong => Outcome::Refused("ETAG_MISMATCH"),
            OrderStep::Pay(instrument) => {
                self.model.pay(order, instrument).map_or_else(Outcome::Refused, |()| Outcome::Paid(order))
            }
            OrderStep::Walk(word) => changed(order, self.model.walk(order, word)),
            OrderStep::Cancel => changed(order, self.model.cancel(order)),
        };
        self.send(customer, message, outcome).await;
        // Also after a refusal: nothing of it may have happened.
        let order_now = self.world.admin().order(&self.orders[order]).await;
        self.compare_order(order, &order_now);
    }

    async fn order_message(&self, order: usize, (change, etag): (OrderStep, Etag)) -> Message {
        let (order_id, request_id) = (self.orders[order].clone(), request_id());
        let etag = self.etag(&order_id, etag).await;
        match change {
            OrderStep::Pay(instrument) => {
                let payment = Some(pays(instrument));
                Message::Pay(v1::PayOrderRequest { order_id, payment, etag, request_id, ..Default::default() })
            }
            OrderStep::Cancel => {
                Message::Cancel(v1::CancelOrderRequest { order_id, etag, request_id, ..Default::default() })
            }
            OrderStep::Walk(word) => {
                let status = word.into();
                Message::Walk(v1::UpdateOrderStatusRequest { order_id, status, etag, request_id, ..Default::default() })
            }
        }
    }

    async fn etag(&self, order_id: &str, etag: Etag) -> String {
        match etag {
            Etag::Absent => String::new(),
            Etag::Wrong => "999999".to_owned(),
            Etag::Current => self.world.admin().order(order_id).await.etag,
        }
    }

    async fn adjust(&mut self, product: usize, delta: i64) {
        let sku = PRODUCTS[product].0.to_ascii_uppercase();
        let request = v1::AdjustStockRequest { sku, delta, reason: "counted".to_owned(), ..Default::default() };
        let answer = self.world.admin().admin.adjust_stock(request).await;
        let said = answer.map(drop).map_err(|status| reason(&status));
        assert_eq!(said, self.model.adjust(product, delta).map_err(str::to_owned));
    }

    /// Sends a new request, and remembers it.
    async fn send(&mut self, customer: usize, message: Message, outcome: Outcome) {
        self.ask(customer, message.clone(), outcome).await;
        self.sent.push(Sent { customer, message, outcome });
    }

    /// Sends a request and compares the answer.
    async fn ask(&mut self, customer: usize, message: Message, outcome: Outcome) {
        let customer = self.world.customer(&format!("customer-{customer}"));
        let answer = deliver((&customer, &self.world.admin()), message).await;
        match (answer, outcome) {
            (Ok(Answer::Order(found)), Outcome::Order(order)) => self.compare_order(order, &found),
            (Ok(Answer::Order(found)), Outcome::Paid(order)) => {
                assert!(!self.model.orders[order].is_declined(), "{found:?}");
                self.compare_order(order, &found);
            }
            (Err(status), Outcome::Paid(order)) => {
                assert!(self.model.orders[order].is_declined(), "{status:?}");
                assert_eq!(reason(&status), "PAYMENT_DECLINED");
            }
            (Ok(Answer::Cart(found)), Outcome::Cart(cart)) => self.compare_cart(cart, &found),
            (Err(status), Outcome::Refused(why)) => assert_eq!(reason(&status), why, "{status:?}"),
            (answer, outcome) => panic!("expected {outcome:?}, and the answer is {answer:?}"),
        }
    }

    fn compare_order(&mut self, order: usize, found: &v1::Order) {
        if order == self.orders.len() {
            self.orders.push(found.order_id.clone());
        }
        let model = &self.model.orders[order];
        assert_eq!(found.order_id, self.orders[order], "another order than expected");
        let expected = (model.word(), model.payment_status(), model.state);
        assert_eq!((found.status(), found.payment_status(), found.state()), expected, "{model:?}");
        let lines = |line: &v1::OrderLine| (place_of(&line.product_id), i64::from(line.quantity));
        assert_eq!(found.lines.iter().map(lines).collect::<Vec<_>>(), model.lines);
        let total = found.total.clone().unwrap();
        assert_eq!(total.units * 100 + i64::from(total.nanos) / 10_000_000, model.total);
    }

    fn compare_cart(&mut self, cart: usize, found: &v1::Cart) {
        let model = &self.model.carts[cart];
        let lines = |item: &v1::CartItem| (place_of(&item.product_id), i64::from(item.quantity));
        assert_eq!(found.items.iter().map(lines).collect::<Vec<_>>(), model.lines);
        assert_eq!(found.etag, model.changes.to_string());
        self.items.resize(self.model.carts.len(), Vec::new());
        self.items[cart] = found.items.iter().map(|item| item.item_id.clone()).collect();
    }

    /// Every order, every shelf, every cart.
    pub(super) async fn compare_everything(&mut self) {
        let admin = self.world.admin();
        let all = admin.all_orders().await;
        assert_eq!(all.len(), self.orders.len());
        for found in all {
            let order = self.orders.iter().position(|id| *id == found.order_id).unwrap();
            self.compare_order(order, &found);
        }
        for (product, (id, _)) in PRODUCTS.iter().enumerate() {
            let expected = (self.model.on_hand[product], self.model.allocated(product));
            assert_eq!(self.world.shelf(&id.to_ascii_uppercase()).await, expected, "{id}");
        }
        for customer in 0..self.model.cart_of.len() {
            let caller = self.world.customer(&format!("customer-{customer}"));
            let cart = caller.carts.clone().get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner();
            match self.model.live_cart(customer) {
                Some(live) => self.compare_cart(live, &cart),
                None => assert!(cart.items.is_empty()),
            }
        }
    }

    /// The whole ledger: what was taken, and what was given back.
    pub(super) async fn compare_money(&self, database: &TestDatabase) {
        let taken = self.model.money(|money| matches!(money, Money::Taken | Money::GivenBack));
        let given_back = self.model.money(|money| money == Money::GivenBack);
        for (column, expected) in [("captured", taken), ("refunded", given_back)] {
            let query = format!("SELECT COALESCE(sum({column}), 0) AS n FROM payment");
            assert_eq!(count(database, &query).await, expected, "{column}");
        }
    }
}

async fn deliver((customer, admin): (&Caller, &Caller), message: Message) -> Result<Answer, Status> {
    let order = |order: v1::Order| Answer::Order(Box::new(order));
    let cart = |answer: tonic::Response<v1::Cart>| Answer::Cart(Box::new(answer.into_inner()));
    let (mut orders, mut carts, mut office) = (customer.orders.clone(), customer.carts.clone(), admin.admin.clone());
    match message {
        Message::Add(request) => carts.add_cart_item(request).await.map(cart),
        Message::Set(request) => carts.update_cart_item(request).await.map(cart),
        Message::Clear(request) => carts.clear_cart(request).await.map(cart),
        Message::Checkout(request) => customer.checkout(request).await.map(order),
        Message::Create(request) => customer.create(request).await.map(order),
        Message::Pay(request) => orders.pay_order(request).await.map(|answer| order(answer.into_inner())),
        Message::Cancel(request) => orders.cancel_order(request).await.map(|answer| order(answer.into_inner())),
        Message::Walk(request) => office.update_order_status(request).await.map(|answer| order(answer.into_inner())),
    }
}

/// Another request under the same id.
fn altered(message: Message) -> Message {
    let other = || "another".to_owned();
    match message {
        Message::Add(request) => Message::Add(v1::AddCartItemRequest { quantity: request.quantity + 1, ..request }),
        Message::Set(request) => Message::Set(v1::UpdateCartItemRequest { quantity: request.quantity + 1, ..request }),
        Message::Clear(request) => Message::Clear(v1::ClearCartRequest { etag: "12345".to_owned(), ..request }),
        Message::Checkout(request) => Message::Checkout(v1::CheckoutRequest { notes: other(), ..request }),
        Message::Create(request) => Message::Create(v1::CreateOrderRequest { notes: other(), ..request }),
        Message::Pay(request) => Message::Pay(v1::PayOrderRequest { etag: "12345".to_owned(), ..request }),
        Message::Cancel(request) => Message::Cancel(v1::CancelOrderRequest { reason: other(), ..request }),
        Message::Walk(request) => Message::Walk(v1::UpdateOrderStatusRequest { reason: other(), ..request }),
    }
}

fn pays(instrument: Instrument) -> v1::PaymentInstrument {
    match instrument {
        Instrument::Approved => card("tok_approve"),
        Instrument::Declined => card("tok_decline_lost_card"),
        Instrument::AnswerLost => card("tok_timeout_charged"),
        Instrument::RequestLost => card("tok_timeout_lost"),
        Instrument::Cash => cash(),
    }
}

fn placed(expected: Result<usize, Refused>) -> Outcome {
    expected.map_or_else(Outcome::Refused, Outcome::Order)
}

fn changed(order: usize, expected: Result<(), Refused>) -> Outcome {
    expected.map_or_else(Outcome::Refused, |()| Outcome::Order(order))
}

fn place_of(product_id: &str) -> usize {
    PRODUCTS.iter().position(|(id, _)| *id == product_id).unwrap()
}

/// The n-th from the end, and around.
fn latest(length: usize, nth: usize) -> Option<usize> {
    (length > 0).then(|| length - 1 - nth % length)
}
