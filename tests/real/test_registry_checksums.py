"""The registry against the recordings themselves."""

from pathlib import Path

import numpy as np
import pytest

from spikeloop.io.read import read_experiment
from spikeloop.io.registry import fetch_dataset, list_datasets

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)

SOURCES = {"h1": DATA / "h1_fly"} | {
    f"v4-{session}": DATA / "v4_macaque" / session
    for session in ("190925", "190927", "201025", "210224", "210322", "210325")
}


def test_every_entry_is_checked_here():
    assert {dataset.name for dataset in list_datasets()} == set(SOURCES)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_sums_and_sizes_are_those_of_the_recordings(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path))
    folder = fetch_dataset(name, source=SOURCES[name])
    dataset = next(dataset for dataset in list_datasets() if dataset.name == name)
    assert dataset.is_fetched
    if dataset.files:
        assert sum(path.stat().st_size for path in folder.iterdir()) == dataset.n_bytes


def test_a_fetched_session_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path))
    experiment = read_experiment(fetch_dataset("v4-210325", source=SOURCES["v4-210325"]))
    assert experiment.responses.repeats().shape[::2] == (640, 50)
    assert len(experiment.images) == 640


def test_the_repeats_of_210325_are_those_that_were_averaged():
    raw = np.load(SOURCES["v4-210325"] / "responses_raw.npy", allow_pickle=False)
    mean = np.load(SOURCES["v4-210325"] / "responses_mean.npy", allow_pickle=False)
    np.testing.assert_allclose(np.nanmean(raw, axis=2), mean, rtol=1e-12)
