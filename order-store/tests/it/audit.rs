//! Verification: a shop in use has no findings, and whatever somebody with a shell does to the data is one.

mod planted;
mod world;

use std::{collections::BTreeSet, sync::Arc};

use order_core::{
    audit::{Finding, Invariant},
    order::{Command, Tracking},
};
use order_store::{AuditProgress, AuditSummary, Store, StoreError, audit_reports, testing::on_both_engines};

use self::world::{World, answer};
use crate::shop::{Shop, Wish};

/// Verifies, and tells all that is found.
pub(crate) async fn verify(store: &Arc<dyn Store>) -> (Vec<Finding>, AuditSummary) {
    let (reports, mut watch) = audit_reports(10_000);
    let summary = store.audit(reports).await.unwrap();
    let mut findings = Vec::new();
    while let Some(finding) = watch.findings.recv().await {
        findings.push(finding);
    }
    let total = summary.orders;
    assert_eq!(*watch.progress.borrow(), AuditProgress { checked: total, total });
    assert_eq!(u64::try_from(findings.len()).unwrap(), summary.findings);
    (findings, summary)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_in_which_everything_has_happened_has_no_findings() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        assert_eq!(verify(&shop.store).await, (Vec::new(), AuditSummary::default()), "an empty shop");
        let world = World::open(shop).await;
        let (findings, summary) = verify(&world.shop.store).await;
        assert_eq!(findings, []);
        assert!(summary.orders > 15 && summary.events > 50 && summary.payments > 10, "{summary:?}");
        assert_eq!(summary.skus, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_corruption_is_found_and_named() {
    on_both_engines(|database| async move {
        let world = World::open(Shop::open(&database).await).await;
        for planted in planted::all(&world, database.url().engine()) {
            let found = database.execute(&planted.broken).await;
            found.unwrap_or_else(|error| panic!("{}: {error}", planted.broken));
            let (findings, _) = verify(&world.shop.store).await;
            let (invariant, kind, subject) = &planted.expected;
            let named = |finding: &&Finding| {
                (finding.invariant, finding.subject_kind, &finding.subject) == (*invariant, *kind, subject)
            };
            assert!(findings.iter().any(|finding| named(&finding)), "{planted:?}: {findings:#?}");
            assert!(findings.iter().all(|finding| finding.message.chars().count() <= 500));
            database.execute(&planted.mended).await.unwrap_or_else(|error| panic!("{}: {error}", planted.mended));
            assert_eq!(verify(&world.shop.store).await.0, [], "mended: {}", planted.mended);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_beyond_those_asked_for_are_counted() {
    on_both_engines(|database| async move {
        let world = World::open(Shop::open(&database).await).await;
        database.execute("UPDATE orders SET credited = 0; UPDATE order_search SET document = 'x'").await.unwrap();
        let (reports, mut watch) = audit_reports(3);
        let summary = world.shop.store.audit(reports).await.unwrap();
        assert!(summary.findings > summary.orders, "{summary:?}");
        let mut told = BTreeSet::new();
        while let Some(finding) = watch.findings.recv().await {
            told.insert((finding.invariant, finding.subject, finding.message));
        }
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|(invariant, ..)| *invariant == Invariant::I11));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_and_it_stops_with_its_caller() {
    on_both_engines(|database| async move {
        let world = World::open(Shop::open(&database).await).await;
        let store = &world.shop.store;
        let (first, _first) = audit_reports(10);
        let (second, _second) = audit_reports(10);
        let (one, other) = tokio::join!(store.audit(first), store.audit(second));
        let results = [one.map(|summary| summary.findings), other.map(|summary| summary.findings)];
        assert!(results.contains(&Ok(0)), "{results:?}");
        assert!(results.contains(&Err(StoreError::Overloaded { retry_after: None })), "{results:?}");
        // Begun and dropped, again and again; at the end there is room for one that is not.
        for _ in 0..20 {
            let (reports, _watch) = audit_reports(10);
            drop(tokio::time::timeout(std::time::Duration::from_micros(300), store.audit(reports)).await);
        }
        let ended = async {
            loop {
                let (reports, _watch) = audit_reports(10);
                match store.audit(reports).await {
                    Err(StoreError::Overloaded { .. }) => tokio::task::yield_now().await,
                    result => return result,
                }
            }
        };
        assert_eq!(ended.await.unwrap().findings, 0);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_goes_on_meanwhile_has_no_findings() {
    on_both_engines(|database| async move {
        let world = World::open(Shop::open(&database).await).await;
        let mug = world.shop.sell("mug", 1250, 0).await;
        let customers = (0..4).map(|n| {
            let (shop, mug) = (world.shop.clone(), mug.clone());
            tokio::spawn(async move {
                for round in 0..15 {
                    let wish = Wish::of(&[(&mug, 1 + n)]).by_card().by(&format!("customer{n}"));
                    let id = shop.place(wish).await.unwrap().order.id;
                    answer(&shop, id).await;
                    let commands = match round % 3 {
                        0 => vec![Command::Cancel],
                        1 => vec![Command::Confirm, Command::Ship(Tracking::default()), Command::Deliver],
                        _ => vec![Command::AddNote("again".to_owned())],
                    };
                    for command in commands {
                        shop.change(id, command).await.unwrap();
                    }
                    answer(&shop, id).await;
                }
            })
        });
        let customers: Vec<_> = customers.collect();
        let mut verified = 0;
        while verified < 3 || customers.iter().any(|customer| !customer.is_finished()) {
            assert_eq!(verify(&world.shop.store).await.0, []);
            verified += 1;
        }
        for customer in customers {
            customer.await.unwrap();
        }
        assert_eq!(verify(&world.shop.store).await.0, []);
    })
    .await;
}
