//! The port's transactions, each written once, over the statements that an engine provides.

mod audit;
mod carts;
mod catalog;
mod change;
mod consumers;
mod coupons;
mod export;
mod holds;
mod import;
mod inventory;
mod ledger;
mod numbers;
mod place;
mod reads;
mod requests;
mod shelf;

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use order_core::{
    cart::{Cart, CartOwner},
    discount::{Coupon, Redeemer},
    error::Refusal,
    ids::{CartId, CouponCode, CustomerId, InventoryOperationId, OperationId, OrderId, ProductId},
    order::{Context, Event, Order},
    product::Product,
    stock::{InventoryOperation, LevelQuery, StockLevel},
    time::Timestamp,
};

use crate::{
    backend::{Backend, ReadWork, WriteWork},
    error::StoreError,
    lanes::{Lanes, Work},
    query::{
        CouponQuery, CustomerSummary, DeadLetter, DeadLetterQuery, FeedCursor, FeedPage, Movement, MovementQuery,
        OrderFilter, OrderKey, OrderQuery, Page, ProductQuery, Scope, Stats, StatsQuery,
    },
    request::Request,
    store::{
        AdjustStock, CartChange, CartStore, CatalogStore, ChangeOrder, ConsumerLease, CouponStore, CouponUse,
        DueOperation, Effect, FeedStore, GatewayRecord, ImportOrder, Imported, IntendReservation, InventoryStore,
        LedgerStore, MergeCarts, Merged, Mode, Numbering, OrderStore, PaymentEvent, PaymentEventOutcome, PlaceOrder,
        Shortfall, Store, SweepReservations, UnresolvedOperations, UntoldOperations, UpsertCoupon, UpsertProducts,
        Upserted,
    },
    watch::{self, Done},
};

/// The port over an engine. Measures every method.
pub(crate) struct Engine<B: Backend> {
    backend: Arc<B>,
    placing: Lanes<place::Placing<B>>,
    changing: Lanes<change::Changing<B>>,
    products: Lanes<reads::LookingUp<B>>,
    intents: Lanes<inventory::Intending<B>>,
    gateway: Lanes<ledger::Recording<B>>,
}

impl<B: Backend> Engine<B> {
    /// Starts the lanes over an engine. Must be called inside the runtime.
    pub(crate) fn start(backend: B) -> Self {
        let backend = Arc::new(backend);
        let placing = Lanes::start(place::Placing(Arc::clone(&backend)));
        let changing = Lanes::start(change::Changing(Arc::clone(&backend)));
        let products = Lanes::start(reads::LookingUp(Arc::clone(&backend)));
        let intents = Lanes::start(inventory::Intending(Arc::clone(&backend)));
        let gateway = Lanes::start(ledger::Recording(Arc::clone(&backend)));
        Self { backend, placing, changing, products, intents, gateway }
    }

    /// Has something done in lanes.
    async fn ask<W: Work>(lanes: &Lanes<W>, item: W::Item) -> Result<W::Answer, StoreError> {
        let began = Instant::now();
        let result = lanes.ask(item).await;
        measure::<B>(W::NAME, began, result.as_ref().err());
        result
    }

    async fn write<W: WriteWork>(&self, work: W) -> Result<W::Output, StoreError> {
        let began = Instant::now();
        let result = self.backend.write(work).await;
        measure::<B>(W::NAME, began, result.as_ref().err());
        result
    }

    /// A writing transaction whose body may refuse.
    async fn attempt<W, R>(&self, work: W) -> Result<R, StoreError>
    where
        W: WriteWork<Output = Result<R, Refusal>>,
        R: Send + 'static,
    {
        Ok(self.write(work).await??)
    }

    async fn read<R: ReadWork>(&self, work: R) -> Result<R::Output, StoreError> {
        let began = Instant::now();
        let result = self.backend.read(work).await;
        measure::<B>(R::NAME, began, result.as_ref().err());
        result
    }
}

/// How long each method took, and how it ended, by fixed small sets of labels.
fn measure<B: Backend>(method: &'static str, began: Instant, error: Option<&StoreError>) {
    let outcome = match error {
        None => "ok",
        Some(StoreError::Refused(_)) => "refused",
        Some(StoreError::Unavailable(_)) => "unavailable",
        Some(StoreError::UnknownOutcome(_)) => "unknown_outcome",
        Some(StoreError::Contended(_)) => "contended",
        Some(StoreError::Overloaded { .. }) => "overloaded",
        Some(StoreError::DeadlineExceeded) => "deadline_exceeded",
        Some(StoreError::Corrupt(_)) => "corrupt",
        Some(StoreError::Internal(_)) => "internal",
    };
    let took = began.elapsed();
    let labels = [("engine", B::ENGINE), ("method", method), ("outcome", outcome)];
    metrics::histogram!("store_method_duration_seconds", &labels).record(took);
    watch::tell(&Done { engine: B::ENGINE, method, outcome, took });
}

#[async_trait]
impl<B: Backend> Store for Engine<B> {
    fn engine(&self) -> &'static str {
        B::ENGINE
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(reads::Ping {}).await
    }

    async fn forget_requests(&self, before: Timestamp, most: u32) -> Result<u32, StoreError> {
        self.write(requests::ForgetRequests { before, most }).await
    }

    async fn close(&self) {
        tokio::join!(
            self.placing.close(),
            self.changing.close(),
            self.products.close(),
            self.intents.close(),
            self.gateway.close()
        );
        self.backend.close().await;
    }
}

#[async_trait]
impl<B: Backend> OrderStore for Engine<B> {
    async fn place(&self, order: PlaceOrder) -> Result<Effect, StoreError> {
        let prepared = Arc::new(place::Prepared::new(order));
        match Self::ask(&self.placing, Arc::clone(&prepared)).await? {
            place::Standing::Placed(number) => Ok(prepared.placed(number)),
            place::Standing::Earlier(id) => {
                let order = self.order(OrderKey::Id(id), Scope::All).await?;
                let order = order.ok_or_else(|| StoreError::corrupt(format!("order {id} of a request is gone")))?;
                Ok(Effect { order, events: Vec::new() })
            }
        }
    }

    async fn change(&self, change: ChangeOrder) -> Result<Effect, StoreError> {
        match change.mode {
            Mode::Apply => {
                let change = Arc::new(change);
                match Self::ask(&self.changing, Arc::clone(&change)).await? {
                    change::Changed::Done(effect) => Ok(*effect),
                    change::Changed::HeldUp => self.attempt(change::Alone(change)).await,
                }
            }
            Mode::Preview => self.attempt(change::Preview(change)).await,
        }
    }

    async fn conclude(&self, request: Request, answer: Result<OrderId, Refusal>) -> Result<Order, StoreError> {
        self.attempt(change::Conclude(request, answer)).await
    }

    async fn recall(&self, request: Request) -> Result<Option<Order>, StoreError> {
        Ok(self.read(reads::Recall { request }).await??)
    }

    async fn import(&self, orders: Vec<ImportOrder>, numbering: Numbering) -> Result<Vec<Imported>, StoreError> {
        self.write(import::ImportBatch { orders, numbering }).await
    }

    async fn order(&self, key: OrderKey, scope: Scope) -> Result<Option<Order>, StoreError> {
        self.read(reads::GetOrder { key, scope }).await
    }

    async fn orders(&self, query: OrderQuery) -> Result<Page<Order>, StoreError> {
        self.read(reads::ListOrders { query }).await
    }

    async fn count(&self, filter: OrderFilter, most: u32) -> Result<u32, StoreError> {
        self.read(reads::CountOrders { filter, most }).await
    }

    async fn events(&self, order_id: OrderId, after: i64, size: u32) -> Result<Page<Event>, StoreError> {
        self.read(reads::ListEvents { order_id, after, size }).await
    }

    async fn stats(&self, query: StatsQuery) -> Result<Stats, StoreError> {
        self.read(reads::GetStats { query }).await
    }

    async fn customer_summary(&self, customer: CustomerId, since: Timestamp) -> Result<CustomerSummary, StoreError> {
        self.read(reads::Summarize { customer, since }).await
    }
}

#[async_trait]
impl<B: Backend> FeedStore for Engine<B> {
    async fn feed_end(&self) -> Result<FeedCursor, StoreError> {
        self.read(reads::FeedEnd {}).await
    }

    async fn feed(&self, after: FeedCursor, size: u32) -> Result<Option<FeedPage>, StoreError> {
        self.read(reads::ReadFeed { after, size }).await
    }

    async fn claim_consumer(&self, lease: ConsumerLease) -> Result<Option<FeedCursor>, StoreError> {
        self.write(consumers::ClaimConsumer(lease)).await
    }

    async fn advance_consumer(&self, lease: ConsumerLease, place: FeedCursor) -> Result<bool, StoreError> {
        self.write(consumers::AdvanceConsumer(lease, place)).await
    }

    async fn put_dead_letter(&self, letter: DeadLetter) -> Result<(), StoreError> {
        self.write(consumers::PutDeadLetter(letter)).await
    }

    async fn dead_letters(&self, query: DeadLetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.read(reads::ListDeadLetters { query }).await
    }

    async fn drop_dead_letter(&self, consumer: &str, event: FeedCursor) -> Result<(), StoreError> {
        self.write(consumers::DropDeadLetter { consumer: consumer.to_owned(), event }).await
    }
}

#[async_trait]
impl<B: Backend> CartStore for Engine<B> {
    async fn change_cart(&self, change: CartChange) -> Result<Cart, StoreError> {
        self.attempt(change).await
    }

    async fn merge_carts(&self, merge: MergeCarts) -> Result<Merged, StoreError> {
        self.attempt(merge).await
    }

    async fn cart(&self, owner: CartOwner, now: Timestamp) -> Result<Option<Cart>, StoreError> {
        self.read(reads::GetCart { owner, now }).await
    }

    async fn expire_carts(&self, now: Timestamp, most: u32) -> Result<Vec<CartId>, StoreError> {
        self.write(carts::ExpireCarts { now, most }).await
    }

    async fn sweep_reservations(&self, sweep: SweepReservations) -> Result<u32, StoreError> {
        self.write(sweep).await
    }
}

#[async_trait]
impl<B: Backend> CatalogStore for Engine<B> {
    async fn upsert_products(&self, upsert: UpsertProducts) -> Result<Vec<Upserted>, StoreError> {
        self.attempt(upsert).await
    }

    async fn products(&self, ids: Vec<ProductId>) -> Result<Vec<Product>, StoreError> {
        Self::ask(&self.products, ids).await
    }

    async fn product_page(&self, query: ProductQuery) -> Result<Page<Product>, StoreError> {
        self.read(reads::ListProducts { query }).await
    }

    async fn adjust_stock(&self, adjust: AdjustStock) -> Result<StockLevel, StoreError> {
        self.attempt(adjust).await
    }

    async fn levels(&self, query: LevelQuery) -> Result<Vec<StockLevel>, StoreError> {
        self.read(reads::GetLevels { query }).await
    }

    async fn movements(&self, query: MovementQuery) -> Result<Page<Movement>, StoreError> {
        self.read(reads::ListMovements { query }).await
    }
}

#[async_trait]
impl<B: Backend> CouponStore for Engine<B> {
    async fn upsert_coupon(&self, upsert: UpsertCoupon) -> Result<Coupon, StoreError> {
        self.attempt(upsert).await
    }

    async fn coupon(&self, code: CouponCode, redeemer: Option<Redeemer>) -> Result<Option<CouponUse>, StoreError> {
        self.read(reads::GetCoupon { code, redeemer }).await
    }

    async fn coupon_page(&self, query: CouponQuery) -> Result<Page<Coupon>, StoreError> {
        self.read(reads::ListCoupons { query }).await
    }
}

#[async_trait]
impl<B: Backend> InventoryStore for Engine<B> {
    async fn intend_reservation(&self, intent: IntendReservation) -> Result<(), StoreError> {
        Self::ask(&self.intents, intent).await
    }

    async fn refuse_reservation(&self, id: InventoryOperationId) -> Result<Shortfall, StoreError> {
        self.write(inventory::RefuseReservation(id)).await
    }

    async fn give_up_reservation(
        &self,
        id: InventoryOperationId,
        now: Timestamp,
    ) -> Result<Option<InventoryOperation>, StoreError> {
        self.write(inventory::GiveUp { id, now }).await
    }

    async fn claim_inventory(&self, now: Timestamp, most: u32) -> Result<Vec<InventoryOperation>, StoreError> {
        self.write(inventory::ClaimInventory { now, most }).await
    }

    async fn end_inventory(&self, ids: Vec<InventoryOperationId>) -> Result<(), StoreError> {
        self.write(inventory::EndInventory(ids)).await
    }

    async fn untold_operations(&self) -> Result<Vec<UntoldOperations>, StoreError> {
        self.read(reads::UntoldCounts {}).await
    }
}

#[async_trait]
impl<B: Backend> LedgerStore for Engine<B> {
    async fn due_operations(
        &self,
        now: Timestamp,
        only: Option<OrderId>,
        most: u32,
    ) -> Result<Vec<DueOperation>, StoreError> {
        self.read(reads::DueOperations { now, only, most }).await
    }

    async fn unresolved_operations(&self) -> Result<Vec<UnresolvedOperations>, StoreError> {
        self.read(reads::UnresolvedCounts {}).await
    }

    async fn record_payment_event(
        &self,
        event: PaymentEvent,
        context: Context,
    ) -> Result<(PaymentEventOutcome, Effect), StoreError> {
        self.attempt(ledger::RecordPaymentEvent { event, context }).await
    }

    async fn payment_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, StoreError> {
        self.read(reads::PaymentEvents { order_id }).await
    }

    async fn due_expiries(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, StoreError> {
        self.read(reads::DueExpiries { now, most }).await
    }

    async fn record_gateway(&self, record: GatewayRecord) -> Result<GatewayRecord, StoreError> {
        Self::ask(&self.gateway, record).await
    }

    async fn gateway_record(&self, key: OperationId) -> Result<Option<GatewayRecord>, StoreError> {
        self.read(reads::GetGateway { key }).await
    }
}
