"""Networks by their settings: the right spikes, a whole folder, and what a report says of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.io import read_experiment
from spikeloop.io.options import ReadOptions
from spikeloop.io.results import sha256_of
from spikeloop.simulate import simulate_network
from spikeloop.workflows.network_plans import plan_of
from spikeloop.workflows.network_settings import (
    CobaConfig,
    NetworkConfig,
    PopulationConfig,
    StepConfig,
    SynapsesConfig,
)
from spikeloop.workflows.simulate_network import run_network

SMALL = {
    "step": StepConfig(),
    "synapses": SynapsesConfig(n_inputs=50, rate_hz=5.0),
    "population": PopulationConfig(n_units=100, probability=0.3),
    "network": NetworkConfig(n_units=100, probability=0.3),
    "coba": CobaConfig(n_units=1000, duration_s=0.5, n_recorded=5),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return {name: run_network(folder / name, config) for name, config in SMALL.items()}


@pytest.mark.parametrize("name", SMALL)
def test_the_folder_is_whole_and_its_manifest_true(name, finished):
    out = finished[name].out
    assert finished[name].status == "done"
    manifest = json.loads((out / "manifest.json").read_text())
    names = {path.name for path in out.iterdir()} - {"manifest.json"}
    assert names == set(manifest["files"])
    assert {"report.html", "config.toml", "spikes.npz", "traces.npz"} <= names
    assert ("inputs.npz" in names) == (name in ("synapses", "population", "network"))
    for file, entry in manifest["files"].items():
        assert entry["sha256"] == sha256_of(out / file)


@pytest.mark.parametrize("name", SMALL)
def test_the_spikes_are_those_of_the_network(name, finished):
    plan = plan_of(SMALL[name])
    activity = simulate_network(plan.network, plan.method, seed=SMALL[name].seed)
    kept = read_experiment(finished[name].out / "spikes.npz", ReadOptions()).spikes
    assert len(kept.times_s) > 5
    np.testing.assert_array_equal(kept.times_s, activity.spikes.times_s)
    np.testing.assert_array_equal(kept.unit_index, activity.spikes.unit_index)
    assert kept.unit_table["population"][0] in ("cell", "excitatory")


@pytest.mark.parametrize("name", SMALL)
def test_the_report_opens_offline_and_tells_its_settings(name, finished):
    page = (finished[name].out / "report.html").read_text()
    assert len(page) < 10_000_000
    assert 'src="http' not in page
    for words in ("What it did", "What was simulated", "real-time factor", "settings.dt_ms"):
        assert words in page


def euler(config):
    """Return when Izhikevich's neuron fires, by his equations, one tick after the other."""
    v, u, times_ms = -70.0, -70.0 * config.b, []
    for tick in range(round(1000 * config.duration_s / config.dt_ms)):
        time_ms = tick * config.dt_ms
        current = config.current * (config.start_ms <= time_ms < config.stop_ms)
        dv = 0.04 * v * v + 5 * v + 140 - u + current
        du = config.a * (config.b * v - u)
        v, u = v + config.dt_ms * dv, u + config.dt_ms * du
        if v >= 35:
            times_ms.append(time_ms)
            v, u = config.c, u + config.d
    return np.array(times_ms)


@pytest.mark.parametrize("config", [StepConfig(), StepConfig(a=0.1, d=2.0, current=10.0)])
def test_the_step_makes_the_neuron_fire_when_its_equations_say(config, tmp_path):
    run_network(tmp_path / "out", config)
    spikes = read_experiment(tmp_path / "out" / "spikes.npz", ReadOptions()).spikes
    wanted = euler(config)
    assert len(wanted) >= 8
    # Later, single precision moves a spike of the faster neuron by a tick or two.
    np.testing.assert_allclose(1e3 * spikes.times_s[:15], wanted[:15], atol=1e-6)
    assert len(spikes.times_s) == pytest.approx(len(wanted), abs=1)
    assert spikes.times_s.min() >= config.start_ms / 1e3
    assert spikes.times_s.max() <= config.stop_ms / 1e3


def test_the_conductance_is_that_of_the_input_spikes(finished):
    out, config = finished["synapses"].out, SMALL["synapses"]
    inputs = read_experiment(out / "inputs.npz", ReadOptions()).spikes
    with np.load(out / "traces.npz") as traces:
        found = traces["cell.ampa"][:, 0]
    tick = np.rint(inputs.times_s * 1000 / config.dt_ms).astype(int)
    g, arriving, wanted = 0.0, 0, []
    for n in np.bincount(tick, minlength=len(found)):
        wanted.append(g)  # at the start of a tick, before what arrives in it
        g = (g + config.weight * arriving) * (1 - config.dt_ms / config.tau_ms)
        arriving = n  # one tick later
    assert max(wanted) > 3 * config.weight
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_recurrence_is_what_the_network_has_beyond_the_population():
    population, network = plan_of(SMALL["population"]).network, plan_of(SMALL["network"]).network
    assert len(population.projections) == 2
    assert {p.source for p in population.projections} == {"inputs"}
    assert len(network.projections) == 6


def test_the_traces_hold_a_few_units_and_the_mean_of_all(finished):
    with np.load(finished["network"].out / "traces.npz") as traces:
        assert traces["excitatory.v"].shape == (2000, 5)
        assert traces["inhibitory.gaba.mean"].shape == (2000,)
        assert traces["dt_ms"] == 0.5


def test_the_seed_decides(tmp_path):
    def spikes(seed, name):
        config = replace(SMALL["network"], seed=seed)
        out = run_network(tmp_path / name, config).out
        return sha256_of(out / "spikes.npz")

    assert spikes(3, "a") == spikes(3, "b") != spikes(4, "c")


@pytest.mark.filterwarnings("ignore:constrained_layout")  # of a potential of 1e15 mV
def test_a_run_that_stopped_keeps_what_it_has_and_says_so(tmp_path):
    with pytest.warns(SpikeloopWarning, match="the simulation stopped at"):
        finished = run_network(tmp_path / "out", replace(SMALL["step"], a=1e6))
    assert finished.status.startswith("stopped at")
    assert (finished.out / "manifest.json").exists()
    assert f"the simulation {finished.status}"[:40] in (finished.out / "report.html").read_text()
    assert len(np.load(finished.out / "traces.npz")["cell.v"]) > 2


REFUSED = {
    "dt_ms=20": lambda: replace(SMALL["network"], dt_ms=20.0),
    "the input must start at 0 or later": lambda: StepConfig(start_ms=800.0),
    "before the run is over": lambda: StepConfig(duration_s=0.1),
    "n_units=3: give 10 or more": lambda: CobaConfig(n_units=3),
    "n_recorded=0: give 1 or more": lambda: NetworkConfig(n_recorded=0),
    "settle_s=9.0: it must be 0 or more, and below duration_s=3": lambda: CobaConfig(settle_s=9.0),
    r"seed=-1: it must be a whole number, in 0..2\^63 - 1": lambda: StepConfig(seed=-1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_settings_that_cannot_be_are_refused_and_leave_nothing(message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        run_network(tmp_path / "out", REFUSED[message]())
    assert list(tmp_path.iterdir()) == []
