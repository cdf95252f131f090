"""What bad input and impossible wishes get: an honest code, a reason, every violated field, and no order."""

import grpc

from checks import equal, true
from client import usd
from shopping import CANDLES, LANTERN
from world import CASH, World, address, contact, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
# A test card number of the card schemes; it passes the check digit.
CARD_NUMBER = "4111111111111111"
UNKNOWN_ORDER = "01890a5d-ac96-774b-bcce-b302099a8057"


def names_every_field(world: World) -> str:
    """every violated field is named at once"""
    request = world.order_request((CANDLES, 0), (CANDLES, 10_001))
    request["contact"]["email"] = "not an address"
    request["shipping_address"]["country_code"] = "Atlantis"
    error = refused(INVALID, "INVALID_FIELD", world.customer, "OrderService/CreateOrder", **request)
    for path in ("lines[0].quantity", "lines[1].quantity", "contact.email", "shipping_address.country_code"):
        true(path in error.violations, f"{path} is missing in {sorted(error.violations)}")
    return f"{len(error.violations)} fields"


def refuses_an_empty_order(world: World) -> None:
    """an order without lines is refused"""
    error = refused(INVALID, "INVALID_FIELD", world.place)
    equal(sorted(error.violations), ["lines"], "the violated fields")


def refuses_a_card_number(world: World) -> None:
    """a card number instead of a token is refused and not repeated"""
    paying = {"method": "PAYMENT_METHOD_CREDIT_CARD", "token": CARD_NUMBER}
    error = refused(INVALID, "INVALID_FIELD", world.place, (CANDLES, 1), payment=paying)
    equal(sorted(error.violations), ["payment.token"], "the violated fields")
    true(CARD_NUMBER not in str(error), "the refusal repeats the card number")


def refuses_an_unknown_product(world: World) -> None:
    """an unknown product is bad input, and named"""
    request = world.order_request((CANDLES, 1), ("nowhere", 1))
    error = refused(INVALID, "PRODUCT_NOT_FOUND", world.customer, "OrderService/CreateOrder", **request)
    true(any(path.startswith("lines[1]") for path in error.violations), f"lines[1] is missing in {sorted(error.violations)}")


def refuses_what_is_not_there(world: World) -> None:
    """a third order, for more than there is, is refused with what is requested and available"""
    lines = ((CANDLES, 1), (LANTERN, 2))
    error = refused(grpc.StatusCode.ABORTED, "INSUFFICIENT_STOCK", world.place, *lines, payment=CASH)
    short = {name: error.metadata.get(name) for name in ("sku", "requested", "available")}
    equal(short, {"sku": world.sku(LANTERN), "requested": "2", "available": "1"}, "what is short")


def refuses_another_price(world: World) -> None:
    """a total that the caller did not expect is refused with both amounts"""
    wrong = {"expected_total": usd("1.00")}
    error = refused(grpc.StatusCode.FAILED_PRECONDITION, "PRICE_CHANGED", world.place, (CANDLES, 1), **wrong)
    # 12.50 and 1.00 tax and 5.99 shipping.
    true("1.00" in error.metadata["expected"] and "19.49" in error.metadata["actual"], f"the amounts are {error.metadata}")


def refuses_an_empty_cart(world: World) -> None:
    """an empty cart cannot be checked out"""
    request = {"contact": contact(world.run), "shipping_address": address(), "payment": CASH}
    # The customer's cart became an order; another customer has none at all.
    checkout = (world.client.call, "CartService/Checkout", request, world.stranger_token)
    refused(grpc.StatusCode.FAILED_PRECONDITION, "CART_EMPTY", *checkout)


def refuses_garbage(world: World) -> None:
    """garbage instead of ids, page tokens and request ids is bad input"""
    error = refused(INVALID, "INVALID_FIELD", world.customer, "OrderService/GetOrder", order_id="no-uuid")
    equal(sorted(error.violations), ["order_id"], "the violated fields")
    refused(INVALID, "PAGE_TOKEN_INVALID", world.customer, "OrderService/ListOrders", page_token="garbage")
    error = refused(INVALID, "INVALID_FIELD", world.place, (CANDLES, 1), request_id="no-uuid")
    equal(sorted(error.violations), ["request_id"], "the violated fields")


def hides_what_is_not_yours(world: World) -> None:
    """somebody else's order looks like an order that does not exist"""
    answers = []
    for order_id in (world.orders["first"]["order_id"], UNKNOWN_ORDER):
        read = (world.client.call, "OrderService/GetOrder", {"order_id": order_id}, world.stranger_token)
        error = refused(grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND", *read)
        answers.append((error.message.replace(order_id, "ID"), sorted(error.metadata), sorted(error.details)))
    equal(answers[0], answers[1], "the answer for somebody else's order")
    theirs = world.client.call("OrderService/ListOrders", {}, world.stranger_token)
    equal(theirs["orders"], [], "the stranger's orders")


def leaves_nothing_behind(world: World) -> None:
    """none of the refused orders exists, and none holds stock"""
    equal(len(world.own_orders()), 4, "the number of orders")
    equal(world.available(LANTERN), 1, "the last lantern")


STEPS = (
    names_every_field,
    refuses_an_empty_order,
    refuses_a_card_number,
    refuses_an_unknown_product,
    refuses_what_is_not_there,
    refuses_another_price,
    refuses_an_empty_cart,
    refuses_garbage,
    hides_what_is_not_yours,
    leaves_nothing_behind,
)
