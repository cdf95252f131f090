"""What a page in a browser does: it asks whether it may, calls over REST, and speaks gRPC-Web."""

import base64
import struct

from checks import equal, true
from envoy import FRIENDLY_ORIGIN, HOSTILE_ORIGIN
from refusals import UNKNOWN_ORDER
from rest import Answer, Rest
from shopping import CANDLES
from world import CASH, World

PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,content-type"}
ALLOW_ORIGIN = "access-control-allow-origin"
# The first byte of a frame.
MESSAGE, TRAILERS = 0x00, 0x80


def asks_before_it_calls(world: World) -> None:
    """a preflight says what a page of a known origin may do, and nothing to others"""
    rest: Rest = world.client
    for target in ("/v1/cart/items/1", "/v1/admin/orders:import", "/orders.v1.CartService/GetCart"):
        answer = rest.send("OPTIONS", target, headers={**PREFLIGHT, "origin": FRIENDLY_ORIGIN})
        equal((answer.status, answer.headers.get(ALLOW_ORIGIN)), (200, FRIENDLY_ORIGIN), f"the answer for {target}")
        methods = {method.strip() for method in answer.headers["access-control-allow-methods"].split(",")}
        equal(methods, {route.verb for route in rest.routes.values()}, "the methods")
        allowed = answer.headers["access-control-allow-headers"]
        for header in ("authorization", "content-type", "x-request-id", "grpc-timeout", "x-grpc-web"):
            true(header in allowed, f"{header} is missing in {allowed}")
        answer = rest.send("OPTIONS", target, headers={**PREFLIGHT, "origin": HOSTILE_ORIGIN})
        true(ALLOW_ORIGIN not in answer.headers, "a strange origin is let in")


def calls_across_origins(world: World) -> None:
    """a page of a known origin may read the answer, and its x-request-id; others may not"""
    rest: Rest = world.client
    for target, status in (("/v1/cart", 200), (f"/v1/orders/{UNKNOWN_ORDER}", 404)):
        answer = rest.send("GET", target, token=world.customer_token, headers={"origin": FRIENDLY_ORIGIN})
        equal((answer.status, answer.headers.get(ALLOW_ORIGIN)), (status, FRIENDLY_ORIGIN), "status and origin")
        true("x-request-id" in answer.headers["access-control-expose-headers"], "the page cannot read x-request-id")
        answer = rest.send("GET", target, token=world.customer_token, headers={"origin": HOSTILE_ORIGIN})
        true(ALLOW_ORIGIN not in answer.headers, "a strange origin may read the answer")


def speaks_grpc_web(world: World) -> None:
    """gRPC-Web, binary and text, answers what REST answers"""
    order = world.place((CANDLES, 1), payment=CASH)
    rest: Rest = world.client
    route = rest.routes["OrderService/GetOrder"]
    for text in (False, True):
        answer = grpc_web(world, text, order["order_id"])
        (_, message), (_, trailers) = frames(answer, text)
        true(b"grpc-status:0" in trailers.replace(b" ", b""), f"the trailers are {trailers}")
        equal(route.answer.FromString(message).order_number, order["order_number"], "the order")
        equal(answer.headers.get(ALLOW_ORIGIN), FRIENDLY_ORIGIN, ALLOW_ORIGIN)


def reads_errors_of_grpc_web(world: World) -> None:
    """gRPC-Web is told of errors, with their details"""
    for text in (False, True):
        answer = grpc_web(world, text, UNKNOWN_ORDER)
        told = b"".join(payload for kind, payload in frames(answer, text) if kind == TRAILERS).decode()
        # Where there is nothing but an error, it may also stand in the headers.
        status = answer.headers.get("grpc-status") or told.replace(" ", "").split("grpc-status:")[1][:1]
        equal((answer.status, status), (200, "5"), "HTTP status and grpc-status")
        true("grpc-status-details-bin" in answer.headers or "grpc-status-details-bin" in told, "there are no details")


def grpc_web(world: World, text: bool, order_id: str) -> Answer:
    """GetOrder as a page would ask for it."""
    rest: Rest = world.client
    route = rest.routes["OrderService/GetOrder"]
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    message = route.request(order_id=order_id).SerializeToString()
    body = struct.pack(">BI", MESSAGE, len(message)) + message
    headers = {"content-type": kind, "accept": kind, "x-grpc-web": "1", "origin": FRIENDLY_ORIGIN}
    answer = rest.send("POST", route.grpc_path, base64.b64encode(body) if text else body, world.customer_token, headers)
    true(answer.headers["content-type"].startswith(kind.split("+", maxsplit=1)[0]), f"content-type is {answer.headers['content-type']}")
    return answer


def frames(answer: Answer, text: bool) -> list[tuple[int, bytes]]:
    """Kind and payload of every frame."""
    body = _decode(answer.body) if text else answer.body
    found = []
    while body:
        kind, length = struct.unpack(">BI", body[:5])
        found.append((kind, body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def _decode(text: bytes) -> bytes:
    """Several pieces of base64 may follow each other, each padded for itself; four letters are always whole bytes."""
    return b"".join(base64.b64decode(text[start : start + 4]) for start in range(0, len(text), 4))


STEPS = (asks_before_it_calls, calls_across_origins, speaks_grpc_web, reads_errors_of_grpc_web)
