//! One request id, one effect, one answer.

use order_core::{
    cart::{CartCommand, CartOwner},
    error::Refusal,
    ids::IdSeed,
    order::Command,
    product::ProductDraft,
    stock::Adjustment,
};
use order_store::{
    AdjustStock, CartChange, ChangeOrder, Request, UpsertOutcome, UpsertProducts, testing::on_both_engines,
};

use crate::{
    catalog::draft,
    shop::{NOW, Shop, Wish, admin, cart_change, change, customer, fresh, refusal, request, sku, upsert, usd},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_is_the_same_order() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = fresh();
        let first = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        shop.change(first.order.id, Command::Confirm).await.unwrap();
        let again = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        assert_eq!(again.order, shop.order(first.order.id).await, "a replay shows the order as it is now");
        assert!(again.events.is_empty());
        assert_eq!(shop.level("MUG").await.allocated, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_the_same_id_is_refused_and_disturbs_nothing() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = fresh();
        let first = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        let other = Wish { request: Some(request(id, 2)), ..Wish::of(&[(&mug, 3)]) };
        assert_eq!(refusal(shop.place(other.clone()).await), Refusal::RequestIdReused);
        assert_eq!(refusal(shop.place(other).await), Refusal::RequestIdReused);
        let replay = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        assert_eq!(replay.order.id, first.order.id, "the first request still has its answer");
        assert_eq!(shop.level("MUG").await.allocated, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_stays_refused() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        let id = fresh();
        let wish = || Wish::of(&[(&mug, 2)]).under(id);
        let first = refusal(shop.place(wish()).await);
        let more = AdjustStock {
            request: None,
            sku: sku("MUG"),
            adjustment: Adjustment { delta: 5, backorder_limit: None },
            reason: None,
            actor: admin(),
            now: NOW,
            ids: IdSeed::new(fresh()),
        };
        shop.store.adjust_stock(more).await.unwrap();
        assert_eq!(refusal(shop.place(wish()).await), first, "sold out stays sold out for this request");
        assert!(shop.place(Wish::of(&[(&mug, 2)]).under(fresh())).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_counts_once_and_a_refused_one_is_remembered() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order.id;
        let note = ChangeOrder {
            request: Some(request(fresh(), 1)),
            ..change(id, Command::AddNote("call before".to_owned()))
        };
        let first = shop.store.change(note.clone()).await.unwrap();
        let again = shop.store.change(note).await.unwrap();
        assert_eq!((again.order, again.events.len()), (first.order, 0));
        let early = ChangeOrder { request: Some(request(fresh(), 1)), ..change(id, Command::StartProcessing) };
        let refused = refusal(shop.store.change(early.clone()).await);
        assert!(matches!(refused, Refusal::IllegalTransition { .. }));
        shop.change(id, Command::Confirm).await.unwrap();
        assert_eq!(refusal(shop.store.change(early).await), refused);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_change_counts_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let ada = CartOwner::Customer(customer("ada"));
        let units = order_core::quantity::Quantity::new(2).unwrap();
        let add = CartChange {
            request: Some(request(fresh(), 1)),
            ..cart_change(&ada, CartCommand::Add(Box::new(mug), units))
        };
        let first = shop.store.change_cart(add.clone()).await.unwrap();
        assert_eq!(shop.store.change_cart(add.clone()).await.unwrap(), first);
        let other = CartChange {
            request: Some(request(add.request.unwrap().key.request_id.uuid(), 2)),
            ..cart_change(&ada, CartCommand::Clear)
        };
        assert_eq!(refusal(shop.store.change_cart(other).await), Refusal::RequestIdReused);
        assert_eq!(shop.store.cart(ada, NOW).await.unwrap().unwrap(), first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_and_shelves_change_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        shop.sell("mug", 1250, 10).await;
        let adjust = AdjustStock {
            request: Some(request(fresh(), 1)),
            sku: sku("MUG"),
            adjustment: Adjustment { delta: -4, backorder_limit: None },
            reason: Some("broken".to_owned()),
            actor: admin(),
            now: NOW,
            ids: IdSeed::new(fresh()),
        };
        assert_eq!(shop.store.adjust_stock(adjust.clone()).await.unwrap().on_hand, 6);
        assert_eq!(shop.store.adjust_stock(adjust).await.unwrap().on_hand, 6);
        let dearer = ProductDraft { price: usd(1300), ..draft("mug", "MUG") };
        let upsert = UpsertProducts { request: Some(request(fresh(), 1)), ..upsert(vec![dearer]) };
        let first = shop.store.upsert_products(upsert.clone()).await.unwrap();
        let again = shop.store.upsert_products(upsert).await.unwrap();
        assert_eq!((&again[0].product, again[0].outcome), (&first[0].product, UpsertOutcome::Unchanged));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_found_early_is_kept_and_hides_nothing() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let conclude = |request: &Request, answer| shop.store.conclude(request.clone(), answer);
        let (kept, why) = (request(fresh(), 1), Refusal::CartEmpty);
        assert_eq!(refusal(conclude(&kept, Err(why.clone())).await), why);
        assert_eq!(refusal(conclude(&kept, Err(Refusal::PricingStale)).await), why, "the first answer is kept");
        let other = Request { body_hash: [9; 32], ..kept.clone() };
        assert_eq!(refusal(conclude(&other, Err(why.clone())).await), Refusal::RequestIdReused);
        let used = fresh();
        let placed = shop.place(Wish::of(&[(&mug, 1)]).under(used)).await.unwrap().order;
        let told = conclude(&request(used, 1), Err(why.clone())).await.unwrap();
        assert_eq!(told, placed, "what was done is told instead");
        let found = request(fresh(), 1);
        assert_eq!(conclude(&found, Ok(placed.id)).await.unwrap(), placed);
        assert_eq!(conclude(&found, Err(why.clone())).await.unwrap(), placed);
        assert_eq!(refusal(conclude(&kept, Ok(placed.id)).await), why);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_and_methods_have_their_own_request_ids() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = fresh();
        let adas = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap().order.id;
        let mut bobs = Wish::of(&[(&mug, 1)]).by("bob").under(id);
        bobs.request.as_mut().unwrap().key.principal = "bob".to_owned();
        let mut quote = Wish::of(&[(&mug, 1)]).under(id);
        quote.request.as_mut().unwrap().key.method = "Other";
        assert_ne!(shop.place(bobs).await.unwrap().order.id, adas);
        assert_ne!(shop.place(quote).await.unwrap().order.id, adas);
        assert_eq!(shop.level("MUG").await.allocated, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_forgotten_when_its_time_is_over_and_not_before() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let ids = [fresh(), fresh(), fresh()];
        for id in ids {
            shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        }
        assert_eq!(shop.store.forget_requests(NOW, 10).await.unwrap(), 0, "what came at that moment is kept");
        let later = NOW.plus_seconds(1);
        assert_eq!(shop.store.forget_requests(later, 2).await.unwrap(), 2, "no more than it was told to");
        assert_eq!(shop.store.forget_requests(later, 2).await.unwrap(), 1);
        shop.place(Wish::of(&[(&mug, 1)]).under(ids[0])).await.unwrap();
        assert_eq!(shop.level("MUG").await.allocated, 4, "a forgotten id is a new one");
    })
    .await;
}
