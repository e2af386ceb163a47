"""The main job on real recordings, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest

from spikeloop.cli.main import main

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


def characterize(path, out, *words):
    assert main(["characterize", str(path), *words, "--out", str(out)]) == 0
    assert (out / "manifest.json").exists()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert len(page) < 10_000_000
    return page


def stored(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_the_fly_neuron(tmp_path):
    words = ["--stimulus", "stim", "--spikes", "rho", "--rate", "500"]
    page = characterize(DATA / "h1_fly/c1p8.mat", tmp_path / "out", *words)
    average = stored(tmp_path / "out/triggered_average.npz")
    assert average["n_spikes"].tolist() == [53_583]
    wanted = [-0.33083048, -0.29083503, -0.23076012, -0.24636984, -0.10962767]
    np.testing.assert_allclose(average["average"][0, :5, 0], wanted, atol=1e-6)
    assert 1000 * average["lags_s"][np.argmax(average["average"][0, :, 0])] == pytest.approx(-28)
    assert "53,583" in page


def test_macaque_v4_with_repeats(tmp_path):
    page = characterize(DATA / "v4_macaque/210325", tmp_path / "out", "--image-side-px", "28")
    halves = stored(tmp_path / "out/reliability.npz")["random_halves_sb"]
    got = [halves.mean(), halves.min(), np.median(halves), halves.max()]
    np.testing.assert_allclose(got, [0.73, 0.51, 0.75, 0.93], atol=0.01)
    assert "Signal and noise correlations" in page


def test_macaque_v4_of_which_only_means_were_published(tmp_path):
    page = characterize(DATA / "v4_macaque/201025", tmp_path / "out", "--image-side-px", "28")
    assert "reliability cannot be measured" in page
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert "reliability.npz" not in manifest["files"]
    assert len(stored(tmp_path / "out/image_average.npz")["unit_ids"]) == 89
