"""What any client meets first: reflection, health, authentication."""

import grpc
from google.api import annotations_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from checks import equal, true
from client import CallError
from world import World, refused

OURS = ("orders.v1.AdminService", "orders.v1.CartService", "orders.v1.OrderService")


def lists_services(world: World) -> str:
    """reflection lists the services of the contract and health"""
    services = world.client.services()
    for wanted in (*OURS, "grpc.health.v1.Health"):
        true(wanted in services, f"{wanted} is missing among {services}")
    return f"{len(services)} services"


def reflects_in_both_versions(world: World) -> None:
    """reflection v1 lists the same services as v1alpha, which is what Python knows"""
    # Both versions have the same messages.
    reflect = world.client.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = reflect(iter([reflection_pb2.ServerReflectionRequest(list_services="*")]), timeout=10)
    names = {service.name for service in answer.list_services_response.service}
    true(names.issuperset((*OURS, "grpc.health.v1.Health")), f"v1 lists only {sorted(names)}")


def keeps_rest_paths(world: World) -> str:
    """every method that reflection describes has its REST path"""
    paths = {}
    for service in OURS:
        for method in world.client.methods(service):
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            verb = rule.WhichOneof("pattern")
            true(verb, f"{method.full_name} has no google.api.http option")
            paths[method.full_name] = (verb, getattr(rule, verb))
    equal(paths["orders.v1.OrderService.CreateOrder"], ("post", "/v1/orders"), "the path of CreateOrder")
    equal(len(set(paths.values())), len(paths), "the number of different paths")
    return f"{len(paths)} methods"


def is_healthy(world: World) -> None:
    """health is SERVING for the server and for each service, and unknown for anything else"""
    health = health_pb2_grpc.HealthStub(world.client.channel)
    for service in ("", *OURS):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        equal(answer.status, health_pb2.HealthCheckResponse.SERVING, f"health of {service or 'the server'}")
    try:
        health.Check(health_pb2.HealthCheckRequest(service="orders.v1.NoSuchService"), timeout=10)
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.NOT_FOUND, "the code for an unknown service")
    else:
        raise AssertionError("health answers for a service that does not exist")


def refuses_no_token(world: World) -> None:
    """without a token there are no orders"""
    try:
        world.client.call("OrderService/ListOrders")
    except CallError as error:
        equal(error.code, grpc.StatusCode.UNAUTHENTICATED, "the code")
        true("ErrorInfo" in error.details, "the refusal carries an ErrorInfo")
    else:
        raise AssertionError("orders were listed without a token")


def refuses_bad_token(world: World) -> None:
    """a token with a broken signature is refused, even where guests are welcome"""
    header, claims, signature = world.customer_token.split(".")
    forged = f"{header}.{claims}.{signature[::-1]}"
    for path in ("OrderService/ListOrders", "CartService/GetCart"):
        refused(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID", world.client.call, path, {}, forged)


def refuses_customer_as_admin(world: World) -> None:
    """a customer is no administrator"""
    refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_REQUIRED", world.customer, "AdminService/GetOrderStats")


def echoes_request_id(world: World) -> None:
    """the caller's x-request-id comes back"""
    wanted = f"journey-{world.run}"
    _, headers = world.client.call_with_headers("CartService/GetCart", {}, world.customer_token, headers={"x-request-id": wanted})
    equal(headers.get("x-request-id"), wanted, "x-request-id")


STEPS = (
    lists_services,
    reflects_in_both_versions,
    keeps_rest_paths,
    is_healthy,
    refuses_no_token,
    refuses_bad_token,
    refuses_customer_as_admin,
    echoes_request_id,
)
