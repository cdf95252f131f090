//! Discounts that the shop gives by hand.

use order_api::v1::{self, CreateOrderRequest, QuoteOrderRequest};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::coupons::{coupon, issue, percentage};
use crate::{
    door_input::refusal::{Door, assert_refused},
    world::{World, line, money, order_of, product, request_id},
};

fn usd(units: i64, nanos: i32) -> Option<order_api::Money> {
    Some(money(("USD", units, nanos)))
}

/// A costume with 9.99 off, and 4.00 off the whole.
fn reduced() -> CreateOrderRequest {
    let line = v1::OrderLineInput { discount: usd(9, 990_000_000), ..line("costume", 1) };
    CreateOrderRequest { lines: vec![line], discount: usd(4, 0), ..order_of(&[], None) }
}

fn quote(request: CreateOrderRequest) -> QuoteOrderRequest {
    QuoteOrderRequest {
        lines: request.lines,
        discount: request.discount,
        coupon_code: request.coupon_code,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_and_administrators_give_discounts_before_and_after_a_coupon() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        issue(&world, coupon("TEN", percentage("0.1"))).await;
        let request = CreateOrderRequest { coupon_code: "TEN".into(), ..reduced() };
        for mut giver in [world.service(), world.admin()] {
            let placed = giver.orders.create_order(request.clone()).await.unwrap().into_inner();
            // 40.00, less a tenth, less 4.00: 32.00, with 2.56 of tax and 5.99 for shipping.
            assert_eq!((placed.discount.clone(), placed.total.clone()), (usd(17, 990_000_000), usd(40, 550_000_000)));
            let rules: Vec<_> =
                placed.explanation.unwrap().steps.into_iter().map(|step| (step.rule, step.subject)).collect();
            let rules: Vec<_> = rules.iter().map(|(rule, subject)| (rule.as_str(), subject.as_str())).collect();
            let expected = [
                ("discount.line", "line 1"),
                ("discount.coupon.TEN", "order"),
                ("discount.coupon.TEN", "line 1"),
                ("discount.order", "line 1"),
            ];
            assert_eq!(rules[..4], expected);
            let quoted = giver.orders.quote_order(quote(request.clone())).await.unwrap().into_inner();
            assert_eq!((quoted.discount, quoted.total), (placed.discount, placed.total));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_and_guests_give_none() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let refused = (Code::PermissionDenied, "ROLE_REQUIRED");
        let nothing = v1::OrderLineInput { discount: usd(0, 0), ..line("costume", 1) };
        let requests = [
            CreateOrderRequest { discount: None, ..reduced() },
            CreateOrderRequest { lines: vec![line("costume", 1)], ..reduced() },
            CreateOrderRequest { lines: vec![nothing], discount: None, ..reduced() },
        ];
        for mut caller in [door.world.customer("ada"), door.world.guest()] {
            for request in &requests {
                for validate_only in [false, true] {
                    let request = CreateOrderRequest { validate_only, ..request.clone() };
                    door.refuses(caller.orders.create_order(request), refused).await;
                }
                assert_refused(caller.orders.quote_order(quote(request.clone())).await, refused.0, refused.1);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_cannot_be_taken_off() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut service = door.world.service();
        let of_line = |discount| v1::OrderLineInput { discount, ..line("fangs", 1) };
        let whole = CreateOrderRequest { lines: vec![of_line(None)], discount: usd(12, 510_000_000), ..reduced() };
        let lines = vec![line("costume", 1), of_line(usd(12, 510_000_000))];
        let single = CreateOrderRequest { lines, discount: None, ..reduced() };
        for (request, path) in [(whole, "discount"), (single.clone(), "lines[1].discount")] {
            door.rejects(service.orders.create_order(request.clone()), &[path]).await;
            door.rejects(service.orders.quote_order(quote(request)), &[path]).await;
        }
        // A line that has no price does not shift the others' paths.
        let mut lines = vec![line("unicorn", 1)];
        lines.extend(single.lines);
        let unknown = CreateOrderRequest { lines, ..order_of(&[], None) };
        door.rejects(service.orders.quote_order(quote(unknown)), &["lines[2].discount"]).await;
        let euros = CreateOrderRequest {
            lines: vec![of_line(Some(money(("EUR", 1, 0))))],
            discount: Some(money(("EUR", 1, 0))),
            ..order_of(&[], None)
        };
        let paths = ["lines[0].discount.currency_code", "discount.currency_code"];
        door.rejects(service.orders.create_order(euros), &paths).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_finds_its_order_even_where_what_it_asks_for_has_no_price_any_more() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut service, mut office) = (door.world.service(), door.world.admin());
        let line = v1::OrderLineInput { discount: usd(9, 0), ..line("fangs", 1) };
        let once = CreateOrderRequest { request_id: request_id(), lines: vec![line], ..order_of(&[], None) };
        let placed = service.orders.create_order(once.clone()).await.unwrap().into_inner();
        let cheaper = vec![product("fangs", ("USD", 5, 0), 0)];
        office
            .admin
            .upsert_products(v1::UpsertProductsRequest { products: cheaper, ..Default::default() })
            .await
            .unwrap();
        let again = service.orders.create_order(once.clone()).await.unwrap().into_inner();
        assert_eq!(again, placed);
        let anew = CreateOrderRequest { request_id: request_id(), ..once };
        door.rejects(service.orders.create_order(anew), &["lines[0].discount"]).await;
    })
    .await;
}
