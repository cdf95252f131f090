//! Products of a product service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use neighbour_sim::{Fault, Service};
use order_api::{integrations::v1::CatalogProduct, v1};
use order_store::testing::{TestDatabase, on_both_engines};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use super::{BAD_DAYS, neighbours, product, world};
use crate::{
    door_races::kit::{at_once, eventually, refused},
    world::{World, cash, money, order_of, request_id},
};

const DOWN: (Code, &str) = (Code::Unavailable, "CATALOG_UNAVAILABLE");

async fn create(world: &World, request: &v1::CreateOrderRequest) -> Result<v1::Order, tonic::Status> {
    world.customer("ada").orders.create_order(request.clone()).await.map(tonic::Response::into_inner)
}

async fn orders(world: &World) -> usize {
    let request = v1::AdminServiceListOrdersRequest::default();
    world.admin().admin.list_orders(request).await.unwrap().into_inner().orders.len()
}

/// An order under a request id of its own.
fn wish(lines: &[(&str, i64)]) -> v1::CreateOrderRequest {
    v1::CreateOrderRequest { request_id: request_id(), ..order_of(lines, Some(cash())) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_priced_by_the_product_service_with_one_call() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
        around.put_product(product("costume", 70));
        around.put_product(product("fangs", 3));
        let order = create(&world, &wish(&[("costume", 1), ("fangs", 2)])).await.unwrap();
        let prices: Vec<_> = order.lines.iter().map(|line| line.unit_price.clone().unwrap().units).collect();
        assert_eq!((prices, order.lines[0].name.as_str()), (vec![70, 3], "The remote costume"));
        assert_eq!(around.calls(Service::Catalog), 1);
        let stock = v1::GetStockRequest { sku: "FANGS".into() };
        assert_eq!(world.admin().admin.get_stock(stock).await.unwrap().into_inner().allocated, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_product_service_says_of_a_product_is_told_as_it_is() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
    around.put_product(product("costume", 70));
    around.put_product(CatalogProduct { active: false, ..product("fangs", 3) });
    around.put_product(product("unshelved", 1));
    refused(create(&world, &wish(&[("cape", 1)])).await, (Code::InvalidArgument, "PRODUCT_NOT_FOUND"));
    refused(create(&world, &wish(&[("fangs", 1)])).await, (Code::FailedPrecondition, "PRODUCT_INACTIVE"));
    refused(create(&world, &wish(&[("unshelved", 1)])).await, (Code::Aborted, "INSUFFICIENT_STOCK"));
    let mut dear = wish(&[("costume", 1)]);
    dear.lines[0].expected_unit_price = Some(money(("USD", 49, 990_000_000)));
    refused(create(&world, &dear).await, (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(orders(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_bad_days_nothing_is_ordered_and_afterwards_everything_once() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
        around.put_product(product("costume", 70));
        let placed = create(&world, &wish(&[("costume", 1)])).await.unwrap();
        for (n, fault) in BAD_DAYS.into_iter().chain([Fault::Wrong]).enumerate() {
            around.befall(Service::Catalog, fault);
            let wish = wish(&[("costume", 1)]);
            let began = Instant::now();
            let status = refused(create(&world, &wish).await, DOWN);
            assert!(began.elapsed() < Duration::from_secs(2), "{fault:?}: {:?}", began.elapsed());
            assert!(status.get_error_details().retry_info().is_some(), "{fault:?}");
            assert!(!format!("{status:?}").contains("127.0.0.1"), "{status:?}");
            // A missing product, an empty cart or an unknown order it never looks like; what needs no product goes on.
            let get = v1::GetOrderRequest { order_id: placed.order_id.clone() };
            world.customer("ada").orders.get_order(get).await.unwrap();
            assert_eq!(orders(&world).await, n + 1, "{fault:?}");
            around.heal(Service::Catalog);
            eventually("it recovers by itself", || async { create(&world, &wish).await.is_ok() }).await;
            create(&world, &wish).await.unwrap();
            assert_eq!(orders(&world).await, n + 2, "{fault:?}: once, however often it is asked for");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_service_that_goes_away_and_comes_back_is_found_again() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
    around.put_product(product("costume", 70));
    create(&world, &wish(&[("costume", 1)])).await.unwrap();
    let around = around.restart(async {
        let status = refused(create(&world, &wish(&[("costume", 1)])).await, DOWN);
        assert!(status.get_error_details().retry_info().is_some());
        let shown = world.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
        let catalog = shown.dependencies.iter().find(|one| one.kind() == v1::DependencyKind::Catalog).unwrap();
        assert_eq!(catalog.status(), v1::DependencyStatus::Failed);
    });
    let _around = around.await.unwrap();
    eventually("it is found again", || async { create(&world, &wish(&[("costume", 1)])).await.is_ok() }).await;
    let shown = world.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
    let catalog = shown.dependencies.iter().find(|one| one.kind() == v1::DependencyKind::Catalog).unwrap();
    assert_eq!(catalog.status(), v1::DependencyStatus::Connected);
    assert!(catalog.latency.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_is_asked_only_so_much_at_once_and_who_cannot_wait_hears_so() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", ""), ("NEIGHBOUR_CONCURRENCY", "1")]).await;
    around.put_product(product("costume", 70));
    around.befall(Service::Catalog, Fault::Slow(Duration::from_millis(200)));
    let callers = Arc::new(world);
    let served = Arc::clone(&callers);
    let answers = at_once(8, move |_| {
        let world = Arc::clone(&served);
        async move { create(&world, &wish(&[("costume", 1)])).await }
    })
    .await;
    assert!(answers.iter().any(Result::is_ok), "whoever is first is served");
    let mut overloaded = 0;
    for status in answers.into_iter().filter_map(Result::err) {
        assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
        let could_not_ask = status.code() == Code::ResourceExhausted;
        assert!(could_not_ask || status.code() == Code::Unavailable, "{status:?}");
        overloaded += usize::from(could_not_ask);
    }
    assert!(overloaded > 0, "not all of them could even ask");
    assert!(around.calls(Service::Catalog) < 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_keeps_failing_is_left_alone_and_tried_again() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
    around.put_product(product("costume", 70));
    around.befall(Service::Catalog, Fault::Down);
    for _ in 0..40 {
        refused(create(&world, &wish(&[("costume", 1)])).await, DOWN);
    }
    let calls = around.calls(Service::Catalog);
    assert!((3..30).contains(&calls), "{calls} of 120 attempts");
    around.heal(Service::Catalog);
    eventually("it is tried again", || async { create(&world, &wish(&[("costume", 1)])).await.is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_little_time_hears_that_it_is_over() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", ""), ("NEIGHBOUR_TIMEOUT_MS", "5000")]).await;
    around.put_product(product("costume", 70));
    around.befall(Service::Catalog, Fault::Slow(Duration::from_secs(3)));
    for _ in 0..8 {
        let mut request = Request::new(wish(&[("costume", 1)]));
        request.set_timeout(Duration::from_millis(100));
        let status = world.customer("ada").orders.create_order(request).await.unwrap_err();
        // CANCELLED is what the test's own client says where our answer comes a moment too late.
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
    }
    around.heal(Service::Catalog);
    create(&world, &wish(&[("costume", 1)])).await.expect("impatient callers say nothing about the neighbour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_as_old_as_configured_and_no_older() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", ""), ("CATALOG_CACHE_MS", "500")]).await;
    around.put_product(product("costume", 70));
    let began = Instant::now();
    let priced =
        async || create(&world, &wish(&[("costume", 1)])).await.unwrap().lines[0].unit_price.clone().unwrap().units;
    assert_eq!(priced().await, 70);
    around.put_product(product("costume", 80));
    let second = priced().await;
    // On a slow machine the time may be over already.
    assert!(second == 70 && around.calls(Service::Catalog) == 1 || began.elapsed() >= Duration::from_millis(500));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(priced().await, 80);
    // What the service does not have to be asked for goes on without it.
    around.befall(Service::Catalog, Fault::Down);
    let third = create(&world, &wish(&[("costume", 1)])).await;
    assert!(third.is_ok() || began.elapsed() >= Duration::from_millis(1000), "{third:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_are_priced_by_the_product_service_and_never_look_empty() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("CATALOG_URL", "")]).await;
    around.put_product(product("costume", 70));
    let add = v1::AddCartItemRequest { product_id: "costume".into(), quantity: 1, ..Default::default() };
    let cart = world.customer("ada").carts.add_cart_item(add).await.unwrap().into_inner();
    assert_eq!(cart.items[0].unit_price.clone().unwrap().units, 70);
    around.befall(Service::Catalog, Fault::Down);
    refused(world.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await, DOWN);
    around.heal(Service::Catalog);
    eventually("it recovers", || async {
        let cart = world.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await;
        cart.is_ok_and(|cart| cart.into_inner().items.len() == 1)
    })
    .await;
}
