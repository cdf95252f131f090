//! A shop to test with: short ways to write down who buys what.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use order_core::{
    address::{Address, AddressDraft},
    cart::{Cart, CartCommand, CartOwner},
    contact::{Contact, ContactDraft},
    currency::Currency,
    discount::{Coupon, Redeemer},
    error::Refusal,
    ids::{CartId, CustomerId, IdSeed, OrderId, ProductId, RequestId, Sku},
    money::Money,
    order::{Actor, Command, Context, Order, OrderDraft, Owner, Tracking, place},
    payment::{Outcome, PaymentMethod},
    policy::Policy,
    pricing::{PricingInput, PricingLine, price},
    product::{Product, ProductDraft},
    quantity::Quantity,
    rules::Rules,
    stock::{LevelQuery, StockLevel},
    time::Timestamp,
    violation::Violations,
};
use order_store::{
    CartChange, ChangeOrder, Effect, Mode, Numbering, OrderKey, PlaceOrder, PricedCart, PricedCoupon, PricedProduct,
    Request, RequestKey, Scope, Store, StoreError, UpsertProducts, testing::TestDatabase,
};
use uuid::Uuid;

/// 2026-03-01T12:00:00Z: when nothing else is said.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

/// How long carts hold their goods, where they do.
pub(crate) const HOLD_SECONDS: i64 = 15 * 60;

/// A new identity, later than all that were made before it. The time in it is not that of the clock, which no test reads.
pub(crate) fn fresh() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let n = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
    // A UUIDv7 whose milliseconds count up; the lowest bits stay free for an `IdSeed`.
    Uuid::from_u128(((0x0190_0000_0000 + n) << 80) | (0x7 << 76) | (0x8 << 60) | (n << 16))
}

/// `seconds` after [`NOW`].
pub(crate) fn later(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub(crate) fn product_id(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}

pub(crate) fn customer(name: &str) -> CustomerId {
    CustomerId::parse(name).unwrap()
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, currency("USD"))
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

pub(crate) fn admin() -> Actor {
    Actor::Admin("grace".to_owned())
}

pub(crate) fn contact(name: &str, email: &str) -> Contact {
    let draft = ContactDraft { name: name.to_owned(), email: email.to_owned(), phone: String::new() };
    draft.parse("contact", &mut Violations::new()).unwrap()
}

pub(crate) fn address() -> Address {
    let draft = AddressDraft {
        recipient: "Ada Lovelace".to_owned(),
        line1: "12 St James's Square".to_owned(),
        line2: String::new(),
        city: "London".to_owned(),
        region: String::new(),
        postal_code: "SW1Y 4JH".to_owned(),
        country_code: "GB".to_owned(),
    };
    draft.parse("shipping_address", &mut Violations::new()).unwrap()
}

pub(crate) fn context(now: Timestamp) -> Context {
    Context {
        now,
        actor: admin(),
        request_id: None,
        reason: None,
        ids: IdSeed::new(fresh()),
        policy: Policy::default(),
    }
}

/// A request of a method with a body; the same name and body is the same request again.
pub(crate) fn request(id: Uuid, body: u8) -> Request {
    Request {
        key: RequestKey { principal: "ada".to_owned(), method: "Test", request_id: RequestId::new(id) },
        body_hash: [body; 32],
        time: NOW,
    }
}

pub(crate) fn numbering() -> Numbering {
    Numbering { prefix: "SPK".to_owned(), first: 1001 }
}

/// Unwraps a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    let error = result.unwrap_err();
    let StoreError::Refused(refusal) = error else { panic!("not a refusal: {error:?}") };
    refusal
}

/// An order that somebody wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) id: OrderId,
    pub(crate) owner: Owner,
    pub(crate) contact: Contact,
    pub(crate) lines: Vec<(Product, u32)>,
    pub(crate) payment: Option<(PaymentMethod, Option<String>)>,
    pub(crate) cart: Option<(CartId, CartOwner, i64)>,
    pub(crate) coupon: Option<Coupon>,
    pub(crate) products: Vec<PricedProduct>,
    pub(crate) request: Option<Request>,
    pub(crate) numbering: Numbering,
    pub(crate) context: Context,
}

impl Wish {
    /// Ada wants so many of these, and pays on delivery.
    pub(crate) fn of(lines: &[(&Product, u32)]) -> Self {
        Self {
            id: OrderId::new(fresh()),
            owner: Owner::Customer(customer("ada")),
            contact: contact("Ada Lovelace", "ada@example.com"),
            lines: lines.iter().map(|(product, units)| ((*product).clone(), *units)).collect(),
            payment: Some((PaymentMethod::CashOnDelivery, None)),
            cart: None,
            coupon: None,
            products: Vec::new(),
            request: None,
            numbering: numbering(),
            context: Context { actor: Actor::Customer("ada".to_owned()), ..context(NOW) },
        }
    }

    pub(crate) fn by(mut self, name: &str) -> Self {
        self.owner = Owner::Customer(customer(name));
        self.contact = contact(name, &format!("{name}@example.com"));
        self
    }

    pub(crate) fn by_guest(mut self, email: &str) -> Self {
        self.owner = Owner::Guest;
        self.contact = contact("Guest", email);
        self
    }

    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.context.now = now;
        self
    }

    pub(crate) fn by_card(mut self) -> Self {
        self.payment = Some((PaymentMethod::CreditCard, Some("tok_ok".to_owned())));
        self
    }

    pub(crate) fn paid_later(mut self) -> Self {
        self.payment = None;
        self
    }

    pub(crate) fn under(mut self, id: Uuid) -> Self {
        self.request = Some(request(id, 1));
        self
    }

    pub(crate) fn out_of(mut self, cart: &Cart) -> Self {
        self.cart = Some((cart.id, cart.owner.clone(), cart.revision));
        self
    }

    /// At the price that this coupon makes.
    pub(crate) fn with(mut self, coupon: &Coupon) -> Self {
        self.coupon = Some(coupon.clone());
        self
    }

    /// Only if its products are still as they are here.
    pub(crate) fn still_so(mut self) -> Self {
        let seen = |(product, _): &(Product, u32)| PricedProduct { id: product.id.clone(), revision: product.revision };
        self.products = self.lines.iter().map(seen).collect();
        self
    }

    pub(crate) fn into_order(self) -> PlaceOrder {
        let pricing = {
            let lines = self.lines.iter().map(|(product, units)| PricingLine {
                product_id: product.id.to_string(),
                unit_price: product.price,
                quantity: Quantity::new(*units).unwrap(),
                tax_class: product.tax_class.clone(),
                discount: None,
            });
            let currency = self.lines[0].0.price.currency();
            let destination = (&address()).into();
            let coupon = self.coupon.as_ref().map(|coupon| coupon.terms.clone());
            let input = PricingInput { currency, destination, lines: lines.collect(), coupon, order_discount: None };
            price(&Rules::builtin(), &input).unwrap()
        };
        let redeemer = Redeemer::of(&self.owner, &self.contact.email);
        let draft = OrderDraft {
            id: self.id,
            owner: self.owner,
            cart_id: self.cart.as_ref().map(|(id, ..)| *id),
            lines: self.lines.into_iter().map(|(product, units)| (product, Quantity::new(units).unwrap())).collect(),
            pricing,
            coupon_code: self.coupon.as_ref().map(|coupon| coupon.terms.code.clone()),
            contact: self.contact,
            shipping_address: address(),
            billing_address: None,
            payment: self.payment,
            notes: "leave it at the door".to_owned(),
            metadata: BTreeMap::from([("channel".to_owned(), "test".to_owned())]),
        };
        PlaceOrder {
            request: self.request,
            placement: place(draft, &self.context).unwrap(),
            coupon: self.coupon.map(|coupon| PricedCoupon {
                code: coupon.terms.code,
                redeemer,
                revision: coupon.revision,
            }),
            cart: self.cart.map(|(id, owner, revision)| PricedCart { id, owner, revision }),
            products: self.products,
            reserved: None,
            numbering: self.numbering,
        }
    }
}

/// A store with goods in it.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) store: Arc<dyn Store>,
}

impl Shop {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        Self { store: database.connect().await }
    }

    /// Puts a product on sale and so many on the shelf. Its SKU is its id in capitals.
    pub(crate) async fn sell(&self, id: &str, minor: i64, units: i64) -> Product {
        self.sell_at(id, usd(minor), units).await
    }

    pub(crate) async fn sell_at(&self, id: &str, price: Money, units: i64) -> Product {
        let draft = ProductDraft {
            id: product_id(id),
            sku: sku(&id.to_uppercase()),
            name: format!("A good {id}"),
            description: String::new(),
            price,
            tax_class: "standard".to_owned(),
            active: true,
            initial_stock: units,
        };
        self.upsert(vec![draft]).await.unwrap().remove(0)
    }

    pub(crate) async fn upsert(&self, drafts: Vec<ProductDraft>) -> Result<Vec<Product>, StoreError> {
        let upserted = self.store.upsert_products(upsert(drafts)).await?;
        Ok(upserted.into_iter().map(|upserted| upserted.product).collect())
    }

    pub(crate) async fn place(&self, wish: Wish) -> Result<Effect, StoreError> {
        self.store.place(wish.into_order()).await
    }

    pub(crate) async fn order(&self, id: OrderId) -> Order {
        self.store.order(OrderKey::Id(id), Scope::All).await.unwrap().unwrap()
    }

    pub(crate) async fn level(&self, name: &str) -> StockLevel {
        self.level_at(name, NOW).await.unwrap()
    }

    /// The level as it is seen at a moment, if there is a shelf.
    pub(crate) async fn level_at(&self, name: &str, now: Timestamp) -> Option<StockLevel> {
        self.store.levels(LevelQuery { skus: vec![sku(name)], now, cart_id: None }).await.unwrap().pop()
    }

    /// Carries a command out at [`NOW`].
    pub(crate) async fn change(&self, id: OrderId, command: Command) -> Result<Effect, StoreError> {
        self.store.change(change(id, command)).await
    }

    /// Answers for the gateway: all that is open has happened.
    pub(crate) async fn settle(&self, id: OrderId) -> Order {
        let order = self.order(id).await;
        let open: Vec<_> = order.open_operations().map(|(_, operation)| operation.id).collect();
        for operation in open {
            let done = Outcome::succeeded(format!("ref-{operation}"));
            self.change(id, Command::SettleOperation(operation, done)).await.unwrap();
        }
        self.order(id).await
    }

    /// Puts units of a product into somebody's cart.
    pub(crate) async fn add(&self, owner: &CartOwner, product: &Product, units: u32) -> Result<Cart, StoreError> {
        let command = CartCommand::Add(Box::new(product.clone()), Quantity::new(units).unwrap());
        self.store.change_cart(cart_change(owner, command)).await
    }

    /// Puts units of a product into somebody's cart at [`NOW`], which holds all that is in it for [`HOLD_SECONDS`].
    pub(crate) async fn hold(&self, owner: &CartOwner, product: &Product, units: u32) -> Result<Cart, StoreError> {
        self.hold_at(NOW, (owner, product, units)).await
    }

    /// The same at another moment.
    pub(crate) async fn hold_at(
        &self,
        now: Timestamp,
        (owner, product, units): (&CartOwner, &Product, u32),
    ) -> Result<Cart, StoreError> {
        let command = CartCommand::Add(Box::new(product.clone()), Quantity::new(units).unwrap());
        self.store.change_cart(holding(now, cart_change(owner, command))).await
    }
}

/// The change at a moment, where carts hold their goods.
pub(crate) fn holding(now: Timestamp, change: CartChange) -> CartChange {
    CartChange { now, hold_until: Some(now.plus_seconds(HOLD_SECONDS)), ..change }
}

/// Products to be added or changed for real, whatever they were before.
pub(crate) fn upsert(drafts: Vec<ProductDraft>) -> UpsertProducts {
    UpsertProducts {
        request: None,
        drafts,
        expected: BTreeMap::new(),
        mode: Mode::Apply,
        actor: admin(),
        now: NOW,
        ids: IdSeed::new(fresh()),
    }
}

/// A command of an administrator at [`NOW`], for real.
pub(crate) fn change(id: OrderId, command: Command) -> ChangeOrder {
    ChangeOrder {
        request: None,
        order_id: id,
        scope: Scope::All,
        expected_revision: None,
        command,
        reserved: None,
        context: context(NOW),
        mode: Mode::Apply,
    }
}

pub(crate) fn cart_change(owner: &CartOwner, command: CartCommand) -> CartChange {
    CartChange {
        request: None,
        owner: owner.clone(),
        expected_revision: None,
        command,
        hold_until: None,
        now: NOW,
        ids: IdSeed::new(fresh()),
    }
}

pub(crate) fn ship() -> Command {
    Command::Ship(Tracking { tracking_number: Some("1Z999".to_owned()), ..Tracking::default() })
}
