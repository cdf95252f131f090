//! Statistics and summaries.

use std::collections::BTreeMap;

use order_core::{
    money::Money,
    order::{Command, Status},
    time::Timestamp,
};
use order_store::{CustomerSummary, DayStats, Stats, StatsQuery, testing::on_both_engines};

use crate::{
    shop::{NOW, Shop, Wish, currency, customer, later},
    structure::{down, take_back_and_apply},
};

const DAY: i64 = 86_400;

fn query() -> StatsQuery {
    let midnight = NOW.plus_seconds(-12 * 3600);
    let days = (-1..=1).map(|day| midnight.plus_seconds(day * DAY)).collect();
    StatsQuery { today: midnight, month: midnight.plus_seconds(-DAY), days }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_an_empty_shop_are_empty() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let stats = shop.store.stats(query()).await.unwrap();
        assert_eq!(stats, Stats { days: vec![DayStats::default(); 2], ..Stats::default() });
        let nothing = StatsQuery { days: Vec::new(), ..query() };
        assert_eq!(shop.store.stats(nothing).await.unwrap(), Stats::default());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_words_money_and_days() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 10_000, 100).await;
        let cap = shop.sell_at("cap", Money::new(10_000, currency("EUR")), 100).await;
        let place = |wish: Wish| async { shop.place(wish).await.unwrap().order };
        // Long ago, yesterday, and three today, one of them in another currency.
        let old = place(Wish::of(&[(&mug, 1)]).at(later(-40 * DAY))).await;
        let yesterday = place(Wish::of(&[(&mug, 1)]).at(later(-DAY))).await;
        let today = place(Wish::of(&[(&mug, 2)]).by_card()).await;
        let euros = place(Wish::of(&[(&cap, 1)])).await;
        place(Wish::of(&[(&mug, 1)])).await;
        for order in [&old, &yesterday, &euros] {
            shop.change(order.id, Command::Confirm).await.unwrap();
        }
        shop.settle(today.id).await;
        shop.change(today.id, Command::Cancel).await.unwrap();
        shop.settle(today.id).await;
        let stats = shop.store.stats(query()).await.unwrap();
        let words = [(Status::Pending, 1), (Status::Confirmed, 3), (Status::Refunded, 1)];
        assert_eq!(stats.by_status, BTreeMap::from(words));
        let (usd, eur) = (currency("USD"), currency("EUR"));
        let [one, two] = [yesterday.totals.total.minor(), today.totals.total.minor()];
        let euro = euros.totals.total.minor();
        assert_eq!(stats.revenue, BTreeMap::from([(usd, 2 * one), (eur, euro)]));
        assert_eq!(stats.refunds, BTreeMap::from([(usd, two)]));
        assert_eq!((stats.today, stats.month), (3, 4));
        let days = [
            DayStats { orders: 1, revenue: BTreeMap::from([(usd, one)]) },
            DayStats { orders: 3, revenue: BTreeMap::from([(eur, euro)]) },
        ];
        assert_eq!(stats.days, days);
        // Where rollups are introduced, orders may be there already.
        take_back_and_apply(&database, &[down!("0005_rollups")]).await;
        assert_eq!(shop.store.stats(query()).await.unwrap(), stats);
        // Statistics of each length of the periods that there are, and of one that there is not.
        for shift in [-3600, -900, -60] {
            let moved = |bound: Timestamp| bound.plus_seconds(shift);
            let StatsQuery { today, month, days } = query();
            let days = days.into_iter().map(moved).collect();
            let moved = StatsQuery { today: moved(today), month: moved(month), days };
            assert_eq!(shop.store.stats(moved).await.unwrap(), stats, "nobody orders around midnight");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_at_the_stroke_of_midnight_belongs_to_the_new_day() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 10_000, 100).await;
        // Days of a zone whose offset is no whole number of minutes; of whole hours, of half of one, and none.
        let starts = [NOW.plus_micros(7_777_777), later(10 * DAY), later(20 * DAY + 1800), later(30 * DAY + DAY / 2)];
        for start in starts {
            let days = vec![start.plus_seconds(-DAY), start, start.plus_seconds(DAY)];
            for micros in [-1, 0, DAY * 1_000_000 - 1, DAY * 1_000_000] {
                shop.place(Wish::of(&[(&mug, 1)]).at(start.plus_micros(micros))).await.unwrap();
            }
            let stats = shop.store.stats(StatsQuery { today: start, month: start, days }).await.unwrap();
            let orders: Vec<_> = stats.days.iter().map(|day| day.orders).collect();
            assert_eq!((orders, stats.today), (vec![1, 2], 3), "{start:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_tells_what_one_customer_ordered_and_spent() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 10_000, 100).await;
        let cap = shop.sell_at("cap", Money::new(10_000, currency("EUR")), 100).await;
        let ada = || customer("ada");
        assert_eq!(shop.store.customer_summary(ada(), NOW).await.unwrap(), CustomerSummary::default());
        let old = shop.place(Wish::of(&[(&mug, 1)]).by_card().at(later(-DAY))).await.unwrap().order;
        let euros = shop.place(Wish::of(&[(&cap, 2)]).by_card()).await.unwrap().order;
        let newest = shop.place(Wish::of(&[(&mug, 1)]).at(later(1))).await.unwrap().order;
        let back = shop.place(Wish::of(&[(&mug, 3)]).by_card()).await.unwrap().order;
        shop.place(Wish::of(&[(&mug, 1)]).by("bob").by_card()).await.unwrap();
        for order in [&old, &euros, &back] {
            shop.settle(order.id).await;
        }
        shop.change(back.id, Command::Cancel).await.unwrap();
        shop.settle(back.id).await;
        let summary = shop.store.customer_summary(ada(), NOW).await.unwrap();
        assert_eq!((summary.orders, summary.recent), (4, 3));
        assert_eq!(summary.last, Some((newest.id, newest.create_time)));
        let spent = [(currency("USD"), old.totals.total.minor()), (currency("EUR"), euros.totals.total.minor())];
        assert_eq!(summary.spent, BTreeMap::from(spent));
    })
    .await;
}
