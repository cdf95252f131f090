//! Many buyers and few goods: never oversold, never undersold, and nobody is in anybody's way.

use order_api::v1;

use super::{
    audit::audit,
    kit::{SHORT, at_once, fact, on_both_engines, refused, shelve, spread},
};
use crate::world::{World, card, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn last_unit_race() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let answers = at_once(64, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            async move { buyer.create(order_of(&[("cape", 1)], None)).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 63));
        for answer in lost {
            let status = refused(answer, SHORT);
            let facts = ["sku", "requested", "available"].map(|name| fact(&status, name));
            assert_eq!(facts, ["CAPE", "1", "0"]);
        }
        assert_eq!(world.shelf("CAPE").await, (1, 1));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_sku_exact_sellout() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        shelve(&world, "hot", 100).await;
        // 1, 2 or 3 units each: 240 wanted of 100. Whoever asks for one gets one as long as there is one.
        let answers = at_once(120, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            let quantity = i64::try_from(n % 3).unwrap() + 1;
            async move { (quantity, buyer.create(order_of(&[("hot", quantity)], Some(card("tok_approve")))).await) }
        })
        .await;
        let sold: i64 = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(quantity, _)| quantity).sum();
        assert_eq!(world.shelf("HOT").await, (100, sold));
        for (quantity, answer) in answers {
            if answer.is_err() {
                let status = refused(answer, SHORT);
                assert!(fact(&status, "available").parse::<i64>().unwrap() < quantity);
            }
        }
        // What is left goes to those who still want one; then there is nothing, and exactly nothing.
        let late = world.customer("late");
        for _ in sold..100 {
            late.create(order_of(&[("hot", 1)], None)).await.unwrap();
        }
        refused(late.create(order_of(&[("hot", 1)], None)).await, SHORT);
        assert_eq!(world.shelf("HOT").await, (100, 100));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_sku_two_lines_sums() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        shelve(&world, "pair", 5).await;
        let buyer = world.customer("42");
        let status = refused(buyer.create(order_of(&[("pair", 3), ("fangs", 1), ("pair", 3)], None)).await, SHORT);
        let facts = ["sku", "requested", "available"].map(|name| fact(&status, name));
        assert_eq!(facts, ["PAIR", "6", "5"], "each line alone would fit, their sum does not");
        assert_eq!(world.shelf("FANGS").await, (100, 0), "nothing is taken for an order that is refused");

        let order = buyer.create(order_of(&[("pair", 3), ("pair", 2)], None)).await.unwrap();
        assert_eq!(order.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(world.shelf("PAIR").await, (5, 5));
        buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!(world.shelf("PAIR").await, (5, 0));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reversed_sku_order_no_deadlock() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        for id in ["a", "b", "c"] {
            shelve(&world, id, 1000).await;
        }
        let answers = at_once(64, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            let lines = if n % 2 == 0 { [("a", 1), ("b", 1), ("c", 1)] } else { [("c", 1), ("b", 1), ("a", 1)] };
            async move {
                let order = buyer.create(order_of(&lines, None)).await?;
                if n % 4 < 2 { buyer.cancel(&order.order_id).await } else { Ok(order) }
            }
        })
        .await;
        let cancelled = answers.into_iter().map(Result::unwrap).filter(|o| o.state() == v1::OrderState::Cancelled);
        assert_eq!(cancelled.count(), 32, "nobody is turned away because of somebody else");
        for sku in ["A", "B", "C"] {
            assert_eq!(world.shelf(sku).await, (1000, 32));
        }
        audit(&database).await;
    })
    .await;
}

/// Orders that are refused, each in its own way, among orders that are not.
#[tokio::test(flavor = "multi_thread")]
async fn poison_order_isolated() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        shelve(&world, "plenty", 1000).await;
        let answers = at_once(96, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            let good = order_of(&[("plenty", 1)], None);
            let request = match n % 8 {
                1 => order_of(&[("plenty", 1), ("fangs", 10_000)], None),
                2 => order_of(&[("plenty", 1), ("retired", 1)], None),
                3 => order_of(&[("plenty", 1), ("nothing", 1)], None),
                4 => order_of(&[("plenty", 1), ("kimono", 1)], None),
                5 => v1::CreateOrderRequest { notes: "zero \0 byte".to_owned(), ..good },
                6 => v1::CreateOrderRequest { metadata: [("k".into(), "\0".into())].into(), ..good },
                _ => good,
            };
            async move { buyer.create(request).await }
        })
        .await;
        for (n, answer) in answers.into_iter().enumerate() {
            match n % 8 {
                0 | 7 => drop(answer.unwrap()),
                poison => {
                    let code = answer.unwrap_err().code();
                    assert!(!matches!(code, tonic::Code::Internal | tonic::Code::Unknown), "{poison}: {code:?}");
                }
            }
        }
        assert_eq!(world.shelf("PLENTY").await, (1000, 24));
        assert_eq!(world.shelf("FANGS").await, (100, 0));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_numbers_have_no_gap_whatever_is_refused_meanwhile() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        shelve(&world, "scarce", 40).await;
        let answers = spread((120, 32), |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            let payment = (n % 3 == 0).then(|| card(if n % 2 == 0 { "tok_approve" } else { "tok_decline_lost_card" }));
            async move { buyer.create(order_of(&[("scarce", 1)], payment)).await }
        })
        .await;
        let mut numbers: Vec<_> = answers.into_iter().flatten().map(|order| order.order_number).collect();
        numbers.sort();
        let expected: Vec<_> = (1001..1041).map(|n| format!("SPK-2026-{n:06}")).collect();
        assert_eq!(numbers, expected);
        audit(&database).await;
    })
    .await;
}
