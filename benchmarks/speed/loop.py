"""The main job as a whole process: `spikeloop loop`, and how long `spikeloop --help` takes.

python benchmarks/speed/loop.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Timing, publish, time_row

COMMAND = [sys.executable, "-m", "spikeloop"]


def run(words: list[str], repeats: int) -> Timing:
    """Time a command in a process of its own; CPU seconds are those of the process."""
    timing = Timing([], [])
    for repeat in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            there = [word.format(out=Path(folder) / f"out-{repeat}") for word in words]
            before, start = os.times(), time.perf_counter()
            subprocess.run([*COMMAND, *there], check=True, capture_output=True)
            timing.wall_s.append(time.perf_counter() - start)
            after = os.times()
            spent = after.children_user + after.children_system
            timing.cpu_s.append(spent - before.children_user - before.children_system)
    return timing


def main() -> None:
    publish(
        [
            time_row("speed/loop", 60, run(["loop", "--out", "{out}"], repeats=3)),
            time_row("speed/help", 0.5, run(["--help"], repeats=5)),
        ]
    )


if __name__ == "__main__":
    main()
