"""Streams from the server: one message a line, each as soon as it happens."""

import grpc

from checks import equal, true
from rest import Rest
from shopping import CANDLES
from world import CASH, World, refused


def watches_line_by_line(world: World) -> str:
    """an order is watched while it happens: each event is read before the next thing is done"""
    rest: Rest = world.client
    with rest.stream("OrderService/WatchOrders", {"heartbeat_seconds": 300}, world.customer_token) as messages:
        true("event" not in next(messages), "the first message is no heartbeat")
        order = world.place((CANDLES, 1), payment=CASH)
        seen = [event_of(messages, order, "PLACED")]
        world.customer("OrderService/CancelOrder", order_id=order["order_id"], reason="seen enough")
        seen.append(event_of(messages, order, "CANCELLED"))
    revisions = [int(event["revision"]) for event in seen]
    equal(revisions, sorted(set(revisions)), "the revisions")
    return ", ".join(event["type"].removeprefix("ORDER_EVENT_TYPE_") for event in seen)


def event_of(messages, order: dict, kind: str) -> dict:
    """Reads on up to an event of the order."""
    for message in messages:
        event = message.get("event", {})
        if (event.get("order_id"), event.get("type")) == (order["order_id"], f"ORDER_EVENT_TYPE_{kind}"):
            equal((message["order_number"], message["customer_id"]), (order["order_number"], order["customer_id"]), "whose order")
            return event
    raise AssertionError(f"the stream ended without {kind}")


def goes_on_at_a_cursor(world: World) -> None:
    """a watcher who was cut off goes on behind the cursor of the last line"""
    rest: Rest = world.client
    asked = {"from_beginning": True, "heartbeat_seconds": 1}
    with rest.stream("OrderService/WatchOrders", asked, world.customer_token) as messages:
        first = next(message for message in messages if "event" in message)
        second = next(message for message in messages if "event" in message)
    with rest.stream("OrderService/WatchOrders", {"cursor": first["cursor"]}, world.customer_token) as messages:
        again = next(message for message in messages if "event" in message)
    equal(again, second, "the event behind the cursor")


def refuses_to_watch(world: World) -> None:
    """a stream that is refused is an error like any other"""
    code = grpc.StatusCode.INVALID_ARGUMENT
    error = refused(code, "PAGE_TOKEN_INVALID", world.customer, "OrderService/WatchOrders", cursor="garbage")
    equal(sorted(error.violations), ["cursor"], "the violated fields")


STEPS = (watches_line_by_line, goes_on_at_a_cursor, refuses_to_watch)
