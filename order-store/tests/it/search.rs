//! Looking for orders by words.

use order_core::order::{Command, Details};
use order_store::{OrderFilter, Scope, testing::on_both_engines};

use crate::{
    lists::ids,
    shop::{Shop, Wish, contact, customer, later},
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
