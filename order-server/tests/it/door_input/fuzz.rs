//! Random bytes and randomly filled messages to every method. Nobody's input is a fault of ours, and the service stays up.

use order_api::{FILE_DESCRIPTOR_SET, prost::Message as _, v1::GetOrderStatsRequest};
use order_server::auth::Role;
use order_store::testing::on_both_engines;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, MethodDescriptor,
    Value,
};
use tonic::{Code, Status};

use super::{
    refusal::{Door, Refusal},
    wire,
};
use crate::{dice::Dice, world::order_of};

/// Messages of each kind to each method and engine.
const ROUNDS: usize = 12;

/// The method whose answer goes on for ever.
const ENDLESS: &str = "WatchOrders";

/// How deep messages are filled.
const DEPTH: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn proto_fuzz_smoke() {
    on_both_engines(|database| async move {
        let mut dice = Dice::seeded();
        let door = Door::open(database).await;
        let placed = door.world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
        let known =
            ["costume", "COSTUME", "fangs", "ada", "USD", "US", "1", "tok_approve", "create_time desc", "notes"];
        let known: Vec<_> = known.into_iter().map(str::to_owned).chain([placed.into_inner().order_id]).collect();
        let channel = wire::connect(&door.world).await;
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let services = pool.services().filter(|service| service.parent_file().package_name() == "orders.v1");
        for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
            for round in 0..ROUNDS {
                let who = [Some(("ada", Role::Customer)), Some(("kim", Role::Admin)), None][round % 3];
                let message = filled(&mut dice, (&method.input(), DEPTH), &known).encode_to_vec();
                let bytes = match round % 4 {
                    0 => dice.bytes(64),
                    1 => broken(&mut dice, message),
                    _ => message,
                };
                let (to, path) = ((&door.world, &channel), path(&method));
                let sent = (path.as_str(), bytes.clone().into());
                let answer = if method.is_server_streaming() {
                    wire::hear(to, who, sent, method.name() != ENDLESS).await
                } else {
                    wire::call(to, who, sent).await.map(drop)
                };
                answer.unwrap_or_else(|status| assert_honest(&method, status, &bytes));
            }
        }
        let mut admin = door.world.admin();
        admin.admin.get_order_stats(GetOrderStatsRequest::default()).await.expect("the service is up");
    })
    .await;
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Bad input, at worst.
fn assert_honest(method: &MethodDescriptor, status: Status, bytes: &[u8]) {
    let told = Refusal::from(status);
    let honest = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::Unauthenticated,
        Code::PermissionDenied,
    ];
    assert!(honest.contains(&told.code), "{}: {told:?} for {bytes:?}", method.full_name());
}

/// A message with some bytes cut off or changed.
fn broken(dice: &mut Dice, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return dice.bytes(8);
    }
    let at = dice.below(bytes.len());
    if dice.below(2) == 0 {
        bytes.truncate(at);
    } else {
        bytes[at] ^= 1 << dice.below(8);
    }
    bytes
}

/// A message of this kind with some of its fields filled.
fn filled(dice: &mut Dice, (kind, depth): (&MessageDescriptor, u32), known: &[String]) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    for field in kind.fields() {
        let skipped = dice.below(4) == 0 || depth == 0;
        if skipped {
            continue;
        }
        let one = |dice: &mut Dice, field: &FieldDescriptor| value(dice, (&field.kind(), depth - 1), known);
        let value = if field.is_map() {
            let entry = field.kind().as_message().unwrap().clone();
            let pairs = (0..dice.below(4)).map(|_| {
                let Value::String(key) = one(dice, &entry.map_entry_key_field()) else { panic!("keys are texts") };
                (MapKey::String(key), one(dice, &entry.map_entry_value_field()))
            });
            Value::Map(pairs.collect())
        } else if field.cardinality() == Cardinality::Repeated {
            Value::List((0..dice.below(4)).map(|_| one(dice, &field)).collect())
        } else {
            one(dice, &field)
        };
        message.set_field(&field, value);
    }
    message
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds that the contract does not use")]
fn value(dice: &mut Dice, (kind, depth): (&Kind, u32), known: &[String]) -> Value {
    match kind {
        Kind::String => Value::String(text(dice, known)),
        Kind::Bool => Value::Bool(dice.below(2) == 0),
        Kind::Int32 => Value::I32(i32::try_from(number(dice, i64::from(i32::MAX))).unwrap()),
        Kind::Int64 => Value::I64(number(dice, i64::MAX)),
        Kind::Enum(_) => Value::EnumNumber(i32::try_from(dice.below(14)).unwrap() - 2),
        Kind::Message(inner) => Value::Message(filled(dice, (inner, depth), known)),
        other => panic!("no message of the contract has a field of kind {other:?}"),
    }
}

fn number(dice: &mut Dice, most: i64) -> i64 {
    [0, 1, 2, -1, 10_000, 10_001, 490_000_000, 999_999_999, most, -most - 1, 1_772_366_400][dice.below(11)]
        .clamp(-most - 1, most)
}

fn text(dice: &mut Dice, known: &[String]) -> String {
    let odd = ["", " ", "\0", "%", "_", "\\", "'", "\"", "' OR 1=1 --", "\u{202e}", "🦇", "ﷺ", "*", "NaN", "-0", "{}"];
    match dice.below(4) {
        0 => odd[dice.below(odd.len())].to_owned(),
        1 => String::from_utf8_lossy(&dice.bytes(24)).into_owned(),
        2 => "ada@example.com".to_owned(),
        _ => known[dice.below(known.len())].clone(),
    }
}
