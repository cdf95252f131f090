"""Native gRPC through the same port. The steps of the journey about the contract are taken as well, see __main__."""

import grpc

from checks import equal, true
from client import Client
from rest import Rest
from walk import IMPORTED
from world import World

TIMEOUT_S = 20


class Native:
    """A gRPC client through the gateway, beside a REST client that knows the messages."""

    def __init__(self, world: World, client: Client) -> None:
        rest: Rest = world.client
        self.world, self.client, self.routes = world, client, rest.routes

    def streams_to_the_server(self) -> str:
        """messages stream to the server"""
        route = self.routes["AdminService/ImportOrders"]
        first = route.request(options={"source": f"native-{self.world.run}"})
        stream = self.client.channel.stream_unary(route.grpc_path, route.request.SerializeToString, route.answer.FromString)
        answer = stream(iter([first, route.request(order=IMPORTED)]), metadata=self._admin(), timeout=TIMEOUT_S)
        equal((answer.received, answer.imported), (1, 1), "received and imported")
        return answer.decisions[0].order_number

    def streams_to_the_client(self) -> None:
        """messages stream to the client"""
        route = self.routes["OrderService/WatchOrders"]
        stream = self.client.channel.unary_stream(route.grpc_path, route.request.SerializeToString, route.answer.FromString)
        messages = stream(route.request(from_beginning=True), metadata=self._admin(), timeout=TIMEOUT_S)
        event = next(message for message in messages if message.HasField("event"))
        true(event.cursor and event.order_number, f"the event is {event}")
        messages.cancel()

    def knows_no_such_method(self) -> None:
        """a method that nobody has is UNIMPLEMENTED, be the service known or not"""
        for path in ("/orders.v1.OrderService/Nothing", "/nowhere.Service/Nothing"):
            equal(self._code_of(path), grpc.StatusCode.UNIMPLEMENTED, f"the code of {path}")

    STEPS = (streams_to_the_server, streams_to_the_client, knows_no_such_method)

    def is_unavailable(self) -> None:
        """gRPC is UNAVAILABLE while the server is away, in words and not in JSON"""
        equal(self._code_of("/orders.v1.CartService/GetCart"), grpc.StatusCode.UNAVAILABLE, "the code")

    def _code_of(self, path: str) -> grpc.StatusCode:
        try:
            self.client.channel.unary_unary(path)(b"", timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            true(error.details() and "{" not in error.details(), f"the text is {error.details()!r}")
            return error.code()
        raise AssertionError(f"{path} answers")

    def _admin(self) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {self.world.admin_token}")]
