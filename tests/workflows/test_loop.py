"""Once round the loop on a small cortex: the truth is found, and the folder is complete."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from spikeloop.characterize import (
    ImageTriggeredAverage,
    RasterOrder,
    Reliability,
    UnitSelection,
    count_spikes,
    image_triggered_average,
)
from spikeloop.data import SpikeTrains
from spikeloop.errors import ResultsFolderError
from spikeloop.io import read_experiment
from spikeloop.io.results import sha256_of
from spikeloop.simulate import VirtualCortex, simulate_cortex
from spikeloop.workflows.characterize import AnalysisConfig
from spikeloop.workflows.loop import LoopConfig, run_loop
from spikeloop.workflows.scenes import SceneFindings, SceneMethods
from spikeloop.workflows.verdict import judge

SMALL = LoopConfig(
    cortex=VirtualCortex(
        n_simple=6, n_complex=3, n_unresponsive=1, n_images=400, n_repeats=4, n_pixels=10,
        extent_deg=20.0, spatial_frequency_cpd=(0.06, 0.12),
    ),
    analysis=AnalysisConfig(
        scenes=SceneMethods(
            reliability=Reliability(n_permutations=100, n_draws=100),
            selection=UnitSelection(n_permutations=100),
            raster=RasterOrder(),
        )
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run_loop(tmp_path_factory.mktemp("loop") / "out", SMALL)


def test_the_folder_is_whole_and_its_manifest_true(finished):
    manifest = json.loads((finished / "manifest.json").read_text())
    names = {path.name for path in finished.iterdir()} - {"manifest.json"}
    assert names == set(manifest["files"])
    assert {"report.html", "config.toml", "experiment.nwb", "truth.npz", "overview.png"} <= names
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == sha256_of(finished / name)


def test_the_report_opens_offline_and_is_small(finished):
    page = (finished / "report.html").read_text()
    assert len(page) < 10_000_000
    assert 'src="http' not in page
    assert 'href="http' not in page
    for words in ("Judged by the truth", "How reliable", "worth modelling", "provenance"):
        assert words.lower() in page.lower()


def test_estimates_come_near_the_truth(finished):
    with np.load(finished / "truth.npz") as stored:
        truth = {name: stored[name] for name in stored.files}
    with np.load(finished / "reliability.npz") as stored:
        ceiling = stored["cc_max"]
    s, n = truth["signal_variance"], truth["noise_variance"]
    wanted = np.sqrt(s / (s + n / SMALL.cortex.n_repeats))
    known = np.isfinite(ceiling) & (wanted > 0.3)
    assert known.sum() >= 6
    assert np.abs(ceiling - wanted)[known].max() < 0.1
    with np.load(finished / "image_average.npz") as stored:
        fields = stored["whitened"]
    simple = truth["cell_type"] == "simple"
    found = [
        np.corrcoef(field.ravel(), true[0].ravel())[0, 1]
        for field, true in zip(fields[simple], truth["filters"][simple], strict=True)
    ]
    assert np.median(found) > 0.7


def test_the_recording_can_be_read_by_others(finished):
    experiment = read_experiment(finished / "experiment.nwb")
    assert experiment.spikes.n_units == 10
    assert len(experiment.trials) == 4 * 410


def test_the_same_seed_gives_the_same_results(finished, tmp_path):
    again = run_loop(tmp_path / "again", SMALL)
    files = json.loads((finished / "manifest.json").read_text())["files"]
    assert json.loads((again / "manifest.json").read_text())["files"] == files
    other = run_loop(tmp_path / "other", replace(SMALL, seed=1))
    changed = json.loads((other / "manifest.json").read_text())["files"]
    assert changed["reliability.npz"] != files["reliability.npz"]


def test_an_existing_folder_is_not_overwritten_unasked(finished):
    with pytest.raises(ResultsFolderError, match="exists already"):
        run_loop(finished, SMALL)


def test_a_loop_that_was_killed_goes_on_and_ends_like_one_that_was_not(tmp_path):
    words = ["--cortex.n-simple", "6", "--cortex.n-images", "60", "--cortex.n-complex", "2"]
    command = [sys.executable, "-m", "spikeloop", "loop", *words, "--out"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, whole], check=True, capture_output=True)
    process = subprocess.Popen([*command, cut], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    partial = tmp_path / "cut.partial"
    while not (partial / "reliability.npz").exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert partial.exists()
    assert not cut.exists()
    refused = subprocess.run([*command, cut], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--resume" in refused.stderr
    subprocess.run([*command, cut, "--resume"], check=True, capture_output=True)
    whole_files = json.loads((whole / "manifest.json").read_text())["files"]
    cut_files = json.loads((cut / "manifest.json").read_text())["files"]
    # the report names its own command, which differs by the name of the folder
    assert {k: v for k, v in cut_files.items() if k != "report.html"} == {
        k: v for k, v in whole_files.items() if k != "report.html"
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"n_simple": 1, "n_complex": 0, "n_unresponsive": 0},
        {"n_simple": 0, "n_complex": 2, "n_unresponsive": 0},
        {"n_simple": 0, "n_complex": 0, "n_unresponsive": 2},
        {"n_simple": 2, "n_complex": 0, "n_repeats": 1},
    ],
    ids=["one unit", "no simple cells", "nothing responds", "no repeats"],
)
def test_odd_cortices_make_a_report_too(changes, tmp_path):
    cortex = replace(SMALL.cortex, n_images=60, **changes)
    out = run_loop(tmp_path / "out", replace(SMALL, cortex=cortex))
    assert (out / "manifest.json").exists()


def test_the_judge_pairs_units_by_id_not_by_place():
    cortex = simulate_cortex(replace(SMALL.cortex, n_images=200), seed=0)
    spikes = cortex.experiment.spikes
    shuffled = np.random.default_rng(0).permutation(spikes.n_units)
    place = np.argsort(shuffled)
    other = SpikeTrains(
        spikes.times_s, place[spikes.unit_index], spikes.unit_ids[shuffled], spikes.epochs
    )
    verdicts = []
    for trains in (spikes, other):
        responses = count_spikes(trains, cortex.experiment.trials, cortex.truth.window_s)
        method = ImageTriggeredAverage(n_permutations=0)
        average = image_triggered_average(responses, cortex.experiment.images, method, seed=0)
        verdicts.append(judge(cortex.truth, SceneFindings(responses, None, None, average)))
    np.testing.assert_allclose(verdicts[1].recovery, verdicts[0].recovery[shuffled], atol=1e-6)
