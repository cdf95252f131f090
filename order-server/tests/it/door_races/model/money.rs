//! The money of one order: every sum is what its requests to the gateway, and the cash at the door, add up to.

use super::{
    order::{ILLEGAL, Order, Refused},
    settings::Capture,
    step::{At, Instrument, Trouble},
};
use order_api::v1::{OrderHold, OrderState};

/// How often money is asked for that never arrives, before it counts as refused.
const SENDS: u32 = 5;

/// How often an order may be tried to be paid.
const PAYMENTS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sale,
    Authorize,
    Capture,
    Refund,
    Void,
}

impl Kind {
    /// Whether it brings money in, or the promise of it.
    const fn collects(self) -> bool {
        matches!(self, Self::Sale | Self::Authorize | Self::Capture)
    }

    const fn at(self) -> At {
        match self {
            Self::Sale | Self::Authorize => At::Collecting,
            Self::Capture => At::Capture,
            Self::Refund => At::Refund,
            Self::Void => At::Void,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// To be sent before anybody is answered.
    New,
    /// Carried out, and nobody knows.
    AnswerLost,
    /// Sent so many times, last in this minute, and never arrived.
    RequestLost {
        sends: u32,
        last: i64,
    },
    Done,
    Failed,
}

impl Stage {
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::AnswerLost | Self::RequestLost { .. })
    }
}

/// A request to the gateway.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) kind: Kind,
    pub(super) amount: i64,
    /// Of a refund, by how much it makes the order cheaper.
    concession: i64,
    pub(super) stage: Stage,
    /// Its place among all requests of the order.
    number: usize,
}

/// One attempt at paying.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    instrument: Instrument,
    pub(super) amount: i64,
    pub(super) ops: Vec<Op>,
}

impl Payment {
    fn sum(&self, counts: impl Fn(&Op) -> bool) -> i64 {
        self.ops.iter().filter(|op| counts(op)).map(|op| op.amount).sum()
    }

    pub(super) fn done(&self, kinds: &[Kind]) -> i64 {
        self.sum(|op| op.stage == Stage::Done && kinds.contains(&op.kind))
    }

    pub(super) fn open(&self, kinds: &[Kind]) -> i64 {
        self.sum(|op| op.stage.is_open() && kinds.contains(&op.kind))
    }

    pub(super) fn authorized(&self) -> i64 {
        self.done(&[Kind::Sale, Kind::Authorize])
    }

    pub(super) fn captured(&self) -> i64 {
        self.done(&[Kind::Sale, Kind::Capture])
    }

    /// What is promised and could be taken.
    fn free(&self) -> i64 {
        self.authorized() - self.captured() - self.done(&[Kind::Void]) - self.open(&[Kind::Capture, Kind::Void])
    }

    fn held(&self) -> i64 {
        self.captured() - self.done(&[Kind::Refund]) - self.open(&[Kind::Refund])
    }

    pub(super) fn is_cash(&self) -> bool {
        self.instrument == Instrument::Cash
    }
}

impl Order {
    pub(super) fn sum(&self, part: impl Fn(&Payment) -> i64) -> i64 {
        self.payments.iter().map(part).sum()
    }

    pub(super) fn ops(&self) -> impl Iterator<Item = &Op> {
        self.payments.iter().flat_map(|payment| &payment.ops)
    }

    /// What it costs now.
    pub(super) fn due(&self) -> i64 {
        if self.is_called_off() {
            return 0;
        }
        let credits: i64 = self.lines.iter().map(|line| line.credit()).sum();
        let conceded: i64 = self.ops().filter(|op| op.stage != Stage::Failed).map(|op| op.concession).sum();
        (self.total() - credits - self.shipping_refunded - conceded).max(0)
    }

    pub(super) fn held(&self) -> i64 {
        self.sum(Payment::held)
    }

    pub(super) fn promised(&self) -> i64 {
        self.sum(|payment| payment.free() + payment.open(&[Kind::Capture]))
    }

    pub(super) fn missing(&self) -> i64 {
        let coming = self.sum(|payment| payment.open(&[Kind::Sale, Kind::Authorize]));
        (self.due() - self.held() - self.promised() - coming).max(0)
    }

    pub(super) fn excess(&self) -> i64 {
        (self.held() - self.due()).max(0)
    }

    fn to_capture(&self) -> i64 {
        (self.due() - self.held() - self.sum(|payment| payment.open(&[Kind::Capture]))).max(0)
    }

    pub(super) fn is_collecting(&self) -> bool {
        self.ops().any(|op| op.stage.is_open() && op.kind.collects())
    }

    pub(super) fn awaits_answers(&self) -> bool {
        self.ops().any(|op| op.stage.is_open())
    }

    pub(super) fn is_covered(&self) -> bool {
        self.held() + self.promised() >= self.due()
    }

    pub(super) fn is_given_back(&self) -> bool {
        self.sum(Payment::captured) > 0 && self.held() == 0 && self.due() == 0
    }

    /// The payment at the door that is still to be made.
    pub(super) fn cash_awaited(&self) -> Option<usize> {
        self.payments.iter().rposition(|payment| payment.is_cash() && payment.captured() < payment.amount)
    }

    fn start(&mut self, payment: usize, (kind, amount): (Kind, i64)) -> (usize, usize) {
        let number = self.ops().count();
        // Cash changes hands at once, and no gateway is asked.
        let stage = if self.payments[payment].is_cash() { Stage::Done } else { Stage::New };
        self.payments[payment].ops.push(Op { kind, amount, concession: 0, stage, number });
        (payment, self.payments[payment].ops.len() - 1)
    }

    /// Of what `part` per cent would be, and not more than there is.
    fn portion(part: Option<i64>, available: i64) -> Result<i64, Refused> {
        let amount = part.map_or(available, |part| percent(part, available));
        if amount > available { Err("AMOUNT_EXCEEDED") } else { Ok(amount) }
    }

    /// The request that was started, if any was.
    pub(super) fn pay(&mut self, instrument: Instrument, part: Option<i64>) -> Result<Option<(usize, usize)>, Refused> {
        self.require(self.is_open())?;
        if self.is_collecting() {
            return Err("PAYMENT_IN_PROGRESS");
        }
        let missing = self.missing();
        self.require(!self.holds.contains(&OrderHold::Payment) && missing > 0 && self.payments.len() < PAYMENTS)?;
        let amount = Self::portion(part, missing)?;
        if instrument == Instrument::Cash {
            self.require(self.cash_awaited().is_none() && !self.has_arrived() && amount == missing)?;
        }
        self.payments.push(Payment { instrument, amount, ops: Vec::new() });
        if instrument == Instrument::Cash {
            // Nobody waits for a payment in advance any more.
            self.pay_by = None;
            self.confirm_by_policy();
            return Ok(None);
        }
        let later = self.settings.capture != Capture::Place && !self.has_left();
        let kind = if later { Kind::Authorize } else { Kind::Sale };
        Ok(Some(self.start(self.payments.len() - 1, (kind, amount))))
    }

    /// What could be taken of a payment now, cash at the door included.
    pub(super) fn capturable(&self, payment: usize) -> i64 {
        let at_the_door = self.cash_awaited() == Some(payment);
        let promised = if at_the_door { self.missing() } else { self.payments[payment].free() };
        promised.min(self.to_capture())
    }

    /// The request that was started.
    pub(super) fn capture(&mut self, payment: usize, part: Option<i64>) -> Result<(usize, usize), Refused> {
        let available = self.capturable(payment);
        self.require(self.is_open() && available > 0)?;
        let amount = Self::portion(part, available)?;
        let kind = if self.cash_awaited() == Some(payment) { Kind::Sale } else { Kind::Capture };
        let started = self.start(payment, (kind, amount));
        self.confirm_by_policy();
        Ok(started)
    }

    /// Takes with each parcel what is in it, where that was agreed, and shipping with the first.
    pub(super) fn capture_for_shipped(&mut self) {
        if self.settings.capture != Capture::Ship {
            return;
        }
        let mut left = self.to_capture();
        if !self.has_left() {
            let goods: i64 = self.lines.iter().map(|line| line.worth(line.shipped)).sum();
            let earned = if goods > 0 { goods + self.shipping } else { 0 };
            let taken = self.sum(|payment| payment.captured() + payment.open(&[Kind::Capture]));
            left = left.min((earned - taken).max(0));
        }
        for payment in 0..self.payments.len() {
            let amount = self.payments[payment].free().min(left);
            if amount > 0 {
                left -= amount;
                self.start(payment, (Kind::Capture, amount));
            }
        }
    }

    pub(super) fn collect_cash(&mut self) {
        let missing = self.missing();
        if let Some(payment) = self.cash_awaited().filter(|_| missing > 0) {
            self.start(payment, (Kind::Sale, missing));
        }
    }

    pub(super) fn void(&mut self, payment: usize) -> Result<(), Refused> {
        self.require(self.state != OrderState::Completed && self.payments[payment].free() > 0)?;
        self.start(payment, (Kind::Void, self.payments[payment].free()));
        Ok(())
    }

    pub(super) fn void_all(&mut self) {
        for payment in 0..self.payments.len() {
            let amount = self.payments[payment].free();
            if amount > 0 {
                self.start(payment, (Kind::Void, amount));
            }
        }
    }

    /// Nobody needs a promise once everything has left and is paid.
    pub(super) fn tidy_promises(&mut self) {
        if self.has_left() && self.to_capture() == 0 {
            self.void_all();
        }
    }

    /// Gives so much back, out of the oldest payments first, `concession` of it as a favour.
    pub(super) fn give_back(&mut self, amount: i64, concession: i64) {
        let (mut left, mut favour) = (amount, concession);
        for payment in 0..self.payments.len() {
            let amount = self.payments[payment].held().min(left);
            if amount > 0 {
                left -= amount;
                let (payment, op) = self.start(payment, (Kind::Refund, amount));
                self.payments[payment].ops[op].concession = favour.min(amount);
                favour -= favour.min(amount);
            }
        }
    }

    /// Sends what is to be sent, and what follows from the answers.
    pub(super) fn send(&mut self, now: i64) {
        while let Some(new) = self.places(|stage| stage == Stage::New).first().copied() {
            self.ask((new, 1), now);
        }
    }

    /// The `sends`-th time that the gateway is asked to do something.
    fn ask(&mut self, ((payment, op), sends): ((usize, usize), u32), now: i64) {
        let kind = self.payments[payment].ops[op].kind;
        if kind.collects() && (sends > SENDS || self.is_called_off()) {
            return self.settle((payment, op), Stage::Failed);
        }
        let stage = match self.payments[payment].instrument {
            Instrument::Bad(at, trouble) if at == kind.at() => match trouble {
                Trouble::Declined => Stage::Failed,
                Trouble::AnswerLost => Stage::AnswerLost,
                Trouble::RequestLost => Stage::RequestLost { sends, last: now },
            },
            Instrument::Bad(..) | Instrument::Card | Instrument::Cash => Stage::Done,
        };
        if stage.is_open() {
            self.payments[payment].ops[op].stage = stage;
        } else {
            self.settle((payment, op), stage);
        }
    }

    /// Looks for every lost answer. A request that never arrived, some time ago, is sent again.
    pub(super) fn reconcile(&mut self, now: i64) {
        for place in self.places(Stage::is_open) {
            match self.payments[place.0].ops[place.1].stage {
                Stage::AnswerLost => self.settle(place, Stage::Done),
                Stage::RequestLost { sends, last } if last < now => self.ask((place, sends + 1), now),
                Stage::RequestLost { .. } | Stage::New | Stage::Done | Stage::Failed => {}
            }
            self.send(now);
        }
    }

    /// Requests of certain stages, in their order.
    fn places(&self, which: impl Fn(Stage) -> bool) -> Vec<(usize, usize)> {
        let all = self.payments.iter().enumerate();
        let all = all.flat_map(|(n, payment)| payment.ops.iter().enumerate().map(move |(m, op)| (op, (n, m))));
        let mut found: Vec<_> = all.filter(|(op, _)| which(op.stage)).collect();
        found.sort_by_key(|(op, _)| op.number);
        found.into_iter().map(|(_, place)| place).collect()
    }

    /// Books an answer, and what follows from it: money that nobody wants any more goes back.
    pub(super) fn settle(&mut self, (payment, op): (usize, usize), stage: Stage) {
        let (kind, excess) = (self.payments[payment].ops[op].kind, self.excess());
        self.payments[payment].ops[op].stage = stage;
        let done = stage == Stage::Done;
        match (self.is_called_off(), done) {
            (true, true) if kind.collects() => {
                self.give_back(self.held(), 0);
                self.void_all();
            }
            (true, false) if kind == Kind::Capture => self.void_all(),
            (true, _) | (false, false) => {}
            (false, true) => {
                if matches!(kind, Kind::Sale | Kind::Capture) {
                    self.give_back(self.excess() - excess, 0);
                }
                self.confirm_by_policy();
                if kind == Kind::Authorize {
                    self.capture_for_shipped();
                }
                self.tidy_promises();
            }
        }
    }

    pub(super) fn require(&self, condition: bool) -> Result<(), Refused> {
        if condition { Ok(()) } else { Err(ILLEGAL) }
    }
}

/// So many per cent, but always something.
pub(super) const fn percent(part: i64, whole: i64) -> i64 {
    let cents = (whole * part + 99) / 100;
    if cents < 1 { 1 } else { cents }
}
