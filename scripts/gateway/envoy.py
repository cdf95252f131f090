"""Envoy as `scripts/envoy run` starts it: a process of our own on free ports of loopback."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from server import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# A browser's page that may call, and one that may not.
FRIENDLY_ORIGIN, HOSTILE_ORIGIN = "https://shop.example", "https://shop.example.evil.example"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


class Envoy:
    """It runs on entry, and has ended on exit, whatever happened in between."""

    def __init__(self, upstream: str, descriptor: Path, **settings: str) -> None:
        self.port, self._admin_port = free_port(), free_port()
        host, port = upstream.split(":")
        self._directory = tempfile.TemporaryDirectory(prefix="order-service-envoy-")
        self._log = Path(self._directory.name) / "envoy.log"
        # The caller's environment too: `scripts/envoy` may have to install Envoy, and honours ENVOY.
        self._environment = os.environ | {
            "GATEWAY_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_ADMIN_PORT": str(self._admin_port),
            "GATEWAY_UPSTREAM_HOST": host,
            "GATEWAY_UPSTREAM_PORT": port,
            "GATEWAY_DESCRIPTOR": str(descriptor),
            "GATEWAY_ORIGINS": r"https://shop\.example",
            **settings,
        }
        self._process: subprocess.Popen | None = None

    @property
    def target(self) -> str:
        return f"{HOST}:{self.port}"

    def __enter__(self) -> "Envoy":
        with self._log.open("ab") as log:
            # A group of its own, so that whatever `scripts/envoy` may have started ends with it.
            self._process = subprocess.Popen(
                [ROOT / "scripts" / "envoy", "run", "--log-level", "warn"],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._directory.cleanup()

    def stop(self) -> int:
        """Asks it to stop, and answers with its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=STOP_TIMEOUT_S)

    def log(self) -> str:
        """What it wrote: the access log, and warnings."""
        return self._log.read_text(errors="replace")

    def warnings(self, lines: int = 20) -> str:
        """The first lines of another kind, without what it dumps of a request when it crashes."""
        own = [line for line in self.log().splitlines() if "][warning][" in line or "][error][" in line or "][critical][" in line]
        return "\n".join(own[:lines])

    def admin(self, path: str) -> str:
        """One of Envoy's own pages."""
        with urllib.request.urlopen(f"http://{HOST}:{self._admin_port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def routes(self) -> list[dict]:
        """The routes as Envoy understood them."""
        dump = json.loads(self.admin("/config_dump?resource=static_route_configs"))
        (configured,) = dump["configs"]
        (host,) = configured["route_config"]["virtual_hosts"]
        return host["routes"]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"Envoy ended with code {self._process.returncode}:\n{self.log()}")
            try:
                if self.admin("/ready").strip() == "LIVE":
                    return
            except (urllib.error.URLError, ConnectionError):
                pass  # Not listening yet, or still starting; the deadline above ends this.
            time.sleep(0.05)
        raise RuntimeError(f"Envoy is not LIVE after {START_TIMEOUT_S} s:\n{self.log()}")
