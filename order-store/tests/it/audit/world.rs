//! A shop in which everything has happened that can happen, and nothing is wrong.

use order_core::{
    cart::CartOwner,
    ids::{OrderId, RequestId},
    order::{
        Command, Details, Edit, Hold, LineQuantity, Order, ReceivedLine, RefundWish, ReturnLine, ReturnRefund,
        ReturnStep, ShipmentStep, State, Tracking, lines,
    },
    payment::{Operation, Outcome, Payment},
    policy::{AllocatePolicy, CapturePolicy},
    pricing::{PricingInput, PricingLine, price},
    product::Product,
    quantity::Quantity,
    rules::Rules,
};
use order_store::GatewayRecord;

use crate::{
    coupons::{issue, terms},
    imports::import,
    shop::{NOW, Shop, Wish, address, context, customer, fresh, later, numbering, usd},
};

/// The orders of the world that the tests speak of.
pub(crate) struct World {
    pub(crate) shop: Shop,
    /// Placed, to be paid on delivery.
    pub(crate) placed: Order,
    /// With the coupon `FIVE`.
    pub(crate) discounted: Order,
    /// Paid by card ...
    pub(crate) paid: Order,
    /// ... and asked for under this request id.
    pub(crate) paid_request: RequestId,
    /// Paid, called off, and its money given back.
    pub(crate) cancelled: Order,
    /// In two parcels: one arrived, one planned.
    pub(crate) shipped: Order,
    /// Delivered, and sent back in part.
    pub(crate) returned: Order,
    /// With a line more and some units less than at first.
    pub(crate) edited: Order,
    /// Delivered elsewhere.
    pub(crate) imported: Order,
    /// Out of a cart.
    pub(crate) carted: Order,
}

impl World {
    pub(crate) async fn open(shop: Shop) -> Self {
        // It is a long story, and no test should carry it on its stack.
        Box::pin(Self::fill(shop)).await
    }

    async fn fill(shop: Shop) -> Self {
        let mug = shop.sell("mug", 1250, 1000).await;
        let pot = shop.sell("pot", 999, 1000).await;
        let placed = shop.place(Wish::of(&[(&mug, 2), (&pot, 1)])).await.unwrap().order;
        let five = issue(&shop, terms("FIVE")).await;
        let discounted = shop.place(Wish::of(&[(&mug, 2)]).with(&five)).await.unwrap().order;
        let unused = shop.place(Wish::of(&[(&mug, 2)]).with(&five)).await.unwrap().order.id;
        walk(&shop, unused, [Command::Cancel]).await;
        shop.hold(&CartOwner::Customer(customer("trent")), &mug, 3).await.unwrap();
        loose_ends(&shop, &mug).await;
        let paid_request = RequestId::new(fresh());
        Self {
            placed,
            discounted,
            paid: paid(&shop, &mug, paid_request).await,
            paid_request,
            cancelled: cancelled(&shop, &mug).await,
            shipped: shipped(&shop, (&mug, &pot)).await,
            returned: returned(&shop, &mug).await,
            edited: edited(&shop, (&mug, &pot)).await,
            imported: imported(&shop).await,
            carted: carted(&shop, &pot).await,
            shop,
        }
    }
}

/// The gateway does what it is asked, keeps it in its log, and answers.
pub(crate) async fn answer(shop: &Shop, id: OrderId) -> Order {
    loop {
        let order = shop.order(id).await;
        let Some((payment, operation)) = order.open_operations().next() else { return order };
        let done = Outcome::succeeded(format!("ref-{}", operation.id));
        log(shop, (payment, operation), done.clone()).await;
        shop.change(id, Command::SettleOperation(operation.id, done)).await.unwrap();
    }
}

async fn log(shop: &Shop, (payment, operation): (&Payment, &Operation), outcome: Outcome) {
    let amount = order_core::money::Money::new(operation.amount, payment.amount.currency());
    let record = GatewayRecord { key: operation.id, kind: operation.kind, amount, outcome, time: NOW };
    shop.store.record_gateway(record).await.unwrap();
}

async fn walk(shop: &Shop, id: OrderId, commands: impl IntoIterator<Item = Command>) -> Order {
    for command in commands {
        shop.change(id, command).await.unwrap();
    }
    answer(shop, id).await
}

async fn paid(shop: &Shop, mug: &Product, request_id: RequestId) -> Order {
    let mut wish = Wish::of(&[(mug, 3)]).by_card().under(request_id.uuid());
    wish.context.request_id = Some(request_id);
    let id = shop.place(wish).await.unwrap().order.id;
    let notes = Details { notes: Some("ring twice".to_owned()), ..Details::default() };
    walk(shop, id, [Command::AddNote("regular".to_owned()), Command::Update(notes)]).await
}

async fn cancelled(shop: &Shop, mug: &Product) -> Order {
    let id = shop.place(Wish::of(&[(mug, 2)]).by_card()).await.unwrap().order.id;
    answer(shop, id).await;
    walk(shop, id, [Command::Cancel]).await
}

async fn shipped(shop: &Shop, (mug, pot): (&Product, &Product)) -> Order {
    let mut wish = Wish::of(&[(mug, 3), (pot, 2)]).by_card();
    wish.context.policy.capture = CapturePolicy::OnShipment;
    let id = shop.place(wish).await.unwrap().order.id;
    answer(shop, id).await;
    let parcel = |units| Command::CreateShipment {
        lines: vec![LineQuantity { line_id: 1, quantity: units }],
        tracking: Tracking::default(),
    };
    let order = walk(shop, id, [Command::Confirm, Command::StartProcessing, parcel(2), parcel(1)]).await;
    let first = order.shipments[0].id;
    let steps = [ShipmentStep::Pack, ShipmentStep::Ship(Tracking::default()), ShipmentStep::Deliver];
    walk(shop, id, steps.map(|step| Command::Shipment(first, step))).await
}

async fn returned(shop: &Shop, mug: &Product) -> Order {
    let id = shop.place(Wish::of(&[(mug, 4)]).by_card()).await.unwrap().order.id;
    answer(shop, id).await;
    let asked = |units| {
        Command::RequestReturn(vec![ReturnLine {
            line_id: 1,
            requested: units,
            restocked: 0,
            written_off: 0,
            reason: String::new(),
        }])
    };
    let ship = Command::Ship(Tracking::default());
    let order = walk(shop, id, [Command::Confirm, ship, Command::Deliver, asked(3), asked(1)]).await;
    let (back, unwanted) = (order.returns[0].id, order.returns[1].id);
    let receive = |restocked, written_off| {
        let lines = vec![ReceivedLine { line_id: 1, restocked, written_off }];
        Command::Return(back, ReturnStep::Receive { lines, refund: ReturnRefund::GiveBack })
    };
    let steps = [
        Command::Return(unwanted, ReturnStep::Reject),
        Command::Return(back, ReturnStep::Approve),
        receive(1, 0),
        receive(0, 1),
        Command::Return(back, ReturnStep::Close),
        Command::Refund(RefundWish::Amount(usd(100))),
    ];
    walk(shop, id, steps).await
}

async fn edited(shop: &Shop, (mug, pot): (&Product, &Product)) -> Order {
    let id = shop.place(Wish::of(&[(mug, 5)]).by_card()).await.unwrap().order.id;
    answer(shop, id).await;
    let bought = [(pot.clone(), Quantity::new(2).unwrap())];
    let line = PricingLine {
        product_id: pot.id.to_string(),
        unit_price: pot.price,
        quantity: bought[0].1,
        tax_class: pot.tax_class.clone(),
        discount: None,
    };
    let input = PricingInput {
        currency: pot.price.currency(),
        destination: (&address()).into(),
        lines: vec![line],
        coupon: None,
        order_discount: None,
    };
    let pricing = price(&Rules::builtin(), &input).unwrap();
    let edit = Edit {
        quantities: vec![LineQuantity { line_id: 1, quantity: 1 }],
        added: lines(&bought, &pricing),
        steps: pricing.explanation.steps,
        expected_difference: None,
    };
    walk(shop, id, [Command::Edit(edit), Command::PlaceHold(Hold::Manual)]).await
}

async fn imported(shop: &Shop) -> Order {
    let mut orders = Vec::new();
    for (name, state, delivered, paid) in [
        ("1", State::Pending, false, true),
        ("2", State::Pending, false, false),
        ("3", State::Cancelled, false, false),
        ("4", State::Cancelled, false, true),
        ("5", State::Processing, true, false),
        ("6", State::Processing, true, true),
    ] {
        let mut order = import(name);
        (order.draft.state, order.draft.delivered, order.draft.paid) = (state, delivered, paid);
        orders.push(order);
    }
    let (first, last) = (orders[0].id, orders[5].id);
    shop.store.import(orders, numbering()).await.unwrap();
    walk(shop, first, [Command::Cancel]).await;
    walk(shop, last, [Command::Complete]).await
}

async fn carted(shop: &Shop, pot: &Product) -> Order {
    let cart = shop.add(&CartOwner::Customer(customer("eve")), pot, 1).await.unwrap();
    shop.add(&CartOwner::Customer(customer("mallory")), pot, 1).await.unwrap();
    shop.place(Wish::of(&[(pot, 1)]).by("eve").out_of(&cart)).await.unwrap().order
}

/// What is rare: answers that are lost, refused, late or about other money, and policies that not every shop has.
async fn loose_ends(shop: &Shop, mug: &Product) {
    let by_card = || async { shop.place(Wish::of(&[(mug, 1)]).by_card()).await.unwrap().order };
    let sent = by_card().await;
    let lost = by_card().await;
    let operation = lost.payments[0].operations[0].id;
    walk_open(shop, lost.id, Command::LoseOperation(operation)).await;
    log(shop, (&sent.payments[0], &sent.payments[0].operations[0]), Outcome::succeeded("charged")).await;

    let refused = by_card().await;
    let (payment, operation) = (&refused.payments[0], &refused.payments[0].operations[0]);
    let declined = Outcome::Failed { code: "insufficient_funds".to_owned() };
    log(shop, (payment, operation), declined.clone()).await;
    walk_open(shop, refused.id, Command::SettleOperation(operation.id, declined)).await;

    let other = by_card().await;
    let (payment, operation) = (&other.payments[0], &other.payments[0].operations[0]);
    let moved = Outcome::Succeeded { reference: "r".to_owned(), moved: Some(usd(1)) };
    log(shop, (payment, operation), moved.clone()).await;
    walk_open(shop, other.id, Command::SettleOperation(operation.id, moved)).await;

    let late = by_card().await;
    walk_open(shop, late.id, Command::Cancel).await;
    answer(shop, late.id).await;

    let mut wish = Wish::of(&[(mug, 2)]).paid_later().by_guest("guest@example.com");
    wish.context.policy.pay_by_minutes = Some(1);
    wish.context.policy.allocate_on = AllocatePolicy::Confirm;
    let unpaid = shop.place(wish).await.unwrap().order.id;
    let mut expire = crate::shop::change(unpaid, Command::Expire);
    expire.context = context(later(3600));
    shop.store.change(expire).await.unwrap();

    let sent_back = by_card().await.id;
    answer(shop, sent_back).await;
    let order = walk(shop, sent_back, [Command::Confirm, Command::Ship(Tracking::default())]).await;
    let back = Command::Shipment(order.shipments[0].id, ShipmentStep::ReturnToSender);
    walk(shop, sent_back, [back, Command::Cancel]).await;
}

async fn walk_open(shop: &Shop, id: OrderId, command: Command) {
    shop.change(id, command).await.unwrap();
}
