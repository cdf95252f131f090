//! What the contract says beside names and types: `google.api.http`, `google.api.field_behavior`, and its comments.

use prost_reflect::{DynamicMessage, FieldDescriptor, FileDescriptor, MethodDescriptor, Value};

/// The extension that binds methods to paths.
pub(super) const HTTP: &str = "google.api.http";
/// The extension that says who sets a field.
const FIELD_BEHAVIOR: &str = "google.api.field_behavior";
/// The names of its values.
const FIELD_BEHAVIORS: &str = "google.api.FieldBehavior";
/// Verbs that have a field of their own in a rule.
const VERBS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// One way to call a method over HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// The verb, in lower case as OpenAPI writes it.
    pub(super) verb: String,
    /// The path template as the contract has it.
    pub(super) path: String,
    /// What the body of the request holds.
    pub(super) body: Body,
}

/// What the body of a request holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: what is not in the path is in the query.
    Nothing,
    /// All that is not in the path. There is no query.
    Rest,
    /// One field; what is neither in it nor in the path is in the query.
    Field(String),
}

/// Every way to call a method, the first one first. Empty if the contract gives it none.
pub(super) fn bindings(method: &MethodDescriptor) -> Vec<Binding> {
    let Some(extension) = method.parent_pool().get_extension_by_name(HTTP) else { return Vec::new() };
    let options = method.options();
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    let value = options.get_extension(&extension);
    value.as_message().map(with_further).unwrap_or_default()
}

/// A rule and its further ones, which have none of their own.
fn with_further(rule: &DynamicMessage) -> Vec<Binding> {
    let further = rule.get_field_by_name("additional_bindings");
    let further = further.as_deref().and_then(Value::as_list).unwrap_or_default();
    std::iter::once(rule).chain(further.iter().filter_map(Value::as_message)).filter_map(binding).collect()
}

fn binding(rule: &DynamicMessage) -> Option<Binding> {
    let (verb, path) = pattern(rule)?;
    let body = match text(rule, "body") {
        field if field.is_empty() => Body::Nothing,
        field if field == "*" => Body::Rest,
        field => Body::Field(field),
    };
    Some(Binding { verb, path, body })
}

fn pattern(rule: &DynamicMessage) -> Option<(String, String)> {
    if let Some(verb) = VERBS.into_iter().find(|verb| rule.has_field_by_name(verb)) {
        return Some((verb.to_owned(), text(rule, verb)));
    }
    let custom = rule.get_field_by_name("custom").filter(|_| rule.has_field_by_name("custom"))?;
    let custom = custom.as_message()?;
    Some((text(custom, "kind").to_lowercase(), text(custom, "path")))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether a request has to hold the field.
pub(super) fn is_required(field: &FieldDescriptor) -> bool {
    behaves(field, &["REQUIRED"])
}

/// Whether only the service sets the field. A name that the path holds already counts: a body has nothing to add to it.
pub(super) fn is_read_only(field: &FieldDescriptor) -> bool {
    behaves(field, &["OUTPUT_ONLY", "IDENTIFIER"])
}

/// Whether no answer ever holds the field.
pub(super) fn is_write_only(field: &FieldDescriptor) -> bool {
    behaves(field, &["INPUT_ONLY"])
}

fn behaves(field: &FieldDescriptor, wanted: &[&str]) -> bool {
    let pool = field.parent_pool();
    let (Some(extension), Some(names)) =
        (pool.get_extension_by_name(FIELD_BEHAVIOR), pool.get_enum_by_name(FIELD_BEHAVIORS))
    else {
        return false;
    };
    let options = field.options();
    let values = options.get_extension(&extension);
    let mut numbers = values.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number);
    numbers.any(|number| names.get_value(number).is_some_and(|value| wanted.contains(&value.name())))
}

/// The comment in front of what a file declares at a path; empty if there is none. Looked up by going through the whole
/// file, since a document is made once.
pub(super) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let locations = file.file_descriptor_proto().source_code_info.as_ref().map_or(&[][..], |info| &info.location);
    let leading = locations.iter().find(|location| location.path == path).map(|location| location.leading_comments());
    let lines = leading.unwrap_or_default().lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The first sentence of a comment, on one line.
pub(super) fn first_sentence(comment: &str) -> String {
    let paragraph = comment.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |stop| stop + 1);
    paragraph[..end].to_owned()
}

/// What a comment says up to the first stop of any kind, for a place that wants a few words.
pub(super) fn first_clause(comment: &str) -> String {
    let sentence = first_sentence(comment);
    let end = [": ", "; "].iter().filter_map(|stop| sentence.find(stop)).min().unwrap_or(sentence.len());
    sentence[..end].trim_end_matches('.').to_owned()
}

/// Texts as paragraphs of one; those that are empty are left out.
pub(super) fn paragraphs<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn comments_are_shortened() {
        let comment = "Places an order:\nat once; pays it. And more.\n\nErrors: none.";
        assert_eq!(first_sentence(comment), "Places an order: at once; pays it.");
        assert_eq!(first_clause(comment), "Places an order");
        assert_eq!(first_clause("Answers one order."), "Answers one order");
        assert_eq!((first_sentence(""), first_clause("")), (String::new(), String::new()));
    }

    #[test]
    fn paragraphs_that_say_nothing_are_left_out() {
        assert_eq!(paragraphs(["a", "", "b"]), "a\n\nb");
    }

    /// The contract has neither, so that they can only be seen here.
    #[test]
    fn further_bindings_and_verbs_without_a_field_are_read() {
        let pool = DescriptorPool::decode(order_api::FILE_DESCRIPTOR_SET).unwrap();
        let message = |name: &str| DynamicMessage::new(pool.get_message_by_name(name).unwrap());
        let mut custom = message("google.api.CustomHttpPattern");
        custom.set_field_by_name("kind", Value::String("HEAD".to_owned()));
        custom.set_field_by_name("path", Value::String("/b".to_owned()));
        let mut further = message("google.api.HttpRule");
        further.set_field_by_name("custom", Value::Message(custom));
        let mut rule = message("google.api.HttpRule");
        rule.set_field_by_name("put", Value::String("/a".to_owned()));
        rule.set_field_by_name("body", Value::String("thing".to_owned()));
        rule.set_field_by_name("additional_bindings", Value::List(vec![Value::Message(further)]));
        let binding = |verb: &str, path: &str, body| Binding { verb: verb.to_owned(), path: path.to_owned(), body };
        let thing = Body::Field("thing".to_owned());
        assert_eq!(with_further(&rule), [binding("put", "/a", thing), binding("head", "/b", Body::Nothing)]);
    }
}
