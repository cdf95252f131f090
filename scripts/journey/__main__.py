"""A customer's and an administrator's journey through the service, by a client that knows only its address.

It starts the server it is given, with an empty data directory and nothing configured but addresses, database and guests,
learns the contract from the server's reflection, and plays the journey through gRPC. Each step prints one line; the
last line is `N passed, M failed`, and the exit code says whether all passed.

    python scripts/journey --server-binary target/debug/order-server
    python scripts/journey --server-binary target/debug/order-server --database-url postgres://...
    python scripts/journey --server-binary target/debug/order-server --target 127.0.0.1:50051

The last form plays against a server that runs already, with GUEST_CHECKOUT=on; `order-server token` makes the tokens in either case, so
there the server's environment (DATA_DIR, for example) is to be the caller's. `scripts/test` runs the first two.
"""

import argparse
import sys
from pathlib import Path

import contract
from checks import Checks, equal, true
from client import Client, amount
from server import ForeignServer, Server
from steps import JOURNEY, take
from world import World, new_world


def main() -> int:
    options = arguments()
    checks = Checks()
    try:
        if options.target:
            play(checks, ForeignServer(options.server_binary, options.target))
        else:
            with Server(options.server_binary, options.database_url) as server:
                play_with_own_server(checks, server)
    except Exception as error:  # Without a server there is nothing to play.
        checks.failed += 1
        print(f"FAIL  the journey cannot go on\n      {type(error).__name__}: {error}", flush=True)
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    return 0 if checks.failed == 0 and checks.passed > 0 else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-binary", required=True, type=Path, help="the order-server to start, and to make tokens with")
    parser.add_argument("--target", help="HOST:PORT of a server that runs already")
    parser.add_argument("--database-url", default="", help="DATABASE_URL of the server; without it SQLite in its data directory")
    options = parser.parse_args()
    options.server_binary = options.server_binary.resolve()
    return options


def play(checks: Checks, server) -> World:
    """The steps that any server can take."""
    world = new_world(Client(server.target), server)
    take(checks, world, (*contract.STEPS, *JOURNEY))
    return world


def play_with_own_server(checks: Checks, server: Server) -> None:
    """All steps, and those that need a server of one's own."""
    before = checks.failed
    world = play(checks, server)
    checks.run("the demo catalogue is there", lambda: shows_demo_catalogue(world))
    checks.run("`order-server healthcheck` succeeds", lambda: equal(server.healthcheck(), 0, "its exit code"))
    checks.run("the ops port serves metrics of the calls", lambda: serves_metrics(server))
    # The channel is closed first: an idle connection is the business of other tests.
    world.client.close()
    checks.run("SIGTERM ends the server with exit code 0", lambda: equal(server.stop(), 0, "its exit code"))
    checks.run("`order-server healthcheck` fails without a server", lambda: true(server.healthcheck() != 0, "it succeeded"))
    checks.run("a restarted server still has every order, and accepts the tokens", lambda: survives_restart(world, server))
    if checks.failed > before:
        print(f"--- the last lines of the server's log\n{server.log_tail()}\n---", flush=True)


def shows_demo_catalogue(world: World) -> str:
    products = world.admin("ListProducts", query="Vampire Costume Deluxe", active=True)["products"]
    equal([str(amount(product["price"])) for product in products], ["49.99"], "the prices")
    every = list(world.client.pages("AdminService/ListProducts", {"page_size": 7}, "products", world.admin_token))
    true(len(every) >= 20, f"only {len(every)} products")
    return f"{len(every)} products"


def serves_metrics(server: Server) -> None:
    metrics = server.ops("/metrics")
    true("rpc_server_call_duration_seconds" in metrics, "rpc_server_call_duration_seconds is missing")
    true("eyJ" not in metrics and "@example.com" not in metrics, "the metrics hold a token or an e-mail address")


def survives_restart(world: World, server: Server) -> None:
    server.start()
    world.client = Client(server.target)
    for name, order in world.orders.items():
        stored = world.admin("GetOrder", order_id=order["order_id"])
        equal((stored["order_number"], stored["lines"][0]["unit_price"]), (order["order_number"], order["lines"][0]["unit_price"]), name)
    equal(len(world.own_orders()), 5, "the number of the customer's orders")
    world.client.close()
    equal(server.stop(), 0, "the exit code")


if __name__ == "__main__":
    sys.exit(main())
