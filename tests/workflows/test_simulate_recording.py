"""Recordings by their settings: the truth fits the traces, whoever fired the spikes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from spikeloop.characterize import count_spikes
from spikeloop.errors import InvalidInputError
from spikeloop.io import read_experiment, read_ground_truth, read_recording
from spikeloop.io.config import read_config
from spikeloop.io.options import ReadOptions
from spikeloop.neurons import LIF
from spikeloop.simulate import (
    Background,
    Network,
    Noise,
    Population,
    RecordingModel,
    Simulation,
    TemplateGenerator,
    VirtualCortex,
    simulate_cortex,
    simulate_network,
)
from spikeloop.workflows import simulate_recording as workflow
from spikeloop.workflows.cortex_recording import (
    RATE_CELL,
    current_for_rate,
    expected_rates,
    fire_leaky,
    some_units,
)
from spikeloop.workflows.network_settings import NetworkConfig
from spikeloop.workflows.recording_settings import RecordingJob
from spikeloop.workflows.simulate_recording import run_recording

CORTEX = VirtualCortex(
    n_simple=4, n_complex=2, n_unresponsive=1, n_images=20, n_repeats=3, n_pixels=10,
    extent_deg=20.0, spatial_frequency_cpd=(0.06, 0.12), pause_s=0.5,
)  # fmt: skip
SMALL = RecordingJob(
    probe="tetrode",
    duration_s=3.0,
    units=TemplateGenerator(n_units=4),
    model=RecordingModel(background=Background(units_per_mm3=10_000.0)),
    cortex=CORTEX,
    network=NetworkConfig(n_units=100, probability=0.3, duration_s=0.8),
)


SOURCES = ("chance", "cortex", "network")


def job_of(source):
    duration_s = SMALL.duration_s if source == "chance" else None
    return replace(SMALL, source=source, duration_s=duration_s)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    return {source: run_recording(folder / source, job_of(source)).out for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES)
def test_the_folder_is_a_recording_with_its_truth_and_a_report(source, finished):
    out = finished[source]
    manifest = json.loads((out / "manifest.json").read_text())
    names = {path.name for path in out.iterdir()} - {"manifest.json"}
    assert names == set(manifest["files"])
    assert {"traces.dat", "probe.json", "binary.json", "report.html", "config.toml"} <= names
    assert ("experiment.npz" in names) == (source == "cortex")
    recording, truth = read_recording(out, check_sha256=True), read_ground_truth(out)
    assert recording.n_channels == truth.templates.n_channels == 4
    assert recording.duration_s == pytest.approx(truth.spikes.epochs.duration_s, abs=1e-4)
    assert truth.spikes.n_units == (7 if source == "cortex" else 4)
    assert {"depth_um", "peak_channel", "snr"} <= set(truth.spikes.unit_table)
    page = (out / "report.html").read_text()
    assert "Templates on the probe" in page
    assert 'src="http' not in page


@pytest.mark.parametrize("source", SOURCES)
def test_the_settings_kept_are_those_of_the_recording(source, finished):
    kept = read_config(finished[source] / "config.toml", RecordingJob)
    truth = read_ground_truth(finished[source])
    assert kept.settled() == kept
    assert kept.duration_s == pytest.approx(truth.spikes.epochs.duration_s)
    assert kept.units.n_units == truth.spikes.n_units
    assert source != "network" or kept.network.duration_s == kept.duration_s


def test_a_duration_is_that_of_the_network_too():
    default = RecordingJob(source="network")
    assert default.settled().network.duration_s == default.settled().duration_s == 1.0
    longer = replace(default, duration_s=5.0).settled()
    assert longer.network.duration_s == longer.duration_s == longer.network.driven_s[1] == 5.0
    assert RecordingJob().settled().duration_s == 60.0


def test_without_noise_the_traces_are_the_templates_at_the_true_times(tmp_path):
    clean = replace(SMALL, model=RecordingModel.clean(), duration_s=2.0)
    out = run_recording(tmp_path / "out", clean).out
    recording, truth = read_recording(out), read_ground_truth(out)
    traces_uV = recording.read(0, recording.n_samples)
    peak = np.rint(truth.spikes.times_s * recording.sample_rate_hz).astype(int)
    alone = np.diff(peak, prepend=-200, append=recording.n_samples + 200) > 200
    alone = alone[:-1] & alone[1:] & (peak > 40) & (peak < recording.n_samples - 40)
    unit = truth.spikes.unit_index[alone]
    channel = truth.templates.peak_channel[unit]
    found = np.array(
        [np.ptp(traces_uV[p - 30 : p + 60, c]) for p, c in zip(peak[alone], channel, strict=True)]
    )
    assert len(found) > 10
    np.testing.assert_allclose(found, truth.templates.amplitude_uV[unit], rtol=0.1, atol=1.0)


def test_the_spikes_of_the_cortex_are_recorded_with_what_it_was_shown(finished):
    experiment = read_experiment(finished["cortex"] / "experiment.npz", ReadOptions())
    wanted = simulate_cortex(CORTEX, seed=SMALL.seed).experiment
    truth = read_ground_truth(finished["cortex"]).spikes
    for spikes in (experiment.spikes, truth):
        np.testing.assert_array_equal(spikes.times_s, wanted.spikes.times_s)
        np.testing.assert_array_equal(spikes.unit_ids, wanted.spikes.unit_ids)
    np.testing.assert_array_equal(experiment.trials.stimulus_id, wanted.trials.stimulus_id)


def test_what_a_killed_run_left_is_no_obstacle(tmp_path):
    for name in ("unfinished", "unfinished.partial"):
        (tmp_path / "out.partial" / name).mkdir(parents=True)
        (tmp_path / "out.partial" / name / "traces.dat").write_bytes(b"half")
    (tmp_path / "out.partial" / "run.pid").write_text("")
    run = workflow.Run("simulate recording", SMALL)
    (tmp_path / "out.partial" / "run.json").write_text(json.dumps(run.identity()))
    out = run_recording(tmp_path / "out", SMALL, resume=True).out
    assert not list(out.glob("unfinished*"))
    assert read_recording(out, check_sha256=True).n_samples == 90_000


@pytest.mark.parametrize(
    ("neuron", "lowest_hz"),
    [(LIF(), 6.0), (LIF(tau_ms=10.0, refractory_ms=3.0), 12.0), (RATE_CELL, 1.0)],
)
def test_the_current_for_a_rate_gives_that_rate(neuron, lowest_hz):
    rates_hz = np.array([0.0, lowest_hz, 20.0, 60.0, 150.0])
    current = current_for_rate(rates_hz, neuron)
    cells = Population("cells", len(rates_hz), neuron, current=current)
    activity = simulate_network(Network([cells]), Simulation(10.0, 0.1), seed=0)
    np.testing.assert_allclose(activity.spikes.rates_hz(), rates_hz, rtol=0.02)


def test_leaky_neurons_answer_images_at_the_rates_of_the_cortex():
    cortex = simulate_cortex(replace(CORTEX, n_images=60), seed=1)
    fired = fire_leaky(cortex, seed=2)
    np.testing.assert_array_equal(fired.spikes.unit_ids, cortex.experiment.spikes.unit_ids)
    counts = count_spikes(fired.spikes, fired.trials, cortex.truth.window_s).counts
    shown = fired.trials.stimulus_id
    row_of = {image: row for row, image in enumerate(cortex.truth.image_ids.tolist())}
    is_image = shown >= 0
    rows = [row_of[image] for image in shown[is_image].tolist()]
    wanted = cortex.truth.rates_hz[rows] * CORTEX.duration_s
    found = counts[is_image]
    assert np.abs(found.mean() - wanted.mean()) < 0.05 * wanted.mean()
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.95


def test_expected_rates_are_those_of_the_image_that_is_answered():
    cortex = simulate_cortex(CORTEX, seed=1)
    rates_hz, trials = expected_rates(cortex), cortex.experiment.trials
    trial = int(np.flatnonzero(trials.stimulus_id >= 0)[0])
    row = int(np.flatnonzero(cortex.truth.image_ids == trials.stimulus_id[trial])[0])
    middle_s = trials.onset_s[trial] + np.mean(cortex.truth.window_s)
    at = round(middle_s * rates_hz.sample_rate_hz)
    np.testing.assert_allclose(rates_hz.values[at], cortex.truth.rates_hz[row], rtol=1e-6)
    np.testing.assert_allclose(rates_hz.values[0], cortex.truth.model.baseline_hz, rtol=1e-6)


REFUSED = {
    r"n_units=101: only \d+ of 100 units fire. Ask for as many, or fewer": lambda: replace(
        job_of("network"), units=TemplateGenerator(n_units=101)
    ),
    "duration_s=3.0 and network.duration_s=0.8: they are the same": lambda: replace(
        SMALL, source="network"
    ),
    "duration_s=3.0: the cortex shows its images for 24.5 s. Leave duration_s": lambda: replace(
        SMALL, source="cortex"
    ),
    "gain_uV=0.0: it must be above 0": lambda: replace(SMALL, gain_uV=0.0),
    "seed=-1": lambda: replace(SMALL, seed=-1),
    "probe 'comb' is not known": lambda: replace(SMALL, probe="comb"),
    "white_uV=-1": lambda: replace(SMALL, model=RecordingModel(noise=Noise(white_uV=-1.0))),
}


@pytest.mark.parametrize("message", REFUSED)
def test_settings_that_cannot_be_are_refused_and_leave_nothing(message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        run_recording(tmp_path / "out", REFUSED[message]())
    assert list(tmp_path.iterdir()) == []


def test_rates_that_no_neuron_reaches_are_refused():
    with pytest.raises(InvalidInputError, match=r"rate_hz runs from 1 to 500: .* below 500"):
        current_for_rate(np.array([1.0, 500.0]), LIF(refractory_ms=2.0))
    with pytest.raises(InvalidInputError, match="rate_hz runs from -1 to 1: it must be 0 or more"):
        current_for_rate(np.array([1.0, -1.0]), LIF())


def test_some_units_are_units_that_fire():
    spikes = simulate_cortex(CORTEX, seed=1).experiment.spikes
    chosen = some_units(spikes, 3, seed=0)
    assert chosen.n_units == 3
    assert chosen.counts().min() > 0
    assert set(chosen.unit_ids) <= set(spikes.unit_ids)
