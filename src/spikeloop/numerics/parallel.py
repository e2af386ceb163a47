"""One way to do many tasks: in this process, or in several."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from spikeloop.errors import InvalidInputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cpus() -> int:
    """Return the CPUs that this process may use, which on a shared machine is not all of them."""
    allotted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if allotted.isdigit() and int(allotted) > 0:
        return int(allotted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_tasks(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    executor: str = "serial",
    progress: str | None = None,
) -> list[Result]:
    """Return ``[fn(item) for item in items]``, computed as `executor` says.

    The result does not depend on the executor: give each item its own seed, made with
    ``numpy.random.SeedSequence(seed).spawn(n)``. Batch small tasks: a task should take 0.1 s.

    Parameters
    ----------
    fn
        A function; for processes, one defined at the top of a module.
    items
        What to call it with; for processes, anything that can be sent to another process.
    executor
        ``"serial"``, ``"process"`` (a worker for each CPU this process may use) or ``"process:4"``.
        Workers are spawned, not forked, and keep to one thread of linear algebra each.
    progress
        The label of a progress bar on stderr, shown only in a terminal; None for no bar.

    Raises
    ------
    InvalidInputError
        The executor is not known.

    Examples
    --------
    >>> map_tasks(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    items = list(items)
    n_workers = _n_workers(executor)
    hidden = progress is None or not sys.stderr.isatty()
    with tqdm(total=len(items), desc=progress, disable=hidden) as bar:
        if n_workers == 0:
            return [_told(bar, fn(item)) for item in items]
        context = get_context("spawn")
        with ProcessPoolExecutor(n_workers, context, initializer=_use_one_thread) as pool:
            return [_told(bar, result) for result in pool.map(fn, items)]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep linear algebra to one thread of this process.

    Thousands of small matrix products lose up to thirty times their duration to threads that wait
    for each other on busy cores; and sums split over threads round differently on other machines.

    >>> import numpy as np
    >>> with one_blas_thread():
    ...     (np.ones((2, 2)) @ np.ones((2, 2))).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def _n_workers(executor: str) -> int:
    kind, _, number = executor.partition(":")
    if executor == "serial":
        return 0
    if kind == "process" and ((number.isdigit() and int(number) > 0) or executor == "process"):
        return int(number) if number else available_cpus()
    raise InvalidInputError(
        f"executor={executor!r}: it must be 'serial', 'process' or 'process:N' with N above 0."
    )


def _use_one_thread() -> None:
    threadpool_limits(1)


def _told(bar: tqdm, result: Result) -> Result:
    bar.update()
    return result
