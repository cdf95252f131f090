//! The commands that are tried on an order: every kind, each in a few forms that fit it.

use order_core::{
    ids::{PaymentId, ReturnId, ShipmentId},
    money::Money,
    order::{
        Command, CommandKind, Edit, Hold, LineQuantity, Order, ReceivedLine, RefundWish, ReturnLine, ReturnRefund,
        ReturnStep, ShipmentStatus, ShipmentStep, ShippingRefund, Tracking, TrackingChange,
    },
    payment::{OperationKind, Outcome, PaymentMethod},
};
use uuid::Uuid;

use crate::orders::{declined, units};

/// Which commands are tried beyond those that every order meets. All of them together multiply orders without making new cases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alphabet {
    /// How people pay.
    pub(crate) methods: &'static [PaymentMethod],
    /// What else happens.
    pub(crate) extras: &'static [Extra],
}

/// What does not happen to every order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    /// Gateways refuse to take money.
    Declines,
    /// Gateways refuse to give money back and to give promises up.
    Refusals,
    /// Gateways move other money than they were asked to, and answers get lost.
    Mismatch,
    /// People give amounts back, and shipping.
    Amounts,
    /// People hold orders.
    Holds,
    /// Orders leave in several parcels, which are packed, called off and sent back.
    Parcels,
    /// Goods come back.
    Returns,
}

impl Alphabet {
    /// Everything.
    pub(crate) const FULL: Self = Self {
        methods: &[PaymentMethod::Upi, PaymentMethod::CreditCard, PaymentMethod::CashOnDelivery],
        extras: &[
            Extra::Declines,
            Extra::Refusals,
            Extra::Mismatch,
            Extra::Amounts,
            Extra::Holds,
            Extra::Parcels,
            Extra::Returns,
        ],
    };

    fn has(self, extra: Extra) -> bool {
        self.extras.contains(&extra)
    }

    pub(crate) fn commands(self, order: &Order) -> Vec<Command> {
        // What a gateway says comes first: many requests at once are no new case.
        let mut all = self.answers(order);
        if all.len() > 4 {
            return all;
        }
        all.extend([
            Command::Confirm,
            Command::StartProcessing,
            Command::Cancel,
            Command::Expire,
            Command::Ship(Tracking::default()),
            Command::Deliver,
            Command::Complete,
        ]);
        all.extend(order.holds.contains(&Hold::Payment).then_some(Command::ReleaseHold(Hold::Payment)));
        all.extend(self.money(order));
        all.extend(called_off(order));
        if self.has(Extra::Parcels) {
            all.extend(parcels(order));
        }
        if self.has(Extra::Returns) {
            all.extend(returns(order));
        }
        if self.has(Extra::Holds) {
            all.extend(holds(order));
        }
        all
    }

    fn answers(self, order: &Order) -> Vec<Command> {
        let mut all = Vec::new();
        for (payment, operation) in order.open_operations() {
            all.push(Command::SettleOperation(operation.id, Outcome::succeeded("ref")));
            let refused = match operation.kind {
                OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture => Extra::Declines,
                OperationKind::Refund | OperationKind::Void => Extra::Refusals,
            };
            if self.has(refused) {
                all.push(Command::SettleOperation(operation.id, declined()));
            }
            if self.has(Extra::Mismatch)
                && operation.kind == OperationKind::Sale
                && payment.amount == order.totals.total
            {
                let moved = Some(Money::new(operation.amount + 1, payment.amount.currency()));
                all.push(Command::SettleOperation(operation.id, Outcome::Succeeded { reference: "r".into(), moved }));
                all.extend([Command::LoseOperation(operation.id), Command::AttemptOperation(operation.id)]);
            }
        }
        all
    }

    fn money(self, order: &Order) -> Vec<Command> {
        let mut all = Vec::new();
        for &method in self.methods {
            let token = method.needs_gateway().then(|| "tok".to_owned());
            all.push(Command::Pay { method, token, amount: None });
        }
        for payment in &order.payments {
            all.push(Command::Capture { payment_id: payment.id, amount: None });
            all.push(Command::Void(payment.id));
        }
        all.push(Command::Refund(RefundWish::All));
        for line in &order.lines {
            let lines = units(&[(line.line_id, 1)]);
            all.push(Command::Refund(RefundWish::Lines { lines: lines.clone(), shipping: ShippingRefund::Keep }));
            if self.has(Extra::Amounts) {
                all.push(Command::Refund(RefundWish::Lines { lines, shipping: ShippingRefund::GiveBack }));
            }
        }
        if self.has(Extra::Amounts) && order.due() == order.totals.total.minor() {
            let amount = Money::new(100, order.totals.total.currency());
            all.push(Command::Refund(RefundWish::Amount(amount)));
        }
        all
    }
}

fn holds(order: &Order) -> Vec<Command> {
    vec![Command::PlaceHold(Hold::Manual), Command::ReleaseHold(Hold::Manual), Command::AddNote(order.id.to_string())]
}

fn one_of_each_line(order: &Order) -> impl Iterator<Item = Vec<LineQuantity>> {
    order.lines.iter().map(|line| units(&[(line.line_id, 1)]))
}

fn called_off(order: &Order) -> Vec<Command> {
    let mut all: Vec<_> = one_of_each_line(order).map(Command::CancelLines).collect();
    for line in &order.lines {
        let left = line.counters.ordered - line.counters.cancelled;
        let quantities = units(&[(line.line_id, left.saturating_sub(1))]);
        all.push(Command::Edit(Edit { quantities, ..Edit::default() }));
    }
    all
}

fn parcels(order: &Order) -> Vec<Command> {
    let mut all = Vec::new();
    let live = |status: ShipmentStatus| status.is_open() || status == ShipmentStatus::Shipped;
    let parcels: Vec<ShipmentId> = order.shipments.iter().filter(|s| live(s.status)).map(|s| s.id).collect();
    let tracking = Tracking::default;
    if parcels.len() < 2 {
        all.push(Command::CreateShipment { lines: Vec::new(), tracking: tracking() });
        all.extend(one_of_each_line(order).map(|lines| Command::CreateShipment { lines, tracking: tracking() }));
    }
    for id in parcels {
        let steps = [
            ShipmentStep::Update(TrackingChange::default()),
            ShipmentStep::Pack,
            ShipmentStep::Ship(tracking()),
            ShipmentStep::Deliver,
            ShipmentStep::Cancel,
            ShipmentStep::ReturnToSender,
        ];
        all.extend(steps.map(|step| Command::Shipment(id, step)));
    }
    all
}

/// One unit of a line that is to come back.
pub(super) fn back(line_id: u32) -> ReturnLine {
    ReturnLine { line_id, requested: 1, restocked: 0, written_off: 0, reason: String::new() }
}

fn returns(order: &Order) -> Vec<Command> {
    let mut all = Vec::new();
    let open: Vec<ReturnId> = order.returns.iter().filter(|r| r.status.is_open()).map(|r| r.id).collect();
    if open.is_empty() {
        all.extend(order.lines.iter().map(|line| Command::RequestReturn(vec![back(line.line_id)])));
    }
    for id in open {
        let steps = [ReturnStep::Cancel, ReturnStep::Approve, ReturnStep::Reject, ReturnStep::Close];
        all.extend(steps.map(|step| Command::Return(id, step)));
        for line in &order.lines {
            for (restocked, refund) in [(1, ReturnRefund::GiveBack), (0, ReturnRefund::Skip)] {
                let lines = vec![ReceivedLine { line_id: line.line_id, restocked, written_off: 1 - restocked }];
                all.push(Command::Return(id, ReturnStep::Receive { lines, refund }));
            }
        }
    }
    all
}

/// The plainest form of a command of the table, as it fits an order; see `Order::legal_commands`.
pub(super) fn plainest(kind: CommandKind, order: &Order, more: &Edit) -> Option<Command> {
    let first = |fits: &dyn Fn(&order_core::order::Line) -> bool| {
        order.lines.iter().find(|line| fits(line)).map_or(1, |line| line.line_id)
    };
    let planned = |line_id| {
        let open = order.shipments.iter().filter(|shipment| shipment.status.is_open());
        open.flat_map(|s| &s.lines).filter(|part| part.line_id == line_id).map(|part| part.quantity).sum::<u32>()
    };
    let promised = order.payments.iter().find(|payment| payment.capturable() > 0);
    let promised = promised.map_or(PaymentId::new(Uuid::nil()), |payment| payment.id);
    let to_take = if promised == PaymentId::new(Uuid::nil()) { order.cash_awaited() } else { None };
    Some(match kind {
        CommandKind::Confirm => Command::Confirm,
        CommandKind::StartProcessing => Command::StartProcessing,
        CommandKind::Cancel => Command::Cancel,
        CommandKind::Expire => Command::Expire,
        CommandKind::Ship => Command::Ship(Tracking::default()),
        CommandKind::Deliver => Command::Deliver,
        CommandKind::Complete => Command::Complete,
        CommandKind::CancelLines => {
            let free = first(&|line| line.counters.to_ship() > planned(line.line_id));
            Command::CancelLines(units(&[(free, 1)]))
        }
        CommandKind::Edit => Command::Edit(more.clone()),
        CommandKind::CreateShipment => Command::CreateShipment { lines: Vec::new(), tracking: Tracking::default() },
        CommandKind::PlaceHold => Command::PlaceHold(Hold::Manual),
        CommandKind::RequestReturn => Command::RequestReturn(vec![back(first(&|l| l.counters.returnable() > 0))]),
        CommandKind::Capture => {
            Command::Capture { payment_id: to_take.map_or(promised, |payment| payment.id), amount: None }
        }
        CommandKind::Void => Command::Void(promised),
        CommandKind::Refund => Command::Refund(RefundWish::All),
        CommandKind::Pay => Command::Pay { method: PaymentMethod::Upi, token: Some("tok".to_owned()), amount: None },
        // Not of the table.
        CommandKind::Shipment
        | CommandKind::ReleaseHold
        | CommandKind::Return
        | CommandKind::SetStatus
        | CommandKind::AttemptOperation
        | CommandKind::LoseOperation
        | CommandKind::SettleOperation
        | CommandKind::Update
        | CommandKind::AddNote => return None,
    })
}
