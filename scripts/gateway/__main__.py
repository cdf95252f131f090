"""REST, gRPC-Web and gRPC through Envoy, in front of a real server.

It starts the server it is given, as scripts/journey does, and Envoy with deploy/envoy/envoy.yaml in front of it. The
whole journey is played over REST; what it does not call, a walk does. At the end every method of the contract must have
answered by its REST path: a new one that has none, or that nobody calls here, fails. Each check prints one line; the last
line is `N passed, M failed`, and the exit code says whether all passed.

    python scripts/gateway --server-binary target/debug/order-server
    python scripts/gateway --server-binary target/debug/order-server --database-url postgres://...

Envoy is what `scripts/envoy` finds or installs. `scripts/test` runs both forms.
"""

import argparse
import base64
import json
import os
import sys
import tempfile
from pathlib import Path

# The client's view of an order is the same whatever it speaks.
sys.path.append(str(Path(__file__).resolve().parent.parent / "journey"))

import browser
import contract
import errors
import openapi
import outcomes
import readme
import routes
import streams
import walk
from checks import Checks, equal, true
from client import Client
from envoy import HOST, ROOT, Envoy
from native import Native
from rest import Rest
from server import Server
from steps import JOURNEY, take
from world import World, new_world

# Settings of the server when it is back. Nobody listens at the endpoint, so events wait.
AFTERWARDS = {
    "CAPTURE_ON": "manual",
    "RATE_LIMIT_PER_SECOND": "1",
    "RATE_LIMIT_BURST": "20",
    "RATE_LIMIT_WRITE_BURST": "20",
    "RATE_LIMIT_SEARCH_BURST": "20",
    "WEBHOOK_URL": f"http://{HOST}:9/events",
    "WEBHOOK_SECRET": f"whsec_{base64.b64encode(os.urandom(32)).decode()}",
}


def main() -> int:
    options = arguments()
    checks = Checks()
    try:
        with tempfile.TemporaryDirectory(prefix="order-service-gateway-") as directory:
            check(checks, options, Path(directory) / "orders.binpb")
    except Exception as error:  # Without server and gateway there is nothing to check.
        checks.failed += 1
        print(f"FAIL  the gateway cannot be checked\n      {type(error).__name__}: {error}", flush=True)
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    return 0 if checks.failed == 0 and checks.passed > 0 else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-binary", required=True, type=Path, help="the order-server to start")
    parser.add_argument("--database-url", default="", help="DATABASE_URL of the server; without it SQLite in its data directory")
    parser.add_argument("--readme", default=ROOT / "README.md", type=Path, help="the file whose commands are run")
    options = parser.parse_args()
    options.server_binary = options.server_binary.resolve()
    return options


def check(checks: Checks, options: argparse.Namespace, descriptor: Path) -> None:
    with Server(options.server_binary, options.database_url) as server:
        server.write_descriptor(descriptor)
        contract_routes = routes.read(descriptor)
        with Envoy(server.target, descriptor) as envoy:
            before = checks.failed
            check_all(checks, options, server, envoy, Rest(HOST, envoy.port, contract_routes))
            if checks.failed > before:
                print(f"--- the last lines of the server's log\n{server.log_tail()}\n---", flush=True)
                print(f"--- Envoy's first warnings\n{envoy.warnings()}\n---", flush=True)
    outcomes.check(checks, descriptor, contract_routes)


def check_all(checks: Checks, options: argparse.Namespace, server: Server, envoy: Envoy, rest: Rest) -> None:
    """With the real server: while it is there, while it is away, and when it is back."""
    checks.run("the OpenAPI document describes every route", lambda: openapi.describes_every_route(server.ops_url, rest.routes))
    checks.run("only streams have all the time they want", lambda: gives_time(envoy, rest))
    take(checks, new_world(rest, server), JOURNEY, "REST: ")
    world = new_world(rest, server)
    take(checks, world, (*walk.STEPS, *errors.STEPS, *streams.STEPS, *browser.STEPS), "REST: ")
    client = Client(envoy.target)
    take(checks, new_world(client, server), contract.STEPS, "gRPC: ")
    through = Native(world, client)
    take(checks, through, Native.STEPS, "gRPC: ")
    checks.run("the README's commands do what it says", lambda: readme.runs(options.readme, server, options.server_binary, envoy))

    checks.run("the server stops", lambda: equal(server.stop(), 0, "its exit code"))
    take(checks, world, (errors.is_unavailable,))
    take(checks, through, (Native.is_unavailable,))
    client.close()
    server.start(**AFTERWARDS)
    take(checks, world, (walk.voids_a_promise, walk.passes_events_on_again, errors.limits_the_rate), "REST, with the server back: ")

    for route in rest.routes.values():
        checks.run(
            f"{route.verb} {route.template} is {route.path}", lambda route=route: true(route.path in rest.answered, "nobody called it")
        )
    checks.run("SIGTERM ends Envoy with exit code 0", lambda: equal(envoy.stop(), 0, "its exit code"))
    checks.run("the access log is JSON, and tells no secrets", lambda: keeps_secrets(envoy, world))


def gives_time(envoy: Envoy, rest: Rest) -> str:
    """Looks at the routes as Envoy understood them; the first that fits is the one that counts."""
    configured = envoy.routes()
    for route in rest.routes.values():
        first = next(found for found in configured if fits(found["match"], route.grpc_path))
        endless = first["route"].get("timeout") == "0s"
        equal(endless, route.streams_in or route.streams_out, f"{route.path} has all the time it wants: that")
    return f"{len(rest.routes)} methods"


def fits(match: dict, path: str) -> bool:
    return match.get("path") == path or ("prefix" in match and path.startswith(match["prefix"]))


def keeps_secrets(envoy: Envoy, world: World) -> str:
    """Only Envoy's own warnings are no JSON."""
    log = envoy.log()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    logged = [line for line in lines if (line["method"], line["path"], line["status"]) == ("GET", "/v1/cart", 200)]
    true(logged and logged[0]["rpc"].endswith("/GetCart") and logged[0]["request_id"], "GET /v1/cart is not in the log")
    for secret in ("eyJ", "@example.com", "?", "tok_", world.run + "@"):
        found = [line for line in log.splitlines() if secret in line]
        true(not found, f"the log holds `{secret}`: {found[:1]}")
    return f"{len(lines)} lines"


if __name__ == "__main__":
    sys.exit(main())
