"""A server that answers as it is told: what the real one does only in the worst case, or never."""

import threading
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from envoy import HOST
from routes import Route

# How long its stream says nothing, and what it answers where there is no deadline.
SILENCE_S = 2.0
ENDLESS = "none"


class StandIn(grpc.GenericRpcHandler):
    """Serves GetOrder, where the order's id is the name of a status code, `deadline` or `hang`, and WatchOrders."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._get, self._watch = routes["OrderService/GetOrder"], routes["OrderService/WatchOrders"]
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), handlers=[self])
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), self._server)
        self.target = f"{HOST}:{self._server.add_insecure_port(f'{HOST}:0')}"

    def __enter__(self) -> "StandIn":
        self._server.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.stop(grace=0).wait()

    def service(self, handler_call_details):
        """What answers a method; nothing for those that are not served."""
        if handler_call_details.method == self._get.grpc_path:
            reader, writer = self._get.request.FromString, self._get.answer.SerializeToString
            return grpc.unary_unary_rpc_method_handler(self._answer, reader, writer)
        if handler_call_details.method == self._watch.grpc_path:
            reader, writer = self._watch.request.FromString, self._watch.answer.SerializeToString
            return grpc.unary_stream_rpc_method_handler(self._stream, reader, writer)
        return None

    def _answer(self, request, context):
        if request.order_id == "hang":
            _wait_until_nobody_waits(context)
        elif request.order_id != "deadline":
            context.abort(grpc.StatusCode[request.order_id], "as I was told")
        return self._get.answer(order_id=request.order_id, notes=_remaining_ms(context))

    def _stream(self, _request, context):
        yield self._watch.answer(cursor=_remaining_ms(context))
        gone = threading.Event()
        context.add_callback(gone.set)
        if not gone.wait(SILENCE_S):
            yield self._watch.answer(cursor="after the silence")


def _remaining_ms(context) -> str:
    remaining = context.time_remaining()
    # gRPC's own word for no deadline is one in the far future.
    return ENDLESS if remaining is None or remaining > 1e6 else str(int(remaining * 1000))


def _wait_until_nobody_waits(context) -> None:
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait()
