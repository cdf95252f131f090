"""The checkout that is looked at, and the tools to do it with."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Tree:
    """A checkout, or a copy of one with a mistake planted in it."""

    root: Path
    kubectl: str
    promtool: str
    python: str

    @property
    def deploy(self) -> Path:
        return self.root / "deploy"

    def name(self, path: Path) -> str:
        return str(path.relative_to(self.root))


def run(*command) -> subprocess.CompletedProcess:
    """Runs a tool and takes down all that it says."""
    return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def said(result: subprocess.CompletedProcess) -> str:
    """What a tool that failed had to say, on one line for each of its own."""
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
    return "\n    ".join(line for line in lines if line)


def documents(path: Path) -> list[dict]:
    """The documents of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]
