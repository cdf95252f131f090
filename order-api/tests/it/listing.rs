//! The whole contract as one readable text. A change of a number, a type or a path shows here as a changed line, and in review.

use std::fmt::Write as _;

use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::contract::{self, HttpRule, PACKAGE};

#[test]
fn the_contract_is_the_one_that_was_reviewed() {
    // Accept an intended change with INSTA_UPDATE=always. A changed or removed line breaks clients; an added one does not.
    insta::assert_snapshot!("contract", listing());
}

fn listing() -> String {
    let pool = contract::pool();
    let mut blocks: Vec<String> = Vec::new();
    for service in contract::services(&pool) {
        let methods = service.methods().map(|method| method_line(&method));
        blocks.push(block("service", service.name(), methods));
    }
    for message in contract::messages(&pool) {
        blocks.push(message_block(&message));
    }
    for descriptor in contract::enums(&pool) {
        blocks.push(enum_block(&descriptor));
    }
    blocks.sort();
    blocks.join("\n")
}

fn message_block(message: &MessageDescriptor) -> String {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    block("message", name_in_package(message.full_name()), fields.iter().map(field_line))
}

fn enum_block(descriptor: &EnumDescriptor) -> String {
    let values = descriptor.values().map(|value| format!("{} {}", value.number(), value.name()));
    block("enum", name_in_package(descriptor.full_name()), values)
}

fn block(kind: &str, name: &str, lines: impl IntoIterator<Item = String>) -> String {
    let mut text = format!("{kind} {name}\n");
    for line in lines {
        writeln!(text, "  {line}").expect("writing to a String cannot fail");
    }
    text
}

fn method_line(method: &MethodDescriptor) -> String {
    let stream = |yes: bool| if yes { "stream " } else { "" };
    let rule = HttpRule::of(method).map_or_else(|| "-".to_owned(), |rule| rule.to_string());
    format!(
        "{}({}{}) -> {}{}  {rule}",
        method.name(),
        stream(method.is_client_streaming()),
        name_in_package(method.input().full_name()),
        stream(method.is_server_streaming()),
        name_in_package(method.output().full_name()),
    )
}

fn field_line(field: &FieldDescriptor) -> String {
    let mut line = format!("{} {} {}", field.number(), field.name(), type_name(field));
    if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        write!(line, " oneof={}", oneof.name()).expect("writing to a String cannot fail");
    }
    for behavior in contract::behaviors(field) {
        write!(line, " {behavior}").expect("writing to a String cannot fail");
    }
    line
}

fn type_name(field: &FieldDescriptor) -> String {
    if field.is_map() {
        let kind = field.kind();
        let entry = kind.as_message().expect("a map's kind is its entry message");
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map<{}, {}>", kind_name(&key.kind()), kind_name(&value.kind()));
    }
    let name = kind_name(&field.kind());
    match field.cardinality() {
        Cardinality::Repeated => format!("repeated {name}"),
        Cardinality::Optional if field.field_descriptor_proto().proto3_optional() => {
            format!("optional {name}")
        }
        Cardinality::Optional | Cardinality::Required => name,
    }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => name_in_package(message.full_name()).to_owned(),
        Kind::Enum(descriptor) => name_in_package(descriptor.full_name()).to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

fn name_in_package(full_name: &str) -> &str {
    full_name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')).unwrap_or(full_name)
}
