"""The order-server that is played with: a process of the journey's own, or one that runs already."""

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_TIMEOUT_S = 60
# The server drains for a few seconds; what takes longer than this hangs.
STOP_TIMEOUT_S = 60


class ForeignServer:
    """A server that somebody else started, with the caller's environment."""

    def __init__(self, binary: Path, target: str) -> None:
        self._binary = binary
        self.target = target
        self._environment = dict(os.environ)

    def token(self, subject: str, role: str) -> str:
        """A token as `order-server token` makes it for somebody who is to call this server."""
        made = self._run("token", "--sub", subject, "--role", role)
        if made.returncode != 0:
            raise RuntimeError(f"`order-server token` failed: {made.stderr.strip()}")
        return made.stdout.strip()

    def write_descriptor(self, file: Path) -> None:
        """The compiled contract, as `order-server descriptor` writes it."""
        written = self._run("descriptor", "--output", str(file))
        if written.returncode != 0:
            raise RuntimeError(f"`order-server descriptor` failed: {written.stderr.strip()}")

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the server; with them `order-server token` makes tokens that it accepts."""
        return dict(self._environment)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self._binary, *arguments], check=False, env=self._environment, capture_output=True, text=True, timeout=30)


class Server(ForeignServer):
    """A process of our own: free ports, an empty data directory, guests allowed, nothing else configured.

    It runs on entry, and has ended on exit, whatever happened in between.
    """

    def __init__(self, binary: Path, database_url: str) -> None:
        super().__init__(binary, f"127.0.0.1:{free_port()}")
        self._directory = tempfile.TemporaryDirectory(prefix="order-service-journey-")
        root = Path(self._directory.name)
        self._log = root / "server.log"
        self._process: subprocess.Popen | None = None
        # Not the caller's environment: nothing of it may configure the server.
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(root),
            "LISTEN_ADDR": self.target,
            "OPS_ADDR": f"127.0.0.1:{free_port()}",
            "DATA_DIR": str(root / "data"),
            "GUEST_CHECKOUT": "on",
        }
        if database_url:
            self._environment["DATABASE_URL"] = database_url

    def __enter__(self) -> "Server":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()

    def start(self, **settings: str) -> None:
        """Starts it, for the first time or again, and waits until it is SERVING. The settings are for this time only."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._binary], env=self._environment | settings, stdout=log, stderr=log)
        self._wait_until_serving()

    def stop(self) -> int:
        """Asks it to stop as an orchestrator does, and answers with its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=STOP_TIMEOUT_S)

    def healthcheck(self) -> int:
        """Exit code of `order-server healthcheck`, which containers use."""
        return self._run("healthcheck").returncode

    @property
    def ops_url(self) -> str:
        """The ops port, without a path."""
        return f"http://{self._environment['OPS_ADDR']}"

    def ops(self, path: str) -> str:
        """What the ops port answers."""
        with urllib.request.urlopen(f"{self.ops_url}{path}", timeout=10) as answer:
            return answer.read().decode()

    def log_tail(self, lines: int = 40) -> str:
        """The last lines the server wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _wait_until_serving(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        # Without this, the first refused connection costs a second.
        impatient = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 50)]
        with grpc.insecure_channel(self.target, impatient) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    raise RuntimeError(f"the server ended with code {self._process.returncode}:\n{self.log_tail()}")
                try:
                    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                except grpc.RpcError:
                    pass  # Not listening yet; the deadline above ends this.
                time.sleep(0.05)
        raise RuntimeError(f"the server is not SERVING after {START_TIMEOUT_S} s:\n{self.log_tail()}")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
