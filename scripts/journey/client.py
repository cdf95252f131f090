"""A gRPC client that knows nothing of the service but its address: messages and methods come from its reflection."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import grpc
from google.protobuf import any_pb2, descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

# Longer than any call of the journey takes, even on a busy machine; a hanging call must not hang the suite.
TIMEOUT_S = 20


@dataclass
class CallError(Exception):
    """A refused call with its structured details (google.rpc)."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    # Path of the field -> what is wrong with it, from BadRequest.
    violations: dict[str, str] = field(default_factory=dict)
    # Short names of all details, such as ErrorInfo.
    details: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.code.name} {self.reason} {self.message} {self.metadata or ''} {self.violations or ''}".strip()


class Caller:
    """Calls methods by name with plain dictionaries, as protobuf's JSON with the field names of the contract."""

    def call(self, path: str, request: dict | None = None, token: str | None = None, **options) -> dict:
        """Calls `Service/Method` of package orders.v1. A refusal raises `CallError`."""
        answer, _ = self.call_with_headers(path, request, token, **options)
        return answer

    def call_with_headers(
        self, path: str, request: dict | None = None, token: str | None = None, *, headers: dict[str, str] | None = None
    ) -> tuple[dict, dict[str, str]]:
        """Like `call`, and also answers with the headers of the answer, in small letters."""
        raise NotImplementedError

    def pages(self, path: str, request: dict, items: str, token: str) -> Iterator[dict]:
        """Every item of every page."""
        page_token = ""
        while True:
            page = self.call(path, {**request, "page_token": page_token}, token)
            yield from page[items]
            page_token = page["next_page_token"]
            if not page_token:
                return


class Client(Caller):
    """Calls over gRPC."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target)
        self._database = ProtoReflectionDescriptorDatabase(self.channel)
        self._pool = descriptor_pool.DescriptorPool(self._database)

    def close(self) -> None:
        self.channel.close()

    def services(self) -> list[str]:
        """Full names of the services, as the server lists them."""
        return sorted(self._database.get_services())

    def methods(self, service: str) -> list:
        """Descriptors of a service's methods."""
        return list(self._pool.FindServiceByName(service).methods)

    def call_with_headers(
        self, path: str, request: dict | None = None, token: str | None = None, *, headers: dict[str, str] | None = None
    ) -> tuple[dict, dict[str, str]]:
        method = self._method(path)
        invoke = self.channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        message = json_format.ParseDict(request or {}, message_factory.GetMessageClass(method.input_type)(), descriptor_pool=self._pool)
        metadata = list((headers or {}).items())
        if token is not None:
            metadata.append(("authorization", f"Bearer {token}"))
        try:
            answer, call = invoke.with_call(message, metadata=metadata, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            raise call_error(error) from None
        return as_dict(answer), {key: value for key, value in call.initial_metadata() if isinstance(value, str)}

    def _method(self, path: str):
        service, name = path.split("/")
        return self._pool.FindServiceByName(f"orders.v1.{service}").methods_by_name[name]


def as_dict(message) -> dict:
    """A message as JSON: every scalar field is there, 64-bit integers are strings, enums are names."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def call_error(error: grpc.RpcError) -> CallError:
    """Decodes the details of a refusal; the plain status where there are none."""
    status = rpc_status.from_call(error)
    return refusal(error.code(), error.details() or "", status.details if status is not None else ())


def refusal(code: grpc.StatusCode, message: str, details: Iterable[any_pb2.Any]) -> CallError:
    """A refusal with the details of its google.rpc.Status."""
    refused = CallError(code, message)
    for detail in details:
        name = detail.type_url.rsplit(".", 1)[-1]
        refused.details.append(name)
        if name == "ErrorInfo":
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            refused.reason, refused.domain, refused.metadata = info.reason, info.domain, dict(info.metadata)
        elif name == "BadRequest":
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            refused.violations = {violation.field: violation.description for violation in bad.field_violations}
    return refused


def usd(amount: str) -> dict:
    """google.type.Money for a decimal amount of US dollars."""
    cents = int(Decimal(amount) * 100)
    return {"currency_code": "USD", "units": str(cents // 100), "nanos": cents % 100 * 10_000_000}


def amount(money: dict) -> Decimal:
    """A google.type.Money as a decimal."""
    return Decimal(money["units"]) + Decimal(money["nanos"]) / 1_000_000_000
