//! What every use case works with: the store, the neighbours, the rules and the choices of the shop.

use std::sync::Arc;

use order_core::{
    currency::Currency,
    ids::RequestId,
    order::{Actor, Context, Order, StatusOptions},
    policy::Policy,
    ports::{Catalog, Inventory, Notifier, PaymentGateway, Shipping, Warehouse},
    rules::Rules,
};
use order_store::{Numbering, Store};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Principal,
    clock::{Clock, IdSource},
    convert::actor,
    feed::Feed,
    gateways::{Publisher, Redis},
    service::call,
};

/// Whether people without a token may have carts and place orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestPolicy {
    /// They may.
    Allowed,
    /// They may not.
    Refused,
}

/// The parts of a running service. One for each process, shared by all calls and workers.
pub struct App {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Who knows products and prices.
    pub catalog: Arc<dyn Catalog>,
    /// Who knows what is on the shelf.
    pub inventory: Arc<dyn Inventory>,
    /// Who counts the goods, where this service does not.
    pub warehouse: Option<Arc<dyn Warehouse>>,
    /// Rung when there may be something to tell whoever counts the goods.
    pub untold: Notify,
    /// Who moves money.
    pub payments: Arc<dyn PaymentGateway>,
    /// Who carries parcels.
    pub shipping: Arc<dyn Shipping>,
    /// Who tells customers.
    pub notifier: Arc<dyn Notifier>,
    /// Whom events are passed on to.
    pub publishers: Vec<Arc<dyn Publisher>>,
    /// Where all processes count calls together, if there is such a place.
    pub shared_limits: Option<Arc<Redis>>,
    /// What happens to orders, for those who watch.
    pub feed: Feed,
    /// How prices come about.
    pub rules: Arc<Rules>,
    /// When orders are confirmed, stock is promised and waiting ends.
    pub policy: Policy,
    /// How order numbers are made.
    pub numbering: Numbering,
    /// Whether a token is needed.
    pub guests: GuestPolicy,
    /// The currency of carts and orders that name none.
    pub currency: Currency,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh identities.
    pub ids: Arc<dyn IdSource>,
    /// Work that outlives its call, and that the end of the process waits for.
    pub tasks: TaskTracker,
    /// Fires when the process takes no new work; calls that stream on their own account end then.
    pub draining: CancellationToken,
}

impl App {
    /// The circumstances of a caller's command: now, with fresh identities. Without a `request_id` of the caller's own the
    /// events carry the name of the call, if that is a UUID.
    #[must_use]
    pub fn context(&self, principal: &Principal, request_id: Option<RequestId>, reason: Option<String>) -> Context {
        Context {
            now: self.clock.now(),
            actor: actor::of(principal),
            request_id: request_id.or_else(call::name),
            reason,
            ids: self.ids.seed(),
            policy: self.policy,
        }
    }

    /// The circumstances of a command of the service's own: `part` is who of us acts.
    #[must_use]
    pub fn system(&self, part: &str) -> Context {
        Context {
            now: self.clock.now(),
            actor: Actor::System(part.to_owned()),
            request_id: None,
            reason: None,
            ids: self.ids.seed(),
            policy: self.policy,
        }
    }

    /// The words that an order could be walked to now, should `principal` ask for them.
    #[must_use]
    pub fn looking(&self, principal: &Principal, order: &Order) -> StatusOptions {
        order.status_options(&self.context(principal, None, None))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("engine", &self.store.engine()).finish_non_exhaustive()
    }
}
