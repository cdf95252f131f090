//! Discounts, worked out by hand: what is taken off what, and in which order.

use order_core::{
    contact::Email,
    discount::{Coupon, CouponKind, CouponProblem, CouponTerms, DiscountRate, Redeemer},
    ids::{CustomerId, ProductId},
    limits,
    money::Money,
    order::Owner,
    pricing::{PricingError, PricingInput, price},
    rules::Rules,
    time::Timestamp,
    violation::Violations,
};

use crate::{
    pricing_golden::{Figures, figures, tell},
    shop::{coupon, currency, off, order, rules},
};

fn usd(minor: i64) -> Money {
    Money::new(minor, currency("USD"))
}

/// Lines of one unit each for California.
fn lines(prices: &[i64]) -> PricingInput {
    let bought: Vec<_> = prices.iter().map(|&minor| (minor, 1, "standard")).collect();
    let mut input = order("USD", "US-CA", &bought);
    for (n, line) in input.lines.iter_mut().enumerate() {
        line.product_id = format!("p{n}");
    }
    input
}

fn with(coupon: CouponTerms, input: PricingInput) -> PricingInput {
    PricingInput { coupon: Some(coupon), ..input }
}

/// Good for the products of these lines only.
fn only(places: &[usize], terms: CouponTerms) -> CouponTerms {
    let products = places.iter().map(|n| ProductId::parse(&format!("p{n}")).unwrap());
    CouponTerms { products: products.collect(), ..terms }
}

/// What is taken off each line.
fn taken(input: &PricingInput) -> Vec<i64> {
    figures(&Rules::builtin(), input).lines.iter().map(|[_, discount, ..]| *discount).collect()
}

fn refused(input: &PricingInput) -> PricingError {
    price(&Rules::builtin(), input).unwrap_err()
}

#[test]
fn a_percentage_is_rounded_once_and_apportioned_to_the_last_cent() {
    // 10 % of 10.05 is 1.005; rounded line by line, three times 3.35 would give 1.02.
    assert_eq!(taken(&with(coupon("TEN", off("0.1")), lines(&[335, 335, 335]))), [34, 34, 33]);
    let even = rules(&[("HALF_UP", "HALF_EVEN")]);
    let figures = figures(&even, &with(coupon("TEN", off("0.1")), lines(&[335, 335, 335])));
    assert_eq!(figures.goods[1], 100, "as the rules declare");
}

#[test]
fn a_percentage_takes_no_more_than_its_cap() {
    let capped = CouponKind::Percentage { rate: DiscountRate::parse("0.5").unwrap(), cap: Some(usd(1000)) };
    assert_eq!(taken(&with(coupon("HALF", capped), lines(&[1000, 500]))), [500, 250]);
    assert_eq!(taken(&with(coupon("HALF", capped), lines(&[3000, 1000]))), [750, 250]);
}

#[test]
fn a_fixed_amount_takes_no_more_than_there_is() {
    let ten = coupon("TEN", CouponKind::Fixed(usd(1000)));
    assert_eq!(taken(&with(ten.clone(), lines(&[1000, 2000]))), [333, 667]);
    assert_eq!(taken(&with(ten.clone(), lines(&[100, 200]))), [100, 200]);
    assert_eq!(taken(&with(only(&[1], ten), lines(&[5000, 200]))), [0, 200]);
}

#[test]
fn a_coupon_for_some_products_leaves_the_others_alone() {
    let half = only(&[0, 2], coupon("HALF", off("0.5")));
    assert_eq!(taken(&with(half, lines(&[101, 1000, 100]))), [51, 0, 50]);
}

#[test]
fn free_shipping_frees_shipping_of_its_tax_too() {
    let taxed = rules(&[("# shipping_class", "shipping_class")]);
    let free = coupon("FREE", CouponKind::FreeShipping);
    let expected = Figures { lines: vec![[1000, 0, 80, 1080]], goods: [1000, 0, 80], shipping: [0, 0], total: 1080 };
    assert_eq!(figures(&taxed, &with(free, lines(&[1000]))), expected);
}

#[test]
fn discounts_come_one_after_the_other() {
    let mut input = lines(&[1000, 3000]);
    input.lines[0].discount = Some(usd(200));
    input.order_discount = Some(usd(342));
    let input = with(coupon("TEN", off("0.1")), input);
    // 8.00 and 30.00; less 10 % of 38.00, in shares of 0.80 and 3.00; less 3.42 of 34.20, in shares of 0.72 and 2.70.
    let expected = Figures {
        lines: vec![[1000, 352, 52, 700], [3000, 570, 194, 2624]],
        goods: [4000, 922, 246],
        shipping: [599, 0],
        total: 3923,
    };
    assert_eq!(figures(&Rules::builtin(), &input), expected);
}

#[test]
fn the_explanation_names_every_discount() {
    let mut input = lines(&[1000, 3000]);
    input.lines[0].discount = Some(usd(200));
    input.order_discount = Some(usd(342));
    let capped = CouponKind::Percentage { rate: DiscountRate::parse("0.1").unwrap(), cap: Some(usd(379)) };
    let pricing = price(&Rules::builtin(), &with(coupon("TEN", capped), input)).unwrap();
    let told: Vec<_> = pricing.explanation.steps.iter().map(tell).filter(|step| step.starts_with("disc")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    discount.line line 1: line_subtotal=10.00 -> 2.00 -> 2.00 USD
    discount.coupon.TEN order: cap=3.79 eligible_subtotal=38.00 rate=0.1 -> 3.80 -> 3.79 USD
    discount.coupon.TEN line 1: discount=3.79 eligible_subtotal=38.00 line_subtotal=8.00 -> 0.79789473684210526315 -> 0.80 USD (got one minor unit of the remainder)
    discount.coupon.TEN line 2: discount=3.79 eligible_subtotal=38.00 line_subtotal=30.00 -> 2.99210526315789473684 -> 2.99 USD
    discount.order line 1: discount=3.42 line_subtotal=7.20 order_subtotal=34.21 -> 0.71978953522361882490 -> 0.72 USD (got one minor unit of the remainder)
    discount.order line 2: discount=3.42 line_subtotal=27.01 order_subtotal=34.21 -> 2.70021046477638117509 -> 2.70 USD
    ");
    let free = with(coupon("FREE", CouponKind::FreeShipping), lines(&[1000]));
    let pricing = price(&Rules::builtin(), &free).unwrap();
    let told: Vec<_> = pricing.explanation.steps.iter().map(tell).filter(|step| step.starts_with("ship")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    shipping.flat shipping: discounted_subtotal=10.00 -> 5.99 -> 5.99 USD
    shipping.coupon.FREE shipping: price=5.99 -> 0.00 -> 0.00 USD
    ");
}

#[test]
fn the_minimum_counts_eligible_lines_after_their_own_discounts() {
    let least = CouponTerms { minimum_subtotal: Some(usd(1000)), ..only(&[0], coupon("BIG", off("0.1"))) };
    assert_eq!(taken(&with(least.clone(), lines(&[1000, 1]))), [100, 0]);
    assert_eq!(refused(&with(least.clone(), lines(&[999, 9000]))), PricingError::Coupon(CouponProblem::BelowMinimum));
    let mut input = lines(&[1000]);
    input.lines[0].discount = Some(usd(1));
    assert_eq!(refused(&with(least, input)), PricingError::Coupon(CouponProblem::BelowMinimum));
}

#[test]
fn a_coupon_that_is_not_for_these_lines_says_why() {
    let elsewhere = only(&[7], coupon("ONE", off("0.1")));
    assert_eq!(refused(&with(elsewhere, lines(&[1000]))), PricingError::Coupon(CouponProblem::NoEligibleLine));
    assert_eq!(
        refused(&with(coupon("ONE", off("0.1")), lines(&[]))),
        PricingError::Coupon(CouponProblem::NoEligibleLine)
    );
    let yen = Money::new(1, currency("JPY"));
    let foreign = [
        coupon("ONE", CouponKind::Fixed(yen)),
        coupon("ONE", CouponKind::Percentage { rate: DiscountRate::parse("0.1").unwrap(), cap: Some(yen) }),
        CouponTerms { minimum_subtotal: Some(yen), ..coupon("ONE", CouponKind::FreeShipping) },
    ];
    for coupon in foreign {
        assert_eq!(refused(&with(coupon, lines(&[1000]))), PricingError::Coupon(CouponProblem::Currency));
    }
}

#[test]
fn discounts_by_hand_take_no_more_than_there_is() {
    for minor in [-1, 1001, i64::MAX] {
        let mut input = lines(&[5, 1000]);
        input.lines[1].discount = Some(usd(minor));
        assert_eq!(refused(&input), PricingError::LineDiscountOutOfRange { line: 1 });
    }
    // The coupon leaves 5.00, and of that no more can be taken.
    let half = |discount| PricingInput {
        order_discount: Some(usd(discount)),
        ..with(coupon("HALF", off("0.5")), lines(&[1000]))
    };
    assert_eq!(taken(&half(500)), [1000]);
    assert_eq!(refused(&half(501)), PricingError::DiscountOutOfRange);
    let mut foreign = lines(&[1000]);
    foreign.lines[0].discount = Some(Money::new(1, currency("EUR")));
    assert!(matches!(refused(&foreign), PricingError::Money(_)));
}

#[test]
fn a_coupon_is_good_from_its_first_moment_to_before_its_last() {
    let at = Timestamp::from_micros;
    let terms = CouponTerms { valid_from: Some(at(10)), valid_until: Some(at(20)), ..coupon("ONE", off("0.1")) };
    let coupon = terms.upsert(None, at(0)).unwrap();
    let found = [9, 10, 19, 20].map(|now| coupon.check_time(at(now)));
    assert_eq!(found, [Err(CouponProblem::NotYetValid), Ok(()), Ok(()), Err(CouponProblem::Expired)]);
    let off = CouponTerms { active: false, ..terms }.upsert(Some(&coupon), at(1)).unwrap();
    assert_eq!((off.check_time(at(10)), off.revision), (Err(CouponProblem::Inactive), 2));
}

#[test]
fn limits_are_reached_exactly() {
    let limits = CouponTerms { total_limit: Some(3), per_customer_limit: Some(2), ..coupon("ONE", off("0.1")) };
    let coupon = limits.upsert(None, Timestamp::UNIX_EPOCH).unwrap();
    let with = |redeemed| Coupon { redeemed, ..coupon.clone() };
    assert_eq!((with(2).check_limits(1), with(0).check_limits(0)), (Ok(()), Ok(())));
    assert_eq!(with(3).check_limits(0), Err(CouponProblem::Exhausted));
    assert_eq!(with(2).check_limits(2), Err(CouponProblem::UsedByCustomer));
}

#[test]
fn terms_that_stay_the_same_change_nothing_and_uses_survive_a_change() {
    let one = coupon("ONE", off("0.1"));
    let first = Coupon { redeemed: 7, ..one.upsert(None, Timestamp::UNIX_EPOCH).unwrap() };
    assert_eq!(one.upsert(Some(&first), Timestamp::from_micros(5)), None);
    let next = CouponTerms { kind: off("0.2"), ..one }.upsert(Some(&first), Timestamp::from_micros(5)).unwrap();
    assert_eq!((next.redeemed, next.revision, next.create_time), (7, 2, Timestamp::UNIX_EPOCH));
}

#[test]
fn terms_are_held_against_the_limits_and_each_other() {
    let wrong = CouponTerms {
        minimum_subtotal: Some(Money::new(limits::ORDER_TOTAL_MINOR_MAX + 1, currency("JPY"))),
        products: (0..=limits::COUPON_PRODUCTS).map(|n| ProductId::parse(&format!("p{n}")).unwrap()).collect(),
        valid_from: Some(Timestamp::UNIX_EPOCH),
        valid_until: Some(Timestamp::UNIX_EPOCH),
        total_limit: Some(0),
        per_customer_limit: Some(limits::COUPON_USES_MAX + 1),
        ..coupon("ONE", CouponKind::Fixed(usd(0)))
    };
    let mut violations = Violations::new();
    wrong.check("coupon", &mut violations);
    let fields: Vec<_> = violations.iter().map(|found| found.field.as_str()).collect();
    let expected = [
        "coupon.fixed",
        "coupon.minimum_subtotal",
        "coupon.minimum_subtotal.currency_code",
        "coupon.total_limit",
        "coupon.per_customer_limit",
        "coupon.product_ids",
        "coupon.valid_until",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn rates_are_more_than_nothing_and_at_most_all() {
    for good in ["0.1", "1", "0.000001", "0.08875"] {
        assert_eq!(DiscountRate::parse(good).unwrap().to_string(), good);
    }
    for wrong in ["", "0", "0.00", "1.01", "10", "-0.1", "0.0000001", "10%"] {
        assert!(DiscountRate::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_guest_is_known_by_address_and_no_customer_is_a_guest() {
    let email = |text| Email::parse(text).unwrap();
    let guest = Redeemer::of(&Owner::Guest, &email("Ada@Example.com"));
    assert_eq!((guest.as_str(), Redeemer::of_owner(&Owner::Guest)), ("guest:ada@example.com", None));
    let customer = Owner::Customer(CustomerId::parse("guest:ada@example.com").unwrap());
    let customer_redeemer = Redeemer::of(&customer, &email("b@example.com"));
    assert_eq!(customer_redeemer.as_str(), "customer:guest:ada@example.com");
    assert_eq!(Redeemer::of_owner(&customer), Some(customer_redeemer));
}
