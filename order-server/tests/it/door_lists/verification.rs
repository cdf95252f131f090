//! `VerifyInvariants` at the public door, and `verify` beside a service that goes on.

use std::process::{Command, Output};

use order_api::v1::{self, verify_invariants_response::Message};
use order_store::{
    DatabaseUrl,
    testing::{TestDatabase, on_both_engines},
};
use tonic::Code;

use crate::world::{World, card, cash, order_of};

/// A world with a few orders; the last one paid by card.
async fn shop(database: &TestDatabase) -> (World, v1::Order) {
    let world = World::with_products(database, &[]).await;
    let mut ada = world.customer("ada");
    ada.orders.create_order(order_of(&[("fangs", 2)], Some(cash()))).await.unwrap();
    let order = ada.orders.create_order(order_of(&[("costume", 1)], Some(card("tok_ok")))).await.unwrap();
    (world, order.into_inner())
}

async fn verify(world: &World, max_findings: i32) -> (Vec<v1::InvariantFinding>, v1::VerificationSummary) {
    let request = v1::VerifyInvariantsRequest { max_findings };
    let mut stream = world.admin().admin.verify_invariants(request).await.unwrap().into_inner();
    let (mut findings, mut summary, mut progress) = (Vec::new(), None, 0);
    while let Some(message) = stream.message().await.unwrap() {
        assert_eq!(summary, None, "the summary is the last message");
        match message.message.unwrap() {
            Message::Finding(finding) => findings.push(finding),
            Message::Progress(told) => {
                assert!(told.orders_checked <= told.orders_total || told.orders_total == 0, "{told:?}");
                progress += 1;
            }
            Message::Summary(told) => summary = Some(told),
        }
    }
    assert!(progress > 0, "it says how far it is");
    (findings, summary.expect("it was complete"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_then_what_was_looked_at() {
    on_both_engines(|database| async move {
        let (world, order) = shop(&database).await;
        let (findings, summary) = verify(&world, 0).await;
        assert_eq!(findings, []);
        assert_eq!((summary.orders, summary.skus, summary.payments, summary.findings), (2, 5, 2, 0));
        assert!(summary.events > 4 && summary.snapshot_time.is_some());

        database.execute("UPDATE payment SET captured = captured - 1 WHERE captured > 0").await.unwrap();
        let (findings, summary) = verify(&world, 0).await;
        let payment = &order.payments[0].payment_id;
        let named = |finding: &v1::InvariantFinding| {
            (finding.invariant.as_str(), finding.subject_kind.as_str(), &finding.subject) == ("I7", "payment", payment)
        };
        assert!(findings.iter().any(named), "{findings:#?}");
        assert_eq!(summary.findings, i64::try_from(findings.len()).unwrap());

        let (first, summary) = verify(&world, 1).await;
        assert_eq!((first.len(), summary.findings), (1, i64::try_from(findings.len()).unwrap()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_verify_and_never_a_negative_number() {
    let database = TestDatabase::sqlite().await;
    let (world, _) = shop(&database).await;
    let request = |max_findings| v1::VerifyInvariantsRequest { max_findings };
    for mut caller in [world.customer("ada"), world.service()] {
        let refused = caller.admin.verify_invariants(request(0)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let refused = world.admin().admin.verify_invariants(request(-1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_ends_with_its_caller_and_with_the_process() {
    on_both_engines(|database| async move {
        let (world, _) = shop(&database).await;
        for _ in 0..5 {
            let stream = world.admin().admin.verify_invariants(v1::VerifyInvariantsRequest::default()).await.unwrap();
            drop(stream);
        }
        // Whoever comes next may still meet the last of them.
        loop {
            let request = v1::VerifyInvariantsRequest::default();
            let mut stream = world.admin().admin.verify_invariants(request).await.unwrap().into_inner();
            let ended = async {
                while stream.message().await?.is_some() {}
                Ok::<_, tonic::Status>(())
            };
            match ended.await {
                Ok(()) => break,
                Err(busy) => assert_eq!(busy.code(), Code::ResourceExhausted, "{busy:?}"),
            }
        }
        world.stop().await;
    })
    .await;
}

/// `order-server verify` on the database of a test.
fn command(database: &TestDatabase, arguments: &[&str]) -> Output {
    let url = match database.url() {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(_) => unreachable!("its password is not shown"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-server"));
    command.arg("verify").args(arguments).env_clear().env("DATABASE_URL", url).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_exits_with_zero_only_when_nothing_is_wrong() {
    let database = TestDatabase::sqlite().await;
    let (world, order) = shop(&database).await;
    let output = command(&database, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("Verified 2 orders"), "{text}");
    assert!(text.contains("0 findings"), "{text}");

    database.execute("UPDATE orders SET status = 'SHIPPED'").await.unwrap();
    let output = command(&database, &["--max-findings", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("I8") && text.contains("findings"), "{text}");

    let output = command(&database, &["--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["orders"], 2);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(report["found"], findings.len());
    assert!(findings.iter().any(|finding| finding["subject"] == order.order_id.as_str()), "{report:#}");
    world.stop().await;
}
