//! The REST side of the contract as an OpenAPI document, read from the compiled contract: a method, field or comment
//! that changes there changes here.
//!
//! It is OpenAPI 3.1, not 3.0: there a reference may stand beside a description and `readOnly`, so that a field of a
//! message type keeps its comment, and schemas are plain JSON Schema. 3.0 would need a wrapper around each of them.
//!
//! It describes what Envoy's transcoder makes of the contract under `deploy/envoy/envoy.yaml`.

mod annotation;
mod operation;
mod refusal;
mod schema;
mod template;
#[cfg(test)]
mod tests;

use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use serde_json::{Map, Value, json};

use self::{
    annotation::{bindings, comment},
    operation::{Call, operation},
    schema::Schemas,
    template::Template,
};

/// The package that is served over REST.
const PACKAGE: &str = "orders.v1";

const DESCRIPTION: &str = "\
Orders, carts and the administration of a shop. The same methods are there over gRPC.

Fields have the names of the contract. Integers of 64 bits are strings, and enums go by their names. In an answer
every field is there, zero or not; only messages, members of a choice and values that can be absent are left out while
they are not set. In a request, what is left out is empty or zero. An unknown field of a body is ignored, an unknown
parameter of a query is refused.

A call has 15 seconds; the header `grpc-timeout` asks for less (`500m` is half a second). The header `x-request-id`
comes back with every answer, and the log knows the call by it.";

/// The document of all methods. `guests` are the methods that may be called without a token, as
/// `/orders.v1.OrderService/CreateOrder`.
#[must_use]
pub fn document(version: &str, guests: &[&str]) -> Value {
    let pool =
        DescriptorPool::decode(order_api::FILE_DESCRIPTOR_SET).expect("the contract was compiled with this program");
    let services: Vec<_> = pool.services().filter(|service| service.package_name() == PACKAGE).collect();
    let methods: Vec<_> = services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let mut schemas = Schemas::new(methods.iter().map(MethodDescriptor::input));
    let paths = paths(&methods, guests, &mut schemas);
    let error = refusal::response(&pool, &mut schemas);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": info(version),
        "tags": services.iter().map(tag).collect::<Vec<_>>(),
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.into_value(),
            "responses": {"Error": error},
            "securitySchemes": {"bearer": bearer()},
        },
    });
    // Without effect unless some crate has serde_json keep the order of insertion.
    document.sort_all_objects();
    document
}

fn info(version: &str) -> Value {
    json!({
        "title": "Order service",
        "version": version,
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    })
}

fn tag(service: &ServiceDescriptor) -> Value {
    json!({"name": service.name(), "description": comment(&service.parent_file(), service.path())})
}

fn bearer() -> Value {
    json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Says who calls, and with which role: customer, service or admin. Where no token is needed, a \
            guest may call, if the service is set up for guests.",
    })
}

fn paths(methods: &[MethodDescriptor], guests: &[&str], schemas: &mut Schemas) -> Value {
    let mut paths = Map::new();
    for method in methods {
        for (index, binding) in bindings(method).iter().enumerate() {
            let template = Template::parse(&binding.path);
            let mut operation = operation(&Call { method, binding, template: &template, index }, schemas);
            if is_open(method, guests) {
                operation["security"] = json!([{}, {"bearer": []}]);
            }
            let path = paths.entry(template.path).or_insert_with(|| json!({}));
            path[&binding.verb] = operation;
        }
    }
    Value::Object(paths)
}

/// Whether a method may be called without a token.
fn is_open(method: &MethodDescriptor, guests: &[&str]) -> bool {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    guests.contains(&path.as_str())
}
