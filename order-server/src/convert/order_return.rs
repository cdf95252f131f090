//! Goods that come back.

use order_api::v1;
use order_core::{
    money::Money,
    order::{Order, OrderReturn, ReceivedLine, ReturnLine, ReturnStatus},
    payment::{OperationKind, OperationState},
    text,
    violation::{Violations, reason},
};

use super::{int32, line, money, order::number, quantity, time};

/// Reads what is to come back: 1 to 100 lines, each once.
pub fn requested(lines: &[v1::ReturnLineInput], violations: &mut Violations) -> Option<Vec<ReturnLine>> {
    let read = |line: &v1::ReturnLineInput, path: &str, violations: &mut Violations| {
        let line_id = line::line_id(line.line_id, &format!("{path}.line_id"), violations);
        let units = quantity::required(line.quantity, &format!("{path}.quantity"), violations);
        let reason = text::REASON.check(&line.reason, &format!("{path}.reason"), violations);
        Some(ReturnLine { line_id: line_id?, requested: units?.get(), restocked: 0, written_off: 0, reason: reason? })
    };
    let lines = line::each_line(lines, "lines", read, violations)?;
    at_least_one(&lines, violations)?;
    line::each_once(lines.iter().map(|line| line.line_id), "lines", violations)?;
    Some(lines)
}

/// Reads what came back: 1 to 100 lines, each once and with at least one unit.
pub fn received(lines: &[v1::ReceivedLineInput], violations: &mut Violations) -> Option<Vec<ReceivedLine>> {
    let read = |line: &v1::ReceivedLineInput, path: &str, violations: &mut Violations| {
        let line_id = line::line_id(line.line_id, &format!("{path}.line_id"), violations);
        let restock = quantity::or_none(line.restock, &format!("{path}.restock"), violations);
        let write_off = quantity::or_none(line.write_off, &format!("{path}.write_off"), violations);
        let units = [restock?, write_off?].map(|units| units.map_or(0, order_core::quantity::Quantity::get));
        if units == [0, 0] {
            violations.push(path, reason::REQUIRED, "must have units to restock or to write off");
            return None;
        }
        Some(ReceivedLine { line_id: line_id?, restocked: units[0], written_off: units[1] })
    };
    let lines = line::each_line(lines, "lines", read, violations)?;
    at_least_one(&lines, violations)?;
    line::each_once(lines.iter().map(|line| line.line_id), "lines", violations)?;
    Some(lines)
}

fn at_least_one<T>(lines: &[T], violations: &mut Violations) -> Option<()> {
    if lines.is_empty() {
        violations.push("lines", reason::REQUIRED, "must have at least one line");
        return None;
    }
    Some(())
}

/// A return on the wire.
#[must_use]
pub fn to_proto(back: &OrderReturn, order: &Order) -> v1::OrderReturn {
    let currency = order.totals.total.currency();
    v1::OrderReturn {
        return_id: back.id.to_string(),
        return_number: format!("{}-R{}", number(order), back.sequence),
        order_id: order.id.to_string(),
        status: status(back.status).into(),
        reason: back.reason.clone().unwrap_or_default(),
        decision_reason: back.decision_reason.clone().unwrap_or_default(),
        lines: back.lines.iter().map(line_to_proto).collect(),
        refunded: Some(money::to_proto(Money::new(refunded(back, order), currency))),
        create_time: Some(time::to_proto(back.create_time)),
        update_time: Some(time::to_proto(back.update_time)),
    }
}

fn line_to_proto(line: &ReturnLine) -> v1::OrderReturnLine {
    v1::OrderReturnLine {
        line_id: int32(line.line_id),
        requested: int32(line.requested),
        received: int32(line.received()),
        restocked: int32(line.restocked),
        written_off: int32(line.written_off),
        reason: line.reason.clone(),
    }
}

/// What was given back for it, or is on its way back.
fn refunded(back: &OrderReturn, order: &Order) -> i64 {
    let operations = order.payments.iter().flat_map(|payment| &payment.operations);
    let refunds = operations.filter(|op| op.kind == OperationKind::Refund && op.return_id == Some(back.id));
    refunds.filter(|op| op.state != OperationState::Failed).map(|op| op.amount).sum()
}

const fn status(status: ReturnStatus) -> v1::ReturnStatus {
    match status {
        ReturnStatus::Requested => v1::ReturnStatus::Requested,
        ReturnStatus::Approved => v1::ReturnStatus::Approved,
        ReturnStatus::Rejected => v1::ReturnStatus::Rejected,
        ReturnStatus::Received => v1::ReturnStatus::Received,
        ReturnStatus::Closed => v1::ReturnStatus::Closed,
        ReturnStatus::Cancelled => v1::ReturnStatus::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<T>(read: impl FnOnce(&mut Violations) -> Option<T>) -> Vec<String> {
        let mut violations = Violations::new();
        assert!(read(&mut violations).is_none());
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn every_wrong_line_is_named() {
        let line = |line_id, quantity| v1::ReturnLineInput { line_id, quantity, reason: String::new() };
        assert_eq!(paths(|found| requested(&[], found)), ["lines"]);
        let wrong = [line(0, 1), line(1, 0), line(2, 10_001)];
        let expected = ["lines[0].line_id", "lines[1].quantity", "lines[2].quantity"];
        assert_eq!(paths(|found| requested(&wrong, found)), expected);
        assert_eq!(paths(|found| requested(&[line(1, 1), line(1, 2)], found)), ["lines[1].line_id"]);
    }

    #[test]
    fn what_comes_back_has_units() {
        let line = |restock, write_off| v1::ReceivedLineInput { line_id: 1, restock, write_off };
        assert_eq!(paths(|found| received(&[line(0, 0)], found)), ["lines[0]"]);
        assert_eq!(paths(|found| received(&[line(-1, 1)], found)), ["lines[0].restock"]);
        let good = received(&[line(2, 1)], &mut Violations::new()).unwrap();
        assert_eq!(good, [ReceivedLine { line_id: 1, restocked: 2, written_off: 1 }]);
    }
}
