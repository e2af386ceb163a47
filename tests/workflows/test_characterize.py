"""From a file to a report, for each shape of experiment, and for those that cannot be used."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from spikeloop.cli.main import main
from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.io import save_npz


def drawn(out):
    """Return the report of a run that must have ended well."""
    assert (out / "manifest.json").exists()
    return (out / "report.html").read_text()


def sweep_file(path, n=4000, seed=0):
    rng = np.random.default_rng(seed)
    stimulus = rng.standard_normal(n)
    drive = np.convolve(stimulus, [0.0, 0.5, 1.0])[:n]
    savemat(path, {"stim": stimulus[:, None], "rho": (rng.random(n) < 0.1 * (drive > 0.5)) * 1.0})
    return path


SWEEP = [
    "--stimulus",
    "stim",
    "--spikes",
    "rho",
    "--rate",
    "100",
    "--average.window-s",
    "-0.1",
    "0",
]
COVARIANCE = ["--covariance.window-s", "-0.1", "0", "--covariance.n-shifts", "40"]


def test_a_sweep_in_a_matlab_file(tmp_path, capsys):
    path = sweep_file(tmp_path / "cell.mat")
    out = tmp_path / "out"
    assert main(["characterize", str(path), *SWEEP, *COVARIANCE, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    page = drawn(out)
    assert "Spike-triggered average: Unit 0" in page
    assert "Spike-triggered covariance" in page
    with np.load(out / "triggered_average.npz") as stored:
        average = stored["average"][0, :, 0]
    assert np.argmax(average) == 8  # 20 ms before the spike: the heaviest tap of the filter
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["config"]["read"]["rate_hz"] == 100.0
    assert list(manifest["inputs"]) == ["cell.mat"]
    # the results folder's own settings repeat the run
    again = tmp_path / "again"
    config = ["--config", str(out / "config.toml")]
    assert main(["characterize", str(path), *config, "--out", str(again)]) == 0
    files = json.loads((again / "manifest.json").read_text())["files"]
    assert files["triggered_average.npz"] == manifest["files"]["triggered_average.npz"]


def image_experiment(n_units=3, n_repeats=3, **changes):
    rng = np.random.default_rng(0)
    images = Images(rng.random((30, 6, 6)), np.arange(100, 130))
    stimulus_id = np.tile(np.append(images.image_ids, -1), n_repeats)
    rates = np.exp(images.pixels.reshape(30, -1) @ rng.normal(0, 0.4, (36, n_units)))
    means = np.vstack([rates / rates.mean(axis=0), np.ones(n_units)]) * 3
    counts = rng.poisson(np.tile(means, (n_repeats, 1)))
    if changes.get("silent"):
        counts[:, 0] = 0
    trials = Trials(stimulus_id)
    return Experiment(
        "table", trials=trials, images=images,
        responses=Responses(counts, (0.0, 0.1), trials, np.arange(n_units)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("experiment", "present", "absent"),
    [
        (image_experiment(), "How reliable each unit is", "Sorted activity"),
        (image_experiment(silent=True), "How reliable each unit is", "Traceback"),
        (image_experiment(n_units=1), "How reliable each unit is", "noise correlations"),
        (image_experiment(n_repeats=1), "The responses hold no repeats", "How reliable"),
    ],
    ids=["plain", "silent unit", "one unit", "no repeats"],
)
def test_tables_of_counts(experiment, present, absent, tmp_path):
    save_npz(tmp_path / "table.npz", experiment)
    out = tmp_path / "out"
    assert main(["characterize", str(tmp_path / "table.npz"), "--out", str(out)]) == 0
    page = drawn(out)
    assert present in page
    assert absent not in page


def test_silent_units_and_a_constant_stimulus_make_a_report_all_the_same(tmp_path):
    epochs = Epochs([0.0], [40.0])
    spikes = SpikeTrains.from_units({"a": np.arange(1, 39) + 0.005, "silent": []}, epochs)
    experiment = Experiment(
        "dull", spikes=spikes, stimulus=TimeSeries(np.full((4000, 1), 0.3), 100.0)
    )
    save_npz(tmp_path / "dull.npz", experiment)
    out = tmp_path / "out"
    words = ["--average.window-s", "-0.1", "0", *COVARIANCE, "--out", str(out)]
    assert main(["characterize", str(tmp_path / "dull.npz"), *words]) == 0
    drawn(out)
    with np.load(out / "triggered_average.npz") as stored:
        assert (stored["average"][0] == 0.3).all()
        assert np.isnan(stored["average"][1]).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stimulus", "stim"], "say which of these is the spikes"),
        ([*SWEEP[:3], "rhoo", "--rate", "100"], "has no variable 'rhoo': it has"),
        ([*SWEEP, "--average.window-s", "0", "-0.1"], "stop must be after start"),
        ([*SWEEP, "--scenes.raster-bin-s", "0"], "must be above 0"),
    ],
)
def test_a_refusal_leaves_nothing_behind(words, message, tmp_path, capsys):
    path = sweep_file(tmp_path / "cell.mat", n=500)
    try:
        code = main(["characterize", str(path), *words, "--out", str(tmp_path / "out")])
    except SystemExit as stop:  # settings that cannot be right are wrong usage
        code = stop.code
    assert code in (1, 2)
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert [entry.name for entry in tmp_path.iterdir()] == ["cell.mat"]


def test_spikes_without_anything_shown_are_refused(tmp_path, capsys):
    spikes = SpikeTrains.from_units({"a": [0.5]}, Epochs([0.0], [1.0]))
    save_npz(tmp_path / "bare.npz", Experiment("bare", spikes=spikes))
    assert main(["characterize", str(tmp_path / "bare.npz"), "--out", str(tmp_path / "o")]) == 1
    assert "nothing that was shown" in capsys.readouterr().err


def test_an_input_inside_the_results_folder_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    path = sweep_file(tmp_path / "out/cell.mat", n=500)
    words = ["characterize", str(path), *SWEEP, "--out", str(tmp_path / "out"), "--overwrite"]
    assert main(words) == 1
    assert "lies inside" in capsys.readouterr().err
    assert path.exists()


@pytest.mark.parametrize(
    ("bin_s", "message"),
    [("1e-9", "Make the bins wider"), ("50", "Make the bins narrower"), ("nan", "must be above 0")],
)
def test_raster_bins_of_absurd_widths_are_refused(bin_s, message, tmp_path, capsys):
    spikes = SpikeTrains.from_units({0: [0.5], 1: [0.7]}, Epochs([0.0], [60.0]))
    trials = Trials([0, 1], onset_s=[1.0, 2.0], duration_s=[0.5, 0.5])
    save_npz(tmp_path / "e.npz", Experiment("e", spikes=spikes, trials=trials))
    words = ["--scenes.raster-bin-s", bin_s, "--out", str(tmp_path / "out")]
    try:
        code = main(["characterize", str(tmp_path / "e.npz"), *words])
    except SystemExit as stop:
        code = stop.code
    assert code in (1, 2)
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def trial_experiment(durations_s, gap=False):
    rng = np.random.default_rng(0)
    epochs = Epochs([0.0, 40.0], [20.0, 60.0]) if gap else Epochs([0.0], [60.0])
    drawn_s = [np.sort(rng.uniform(0, 40, 600)) for _ in range(4)]
    times = {unit: t + 20 * (t >= 20) * gap for unit, t in enumerate(drawn_s)}
    onsets = np.arange(len(durations_s)) * 0.5
    trials = Trials(np.arange(len(durations_s)) % 5, onsets, durations_s)
    return Experiment("e", spikes=SpikeTrains.from_units(times, epochs), trials=trials)


def test_one_trial_cut_short_does_not_narrow_the_window_of_all(tmp_path, capsys):
    durations_s = np.full(30, 0.25)
    durations_s[7] = 0.01
    save_npz(tmp_path / "e.npz", trial_experiment(durations_s))
    assert main(["characterize", str(tmp_path / "e.npz"), "--out", str(tmp_path / "out")]) == 0
    assert "1 of 30 trials lasted less than the usual 0.25 s" in capsys.readouterr().err
    assert "from 0 to 250 ms after onset" in drawn(tmp_path / "out")


def test_a_window_in_milliseconds_is_refused(tmp_path, capsys):
    save_npz(tmp_path / "e.npz", trial_experiment(np.full(30, 0.25)))
    words = ["--scenes.window-s", "50", "300", "--out", str(tmp_path / "out")]
    assert main(["characterize", str(tmp_path / "e.npz"), *words]) == 1
    assert "Give the window in seconds" in capsys.readouterr().err


def test_time_that_was_not_observed_makes_no_units_alike(tmp_path):
    save_npz(tmp_path / "e.npz", trial_experiment(np.full(30, 0.25), gap=True))
    assert main(["characterize", str(tmp_path / "e.npz"), "--out", str(tmp_path / "out")]) == 0
    with np.load(tmp_path / "out/raster_order.npz") as stored:
        similarity = stored["similarity"]
    assert np.abs(similarity[~np.eye(4, dtype=bool)]).max() < 0.2  # 0.5 if the gap were silence
