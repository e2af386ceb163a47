import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("brian2", reason="the peer is not installed: pip install spikeloop[bench]")
sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
peer = pytest.importorskip("brian2_neurons", reason="the benchmarks are not here")


@pytest.mark.parametrize("name", peer.CASES)
def test_a_neuron_does_what_brian2_says(name):
    case = peer.CASES[name]
    theirs, ours = peer.run_theirs(case), peer.run_ours(case)
    assert sum(map(len, theirs.ticks)) > 10
    assert ours.same_spikes(theirs)
    assert ours.farthest(theirs, case.upswing_ticks) < 1e-4


def test_the_upswing_of_a_spike_differs_by_rounding_alone():
    case = peer.CASES["adaptive exponential"]
    theirs = peer.run_theirs(case)
    assert peer.run_in_double(case).farthest(theirs) < 1e-9
    assert peer.run_in_double(case).same_spikes(theirs)


def test_a_neuron_that_differs_is_noticed():
    case = peer.CASES["leaky, Euler"]
    ours = peer.run_ours(case)
    other = {"v": ours.values["v"].copy()}
    other["v"][100, 3] += 0.01
    assert peer.Traces(other, ours.ticks).farthest(ours) == pytest.approx(
        0.01 / np.ptp(ours.values["v"]), rel=1e-3
    )
