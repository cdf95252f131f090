//! Reads the descriptor set, its extensions included.

use std::fmt;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor, Value,
};

/// The package that the tests are about.
pub(crate) const PACKAGE: &str = "orders.v1";

/// The contract as the crate ships it.
pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(order_api::FILE_DESCRIPTOR_SET).expect("the build wrote a descriptor set")
}

/// Our services, in the order of their files.
pub(crate) fn services(pool: &DescriptorPool) -> Vec<ServiceDescriptor> {
    pool.services().filter(|service| service.package_name() == PACKAGE).collect()
}

/// Every method of our services.
pub(crate) fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    services(pool).iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Our messages, without the entries that the compiler makes for maps.
pub(crate) fn messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages().filter(|message| message.package_name() == PACKAGE && !message.is_map_entry()).collect()
}

/// Our enums.
pub(crate) fn enums(pool: &DescriptorPool) -> Vec<EnumDescriptor> {
    pool.all_enums().filter(|descriptor| descriptor.package_name() == PACKAGE).collect()
}

/// `google.api.http` of a method.
pub(crate) struct HttpRule {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) body: String,
}

impl HttpRule {
    /// The rule, or `None` if the method has no annotation or it was lost on the way.
    pub(crate) fn of(method: &MethodDescriptor) -> Option<Self> {
        let extension = method.parent_pool().get_extension_by_name("google.api.http")?;
        let options = method.options();
        if !options.has_extension(&extension) {
            return None;
        }
        let value = options.get_extension(&extension);
        let rule = value.as_message()?;
        let (verb, path) = ["get", "put", "post", "delete", "patch"]
            .into_iter()
            .find(|verb| rule.has_field_by_name(verb))
            .map(|verb| (verb.to_uppercase(), text(rule, verb)))?;
        let body = text(rule, "body");
        Some(Self { verb, path, body })
    }

    /// Names in braces, such as `order.order_id`.
    pub(crate) fn variables(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    /// Verb and path with the names of the variables left out: what must be unique.
    pub(crate) fn shape(&self) -> String {
        let mut path = self.path.clone();
        for variable in self.variables() {
            path = path.replace(&format!("{{{variable}}}"), "{}");
        }
        format!("{} {path}", self.verb)
    }
}

impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.path)?;
        if !self.body.is_empty() {
            write!(f, " body={}", self.body)?;
        }
        Ok(())
    }
}

/// Names of a field's `google.api.field_behavior`, in lower case.
pub(crate) fn behaviors(field: &FieldDescriptor) -> Vec<String> {
    let extension = field
        .parent_pool()
        .get_extension_by_name("google.api.field_behavior")
        .expect("the contract imports field_behavior.proto");
    let names =
        field.parent_pool().get_enum_by_name("google.api.FieldBehavior").expect("declared beside the extension");
    let options = field.options();
    let values = options.get_extension(&extension);
    let values = values.as_list().unwrap_or_default();
    values
        .iter()
        .filter_map(Value::as_enum_number)
        .filter_map(|number| names.get_value(number))
        .map(|value| value.name().to_lowercase())
        .collect()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
