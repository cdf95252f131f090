"""The contract as a REST client reads it: verb, path and body of every method, from the compiled descriptors."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "orders.v1"


@dataclass(frozen=True)
class Route:
    """A method with its google.api.http option."""

    # `Service/Method`, without the package.
    path: str
    verb: str
    template: str
    # The field that is the body, `*` for all that is not in the path, empty for none.
    body: str
    streams_in: bool
    streams_out: bool
    # Classes of the messages.
    request: type
    answer: type

    @property
    def grpc_path(self) -> str:
        return f"/{PACKAGE}.{self.path}"

    def target_and_body(self, request: dict) -> tuple[str, dict | None]:
        """Spreads a request over path, query and body, as the option says."""
        rest = copy.deepcopy(request)
        target = re.sub(r"\{([a-z_.]+)}", lambda variable: quote(_take(rest, variable[1]), safe=""), self.template)
        if self.body == "*":
            return target, rest
        body = rest.pop(self.body, {}) if self.body else None
        query = urlencode(list(_leaves(rest)))
        return (f"{target}?{query}" if query else target), body


def read(file: Path) -> dict[str, Route]:
    """All methods of our services by path. A method without a REST path is an error, and so is one with several."""
    files = descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for described in files:
        pool.Add(described)
    routes = [
        _route(pool, service, method) for file in files if file.package == PACKAGE for service in file.service for method in service.method
    ]
    return {route.path: route for route in routes}


def _route(pool, service, method) -> Route:
    path = f"{service.name}/{method.name}"
    rule = method.options.Extensions[annotations_pb2.http]
    pattern = rule.WhichOneof("pattern")
    if pattern is None or rule.additional_bindings:
        raise AssertionError(f"{path} has no google.api.http option with one path, but `{rule}`")
    return Route(
        path=path,
        verb=pattern.upper(),
        template=getattr(rule, pattern),
        body=rule.body,
        streams_in=method.client_streaming,
        streams_out=method.server_streaming,
        request=message_factory.GetMessageClass(pool.FindMessageTypeByName(method.input_type.lstrip("."))),
        answer=message_factory.GetMessageClass(pool.FindMessageTypeByName(method.output_type.lstrip("."))),
    )


def _take(request: dict, path: str) -> str:
    """Removes a field from the request, at any depth."""
    *parents, name = path.split(".")
    for parent in parents:
        request = request[parent]
    return str(request.pop(name))


def _leaves(value, path: str = "") -> Iterator[tuple[str, str]]:
    """Fields with their paths, as a query names them: `min_total.units=50`, and repeated ones several times."""
    if isinstance(value, dict):
        for name, field in value.items():
            yield from _leaves(field, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
