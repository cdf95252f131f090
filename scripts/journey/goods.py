"""An order that is paid at the second attempt, edited, sent in two parcels, called off in part, and sent back in part."""

from decimal import Decimal

import grpc

from checks import equal, true
from client import amount
from shopping import CANDLES, COSTUME
from world import APPROVED, DECLINED, World, axes, refused, request_id

ILLEGAL = (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")


def pays_at_the_second_attempt(world: World) -> None:
    """an order of several units is declined, and paid with another card"""
    order = world.place((COSTUME, 2), (CANDLES, 5), payment=DECLINED, request_id=request_id())
    axes(order, "PENDING", "FAILED", "UNFULFILLED")
    declined = (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_DECLINED")
    error = refused(*declined, world.customer, "OrderService/PayOrder", order_id=order["order_id"], payment=DECLINED)
    equal(error.metadata["decline_code"], "insufficient_funds", "the decline code")
    paid = world.customer("OrderService/PayOrder", order_id=order["order_id"], payment=APPROVED, request_id=request_id())
    axes(paid, "PAID", "PAID", "UNFULFILLED")
    equal([money(payment["captured"]) for payment in paid["payments"]], [Decimal(0), Decimal(0), money(order["total"])], "the attempts")
    world.orders["parcels"] = paid


def edits_for_the_difference_that_was_shown(world: World) -> str:
    """an edit costs what its preview said, and is made once"""
    order = world.orders["parcels"]
    edit = {"order_id": order["order_id"], "changes": [{"line_id": 2, "quantity": 4}]}
    shown = world.customer("OrderService/EditOrder", **edit, validate_only=True)
    equal(world.customer("OrderService/GetOrder", order_id=order["order_id"])["etag"], order["etag"], "the etag after a preview")
    edit |= {"expected_difference": shown["difference"], "etag": order["etag"], "request_id": request_id()}
    made = world.customer("OrderService/EditOrder", **edit)
    equal((made["difference"], made["refund"]), (shown["difference"], shown["refund"]), "difference and refund")
    again = world.customer("OrderService/EditOrder", **edit)
    equal((again["difference"], again["order"]["etag"]), (made["difference"], made["order"]["etag"]), "the answer to the same request")
    equal(money(made["order"]["amount_held"]), money(order["total"]) - money(made["refund"]), "what the shop holds")
    return f"difference {money(made['difference'])}"


def sends_two_parcels(world: World) -> None:
    """the goods leave in two parcels, and the words follow"""
    order_id = world.orders["parcels"]["order_id"]
    refused(*ILLEGAL, world.admin, "CreateShipment", order_id=order_id)
    world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_CONFIRMED")
    first = parcel(world, order_id, lines=[{"line_id": 1, "quantity": 1}, {"line_id": 2, "quantity": 2}])
    world.admin("MarkPacked", order_id=order_id, shipment_id=first)
    axes(world.admin("MarkShipped", order_id=order_id, shipment_id=first), "SHIPPED", "PARTIALLY_REFUNDED", "PARTIALLY_SHIPPED")
    second = parcel(world, order_id, lines=[{"line_id": 1, "quantity": 1}])
    axes(world.admin("MarkDelivered", order_id=order_id, shipment_id=first), "SHIPPED", "PARTIALLY_REFUNDED", "PARTIALLY_DELIVERED")
    world.orders["parcels"]["second"] = second


def parcel(world: World, order_id: str, **request) -> str:
    """Plans a shipment and answers its id."""
    return world.admin("CreateShipment", order_id=order_id, **request, request_id=request_id())["shipments"][-1]["shipment_id"]


def cancels_what_is_in_no_parcel(world: World) -> None:
    """units that are in no parcel are called off and paid back; the others are not"""
    order_id, candles = world.orders["parcels"]["order_id"], [{"line_id": 2, "quantity": 2}]
    before = world.customer("OrderService/GetOrder", order_id=order_id)
    exceeded = (grpc.StatusCode.FAILED_PRECONDITION, "LINE_QUANTITY_EXCEEDED")
    planned = [{"line_id": 1, "quantity": 1}]
    error = refused(*exceeded, world.customer, "OrderService/CancelOrder", order_id=order_id, lines=planned)
    equal((error.metadata["requested"], error.metadata["available"]), ("1", "0"), "the facts of the refusal")
    cancelled = world.customer("OrderService/CancelOrder", order_id=order_id, lines=candles, reason="two will do")
    equal(counters(cancelled, 2, "cancelled", "shipped", "delivered"), (3, 2, 2), "the candles")
    share = money(before["lines"][1]["total"]) * 2 / 5
    equal(money(before["amount_held"]) - money(cancelled["amount_held"]), share, "what goes back")


def delivers_the_second_parcel(world: World) -> str:
    """the customer follows both parcels to the door, with what the carrier says"""
    order = world.orders["parcels"]
    names = {"order_id": order["order_id"], "shipment_id": order["second"]}
    world.admin("MarkShipped", **names, tracking={"carrier": "UPS", "estimated_delivery": "2030-01-02T12:00:00Z"})
    event = {"event_time": "2030-01-01T08:00:00Z", "code": "OUT_FOR_DELIVERY", "location": "Springfield"}
    for _ in range(2):
        world.admin("RecordCarrierEvent", **names, event=event)
    tracking = world.customer("OrderService/GetOrderTracking", order_id=order["order_id"])
    equal(tracking["estimated_delivery"], "2030-01-02T12:00:00Z", "the estimated delivery")
    equal([len(shipment["carrier_events"]) for shipment in tracking["shipments"]], [0, 1], "what the carrier said")
    axes(world.admin("MarkDelivered", **names), "DELIVERED", "PARTIALLY_REFUNDED", "DELIVERED")
    return ", ".join(shipment["shipment_number"] for shipment in tracking["shipments"])


def takes_goods_back(world: World) -> str:
    """a costume comes back, goes on the shelf, and is paid back as the preview said"""
    order_id = world.orders["parcels"]["order_id"]
    before = world.customer("OrderService/GetOrder", order_id=order_id)
    on_the_shelf = int(world.admin("GetStock", sku=world.sku(COSTUME))["on_hand"])
    asked = world.customer("OrderService/RequestReturn", order_id=order_id, lines=[{"line_id": 1, "quantity": 1}], reason="too small")
    names = {"order_id": order_id, "return_id": asked["return_id"]}
    received = {**names, "lines": [{"line_id": 1, "restock": 1}], "request_id": request_id()}
    refused(*ILLEGAL, world.admin, "ReceiveReturn", **received)
    world.admin("ApproveReturn", **names)
    shown = world.admin("ReceiveReturn", **received, validate_only=True)
    back = world.admin("ReceiveReturn", **{**received, "request_id": request_id()})
    equal(back["refunded"], shown["refunded"], "the refund")
    equal(money(back["refunded"]), money(before["lines"][0]["total"]) / 2, "the refund of one of two")
    world.admin("CloseReturn", **names)
    equal(int(world.admin("GetStock", sku=world.sku(COSTUME))["on_hand"]), on_the_shelf + 1, "costumes on the shelf")
    after = world.customer("OrderService/GetOrder", order_id=order_id)
    axes(after, "DELIVERED", "PARTIALLY_REFUNDED", "PARTIALLY_RETURNED")
    equal(after["returns"][0]["status"], "RETURN_STATUS_CLOSED", "the return")
    equal(money(before["amount_held"]) - money(after["amount_held"]), money(back["refunded"]), "what went back")
    world.orders["parcels"] = after
    return f"{back['return_number']}, {money(back['refunded'])} paid back"


def rejects_a_return(world: World) -> None:
    """a return that is rejected, or thought better of, changes nothing but the history"""
    order_id = world.orders["parcels"]["order_id"]
    asked = world.customer("OrderService/RequestReturn", order_id=order_id, lines=[{"line_id": 2, "quantity": 2}])
    no = world.admin("RejectReturn", order_id=order_id, return_id=asked["return_id"], reason="half burnt")
    equal((no["status"], no["decision_reason"]), ("RETURN_STATUS_REJECTED", "half burnt"), "the decision")
    again = world.customer("OrderService/RequestReturn", order_id=order_id, lines=[{"line_id": 2, "quantity": 1}])
    off = world.customer("OrderService/CancelReturn", order_id=order_id, return_id=again["return_id"])
    equal(off["status"], "RETURN_STATUS_CANCELLED", "the second return")
    after = world.customer("OrderService/GetOrder", order_id=order_id)
    equal(after["amount_held"], world.orders["parcels"]["amount_held"], "what the shop holds")
    true(int(after["etag"]) > int(world.orders["parcels"]["etag"]), "the history does not tell of it")


def money(value: dict) -> Decimal:
    """An amount, without the zeros behind it, so that two of them compare."""
    return amount(value).quantize(Decimal("0.01"))


def counters(order: dict, line_id: int, *names: str) -> tuple[int, ...]:
    (line,) = (line for line in order["lines"] if line["line_id"] == line_id)
    return tuple(line["counters"][name] for name in names)


STEPS = (
    pays_at_the_second_attempt,
    edits_for_the_difference_that_was_shown,
    sends_two_parcels,
    cancels_what_is_in_no_parcel,
    delivers_the_second_parcel,
    takes_goods_back,
    rejects_a_return,
)
