//! Looking for orders by words.

use std::collections::BTreeSet;

use order_core::order::{Command, Details, Order};
use order_store::{
    OrderFilter, Scope,
    testing::{TestDatabase, on_both_engines},
};

use crate::{
    audit::verify,
    lists::ids,
    shop::{Shop, Wish, contact, customer, later},
    structure::{down, take_back_and_apply},
};

fn words(words: &[&str]) -> OrderFilter {
    OrderFilter { words: words.iter().map(ToString::to_string).collect(), ..OrderFilter::of(Scope::All) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_may_stand_anywhere() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1000, 100).await, shop.sell("pot_100", 6000, 100).await);
        let mut one = Wish::of(&[(&mug, 1)]).by("ada").at(later(0));
        one.contact = contact("Zoë O'Neil-Ångström", "Zoe@example.com");
        let a = shop.place(one).await.unwrap().order;
        let mut two = Wish::of(&[(&pot, 1)]).by("bob").at(later(1));
        two.contact = contact("Bob \"Quotes\" 50%_off AND OR NOT *", "bob@example.org");
        let b = shop.place(two).await.unwrap().order;
        let number = a.number.as_ref().unwrap().as_str().to_lowercase();
        // As many runs of three characters as no document has.
        let long: String = (0..60).map(|n| format!("{n:03}")).collect();
        for (query, expected) in [
            (words(&[&number]), vec![a.id]),
            (words(&["001001"]), vec![a.id]),
            (words(&["spk-2026"]), vec![b.id, a.id]),
            (words(&["zoe@example.com"]), vec![a.id]),
            (words(&["zoë"]), vec![a.id]),
            (words(&["ång"]), vec![a.id]),
            (words(&["o'n"]), vec![a.id]),
            (words(&["mug"]), vec![a.id]),
            (words(&["ug"]), vec![a.id]),
            (words(&["z"]), vec![a.id]),
            (words(&["ex", "o"]), vec![b.id, a.id]),
            (words(&["example", "bob"]), vec![b.id]),
            (words(&["example", "qu", "s\""]), vec![b.id]),
            (words(&["\"quotes\""]), vec![b.id]),
            (words(&["*"]), vec![b.id]),
            (words(&["not"]), vec![b.id]),
            (words(&["50%_o"]), vec![b.id]),
            (words(&["__"]), vec![]),
            (words(&["%%%"]), vec![]),
            (words(&["t_1_0"]), vec![]),
            (words(&["zoe", "bob"]), vec![]),
            (words(&["zoë", "pot"]), vec![]),
            (words(&["nobody"]), vec![]),
            // All its runs of three characters stand in every number, but not one behind the other.
            (words(&["001001001"]), vec![]),
            (words(&[&long]), vec![]),
            (words(&[&a.id.to_string()]), vec![]),
            (OrderFilter { order_id: Some(a.id), ..words(&[]) }, vec![a.id]),
            (OrderFilter { order_id: Some(a.id), ..words(&["pot"]) }, vec![]),
        ] {
            assert_eq!(ids(&shop, query.clone()).await, expected, "{:?}", query.words);
        }
        let own = OrderFilter { scope: Scope::Customer(customer("bob")), ..words(&["example"]) };
        assert_eq!(ids(&shop, own).await, [b.id], "words widen nobody's scope");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_under_its_new_contact_and_no_longer_under_the_old() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        let id = shop.place(Wish::of(&[(&mug, 1)]).by("ada")).await.unwrap().order.id;
        let details = Details { contact: Some(contact("Augusta King", "king@example.com")), ..Details::default() };
        shop.change(id, Command::Update(details)).await.unwrap();
        assert_eq!(ids(&shop, words(&["augusta", "mug"])).await, [id]);
        assert_eq!(ids(&shop, words(&["ada@"])).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_older_programs_are_rewritten() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        let whole = shop.place(Wish::of(&[(&mug, 1)]).at(later(0))).await.unwrap().order;
        let taken_over = shop.place(Wish::of(&[(&mug, 2)]).at(later(1))).await.unwrap().order;
        let nameless = shop.place(Wish::of(&[(&mug, 3)]).at(later(2))).await.unwrap().order;
        let of = |order: &Order| format!("document LIKE '{}%'", order.number.as_ref().unwrap().as_str().to_lowercase());
        let of_order = |order: &Order| format!("order_number = '{}'", order.number.as_ref().unwrap().as_str());
        let contact = "'\nada@example.com\nada lovelace'";
        for statement in [
            format!("UPDATE orders SET contact_name = NULL, contact_email = NULL WHERE {}", of_order(&nameless)),
            format!("UPDATE order_search SET document = replace(document, {contact}, '') WHERE {}", of(&nameless)),
            format!(
                "UPDATE orders SET import_source = 'old', import_external_id = 'N7', import_detail = '{{}}' WHERE {}",
                of_order(&taken_over)
            ),
            format!(
                "UPDATE order_search SET document = replace(document, {contact}, {contact} || '\nn7') WHERE {}",
                of(&taken_over)
            ),
        ] {
            database.execute(&statement).await.unwrap();
        }
        let documents = "SELECT document FROM order_search";
        let now: BTreeSet<_> = database.texts(documents).await.into_iter().collect();
        let number = nameless.number.unwrap().as_str().to_lowercase();
        assert!(now.iter().any(|text| text.contains("lovelace\nn7\n\na good mug\nmug\n")), "{now:?}");
        assert!(now.iter().any(|text| text.starts_with(&format!("{number}\n\na good mug\nmug\n"))), "{now:?}");
        take_back_and_apply(&database, &[down!("0016_lean_documents"), down!("0017_lean_search_index")]).await;
        assert_eq!(database.texts(documents).await.into_iter().collect::<BTreeSet<_>>(), now);
        assert_eq!(ids(&shop, words(&["mug", "lovelace", "001001"])).await, [whole.id]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_found_whichever_process_wrote_them_first_and_however_many_are_called_so() {
    let database = TestDatabase::postgres().await;
    let shop = Shop::open(&database).await;
    let mug = shop.sell("mug", 1000, 100).await;
    let first = shop.place(Wish::of(&[(&mug, 1)]).at(later(0))).await.unwrap().order;
    let second =
        Shop { store: database.connect().await }.place(Wish::of(&[(&mug, 1)]).at(later(1))).await.unwrap().order;
    let third = shop.place(Wish::of(&[(&mug, 1)]).at(later(2))).await.unwrap().order;
    let all = [third.id, second.id, first.id];
    assert_eq!(ids(&shop, words(&["mug"])).await, all);
    let lines = "SELECT line FROM search_line ORDER BY line";
    let known = database.texts(lines).await;
    assert_eq!(known, ["a good mug", "mug"], "each line once");
    // More than it is looked up by.
    database.execute("INSERT INTO search_line SELECT 'mug ' || n FROM generate_series(1, 2001) AS n").await.unwrap();
    assert_eq!(ids(&shop, words(&["mug"])).await, all);
    assert_eq!(ids(&shop, words(&["mug", "nobody"])).await, []);
    database.execute("DELETE FROM search_line").await.unwrap();
    assert_eq!(ids(&shop, words(&["mug"])).await, []);
    let (findings, _) = verify(&shop.store).await;
    assert_eq!(findings.len(), 3, "their orders are not found by them: {findings:?}");
}
