//! An inventory service.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use order_api::integrations::v1::{
    Availability, CheckAvailabilityRequest, CommitRequest, ReleaseRequest, ReserveOutcome, ReserveRequest,
    ReserveResponse, RestockRequest, StockUnits, inventory_service_client::InventoryServiceClient,
};
use order_core::{
    ids::Sku,
    ports::{self, Health, Inventory, Neighbour, Unavailable, Warehouse},
    stock::{Demand, InventoryKind, InventoryOperation, LevelQuery, Shortage},
};

use super::{Allowance, Failure, Remote, RemoteAddress};

/// Goods that a service of its own counts.
pub struct RemoteInventory {
    remote: Remote,
}

impl RemoteInventory {
    /// The inventory service at this address. Must be called inside the runtime.
    #[must_use]
    pub fn new(address: &RemoteAddress, allowance: Allowance) -> Self {
        Self { remote: Remote::new("inventory", address, allowance) }
    }

    async fn send(&self, operation: &InventoryOperation) -> Result<(), Failure> {
        let (idempotency_key, order_id) = (operation.key().to_string(), operation.order_id.to_string());
        let given = units(&operation.goods.units);
        match operation.kind {
            // One that was never made is undone all the same.
            InventoryKind::Reserve | InventoryKind::Withdraw => {
                let reserve_key = operation.id.to_string();
                self.release(ReleaseRequest { idempotency_key, order_id, units: Vec::new(), reserve_key }).await
            }
            InventoryKind::Release => {
                let reserve_key = String::new();
                self.release(ReleaseRequest { idempotency_key, order_id, units: given, reserve_key }).await
            }
            InventoryKind::Commit => {
                let message = CommitRequest { idempotency_key, order_id, units: given };
                let send = |channel, request| async move { InventoryServiceClient::new(channel).commit(request).await };
                self.remote.call(message, send).await.map(drop)
            }
            InventoryKind::Restock => {
                let kept = units(&operation.goods.kept);
                let message = RestockRequest { idempotency_key, order_id, units: given, kept };
                let send =
                    |channel, request| async move { InventoryServiceClient::new(channel).restock(request).await };
                self.remote.call(message, send).await.map(drop)
            }
        }
    }

    async fn release(&self, message: ReleaseRequest) -> Result<(), Failure> {
        let send = |channel, request| async move { InventoryServiceClient::new(channel).release(request).await };
        self.remote.call(message, send).await.map(drop)
    }

    /// What an answer means. One that breaks the contract means that nobody knows.
    fn read(&self, operation: &InventoryOperation, told: &ReserveResponse) -> ports::ReserveOutcome {
        if told.idempotency_key != operation.id.to_string() {
            return ports::ReserveOutcome::Unknown(self.remote.broken("it answers about another key"));
        }
        match told.outcome() {
            ReserveOutcome::Reserved => ports::ReserveOutcome::Reserved,
            ReserveOutcome::Insufficient => match shortages(&operation.goods.units, &told.shortages) {
                Ok(shortages) => ports::ReserveOutcome::Short(shortages),
                Err(what) => ports::ReserveOutcome::Unknown(self.remote.broken(what)),
            },
            ReserveOutcome::Unspecified => {
                ports::ReserveOutcome::Unknown(self.remote.broken("it does not say whether it has reserved"))
            }
        }
    }
}

fn units(demand: &Demand) -> Vec<StockUnits> {
    demand.iter().map(|(sku, quantity)| StockUnits { sku: sku.to_string(), quantity: *quantity }).collect()
}

/// What is short, out of what was asked for.
fn shortages(asked: &Demand, told: &[Availability]) -> Result<Vec<Shortage>, &'static str> {
    let told = levels(told, |sku| asked.contains_key(sku))?;
    let shortage = |(sku, requested): (&Sku, &i64)| {
        let available = *told.get(sku)?;
        Some(Shortage { sku: sku.clone(), requested: *requested, available })
    };
    let short: Vec<_> = asked.iter().filter_map(shortage).collect();
    match short.iter().all(|shortage| shortage.available < shortage.requested) {
        true if !short.is_empty() => Ok(short),
        true => Err("it does not say what is short"),
        false => Err("it says that something is short of which there is enough"),
    }
}

/// Levels by SKU, none of them negative or told twice. What was not asked for is of no interest, whatever it looks like.
fn levels(told: &[Availability], is_wanted: impl Fn(&Sku) -> bool) -> Result<BTreeMap<Sku, i64>, &'static str> {
    let mut levels = BTreeMap::new();
    for Availability { sku, available } in told {
        let Some(sku) = Sku::parse(sku).ok().filter(&is_wanted) else { continue };
        if *available < 0 {
            return Err("it says that there are fewer than none");
        }
        if levels.insert(sku, *available).is_some() {
            return Err("it tells of a SKU twice");
        }
    }
    Ok(levels)
}

#[async_trait]
impl Neighbour for RemoteInventory {
    fn name(&self) -> &'static str {
        self.remote.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.remote.check().await
    }
}

#[async_trait]
impl Inventory for RemoteInventory {
    async fn available(&self, query: LevelQuery) -> Result<BTreeMap<Sku, i64>, Unavailable> {
        let wanted: BTreeSet<_> = query.skus.into_iter().collect();
        let message = CheckAvailabilityRequest { skus: wanted.iter().map(ToString::to_string).collect() };
        let send =
            |channel, request| async move { InventoryServiceClient::new(channel).check_availability(request).await };
        let answer = self.remote.call(message, send).await.map_err(|failure| self.remote.nonsense(failure))?;
        levels(&answer.levels, |sku| wanted.contains(sku)).map_err(|what| self.remote.broken(what))
    }
}

#[async_trait]
impl Warehouse for RemoteInventory {
    async fn reserve(&self, operation: &InventoryOperation) -> ports::ReserveOutcome {
        let message = ReserveRequest {
            idempotency_key: operation.id.to_string(),
            order_id: operation.order_id.to_string(),
            units: units(&operation.goods.units),
        };
        let send = |channel, request| async move { InventoryServiceClient::new(channel).reserve(request).await };
        match self.remote.call(message, send).await {
            Ok(told) => self.read(operation, &told),
            Err(Failure::Unasked(unavailable)) => ports::ReserveOutcome::Unasked(unavailable),
            Err(failure @ (Failure::Answered(_) | Failure::Unavailable(_))) => {
                ports::ReserveOutcome::Unknown(self.remote.nonsense(failure))
            }
        }
    }

    async fn tell(&self, operation: &InventoryOperation) -> Result<(), Unavailable> {
        self.send(operation).await.map_err(|failure| self.remote.nonsense(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(sku: &str, available: i64) -> Availability {
        Availability { sku: sku.to_owned(), available }
    }

    fn asked(all: &[(&str, i64)]) -> Demand {
        all.iter().map(|(sku, units)| (Sku::parse(sku).unwrap(), *units)).collect()
    }

    #[test]
    fn what_is_short_is_told_of_what_was_asked_for() {
        let asked = asked(&[("A", 2), ("B", 3)]);
        let short = shortages(&asked, &[level("B", 1), level("ELSE", -1), level("no sku", 0)]).unwrap();
        assert_eq!(short, [Shortage { sku: Sku::parse("B").unwrap(), requested: 3, available: 1 }]);
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_none() {
        let asked = asked(&[("A", 2)]);
        for told in
            [vec![], vec![level("B", 0)], vec![level("A", 2)], vec![level("A", -1)], vec![level("A", 1), level("A", 0)]]
        {
            assert!(shortages(&asked, &told).is_err(), "{told:?}");
        }
    }
}
