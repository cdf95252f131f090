//! Goods. What leaves a shelf and a promise below nothing is a mistake of the order service's, and is kept as one.

use std::collections::{BTreeMap, BTreeSet};

use order_api::integrations::v1::{
    Availability, CheckAvailabilityRequest, CheckAvailabilityResponse, CommitRequest, CommitResponse, ReleaseRequest,
    ReleaseResponse, ReserveOutcome, ReserveRequest, ReserveResponse, RestockRequest, RestockResponse, StockUnits,
    inventory_service_server::InventoryService,
};
use tonic::{Request, Response, Status};

use crate::{
    Shared,
    fault::{Service, Truth, take},
};

#[derive(Debug)]
pub(crate) struct Inventory(pub(crate) Shared);

/// Shelves, promises, and what was done under which key.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    /// Units in the house.
    pub(crate) on_hand: BTreeMap<String, i64>,
    /// Units that are promised, by order and SKU.
    pub(crate) promised: BTreeMap<(String, String), i64>,
    /// The same, by SKU.
    pub(crate) promised_of: BTreeMap<String, i64>,
    /// Reservations by key: of what, for whom, and how they were answered. Those that were undone promise nothing any more.
    reserved: BTreeMap<String, Made>,
    /// Everything that was told, in its order: what, for whom, under which key. A key is good for one thing.
    told: Vec<(&'static str, String, String)>,
    keys: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Made {
    order_id: String,
    units: Vec<StockUnits>,
    answer: ReserveResponse,
}

impl Shelves {
    /// Units of a SKU that can be promised; `None` for one that is not known.
    fn available(&self, sku: &str) -> Option<i64> {
        let promised = self.promised_of.get(sku).copied().unwrap_or_default();
        self.on_hand.get(sku).map(|on_hand| (on_hand - promised).max(0))
    }

    fn promise(&mut self, order_id: &str, units: &[StockUnits], sign: i64) {
        for StockUnits { sku, quantity } in units {
            *self.promised_of.entry(sku.clone()).or_default() += sign * quantity;
            let key = (order_id.to_owned(), sku.clone());
            let promised = self.promised.get(&key).copied().unwrap_or_default() + sign * quantity;
            match promised {
                0 => drop(self.promised.remove(&key)),
                _ => drop(self.promised.insert(key, promised)),
            }
        }
    }

    fn count(&mut self, units: &[StockUnits], sign: i64) {
        for StockUnits { sku, quantity } in units {
            *self.on_hand.entry(sku.clone()).or_default() += sign * quantity;
        }
    }

    fn reserve(&mut self, request: ReserveRequest) -> ReserveResponse {
        let ReserveRequest { idempotency_key, order_id, units } = request;
        if let Some(made) = self.reserved.get(&idempotency_key) {
            return made.answer.clone();
        }
        let short = units.iter().filter_map(|StockUnits { sku, quantity }| {
            let available = self.available(sku).unwrap_or_default();
            (*quantity > available).then(|| Availability { sku: sku.clone(), available })
        });
        let shortages: Vec<_> = short.collect();
        let outcome = if shortages.is_empty() { ReserveOutcome::Reserved } else { ReserveOutcome::Insufficient };
        if outcome == ReserveOutcome::Reserved {
            self.promise(&order_id, &units, 1);
        }
        let units = if outcome == ReserveOutcome::Reserved { units } else { Vec::new() };
        let answer = ReserveResponse { idempotency_key: idempotency_key.clone(), outcome: outcome.into(), shortages };
        self.keys.insert(idempotency_key.clone());
        self.reserved.insert(idempotency_key, Made { order_id, units, answer: answer.clone() });
        answer
    }

    /// What was never made is never to be made.
    fn undo(&mut self, key: String, order_id: &str) {
        let undone = ReserveResponse {
            idempotency_key: key.clone(),
            outcome: ReserveOutcome::Insufficient.into(),
            shortages: Vec::new(),
        };
        let made = Made { order_id: order_id.to_owned(), units: Vec::new(), answer: undone };
        if let Some(before) = self.reserved.insert(key, made) {
            self.promise(&before.order_id, &before.units, -1);
        }
    }

    /// Does something once by its key.
    fn once(&mut self, (kind, key, order_id): (&'static str, String, String), act: impl FnOnce(&mut Self, &str)) {
        if self.keys.insert(key.clone()) {
            act(self, &order_id);
            self.told.push((kind, order_id, key));
        }
    }

    /// What was told of an order, in its order.
    pub(crate) fn told(&self, order_id: &str) -> Vec<&'static str> {
        self.told.iter().filter(|(_, of, _)| of == order_id).map(|(kind, ..)| *kind).collect()
    }
}

#[tonic::async_trait]
impl InventoryService for Inventory {
    async fn check_availability(
        &self,
        request: Request<CheckAvailabilityRequest>,
    ) -> Result<Response<CheckAvailabilityResponse>, Status> {
        let skus = request.into_inner().skus;
        take(&self.0, Service::Inventory, move |state, truth| {
            let state = state.lock();
            let level = |sku: String| Some((state.shelves.available(&sku)?, sku));
            let wrong = |available: i64| if truth == Truth::Wrong { -1 - available } else { available };
            let levels = skus.into_iter().filter_map(level);
            let levels = levels.map(|(available, sku)| Availability { sku, available: wrong(available) });
            Ok(CheckAvailabilityResponse { levels: levels.collect() })
        })
        .await
    }

    async fn reserve(&self, request: Request<ReserveRequest>) -> Result<Response<ReserveResponse>, Status> {
        let request = request.into_inner();
        take(&self.0, Service::Inventory, move |state, truth| {
            let answer = state.lock().shelves.reserve(request);
            Ok(match truth {
                Truth::Right => answer,
                Truth::Wrong => ReserveResponse { idempotency_key: "another".to_owned(), ..answer },
            })
        })
        .await
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let ReleaseRequest { idempotency_key, order_id, units, reserve_key } = request.into_inner();
        take(&self.0, Service::Inventory, move |state, _truth| {
            let shelves = &mut state.lock().shelves;
            if reserve_key.is_empty() {
                let told = ("RELEASE", idempotency_key, order_id);
                shelves.once(told, |shelves, order_id| shelves.promise(order_id, &units, -1));
            } else {
                let told = ("WITHDRAW", idempotency_key, order_id);
                shelves.once(told, |shelves, order_id| shelves.undo(reserve_key, order_id));
            }
            Ok(ReleaseResponse {})
        })
        .await
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        let CommitRequest { idempotency_key, order_id, units } = request.into_inner();
        take(&self.0, Service::Inventory, move |state, _truth| {
            state.lock().shelves.once(("COMMIT", idempotency_key, order_id), |shelves, order_id| {
                shelves.promise(order_id, &units, -1);
                shelves.count(&units, -1);
            });
            Ok(CommitResponse {})
        })
        .await
    }

    async fn restock(&self, request: Request<RestockRequest>) -> Result<Response<RestockResponse>, Status> {
        let RestockRequest { idempotency_key, order_id, units, kept } = request.into_inner();
        take(&self.0, Service::Inventory, move |state, _truth| {
            state.lock().shelves.once(("RESTOCK", idempotency_key, order_id), |shelves, order_id| {
                shelves.count(&units, 1);
                shelves.promise(order_id, &kept, 1);
            });
            Ok(RestockResponse {})
        })
        .await
    }
}
