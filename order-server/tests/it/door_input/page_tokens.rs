//! Page tokens that are not ours, or were given for another list.

use order_api::v1::{
    AdminServiceListOrdersRequest, ListOrderEventsRequest, ListOrdersRequest, ListProductsRequest,
    ListStockMovementsRequest, OrderStatus,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::refusal::{Door, Refusal};
use crate::world::{Caller, order_of};

/// Every list under one token.
async fn every_list(caller: (&mut Caller, &mut Caller), order_id: &str, page_token: &str) -> Vec<Refusal> {
    let (ada, admin) = caller;
    let page_token = || page_token.to_owned();
    let sku = "FANGS".to_owned();
    let order_id = order_id.to_owned();
    vec![
        Refusal::of(ada.orders.list_orders(ListOrdersRequest { page_token: page_token(), ..Default::default() }).await),
        Refusal::of(
            admin
                .admin
                .list_orders(AdminServiceListOrdersRequest { page_token: page_token(), ..Default::default() })
                .await,
        ),
        Refusal::of(
            ada.orders
                .list_order_events(ListOrderEventsRequest { order_id, page_token: page_token(), ..Default::default() })
                .await,
        ),
        Refusal::of(
            admin.admin.list_products(ListProductsRequest { page_token: page_token(), ..Default::default() }).await,
        ),
        Refusal::of(
            admin
                .admin
                .list_stock_movements(ListStockMovementsRequest { sku, page_token: page_token(), ..Default::default() })
                .await,
        ),
    ]
}

fn assert_all_invalid(told: &[Refusal], token: &str) {
    for told in told {
        let verdict = (told.code, told.reason.as_str(), told.fields.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(verdict, (Code::InvalidArgument, "PAGE_TOKEN_INVALID", vec!["page_token"]), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_tokens_garbage() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let mut last = String::new();
        for _ in 0..3 {
            last = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner().order_id;
        }
        let first = ListOrdersRequest { page_size: 1, ..Default::default() };
        let good = ada.orders.list_orders(first.clone()).await.unwrap().into_inner().next_page_token;
        let garbage = vec![
            "garbage".to_owned(),
            "%%%".to_owned(),
            "AA".to_owned(),
            "\0".to_owned(),
            "' OR 1=1 --".to_owned(),
            "A".repeat(1_025),
            "x".repeat(500_000),
            format!("{good}AAAA"),
            format!("{good}="),
            good[..good.len() - 4].to_owned(),
            good.to_uppercase(),
            good.to_lowercase(),
        ];
        for token in &garbage {
            assert_all_invalid(&every_list((&mut ada, &mut admin), &last, token).await, token);
        }
        // A good token of one list is none of any other.
        let of_products = ListProductsRequest { page_size: 1, ..Default::default() };
        let foreign = admin.admin.list_products(of_products).await.unwrap().into_inner().next_page_token;
        let of_ada = ListOrdersRequest { page_token: foreign.clone(), ..first.clone() };
        let of_all = AdminServiceListOrdersRequest { page_token: good.clone(), page_size: 1, ..Default::default() };
        let told =
            [Refusal::of(ada.orders.list_orders(of_ada).await), Refusal::of(admin.admin.list_orders(of_all).await)];
        assert_all_invalid(&told, &foreign);
        a_token_belongs_to_its_arguments(&mut ada, (first, good)).await;
    })
    .await;
}

async fn a_token_belongs_to_its_arguments(ada: &mut Caller, (first, token): (ListOrdersRequest, String)) {
    let second = ListOrdersRequest { page_token: token, ..first };
    let other = |change: fn(&mut ListOrdersRequest)| {
        let mut request = second.clone();
        change(&mut request);
        request
    };
    for request in [
        other(|r| r.order_by = "total".into()),
        other(|r| r.order_by = "create_time desc".into()),
        other(|r| r.status = vec![OrderStatus::Pending.into()]),
        other(|r| r.query = "fangs".into()),
        other(|r| r.customer_id = "ada".into()),
        other(|r| r.create_time_from = Some(prost_types::Timestamp::default())),
    ] {
        let told = Refusal::of(ada.orders.list_orders(request).await);
        assert_all_invalid(&[told], "other arguments");
    }
    for request in [second.clone(), other(|r| r.page_size = 2), other(|r| r.include_total_size = true)] {
        assert!(!ada.orders.list_orders(request).await.unwrap().into_inner().orders.is_empty());
    }
}
