"""Measure, print, and keep the numbers that spikeloop promises.

Every benchmark makes `Row`s and hands them to `publish`, which prints a table and updates
`benchmarks/record.json`. Times are medians over repeats, with the whole range as spread.
"""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

RECORD = Path(__file__).with_name("record.json")


@dataclass
class Row:
    """One number promised, and the number got."""

    name: str
    """What was measured, unique in the record, like ``speed/count_spikes``."""
    wanted: str
    """What was promised, like ``<= 0.15``."""
    got: float
    unit: str
    met: bool
    spread: tuple[float, float] | None = None
    """Smallest and largest of the repeats."""
    cpu_s: float | None = None
    """Median CPU seconds, all threads."""
    peers: dict[str, float] = field(default_factory=dict)
    """The same quantity for others, measured in the same run."""
    command: str = ""
    machine: str = ""
    date: str = ""


@dataclass
class Timing:
    """Seconds of several runs of one function."""

    wall_s: list[float]
    cpu_s: list[float]

    @property
    def median_s(self) -> float:
        """The wall time to quote."""
        return statistics.median(self.wall_s)

    @property
    def median_cpu_s(self) -> float:
        """The CPU time to quote."""
        return statistics.median(self.cpu_s)

    @property
    def spread_s(self) -> tuple[float, float]:
        """The fastest and the slowest run."""
        return min(self.wall_s), max(self.wall_s)


def measure(fn: Callable[[], object], *, repeats: int = 5, warmup: int = 1) -> Timing:
    """Run `fn` `warmup` times for nothing, then `repeats` times by the clock."""
    for _ in range(warmup):
        fn()
    timing = Timing([], [])
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        fn()
        timing.wall_s.append(time.perf_counter() - wall)
        timing.cpu_s.append(time.process_time() - cpu)
    return timing


def time_row(name: str, limit_s: float, timing: Timing, **peers: float) -> Row:
    """Return the row of a promise that something takes at most `limit_s` seconds."""
    got = timing.median_s
    return Row(
        name,
        f"<= {limit_s:g}",
        got,
        "s",
        got <= limit_s,
        timing.spread_s,
        timing.median_cpu_s,
        peers,
    )


def publish(rows: list[Row]) -> None:
    """Print the rows, and put them in the record in place of older ones of the same name."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for row in rows:
        row.command = (
            "python " + Path(sys.argv[0]).resolve().relative_to(RECORD.parents[1]).as_posix()
        )
        row.machine = f"{platform.machine()}, Python {platform.python_version()}"
        row.date = date.today().isoformat()
        row.got, row.met = float(row.got), bool(row.met)
        record[row.name] = asdict(row)
        verdict = "met" if row.met else "NOT MET"
        others = "".join(f"; {peer}: {value:.4g}" for peer, value in row.peers.items())
        spread = "" if row.spread is None else f" ({row.spread[0]:.4g}..{row.spread[1]:.4g})"
        print(
            f"{row.name}: {row.got:.6g}{spread} {row.unit}, wanted {row.wanted}: {verdict}{others}"
        )
    RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n")
