//! The document against the contract that it was made from, and against the rules of OpenAPI.

use std::collections::BTreeSet;

use super::{
    annotation::{Body, HTTP, is_required},
    *,
};

const GUESTS: [&str; 2] = ["/orders.v1.OrderService/CreateOrder", "/orders.v1.CartService/GetCart"];

/// The verbs that OpenAPI has a place for.
const VERBS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

fn made() -> Value {
    document("1.2.3", &GUESTS)
}

fn contract() -> DescriptorPool {
    DescriptorPool::decode(order_api::FILE_DESCRIPTOR_SET).unwrap()
}

fn methods() -> Vec<MethodDescriptor> {
    let services: Vec<_> = contract().services().filter(|service| service.package_name() == PACKAGE).collect();
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Every operation with its path and verb.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(verb, operation)| (path.as_str(), verb.as_str(), operation))
        })
        .collect()
}

/// The operation of the first way to call a method.
fn operation_of<'a>(document: &'a Value, method: &MethodDescriptor) -> &'a Value {
    let binding = &bindings(method)[0];
    &document["paths"][Template::parse(&binding.path).path][&binding.verb]
}

/// The schema that a reference means, or the schema itself.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    schema["$ref"].as_str().map_or(schema, |reference| document.pointer(&reference[1..]).unwrap())
}

fn names<'a>(list: &'a Value, place: &str) -> Vec<&'a str> {
    let parameters = list.as_array().map_or(&[][..], Vec::as_slice).iter();
    parameters
        .filter(|parameter| parameter["in"] == place)
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect()
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_method_has_an_operation_at_each_of_its_paths() {
    let document = made();
    let mut expected = 0;
    for method in methods() {
        let bindings = bindings(&method);
        assert!(!bindings.is_empty(), "{}", method.full_name());
        for binding in &bindings {
            let operation = &document["paths"][Template::parse(&binding.path).path][&binding.verb];
            assert_eq!(operation["tags"][0], method.parent_service().name(), "{binding:?}");
            assert!(operation["operationId"].as_str().unwrap().contains(method.name()), "{binding:?}");
        }
        expected += bindings.len();
    }
    assert_eq!(operations(&document).len(), expected);
}

#[test]
fn operations_have_verbs_and_names_of_their_own() {
    let document = made();
    let operations = operations(&document);
    assert!(operations.iter().all(|(_, verb, _)| VERBS.contains(verb)));
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
}

#[test]
fn no_two_paths_differ_in_the_names_of_variables_alone() {
    let document = made();
    let paths = document["paths"].as_object().unwrap();
    let shape = |path: &String| -> String {
        path.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect::<Vec<_>>().join("{}")
    };
    assert_eq!(paths.keys().map(shape).collect::<BTreeSet<_>>().len(), paths.len());
}

#[test]
fn every_variable_of_a_path_is_declared() {
    let document = made();
    for (path, verb, operation) in operations(&document) {
        let wanted: Vec<_> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(names(&operation["parameters"], "path"), wanted, "{verb} {path}");
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let mut in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        assert!(in_path.all(|parameter| parameter["required"] == true), "{verb} {path}");
    }
}

#[test]
fn what_is_referred_to_is_there_and_nothing_else() {
    let document = made();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let components = ["schemas", "responses"].iter().flat_map(|kind| {
        let named = document["components"][kind].as_object().unwrap();
        named.keys().map(move |name| format!("#/components/{kind}/{name}"))
    });
    assert_eq!(found, components.collect());
    assert!(found.iter().all(|reference| document.pointer(&reference[1..]).is_some_and(Value::is_object)));
}

#[test]
fn what_a_request_has_to_hold_is_required() {
    let document = made();
    for method in methods() {
        let binding = &bindings(&method)[0];
        let template = Template::parse(&binding.path);
        let operation = operation_of(&document, &method);
        let schema = resolved(&document, &operation["requestBody"]["content"]["application/json"]["schema"]);
        let schema = if method.is_client_streaming() { resolved(&document, &schema["items"]) } else { schema };
        for field in method.input().fields().filter(is_required) {
            let name = field.name();
            let in_path = template.variables.iter().any(|variable| variable.field == name);
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let in_query = parameters.iter().any(|given| {
                given["name"].as_str() == Some(name) && given["in"] == "query" && given["required"] == true
            });
            let in_body = schema["required"].as_array().is_some_and(|required| required.contains(&json!(name)));
            let is_body = binding.body == Body::Field(name.to_owned()) && operation["requestBody"]["required"] == true;
            let places = [in_path, in_query, in_body, is_body];
            assert_eq!(places.iter().filter(|&&place| place).count(), 1, "{}", field.full_name());
        }
    }
}

#[test]
fn one_operation_in_detail() {
    let document = made();
    let operation = &document["paths"]["/v1/orders/{order_id}"]["patch"];
    assert_eq!(operation["operationId"], "OrderService_UpdateOrder");
    assert_eq!(operation["tags"], json!(["OrderService"]));
    assert_eq!(operation["summary"], "Changes the details of an order that the mask names");
    assert!(operation["description"].as_str().unwrap().contains("ABORTED `ETAG_MISMATCH`"));
    assert_eq!(operation["security"], Value::Null);
    let parameters = operation["parameters"].as_array().unwrap();
    assert_eq!(
        parameters[0],
        json!({"name": "order_id", "in": "path", "required": true, "description": "Id, a UUIDv7.", "schema": {"type": "string"}})
    );
    assert_eq!(names(&operation["parameters"], "query"), ["update_mask", "etag", "request_id"]);
    assert_eq!((&parameters[1]["required"], &parameters[2]["required"]), (&json!(true), &Value::Null));
    let order = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}});
    assert_eq!(operation["requestBody"], json!({"required": true, "content": order}));
    assert_eq!(operation["responses"]["200"], json!({"description": "An order.", "content": order}));
    assert_eq!(operation["responses"]["default"], json!({"$ref": "#/components/responses/Error"}));
}

#[test]
fn queries_reach_into_messages_and_repeat_lists() {
    let document = made();
    let operation = &document["paths"]["/v1/orders"]["get"];
    let parameter = |name: &str| {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters.iter().find(|parameter| parameter["name"] == name).unwrap().clone()
    };
    assert_eq!(parameter("min_total.units")["schema"]["type"], "string");
    assert_eq!(parameter("create_time_from")["schema"], json!({"type": "string", "format": "date-time"}));
    let statuses = json!({"type": "array", "items": {"$ref": "#/components/schemas/OrderStatus"}});
    assert_eq!((&parameter("status")["schema"], &parameter("status")["explode"]), (&statuses, &json!(true)));
}

#[test]
fn a_body_lacks_what_the_path_holds_and_a_part_of_another_does_not() {
    let document = made();
    let schemas = &document["components"]["schemas"];
    let body = &document["paths"]["/v1/admin/orders/{order_id}/status"]["patch"]["requestBody"];
    let reference = "#/components/schemas/AdminServiceUpdateOrderStatusBody";
    assert_eq!(body["content"]["application/json"]["schema"]["$ref"], reference);
    assert_eq!(schemas["AdminServiceUpdateOrderStatusBody"]["properties"]["order_id"], Value::Null);
    assert_eq!(schemas["UpdateOrderStatusRequest"]["properties"]["order_id"]["type"], "string");
    let requests = &schemas["BatchUpdateOrderStatusRequest"]["properties"]["requests"];
    assert_eq!(requests["items"]["$ref"], "#/components/schemas/UpdateOrderStatusRequest");
}

#[test]
fn schemas_are_the_json_of_messages() {
    let document = made();
    let schemas = &document["components"]["schemas"];
    let money = &schemas["google.type.Money"]["properties"];
    assert_eq!((&money["units"]["type"], &money["nanos"]["type"]), (&json!("string"), &json!("integer")));
    let order = &schemas["Order"]["properties"];
    assert_eq!((&order["order_id"]["readOnly"], &order["notes"]["readOnly"]), (&json!(true), &Value::Null));
    assert_eq!(order["total"]["$ref"], "#/components/schemas/google.type.Money");
    assert_eq!(order["metadata"]["additionalProperties"], json!({"type": "string"}));
    assert_eq!(order["lines"]["items"]["$ref"], "#/components/schemas/OrderLine");
    assert_eq!(order["create_time"]["format"], "date-time");
    assert_eq!(schemas["PaymentInstrument"]["properties"]["token"]["writeOnly"], true);
    assert_eq!(schemas["OrderStatus"]["enum"][1], "ORDER_STATUS_PENDING");
    assert!(schemas["OrderStatus"]["description"].as_str().unwrap().contains("- `ORDER_STATUS_PENDING`: Placed,"));
    assert_eq!(schemas["PaymentEvent"]["not"], json!({"anyOf": [{"required": ["succeeded", "declined"]}]}));
    assert_eq!(schemas["Dependency"]["properties"]["latency"]["type"], "string");
}

#[test]
fn answers_hold_what_may_be_zero_and_requests_need_not() {
    let document = made();
    let required = |name: &str| document["components"]["schemas"][name]["required"].clone();
    assert_eq!(required("ListOrdersResponse"), json!(["orders", "next_page_token", "total_size"]));
    // A part of requests and of answers.
    assert_eq!(required("Order"), Value::Null);
    assert_eq!(required("ReturnLineInput"), json!(["line_id", "quantity"]));
}

#[test]
fn every_message_with_a_json_form_of_its_own_is_known() {
    let document = made();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let unknown: Vec<_> = schemas.keys().filter(|name| name.starts_with("google.protobuf.")).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// An answer that is one field of the message would need a schema of its own.
#[test]
fn every_answer_is_a_whole_message() {
    let pool = contract();
    let extension = pool.get_extension_by_name(HTTP).unwrap();
    for method in methods() {
        let options = method.options();
        let rule = options.get_extension(&extension);
        assert!(!rule.as_message().unwrap().has_field_by_name("response_body"), "{}", method.full_name());
    }
}

#[test]
fn streams_are_lines_and_arrays() {
    let document = made();
    let watch = &document["paths"]["/v1/orders:watch"]["get"]["responses"]["200"]["content"]["application/json"];
    assert_eq!(watch["schema"]["$ref"], "#/components/schemas/WatchOrdersResponse");
    assert_eq!(watch["x-newline-delimited"], true);
    let import = &document["paths"]["/v1/admin/orders:import"]["post"]["requestBody"]["content"]["application/json"];
    assert_eq!(import["schema"]["items"]["$ref"], "#/components/schemas/ImportOrdersRequest");
}

#[test]
fn guests_need_no_token_where_they_may_call() {
    let document = made();
    let open: BTreeSet<_> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| operation["security"] == json!([{}, {"bearer": []}]))
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(open, BTreeSet::from(["CartService_GetCart", "OrderService_CreateOrder"]));
    assert_eq!(document["security"], json!([{"bearer": []}]));
}

#[test]
fn errors_tell_their_details_apart() {
    let document = made();
    let error = &document["components"]["responses"]["Error"]["content"]["application/json"]["schema"];
    let details = &resolved(&document, error)["properties"]["details"]["items"];
    assert_eq!(details["discriminator"]["propertyName"], "@type");
    let kinds = details["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), 5);
    for (url, reference) in details["discriminator"]["mapping"].as_object().unwrap() {
        let schema = resolved(&document, kinds.iter().find(|kind| kind["$ref"] == *reference).unwrap());
        assert_eq!((&schema["properties"]["@type"]["const"], &schema["required"][0]), (&json!(url), &json!("@type")));
    }
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(made().to_string(), made().to_string());
    assert_eq!(made()["info"]["version"], "1.2.3");
}
