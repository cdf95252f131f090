//! Search: what people type to find an order.

use order_api::v1::{
    AdminServiceListOrdersRequest, Contact, CreateOrderRequest, ListOrdersRequest, Product, ProductUpsert,
    UpsertProductsRequest,
};
use order_store::testing::on_both_engines;

use crate::world::{World, contact, order_of, product};

/// Three orders, with the words that find them.
async fn shop(world: &World) -> [String; 3] {
    let named = |id: &str, sku: &str, name: &str| ProductUpsert {
        product: product(id, ("USD", 1, 0), 10).product.map(|product| Product {
            sku: sku.into(),
            name: name.into(),
            ..product
        }),
        initial_stock: Some(10),
    };
    let products = vec![
        named("bat", "BAT-100", "Bat Wings 100% wool, \"size XL\""),
        named("owl", "OWL_7", "Night's Owl \\ Mask_2"),
        named("hat", "ZB-9", "Zauberhut Größe 5 ZB-2025-000009"),
    ];
    world.admin().admin.upsert_products(UpsertProductsRequest { products, ..Default::default() }).await.unwrap();
    let mut ids = Vec::new();
    for (customer, product, name, email) in [
        ("ada", "bat", "Ada Lovelace", "ada.l@example.com"),
        ("bob", "owl", "Bob O'Hara", "Bob_99@Example.org"),
        ("eve", "hat", "Zoë Ødegård", "zoe@example.com"),
    ] {
        let contact = Some(Contact { name: name.into(), email: email.into(), ..contact() });
        let order = CreateOrderRequest { contact, ..order_of(&[(product, 1)], None) };
        let placed = world.customer(customer).orders.create_order(order).await.unwrap().into_inner();
        ids.push(placed.order_id);
    }
    ids.try_into().unwrap()
}

/// What is typed, and which of the three orders it finds.
const SEARCHES: &[(&str, &[usize])] = &[
    // By number, whole or in part, and in any case.
    ("SPK-2026-001001", &[0]),
    ("spk-2026-001002", &[1]),
    ("001003", &[2]),
    ("lovelace spk-2026-001001", &[0]),
    ("lovelace spk-2026-001002", &[]),
    ("SPK-2026-001009", &[]),
    // It looks like one and is none.
    ("ZB-2025-000009", &[2]),
    ("SPK", &[0, 1, 2]),
    // By address and name.
    ("ada.l@example.com", &[0]),
    ("ADA.L@EXAMPLE.COM", &[0]),
    ("example.org", &[1]),
    ("bob_99@example.org", &[1]),
    ("lovelace", &[0]),
    ("O'Hara", &[1]),
    ("zoë", &[2]),
    ("ZOË", &[2]),
    ("Ødegård", &[2]),
    ("ØDEGÅRD", &[2]),
    // By product and SKU.
    ("bat wings", &[0]),
    ("zauberhut", &[2]),
    ("größe", &[2]),
    ("BAT-100", &[0]),
    ("zb-9", &[2]),
    ("owl_7", &[1]),
    // Several words, in any order, from any field; all of them.
    ("wings lovelace", &[0]),
    ("  LOVELACE   bat-100 spk ", &[0]),
    ("wings hara", &[]),
    ("example com", &[0, 2]),
    // What databases take for more than text.
    ("100%", &[0]),
    ("%", &[0]),
    ("_", &[1]),
    ("Mask_2", &[1]),
    ("MaskX2", &[]),
    ("\\", &[1]),
    ("'", &[1]),
    ("''", &[]),
    ("\"", &[0]),
    ("\"size", &[0]),
    ("\"size xl\"", &[0]),
    ("*", &[]),
    ("bat*", &[]),
    ("bat OR owl", &[]),
    ("bat NOT owl", &[]),
    ("NEAR(bat owl)", &[]),
    ("name:bat", &[]),
    ("^bat", &[]),
    ("(bat)", &[]),
    ("'; DROP TABLE orders; --", &[]),
    // Short words.
    ("xl", &[0]),
    ("5", &[2]),
    ("ø", &[2]),
    ("o'", &[1]),
    ("xl ba", &[0]),
    // Nothing.
    ("", &[0, 1, 2]),
    ("   ", &[0, 1, 2]),
    ("unicorn", &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_what_people_type() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let ids = shop(&world).await;
        let mut admin = world.admin();
        for (query, places) in SEARCHES {
            let request = AdminServiceListOrdersRequest {
                query: (*query).to_owned(),
                order_by: "create_time".into(),
                include_total_size: true,
                ..Default::default()
            };
            let found = admin.admin.list_orders(request).await.unwrap().into_inner();
            let expected: Vec<_> = places.iter().map(|n| ids[*n].as_str()).collect();
            let shown: Vec<_> = found.orders.iter().map(|order| order.order_id.as_str()).collect();
            assert_eq!((shown, usize::try_from(found.total_size)), (expected, Ok(places.len())), "{query:?}");
        }
        for (n, id) in ids.iter().enumerate() {
            for query in [id.clone(), id.to_uppercase()] {
                let request = AdminServiceListOrdersRequest { query, ..Default::default() };
                let found = admin.admin.list_orders(request).await.unwrap().into_inner().orders;
                assert_eq!(found.iter().map(|order| &order.order_id).collect::<Vec<_>>(), [&ids[n]]);
            }
            // Only the whole of it: a part is a short number that many ids have somewhere.
            let request = AdminServiceListOrdersRequest { query: id[24..].to_owned(), ..Default::default() };
            assert_eq!(admin.admin.list_orders(request).await.unwrap().into_inner().orders, []);
        }
        // A customer searches among their own.
        for (query, count) in [("example", 1), ("lovelace", 1), ("hara", 0), ("spk", 1)] {
            let request = ListOrdersRequest { query: query.into(), ..Default::default() };
            let found = world.customer("ada").orders.list_orders(request).await.unwrap().into_inner().orders;
            assert_eq!(found.len(), count, "{query}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_the_contact_it_has_now() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let [id, ..] = shop(&world).await;
        let contact = Some(Contact { name: "Grace Hopper".into(), email: "grace@example.net".into(), ..contact() });
        let order = order_api::v1::Order { order_id: id.clone(), contact, ..Default::default() };
        let update = order_api::v1::UpdateOrderRequest {
            order: Some(order),
            update_mask: Some(prost_types::FieldMask { paths: vec!["contact".into()] }),
            ..Default::default()
        };
        world.customer("ada").orders.update_order(update).await.unwrap();
        for (query, found) in [("hopper", true), ("grace@example.net", true), ("lovelace", false), ("bat", true)] {
            let request = AdminServiceListOrdersRequest { query: query.into(), ..Default::default() };
            let orders = world.admin().admin.list_orders(request).await.unwrap().into_inner().orders;
            assert_eq!(orders.iter().any(|order| order.order_id == id), found, "{query}");
        }
        let request = AdminServiceListOrdersRequest { email: "grace@EXAMPLE.net".into(), ..Default::default() };
        assert_eq!(world.admin().admin.list_orders(request).await.unwrap().into_inner().orders.len(), 1);
    })
    .await;
}
