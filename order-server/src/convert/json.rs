//! Messages of the contract as JSON, by protobuf's own rules.

use std::sync::LazyLock;

use order_api::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(order_api::FILE_DESCRIPTOR_SET).expect("the contract was compiled with this program")
});

/// A message of `orders.v1` by its name, with the contract's field names, and without fields that say nothing.
pub fn of(name: &str, message: &impl Message) -> Value {
    let described = CONTRACT.get_message_by_name(&format!("orders.v1.{name}")).expect("a message of the contract");
    let mut dynamic = DynamicMessage::new(described);
    dynamic.transcode_from(message).expect("a message is what its descriptor says");
    let options = SerializeOptions::new().use_proto_field_name(true);
    dynamic.serialize_with_options(serde_json::value::Serializer, &options).expect("any message can be written as JSON")
}
