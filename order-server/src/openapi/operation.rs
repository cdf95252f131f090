//! Methods as operations: what is in the path, the query and the body, and what comes back.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};

use super::{
    annotation::{Binding, Body, comment, first_clause, first_sentence, is_read_only, is_required, paragraphs},
    schema::{Schemas, well_known},
    template::{Template, Variable},
};

/// The content type of requests and answers. Envoy sends streams under it, too.
pub(super) const JSON: &str = "application/json";

/// How deep a query may reach into messages. The contract needs 2; the bound is for a message that contains itself.
const QUERY_DEPTH_MAX: usize = 4;

/// One way to call a method.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The method.
    pub(super) method: &'a MethodDescriptor,
    /// Verb and body.
    pub(super) binding: &'a Binding,
    /// The path.
    pub(super) template: &'a Template,
    /// Which of the method's ways it is; 0 for the first.
    pub(super) index: usize,
}

/// The operation of a call.
pub(super) fn operation(call: &Call<'_>, schemas: &mut Schemas) -> Value {
    let method = call.method;
    let description = comment(&method.parent_file(), method.path());
    let mut operation = json!({
        "tags": [method.parent_service().name()],
        "operationId": id(call),
        "summary": first_clause(&description),
        "description": description,
        "responses": responses(method, schemas),
    });
    let parameters: Vec<_> =
        path_parameters(call, schemas).into_iter().chain(query_parameters(call, schemas)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = request_body(call, schemas) {
        operation["requestBody"] = body;
    }
    operation
}

/// Unique in the document. The further ways to call a method are numbered from 2.
fn id(call: &Call<'_>) -> String {
    let name = format!("{}_{}", call.method.parent_service().name(), call.method.name());
    if call.index == 0 { name } else { format!("{name}_{}", call.index + 1) }
}

fn path_parameters(call: &Call<'_>, schemas: &mut Schemas) -> Vec<Value> {
    let parameter = |variable: &Variable| {
        let field = field_at(&call.method.input(), &variable.field);
        json!({
            "name": variable.name,
            "in": "path",
            "required": true,
            "description": comment(&field.parent_file(), field.path()),
            "schema": schemas.shape(&field),
        })
    };
    call.template.variables.iter().map(parameter).collect()
}

/// The field at a path of names with dots between them.
fn field_at(message: &MessageDescriptor, path: &str) -> FieldDescriptor {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.get_field_by_name(name).expect("a test of the contract holds paths against the requests");
    match rest {
        None => field,
        Some(rest) => field_at(field.kind().as_message().expect("only messages have fields"), rest),
    }
}

/// What a query may hold: a field that is neither message nor map, however deep.
struct QueryField {
    path: String,
    description: String,
    required: bool,
    field: FieldDescriptor,
}

fn query_parameters(call: &Call<'_>, schemas: &mut Schemas) -> Vec<Value> {
    let body = match &call.binding.body {
        Body::Rest => return Vec::new(),
        Body::Nothing => None,
        Body::Field(name) => Some(name.as_str()),
    };
    query_fields(&call.method.input(), None, 1)
        .into_iter()
        .filter(|query| call.template.variables.iter().all(|variable| variable.field != query.path))
        .filter(|query| query.path.split('.').next() != body)
        .map(|query| query_parameter(&query, schemas))
        .collect()
}

fn query_parameter(query: &QueryField, schemas: &mut Schemas) -> Value {
    let mut parameter = json!({
        "name": query.path,
        "in": "query",
        "description": query.description,
        "schema": schemas.shape(&query.field),
    });
    if query.required {
        parameter["required"] = json!(true);
    }
    if query.field.is_list() {
        // Several times the same name: `status=A&status=B`.
        parameter["explode"] = json!(true);
    }
    parameter
}

fn query_fields(message: &MessageDescriptor, parent: Option<&QueryField>, depth: usize) -> Vec<QueryField> {
    message
        .fields()
        .filter(|field| !is_read_only(field) && !field.is_map())
        .flat_map(|field| {
            let query = query_field(field, parent);
            let kind = query.field.kind();
            match kind.as_message().filter(|message| well_known(message).is_none()) {
                None => vec![query],
                // A query has no form for lists of messages.
                Some(_) if query.field.is_list() || depth == QUERY_DEPTH_MAX => Vec::new(),
                Some(message) => query_fields(message, Some(&query), depth + 1),
            }
        })
        .collect()
}

fn query_field(field: FieldDescriptor, parent: Option<&QueryField>) -> QueryField {
    let own = comment(&field.parent_file(), field.path());
    match parent {
        None => QueryField { path: field.name().to_owned(), description: own, required: is_required(&field), field },
        Some(parent) => QueryField {
            path: format!("{}.{}", parent.path, field.name()),
            description: paragraphs([parent.description.as_str(), &own]),
            required: parent.required && is_required(&field),
            field,
        },
    }
}

/// The body of a request. It has to be there, be it `{}`.
fn request_body(call: &Call<'_>, schemas: &mut Schemas) -> Option<Value> {
    let input = call.method.input();
    let schema = match &call.binding.body {
        Body::Nothing => return None,
        Body::Rest => body_schema(call, &input, "", schemas),
        Body::Field(name) => {
            let field = field_at(&input, name);
            let kind = field.kind();
            match kind.as_message().filter(|_| !field.is_list() && !field.is_map()) {
                Some(message) => body_schema(call, message, &format!("{name}."), schemas),
                None => schemas.shape(&field),
            }
        }
    };
    Some(if call.method.is_client_streaming() {
        let schema = json!({"type": "array", "items": schema});
        json!({"required": true, "description": "The messages of the stream, in their order.", "content": content(&schema)})
    } else {
        json!({"required": true, "content": content(&schema)})
    })
}

/// A message as a body. Without the fields that the path holds it is another schema, named after the method: the whole
/// message may be part of a body elsewhere.
fn body_schema(call: &Call<'_>, message: &MessageDescriptor, prefix: &str, schemas: &mut Schemas) -> Value {
    let in_path = call.template.variables.iter().filter_map(|variable| variable.field.strip_prefix(prefix));
    let asked_for = in_path.filter(|name| message.get_field_by_name(name).is_some_and(|field| !is_read_only(&field)));
    let without: BTreeSet<_> = asked_for.collect();
    if without.is_empty() {
        return schemas.message(message);
    }
    let name = format!("{}Body", id(call).replace('_', ""));
    schemas.named(&name, |schemas| schemas.object(message, &without))
}

fn responses(method: &MethodDescriptor, schemas: &mut Schemas) -> Value {
    let output = method.output();
    let meaning = first_sentence(&comment(&output.parent_file(), output.path()));
    let mut content = content(&schemas.message(&output));
    let description = if method.is_server_streaming() {
        content[JSON]["x-newline-delimited"] = json!(true);
        paragraphs([
            "A stream: a line of JSON for each message, as soon as there is one. The schema is that of a line.",
            &meaning,
        ])
    } else {
        meaning
    };
    json!({
        "200": {"description": description, "content": content},
        "default": {"$ref": "#/components/responses/Error"},
    })
}

/// A body of JSON.
pub(super) fn content(schema: &Value) -> Value {
    json!({JSON: {"schema": schema}})
}
