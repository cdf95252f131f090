//! Rules of the API that hold for every method, message and enum (see "Conventions" of OrderService in the contract).

use std::collections::BTreeMap;

use order_api::{prost::Message as _, prost_types::FileDescriptorSet};
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use crate::contract::{self, HttpRule};

/// Methods that travel as POST because their request is large or secret, and change nothing.
const READS_BY_POST: [&str; 2] = ["QuoteOrder", "LookupOrder"];

/// Idempotent by a key in their content instead of by `request_id`: source and external id of each order, the gateway's event id, the
/// `request_id` of each part.
const KEYED_BY_CONTENT: [&str; 3] = ["ImportOrders", "RecordPaymentEvent", "BatchUpdateOrderStatus"];

/// Methods that ask, or tell, again on purpose: a stored answer of theirs would be an old one.
const ASKS_ANEW: [&str; 2] = ["ReconcilePayments", "ReplayEvents"];

/// Methods that move money or goods and can be asked beforehand what they would do.
const MOVES_MONEY_OR_GOODS: [&str; 18] = [
    "CreateOrder",
    "Checkout",
    "CancelOrder",
    "PayOrder",
    "EditOrder",
    "UpdateOrderStatus",
    "CapturePayment",
    "VoidPayment",
    "RefundOrder",
    "CreateShipment",
    "MarkShipped",
    "MarkDelivered",
    "CancelShipment",
    "MarkReturnedToSender",
    "ReceiveReturn",
    "UpsertProducts",
    "UpsertCoupon",
    "AdjustStock",
];

#[test]
fn every_method_keeps_its_http_rule() {
    let pool = contract::pool();
    let lost: Vec<String> = contract::methods(&pool)
        .iter()
        .filter(|method| HttpRule::of(method).is_none())
        .map(|method| method.full_name().to_owned())
        .collect();
    assert_eq!(lost, Vec::<String>::new());
}

/// Why `FILE_DESCRIPTOR_SET` is handed on as bytes, and proof that the test above would notice.
#[test]
fn a_set_that_went_through_prost_types_has_lost_its_http_rules() {
    let decoded = FileDescriptorSet::decode(order_api::FILE_DESCRIPTOR_SET).expect("it is a set");
    let lossy = DescriptorPool::decode(decoded.encode_to_vec().as_slice()).expect("still a set");
    let kept = contract::methods(&lossy).iter().filter(|method| HttpRule::of(method).is_some()).count();
    assert_eq!(kept, 0);
}

#[test]
fn no_two_methods_share_verb_and_path() {
    let pool = contract::pool();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for method in contract::methods(&pool) {
        let rule = HttpRule::of(&method).expect("checked by its own test");
        let twin = seen.insert(rule.shape(), method.full_name().to_owned());
        assert_eq!(twin, None, "{} has the path of another", method.full_name());
    }
}

#[test]
fn http_rules_name_fields_of_their_requests() {
    let pool = contract::pool();
    for method in contract::methods(&pool) {
        let rule = HttpRule::of(&method).expect("checked by its own test");
        let request = method.input();
        for variable in rule.variables() {
            assert!(has_text(&request, variable), "{rule} of {}", method.full_name());
        }
        let bodiless = matches!(rule.verb.as_str(), "GET" | "DELETE");
        assert_eq!(rule.body.is_empty(), bodiless, "{rule} of {}", method.full_name());
        assert!(
            bodiless || rule.body == "*" || request.get_field_by_name(&rule.body).is_some(),
            "{rule} of {}",
            method.full_name()
        );
    }
}

#[test]
fn every_list_is_paged() {
    let pool = contract::pool();
    for method in contract::methods(&pool) {
        if !method.name().starts_with("List") {
            continue;
        }
        let request = method.input();
        let size = request.get_field_by_name("page_size");
        assert!(size.is_some_and(|field| field.kind() == Kind::Int32), "page_size of {}", method.full_name());
        assert!(has_text(&request, "page_token"), "page_token of {}", method.full_name());
        assert!(has_text(&method.output(), "next_page_token"), "next_page_token of {}", method.full_name());
    }
}

#[test]
fn every_change_takes_a_request_id() {
    let pool = contract::pool();
    for method in contract::methods(&pool) {
        let rule = HttpRule::of(&method).expect("checked by its own test");
        let exempt = [READS_BY_POST.as_slice(), &KEYED_BY_CONTENT, &ASKS_ANEW].concat();
        let changes = rule.verb != "GET" && !exempt.contains(&method.name());
        assert_eq!(has_text(&method.input(), "request_id"), changes, "request_id of {}", method.full_name());
    }
}

#[test]
fn what_moves_money_or_goods_can_be_validated_only() {
    let pool = contract::pool();
    for method in contract::methods(&pool) {
        let field = method.input().get_field_by_name("validate_only");
        assert_eq!(
            field.is_some_and(|field| field.kind() == Kind::Bool),
            MOVES_MONEY_OR_GOODS.contains(&method.name()),
            "validate_only of {}",
            method.full_name()
        );
    }
}

#[test]
fn every_field_says_who_sets_it() {
    let pool = contract::pool();
    let silent: Vec<String> = contract::messages(&pool)
        .iter()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        // Members of a oneof exclude each other; none of them is required or optional by itself.
        .filter(|field| field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic()))
        .filter(|field| contract::behaviors(field).is_empty())
        .map(|field| field.full_name().to_owned())
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn the_zero_of_every_enum_means_unspecified() {
    let pool = contract::pool();
    for descriptor in contract::enums(&pool) {
        let zero = descriptor.default_value();
        assert_eq!(zero.number(), 0);
        assert!(zero.name().ends_with("_UNSPECIFIED"), "{}", zero.full_name());
    }
}

#[test]
fn the_descriptor_set_explains_rich_errors() {
    let pool = contract::pool();
    for name in ["Status", "ErrorInfo", "BadRequest", "PreconditionFailure", "ResourceInfo", "RetryInfo"] {
        let full_name = format!("google.rpc.{name}");
        assert!(pool.get_message_by_name(&full_name).is_some(), "{full_name}");
    }
}

#[test]
fn maps_are_sorted_so_that_equal_messages_have_equal_bytes() {
    let order = order_api::v1::Order::default();
    let _: &BTreeMap<String, String> = &order.metadata;
    let answer = order_api::v1::ImportOrdersResponse::default();
    let _: &BTreeMap<String, i32> = &answer.corrections;
}

/// Whether `message` has the text field at `path`, whose parts are separated by dots.
fn has_text(message: &MessageDescriptor, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    match (message.get_field_by_name(name).map(|field| field.kind()), rest) {
        (Some(Kind::Message(inner)), Some(rest)) => has_text(&inner, rest),
        (Some(Kind::String), None) => true,
        _ => false,
    }
}
