"""A REST client: the same calls as the gRPC client of the journey makes, over HTTP and JSON."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from checks import equal, true
from client import TIMEOUT_S, Caller, as_dict, refusal
from routes import Route

# Longer than any stream is read here.
STREAM_S = 30

# The messages that a google.rpc.Status holds as Any can only be read where they are known.
DETAILS = error_details_pb2.DESCRIPTOR

CODES = {code.value[0]: code for code in grpc.StatusCode}
# What google/rpc/code.proto says of every code.
HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
}


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    # In small letters.
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: http.client.HTTPResponse) -> "Answer":
        headers = {name.lower(): value for name, value in response.getheaders()}
        return cls(response.status, headers, response.read())

    def json(self):
        """The body, which has to be JSON and to say so."""
        equal(self.headers.get("content-type"), "application/json", f"content-type of a {self.status}: {self.body[:200]}")
        return json.loads(self.body)

    def refusal(self):
        """The body of an error as a `CallError`: a google.rpc.Status and nothing else."""
        status = json_format.ParseDict(self.json(), status_pb2.Status())
        return refusal(CODES[status.code], status.message, status.details)


class Rest(Caller):
    """Calls methods by the paths of the contract, and remembers which have answered."""

    def __init__(self, host: str, port: int, routes: dict[str, Route]) -> None:
        self.address = (host, port)
        self.routes = routes
        # Paths of the methods that were called with success.
        self.answered: set[str] = set()

    def call_with_headers(
        self, path: str, request: dict | None = None, token: str | None = None, *, headers: dict[str, str] | None = None
    ) -> tuple[dict, dict[str, str]]:
        route = self.routes[path]
        target, body = route.target_and_body(request or {})
        answer = self.send(route.verb, target, body, token, headers)
        if answer.status != 200:
            refused = answer.refusal()
            equal(answer.status, HTTP_STATUS[refused.code], f"HTTP status of {refused.code.name}")
            raise refused
        self._note(route, answer.json())
        return answer.json(), answer.headers

    def send(self, verb: str, target: str, body=None, token: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request of any kind. A body that is not bytes is sent as JSON."""
        with self._response(verb, target, body, token, headers) as response:
            return Answer.of(response)

    @contextmanager
    def stream(self, path: str, request: dict, token: str) -> Iterator[Iterator[dict]]:
        """The messages of a stream, each as soon as its line is there."""
        route = self.routes[path]
        target, body = route.target_and_body(request)
        with self._response(route.verb, target, body, token) as response:
            equal((response.status, response.getheader("content-type")), (200, "application/json"), "status and content-type")
            yield self._lines(route, response)

    def _lines(self, route: Route, response: http.client.HTTPResponse) -> Iterator[dict]:
        deadline = time.monotonic() + STREAM_S
        pending = b""
        while piece := response.read1():
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                message = json.loads(line)
                self._note(route, message)
                yield message
            # A heartbeat now and then would keep the socket's timeout from ending a stream without lines.
            true(time.monotonic() < deadline, f"the stream goes on, {pending[:100]} is pending")
        equal(pending, b"", "what follows the last line")

    def _note(self, route: Route, message: dict) -> None:
        """Demands that JSON says what the contract's message holds, field by field, and no more."""
        equal(as_dict(json_format.ParseDict(message, route.answer())), message, f"the answer of {route.path}")
        self.answered.add(route.path)

    @contextmanager
    def _response(self, verb: str, target: str, body=None, token: str | None = None, headers: dict[str, str] | None = None):
        connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        try:
            connection.request(verb, target, body, sent)
            yield connection.getresponse()
        finally:
            connection.close()
