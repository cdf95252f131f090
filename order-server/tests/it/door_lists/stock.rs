//! The catalogue's lists: products, and the history of a shelf.

use order_api::v1::{
    AdjustStockRequest, CancelOrderRequest, GetProductRequest, GetStockRequest, ListProductsRequest,
    ListStockMovementsRequest, OrderStatus, StockMovement, StockMovementKind, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;

use crate::world::{World, card, order_of, product, request_id};

async fn products(world: &World, first: ListProductsRequest) -> Vec<String> {
    let mut admin = world.admin();
    let mut ids = Vec::new();
    let mut request = first;
    loop {
        let page = admin.admin.list_products(request.clone()).await.unwrap().into_inner();
        ids.extend(page.products.into_iter().map(|product| product.product_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_listed_by_id_and_found_by_what_people_type() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut odd = product("odd", ("USD", 1, 0), 1);
        odd.product.as_mut().unwrap().name = "100% odd_one".into();
        let request = UpsertProductsRequest { products: vec![odd], ..Default::default() };
        world.admin().admin.upsert_products(request).await.unwrap();
        let all = ["cape", "costume", "fangs", "kimono", "odd", "retired"];
        for page_size in [0, 1, 2, 6] {
            let request = ListProductsRequest { page_size, ..Default::default() };
            assert_eq!(products(&world, request).await, all);
        }
        let active = |active| ListProductsRequest { active: Some(active), page_size: 2, ..Default::default() };
        assert_eq!(products(&world, active(false)).await, ["retired"]);
        assert_eq!(products(&world, active(true)).await, ["cape", "costume", "fangs", "kimono", "odd"]);
        for (query, found) in [
            ("COSTUME", &["costume"][..]),
            ("the c", &["cape", "costume"]),
            ("fan", &["fangs"]),
            ("%", &["odd"]),
            ("_", &["odd"]),
            ("unicorn", &[]),
        ] {
            let request = ListProductsRequest { query: query.into(), ..Default::default() };
            assert_eq!(products(&world, request).await, found, "{query}");
        }
        let read = GetProductRequest { product_id: "costume".into() };
        let costume = world.admin().admin.get_product(read).await.unwrap().into_inner();
        assert_eq!((costume.sku.as_str(), costume.active, costume.etag.as_str()), ("COSTUME", true, "1"));
    })
    .await;
}

async fn movements(world: &World, page_size: i32) -> Vec<StockMovement> {
    let mut found = Vec::new();
    let mut request = ListStockMovementsRequest { sku: "FANGS".into(), page_size, ..Default::default() };
    loop {
        let page = world.admin().admin.list_stock_movements(request.clone()).await.unwrap().into_inner();
        found.extend(page.movements);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_movements_of_a_shelf_sum_up_to_its_level() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut ada, mut admin) = (world.customer("ada"), world.admin());
        let kept =
            ada.orders.create_order(order_of(&[("fangs", 7)], Some(card("tok_approve")))).await.unwrap().into_inner();
        let lost = ada.orders.create_order(order_of(&[("fangs", 5)], None)).await.unwrap().into_inner();
        ada.orders.create_order(order_of(&[("fangs", 2), ("fangs", 1)], None)).await.unwrap();
        let cancel = CancelOrderRequest { order_id: lost.order_id.clone(), ..Default::default() };
        ada.orders.cancel_order(cancel).await.unwrap();
        let ship = crate::door_journeys::walk(&kept.order_id, OrderStatus::Shipped);
        admin.admin.update_order_status(ship).await.unwrap();
        let request_id = request_id();
        let adjust = AdjustStockRequest {
            sku: "FANGS".into(),
            delta: -3,
            reason: "eaten by moths".into(),
            request_id: request_id.clone(),
            ..Default::default()
        };
        for _ in 0..2 {
            assert_eq!(admin.admin.adjust_stock(adjust.clone()).await.unwrap().into_inner().on_hand, 90);
        }
        let level = admin.admin.get_stock(GetStockRequest { sku: "FANGS".into() }).await.unwrap().into_inner();
        assert_eq!((level.on_hand, level.reserved, level.allocated, level.available), (90, 0, 3, 87));
        let found = movements(&world, 0).await;
        let sum = |delta: fn(&StockMovement) -> i64| found.iter().map(delta).sum::<i64>();
        let sums = [sum(|m| m.on_hand_delta), sum(|m| m.reserved_delta), sum(|m| m.allocated_delta)];
        assert_eq!(sums, [level.on_hand, level.reserved, level.allocated]);
        let told: Vec<_> = found.iter().map(|m| (m.kind(), m.on_hand_delta, m.allocated_delta)).collect();
        assert_eq!(
            told,
            [
                (StockMovementKind::Adjusted, -3, 0),
                (StockMovementKind::Shipped, -7, -7),
                (StockMovementKind::Released, 0, -5),
                (StockMovementKind::Allocated, 0, 3),
                (StockMovementKind::Allocated, 0, 5),
                (StockMovementKind::Allocated, 0, 7),
                (StockMovementKind::Received, 100, 0),
            ]
        );
        assert_eq!((found[0].reason.as_str(), found[0].actor.as_ref().unwrap().id.as_str()), ("eaten by moths", "kim"));
        assert_eq!((&found[2].order_id, &found[1].order_id), (&lost.order_id, &kept.order_id));
        for page_size in [1, 2, 7] {
            assert_eq!(movements(&world, page_size).await, found);
        }
    })
    .await;
}
