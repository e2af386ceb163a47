"""Write the tables of the benchmarks page from benchmarks/record.json.

The build of the docs calls `write_benchmarks`; its output is not kept in the repository.
"""

import json
from itertools import groupby
from pathlib import Path

from generate_architecture import ROOT

RECORD = ROOT / "benchmarks" / "record.json"


def write_benchmarks(path: Path) -> None:
    """Write one table for each kind of promise that the record holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    path.write_text(tables(list(record.values())), encoding="utf-8")


def tables(rows: list[dict]) -> str:
    """Return the rows as Markdown, a section for each first part of their names."""
    if not rows:
        return "Nothing has been measured yet.\n"
    parts = []
    for kind, members in groupby(sorted(rows, key=_kind), key=_kind):
        parts += [f"## {kind.capitalize()}\n\n", "| What | Wanted | Got | Met | Others |\n"]
        parts += ["|---|---|---|---|---|\n", *(_line(row) for row in members), "\n"]
    commands = {f"* `{row['command']}` ({row['machine']}, {row['date']})\n" for row in rows}
    return "".join([*parts, "## How to run them\n\n", *sorted(commands)])


def _kind(row: dict) -> str:
    return row["name"].split("/")[0]


def _line(row: dict) -> str:
    got = f"{row['got']:.8g} {row['unit']}"
    if row["spread"] is not None:
        got += " ({:.3g} to {:.3g})".format(*row["spread"])
    peers = (f"{peer.replace('_', ' ')}: {value:.4g}" for peer, value in row["peers"].items())
    cells = [
        row["name"].split("/", 1)[-1].replace("_", " "),
        f"{row['wanted']} {row['unit']}",
        got,
        "yes" if row["met"] else "**no**",
        ", ".join(peers),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
