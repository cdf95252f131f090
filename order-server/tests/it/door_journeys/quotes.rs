//! What an order would cost, and the many ways of asking without ordering.

use order_api::v1::{
    self, AdjustStockRequest, CancelOrderRequest, CreateOrderRequest, OrderStatus, PayOrderRequest, QuoteOrderRequest,
    UpdateOrderStatusRequest, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;

use super::carts::{add, checkout};
use crate::{
    door_input::refusal::Door,
    world::{World, address, card, cash, line, money, order_of, product, request_id},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_explains_its_price_and_names_every_problem() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let door = Door { world, database };
        let before = door.footprint().await;
        let mut guest = door.world.guest();
        let good = QuoteOrderRequest { lines: vec![line("costume", 1)], ..Default::default() };
        let quote = guest.orders.quote_order(good).await.unwrap().into_inner();
        assert_eq!((quote.total, quote.problems.len()), (Some(money(("USD", 59, 980_000_000))), 0));
        let steps = quote.explanation.unwrap().steps;
        let rules: Vec<_> =
            steps.iter().map(|s| (s.rule.as_str(), s.subject.as_str(), s.exact_value.as_str())).collect();
        assert_eq!(
            rules,
            [("tax.default", "line 1", "3.9992"), ("shipping.flat", "shipping", "5.99"), ("total", "order", "59.98")]
        );
        let request = QuoteOrderRequest {
            lines: vec![
                line("cape", 1),
                line("unicorn", 1),
                line("retired", 1),
                line("kimono", 1),
                v1::OrderLineInput { expected_unit_price: Some(money(("USD", 31, 0))), ..line("cape", 2) },
            ],
            shipping_address: Some(address()),
            expected_total: Some(money(("USD", 1, 0))),
            ..Default::default()
        };
        let quote = guest.orders.quote_order(request).await.unwrap().into_inner();
        let mut found: Vec<_> = quote.problems.iter().map(|p| (p.code.as_str(), p.field.as_str())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("CURRENCY_MISMATCH", "lines[3].product_id"),
                ("INSUFFICIENT_STOCK", "lines[0].quantity"),
                ("INSUFFICIENT_STOCK", "lines[4].quantity"),
                ("PRICE_CHANGED", "expected_total"),
                ("PRICE_CHANGED", "lines[4].expected_unit_price"),
                ("PRODUCT_INACTIVE", "lines[2].product_id"),
                ("PRODUCT_NOT_FOUND", "lines[1].product_id"),
            ]
        );
        let units: Vec<_> = quote.lines.iter().map(|line| (line.requested, line.available)).collect();
        assert_eq!(units, [(3, 1), (0, 0), (1, 100), (1, 100), (3, 1)]);
        assert_eq!(door.footprint().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_shows_what_would_come_out_and_writes_nothing() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let door = Door { world, database };
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let paid = ada.orders.create_order(order_of(&[("fangs", 1)], Some(card("tok_approve")))).await.unwrap();
        let open = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner().order_id;
        let order_id = paid.into_inner().order_id;
        ada.carts.add_cart_item(add("costume", 1)).await.unwrap();
        let before = door.footprint().await;
        let validate_only = true;
        let asked = CreateOrderRequest {
            validate_only,
            request_id: request_id(),
            ..order_of(&[("costume", 1)], Some(card("tok_approve")))
        };
        let shown = ada.orders.create_order(asked).await.unwrap().into_inner();
        assert_eq!([&shown.order_id, &shown.order_number, &shown.etag], ["", "", ""]);
        assert_eq!(shown.total, Some(money(("USD", 59, 980_000_000))));
        let asked = v1::CheckoutRequest { validate_only, ..checkout(Some(cash())) };
        let shown = ada.carts.checkout(asked).await.unwrap().into_inner();
        assert_eq!((shown.order_id.as_str(), shown.total), ("", Some(money(("USD", 59, 980_000_000)))));
        let asked = CancelOrderRequest { order_id: order_id.clone(), validate_only, ..Default::default() };
        assert_eq!(ada.orders.cancel_order(asked).await.unwrap().into_inner().state(), v1::OrderState::Cancelled);
        let payment = Some(card("tok_decline_expired_card"));
        let asked = PayOrderRequest { order_id: open, payment, validate_only, ..Default::default() };
        ada.orders.pay_order(asked).await.unwrap();
        let status = OrderStatus::Completed.into();
        let asked = UpdateOrderStatusRequest { order_id, status, validate_only, ..Default::default() };
        assert_eq!(admin.admin.update_order_status(asked).await.unwrap().into_inner().status(), OrderStatus::Completed);
        let products = vec![product("hat", ("USD", 1, 0), 1), product("fangs", ("USD", 13, 0), 1)];
        let asked = UpsertProductsRequest { products, validate_only, ..Default::default() };
        let results = admin.admin.upsert_products(asked).await.unwrap().into_inner().results;
        let outcomes: Vec<_> = results.iter().map(v1::ProductUpsertResult::outcome).collect();
        assert_eq!(outcomes, [v1::ProductUpsertOutcome::Created, v1::ProductUpsertOutcome::Updated]);
        let (sku, reason) = ("FANGS".to_owned(), "counted".to_owned());
        let asked = AdjustStockRequest { sku, delta: -1, reason, validate_only, ..Default::default() };
        assert_eq!(admin.admin.adjust_stock(asked).await.unwrap().into_inner().on_hand, 99);
        assert_eq!(door.footprint().await, before);
    })
    .await;
}
