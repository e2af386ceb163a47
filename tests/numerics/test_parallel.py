"""The same answers whatever executes the tasks."""

import os
from operator import methodcaller

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.numerics.parallel import available_cpus, map_tasks

draw = methodcaller("generate_state", 4)  # a function that another process can import


def test_processes_give_what_one_process_gives_in_order():
    seeds = np.random.SeedSequence(3).spawn(5)
    apart = map_tasks(draw, seeds, executor="process:2")
    np.testing.assert_array_equal(apart, map_tasks(draw, seeds))
    np.testing.assert_array_equal(apart, [draw(seed) for seed in seeds])


def test_errors_of_a_task_reach_the_caller():
    with pytest.raises(AttributeError):
        map_tasks(draw, ["no seed"], executor="serial")


@pytest.mark.parametrize("executor", ["process:0", "process:x", "threads", "serial:2", ""])
def test_unknown_executors_are_refused(executor):
    with pytest.raises(InvalidInputError, match="must be 'serial', 'process' or 'process:N'"):
        map_tasks(draw, [], executor=executor)


def test_only_the_cpus_allotted_count(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert available_cpus() == 3
    monkeypatch.delenv("SLURM_CPUS_PER_TASK")
    assert 1 <= available_cpus() <= os.cpu_count()
