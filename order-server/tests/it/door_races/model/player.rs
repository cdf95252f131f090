//! Carries the steps out at the door and compares every answer with the model's.

use std::{collections::BTreeMap, time::Duration};

use order_api::v1;
use order_server::workers;
use order_store::testing::TestDatabase;
use tonic::Status;

use super::{
    Played,
    message::{Answer, Callers, Message},
    money::Stage,
    order::{Order, Refused},
    price::COUPONS,
    reference::{Done, Reference},
    request::{self, About},
    settings::Settings,
    step::{Manner, OrderStep, PRODUCTS, ParcelStep, STOCK, Step},
};
use crate::{
    door_money::kit::{declined, succeeded},
    door_races::kit::{at_once, quiet, reason},
    world::{World, product, request_id},
};

/// What a request led to, and leads to again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An order, as it is now, and what became of it by the request.
    Order(usize, Done),
    /// A cart, as it is now.
    Cart(usize),
    /// A shelf, as it is now.
    Stock(usize),
    /// A refusal.
    Refused(Refused),
}

/// A request and what it led to.
#[derive(Debug, Clone)]
struct Sent {
    customer: usize,
    message: Message,
    outcome: Outcome,
}

pub(super) struct Player {
    pub(super) world: World,
    pub(super) model: Reference,
    /// The model's orders as they were last seen at the door.
    pub(super) seen: Vec<v1::Order>,
    /// The lines of each of the model's carts.
    pub(super) items: Vec<Vec<String>>,
    sent: Vec<Sent>,
    /// Steps so far.
    steps: usize,
    /// How often each kind of request was accepted, and refused.
    tally: BTreeMap<&'static str, [usize; 2]>,
}

impl Player {
    pub(super) async fn new(database: &TestDatabase, settings: Settings) -> Self {
        let given = settings.given();
        let given: Vec<_> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let world = World::start(database, &given).await;
        let price = |cents: i64| ("USD", cents / 100, i32::try_from(cents % 100).unwrap() * 10_000_000);
        let products = PRODUCTS.iter().map(|(id, cents)| product(id, price(*cents), STOCK)).collect();
        let request = v1::UpsertProductsRequest { products, ..Default::default() };
        world.admin().admin.upsert_products(request).await.unwrap();
        for coupon in &COUPONS {
            let request = v1::UpsertCouponRequest { coupon: Some(coupon.wire()), ..Default::default() };
            world.admin().admin.upsert_coupon(request).await.unwrap();
        }
        let (seen, items, sent) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, model: Reference::new(settings), seen, items, sent, steps: 0, tally: BTreeMap::new() }
    }

    /// What was played.
    pub(super) async fn stop(self) -> Played {
        self.world.stop().await;
        Played { steps: self.steps, tally: self.tally }
    }

    pub(super) async fn play(&mut self, step: &Step) {
        match step {
            Step::Cart { customer, change } => {
                let items = self.model.live_cart(*customer).map_or(Vec::new(), |cart| self.items[cart].clone());
                let expected = self.model.change_cart(*customer, *change);
                let outcome = expected.map_or_else(Outcome::Refused, Outcome::Cart);
                self.send(*customer, request::cart(*change, &items), outcome).await;
            }
            Step::Checkout { customer, how } => {
                let expected = self.model.checkout(*customer, *how);
                self.send(*customer, request::checking_out(*how), placed(expected)).await;
            }
            Step::Create { customer, lines, how } => {
                let expected = self.model.place((*customer, None), lines, *how);
                self.send(*customer, request::creating(lines, *how), placed(expected)).await;
            }
            Step::Order { order, change, manner } => {
                if let Some(order) = self.pick(*order) {
                    self.change_order(order, (change, *manner)).await;
                }
            }
            Step::Adjust { product, delta, backorders } => {
                let expected = self.model.adjust(*product, *delta, *backorders);
                let outcome = expected.map_or_else(Outcome::Refused, |()| Outcome::Stock(*product));
                self.send(0, request::adjusting(*product, *delta, *backorders), outcome).await;
            }
            Step::Retry { request } => self.again(*request).await,
            Step::Reuse { request } => self.reuse(*request).await,
            Step::Later { minutes } => self.later(*minutes),
            Step::Reconcile => {
                self.later(11);
                workers::reconcile_due(&self.world.app).await.unwrap();
                quiet(&self.world).await;
                let concerned = self.model.orders_that(Order::awaits_answers);
                self.model.reconcile();
                self.look_at_all(&concerned).await;
            }
            Step::Expire => {
                workers::expire_due(&self.world.app).await.unwrap();
                let concerned = self.model.orders_that(|order| order.is_overdue(self.model.now));
                self.model.expire();
                self.look_at_all(&concerned).await;
            }
            Step::Sweep => workers::sweep_reservations(&self.world.app).await.unwrap(),
        }
        self.steps += 1;
    }

    /// Mostly an order with which something can still be done.
    fn pick(&self, nth: usize) -> Option<usize> {
        let live = self.model.orders_that(|order| !order.is_called_off());
        if nth < 3 && !live.is_empty() {
            latest(live.len(), nth).map(|nth| live[nth])
        } else {
            latest(self.seen.len(), nth)
        }
    }

    /// Eleven minutes are longer than the reconciler ever waits between two looks.
    fn later(&mut self, minutes: i64) {
        self.world.clock.advance(Duration::from_secs(u64::try_from(minutes * 60).unwrap()));
        self.model.now += minutes;
    }

    async fn again(&mut self, request: usize) {
        if let Some(nth) = latest(self.sent.len(), request) {
            let Sent { customer, message, outcome } = self.sent[nth].clone();
            self.ask(customer, message, outcome).await;
        }
    }

    async fn reuse(&mut self, request: usize) {
        if let Some(nth) = latest(self.sent.len(), request) {
            let Sent { customer, message, .. } = self.sent[nth].clone();
            if matches!(message, Message::CarrierEvent(_)) {
                // It has no text that could be any other.
                return;
            }
            self.ask(customer, message.altered(), Outcome::Refused("REQUEST_ID_REUSED")).await;
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are requests")]
    async fn change_order(&mut self, n: usize, (change, manner): (&OrderStep, Manner)) {
        let Some(change) = self.resolve(n, change) else { return };
        match change {
            OrderStep::Tell(op) => self.tell(n, op).await,
            OrderStep::Contradict(op) => self.contradict(n, op).await,
            OrderStep::Reconcile => {
                let order_id = self.seen[n].order_id.clone();
                self.world.admin().ask_gateway(&order_id).await.unwrap();
                self.model.change(n, &change).unwrap();
            }
            change => {
                let about = About { order: &self.model.orders[n], seen: &self.seen[n], manner };
                let message = about.message(&change).expect("all others are requests");
                let customer = self.model.orders[n].customer;
                let outcome = match manner {
                    Manner::UnderOtherEtag if !matches!(message, Message::CarrierEvent(_)) => Err("ETAG_MISMATCH"),
                    Manner::Plain | Manner::UnderEtag | Manner::UnderOtherEtag | Manner::Twice => {
                        self.model.change(n, &change)
                    }
                };
                let outcome = outcome.map_or_else(Outcome::Refused, |done| Outcome::Order(n, done));
                self.question(customer, &message, outcome).await;
                match manner {
                    Manner::Twice => self.send_twice(customer, message, outcome).await,
                    Manner::Plain | Manner::UnderEtag | Manner::UnderOtherEtag => {
                        self.send(customer, message, outcome).await;
                    }
                }
            }
        }
        // Also after a refusal: nothing of it may have happened.
        self.look_at(n).await;
    }

    async fn look_at_all(&mut self, orders: &[usize]) {
        for n in orders {
            self.look_at(*n).await;
        }
    }

    /// The step with what is counted from the latest counted from the first. Where there is no parcel and no return yet, a step
    /// towards one, so that sequences get there; `None` where there is no payment.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are as they are")]
    fn resolve(&self, n: usize, change: &OrderStep) -> Option<OrderStep> {
        let order = &self.model.orders[n];
        let payment = |nth: &usize| latest(order.payments.len(), *nth);
        let towards = || order.towards_a_return();
        Some(match change {
            OrderStep::Capture(nth, part) => OrderStep::Capture(payment(nth)?, *part),
            OrderStep::Void(nth) => OrderStep::Void(payment(nth)?),
            OrderStep::Shipment(nth, step) => match latest(order.parcels.len(), *nth) {
                Some(parcel) if *step == ParcelStep::SendBack && order.parcels[parcel].is_open() => {
                    OrderStep::Shipment(parcel, ParcelStep::Ship)
                }
                Some(parcel) => OrderStep::Shipment(parcel, *step),
                None => towards(),
            },
            OrderStep::Return(nth, step) => match latest(order.returns.len(), *nth) {
                Some(found) if *nth > 0 => OrderStep::Return(found, step.clone()),
                Some(found) => order.next_of(found, step).unwrap_or_else(towards),
                None => towards(),
            },
            other => other.clone(),
        })
    }

    /// What a gateway knows of one of an order's requests: the place of the request, and its name.
    async fn told(&self, n: usize, nth: usize) -> Option<((usize, usize), v1::PaymentOperation)> {
        let payments = self.model.orders[n].payments.iter().enumerate().filter(|(_, payment)| !payment.is_cash());
        let ops: Vec<_> = payments.flat_map(|(p, payment)| (0..payment.ops.len()).map(move |op| (p, op))).collect();
        let (payment, op) = ops[latest(ops.len(), nth)?];
        let ledgers = self.world.admin().ledgers(&self.seen[n].order_id).await;
        Some(((payment, op), ledgers[payment].operations[op].clone()))
    }

    /// The truth, twice.
    async fn tell(&mut self, n: usize, nth: usize) {
        let Some((place, operation)) = self.told(n, nth).await else { return };
        let op = self.model.orders[n].payments[place.0].ops[place.1];
        let (event_id, operation_id) = (request_id(), &operation.operation_id);
        let (event, says) = match op.stage {
            Stage::AnswerLost | Stage::Done => {
                (succeeded(&event_id, operation_id, operation.amount.unwrap()), Stage::Done)
            }
            Stage::RequestLost { .. } => (declined(&event_id, operation_id, "never_sent"), Stage::Failed),
            Stage::Failed | Stage::New => (declined(&event_id, operation_id, &operation.decline_code), Stage::Failed),
        };
        let news = self.model.tell(n, place, says);
        let first = if news { v1::PaymentEventOutcome::Applied } else { v1::PaymentEventOutcome::NoChange };
        for expected in [first, v1::PaymentEventOutcome::Duplicate] {
            assert_eq!(self.world.admin().tell(event.clone()).await.unwrap(), expected);
        }
    }

    /// That a request was refused which was not.
    async fn contradict(&mut self, n: usize, nth: usize) {
        let Some((place, operation)) = self.told(n, nth).await else { return };
        if self.model.orders[n].payments[place.0].ops[place.1].stage == Stage::Done {
            self.model.tell(n, place, Stage::Failed);
            let event = declined(&request_id(), &operation.operation_id, "lost_card");
            assert_eq!(self.world.admin().tell(event).await.unwrap(), v1::PaymentEventOutcome::NoChange);
        }
    }

    /// Sends a new request, and remembers it.
    async fn send(&mut self, customer: usize, message: Message, outcome: Outcome) {
        self.ask(customer, message.clone(), outcome).await;
        self.sent.push(Sent { customer, message, outcome });
    }

    fn callers(&self, customer: usize) -> Callers {
        Callers { customer: self.world.customer(&format!("customer-{customer}")), admin: self.world.admin() }
    }

    async fn ask(&mut self, customer: usize, message: Message, outcome: Outcome) {
        let name = message.name();
        let answer = message.deliver(self.callers(customer)).await;
        self.tally.entry(name).or_default()[usize::from(answer.is_err())] += 1;
        self.compare(answer, outcome);
    }

    /// A question is answered as the request will be, and changes nothing.
    async fn question(&mut self, customer: usize, message: &Message, outcome: Outcome) {
        let Some(question) = message.question() else { return };
        let answer = question.deliver(self.callers(customer)).await;
        match (&answer, outcome) {
            (Err(status), Outcome::Refused(why)) => assert_eq!(reason(status), why, "{status:?}"),
            (Ok(answer), Outcome::Order(_, done)) => super::compare::amounts(answer, done),
            (answer, outcome) => panic!("expected {outcome:?}, and the answer is {answer:?}"),
        }
    }

    /// Both are answered alike, but for what the gateway says meanwhile.
    async fn send_twice(&mut self, customer: usize, message: Message, outcome: Outcome) {
        let callers = self.callers(customer);
        let answers = at_once(2, |_| message.clone().deliver(callers.clone())).await;
        for answer in answers {
            let answer: Result<Answer, Status> = answer;
            self.tally.entry(message.name()).or_default()[usize::from(answer.is_err())] += 1;
            match (answer, outcome) {
                (Err(status), Outcome::Order(n, Done::Asked(..))) if self.is_declined(outcome) => {
                    assert_eq!(reason(&status), "PAYMENT_DECLINED", "order {n}");
                }
                (Ok(_), Outcome::Order(..)) => {}
                (Err(status), Outcome::Refused(why)) => assert_eq!(reason(&status), why, "{status:?}"),
                (answer, outcome) => panic!("expected {outcome:?}, and the answer is {answer:?}"),
            }
        }
        self.sent.push(Sent { customer, message, outcome });
    }

    /// Whether the request to the gateway that this led to has been refused.
    pub(super) fn is_declined(&self, outcome: Outcome) -> bool {
        let Outcome::Order(n, Done::Asked(payment, op)) = outcome else { return false };
        self.model.orders[n].payments[payment].ops[op].stage == Stage::Failed
    }
}

fn placed(expected: Result<usize, Refused>) -> Outcome {
    expected.map_or_else(Outcome::Refused, |order| Outcome::Order(order, Done::Changed))
}

/// The n-th from the end, and around.
fn latest(length: usize, nth: usize) -> Option<usize> {
    (length > 0).then(|| length - 1 - nth % length)
}
