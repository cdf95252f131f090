//! Goods that an inventory service counts: what an order has to bring along, and what is to be told of it.

use std::time::Duration;

use order_core::{
    error::Refusal,
    ids::{InventoryOperationId, OrderId},
    order::{Command, ShipmentStep},
    policy::{Policy, StockKeeping},
    product::Product,
    stock::{Demand, Goods, InventoryKind, InventoryOperation, Reserved},
};
use order_store::{
    ChangeOrder, IntendReservation, OrderKey, PlaceOrder, Scope, Shortfall, StoreError, testing::TestDatabase,
    testing::on_both_engines,
};

use crate::shop::{NOW, Shop, Wish, change, fresh, later, request, ship, sku};

/// An order whose goods are counted elsewhere, without anything that is promised to it.
fn wish(product: &Product, units: u32) -> Wish {
    let mut wish = Wish::of(&[(product, units)]).under(fresh());
    wish.context.policy = Policy { stock_keeping: StockKeeping::Remote, ..Policy::default() };
    wish
}

fn demand(units: i64) -> Demand {
    Demand::from([(sku("MUG"), units)])
}

fn reservation(order_id: OrderId, units: i64) -> InventoryOperation {
    let goods = Goods { units: demand(units), kept: Demand::new() };
    let id = InventoryOperationId::new(fresh());
    InventoryOperation { id, order_id, revision: 0, kind: InventoryKind::Reserve, goods }
}

impl Shop {
    /// Notes a reservation down that is withdrawn after a minute.
    async fn intend(&self, order_id: OrderId, units: i64) -> Reserved {
        let operation = reservation(order_id, units);
        let reserved = Reserved { id: operation.id, units: operation.goods.units.clone() };
        self.store
            .intend_reservation(IntendReservation { operation, claimant: None, now: NOW, until: later(60) })
            .await
            .unwrap();
        reserved
    }

    /// An order with its reservation.
    async fn reserved(&self, (product, units): (&Product, u32)) -> PlaceOrder {
        let order = wish(product, units).into_order();
        let reserved = self.intend(order.placement.order.id, i64::from(units)).await;
        PlaceOrder { reserved: Some(reserved), ..order }
    }

    /// What is due, as kinds.
    async fn due(&self, seconds: i64) -> Vec<InventoryOperation> {
        self.store.claim_inventory(later(seconds), 100).await.unwrap()
    }
}

fn kinds(operations: &[InventoryOperation]) -> Vec<InventoryKind> {
    operations.iter().map(|operation| operation.kind).collect()
}

async fn shop(database: &TestDatabase) -> (Shop, Product) {
    let shop = Shop::open(database).await;
    let mug = shop.sell("mug", 1250, 0).await;
    (shop, mug)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_its_reservation_over_once() {
    on_both_engines(|database| async move {
        let (shop, mug) = shop(&database).await;
        let order = shop.reserved((&mug, 2)).await;
        let placed = shop.store.place(order.clone()).await.unwrap().order;
        assert_eq!((placed.stock_keeping, placed.lines[0].counters.allocated), (StockKeeping::Remote, 2));
        assert_eq!(shop.order(placed.id).await, placed);
        assert_eq!(shop.level_at("mug", NOW).await, None, "it is counted elsewhere");
        assert_eq!(shop.due(3600).await, [], "there is nothing to withdraw");
        assert_eq!(shop.store.give_up_reservation(order.reserved.as_ref().unwrap().id, NOW).await.unwrap(), None);

        let again = PlaceOrder { reserved: order.reserved, ..wish(&mug, 2).into_order() };
        assert_eq!(shop.store.place(again).await, Err(StoreError::Refused(Refusal::PricingStale)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_brings_what_it_needs_or_is_not_placed() {
    on_both_engines(|database| async move {
        let (shop, mug) = shop(&database).await;
        let stale = Err(StoreError::Refused(Refusal::PricingStale));
        assert_eq!(shop.place(wish(&mug, 1)).await, stale, "nothing is promised to it");
        let order = wish(&mug, 2).into_order();
        let less = shop.intend(order.placement.order.id, 1).await;
        assert_eq!(shop.store.place(PlaceOrder { reserved: Some(less), ..order }).await, stale, "too little is");
        let (expired, given_up) = (shop.reserved((&mug, 1)).await, shop.reserved((&mug, 1)).await);
        let id = given_up.reserved.as_ref().unwrap().id;
        let withdrawn = shop.store.give_up_reservation(id, NOW).await.unwrap().unwrap();
        assert_eq!((withdrawn.id, withdrawn.kind, &withdrawn.goods.units), (id, InventoryKind::Withdraw, &demand(1)));
        assert_eq!(shop.store.place(given_up).await, stale);
        assert_eq!(shop.store.give_up_reservation(id, NOW).await.unwrap(), None, "whoever was first tells it");
        assert_eq!(shop.due(0).await, [withdrawn], "anybody may tell it");
        assert_eq!(shop.due(14).await, [], "who claimed it has some time");
        let due = shop.due(60).await;
        assert!(due.iter().any(|due| due.id == expired.reserved.as_ref().unwrap().id), "{due:?}");
        assert!(due.iter().all(|due| due.kind == InventoryKind::Withdraw));
        assert_eq!(shop.store.place(expired).await, stale, "its time was over");

        // Nothing of this is remembered under its request id.
        let key = request(fresh(), 1);
        let poor = PlaceOrder { request: Some(key.clone()), ..wish(&mug, 1).into_order() };
        assert_eq!(shop.store.place(poor).await, stale);
        let rich = PlaceOrder { request: Some(key), ..shop.reserved((&mug, 1)).await };
        shop.store.place(rich).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_is_taken_over_or_given_up_and_never_both() {
    const TIMES: usize = 40;
    on_both_engines(|database| async move {
        let (shop, mug) = shop(&database).await;
        let mut given_up = 0;
        for n in 0..TIMES {
            let order = shop.reserved((&mug, 1)).await;
            let (id, order_id) = (order.reserved.as_ref().unwrap().id, order.placement.order.id);
            let (one, other) = (shop.clone(), shop.clone());
            // Each of them comes first half the time, by less and less of a race.
            let place = async move { one.store.place(order).await };
            let give_up = async move { other.store.give_up_reservation(id, NOW).await.unwrap() };
            let head_start = tokio::time::sleep(Duration::from_micros(200 * u64::try_from(n).unwrap()));
            let (placing, giving) = if n % 2 == 0 {
                let placing = tokio::spawn(place);
                head_start.await;
                (placing, tokio::spawn(give_up))
            } else {
                let giving = tokio::spawn(give_up);
                head_start.await;
                (tokio::spawn(place), giving)
            };
            let (placed, withdrawn) = (placing.await.unwrap(), giving.await.unwrap());
            assert_eq!(placed.is_ok(), withdrawn.is_none(), "{placed:?} {withdrawn:?}");
            let is_there = shop.store.order(OrderKey::Id(order_id), Scope::All).await.unwrap().is_some();
            assert_eq!(is_there, placed.is_ok());
            given_up += usize::from(withdrawn.is_some());
        }
        assert!(0 < given_up && given_up < TIMES, "both came about: {given_up}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_goods_is_told_in_its_order_until_it_is_heard() {
    on_both_engines(|database| async move {
        let (shop, mug) = shop(&database).await;
        let [one, other] = [shop.reserved((&mug, 3)).await, shop.reserved((&mug, 1)).await];
        let one = shop.store.place(one).await.unwrap().order.id;
        let other = shop.store.place(other).await.unwrap().order.id;
        for command in [Command::Confirm, Command::StartProcessing, ship()] {
            shop.change(one, command).await.unwrap();
        }
        let parcel = shop.order(one).await.shipments[0].id;
        shop.change(one, Command::Shipment(parcel, ShipmentStep::ReturnToSender)).await.unwrap();
        shop.change(other, Command::Cancel).await.unwrap();

        let due = shop.due(0).await;
        assert_eq!(kinds(&due), [InventoryKind::Commit, InventoryKind::Release], "of each order only the oldest");
        assert!(due.iter().all(|due| due.goods.units == demand(if due.order_id == one { 3 } else { 1 })));
        assert_eq!(shop.due(0).await, [], "whoever claimed it tells it");
        assert_eq!(shop.due(3600).await, due, "and somebody else later, under the same key, if they do not");
        let untold = shop.store.untold_operations().await.unwrap();
        let mut counts: Vec<_> = untold.iter().map(|found| (found.kind, found.count)).collect();
        counts.sort_unstable();
        let one_each = [InventoryKind::Release, InventoryKind::Commit, InventoryKind::Restock].map(|kind| (kind, 1));
        assert_eq!(counts, one_each);

        shop.store.end_inventory(due.iter().map(|due| due.id).collect()).await.unwrap();
        shop.store.end_inventory(due.iter().map(|due| due.id).collect()).await.unwrap();
        let back = shop.due(3600).await;
        assert_eq!(kinds(&back), [InventoryKind::Restock]);
        assert_eq!(back[0].goods, Goods { units: demand(3), kept: demand(3) }, "it is to be sent again");
        shop.store.end_inventory(vec![back[0].id]).await.unwrap();
        assert_eq!((shop.due(7200).await, shop.store.untold_operations().await.unwrap()), (vec![], vec![]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_says_what_it_needs_and_gets_it() {
    on_both_engines(|database| async move {
        let (shop, mug) = shop(&database).await;
        let mut wish = wish(&mug, 2);
        wish.context.policy.allocate_on = order_core::policy::AllocatePolicy::Confirm;
        let order = shop.place(wish).await.unwrap().order;
        let key = request(fresh(), 1);
        let confirm = ChangeOrder { request: Some(key), ..change(order.id, Command::Confirm) };
        let needed = Err(StoreError::Refused(Refusal::Unreserved(demand(2))));
        assert_eq!(shop.store.change(confirm.clone()).await, needed);
        assert_eq!(shop.order(order.id).await, order, "nothing was done");
        let less = shop.intend(order.id, 1).await;
        assert_eq!(shop.store.change(ChangeOrder { reserved: Some(less), ..confirm.clone() }).await, needed);
        let gone = shop.intend(order.id, 2).await;
        shop.store.give_up_reservation(gone.id, NOW).await.unwrap().unwrap();
        assert_eq!(shop.store.change(ChangeOrder { reserved: Some(gone), ..confirm.clone() }).await, needed);
        let enough = shop.intend(order.id, 2).await;
        let done = shop.store.change(ChangeOrder { reserved: Some(enough.clone()), ..confirm.clone() }).await.unwrap();
        assert_eq!(done.order.lines[0].counters.allocated, 2);
        assert_eq!(shop.store.give_up_reservation(enough.id, NOW).await.unwrap(), None, "the order has it");
        let replayed = shop.store.change(confirm).await.unwrap();
        assert_eq!((replayed.order, replayed.events), (done.order, vec![]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_claimant_has_reserved_before_is_no_shortage() {
    on_both_engines(|database| async move {
        let (shop, _) = shop(&database).await;
        let claimant = Some(fresh());
        let intend = async |claimant| {
            let operation = reservation(OrderId::new(fresh()), 1);
            let id = operation.id;
            let intent = IntendReservation { operation, claimant, now: NOW, until: later(60) };
            shop.store.intend_reservation(intent).await.unwrap();
            id
        };
        let alone = intend(claimant).await;
        assert_eq!(shop.store.refuse_reservation(alone).await, Ok(Shortfall::Genuine));
        let (first, second) = (intend(claimant).await, intend(claimant).await);
        assert_eq!(shop.store.refuse_reservation(second).await, Ok(Shortfall::AmongOwn));
        shop.store.give_up_reservation(first, NOW).await.unwrap().unwrap();
        let third = intend(claimant).await;
        assert_eq!(shop.store.refuse_reservation(third).await, Ok(Shortfall::AmongOwn), "it is not withdrawn yet");
        for other in [Some(fresh()), None, None] {
            assert_eq!(shop.store.refuse_reservation(intend(other).await).await, Ok(Shortfall::Genuine), "{other:?}");
        }
        shop.store.end_inventory(vec![first]).await.unwrap();
        let fourth = intend(claimant).await;
        assert_eq!(shop.store.refuse_reservation(fourth).await, Ok(Shortfall::Genuine));
        assert_eq!(shop.store.untold_operations().await.unwrap(), [], "what was refused is forgotten");
    })
    .await;
}
