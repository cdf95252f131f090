"""All that a server may answer, or fail to answer, seen through the gateway. The server is a stand-in."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from checks import Checks, equal, true
from client import TIMEOUT_S
from envoy import HOST, Envoy
from errors import gateways
from rest import HTTP_STATUS, Answer, Rest
from routes import Route
from standin import ENDLESS, SILENCE_S, StandIn

DEADLINE_MS, TIMEOUT_MS, IDLE_MS = 900, 1200, 1600
TIMES = {"GATEWAY_DEADLINE": f"{DEADLINE_MS}m", "GATEWAY_TIMEOUT": f"{TIMEOUT_MS / 1000}s", "GATEWAY_IDLE_TIMEOUT": f"{IDLE_MS / 1000}s"}


@contextmanager
def stand_in(descriptor: Path, routes: dict[str, Route]) -> Iterator[Rest]:
    """A stand-in behind a gateway of its own, which has less patience."""
    with StandIn(routes) as server, Envoy(server.target, descriptor, **TIMES) as envoy:
        yield Rest(HOST, envoy.port, routes)


def maps_every_code(rest: Rest) -> str:
    """every status code has the HTTP status that google/rpc/code.proto names"""
    equal(set(HTTP_STATUS), set(grpc.StatusCode) - {grpc.StatusCode.OK}, "the codes")
    for code, status in HTTP_STATUS.items():
        answer = rest.send("GET", f"/v1/orders/{code.name}")
        refusal = answer.refusal()
        equal((answer.status, refusal.code, refusal.message), (status, code, "as I was told"), f"the answer for {code.name}")
    return f"{len(HTTP_STATUS)} codes"


def hands_deadlines_on(rest: Rest) -> str:
    """the server gets the gateway's deadline, or the caller's; a stream gets none"""
    ours, theirs = (remaining_ms(rest, headers) for headers in ({}, {"grpc-timeout": "400m"}))
    true(400 < ours <= DEADLINE_MS, f"{ours} ms are left of {DEADLINE_MS}")
    true(0 < theirs <= 400, f"{theirs} ms are left of 400")
    with rest.stream("OrderService/WatchOrders", {}, "") as messages:
        equal(next(messages)["cursor"], ENDLESS, "the time that a stream has")
    return f"{ours} and {theirs} ms"


def remaining_ms(rest: Rest, headers: dict[str, str]) -> int:
    """The time that the server has for a call, as it says."""
    answer, _ = rest.call_with_headers("OrderService/GetOrder", {"order_id": "deadline"}, headers=headers)
    return int(answer["notes"])


def gives_up(rest: Rest) -> str:
    """504 by the gateway where the server does not answer, however long the caller would wait"""
    began = time.monotonic()
    answer = rest.send("GET", "/v1/orders/hang", headers={"grpc-timeout": "60S"})
    elapsed_ms = (time.monotonic() - began) * 1000
    refusal = gateways(answer, 504, "SERVICE_TOO_SLOW")
    equal(refusal.code, grpc.StatusCode.DEADLINE_EXCEEDED, "the code")
    true(DEADLINE_MS < elapsed_ms < 10 * TIMEOUT_MS, f"it gave up after {elapsed_ms:.0f} ms")
    return f"after {elapsed_ms:.0f} ms"


def waits_for_no_request(rest: Rest) -> None:
    """408 for a request that stops in the middle"""
    connection = http.client.HTTPConnection(*rest.address, timeout=TIMEOUT_S)
    connection.putrequest("POST", "/v1/cart/items")
    connection.putheader("content-length", "100")
    connection.endheaders(b'{"product_id": ')
    gateways(Answer.of(connection.getresponse()), 408, "REQUEST_TOO_SLOW")
    connection.close()


def bears_silence(rest: Rest) -> None:
    """a stream that says nothing for a while goes on"""
    true(SILENCE_S * 1000 > IDLE_MS > TIMEOUT_MS, "the silence is longer than what ends other calls")
    with rest.stream("OrderService/WatchOrders", {}, "") as messages:
        cursors = [message["cursor"] for message in messages]
    equal(cursors[1:], ["after the silence"], "what came after it")


def knows_no_such_method(rest: Rest) -> None:
    """501 for a method that the gateway knows and the server does not"""
    answer = rest.send("GET", "/v1/cart")
    equal((answer.status, answer.refusal().code), (501, grpc.StatusCode.UNIMPLEMENTED), "status and code")


STEPS = (maps_every_code, hands_deadlines_on, gives_up, waits_for_no_request, bears_silence, knows_no_such_method)


def check(checks: Checks, descriptor: Path, routes: dict[str, Route]) -> None:
    """Takes all steps."""
    with stand_in(descriptor, routes) as rest:
        for step in STEPS:
            checks.run(step.__doc__, lambda step=step: step(rest))
