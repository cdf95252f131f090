//! Messages and enums as schemas of their JSON, as the transcoder reads and writes it: the contract's field names,
//! 64-bit integers as strings, enums by name.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use serde_json::{Map, Value, json};

use super::{
    PACKAGE,
    annotation::{comment, is_read_only, is_required, is_write_only, paragraphs},
};

/// The named schemas of a document: those that something refers to, and no others.
#[derive(Debug)]
pub(super) struct Schemas {
    named: BTreeMap<String, Value>,
    /// Full names of the messages that a request may hold.
    asked: BTreeSet<String>,
}

impl Schemas {
    /// No schemas yet, of a contract with these requests.
    pub(super) fn new(requests: impl IntoIterator<Item = MessageDescriptor>) -> Self {
        let mut asked = BTreeSet::new();
        for request in requests {
            reach(&request, &mut asked);
        }
        Self { named: BTreeMap::new(), asked }
    }

    /// All of them, for `components.schemas`.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.named.into_iter().collect())
    }

    /// A reference to a message, which is described if it was not yet. What has a JSON form of its own is described in
    /// place.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        well_known(message).unwrap_or_else(|| {
            self.named(&name(message.full_name()), |schemas| schemas.object(message, &BTreeSet::new()))
        })
    }

    /// A reference to the schema of a name, which `describe` makes if it is not there yet.
    pub(super) fn named(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.named.contains_key(name) {
            // Holds the place, for a message that contains itself.
            self.named.insert(name.to_owned(), Value::Null);
            let schema = describe(self);
            self.named.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// A message without some of its fields, in place.
    pub(super) fn object(&mut self, message: &MessageDescriptor, without: &BTreeSet<&str>) -> Value {
        let fields: Vec<_> = message.fields().filter(|field| !without.contains(field.name())).collect();
        let properties: Map<_, _> =
            fields.iter().map(|field| (field.name().to_owned(), self.property(field))).collect();
        let mut schema = json!({"type": "object", "properties": properties});
        let required = fields.iter().filter(|field| self.is_always_there(field)).map(FieldDescriptor::name);
        let required: Vec<_> = required.collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let choices: Vec<_> = message.oneofs().filter(|oneof| !oneof.is_synthetic()).collect();
        let pairs: Vec<_> = choices.iter().flat_map(pairs).collect();
        if !pairs.is_empty() {
            schema["not"] = json!({"anyOf": pairs});
        }
        let choices: Vec<_> = choices.iter().map(describe_choice).collect();
        let description = comment(&message.parent_file(), message.path());
        describe(schema, &paragraphs([description.as_str()].into_iter().chain(choices.iter().map(String::as_str))))
    }

    /// Whether the JSON of the field's message always holds the field. Requests hold what they have to; what is only part
    /// of answers holds all that can be zero. A message that is part of both promises no more than requests do. Others'
    /// messages are not ours to promise: what Envoy refuses by itself leaves fields of errors out.
    fn is_always_there(&self, field: &FieldDescriptor) -> bool {
        let message = field.parent_message();
        let only_answered = message.package_name() == PACKAGE && !self.asked.contains(message.full_name());
        is_required(field) || (only_answered && !field.supports_presence())
    }

    /// A field of an object: its shape, what it means, and who sets it.
    fn property(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = describe(self.shape(field), &comment(&field.parent_file(), field.path()));
        if is_read_only(field) {
            schema["readOnly"] = json!(true);
        }
        if is_write_only(field) {
            schema["writeOnly"] = json!(true);
        }
        schema
    }

    /// The JSON of a field, without a word on its meaning.
    pub(super) fn shape(&mut self, field: &FieldDescriptor) -> Value {
        if let Some(entry) = field.kind().as_message().filter(|_| field.is_map()) {
            let value = self.kind(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": value});
        }
        let shape = self.kind(&field.kind());
        if field.is_list() { json!({"type": "array", "items": shape}) } else { shape }
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Message(message) => self.message(message),
            Kind::Enum(choice) => self.named(&name(choice.full_name()), |_| enumeration(choice)),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "uint32", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}),
        }
    }
}

/// Adds a message to those that a request may hold, and all that is in it.
fn reach(message: &MessageDescriptor, asked: &mut BTreeSet<String>) {
    if !asked.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields().filter(|field| !is_read_only(field)) {
        if let Some(inner) = field.kind().as_message() {
            reach(inner, asked);
        }
    }
}

/// What a schema is called: the message without our package, others with theirs.
fn name(full_name: &str) -> String {
    full_name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')).unwrap_or(full_name).to_owned()
}

/// Messages that protobuf writes as something else than an object of their fields.
pub(super) fn well_known(message: &MessageDescriptor) -> Option<Value> {
    match message.full_name() {
        "google.protobuf.Timestamp" => Some(json!({"type": "string", "format": "date-time"})),
        "google.protobuf.Duration" => Some(json!({
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
            "description": "Seconds with at most nine decimals, and an `s`: `0.25s`.",
        })),
        "google.protobuf.FieldMask" => Some(json!({
            "type": "string",
            "description": "A mask is one text: names in lowerCamelCase, with commas between them, as in `carrier,trackingNumber`.",
        })),
        "google.protobuf.Any" => Some(json!({
            "type": "object",
            "properties": {"@type": {"type": "string"}},
            "required": ["@type"],
        })),
        _ => None,
    }
}

/// An enum goes by the names of its values.
fn enumeration(choice: &EnumDescriptor) -> Value {
    let names: Vec<_> = choice.values().map(|value| value.name().to_owned()).collect();
    let lines: Vec<_> = choice
        .values()
        .map(|value| {
            let meaning = comment(&value.parent_file(), value.path()).replace('\n', " ");
            format!("- `{}`: {meaning}", value.name())
        })
        .collect();
    let description = comment(&choice.parent_file(), choice.path());
    describe(json!({"type": "string", "enum": names}), &paragraphs([description.as_str(), &lines.join("\n")]))
}

/// Puts a text in front of what a schema says of itself.
fn describe(mut schema: Value, text: &str) -> Value {
    let own = schema["description"].as_str().unwrap_or_default().to_owned();
    let description = paragraphs([text, &own]);
    match schema.as_object_mut() {
        Some(object) if description.is_empty() => object.remove("description"),
        Some(object) => object.insert("description".to_owned(), json!(description)),
        None => None,
    };
    schema
}

/// The members of a oneof that must not come together, two and two.
fn pairs(choice: &OneofDescriptor) -> Vec<Value> {
    let names: Vec<_> = choice.fields().map(|field| field.name().to_owned()).collect();
    let others = |first: usize| names.iter().skip(first + 1);
    names
        .iter()
        .enumerate()
        .flat_map(|(index, first)| others(index).map(move |second| json!({"required": [first, second]})))
        .collect()
}

fn describe_choice(choice: &OneofDescriptor) -> String {
    let names: Vec<_> = choice.fields().map(|field| format!("`{}`", field.name())).collect();
    let meaning = comment(&choice.parent_file(), choice.path()).replace('\n', " ");
    format!("{meaning} At most one of these is there: {}.", names.join(", ")).trim_start().to_owned()
}
