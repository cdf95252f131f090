"""The administrator's part of the journey: confirm, ship, deliver, count."""

from collections import Counter
from decimal import Decimal

import grpc

from checks import equal, true
from client import amount
from shopping import CANDLES, COSTUME
from world import World, axes, refused, request_id

TRACKING = {"carrier": "UPS", "tracking_number": "1Z999AA10123456784", "tracking_url": "https://example.com/track/1Z999AA10123456784"}
COUNTED = ("pending", "paid", "confirmed", "processing", "shipped", "delivered", "completed", "cancelled", "refunded")
REVENUE = ("CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "COMPLETED")


def confirms_and_ships(world: World) -> None:
    """the first order is confirmed, prepared and shipped with a tracking number"""
    order_id = world.orders["first"]["order_id"]
    confirmed = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_CONFIRMED", request_id=request_id())
    axes(confirmed, "CONFIRMED", "PAID", "UNFULFILLED")
    prepared = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_PROCESSING", etag=confirmed["etag"])
    axes(prepared, "PROCESSING", "PAID", "UNFULFILLED")
    shipped = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_SHIPPED", tracking=TRACKING)
    axes(shipped, "SHIPPED", "PAID", "SHIPPED")
    for line in shipped["lines"]:
        equal((line["counters"]["shipped"], line["counters"]["allocated"]), (line["quantity"], 0), f"units of line {line['line_id']}")


def shows_the_customer_the_tracking(world: World) -> str:
    """the customer sees where the goods are"""
    first = world.orders["first"]
    tracking = world.customer("OrderService/GetOrderTracking", order_id=first["order_id"])
    (shipment,) = tracking["shipments"]
    equal({name: shipment[name] for name in TRACKING}, TRACKING, "the tracking")
    equal(shipment["shipment_number"], f"{first['order_number']}-S1", "the number of the shipment")
    equal(len(shipment["lines"]), len(first["lines"]), "the lines of the shipment")
    return shipment["shipment_number"]


def refuses_the_way_back(world: World) -> None:
    """a shipped order cannot be confirmed again or cancelled; the legal words are named"""
    order_id = world.orders["first"]["order_id"]
    illegal = (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    error = refused(*illegal, world.admin, "UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_CONFIRMED")
    true("DELIVERED" in error.metadata["legal"].upper(), f"the legal words are {error.metadata['legal']}")
    refused(*illegal, world.customer, "OrderService/CancelOrder", order_id=order_id)


def delivers_and_completes(world: World) -> None:
    """the first order is delivered and completed"""
    order_id = world.orders["first"]["order_id"]
    delivered = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_DELIVERED")
    axes(delivered, "DELIVERED", "PAID", "DELIVERED")
    completed = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_COMPLETED", reason="all done")
    axes(completed, "COMPLETED", "PAID", "DELIVERED")


def walks_the_whole_way(world: World) -> None:
    """cash on delivery goes from PENDING to DELIVERED in one call, and is paid at the door"""
    order_id = world.orders["guest"]["order_id"]
    delivered = world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_DELIVERED", tracking=TRACKING)
    axes(delivered, "DELIVERED", "PAID", "DELIVERED")
    equal(delivered["payment"]["captured"], delivered["total"], "what was taken at the door")


def keeps_notes_to_itself(world: World) -> None:
    """the administrator reads a note in the history, the customer does not"""
    order_id = world.orders["first"]["order_id"]
    secret = f"suspicious customer {world.run}"
    world.admin("AddNote", order_id=order_id, note=secret, request_id=request_id())
    true(secret in str(history(world, world.admin_token)), "the note is not in the history")
    seen = history(world, world.customer_token)
    true(secret not in str(seen), "the customer reads the note")
    true(all(event["type"] != "ORDER_EVENT_TYPE_NOTE_ADDED" for event in seen), "the customer sees that there is a note")


def history(world: World, token: str) -> list[dict]:
    """The events of the first order, over several pages."""
    request = {"order_id": world.orders["first"]["order_id"], "page_size": 3}
    return list(world.client.pages("OrderService/ListOrderEvents", request, "events", token))


def keeps_the_history(world: World) -> str:
    """the history tells who did what, without a gap"""
    events = history(world, world.admin_token)
    equal([int(event["revision"]) for event in events], list(range(1, len(events) + 1)), "the revisions")
    kinds = [event["type"].removeprefix("ORDER_EVENT_TYPE_") for event in events]
    milestones = [
        "PLACED",
        "PAYMENT_SUCCEEDED",
        "DETAILS_UPDATED",
        "CONFIRMED",
        "PROCESSING_STARTED",
        "SHIPPED",
        "DELIVERED",
        "COMPLETED",
        "NOTE_ADDED",
    ]
    equal([kind for kind in kinds if kind in milestones], milestones, "the milestones")
    actors = {kind: event["actor"]["type"].removeprefix("ACTOR_TYPE_") for kind, event in zip(kinds, events, strict=True)}
    equal((actors["PLACED"], actors["CONFIRMED"]), ("CUSTOMER", "ADMIN"), "who placed and who confirmed")
    return f"{len(events)} events"


def counts_the_stock(world: World) -> None:
    """stock and its movements agree with the orders"""
    first = world.orders["first"]
    bought = sum(line["quantity"] for line in first["lines"] if line["product_id"] == world.product(COSTUME))
    equal(int(world.admin("GetStock", sku=world.sku(COSTUME))["on_hand"]), 50 - bought, "costumes in the house")
    for letter in (COSTUME, CANDLES):
        stock = world.admin("GetStock", sku=world.sku(letter))
        request = {"sku": world.sku(letter), "page_size": 4}
        movements = list(world.client.pages("AdminService/ListStockMovements", request, "movements", world.admin_token))
        for counter in ("on_hand", "reserved", "allocated"):
            moved = sum(int(movement[f"{counter}_delta"]) for movement in movements)
            equal(int(stock[counter]), moved, f"{counter} of {world.sku(letter)} by its movements")
        equal(int(stock["available"]), int(stock["on_hand"]) - int(stock["reserved"]) - int(stock["allocated"]), "available")


def adjusts_the_stock(world: World) -> None:
    """a delivery comes in; nobody can take away what is promised"""
    sku = world.sku(CANDLES)
    before = int(world.admin("GetStock", sku=sku)["on_hand"])
    received = world.admin("AdjustStock", sku=sku, delta="10", reason="delivery", request_id=request_id())
    equal(int(received["on_hand"]), before + 10, "on hand")
    everything = {"sku": sku, "delta": str(-int(received["on_hand"])), "reason": "lost"}
    refused(grpc.StatusCode.FAILED_PRECONDITION, "STOCK_PROMISED", world.admin, "AdjustStock", **everything)


def finds_orders(world: World) -> None:
    """the administrator finds an order by number, e-mail, name, product, and SKU"""
    first = world.orders["first"]
    email = first["contact"]["email"]
    for query in (first["order_number"], first["order_id"], email, world.sku(COSTUME).lower()):
        found = [order["order_id"] for order in world.admin("ListOrders", query=query)["orders"]]
        true(first["order_id"] in found, f"`{query}` does not find the order")
    for filters in ({"sku": world.sku(COSTUME)}, {"product_id": world.product(COSTUME)}):
        found = [order["order_id"] for order in world.admin("ListOrders", **filters)["orders"]]
        equal(found, [first["order_id"]], f"the orders with {filters}")
    equal(len(world.admin("ListOrders", email=email.upper())["orders"]), 5, "the orders with that e-mail address")


def counts_the_orders(world: World) -> str:
    """the statistics agree with a recount of all orders"""
    stats = world.admin("GetOrderStats")
    orders = list(world.client.pages("AdminService/ListOrders", {"page_size": 500}, "orders", world.admin_token))
    true(len(orders) >= len(world.orders), "the list lacks orders")
    words = Counter(order["status"].removeprefix("ORDER_STATUS_").lower() for order in orders)
    equal(int(stats["total_orders"]), len(orders), "total_orders")
    equal({word: int(stats[word]) for word in COUNTED}, {word: words[word] for word in COUNTED}, "the counts")
    counted = [order for order in orders if order["status"].removeprefix("ORDER_STATUS_") in REVENUE]
    back = sum((amount(payment["refunded"]) for order in counted for payment in order["payments"]), Decimal(0))
    revenue = sum((amount(order["total"]) for order in counted), Decimal(0)) - back
    equal(sum((amount(money) for money in stats["revenue"]), Decimal(0)), revenue, "the revenue")
    equal(sum(int(day["orders"]) for day in stats["daily"]), len(orders), "the orders of the daily series")
    return f"{len(orders)} orders, revenue {revenue} USD"


def reaches_everything(world: World) -> str:
    """the database and every neighbour can be reached"""
    answer = world.admin("GetConnectivity")
    dependencies, summary = answer["dependencies"], answer["summary"]
    equal(dependencies[0]["status"], "DEPENDENCY_STATUS_CONNECTED", "the database")
    equal((summary["failed"], summary["connected"], summary["total"]), (0, len(dependencies), len(dependencies)), "the summary")
    return ", ".join(dependency["name"] for dependency in dependencies)


STEPS = (
    confirms_and_ships,
    shows_the_customer_the_tracking,
    refuses_the_way_back,
    delivers_and_completes,
    walks_the_whole_way,
    keeps_notes_to_itself,
    keeps_the_history,
    counts_the_stock,
    adjusts_the_stock,
    finds_orders,
    reaches_everything,
)
