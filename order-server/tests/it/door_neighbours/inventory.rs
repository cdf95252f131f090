//! Goods that an inventory service counts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use neighbour_sim::{Fault, Neighbours, Service};
use order_api::v1::{self, OrderStatus as Word};
use order_server::workers;
use order_store::testing::{TestDatabase, on_both_engines};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{BAD_DAYS, TIMEOUT_MS, neighbours};
use crate::{
    door_races::{
        kit::{SHORT, all_agrees, at_once, checkout, eventually, quiet, refused, settled_by_workers},
        process::Process,
    },
    world::{World, card, cash, line, order_of, product, request_id},
};

const DOWN: (Code, &str) = (Code::Unavailable, "INVENTORY_UNAVAILABLE");

/// Units of each product on its shelf.
const STOCK: i64 = 20;

/// A service whose goods are counted by the neighbours.
async fn world(database: &TestDatabase, around: &Neighbours, settings: &[(&str, &str)]) -> World {
    let url = around.url();
    let mut all = vec![("NEIGHBOUR_TIMEOUT_MS", TIMEOUT_MS), ("INVENTORY_URL", url.as_str())];
    all.extend(settings);
    let world = World::start(database, &all).await;
    let request = v1::UpsertProductsRequest { products: products(), ..Default::default() };
    world.admin().admin.upsert_products(request).await.unwrap();
    ["COSTUME", "FANGS"].iter().for_each(|sku| around.put_stock(sku, STOCK));
    world
}

/// Products without a shelf here. Nobody has ever heard of the UNKNOWN.
fn products() -> Vec<v1::ProductUpsert> {
    let plain = |id| v1::ProductUpsert { initial_stock: None, ..product(id, ("USD", 10, 0), 0) };
    ["costume", "fangs", "unknown"].map(plain).into()
}

fn wish(lines: &[(&str, i64)]) -> v1::CreateOrderRequest {
    v1::CreateOrderRequest { request_id: request_id(), ..order_of(lines, Some(cash())) }
}

/// Lets everything be told that is due, as the worker does all day, however late it is.
async fn told(world: &World) {
    quiet(world).await;
    eventually("all is told", || async {
        world.clock.advance(Duration::from_secs(3600));
        workers::tell_inventory(&world.app).await.unwrap();
        world.store.untold_operations().await.unwrap().is_empty()
    })
    .await;
}

/// What the neighbours have promised is what the orders believe to be promised, order by order.
async fn agrees(office: &crate::world::Caller, around: &Neighbours) {
    let mut believed = BTreeMap::new();
    for order in office.all_orders().await {
        for line in &order.lines {
            let counters = line.counters.unwrap();
            if counters.allocated > 0 {
                let key = (order.order_id.clone(), line.sku.clone());
                *believed.entry(key).or_insert(0) += i64::from(counters.allocated);
            }
        }
    }
    assert_eq!(around.promised(), believed);
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_promised_counted_off_and_taken_back_where_they_are_counted() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = ada.create(wish(&[("costume", 2), ("fangs", 1), ("costume", 1)])).await.unwrap();
        assert_eq!(around.calls(Service::Inventory), 1, "one call for the whole order");
        assert_eq!((around.stock("COSTUME"), around.stock("FANGS")), ((STOCK, 3), (STOCK, 1)));
        let id = order.order_id.as_str();

        ada.cancel_units(id, &[(1, 1)]).await.unwrap();
        told(&world).await;
        assert_eq!(around.stock("COSTUME"), (STOCK, 2), "one is not wanted any more");
        let parcel = {
            office.walk(id, Word::Confirmed).await.unwrap();
            office.parcel(id, &[]).await
        };
        office.ship(id, &parcel).await.unwrap();
        told(&world).await;
        assert_eq!((around.stock("COSTUME"), around.stock("FANGS")), ((STOCK - 2, 0), (STOCK - 1, 0)), "they left");

        office.deliver(id, &parcel).await.unwrap();
        let back = office.approved_return(&ada, (id, &[(3, 1)])).await;
        office.receive((id, &back), &[(3, 1, 0)]).await.unwrap();
        told(&world).await;
        assert_eq!(around.stock("COSTUME"), (STOCK - 1, 0), "one came back");

        let called_off = ada.create(wish(&[("fangs", 4)])).await.unwrap();
        ada.cancel(&called_off.order_id).await.unwrap();
        told(&world).await;
        assert_eq!(around.stock("FANGS"), (STOCK - 1, 0));
        agrees(&office, &around).await;
        all_agrees(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_comes_back_keeps_its_goods_promised() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[]).await;
    let office = world.admin();
    let order = world.customer("ada").create(wish(&[("costume", 3)])).await.unwrap();
    let id = order.order_id.as_str();
    office.walk(id, Word::Confirmed).await.unwrap();
    let parcel = office.parcel(id, &[]).await;
    office.ship(id, &parcel).await.unwrap();
    // Neither is told before the other has happened.
    office.send_back(id, &parcel).await.unwrap();
    told(&world).await;
    assert_eq!(around.stock("COSTUME"), (STOCK, 3), "they are to be sent again");
    let again = office.parcel(id, &[]).await;
    office.ship(id, &again).await.unwrap();
    told(&world).await;
    assert_eq!(around.stock("COSTUME"), (STOCK - 3, 0));
    agrees(&office, &around).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_is_refused_and_stays_refused() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let ada = world.customer("ada");
        let many = wish(&[("costume", 1), ("fangs", STOCK + 1)]);
        let status = refused(ada.create(many.clone()).await, SHORT);
        let violation = status.get_details_precondition_failure().unwrap().violations.remove(0);
        assert_eq!(violation.subject, "FANGS");
        let few = STOCK.to_string();
        assert!(violation.description.contains(&few), "it says how many there are: {violation:?}");
        refused(ada.create(wish(&[("unknown", 1)])).await, SHORT);
        told(&world).await;
        assert_eq!((around.stock("COSTUME"), around.stock("FANGS")), ((STOCK, 0), (STOCK, 0)), "all or nothing");

        around.put_stock("FANGS", 100);
        refused(ada.create(many.clone()).await, SHORT);
        ada.create(v1::CreateOrderRequest { request_id: request_id(), ..many }).await.unwrap();
        agrees(&world.admin(), &around).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_is_promised_nothing_again() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let ada = world.customer("ada");
        let all = wish(&[("costume", STOCK)]);
        let order = ada.create(all.clone()).await.unwrap();
        assert_eq!(ada.create(all.clone()).await.unwrap().order_id, order.order_id, "not sold out: it is that order");
        around.befall(Service::Inventory, Fault::Down);
        assert_eq!(ada.create(all).await.unwrap().order_id, order.order_id, "nobody has to be asked for that");
        assert_eq!(around.stock("COSTUME"), (STOCK, STOCK));
        around.heal(Service::Inventory);

        // Twins who want the last: whoever comes first has it, and they are the same.
        let twin = wish(&[("fangs", STOCK)]);
        let (asked, caller) = (twin.clone(), ada.clone());
        let answers = at_once(8, move |_| {
            let (twin, ada) = (asked.clone(), caller.clone());
            async move { ada.create(twin).await.map(|order| order.order_id) }
        })
        .await;
        let first = answers[0].clone().unwrap();
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|id| *id == first)), "{answers:?}");
        told(&world).await;
        assert_eq!(around.stock("FANGS"), (STOCK, STOCK));
        agrees(&world.admin(), &around).await;
    })
    .await;
}

/// A service that is left alone has promised nothing to those who come meanwhile: an outage does not pile up work for afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_while_it_is_left_alone_leaves_nothing_behind() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[]).await;
    around.befall(Service::Inventory, Fault::Down);
    let ada = world.customer("ada");
    for _ in 0..60 {
        refused(ada.create(wish(&[("costume", 1)])).await, DOWN);
    }
    quiet(&world).await;
    let left: u32 = world.store.untold_operations().await.unwrap().iter().map(|untold| untold.count).sum();
    assert!(0 < left && left < 30, "only those who asked: {left}");
}

/// Whoever goes away, or gets no answer, leaves something behind that is reserved for nobody. It must not be what they lack when they
/// come again.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_does_not_compete_with_what_they_left_behind() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let ada = world.customer("ada");
        for fault in [Fault::Slow(Duration::from_millis(900)), Fault::Lost] {
            around.put_stock("COSTUME", STOCK);
            let all = wish(&[("costume", STOCK)]);
            around.befall(Service::Inventory, fault);
            refused(ada.create(all.clone()).await, DOWN);
            around.heal(Service::Inventory);
            quiet(&world).await;
            assert_eq!(around.stock("COSTUME").1, STOCK, "{fault:?}: it is promised to nobody");
            let status = eventually_answered(&world, &all).await.unwrap_err();
            assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
            refused::<v1::Order>(Err(status), (Code::Aborted, "CONTENDED"));
            refused(world.customer("eve").create(wish(&[("costume", 1)])).await, SHORT);
            told(&world).await;
            let order = eventually_answered(&world, &all).await.unwrap();
            assert_eq!(ada.create(all).await.unwrap().order_id, order.order_id);
            agrees(&world.admin(), &around).await;
            ada.cancel(&order.order_id).await.unwrap();
            told(&world).await;
        }
    })
    .await;
}

/// The answer to a wish, once the neighbour is not left alone any more.
async fn eventually_answered(world: &World, wish: &v1::CreateOrderRequest) -> Result<v1::Order, tonic::Status> {
    let until = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        match world.customer("ada").create(wish.clone()).await {
            Err(status) if status.code() == Code::Unavailable && std::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer,
        }
    }
}

/// What was reserved for prices that are not those of today is given back before the next attempt asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_priced_anew_does_not_compete_with_itself() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        // From now on this process knows the product.
        world.customer("ada").create(wish(&[("costume", 1)])).await.unwrap();
        let dearer = "UPDATE product SET price = price + 100, revision = revision + 1 WHERE product_id = 'costume'";
        database.execute(dearer).await.unwrap();
        let rest = wish(&[("costume", STOCK - 1)]);
        let order = world.customer("ada").create(v1::CreateOrderRequest { request_id: String::new(), ..rest }).await;
        assert_eq!(order.unwrap().lines[0].unit_price.clone().unwrap().units, 11);
        told(&world).await;
        agrees(&world.admin(), &around).await;
    })
    .await;
}

/// Two who check one cart out become one order, also where it takes all there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_cart_with_the_last_of_something_becomes_one_order() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let ada = world.customer("ada");
        ada.add("costume", i32::try_from(STOCK).unwrap()).await.unwrap();
        let answers = at_once(6, move |_| {
            let ada = ada.clone();
            async move { ada.checkout(checkout(&request_id())).await.map(|order| order.order_id) }
        })
        .await;
        let first = answers.iter().find_map(|answer| answer.clone().ok()).expect("somebody is served");
        for answer in answers {
            match answer {
                Ok(order_id) => assert_eq!(order_id, first),
                Err(status) => drop(refused::<()>(Err(status), (Code::Aborted, "CONTENDED"))),
            }
        }
        told(&world).await;
        assert_eq!(around.stock("COSTUME"), (STOCK, STOCK));
        agrees(&world.admin(), &around).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_bad_days_nothing_is_ordered_and_nothing_stays_promised() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        for (n, fault) in (0..).zip(BAD_DAYS.into_iter().chain([Fault::Wrong])) {
            around.befall(Service::Inventory, fault);
            let wish = wish(&[("costume", 1)]);
            let status = refused(ada.create(wish.clone()).await, DOWN);
            assert!(status.get_error_details().retry_info().is_some(), "{fault:?}");
            assert!(!format!("{status:?}").contains("127.0.0.1"), "{status:?}");
            assert_eq!(office.all_orders().await.len(), n, "{fault:?}");
            around.heal(Service::Inventory);
            told(&world).await;
            agrees(&office, &around).await;
            eventually("it recovers by itself", || async { ada.create(wish.clone()).await.is_ok() }).await;
            ada.create(wish).await.unwrap();
            told(&world).await;
            assert_eq!(office.all_orders().await.len(), n + 1, "{fault:?}: once, however often it is asked for");
            agrees(&office, &around).await;
        }
        assert_eq!(around.stock("COSTUME"), (STOCK, 5));
        all_agrees(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_it_is_away_is_told_afterwards_once_and_in_order() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let mut left = STOCK;
        for fault in BAD_DAYS {
            let called_off = ada.create(wish(&[("costume", 1)])).await.unwrap();
            let sent = ada.create(wish(&[("costume", 2)])).await.unwrap();
            let id = sent.order_id.as_str();
            around.befall(Service::Inventory, fault);
            ada.cancel(&called_off.order_id).await.unwrap();
            office.walk(id, Word::Confirmed).await.unwrap();
            let parcel = office.parcel(id, &[]).await;
            office.ship(id, &parcel).await.unwrap();
            office.send_back(id, &parcel).await.unwrap();
            office.ship(id, &office.parcel(id, &[]).await).await.unwrap();
            workers::tell_inventory(&world.app).await.unwrap();
            let untold = world.store.untold_operations().await.unwrap();
            assert!(!untold.is_empty(), "{fault:?}: nothing is forgotten before it is heard");
            around.heal(Service::Inventory);
            told(&world).await;
            left -= 2;
            assert_eq!(around.stock("COSTUME"), (left, 0), "{fault:?}");
            assert_eq!(around.told(id), ["COMMIT", "RESTOCK", "COMMIT"], "{fault:?}");
            assert_eq!(around.told(&called_off.order_id), ["RELEASE"], "{fault:?}");
            // It is left alone for a while after so many failures.
            eventually("it is asked again", || async {
                let order = ada.create(wish(&[("fangs", 1)])).await;
                match order {
                    Ok(order) => ada.cancel(&order.order_id).await.is_ok(),
                    Err(_left_alone) => false,
                }
            })
            .await;
        }
        told(&world).await;
        agrees(&office, &around).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_to_an_order_is_promised_first() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = ada.create(wish(&[("costume", STOCK - 1)])).await.unwrap();
        let edit = |changes: &[(i32, i32)], add: &[(&str, i64)]| v1::EditOrderRequest {
            order_id: order.order_id.clone(),
            changes: changes.iter().map(|&(line_id, quantity)| v1::LineChange { line_id, quantity }).collect(),
            add: add.iter().map(|(id, quantity)| line(id, *quantity)).collect(),
            request_id: request_id(),
            ..Default::default()
        };
        let more = edit(&[], &[("fangs", 2)]);
        let check = v1::EditOrderRequest { validate_only: true, ..more.clone() };
        office.edit(check).await.unwrap();
        assert_eq!(around.stock("FANGS"), (STOCK, 0), "a check promises nothing");
        let done = office.edit(more.clone()).await.unwrap().order.unwrap();
        assert_eq!(around.stock("FANGS"), (STOCK, 2));
        assert_eq!(office.edit(more).await.unwrap().order.unwrap().etag, done.etag, "once");

        let too_many = edit(&[], &[("costume", 2)]);
        refused(office.edit(v1::EditOrderRequest { validate_only: true, ..too_many.clone() }).await, SHORT);
        refused(office.edit(too_many.clone()).await, SHORT);
        around.put_stock("COSTUME", STOCK + 1);
        refused(office.edit(too_many).await, SHORT);
        around.put_stock("COSTUME", STOCK);
        // From one line into another, while only one unit is free: what it has is enough.
        office.edit(edit(&[(1, 1)], &[("costume", STOCK - 1)])).await.unwrap();
        told(&world).await;
        assert_eq!((around.stock("COSTUME"), around.stock("FANGS")), ((STOCK, STOCK), (STOCK, 2)));

        around.befall(Service::Inventory, Fault::Lost);
        refused(office.edit(edit(&[], &[("fangs", 1)])).await, DOWN);
        around.heal(Service::Inventory);
        told(&world).await;
        agrees(&office, &around).await;
        all_agrees(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_are_promised_on_confirmation_are_looked_for_when_ordered() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("ALLOCATE_ON", "confirm")]).await;
    let (ada, office) = (world.customer("ada"), world.admin());
    refused(ada.create(wish(&[("costume", STOCK + 1)])).await, SHORT);
    let orders = [ada.create(wish(&[("costume", STOCK)])).await, ada.create(wish(&[("costume", 1)])).await];
    let [first, second] = orders.map(|order| order.unwrap().order_id);
    assert_eq!(around.stock("COSTUME"), (STOCK, 0));
    office.walk(&first, Word::Confirmed).await.unwrap();
    assert_eq!(around.stock("COSTUME"), (STOCK, STOCK));
    refused(office.walk(&second, Word::Confirmed).await, SHORT);
    // Confirmed and sent off by one step.
    around.put_stock("COSTUME", STOCK + 1);
    office.walk(&second, Word::Shipped).await.unwrap();
    told(&world).await;
    assert_eq!(around.stock("COSTUME"), (STOCK, STOCK));
    agrees(&office, &around).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_buyers_in_two_processes_as_many_are_served_as_there_are_goods() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        // Time enough: a busy machine is not a bad day.
        let patient = [("NEIGHBOUR_TIMEOUT_MS", "9000")];
        let worlds = Arc::new([world(&database, &around, &patient).await, world(&database, &around, &patient).await]);
        let buyers = Arc::clone(&worlds);
        let answers = at_once(64, move |n| {
            let buyer = buyers[n % 2].customer(&format!("buyer-{n}"));
            async move { buyer.create(wish(&[("costume", 1), ("fangs", 1)])).await }
        })
        .await;
        let served = answers.iter().filter(|answer| answer.is_ok()).count();
        for answer in answers.into_iter().filter(Result::is_err) {
            refused(answer, SHORT);
        }
        assert_eq!(i64::try_from(served).unwrap(), STOCK);
        for world in &*worlds {
            told(world).await;
        }
        assert_eq!((around.stock("COSTUME"), around.stock("FANGS")), ((STOCK, STOCK), (STOCK, STOCK)));
        agrees(&worlds[0].admin(), &around).await;
        all_agrees(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_show_what_the_inventory_service_has() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[]).await;
    let ada = world.customer("ada");
    let cart = ada.add("costume", 3).await.unwrap();
    assert_eq!(cart.problems, []);
    around.put_stock("COSTUME", 2);
    let mut carts = ada.carts.clone();
    let cart = carts.get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner();
    let reasons: Vec<_> = cart.problems.iter().map(|problem| problem.code.as_str()).collect();
    assert!(reasons.contains(&"INSUFFICIENT_STOCK"), "{reasons:?}");
    around.befall(Service::Inventory, Fault::Wrong);
    refused(carts.get_cart(v1::GetCartRequest::default()).await, DOWN);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_administer_on_shelves_that_are_elsewhere() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[]).await;
    let elsewhere = (Code::FailedPrecondition, "STOCK_KEPT_ELSEWHERE");
    let mut office = world.admin().admin;
    let get = v1::GetStockRequest { sku: "COSTUME".into() };
    refused(office.get_stock(get).await, elsewhere);
    let adjust =
        v1::AdjustStockRequest { sku: "COSTUME".into(), delta: 1, reason: "found".into(), ..Default::default() };
    refused(office.adjust_stock(adjust).await, elsewhere);
    let stocked = v1::UpsertProductsRequest { products: vec![product("gem", ("USD", 1, 0), 5)], ..Default::default() };
    refused(office.upsert_products(stocked).await, elsewhere);
    let shown = office.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
    let inventory = shown.dependencies.iter().find(|one| one.kind() == v1::DependencyKind::Inventory).unwrap();
    assert_eq!(inventory.status(), v1::DependencyStatus::Connected);
}

/// An order's goods stay where they were promised, whatever is configured later.
#[tokio::test(flavor = "multi_thread")]
async fn orders_from_before_the_inventory_service_keep_their_shelf() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let own = World::with_products(&database, &[]).await;
        let [old, sent] = [
            own.customer("ada").create(wish(&[("costume", 2)])).await,
            own.customer("ada").create(wish(&[("costume", 1)])).await,
        ]
        .map(|order| order.unwrap().order_id);
        assert_eq!(own.shelf("COSTUME").await, (100, 3));
        let world = world(&database, &around, &[]).await;
        let new = world.customer("ada").create(wish(&[("costume", 5)])).await.unwrap().order_id;
        world.customer("ada").cancel(&old).await.unwrap();
        world.admin().walk(&sent, Word::Shipped).await.unwrap();
        told(&world).await;
        assert_eq!((own.shelf("COSTUME").await, around.stock("COSTUME")), ((99, 0), (STOCK, 5)));
        // And back: who counts the goods of this order is not configured here.
        refused(
            own.admin()
                .edit(v1::EditOrderRequest { order_id: new.clone(), add: vec![line("fangs", 1)], ..Default::default() })
                .await,
            DOWN,
        );
        own.customer("ada").cancel(&new).await.unwrap();
        assert_eq!(own.shelf("COSTUME").await, (99, 0));
        told(&world).await;
        assert_eq!(around.stock("COSTUME"), (STOCK, 0));
        all_agrees(&database).await;
    })
    .await;
}

/// Killed in the middle of everything, again and again, the service leaves nothing promised to nobody, and no order without its goods.
#[tokio::test(flavor = "multi_thread")]
async fn after_kills_every_unit_is_promised_to_an_order_or_to_nobody() {
    const KILLS: u32 = 4;
    on_both_engines(|database| async move {
        let around = Arc::new(neighbours().await);
        let url = around.url();
        let settings = [("INVENTORY_URL", url.as_str())];
        let mut process = Process::start(&database, &settings).await;
        let request = v1::UpsertProductsRequest { products: products(), ..Default::default() };
        process.admin().admin.upsert_products(request).await.unwrap();
        ["COSTUME", "FANGS"].iter().for_each(|sku| around.put_stock(sku, 1_000_000));
        let mut acknowledged = 0;
        for round in 0..KILLS {
            let (before, office) = (around.calls(Service::Inventory), process.admin());
            let buyers = (0..8).map(|n| {
                let (ada, office) = (process.customer(&format!("buyer-{n}")), office.clone());
                tokio::spawn(async move {
                    let mut placed = 0;
                    loop {
                        let payment = if n % 2 == 0 { cash() } else { card("tok_approve") };
                        let wish =
                            v1::CreateOrderRequest { payment: Some(payment), ..wish(&[("costume", 1), ("fangs", 2)]) };
                        let Ok(order) = ada.create(wish).await else { return placed };
                        placed += 1;
                        // What becomes of it is not the point, only that something does.
                        let done = match placed % 3 {
                            0 => ada.cancel(&order.order_id).await,
                            1 => office.walk(&order.order_id, Word::Shipped).await,
                            _ => continue,
                        };
                        if done.is_err_and(|status| status.code() == Code::Unavailable) {
                            return placed;
                        }
                    }
                })
            });
            let buyers: Vec<_> = buyers.collect();
            let enough = before + 150 + usize::try_from(round).unwrap() * 37;
            eventually("they are at it", || async { around.calls(Service::Inventory) >= enough }).await;
            process.kill();
            for buyer in buyers {
                acknowledged += buyer.await.unwrap();
            }
            process = Process::start(&database, &settings).await;
        }
        settled_by_workers(&database).await;
        // As if the reservations that nobody came for had waited long enough.
        let settling = async {
            loop {
                database.execute("UPDATE inventory_operation SET next_attempt_at = create_time").await.unwrap();
                if database.texts("SELECT kind FROM inventory_operation").await.is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), settling).await.expect("everything is told");
        let office = process.admin();
        assert!(office.all_orders().await.len() >= acknowledged, "nothing that was acknowledged is lost");
        agrees(&office, &around).await;
        let (left, promised) = around.stock("COSTUME");
        assert!(promised > 0 && left < 1_000_000, "some were sent and some are still promised: {left}, {promised}");
        process.terminate().await;
        all_agrees(&database).await;
    })
    .await;
}
