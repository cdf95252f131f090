use super::*;
use crate::money::Money;
use crate::{
    ids::{IdSeed, OrderId},
    limits,
    order::{Actor, Context, FulfillmentStatus, Order, PaymentStatus, State, Status, import},
    policy::Policy,
};

fn options() -> ImportOptions {
    ImportOptions {
        source: SourceName::parse("old-shop").unwrap(),
        currency: Currency::parse("USD").unwrap(),
        now: Timestamp::parse_rfc3339("2026-03-05T12:00:00Z").unwrap(),
    }
}

fn item(n: u32) -> RawItem {
    RawItem {
        external_id: n.to_string(),
        product_id: format!("{}", 100 + n),
        sku: "SKU0007".into(),
        quantity: "2".into(),
        unit_price: "10.5".into(),
    }
}

/// Spotless: two lines of 21.00.
fn clean() -> RawOrder {
    RawOrder {
        external_id: "17".into(),
        customer_id: "44".into(),
        status: "CREATED".into(),
        payment_status: "SUCCESS".into(),
        total: "42.00".into(),
        created_at: "2024-09-18 14:40:32".into(),
        items: vec![item(1), item(2)],
    }
}

fn changed(change: impl FnOnce(&mut RawOrder)) -> RawOrder {
    let mut raw = clean();
    change(&mut raw);
    raw
}

fn accepted(raw: &RawOrder) -> ImportDraft {
    match Judge::new(options()).judge(raw) {
        Verdict::Accept(draft) => *draft,
        other @ (Verdict::Refuse(_) | Verdict::Repeat { .. }) => panic!("{raw:?}: {other:?}"),
    }
}

fn refused(raw: &RawOrder) -> Rejection {
    match Judge::new(options()).judge(raw) {
        Verdict::Refuse(rejection) => rejection,
        other @ (Verdict::Accept(_) | Verdict::Repeat { .. }) => panic!("{raw:?}: {other:?}"),
    }
}

fn taken_over(raw: &RawOrder) -> Order {
    let context = Context {
        now: options().now,
        actor: Actor::System("import".into()),
        request_id: None,
        reason: None,
        ids: IdSeed::new(uuid::Uuid::from_u128(7 << 80)),
        policy: Policy::default(),
    };
    let placement = import(accepted(raw), OrderId::new(uuid::Uuid::from_u128(1 << 80)), &context).unwrap();
    assert!(placement.order.is_sound());
    assert!(placement.demand.is_empty(), "an import promises nothing");
    placement.order
}

#[test]
fn a_clean_order_is_taken_as_it_is() {
    let draft = accepted(&clean());
    assert_eq!(draft.source.corrections, [""; 0]);
    assert_eq!(draft.create_time.to_string(), "2024-09-18T14:40:32Z");
    assert_eq!(draft.source.original_total.map(Money::minor), Some(4200));
    assert_eq!(draft.lines[0].sku.as_str(), "SKU0007");
    assert_eq!(draft.lines[1].product_id.as_str(), "102", "a SKU does not determine a product");
}

#[test]
fn every_pair_of_words_leaves_the_order_where_the_table_says() {
    use {FulfillmentStatus as F, PaymentStatus as P, State as T, Status as W};
    let table = [
        ("CREATED", "SUCCESS", T::Pending, P::Paid, F::Unfulfilled, W::Paid, None),
        ("CREATED", "FAILED", T::Pending, P::Failed, F::Unfulfilled, W::Pending, None),
        ("DELIVERED", "SUCCESS", T::Processing, P::Paid, F::Delivered, W::Delivered, None),
        (
            "DELIVERED",
            "FAILED",
            T::Processing,
            P::Failed,
            F::Delivered,
            W::Delivered,
            Some(Correction::DeliveredUnpaid),
        ),
        ("CANCELLED", "FAILED", T::Cancelled, P::Failed, F::Cancelled, W::Cancelled, None),
        (
            "CANCELLED",
            "SUCCESS",
            T::Cancelled,
            P::Paid,
            F::Cancelled,
            W::Cancelled,
            Some(Correction::CancelledStillPaid),
        ),
    ];
    for (status, payment, state, paid, fulfilled, word, correction) in table {
        let order = taken_over(&changed(|raw| {
            raw.status = status.into();
            raw.payment_status = payment.into();
        }));
        let axes = (order.state, order.payment_status, order.fulfillment_status, order.status);
        assert_eq!(axes, (state, paid, fulfilled, word), "{status} {payment}");
        let named: Vec<_> = correction.iter().map(|correction| correction.as_str().to_owned()).collect();
        assert_eq!(order.import.unwrap().corrections, named, "{status} {payment}");
    }
}

#[test]
fn our_total_is_the_sum_of_the_lines_and_theirs_is_kept_beside_it() {
    let order = taken_over(&changed(|raw| raw.total = "966.29".into()));
    let import = order.import.unwrap();
    assert_eq!((order.totals.total.minor(), import.original_total.unwrap().minor()), (4200, 96_629));
    assert_eq!(import.corrections, ["TOTAL_RECOMPUTED"]);
}

#[test]
fn an_order_of_free_things_is_taken_without_a_payment() {
    let order = taken_over(&changed(|raw| {
        raw.total = "0".into();
        raw.items.iter_mut().for_each(|item| item.unit_price = "0.00".into());
    }));
    assert_eq!((order.totals.total.minor(), order.payments.len()), (0, 0));
    assert_eq!(order.status, Status::Paid);
}

type Change = fn(&mut RawOrder);

#[test]
fn every_correction_is_named() {
    let cases: &[(Correction, Change)] = &[
        (Correction::BlanksTrimmed, |raw| raw.customer_id = " 44\t".into()),
        (Correction::CancelledStillPaid, |raw| raw.status = "CANCELLED".into()),
        (Correction::DeliveredUnpaid, |raw| {
            raw.status = "DELIVERED".into();
            raw.payment_status = "FAILED".into();
        }),
        (Correction::LineRepeated, |raw| raw.items.push(item(2))),
        (Correction::QuantityDecimal, |raw| raw.items[0].quantity = "2.00".into()),
        (Correction::StatusSpelling, |raw| raw.status = "created".into()),
        (Correction::StatusSpelling, |raw| raw.payment_status = "Success".into()),
        (Correction::TimeAssumed, |raw| raw.created_at = "2024-09-18".into()),
        (Correction::TotalRecomputed, |raw| raw.total = "-1".into()),
        (Correction::TotalUnreadable, |raw| raw.total = String::new()),
        (Correction::TotalUnreadable, |raw| raw.total = "n/a".into()),
    ];
    for (correction, change) in cases {
        assert_eq!(accepted(&changed(change)).source.corrections, [correction.as_str()]);
    }
    let covered: std::collections::BTreeSet<_> = cases.iter().map(|(correction, _)| *correction).collect();
    assert_eq!(covered.len(), Correction::ALL.len());
}

#[test]
fn corrections_come_together_and_sorted() {
    let draft = accepted(&changed(|raw| {
        raw.status = " canceled".into();
        raw.total = "1".into();
    }));
    let expected = ["BLANKS_TRIMMED", "CANCELLED_STILL_PAID", "STATUS_SPELLING", "TOTAL_RECOMPUTED"];
    assert_eq!(draft.source.corrections, expected);
    assert_eq!(draft.source.original_status, " canceled", "kept as written");
}

#[test]
fn every_refusal_is_named() {
    let cases: &[(RefusalReason, Change)] = &[
        (RefusalReason::TextTooLong, |raw| raw.items[1].sku = "x".repeat(TEXT_CHARS + 1)),
        (RefusalReason::BadId, |raw| raw.external_id = "  ".into()),
        (RefusalReason::BadId, |raw| raw.external_id = "a\0b".into()),
        (RefusalReason::BadCustomer, |raw| raw.customer_id = String::new()),
        (RefusalReason::BadCustomer, |raw| raw.customer_id = "Jo Doe".into()),
        (RefusalReason::UnknownStatus, |raw| raw.status = "LOST".into()),
        (RefusalReason::UnknownStatus, |raw| raw.status = String::new()),
        (RefusalReason::UnknownPaymentStatus, |raw| raw.payment_status = "REFUNDED".into()),
        (RefusalReason::BadDate, |raw| raw.created_at = "18.09.2024".into()),
        (RefusalReason::BadDate, |raw| raw.created_at = "2024-02-30 00:00:00".into()),
        (RefusalReason::BadDate, |raw| raw.created_at = "1900-01-01 00:00:00".into()),
        (RefusalReason::BadDate, |raw| raw.created_at = "2062-09-18 14:40:32".into()),
        (RefusalReason::NoLines, |raw| raw.items.clear()),
        (RefusalReason::TooManyLines, |raw| raw.items = (0..=100).map(item).collect()),
        (RefusalReason::DuplicateLine, |raw| raw.items[1].external_id = "1".into()),
        (RefusalReason::BadProduct, |raw| raw.items[0].product_id = String::new()),
        (RefusalReason::BadProduct, |raw| raw.items[0].sku = "a b".into()),
        (RefusalReason::BadQuantity, |raw| raw.items[0].quantity = "0".into()),
        (RefusalReason::BadQuantity, |raw| raw.items[0].quantity = "-1".into()),
        (RefusalReason::BadQuantity, |raw| raw.items[0].quantity = "1.5".into()),
        (RefusalReason::BadQuantity, |raw| raw.items[0].quantity = "2.".into()),
        (RefusalReason::BadQuantity, |raw| raw.items[0].quantity = (limits::QUANTITY_MAX + 1).to_string()),
        (RefusalReason::BadPrice, |raw| raw.items[0].unit_price = "-0.01".into()),
        (RefusalReason::BadPrice, |raw| raw.items[0].unit_price = "1,234.50".into()),
        (RefusalReason::BadPrice, |raw| raw.items[0].unit_price = "0.005".into()),
        (RefusalReason::BadPrice, |raw| raw.items[0].unit_price = "99999999999".into()),
    ];
    for (reason, change) in cases {
        let rejection = refused(&changed(change));
        assert_eq!(rejection.reason, *reason, "{}", rejection.message);
        assert!(rejection.message.chars().count() <= 200);
        assert!(!rejection.message.chars().any(char::is_control));
    }
    let mut covered: std::collections::BTreeSet<_> = cases.iter().map(|(reason, _)| *reason).collect();
    covered.insert(RefusalReason::DuplicateId); // Has a test of its own.
    assert_eq!(covered.len(), RefusalReason::ALL.len());
}

#[test]
fn the_first_reason_counts_and_the_message_says_how_many_more_there_are() {
    let rejection = refused(&changed(|raw| {
        raw.status = "LOST".into();
        raw.items[1].quantity = "none".into();
    }));
    assert_eq!(rejection.reason, RefusalReason::UnknownStatus);
    assert_eq!(rejection.message, "status \"LOST\" means nothing here (and 1 more)");
}

#[test]
fn the_same_row_twice_is_one_order_and_another_row_under_its_id_is_refused() {
    let mut judge = Judge::new(options());
    assert!(matches!(judge.judge(&clean()), Verdict::Accept(_)));
    assert!(matches!(judge.judge(&changed(|raw| raw.external_id = "18".into())), Verdict::Accept(_)));
    assert_eq!(judge.judge(&clean()), Verdict::Repeat { first: 0 });
    let Verdict::Refuse(rejection) = judge.judge(&changed(|raw| raw.total = "43.00".into())) else {
        panic!("two contents under one id");
    };
    assert_eq!(rejection.reason, RefusalReason::DuplicateId);
    assert_eq!(rejection.message, "order \"17\" came before with other content, as number 1");
}

#[test]
fn times_with_an_offset_are_read_as_well() {
    let draft = accepted(&changed(|raw| raw.created_at = "2024-09-18T16:40:32+02:00".into()));
    assert_eq!(draft.create_time.to_string(), "2024-09-18T14:40:32Z");
    assert_eq!(draft.source.corrections, [""; 0]);
}

#[test]
fn names_of_sources_are_short_and_plain() {
    assert!(SourceName::parse("eci_2024-a").is_ok());
    for wrong in ["", "ECI", "a b", &"x".repeat(SOURCE_NAME_CHARS + 1)] {
        assert_eq!(SourceName::parse(wrong), Err(SourceNameError), "{wrong}");
    }
}
