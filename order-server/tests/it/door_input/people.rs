//! What people type: names, addresses, e-mail addresses, texts, and numbers of their cards where none belongs.

use order_api::v1::{
    AddNoteRequest, Address, Contact, CreateOrderRequest, Order, PaymentInstrument, PaymentMethod, UpdateOrderRequest,
};
use order_store::testing::on_both_engines;

use super::{cases::rejects_both_ways, refusal::Door};
use crate::world::{address, card, contact, order_of};

/// The number of no real card, but one that every scheme's check digit accepts.
const CARD: &str = "4111 1111 1111 1111";

/// Texts that are no e-mail address.
fn bad_addresses() -> Vec<String> {
    let typed = [
        "nobody",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@@example.com",
        "ada@exa mple.com",
        "ada example.com",
        "ada@.com",
        "ada@example.",
        "ada@-example.com",
        "a..da@example.com",
        ".ada@example.com",
        "<ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@example.com\r\nbcc: all@example.com",
        "ada@127.0.0.1",
        "ada\0@example.com",
    ];
    let long = [format!("{}@example.com", "a".repeat(65)), format!("ada@{}.com", "a".repeat(64)), "x".repeat(100_000)];
    typed.into_iter().map(str::to_owned).chain(long).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_email_addresses_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for email in bad_addresses() {
            let spoil = |request: &mut CreateOrderRequest| {
                request.contact = Some(Contact { email: email.clone(), ..contact() })
            };
            rejects_both_ways(&door, spoil, &["contact.email"]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_telephone_numbers_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for name in ["", " \t ", "Ada\0", "Ada\nExample", CARD, &"x".repeat(201)] {
            let spoil =
                |request: &mut CreateOrderRequest| request.contact = Some(Contact { name: name.into(), ..contact() });
            rejects_both_ways(&door, spoil, &["contact.name"]).await;
        }
        for phone in
            ["call me", "123", "+1 555 010 4477 ext. 9", "1234567890123456", &"1 ".repeat(20), "５５５０１０４４７７"]
        {
            let spoil =
                |request: &mut CreateOrderRequest| request.contact = Some(Contact { phone: phone.into(), ..contact() });
            rejects_both_ways(&door, spoil, &["contact.phone"]).await;
        }
        rejects_both_ways(&door, |request| request.contact = None, &["contact"]).await;
        rejects_both_ways(
            &door,
            |request| request.contact = Some(Contact::default()),
            &["contact.name", "contact.email"],
        )
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_countries_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for code in ["", "USA", "UK", "XX", "ZZ", "U", "Germany", "U\0", "🇺🇸", &"U".repeat(10_000)] {
            let wrong = || Some(Address { country_code: code.into(), ..address() });
            let path = "shipping_address.country_code";
            rejects_both_ways(&door, |request| request.shipping_address = wrong(), &[path]).await;
            let path = "billing_address.country_code";
            rejects_both_ways(&door, |request| request.billing_address = wrong(), &[path]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_postal_codes_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let wrong = [
            ("US", ""),
            ("US", "9460"),
            ("US", "946071"),
            ("US", "ABCDE"),
            ("US", "94607-12"),
            ("DE", "1011"),
            ("DE", "D-1O115"),
            ("GB", "12345"),
            ("NL", "1234"),
            ("IN", "56000"),
            ("JP", "1000"),
            ("US", "94607\0"),
            // A country without a pattern of ours.
            ("HK", "12345678901234567"),
        ];
        for (country, code) in wrong {
            let spoiled = || Some(Address { country_code: country.into(), postal_code: code.into(), ..address() });
            let path = "shipping_address.postal_code";
            rejects_both_ways(&door, |request| request.shipping_address = spoiled(), &[path]).await;
            let path = "billing_address.postal_code";
            rejects_both_ways(&door, |request| request.billing_address = spoiled(), &[path]).await;
        }
        let empty = Some(Address::default());
        let paths = ["recipient", "line1", "city", "country_code"].map(|name| format!("shipping_address.{name}"));
        let paths = paths.each_ref().map(String::as_str);
        rejects_both_ways(&door, |request| request.shipping_address.clone_from(&empty), &paths).await;
        rejects_both_ways(&door, |request| request.shipping_address = None, &["shipping_address"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_texts_and_control_characters_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let long = |chars: usize| "ß".repeat(chars + 1);
        for text in [long(2_000), "a\0b".to_owned(), "\u{1b}[31m".to_owned(), "x".repeat(500_000)] {
            rejects_both_ways(&door, |request| request.notes.clone_from(&text), &["notes"]).await;
        }
        for text in [long(200), "1 Main\nStreet".to_owned(), "\u{7f}".to_owned()] {
            let whole = || Address {
                recipient: text.clone(),
                line1: text.clone(),
                line2: text.clone(),
                city: text.clone(),
                region: text.clone(),
                ..address()
            };
            let names = ["recipient", "line1", "line2", "city", "region"];
            let paths = names.map(|name| format!("shipping_address.{name}"));
            let paths = paths.each_ref().map(String::as_str);
            rejects_both_ways(&door, |request| request.shipping_address = Some(whole()), &paths).await;
        }
        for (key, value, path) in metadata() {
            let spoil = |request: &mut CreateOrderRequest| drop(request.metadata.insert(key.clone(), value.clone()));
            rejects_both_ways(&door, spoil, &[&path]).await;
        }
        let many = |request: &mut CreateOrderRequest| {
            request.metadata = (0..33).map(|n| (n.to_string(), "v".into())).collect()
        };
        rejects_both_ways(&door, many, &["metadata"]).await;
    })
    .await;
}

/// Labels that are refused, with the path that is named.
fn metadata() -> Vec<(String, String, String)> {
    let key = "k".repeat(65);
    vec![
        (String::new(), "v".into(), "metadata[\"\"]".into()),
        (key.clone(), "v".into(), format!("metadata[{:?}]", &key[..64])),
        ("key".into(), "v".repeat(513), "metadata[\"key\"]".into()),
        ("key".into(), "a\0b".into(), "metadata[\"key\"]".into()),
        ("key".into(), CARD.into(), "metadata[\"key\"]".into()),
        (CARD.into(), "v".into(), format!("metadata[{CARD:?}]")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn card_numbers_are_refused_wherever_somebody_might_put_one() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for number in [CARD, "4111111111111111", "5555-5555-5555-4444", "378282246310005", "tok_4111111111111111"] {
            rejects_both_ways(&door, |request| request.payment = Some(card(number)), &["payment.token"]).await;
            let text = format!("Please use my card {number}, thank you");
            rejects_both_ways(&door, |request| request.notes.clone_from(&text), &["notes"]).await;
            let cash = || PaymentInstrument { method: PaymentMethod::CashOnDelivery.into(), token: number.into() };
            rejects_both_ways(&door, |request| request.payment = Some(cash()), &["payment.token"]).await;
        }
        let placed = door.world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
        let order_id = placed.into_inner().order_id;
        let note = AddNoteRequest { order_id: order_id.clone(), note: format!("card {CARD}"), ..Default::default() };
        door.rejects(door.world.admin().admin.add_note(note), &["note"]).await;
        let update = UpdateOrderRequest {
            order: Some(Order { order_id, notes: CARD.into(), ..Default::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["notes".into()] }),
            ..Default::default()
        };
        door.rejects(door.world.customer("ada").orders.update_order(update), &["order.notes"]).await;
        assert!(!door.footprint().await.iter().any(|row| row.contains("4111")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_payment_instruments_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let given = |method: i32, token: &str| Some(PaymentInstrument { method, token: token.into() });
        let card = i32::from(PaymentMethod::CreditCard);
        let long = "t".repeat(257);
        for (payment, paths) in [
            (given(0, "tok_approve"), &["payment.method"][..]),
            (given(99, "tok_approve"), &["payment.method"]),
            (given(-1, "tok_approve"), &["payment.method"]),
            (given(PaymentMethod::External.into(), "tok_approve"), &["payment.method"]),
            (given(card, ""), &["payment.token"]),
            (given(card, "tok\0"), &["payment.token"]),
            (given(card, &long), &["payment.token"]),
            (given(PaymentMethod::CashOnDelivery.into(), "tok_approve"), &["payment.token"]),
            (given(0, CARD), &["payment.method", "payment.token"]),
        ] {
            rejects_both_ways(&door, |request| request.payment.clone_from(&payment), paths).await;
        }
    })
    .await;
}
