//! Pages: every row that was there is shown exactly once, whatever is added meanwhile, and however large rows are.

use std::collections::BTreeSet;

use order_api::v1::{
    AdminServiceListOrdersRequest, CreateOrderRequest, ListProductsRequest, ProductUpsert, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;

use super::shop::{all_orders, with_a_past};
use crate::{
    dice::Dice,
    world::{World, line, order_of, product},
};

/// The pages of a list, one after the other, with something done between them.
async fn pages(world: &World, first: AdminServiceListOrdersRequest, between: impl AsyncFn()) -> Vec<Vec<String>> {
    let mut admin = world.admin();
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = AdminServiceListOrdersRequest { page_token, ..first.clone() };
        let page = admin.admin.list_orders(request).await.unwrap().into_inner();
        pages.push(page.orders.into_iter().map(|order| order.order_id).collect());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
        between().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_yields_every_order_that_was_there_exactly_once_while_others_are_placed() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut dice = Dice::seeded();
        with_a_past(&world, &mut dice, 12).await;
        // Many of the same moment and of the same total: only the id tells them apart.
        for _ in 0..8 {
            world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
        }
        for (order_by, page_size) in
            [("create_time", 3), ("create_time desc", 1), ("total", 3), ("total desc", 4), ("", 7)]
        {
            let before: BTreeSet<_> = all_orders(&world).await.into_iter().map(|order| order.order_id).collect();
            let request = AdminServiceListOrdersRequest { order_by: order_by.into(), page_size, ..Default::default() };
            let place = async || {
                let order = order_of(&[("wig", 1)], None);
                // At most a few: an ascending list would never end.
                if all_orders(&world).await.len() < before.len() + 4 {
                    world.customer("bob").orders.create_order(order).await.unwrap();
                }
            };
            let pages = pages(&world, request, place).await;
            assert!(pages.iter().all(|page| page.len() <= usize::try_from(page_size).unwrap()));
            let shown: Vec<_> = pages.into_iter().flatten().collect();
            let distinct: BTreeSet<_> = shown.iter().cloned().collect();
            assert_eq!(distinct.len(), shown.len(), "{order_by}: a row was shown twice");
            assert!(before.is_subset(&distinct), "{order_by}: a row was left out");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_as_the_whole_list_does() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        with_a_past(&world, &mut Dice::seeded(), 15).await;
        for order_by in ["create_time", "create_time desc", "total", "total desc"] {
            let request =
                AdminServiceListOrdersRequest { order_by: order_by.into(), page_size: 500, ..Default::default() };
            let whole = pages(&world, request.clone(), async || {}).await.concat();
            assert_eq!(whole.len(), 15);
            let small = AdminServiceListOrdersRequest { page_size: 4, ..request };
            assert_eq!(pages(&world, small, async || {}).await.concat(), whole, "{order_by}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_largest_orders_and_products_fits_into_an_answer() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut admin, mut ada) = (world.admin(), world.customer("ada"));
        let large = |n: usize| {
            let ProductUpsert { product, .. } = product(&format!("p{n:03}"), ("USD", 1, 0), 0);
            let (name, description) = ("🦇".repeat(200), "🦇".repeat(2_000));
            let product = product.map(|product| order_api::v1::Product { name, description, ..product });
            ProductUpsert { product, initial_stock: Some(1_000) }
        };
        for batch in 0..5 {
            let products = (batch * 100..(batch + 1) * 100).map(large).collect();
            admin.admin.upsert_products(UpsertProductsRequest { products, ..Default::default() }).await.unwrap();
        }
        let mut shown = 0;
        let mut request = ListProductsRequest { page_size: 500, query: "🦇🦇🦇".into(), ..Default::default() };
        loop {
            let page = admin.admin.list_products(request.clone()).await.unwrap().into_inner();
            shown += page.products.len();
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(shown, 500);
        for _ in 0..45 {
            let order = CreateOrderRequest {
                lines: (0..100).map(|n| line(&format!("p{n:03}"), 1)).collect(),
                notes: "🦇".repeat(2_000),
                ..order_of(&[], None)
            };
            ada.orders.create_order(order).await.unwrap();
        }
        let request = AdminServiceListOrdersRequest { page_size: 500, ..Default::default() };
        let shown = pages(&world, request, async || {}).await.concat();
        assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), 45);
        assert_eq!(shown.len(), 45);
    })
    .await;
}
