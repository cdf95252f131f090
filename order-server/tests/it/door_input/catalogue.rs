//! Products that are unknown, not for sale, or priced in another currency; and products that are no products.

use order_api::v1::{
    AddCartItemRequest, AdjustStockRequest, CreateOrderRequest, GetProductRequest, GetStockRequest,
    ListStockMovementsRequest, Product, ProductUpsert, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::refusal::{Door, assert_invalid, assert_refused};
use crate::world::{money, order_of, product, request_id};

fn add(product_id: &str) -> AddCartItemRequest {
    AddCartItemRequest { product_id: product_id.into(), quantity: 1, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_products_are_refused_with_the_path_of_every_line() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let unknown = (Code::InvalidArgument, "PRODUCT_NOT_FOUND");
        let request = order_of(&[("costume", 1), ("unicorn", 1), ("fangs", 1), ("dragon", 2)], None);
        for validate_only in [false, true] {
            let request = CreateOrderRequest { validate_only, request_id: request_id(), ..request.clone() };
            let told = door.refuses(ada.orders.create_order(request), unknown).await;
            assert_eq!(told.fields, ["lines[1].product_id", "lines[3].product_id"].map(str::to_owned).into());
        }
        let told = door.refuses(ada.carts.add_cart_item(add("unicorn")), unknown).await;
        assert_eq!(told.fields, ["product_id".to_owned()].into());
        assert_eq!(told.facts(["product_id"]), ["unicorn"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inactive_products_are_refused_by_name() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let inactive = (Code::FailedPrecondition, "PRODUCT_INACTIVE");
        for validate_only in [false, true] {
            let request = CreateOrderRequest { validate_only, ..order_of(&[("costume", 1), ("retired", 1)], None) };
            let told = door.refuses(ada.orders.create_order(request), inactive).await;
            assert_eq!(told.facts(["product_id", "count"]), ["retired", "1"]);
            assert_eq!(told.conditions(), [("PRODUCT", "retired")]);
        }
        let told = door.refuses(ada.carts.add_cart_item(add("retired")), inactive).await;
        assert_eq!(told.conditions(), [("PRODUCT", "retired")]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_in_a_foreign_currency_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let foreign = (Code::FailedPrecondition, "CURRENCY_MISMATCH");
        for validate_only in [false, true] {
            let request = CreateOrderRequest { validate_only, ..order_of(&[("costume", 1), ("kimono", 1)], None) };
            let told = door.refuses(ada.orders.create_order(request.clone()), foreign).await;
            assert_eq!(told.conditions(), [("CURRENCY", "kimono")]);
            let yen = CreateOrderRequest { currency_code: "JPY".into(), ..request };
            let told = door.refuses(ada.orders.create_order(yen), foreign).await;
            assert_eq!(told.conditions(), [("CURRENCY", "costume")]);
        }
        let told = door.refuses(ada.carts.add_cart_item(add("kimono")), foreign).await;
        assert_eq!(told.facts(["cart", "product"]), ["USD", "JPY"]);
        // In its own currency it can be bought.
        let yen = CreateOrderRequest { currency_code: "JPY".into(), ..order_of(&[("kimono", 1)], None) };
        assert_eq!(ada.orders.create_order(yen).await.unwrap().into_inner().currency_code, "JPY");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_product_ids_and_skus_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let long = "x".repeat(65);
        for text in ["", "a b", "naïve", "a/b", "'; DROP TABLE product; --", "a\0b", "../../etc/passwd", &long] {
            let order = order_of(&[(text, 1)], None);
            door.rejects(ada.orders.create_order(order), &["lines[0].product_id"]).await;
            door.rejects(ada.carts.add_cart_item(add(text)), &["product_id"]).await;
            let request = GetProductRequest { product_id: text.into() };
            assert_invalid(admin.admin.get_product(request).await, &["product_id"]);
            assert_invalid(admin.admin.get_stock(GetStockRequest { sku: text.into() }).await, &["sku"]);
            let request = ListStockMovementsRequest { sku: text.into(), ..Default::default() };
            assert_invalid(admin.admin.list_stock_movements(request).await, &["sku"]);
            let request =
                AdjustStockRequest { sku: text.into(), delta: 1, reason: "found".into(), ..Default::default() };
            door.rejects(admin.admin.adjust_stock(request), &["sku"]).await;
        }
        let request = GetProductRequest { product_id: "unicorn".into() };
        assert_refused(admin.admin.get_product(request).await, Code::NotFound, "PRODUCT_NOT_FOUND");
        let nowhere = (Code::NotFound, "STOCK_NOT_FOUND");
        let request = GetStockRequest { sku: "UNICORN".into() };
        assert_refused(admin.admin.get_stock(request).await, nowhere.0, nowhere.1);
        let request = ListStockMovementsRequest { sku: "UNICORN".into(), ..Default::default() };
        assert_refused(admin.admin.list_stock_movements(request).await, nowhere.0, nowhere.1);
        for validate_only in [false, true] {
            let reason = "found".to_owned();
            let request =
                AdjustStockRequest { sku: "UNICORN".into(), delta: 1, reason, validate_only, ..Default::default() };
            door.refuses(admin.admin.adjust_stock(request), nowhere).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_are_no_products_are_refused_all_or_nothing() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut admin = door.world.admin();
        let good = || product("hat", ("USD", 1, 0), 1);
        let with = |spoil: fn(&mut Product)| {
            let mut product = product("mask", ("USD", 1, 0), 1).product.unwrap();
            spoil(&mut product);
            ProductUpsert { product: Some(product), initial_stock: Some(1) }
        };
        let stock = |units| ProductUpsert { initial_stock: Some(units), ..product("mask", ("USD", 1, 0), 1) };
        let cases: Vec<(ProductUpsert, &[&str])> = vec![
            (ProductUpsert::default(), &["products[1].product"]),
            (with(|p| p.name.clear()), &["products[1].product.name"]),
            (with(|p| p.name = "x".repeat(201)), &["products[1].product.name"]),
            (with(|p| p.description = "x".repeat(2_001)), &["products[1].product.description"]),
            (with(|p| p.tax_class = "re duced".into()), &["products[1].product.tax_class"]),
            (with(|p| p.price = Some(money(("USD", 10_000_000_001, 0)))), &["products[1].product.price"]),
            (with(|p| p.etag = "garbage".into()), &["products[1].product.etag"]),
            (stock(-1), &["products[1].initial_stock"]),
            (stock(1_000_000_001), &["products[1].initial_stock"]),
            (stock(i64::MIN), &["products[1].initial_stock"]),
            (good(), &["products[1].product.product_id", "products[1].product.sku"]),
        ];
        for (wrong, paths) in cases {
            for validate_only in [false, true] {
                let products = vec![good(), wrong.clone()];
                let request = UpsertProductsRequest { products, validate_only, ..Default::default() };
                door.rejects(admin.admin.upsert_products(request), paths).await;
            }
        }
        door.rejects(admin.admin.upsert_products(UpsertProductsRequest::default()), &["products"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_adjustments_that_are_none_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut admin = door.world.admin();
        let adjust = |delta: i64, reason: &str| AdjustStockRequest {
            sku: "FANGS".into(),
            delta,
            reason: reason.into(),
            ..Default::default()
        };
        for delta in [0, 1_000_000_001, -1_000_000_001, i64::MAX, i64::MIN] {
            door.rejects(admin.admin.adjust_stock(adjust(delta, "counted")), &["delta"]).await;
        }
        for reason in ["", "  ", &"x".repeat(501), "a\0b", "card 4111 1111 1111 1111"] {
            door.rejects(admin.admin.adjust_stock(adjust(1, reason)), &["reason"]).await;
        }
        let order = order_of(&[("fangs", 30)], None);
        door.world.customer("ada").orders.create_order(order).await.unwrap();
        for validate_only in [false, true] {
            let request = AdjustStockRequest { validate_only, ..adjust(-71, "stolen") };
            let told =
                door.refuses(admin.admin.adjust_stock(request), (Code::FailedPrecondition, "STOCK_PROMISED")).await;
            assert_eq!(told.facts(["sku", "on_hand", "promised"]), ["FANGS", "100", "30"]);
        }
    })
    .await;
}
