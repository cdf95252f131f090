//! Who may call which method, and which rate it counts towards: one table over the paths. What is not in it cannot be called.

use std::{collections::HashMap, sync::LazyLock};

use super::{Principal, Role};
use crate::{
    config::Switch,
    error::{ApiError, Reason},
};

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; tokens are not even read. Health and reflection.
    Public,
    /// Anybody with a token; without one where guest checkout is configured.
    Guest,
    /// Customers, services and administrators.
    Caller,
    /// Services and administrators: what gateways and carriers tell us comes through adapters.
    Backend,
    /// Administrators.
    Admin,
}

/// Whether a call is one message each way. Streams may outlive the cap on unary calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One request, one response.
    Unary,
    /// A stream in either direction, or both.
    Streaming,
}

/// What a method asks of the service. Callers have a rate of their own for each class, so that somebody who looks around
/// a lot can still order, and somebody who tries card after card does not get as many tries as looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Looks at what it can name.
    Read,
    /// Changes something, or would but for `validate_only`.
    Write,
    /// Looks among many things, adds them up, or waits for them; or could be used to find out by trying what is not the
    /// caller's own.
    Search,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Search];

    /// The word in errors, metrics and keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Search => "search",
        }
    }
}

/// Something for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerClass<T> {
    /// For [`Class::Read`].
    pub read: T,
    /// For [`Class::Write`].
    pub write: T,
    /// For [`Class::Search`].
    pub search: T,
}

impl<T> PerClass<T> {
    /// What is there for a class.
    pub const fn of(&self, class: Class) -> &T {
        match class {
            Class::Read => &self.read,
            Class::Write => &self.write,
            Class::Search => &self.search,
        }
    }

    /// Something else for each class, made of this.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> PerClass<U> {
        PerClass { read: make(self.read), write: make(self.write), search: make(self.search) }
    }
}

/// What the layers know about a method.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Which rate it counts towards.
    pub class: Class,
    /// One message each way, or a stream.
    pub shape: Shape,
}

impl Method {
    /// `package.Service/Method`, the label of metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.trim_start_matches('/')
    }

    /// `package.Service`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.name().split('/').next().unwrap_or_default()
    }
}

const fn unary(path: &'static str, (access, class): (Access, Class)) -> Method {
    Method { path, access, class, shape: Shape::Unary }
}

const fn streaming(path: &'static str, (access, class): (Access, Class)) -> Method {
    Method { path, access, class, shape: Shape::Streaming }
}

/// Every method that can be called. A test walks the descriptor set and fails for a method without a line here.
pub const METHODS: &[Method] = &[
    unary("/grpc.health.v1.Health/Check", (Access::Public, Class::Read)),
    streaming("/grpc.health.v1.Health/Watch", (Access::Public, Class::Read)),
    streaming("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", (Access::Public, Class::Read)),
    streaming("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", (Access::Public, Class::Read)),
    unary("/orders.v1.OrderService/CreateOrder", (Access::Guest, Class::Write)),
    unary("/orders.v1.OrderService/QuoteOrder", (Access::Guest, Class::Read)),
    unary("/orders.v1.OrderService/GetOrder", (Access::Caller, Class::Read)),
    unary("/orders.v1.OrderService/LookupOrder", (Access::Guest, Class::Search)),
    unary("/orders.v1.OrderService/ListOrders", (Access::Caller, Class::Search)),
    unary("/orders.v1.OrderService/UpdateOrder", (Access::Caller, Class::Write)),
    unary("/orders.v1.OrderService/CancelOrder", (Access::Caller, Class::Write)),
    unary("/orders.v1.OrderService/PayOrder", (Access::Guest, Class::Write)),
    unary("/orders.v1.OrderService/EditOrder", (Access::Caller, Class::Write)),
    unary("/orders.v1.OrderService/RequestReturn", (Access::Caller, Class::Write)),
    unary("/orders.v1.OrderService/CancelReturn", (Access::Caller, Class::Write)),
    unary("/orders.v1.OrderService/GetOrderStatus", (Access::Caller, Class::Read)),
    unary("/orders.v1.OrderService/GetOrderTracking", (Access::Caller, Class::Read)),
    unary("/orders.v1.OrderService/ListOrderEvents", (Access::Caller, Class::Read)),
    streaming("/orders.v1.OrderService/WatchOrders", (Access::Caller, Class::Search)),
    unary("/orders.v1.OrderService/GetCustomerSummary", (Access::Caller, Class::Search)),
    unary("/orders.v1.CartService/GetCart", (Access::Guest, Class::Read)),
    unary("/orders.v1.CartService/AddCartItem", (Access::Guest, Class::Write)),
    unary("/orders.v1.CartService/UpdateCartItem", (Access::Guest, Class::Write)),
    unary("/orders.v1.CartService/RemoveCartItem", (Access::Guest, Class::Write)),
    unary("/orders.v1.CartService/ClearCart", (Access::Guest, Class::Write)),
    unary("/orders.v1.CartService/MergeCarts", (Access::Caller, Class::Write)),
    unary("/orders.v1.CartService/Checkout", (Access::Guest, Class::Write)),
    unary("/orders.v1.AdminService/ListOrders", (Access::Admin, Class::Search)),
    unary("/orders.v1.AdminService/GetOrder", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/GetOrderStats", (Access::Admin, Class::Search)),
    unary("/orders.v1.AdminService/UpdateOrderStatus", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/AddNote", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/UpsertProducts", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/GetProduct", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/ListProducts", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/UpsertCoupon", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/GetCoupon", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/ListCoupons", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/AdjustStock", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/GetStock", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/ListStockMovements", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/GetConnectivity", (Access::Admin, Class::Read)),
    streaming("/orders.v1.AdminService/ImportOrders", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/CapturePayment", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/VoidPayment", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/ListPayments", (Access::Admin, Class::Read)),
    unary("/orders.v1.AdminService/ReconcilePayments", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/RefundOrder", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/HoldOrder", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/ReleaseHold", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/CreateShipment", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/UpdateShipment", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/MarkPacked", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/MarkShipped", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/MarkDelivered", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/CancelShipment", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/MarkReturnedToSender", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/ApproveReturn", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/RejectReturn", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/ReceiveReturn", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/CloseReturn", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/RecordPaymentEvent", (Access::Backend, Class::Write)),
    unary("/orders.v1.AdminService/RecordCarrierEvent", (Access::Backend, Class::Write)),
    streaming("/orders.v1.AdminService/VerifyInvariants", (Access::Admin, Class::Search)),
    streaming("/orders.v1.AdminService/ExportOrders", (Access::Backend, Class::Search)),
    unary("/orders.v1.AdminService/BatchUpdateOrderStatus", (Access::Admin, Class::Write)),
    unary("/orders.v1.AdminService/ListDeadLetters", (Access::Admin, Class::Read)),
    streaming("/orders.v1.AdminService/ReplayEvents", (Access::Admin, Class::Write)),
];

static BY_PATH: LazyLock<HashMap<&str, &Method>> =
    LazyLock::new(|| METHODS.iter().map(|method| (method.path, method)).collect());

/// The method behind a path; `None` if it cannot be called.
#[must_use]
pub fn find(path: &str) -> Option<&'static Method> {
    BY_PATH.get(path).copied()
}

/// Decides whether a principal may call a method.
///
/// # Errors
/// `TOKEN_INVALID` if a token is needed and none was sent; `ROLE_REQUIRED` if the role does not suffice.
pub fn authorize(method: &Method, principal: &Principal, guest_checkout: Switch) -> Result<(), ApiError> {
    match (method.access, principal.role()) {
        (Access::Public, _)
        | (Access::Guest | Access::Caller, Some(_))
        | (Access::Backend, Some(Role::Service | Role::Admin))
        | (Access::Admin, Some(Role::Admin)) => Ok(()),
        (Access::Guest, None) if guest_checkout.is_on() => Ok(()),
        (Access::Guest | Access::Caller | Access::Backend | Access::Admin, None) => Err(ApiError::new(
            Reason::TokenInvalid,
            "this method needs a token; send it as `authorization: Bearer TOKEN`",
        )),
        (Access::Backend, Some(role @ Role::Customer)) => {
            Err(ApiError::new(Reason::RoleRequired, "this method needs the role service or admin")
                .with_metadata("role", role.as_str())
                .with_metadata("required_role", Role::Service.as_str()))
        }
        (Access::Admin, Some(role @ (Role::Customer | Role::Service))) => {
            Err(ApiError::new(Reason::RoleRequired, "this method needs the role admin")
                .with_metadata("role", role.as_str())
                .with_metadata("required_role", Role::Admin.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use order_core::ids::CustomerId;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// Path and shape of every method that the descriptor sets declare.
    fn declared() -> BTreeMap<String, Shape> {
        let sets = [
            order_api::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let files = sets.iter().flat_map(|bytes| FileDescriptorSet::decode(*bytes).unwrap().file);
        let mut methods = BTreeMap::new();
        for file in files {
            for service in &file.service {
                for method in &service.method {
                    let streams = method.client_streaming() || method.server_streaming();
                    let shape = if streams { Shape::Streaming } else { Shape::Unary };
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    methods.insert(path, shape);
                }
            }
        }
        methods
    }

    #[test]
    fn every_method_has_an_authorization_rule() {
        let ruled: BTreeMap<_, _> = METHODS.iter().map(|method| (method.path.to_owned(), method.shape)).collect();
        assert_eq!(ruled.len(), METHODS.len(), "a path has two rules");
        assert_eq!(ruled, declared());
    }

    #[test]
    fn only_health_and_reflection_are_public() {
        let public = METHODS.iter().filter(|method| method.access == Access::Public);
        assert!(public.map(|method| method.path).all(|path| path.starts_with("/grpc.")));
    }

    #[test]
    fn whatever_is_not_called_a_look_counts_as_a_change() {
        let looks = ["Get", "List", "Quote", "Lookup", "Watch", "Verify", "Export"];
        for method in METHODS.iter().filter(|method| method.access != Access::Public) {
            let name = method.path.rsplit('/').next().unwrap();
            let is_look = looks.iter().any(|look| name.starts_with(look));
            assert_eq!(method.class != Class::Write, is_look, "{}", method.path);
        }
    }

    #[test]
    fn every_admin_method_needs_the_role_admin() {
        for method in METHODS.iter().filter(|method| method.service() == "orders.v1.AdminService") {
            // What adapters tell, and what other services copy.
            let for_services = ["RecordPaymentEvent", "RecordCarrierEvent", "ExportOrders"];
            let backend = for_services.iter().any(|name| method.path.ends_with(name));
            assert_eq!(method.access, if backend { Access::Backend } else { Access::Admin }, "{}", method.path);
        }
    }

    #[test]
    fn each_principal_reaches_what_the_table_says() {
        let customer = Principal::Customer { id: CustomerId::parse("1").unwrap(), email: None, name: None };
        let service = Principal::Service { id: "1".into() };
        let admin = Principal::Admin { id: "1".into() };
        for (access, guests, allowed) in [
            (Access::Public, Switch::Off, [true, true, true, true]),
            (Access::Guest, Switch::Off, [true, true, true, false]),
            (Access::Guest, Switch::On, [true, true, true, true]),
            (Access::Caller, Switch::On, [true, true, true, false]),
            (Access::Backend, Switch::On, [false, true, true, false]),
            (Access::Admin, Switch::On, [false, false, true, false]),
        ] {
            let method = unary("/a.B/C", (access, Class::Read));
            let verdicts = [&customer, &service, &admin, &Principal::Guest]
                .map(|principal| authorize(&method, principal, guests).is_ok());
            assert_eq!(verdicts, allowed, "{access:?}");
        }
    }
}
