"""Plants one mistake after the other, each in a fresh copy; each has to be found, and by its name."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .mistakes import MISTAKES, Mistake
from .tree import Tree

# What the checks read.
_COPIED = ("deploy", "order-server/src", "order-store/src")


def self_test(tree: Tree, areas: dict[str, Callable[[Tree], Iterator[str]]]) -> int:
    missed = 0
    for mistake in MISTAKES:
        with tempfile.TemporaryDirectory() as copy:
            planted = _plant(tree, Path(copy), mistake)
            try:
                found = "\n".join(areas[mistake.area](planted))
            except SystemExit as refusal:
                found = str(refusal)
        if mistake.expected in found:
            print(f"caught  {mistake.what}", flush=True)
        else:
            missed += 1
            print(f"MISSED  {mistake.what}; the check said: {found or 'nothing'}", flush=True)
    print(f"{missed} of {len(MISTAKES)} planted mistakes were not caught" if missed else f"all {len(MISTAKES)} planted mistakes are caught")
    return 1 if missed else 0


def _plant(tree: Tree, copy: Path, mistake: Mistake) -> Tree:
    for part in _COPIED:
        shutil.copytree(tree.root / part, copy / part)
    file = copy / mistake.file
    text = file.read_text()
    if mistake.old not in text:
        raise SystemExit(f"{mistake.file} does not hold «{mistake.old}»; mend the list of mistakes")
    file.write_text(text.replace(mistake.old, mistake.new, 1))
    return replace(tree, root=copy)
