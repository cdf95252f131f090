//! What one process remembers of products, while they change at the other.

use order_api::v1;
use order_store::testing::TestDatabase;
use tonic::Code;

use super::Two;
use crate::{
    door_races::kit::reason,
    world::{order_of, product},
};

/// Changes the product at the second process.
async fn change(two: &Two, (dollars, active): (i64, bool)) {
    let v1::ProductUpsert { product: Some(ware), .. } = product("ware", ("USD", dollars, 0), 0) else {
        panic!("a product is described")
    };
    let products =
        vec![v1::ProductUpsert { product: Some(v1::Product { active, ..ware }), ..v1::ProductUpsert::default() }];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    two.0[1].admin().admin.upsert_products(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_changes_at_one_process_is_sold_as_it_is_now_at_the_other() {
    let database = TestDatabase::empty_postgres().await;
    let two = Two::start(&database, &[]).await;
    two.shelve("ware", 1000).await;
    let [here, _] = two.desks(("42", 0));
    let subtotal = async || {
        let order = here.buyer.create(order_of(&[("ware", 1)], None)).await?;
        Ok::<_, tonic::Status>(order.subtotal.unwrap().units)
    };
    for dollars in [10, 11, 7, 12] {
        change(&two, (dollars, true)).await;
        // The second time it is remembered.
        assert_eq!([subtotal().await.unwrap(), subtotal().await.unwrap()], [dollars; 2]);
    }
    change(&two, (12, false)).await;
    for _ in 0..2 {
        let refused = subtotal().await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PRODUCT_INACTIVE"));
    }
    change(&two, (13, true)).await;
    assert_eq!(subtotal().await.unwrap(), 13, "a refusal is not remembered");
}
