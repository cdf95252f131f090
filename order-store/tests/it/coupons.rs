//! Coupons: kept, used as often as they may be, and freed again.

use std::collections::BTreeSet;

use order_core::{
    discount::{Coupon, CouponKind, CouponProblem, CouponTerms, DiscountRate, Redeemer},
    error::Refusal,
    ids::CouponCode,
    order::{Command, Tracking},
    time::Timestamp,
};
use order_store::{
    CouponQuery, CouponUse, Mode, PlaceOrder, StoreError, UpsertCoupon,
    testing::{TestDatabase, on_both_engines},
};

use crate::{
    races::{at_once, failures},
    shop::{NOW, Shop, Wish, change, fresh, later, product_id, refusal, request, usd},
};

fn code(text: &str) -> CouponCode {
    CouponCode::parse(text).unwrap()
}

/// Five dollars off, for everybody.
pub(crate) fn terms(text: &str) -> CouponTerms {
    CouponTerms {
        code: code(text),
        kind: CouponKind::Fixed(usd(500)),
        minimum_subtotal: None,
        products: BTreeSet::new(),
        valid_from: None,
        valid_until: None,
        total_limit: None,
        per_customer_limit: None,
        active: true,
    }
}

fn upsert(terms: CouponTerms) -> UpsertCoupon {
    UpsertCoupon { request: None, terms, expected_revision: None, mode: Mode::Apply, now: NOW }
}

pub(crate) async fn issue(shop: &Shop, terms: CouponTerms) -> Coupon {
    shop.store.upsert_coupon(upsert(terms)).await.unwrap()
}

async fn find(shop: &Shop, text: &str) -> Coupon {
    shop.store.coupon(code(text), None).await.unwrap().unwrap().coupon
}

/// The rows of the table of uses.
async fn uses(database: &TestDatabase) -> usize {
    database.texts("SELECT redeemer FROM coupon_redemption").await.len()
}

fn problem(text: &str, problem: CouponProblem) -> Refusal {
    Refusal::CouponNotApplicable { code: code(text), problem }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_coupon_is_read_back_as_it_was_written() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let rate = DiscountRate::parse("0.08875").unwrap();
        let kinds = [
            ("FIXED", CouponKind::Fixed(usd(500))),
            ("RATE", CouponKind::Percentage { rate, cap: None }),
            ("RATE-CAP", CouponKind::Percentage { rate, cap: Some(usd(1)) }),
            ("SHIPPING", CouponKind::FreeShipping),
        ];
        for (text, kind) in kinds {
            let plain = CouponTerms { kind, active: false, ..terms(text) };
            let full = CouponTerms {
                minimum_subtotal: Some(usd(1)),
                products: BTreeSet::from([product_id("mug"), product_id("pot")]),
                valid_from: Some(NOW),
                valid_until: Some(later(1)),
                total_limit: Some(1_000_000_000),
                per_customer_limit: Some(1),
                active: true,
                ..plain.clone()
            };
            for (terms, revision) in [(plain, 1), (full, 2)] {
                let put = issue(&shop, terms.clone()).await;
                let expected = Coupon { terms, redeemed: 0, revision, create_time: NOW, update_time: NOW };
                assert_eq!((&put, &find(&shop, text).await), (&expected, &expected));
            }
        }
        assert_eq!(shop.store.coupon(code("NOBODYS"), None).await, Ok(None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coupons_are_listed_by_code_page_by_page() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        for (text, active) in [("B-1", true), ("A-1", true), ("C-1", false), ("A_1", true)] {
            issue(&shop, CouponTerms { active, ..terms(text) }).await;
        }
        let page = async |active, after: Option<&str>| {
            let query = CouponQuery { active, size: 2, after: after.map(code) };
            let page = shop.store.coupon_page(query).await.unwrap();
            (page.items.into_iter().map(|c| c.terms.code.to_string()).collect::<Vec<_>>(), page.more)
        };
        assert_eq!(page(None, None).await, (vec!["A-1".to_owned(), "A_1".to_owned()], true));
        assert_eq!(page(None, Some("A_1")).await, (vec!["B-1".to_owned(), "C-1".to_owned()], false));
        assert_eq!(page(Some(true), Some("A_1")).await, (vec!["B-1".to_owned()], false));
        assert_eq!(page(Some(false), None).await, (vec!["C-1".to_owned()], false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_changes_only_from_the_revision_that_was_seen() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let first = UpsertCoupon { request: Some(request(fresh(), 1)), ..upsert(terms("ONE")) };
        let put = shop.store.upsert_coupon(first.clone()).await.unwrap();
        let changed = CouponTerms { active: false, ..terms("ONE") };
        let stale = UpsertCoupon { expected_revision: Some(7), ..upsert(changed.clone()) };
        assert_eq!(refusal(shop.store.upsert_coupon(stale).await), Refusal::EtagMismatch { current: 1 });
        let preview = UpsertCoupon { mode: Mode::Preview, ..upsert(changed.clone()) };
        assert_eq!(shop.store.upsert_coupon(preview).await.unwrap().revision, 2);
        assert_eq!(find(&shop, "ONE").await, put, "a preview writes nothing");
        let seen = UpsertCoupon { expected_revision: Some(1), now: later(5), ..upsert(changed) };
        let put = shop.store.upsert_coupon(seen.clone()).await.unwrap();
        assert_eq!((put.revision, put.create_time, put.update_time), (2, NOW, later(5)));
        assert_eq!(shop.store.upsert_coupon(seen).await, Ok(put.clone()), "it is as it should be");
        assert_eq!(shop.store.upsert_coupon(first).await, Ok(put), "a replay shows it as it is now");
        let other =
            UpsertCoupon { request: Some(request(fresh(), 1)), expected_revision: Some(9), ..upsert(terms("TWO")) };
        let refused = shop.store.upsert_coupon(other.clone()).await;
        assert_eq!(refused, Err(StoreError::Refused(Refusal::EtagMismatch { current: 0 })));
        assert_eq!(shop.store.upsert_coupon(other).await, refused, "a refusal is kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_add_a_coupon_at_once_add_it_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let tasks: Vec<_> = (1..=16)
            .map(|limit| {
                let shop = shop.clone();
                let terms = CouponTerms { total_limit: Some(limit), ..terms("ONE") };
                tokio::spawn(async move { issue(&shop, terms).await.revision })
            })
            .collect();
        let mut revisions = BTreeSet::new();
        for task in tasks {
            revisions.insert(task.await.unwrap());
        }
        assert_eq!(revisions, (1..=16).collect(), "none is lost");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_keeps_its_coupon_and_counts_as_a_use() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let five = issue(&shop, terms("FIVE")).await;
        let placed = shop.place(Wish::of(&[(&mug, 1)]).with(&five)).await.unwrap().order;
        assert_eq!((placed.totals.discount, placed.coupon_code.clone()), (usd(500), Some(code("FIVE"))));
        assert_eq!(shop.order(placed.id).await, placed);
        shop.place(Wish::of(&[(&mug, 1)]).by_guest("Ada@Example.com").with(&five)).await.unwrap();
        let used = async |redeemer: &str| {
            let guest = Wish::of(&[(&mug, 1)]).by_guest(redeemer);
            let redeemer = Redeemer::of(&guest.owner, &guest.contact.email);
            shop.store.coupon(code("FIVE"), Some(redeemer)).await.unwrap().unwrap()
        };
        let CouponUse { coupon, used: by_guest } = used("ADA@example.COM").await;
        assert_eq!((coupon.redeemed, coupon.revision, by_guest), (2, five.revision, 1));
        assert_eq!(used("nobody@example.com").await.used, 0);
        let mut redeemers = database.texts("SELECT redeemer FROM coupon_redemption").await;
        redeemers.sort();
        assert_eq!(redeemers, ["customer:ada", "guest:ada@example.com"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_exactly_as_many_as_the_limit_succeed() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let limited = issue(&shop, CouponTerms { total_limit: Some(7), ..terms("SEVEN") }).await;
        let wishes = (0..64).map(|n| Wish::of(&[(&mug, 1)]).by(&format!("c{n}")).with(&limited));
        let results = at_once(&shop, wishes.collect()).await;
        assert_eq!(failures(&results), Vec::<&StoreError>::new());
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 7);
        for loser in lost {
            assert_eq!(refusal(loser), problem("SEVEN", CouponProblem::Exhausted));
        }
        assert_eq!((find(&shop, "SEVEN").await.redeemed, uses(&database).await), (7, 7));
        assert_eq!(shop.level("MUG").await.allocated, 7, "who was refused took nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_customer_cannot_use_it_more_often_than_one_may() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let limited = issue(&shop, CouponTerms { per_customer_limit: Some(2), ..terms("TWICE") }).await;
        let wish = |n: usize| match n % 3 {
            0 => Wish::of(&[(&mug, 1)]).by("ada"),
            1 => Wish::of(&[(&mug, 1)]).by("bob"),
            _ => {
                Wish::of(&[(&mug, 1)]).by_guest(if n.is_multiple_of(2) { "ada@example.com" } else { "ADA@example.com" })
            }
        };
        let results = at_once(&shop, (0..30).map(|n| wish(n).with(&limited)).collect()).await;
        assert_eq!(failures(&results), Vec::<&StoreError>::new());
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 6, "two of each, and a guest is not the customer of the same name");
        for loser in lost {
            assert_eq!(refusal(loser), problem("TWICE", CouponProblem::UsedByCustomer));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_before_it_ships_frees_its_coupon_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let limits = CouponTerms { total_limit: Some(1), per_customer_limit: Some(1), ..terms("ONCE") };
        let once = issue(&shop, limits).await;
        for command in [Command::Cancel, Command::Expire] {
            let wish = Wish::of(&[(&mug, 1)]).paid_later().with(&once);
            let wish = Wish { context: expiring(&wish), ..wish };
            let id = shop.place(wish).await.unwrap().order.id;
            let again = shop.place(Wish::of(&[(&mug, 1)]).by("bob").with(&once)).await;
            assert_eq!(refusal(again), problem("ONCE", CouponProblem::Exhausted));
            let off = async |mode| {
                let mut change = change(id, command.clone());
                (change.mode, change.context.now) = (mode, later(7_200));
                shop.store.change(change).await.unwrap()
            };
            off(Mode::Preview).await;
            assert_eq!(find(&shop, "ONCE").await.redeemed, 1, "a preview frees nothing");
            off(Mode::Apply).await;
            let order = shop.order(id).await;
            assert_eq!(order.coupon_code, Some(code("ONCE")), "what was agreed stays");
            assert_eq!((find(&shop, "ONCE").await.redeemed, uses(&database).await), (0, 0));
        }
    })
    .await;
}

fn expiring(wish: &Wish) -> order_core::order::Context {
    let mut context = wish.context.clone();
    context.policy.pay_by_minutes = Some(60);
    context
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_twice_at_once_frees_one_use() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let coupon = issue(&shop, terms("FIVE")).await;
        shop.place(Wish::of(&[(&mug, 1)]).with(&coupon)).await.unwrap();
        for _ in 0..20 {
            let id = shop.place(Wish::of(&[(&mug, 1)]).with(&coupon)).await.unwrap().order.id;
            let twice = [shop.clone(), shop.clone()]
                .map(|shop| tokio::spawn(async move { shop.change(id, Command::Cancel).await }));
            for task in twice {
                let _either = task.await.unwrap();
            }
            assert_eq!((find(&shop, "FIVE").await.redeemed, uses(&database).await), (1, 1));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_shipped_keeps_its_coupon() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let coupon = issue(&shop, terms("FIVE")).await;
        let id = shop.place(Wish::of(&[(&mug, 1)]).with(&coupon)).await.unwrap().order.id;
        shop.change(id, Command::Confirm).await.unwrap();
        shop.change(id, Command::Ship(Tracking::default())).await.unwrap();
        assert!(shop.change(id, Command::Cancel).await.is_err());
        assert_eq!((find(&shop, "FIVE").await.redeemed, uses(&database).await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_that_changed_since_it_was_priced_is_priced_anew() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let priced = issue(&shop, terms("FIVE")).await;
        let current = issue(&shop, CouponTerms { kind: CouponKind::Fixed(usd(600)), ..terms("FIVE") }).await;
        let id = fresh();
        let stale = shop.place(Wish::of(&[(&mug, 1)]).with(&priced).under(id)).await;
        assert_eq!(stale, Err(StoreError::Refused(Refusal::PricingStale)));
        assert_eq!((shop.level("MUG").await.allocated, uses(&database).await), (0, 0));
        let placed = shop.place(Wish::of(&[(&mug, 1)]).with(&current).under(id)).await.unwrap();
        assert_eq!(placed.order.totals.discount, usd(600), "the request id was not used up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_judged_when_the_order_is_placed() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let window = CouponTerms { valid_from: Some(NOW), valid_until: Some(later(10)), ..terms("NOW") };
        let coupon = issue(&shop, window).await;
        let at = async |now: Timestamp| shop.place(Wish::of(&[(&mug, 1)]).at(now).with(&coupon)).await;
        assert_eq!(refusal(at(NOW.plus_micros(-1)).await), problem("NOW", CouponProblem::NotYetValid));
        at(NOW).await.unwrap();
        at(later(10).plus_micros(-1)).await.unwrap();
        assert_eq!(refusal(at(later(10)).await), problem("NOW", CouponProblem::Expired));
        let off = issue(&shop, CouponTerms { active: false, ..terms("OFF") }).await;
        let refused = shop.place(Wish::of(&[(&mug, 1)]).with(&off)).await;
        assert_eq!(refusal(refused), problem("OFF", CouponProblem::Inactive));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_coupon_stays_refused_under_its_request_id() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let once = issue(&shop, CouponTerms { total_limit: Some(1), ..terms("ONCE") }).await;
        let (first, second) = (fresh(), fresh());
        let wish = |id| -> PlaceOrder { Wish::of(&[(&mug, 1)]).with(&once).under(id).into_order() };
        let placed = shop.store.place(wish(first)).await.unwrap().order;
        let refused = problem("ONCE", CouponProblem::Exhausted);
        assert_eq!(refusal(shop.store.place(wish(second)).await), refused);
        let replay = shop.store.place(wish(first)).await.unwrap();
        assert_eq!((replay.order.id, replay.events.len()), (placed.id, 0), "a replay uses nothing");
        shop.change(placed.id, Command::Cancel).await.unwrap();
        assert_eq!(refusal(shop.store.place(wish(second)).await), refused, "even after it was freed");
        shop.store.place(wish(fresh())).await.unwrap();
        assert_eq!((find(&shop, "ONCE").await.redeemed, uses(&database).await), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_refused_for_its_stock_uses_no_coupon() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        let once = issue(&shop, CouponTerms { total_limit: Some(1), ..terms("ONCE") }).await;
        let short = shop.place(Wish::of(&[(&mug, 2)]).with(&once)).await;
        assert!(matches!(refusal(short), Refusal::InsufficientStock(_)));
        assert_eq!((find(&shop, "ONCE").await.redeemed, uses(&database).await), (0, 0));
        shop.place(Wish::of(&[(&mug, 1)]).with(&once)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn placing_and_cancelling_with_coupons_and_shelves_in_any_order_never_deadlocks() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 1000).await, shop.sell("pot", 4999, 1000).await);
        let coupons = [issue(&shop, terms("ONE")).await, issue(&shop, terms("TWO")).await];
        let mut ids = Vec::new();
        for n in 0..32 {
            let wish = Wish::of(&[(&mug, 1), (&pot, 1)]).with(&coupons[n % 2]);
            ids.push(shop.place(wish).await.unwrap().order.id);
        }
        let cancels: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let shop = shop.clone();
                tokio::spawn(async move { shop.change(id, Command::Cancel).await })
            })
            .collect();
        let wishes = (0..32).map(|n| Wish::of(&[(&pot, 1), (&mug, 1)]).with(&coupons[n % 2]));
        let results = at_once(&shop, wishes.collect()).await;
        assert_eq!(failures(&results), Vec::<&StoreError>::new());
        for cancel in cancels {
            cancel.await.unwrap().unwrap();
        }
        let redeemed = [find(&shop, "ONE").await.redeemed, find(&shop, "TWO").await.redeemed];
        assert_eq!((redeemed, uses(&database).await), ([16, 16], 32));
    })
    .await;
}

/// One rule each.
const BROKEN: &[&str] = &[
    "UPDATE coupon SET kind = 'GIFT'",
    "UPDATE coupon SET kind = 'PERCENTAGE'",
    "UPDATE coupon SET amount = NULL",
    "UPDATE coupon SET amount = 0",
    "UPDATE coupon SET minimum_subtotal = 0",
    "UPDATE coupon SET cap = 1",
    "UPDATE coupon SET currency = NULL",
    "UPDATE coupon SET currency = 'US'",
    "UPDATE coupon SET valid_until = valid_from",
    "UPDATE coupon SET total_limit = 0",
    "UPDATE coupon SET per_customer_limit = 0",
    "UPDATE coupon SET redeemed = -1",
    "UPDATE coupon SET revision = 0",
    "UPDATE coupon_redemption SET coupon_code = 'NONE'",
    "DELETE FROM coupon",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_a_coupon_that_breaks_a_rule() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let full = CouponTerms {
            minimum_subtotal: Some(usd(1)),
            valid_from: Some(NOW),
            valid_until: Some(later(1)),
            total_limit: Some(5),
            per_customer_limit: Some(5),
            ..terms("FIVE")
        };
        let five = issue(&shop, full).await;
        shop.place(Wish::of(&[(&mug, 1)]).with(&five)).await.unwrap();
        for statement in BROKEN {
            assert!(database.execute(statement).await.is_err(), "{statement}");
        }
        database.execute("UPDATE coupon SET product_ids = '[\"no blanks\", 1]'").await.unwrap();
        let read = shop.store.coupon(code("FIVE"), None).await;
        assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    })
    .await;
}
