"""Runs what the README says about REST, word for word but for the server's program and the gateway's address."""

import re
import subprocess
from pathlib import Path

from checks import equal, true
from envoy import ROOT, Envoy
from server import Server

HEADING = "### REST through Envoy"
# What the README calls them.
PROGRAM, ADDRESS = "target/release/order-server", "127.0.0.1:8080"
TIMEOUT_S = 120


def runs(readme: Path, server: Server, binary: Path, envoy: Envoy) -> str:
    """Runs the blocks with curl in one shell, in their order; every command has to succeed."""
    section = find_section(readme.read_text())
    script = "\n".join(block for block in shell_blocks(section) if "curl" in block)
    for name in (PROGRAM, ADDRESS, "curl"):
        true(name in script, f"no block with curl holds {name}")
    true("scripts/envoy run" in section, "it does not say how to start Envoy")
    script = script.replace(PROGRAM, str(binary)).replace(ADDRESS, envoy.target)
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        check=False,
        input=script,
        cwd=ROOT,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    equal(done.returncode, 0, f"exit code, after `{done.stdout[-300:]}` and `{done.stderr.strip()[-300:]}`,")
    for outcome in ("ORDER_STATUS_PAID", "ORDER_STATUS_REFUNDED", "ORDER_EVENT_TYPE_CANCELLED", "INVALID_FIELD", "ROLE_REQUIRED"):
        true(outcome in done.stdout, f"{outcome} is missing in what it printed")
    calls = re.findall(r"^(?:\w+=\$\()?(?:call|curl) ", script, re.MULTILINE)
    return f"{len(calls)} calls"


def find_section(text: str) -> str:
    """The text from the heading up to the next one. A comment in a block of commands looks like a heading, and is none."""
    section, fenced, found = [], False, False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("#"):
            found = line.strip() == HEADING
        if found:
            section.append(line)
    true(section, f"the README has no section `{HEADING}`")
    return "".join(section)


def shell_blocks(section: str) -> list[str]:
    """The contents of its blocks of shell commands."""
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
