//! Neighbours behind TLS that want to know who we are.

use neighbour_sim::{Neighbours, Service, Tls};
use order_api::v1;
use order_server::telemetry::metrics;
use order_store::testing::TestDatabase;
use tonic::Code;

use super::product;
use crate::{
    certificates::{Authority, Files, Identity},
    door_races::kit::{eventually, refused},
    world::{World, card, cash, order_of, request_id},
};

const DOWN: (Code, &str) = (Code::Unavailable, "CATALOG_UNAVAILABLE");

/// Neighbours that show this identity, and serve clients of an authority only.
async fn neighbours(shown: Identity, clients: &Authority) -> Neighbours {
    let Identity { certificate: certificates, key } = shown;
    let tls = Tls { certificates, key, client_authorities: Some(clients.pem.clone()) };
    let around = Neighbours::start_over_tls("127.0.0.1:0".parse().unwrap(), &tls).await.unwrap();
    around.put_product(product("costume", 70));
    around
}

/// A service that believes one authority and shows one identity. Products are on the shelves.
async fn world(database: &TestDatabase, files: &Files, urls: &[(&str, &str)]) -> World {
    let [ca, certificate, key] = ["ca.crt", "us.crt", "us.key"].map(|name| files.path(name));
    let own = [("NEIGHBOUR_CA_FILE", &*ca), ("NEIGHBOUR_CERT_FILE", &certificate), ("NEIGHBOUR_KEY_FILE", &key)];
    // Time enough for several handshakes on a busy machine.
    let patience = [("NEIGHBOUR_TIMEOUT_MS", "3000"), ("CATALOG_CACHE_MS", "0")];
    World::with_products(database, &[&own[..], &patience, urls].concat()).await
}

async fn create(world: &World, payment: v1::PaymentInstrument) -> Result<v1::Order, tonic::Status> {
    let request = order_of(&[("costume", 1)], Some(payment));
    let request = v1::CreateOrderRequest { request_id: request_id(), ..request };
    world.customer("ada").orders.create_order(request).await.map(tonic::Response::into_inner)
}

async fn orders(world: &World) -> usize {
    let request = v1::AdminServiceListOrdersRequest::default();
    world.admin().admin.list_orders(request).await.unwrap().into_inner().orders.len()
}

/// How many looks at files came to nothing so far, in the whole process.
fn failed_reloads() -> u64 {
    let page = metrics::init().render();
    let series = "tls_failed_reloads_total{side=\"neighbours\"}";
    page.lines().find_map(|line| line.strip_prefix(series)).map_or(0, |count| count.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_priced_and_paid_by_neighbours_that_know_who_asks() {
    let (database, files) = (TestDatabase::sqlite().await, Files::new());
    let (theirs, ours) = (Authority::new(), Authority::new());
    files.put("ca.crt", &theirs.pem);
    files.put_identity("us", &ours.issue());
    let around = neighbours(theirs.issue(), &ours).await;
    assert!(around.url().starts_with("https://"));
    let urls = [("CATALOG_URL", &*around.url()), ("PAYMENT_URL", &around.url())];
    let world = world(&database, &files, &urls).await;
    let order = create(&world, card("tok_ok")).await.unwrap();
    assert_eq!(order.lines[0].unit_price.clone().unwrap().units, 70);
    assert_eq!(order.payment_status(), v1::PaymentStatus::Paid);
    assert_eq!(around.payments().len(), 1);
    let shown = world.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
    let catalog = shown.dependencies.iter().find(|one| one.kind() == v1::DependencyKind::Catalog).unwrap();
    assert_eq!(catalog.status(), v1::DependencyStatus::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_prove_to_be_the_neighbour_is_not_asked() {
    let (theirs, ours) = (Authority::new(), Authority::new());
    // Another authority; the right one, for another host.
    for shown in [Authority::new().issue(), theirs.issue_for(&["elsewhere.example.com"])] {
        let (database, files) = (TestDatabase::sqlite().await, Files::new());
        files.put("ca.crt", &theirs.pem);
        files.put_identity("us", &ours.issue());
        let around = neighbours(shown, &ours).await;
        let world = world(&database, &files, &[("CATALOG_URL", &around.url())]).await;
        let status = refused(create(&world, cash()).await, DOWN);
        assert!(
            !format!("{status:?}").contains("ertificate"),
            "what is wrong inside is nobody else's business: {status:?}"
        );
        assert_eq!((orders(&world).await, around.calls(Service::Catalog)), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_to_a_neighbour_behind_tls_comes_to_nothing() {
    let (database, files) = (TestDatabase::sqlite().await, Files::new());
    let (theirs, ours) = (Authority::new(), Authority::new());
    files.put("ca.crt", &theirs.pem);
    files.put_identity("us", &ours.issue());
    let around = neighbours(theirs.issue(), &ours).await;
    let plain = around.url().replace("https://", "http://");
    let world = world(&database, &files, &[("CATALOG_URL", &plain)]).await;
    refused(create(&world, cash()).await, DOWN);
    assert_eq!((orders(&world).await, around.calls(Service::Catalog)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_is_replaced_is_shown_with_the_next_connection() {
    let (database, files) = (TestDatabase::sqlite().await, Files::new());
    let (theirs, ours) = (Authority::new(), Authority::new());
    files.put("ca.crt", &theirs.pem);
    files.put_identity("us", &Authority::new().issue());
    let around = neighbours(theirs.issue(), &ours).await;
    let world = world(&database, &files, &[("CATALOG_URL", &around.url())]).await;
    refused(create(&world, cash()).await, DOWN);
    assert_eq!((orders(&world).await, around.calls(Service::Catalog)), (0, 0));
    files.put_identity("us", &ours.issue());
    eventually("the new identity is shown", || async { create(&world, cash()).await.is_ok() }).await;
    // Files that make no sense are for nobody, neither for the connection that is there nor for the next one.
    let before = failed_reloads();
    files.put("us.key", "garbage");
    files.put("ca.crt", "garbage");
    eventually("somebody looks at the files", || async { failed_reloads() > before }).await;
    create(&world, cash()).await.unwrap();
    let away = async { drop(refused(create(&world, cash()).await, DOWN)) };
    let around = around.restart(away).await.unwrap();
    eventually("the last good files count for new connections", || async { create(&world, cash()).await.is_ok() })
        .await;
    assert!(around.calls(Service::Catalog) > 0);
}
