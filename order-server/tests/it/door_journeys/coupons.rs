//! Coupons: kept by administrators, used by customers and guests.

use order_api::v1::{
    self, CancelOrderRequest, Coupon, CreateOrderRequest, GetCouponRequest, ListCouponsRequest, QuoteOrderRequest,
    UpsertCouponRequest, coupon::Kind,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::carts::{add, checkout};
use crate::{
    door_input::refusal::{Door, assert_invalid, assert_refused},
    world::{START, World, card, contact, line, money, order_of, request_id},
};

const NOT_APPLICABLE: (Code, &str) = (Code::FailedPrecondition, "COUPON_NOT_APPLICABLE");

pub(super) fn percentage(rate: &str) -> Option<Kind> {
    Some(Kind::Percentage(v1::PercentageDiscount { rate: rate.to_owned(), cap: None }))
}

/// A coupon that is good for everything.
pub(super) fn coupon(code: &str, kind: Option<Kind>) -> Coupon {
    Coupon { coupon_code: code.to_owned(), kind, active: true, ..Default::default() }
}

/// Five dollars off.
fn five(code: &str) -> Coupon {
    coupon(code, Some(Kind::Fixed(money(("USD", 5, 0)))))
}

pub(super) async fn issue(world: &World, coupon: Coupon) -> Coupon {
    let request = UpsertCouponRequest { coupon: Some(coupon), ..Default::default() };
    world.admin().admin.upsert_coupon(request).await.unwrap().into_inner()
}

async fn redeemed(world: &World, code: &str) -> i32 {
    let request = GetCouponRequest { coupon_code: code.to_owned() };
    world.admin().admin.get_coupon(request).await.unwrap().into_inner().redeemed
}

fn using(code: &str, lines: &[(&str, i64)]) -> CreateOrderRequest {
    CreateOrderRequest { coupon_code: code.to_owned(), ..order_of(lines, None) }
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_add_change_read_and_list_coupons() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut admin = door.world.admin();
        let wanted = Coupon {
            minimum_subtotal: Some(money(("USD", 50, 0))),
            product_ids: vec!["costume".into(), "fangs".into()],
            total_limit: 100,
            per_customer_limit: 1,
            ..five(" summer-10 ")
        };
        let request =
            UpsertCouponRequest { coupon: Some(wanted.clone()), request_id: request_id(), ..Default::default() };
        let before = door.footprint().await;
        let check = UpsertCouponRequest { validate_only: true, ..request.clone() };
        let shown = admin.admin.upsert_coupon(check).await.unwrap().into_inner();
        assert_eq!(door.footprint().await, before);
        let put = admin.admin.upsert_coupon(request.clone()).await.unwrap().into_inner();
        let start = put.create_time;
        let expected = Coupon {
            coupon_code: "SUMMER-10".into(),
            etag: "1".into(),
            create_time: start,
            update_time: start,
            ..wanted.clone()
        };
        assert_eq!((&shown, &put), (&expected, &expected));
        let get = GetCouponRequest { coupon_code: "Summer-10".into() };
        assert_eq!(admin.admin.get_coupon(get.clone()).await.unwrap().into_inner(), put);
        assert_eq!(admin.admin.upsert_coupon(request.clone()).await.unwrap().into_inner(), put, "a retry");
        let reused = UpsertCouponRequest { coupon: Some(five("OTHER")), ..request };
        assert_refused(admin.admin.upsert_coupon(reused).await, Code::InvalidArgument, "REQUEST_ID_REUSED");
        let stale = UpsertCouponRequest {
            coupon: Some(Coupon { etag: "7".into(), active: false, ..wanted.clone() }),
            ..Default::default()
        };
        let told = door.refuses(admin.admin.upsert_coupon(stale), (Code::Aborted, "ETAG_MISMATCH")).await;
        assert_eq!(told.facts(["etag"]), ["1"]);
        let off = issue(&door.world, Coupon { etag: "1".into(), active: false, ..wanted }).await;
        assert_eq!((off.etag.as_str(), off.active), ("2", false));
        issue(&door.world, five("AUTUMN")).await;
        let list = async |page_size, page_token: &str, active| {
            let page_token = page_token.to_owned();
            let request = ListCouponsRequest { page_size, page_token, active };
            let page = door.world.admin().admin.list_coupons(request).await.unwrap().into_inner();
            (page.coupons.into_iter().map(|c| c.coupon_code).collect::<Vec<_>>(), page.next_page_token)
        };
        let (first, next) = list(1, "", None).await;
        assert_eq!(
            (first, list(1, &next, None).await),
            (vec!["AUTUMN".into()], (vec!["SUMMER-10".into()], String::new()))
        );
        assert_eq!(list(0, "", Some(false)).await.0, ["SUMMER-10"]);
        let nobodys = GetCouponRequest { coupon_code: "NOBODYS".into() };
        assert_refused(admin.admin.get_coupon(nobodys).await, Code::NotFound, "COUPON_NOT_FOUND");
        assert_invalid(admin.admin.get_coupon(GetCouponRequest::default()).await, &["coupon_code"]);
        let nothing = UpsertCouponRequest { coupon: Some(Coupon::default()), ..Default::default() };
        door.rejects(admin.admin.upsert_coupon(nothing), &["coupon.coupon_code", "coupon.kind"]).await;
        door.rejects(admin.admin.upsert_coupon(UpsertCouponRequest::default()), &["coupon"]).await;
        for mut other in [door.world.customer("ada"), door.world.service()] {
            assert_refused(other.admin.get_coupon(get.clone()).await, Code::PermissionDenied, "ROLE_REQUIRED");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_coupon_takes_off_what_it_says() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        issue(&world, five("FIVE")).await;
        issue(&world, coupon("TEN", percentage("0.1"))).await;
        let fangs = Coupon { product_ids: vec!["fangs".into()], ..coupon("FANGS", percentage("0.5")) };
        issue(&world, fangs).await;
        issue(&world, coupon("FREE", Some(Kind::FreeShipping(v1::FreeShipping {})))).await;
        // Subtotal 62.49. Less 5.00: shares of 4.00 and 1.00, tax 3.68 and 0.92. Less 6.25: shares of 5.00 and 1.25, tax 3.60 and 0.90.
        // Less half of 12.50: tax 4.00 and 0.50. All of them ship for nothing, being over 50.00.
        let cases = [
            ("five", (5, 0), (62, 90_000_000)),
            ("TEN", (6, 250_000_000), (60, 740_000_000)),
            ("fangs", (6, 250_000_000), (60, 740_000_000)),
            ("FREE", (0, 0), (67, 490_000_000)),
        ];
        for (code, discount, total) in cases {
            let mut ada = world.customer(&format!("of-{code}"));
            let request = using(code, &[("costume", 1), ("fangs", 1)]);
            let placed = ada.orders.create_order(request).await.unwrap().into_inner();
            assert_eq!(placed.coupon_code, code.to_uppercase());
            assert_eq!(placed.discount, Some(money(("USD", discount.0, discount.1))), "{code}");
            assert_eq!(placed.total, Some(money(("USD", total.0, total.1))), "{code}");
            let read = ada.orders.get_order(v1::GetOrderRequest { order_id: placed.order_id.clone() }).await;
            assert_eq!(read.unwrap().into_inner(), placed);
            assert_eq!(redeemed(&world, code).await, 1);
            // The same by way of a cart.
            for id in ["costume", "fangs"] {
                ada.carts.add_cart_item(add(id, 1)).await.unwrap();
            }
            let request = v1::CheckoutRequest {
                coupon_code: code.into(),
                expected_total: placed.total.clone(),
                ..checkout(Some(card("tok_approve")))
            };
            let check = v1::CheckoutRequest { validate_only: true, ..request.clone() };
            let shown = ada.carts.checkout(check).await.unwrap().into_inner();
            assert_eq!(
                (shown.total.clone(), shown.coupon_code.as_str()),
                (placed.total.clone(), placed.coupon_code.as_str())
            );
            let ordered = ada.carts.checkout(request).await.unwrap().into_inner();
            assert_eq!((ordered.total, ordered.lines), (placed.total, placed.lines));
            assert_eq!((ordered.coupon_code, redeemed(&world, code).await), (placed.coupon_code, 2));
        }
        // 12.50 and 1.00 of tax; shipping, 5.99 below 50.00, is free.
        let mut ada = world.customer("ada");
        let placed = ada.orders.create_order(using("FREE", &[("fangs", 1)])).await.unwrap().into_inner();
        assert_eq!(placed.shipping, Some(money(("USD", 0, 0))));
        assert_eq!(placed.total, Some(money(("USD", 13, 500_000_000))));
        let steps = placed.explanation.unwrap().steps;
        assert!(steps.iter().any(|step| step.rule == "shipping.coupon.FREE"), "{steps:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_that_cannot_be_used_refuses_the_order_and_is_a_problem_of_a_quote() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let world = &door.world;
        let at =
            |seconds: i64| Some(prost_types::Timestamp { seconds: START.micros() / 1_000_000 + seconds, nanos: 0 });
        issue(world, Coupon { active: false, ..five("INACTIVE") }).await;
        issue(world, Coupon { valid_from: at(1), ..five("EARLY") }).await;
        issue(world, Coupon { valid_until: at(0), ..five("LATE") }).await;
        issue(world, Coupon { minimum_subtotal: Some(money(("USD", 50, 0))), ..five("BIG") }).await;
        issue(world, Coupon { product_ids: vec!["cape".into()], ..five("CAPE") }).await;
        issue(world, coupon("YEN", Some(Kind::Fixed(money(("JPY", 500, 0)))))).await;
        issue(world, Coupon { total_limit: 1, ..five("ONCE") }).await;
        issue(world, Coupon { per_customer_limit: 1, ..five("EACH") }).await;
        let mut ada = world.customer("ada");
        for code in ["ONCE", "EACH"] {
            ada.orders.create_order(using(code, &[("costume", 1)])).await.unwrap();
        }
        let cases = [
            ("NOBODYS", "UNKNOWN"),
            ("INACTIVE", "INACTIVE"),
            ("EARLY", "NOT_YET_VALID"),
            ("LATE", "EXPIRED"),
            ("BIG", "BELOW_MINIMUM"),
            ("CAPE", "NO_ELIGIBLE_LINE"),
            ("YEN", "CURRENCY"),
            ("ONCE", "EXHAUSTED"),
            ("EACH", "USED_BY_CUSTOMER"),
        ];
        for (code, problem) in cases {
            let request = CreateOrderRequest { request_id: request_id(), ..using(code, &[("costume", 1)]) };
            for validate_only in [true, false, false] {
                let request = CreateOrderRequest { validate_only, ..request.clone() };
                let request =
                    if validate_only { CreateOrderRequest { request_id: request_id(), ..request } } else { request };
                let told = door.refuses(ada.orders.create_order(request), NOT_APPLICABLE).await;
                assert_eq!(told.facts(["coupon_code", "problem"]), [code, problem]);
                assert_eq!(told.conditions(), [("COUPON", code)]);
            }
            let quote = QuoteOrderRequest {
                lines: vec![line("costume", 1)],
                coupon_code: code.to_lowercase(),
                ..Default::default()
            };
            let quote = ada.orders.quote_order(quote).await.unwrap().into_inner();
            assert_eq!(quote.total, Some(money(("USD", 59, 980_000_000))), "without it");
            let [found] = quote.problems.as_slice() else { panic!("{:?}", quote.problems) };
            assert_eq!((found.code.as_str(), found.field.as_str()), (NOT_APPLICABLE.1, "coupon_code"));
            assert_eq!((&*found.metadata["coupon_code"], &*found.metadata["problem"]), (code, problem));
        }
        // Two costumes are in Ada's cart.
        for (code, problem) in [("NOBODYS", "UNKNOWN"), ("EACH", "USED_BY_CUSTOMER"), ("CAPE", "NO_ELIGIBLE_LINE")] {
            let request = v1::CheckoutRequest { coupon_code: code.into(), ..checkout(None) };
            let told = door.refuses(ada.carts.checkout(request), NOT_APPLICABLE).await;
            assert_eq!(told.facts(["problem"]), [problem]);
        }
        let quote =
            QuoteOrderRequest { lines: vec![line("fangs", 4)], coupon_code: "big".into(), ..Default::default() };
        let quote = ada.orders.quote_order(quote).await.unwrap().into_inner();
        assert_eq!((quote.problems.len(), quote.discount), (0, Some(money(("USD", 5, 0)))), "50.00 is enough");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_held_to_the_limit_by_address() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        issue(&world, Coupon { per_customer_limit: 1, ..five("EACH") }).await;
        let mut guest = world.guest();
        let by = |email: &str| {
            let contact = Some(v1::Contact { email: email.into(), ..contact() });
            CreateOrderRequest { contact, ..using("EACH", &[("fangs", 1)]) }
        };
        guest.orders.create_order(by("ada@example.com")).await.unwrap();
        let again = guest.orders.create_order(by("ADA@Example.com")).await;
        assert_eq!(assert_refused(again, NOT_APPLICABLE.0, NOT_APPLICABLE.1).facts(["problem"]), ["USED_BY_CUSTOMER"]);
        guest.orders.create_order(by("bob@example.com")).await.unwrap();
        // A quote does not know the address.
        let quote =
            QuoteOrderRequest { lines: vec![line("fangs", 1)], coupon_code: "EACH".into(), ..Default::default() };
        assert_eq!(guest.orders.quote_order(quote).await.unwrap().into_inner().problems, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_its_coupon_back() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        issue(&world, Coupon { total_limit: 1, ..five("ONCE") }).await;
        let mut ada = world.customer("ada");
        let placed = ada.orders.create_order(using("ONCE", &[("fangs", 1)])).await.unwrap().into_inner();
        let mut bob = world.customer("bob");
        let taken = bob.orders.create_order(using("ONCE", &[("fangs", 1)])).await;
        assert_refused(taken, NOT_APPLICABLE.0, NOT_APPLICABLE.1);
        let cancel = CancelOrderRequest { order_id: placed.order_id, ..Default::default() };
        let cancelled = ada.orders.cancel_order(cancel).await.unwrap().into_inner();
        assert_eq!((cancelled.coupon_code.as_str(), redeemed(&world, "ONCE").await), ("ONCE", 0));
        bob.orders.create_order(using("ONCE", &[("fangs", 1)])).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_as_many_as_the_limit_get_the_coupon_while_its_terms_change() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        issue(&world, Coupon { total_limit: 5, ..five("FIVE") }).await;
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let mut caller = world.customer(&format!("c{n}"));
                let request = CreateOrderRequest { request_id: request_id(), ..using("FIVE", &[("fangs", 1)]) };
                tokio::spawn(async move { caller.orders.create_order(request).await })
            })
            .collect();
        let start = START.micros() / 1_000_000;
        for n in 1..=3 {
            let valid_until = Some(prost_types::Timestamp { seconds: start + n, nanos: 0 });
            issue(&world, Coupon { total_limit: 5, valid_until, ..five("FIVE") }).await;
        }
        let mut placed = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => placed += 1,
                refused @ Err(_) => {
                    let told = assert_refused(refused, NOT_APPLICABLE.0, NOT_APPLICABLE.1);
                    assert_eq!(told.facts(["problem"]), ["EXHAUSTED"]);
                }
            }
        }
        assert_eq!((placed, redeemed(&world, "FIVE").await), (5, 5));
    })
    .await;
}
