"""The customer's part of the journey: cart, quote, checkout, payment, cancellation."""

import re
from decimal import Decimal

import grpc

from checks import equal, true
from client import amount, usd
from world import APPROVED, CASH, DECLINED, World, address, axes, contact, eventually, product, refused, request_id, totals

# The worked example of the pricing rules: 49.99 and 8 % tax and shipping.
COSTUME, CANDLES, LANTERN = "a", "b", "c"


def stocks_the_shop(world: World) -> None:
    """the administrator puts three products on sale"""
    products = [
        product(world, COSTUME, "Vampire Costume", "49.99", 50),
        product(world, CANDLES, "Candles, Box of Four", "12.50", 40),
        product(world, LANTERN, "The Last Lantern", "19.00", 1),
    ]
    results = world.admin("UpsertProducts", products=products, request_id=request_id())["results"]
    equal([result["outcome"] for result in results], ["PRODUCT_UPSERT_OUTCOME_CREATED"] * 3, "the outcomes")
    again = world.admin("UpsertProducts", products=products)["results"]
    equal([result["outcome"] for result in again], ["PRODUCT_UPSERT_OUTCOME_UNCHANGED"] * 3, "the outcomes of the repetition")


def starts_with_an_empty_cart(world: World) -> None:
    """the customer's cart is empty at first"""
    cart = world.customer("CartService/GetCart")
    equal((cart["cart_id"], cart["items"]), ("", []), "the cart")


def fills_the_cart(world: World) -> str:
    """a product goes into the cart, priced with tax and shipping"""
    cart = world.customer("CartService/AddCartItem", product_id=world.product(COSTUME), quantity=1, request_id=request_id())
    totals(cart, subtotal="49.99", tax="4.00", shipping="5.99", total="59.98")
    equal(cart["problems"], [], "the problems")
    return f"total {amount(cart['total'])}"


def adds_up_the_same_product(world: World) -> None:
    """the same product again adds up, and shipping becomes free"""
    cart = world.customer("CartService/AddCartItem", product_id=world.product(COSTUME), quantity=2)
    equal([(item["product_id"], item["quantity"]) for item in cart["items"]], [(world.product(COSTUME), 3)], "the items")
    totals(cart, subtotal="149.97", tax="12.00", shipping="0", total="161.97")


def changes_and_removes_items(world: World) -> None:
    """items change their quantity and go away"""
    cart = world.customer("CartService/AddCartItem", product_id=world.product(CANDLES), quantity=4)
    costume, candles = (item["item_id"] for item in cart["items"])
    world.customer("CartService/UpdateCartItem", item_id=costume, quantity=1)
    cart = world.customer("CartService/UpdateCartItem", item_id=candles, quantity=2)
    totals(cart, subtotal="74.99", tax="6.00", shipping="0", total="80.99")
    cart = world.customer("CartService/RemoveCartItem", item_id=candles)
    equal([item["quantity"] for item in cart["items"]], [1], "the quantities")
    change = {"item_id": candles, "quantity": 1}
    refused(grpc.StatusCode.NOT_FOUND, "CART_ITEM_NOT_FOUND", world.customer, "CartService/UpdateCartItem", **change)


def refuses_a_stale_cart(world: World) -> None:
    """a change of a cart that has moved on is refused with the current etag"""
    stale = world.customer("CartService/GetCart")["etag"]
    current = world.customer("CartService/AddCartItem", product_id=world.product(CANDLES), quantity=1, etag=stale)["etag"]
    error = refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", world.customer, "CartService/ClearCart", etag=stale)
    equal(error.metadata.get("etag"), current, "the etag in the refusal")


def merges_a_guests_cart(world: World) -> None:
    """a guest's cart goes into the customer's once"""
    guest = world.client.call("CartService/AddCartItem", {"product_id": world.product(CANDLES), "quantity": 1})
    true(guest["guest"] and guest["cart_token"], "the guest's cart has no token")
    merged = world.customer("CartService/MergeCarts", cart_token=guest["cart_token"])
    equal([line["outcome"] for line in merged["lines"]], ["MERGE_OUTCOME_SUMMED"], "what became of the guest's items")
    again = world.customer("CartService/MergeCarts", cart_token=guest["cart_token"])
    equal([item["quantity"] for item in again["cart"]["items"]], [1, 2], "the quantities after merging twice")


def quotes(world: World) -> str:
    """a quote says the same as the cart, and how it comes about"""
    cart = world.customer("CartService/GetCart")
    lines = [{"product_id": item["product_id"], "quantity": item["quantity"]} for item in cart["items"]]
    quote = world.customer("OrderService/QuoteOrder", lines=lines, shipping_address=address())
    for part in ("subtotal", "tax", "shipping", "total"):
        equal(amount(quote[part]), amount(cart[part]), part)
    true(quote["explanation"]["steps"], "the quote has no explanation")
    equal(quote["problems"], [], "the problems")
    return f"{len(quote['explanation']['steps'])} steps"


def checks_out(world: World) -> str:
    """checkout places the order and pays it by token"""
    cart = world.customer("CartService/GetCart")
    before = world.available(COSTUME)
    request = {
        "contact": contact(world.run),
        "shipping_address": address(),
        "payment": APPROVED,
        "expected_total": cart["total"],
        "notes": "Ring twice",
        "metadata": {"channel": "journey"},
        "request_id": request_id(),
    }
    order = world.customer("CartService/Checkout", **request)
    axes(order, "PAID", "PAID", "UNFULFILLED")
    equal(order["total"], cart["total"], "the total")
    equal(amount(order["total"]), sum(amount(line["total"]) for line in order["lines"]) + amount(order["shipping"]), "the sum of the lines")
    true(re.fullmatch(r"[A-Z]+-\d{4}-\d{6,}", order["order_number"]), f"{order['order_number']} is no order number")
    equal(order["customer_id"], world.customer_id, "the customer")
    equal(world.available(COSTUME), before - 1, "the stock that can be ordered")

    equal(world.customer("CartService/GetCart")["items"], [], "the items of the next cart")
    world.orders["first"] = order
    world.checkout = request
    return order["order_number"]


def checks_out_once(world: World) -> None:
    """the same checkout again answers with the same order; another one with its id is refused"""
    again = world.customer("CartService/Checkout", **world.checkout)
    equal(again["order_id"], world.orders["first"]["order_id"], "the order of the repeated checkout")
    other = {**world.checkout, "notes": "Ring once"}
    refused(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", world.customer, "CartService/Checkout", **other)
    equal(len(world.own_orders()), 1, "the number of orders")


def reads_the_order(world: World) -> None:
    """the order reads the same everywhere"""
    first = world.orders["first"]
    order_id = first["order_id"]
    order = world.customer("OrderService/GetOrder", order_id=order_id)
    for part in ("order_number", "lines", "total", "notes", "metadata", "shipping_address", "create_time"):
        equal(order[part], first[part], part)
    status = world.customer("OrderService/GetOrderStatus", order_id=order_id)
    axes(status, "PAID", "PAID", "UNFULFILLED")
    true("ORDER_STATUS_CONFIRMED" in status["next_statuses"], f"CONFIRMED is not among {status['next_statuses']}")
    equal(world.customer("OrderService/GetOrderTracking", order_id=order_id)["shipments"], [], "the shipments")


def changes_the_order(world: World) -> None:
    """notes and address can be changed before shipping, and only what the mask names"""
    order_id = world.orders["first"]["order_id"]
    moved = {**address(), "line1": "2 Main Street"}
    changed = world.customer(
        "OrderService/UpdateOrder",
        order={"order_id": order_id, "shipping_address": moved, "notes": "not in the mask"},
        update_mask="shippingAddress",
        etag=world.customer("OrderService/GetOrder", order_id=order_id)["etag"],
    )
    equal((changed["shipping_address"]["line1"], changed["notes"]), ("2 Main Street", "Ring twice"), "address and notes")
    equal(changed["total"], world.orders["first"]["total"], "the total")


def cancels_a_second_order(world: World) -> None:
    """a second order, cash on delivery, is cancelled, and its stock is free again, once"""
    before = world.available(CANDLES)
    order = world.place((CANDLES, 3), payment=CASH, request_id=request_id())
    axes(order, "PENDING", "UNPAID", "UNFULFILLED")
    equal(world.available(CANDLES), before - 3, "the stock that can be ordered")
    cancelled = world.customer("OrderService/CancelOrder", order_id=order["order_id"], reason="changed my mind", request_id=request_id())
    axes(cancelled, "CANCELLED", "UNPAID", "CANCELLED")
    equal(cancelled["cancel_reason"], "changed my mind", "the reason")
    again = (world.customer, "OrderService/CancelOrder")
    refused(grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", *again, order_id=order["order_id"])
    equal(world.available(CANDLES), before, "the stock that can be ordered")
    world.orders["cancelled"] = cancelled


def gets_the_money_back(world: World) -> None:
    """a paid order that is cancelled is refunded"""
    order = world.place((CANDLES, 1), payment=APPROVED)
    axes(order, "PAID", "PAID", "UNFULFILLED")
    world.customer("OrderService/CancelOrder", order_id=order["order_id"], reason="found it cheaper")

    def status() -> str:
        return world.customer("OrderService/GetOrderStatus", order_id=order["order_id"])["status"]

    eventually(status, "ORDER_STATUS_REFUNDED", "the status")
    refunded = world.customer("OrderService/GetOrder", order_id=order["order_id"])
    equal(refunded["payment"]["refunded"], order["total"], "what was refunded")
    world.orders["refunded"] = refunded


def pays_after_a_decline(world: World) -> None:
    """a declined payment leaves the order pending; another token pays it, once"""
    order = world.place((CANDLES, 2), payment=DECLINED)
    axes(order, "PENDING", "FAILED", "UNFULFILLED")
    equal(order["payment"]["decline_code"], "insufficient_funds", "the decline code")
    pay = {"order_id": order["order_id"], "payment": APPROVED, "request_id": request_id()}
    paid = world.customer("OrderService/PayOrder", **pay)
    axes(paid, "PAID", "PAID", "UNFULFILLED")
    again = world.customer("OrderService/PayOrder", **pay)
    equal(again["etag"], paid["etag"], "the etag after the same request")
    once_more = {**pay, "request_id": request_id()}
    refused(grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", world.customer, "OrderService/PayOrder", **once_more)
    stored = world.customer("OrderService/GetOrder", order_id=order["order_id"])
    equal(stored["payment"]["captured"], order["total"], "what was taken after asking three times")
    world.orders["retried"] = stored


def orders_as_a_guest(world: World) -> None:
    """a guest orders, and finds the order by number and e-mail only"""
    order = world.client.call("OrderService/CreateOrder", world.order_request((CANDLES, 1), payment=CASH))
    true(order["guest"] and not order["customer_id"], "the order is not a guest's")
    lookup = {"order_number": order["order_number"].lower(), "email": order["contact"]["email"].upper()}
    equal(world.client.call("OrderService/LookupOrder", lookup)["order_id"], order["order_id"], "the order that was found")
    for wrong in ({"email": "eve@example.com"}, {"order_number": "SPK-1999-000001"}):
        refused(grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND", world.client.call, "OrderService/LookupOrder", {**lookup, **wrong})
    world.orders["guest"] = order


def lists_the_orders(world: World) -> str:
    """the list holds every order once, latest first, page by page, and filters"""
    orders = world.own_orders()
    expected = [world.orders[name]["order_id"] for name in ("retried", "refunded", "cancelled", "first")]
    equal([order["order_id"] for order in orders], expected, "the orders")
    filters = {"status": ["ORDER_STATUS_PAID"], "min_total": usd("50.00")}
    found = world.customer("OrderService/ListOrders", **filters, include_total_size=True)
    equal([order["order_id"] for order in found["orders"]], expected[-1:], "the paid orders over 50.00")
    equal(found["total_size"], 1, "their number")
    cheapest = world.customer("OrderService/ListOrders", order_by="total", page_size=1)["orders"][0]
    equal(amount(cheapest["total"]), min(amount(order["total"]) for order in orders), "the smallest total")
    return f"{len(orders)} orders"


def sums_up_the_customer(world: World) -> str:
    """the customer's summary agrees with a recount of the list"""
    summary = world.customer("OrderService/GetCustomerSummary", customer_id=world.customer_id)
    orders = world.own_orders()
    payments = [payment for order in orders for payment in order["payments"]]
    spent = sum((amount(payment["captured"]) - amount(payment["refunded"]) for payment in payments), Decimal(0))
    equal((summary["total_orders"], summary["orders_last_30_days"]), (str(len(orders)), str(len(orders))), "the numbers of orders")
    equal(sum((amount(money) for money in summary["total_spent"]), Decimal(0)), spent, "total_spent")
    equal(summary["last_order_id"], orders[0]["order_id"], "the last order")
    return f"{summary['total_orders']} orders, {spent} USD"


STEPS = (
    stocks_the_shop,
    starts_with_an_empty_cart,
    fills_the_cart,
    adds_up_the_same_product,
    changes_and_removes_items,
    refuses_a_stale_cart,
    merges_a_guests_cart,
    quotes,
    checks_out,
    checks_out_once,
    reads_the_order,
    changes_the_order,
    cancels_a_second_order,
    gets_the_money_back,
    pays_after_a_decline,
    orders_as_a_guest,
    lists_the_orders,
)
