"""Errors: the HTTP status that google/rpc/code.proto names, and a google.rpc.Status as JSON, whoever makes them."""

import time

import grpc

from checks import equal, true
from client import CallError
from envoy import FRIENDLY_ORIGIN
from refusals import UNKNOWN_ORDER
from rest import HTTP_STATUS, Answer, Rest
from shopping import COSTUME
from world import APPROVED, World, refused, request_id

# What errors that Envoy makes by itself belong to.
GATEWAY = "gateway.orders.v1"
MIB = 1024 * 1024


def gateways(answer: Answer, status: int, reason: str) -> CallError:
    """Demands an error of the gateway's own."""
    refusal = answer.refusal()
    equal((answer.status, refusal.domain, refusal.reason), (status, GATEWAY, reason), "status, domain and reason")
    true(refusal.message, "a refusal has a text for people")
    true(answer.headers.get("x-request-id"), "a refusal names its request")
    return refusal


def servers(answer: Answer, code: grpc.StatusCode, reason: str) -> CallError:
    """Demands an error of the server's."""
    refusal = answer.refusal()
    seen = (answer.status, refusal.code, refusal.domain, refusal.reason)
    equal(seen, (HTTP_STATUS[code], code, "orders.v1", reason), "status, code, domain and reason")
    return refusal


def names_every_field(world: World) -> str:
    """400 names every violated field"""
    rest: Rest = world.client
    answer = rest.send("POST", "/v1/orders", {"lines": [{"quantity": 0}], "contact": {"email": "?"}}, world.customer_token)
    refusal = servers(answer, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    for path in ("lines[0].product_id", "lines[0].quantity", "contact.name", "contact.email", "shipping_address"):
        true(path in refusal.violations, f"{path} is missing in {sorted(refusal.violations)}")
    return f"{len(refusal.violations)} fields"


def wants_a_token(world: World) -> None:
    """401 without a token, and with a bad one"""
    rest: Rest = world.client
    for token in (None, "nonsense"):
        servers(rest.send("GET", "/v1/orders", token=token), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


def keeps_customers_out(world: World) -> str:
    """403 for a customer at every path of the administrator's"""
    rest: Rest = world.client
    routes = [route for route in rest.routes.values() if route.path.startswith("AdminService/")]
    for route in routes:
        target = route.template.replace("{order_id}", UNKNOWN_ORDER).replace("{", "").replace("}", "")
        body = ([] if route.streams_in else {}) if route.body else None
        servers(rest.send(route.verb, target, body, world.customer_token), grpc.StatusCode.PERMISSION_DENIED, "ROLE_REQUIRED")
    return f"{len(routes)} methods"


def finds_nothing(world: World) -> None:
    """404 for an order that does not exist, with what was not found"""
    rest: Rest = world.client
    answer = rest.send("GET", f"/v1/orders/{UNKNOWN_ORDER}", token=world.customer_token)
    refusal = servers(answer, grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")
    true("ResourceInfo" in refusal.details, f"the details are {refusal.details}")


def is_out_of_date(world: World) -> None:
    """409 for an etag that is out of date, with the current one"""
    cart = world.customer("CartService/AddCartItem", product_id=world.product(COSTUME), quantity=1)
    rest: Rest = world.client
    answer = rest.send("DELETE", "/v1/cart?etag=99", token=world.customer_token)
    refusal = servers(answer, grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    equal(refusal.metadata["etag"], cart["etag"], "the etag in the refusal")


def runs_out_of_time(world: World) -> None:
    """504 by the deadline that the caller sets; the payment counts all the same, once"""
    order_id = world.place((COSTUME, 1))["order_id"]
    request = {"payment": {**APPROVED, "token": "tok_slow_1500"}, "request_id": request_id()}
    rest: Rest = world.client
    began = time.monotonic()
    answer = rest.send("POST", f"/v1/orders/{order_id}:pay", request, world.customer_token, {"grpc-timeout": "300m"})
    servers(answer, grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    true(time.monotonic() - began < 1.4, "the answer took as long as the payment")
    order = world.customer("OrderService/GetOrder", order_id=order_id)
    true(len(order["payments"]) == 1, f"{len(order['payments'])} payments")


def knows_no_such_path(world: World) -> None:
    """404 for a path or a verb that no method has; with CORS, so that a page may read it"""
    rest: Rest = world.client
    for verb, target in (("GET", "/v1/nothing"), ("GET", "/"), ("PUT", f"/v1/orders/{UNKNOWN_ORDER}"), ("POST", "/v1/orders:nothing")):
        refusal = gateways(rest.send(verb, target, token=world.customer_token), 404, "ROUTE_UNKNOWN")
        equal(refusal.code, grpc.StatusCode.NOT_FOUND, "the code")
    answer = rest.send("GET", "/v1/nothing", headers={"origin": FRIENDLY_ORIGIN})
    equal(answer.headers.get("access-control-allow-origin"), FRIENDLY_ORIGIN, "access-control-allow-origin")


def cannot_read_the_request(world: World) -> None:
    """400 for broken JSON, a wrong type, and a parameter that does not exist"""
    rest: Rest = world.client
    for body in (b'{"quantity": 1', b'{"quantity": "many"}', b"[]"):
        refusal = gateways(rest.send("POST", "/v1/cart/items", body, world.customer_token), 400, "REQUEST_MALFORMED")
        equal(refusal.code, grpc.StatusCode.INVALID_ARGUMENT, "the code")
    refusal = gateways(rest.send("GET", "/v1/orders?statuss=x", token=world.customer_token), 400, "REQUEST_MALFORMED")
    true("statuss" in refusal.message, f"the parameter is not named, but {refusal.message}")
    gateways(rest.send("GET", "/v1/orders?status=NO_SUCH", token=world.customer_token), 400, "REQUEST_MALFORMED")
    path_and_body = {"order_id": UNKNOWN_ORDER.replace("0", "1"), "reason": "none"}
    answer = rest.send("POST", f"/v1/orders/{UNKNOWN_ORDER}:cancel", path_and_body, world.customer_token)
    gateways(answer, 400, "REQUEST_MALFORMED")


def limits_bodies(world: World) -> None:
    """413 for a body of more than 1 MiB; one of just that size is read"""
    rest: Rest = world.client
    small, large = (b'{"product_id": "%s"}' % (b"x" * (size - 18)) for size in (MIB, MIB + 1))
    servers(rest.send("POST", "/v1/cart/items", small, world.customer_token), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    gateways(rest.send("POST", "/v1/cart/items", large, world.customer_token), 413, "BODY_TOO_LARGE")


def limits_headers(world: World) -> None:
    """431 for headers of more than 16 KiB"""
    rest: Rest = world.client
    answer = rest.send("GET", "/v1/cart", token=world.customer_token, headers={"x-large": "x" * 17 * 1024})
    equal((answer.status, answer.refusal().reason), (431, "GATEWAY_ERROR"), "status and reason")


def echoes_request_ids(world: World) -> None:
    """x-request-id comes back as it was, in answers and errors of server and gateway; without one there is a new one"""
    rest: Rest = world.client
    for target in ("/v1/cart", f"/v1/orders/{UNKNOWN_ORDER}", "/v1/nothing"):
        for wanted in (request_id(), f"walk-{world.run}"):
            answer = rest.send("GET", target, token=world.customer_token, headers={"x-request-id": wanted})
            equal(answer.headers.get("x-request-id"), wanted, f"x-request-id of a {answer.status}")
        fresh = [rest.send("GET", target, token=world.customer_token).headers.get("x-request-id") for _ in range(2)]
        true(all(fresh) and fresh[0] != fresh[1], f"the names are {fresh}")


def bears_empty_values(world: World) -> None:
    """empty values in maps are answered or refused; left out on the wire, as encoders may, they would end Envoy"""
    rest: Rest = world.client
    answer = rest.send("POST", "/v1/orders", world.order_request((COSTUME, 1), metadata={"gift": ""}), world.customer_token)
    if answer.status == 200:
        equal(answer.json()["metadata"].get("gift", ""), "", "the metadata")
    else:
        servers(answer, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    # Nothing leads on from a cancelled order, so the list of what would is empty.
    order_id = world.place((COSTUME, 1))["order_id"]
    world.customer("OrderService/CancelOrder", order_id=order_id)
    again = (world.customer, "OrderService/CancelOrder")
    error = refused(grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", *again, order_id=order_id)
    true("PreconditionFailure" in error.details, f"the details are {error.details}")


STEPS = (
    names_every_field,
    wants_a_token,
    keeps_customers_out,
    finds_nothing,
    is_out_of_date,
    runs_out_of_time,
    knows_no_such_path,
    cannot_read_the_request,
    limits_bodies,
    limits_headers,
    echoes_request_ids,
    bears_empty_values,
)


def is_unavailable(world: World) -> None:
    """503 while the server is away, with when to try again; over REST, also for a stream"""
    rest: Rest = world.client
    for target in ("/v1/cart", "/v1/orders:watch"):
        refusal = gateways(rest.send("GET", target, token=world.customer_token), 503, "SERVICE_UNREACHABLE")
        equal(refusal.code, grpc.StatusCode.UNAVAILABLE, "the code")
        true("RetryInfo" in refusal.details, f"the details are {refusal.details}")


def limits_the_rate(world: World) -> str:
    """429 for a customer who asks too often, with when to try again; needs a low RATE_LIMIT_BURST"""
    rest: Rest = world.client
    for calls in range(1, 100):
        answer = rest.send("GET", "/v1/cart", token=world.stranger_token)
        if answer.status != 200:
            refusal = servers(answer, grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
            true("RetryInfo" in refusal.details, f"the details are {refusal.details}")
            return f"after {calls} calls"
    raise AssertionError("99 calls are not too many")
