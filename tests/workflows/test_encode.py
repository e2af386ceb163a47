"""From a file to models and a report: images, a continuous stimulus, and what is neither."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from spikeloop import encode, evaluate
from spikeloop.cli.main import main
from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.encode.network.readouts import Factorized
from spikeloop.encode.network.stack import StackedCore
from spikeloop.encode.temporal.series_scores import TestBins, block_sums, score_series
from spikeloop.errors import InvalidInputError, ResultsFolderError, SpikeloopWarning
from spikeloop.io import ReadOptions, save_npz
from spikeloop.viz import Report
from spikeloop.workflows.encode import images as encode_images
from spikeloop.workflows.encode import recording as workflow
from spikeloop.workflows.encode.fits import fit_each
from spikeloop.workflows.encode.recording import encode_file
from spikeloop.workflows.encode.settings import EncodeConfig

QUICK = EncodeConfig(model="ridge", max_epochs=2, n_draws=50)


def image_experiment(n_images=60, n_repeats=2, shown=None, pixels=None):
    """Return two units whose counts rise with the brightness of a quarter of the image each."""
    rng = np.random.default_rng(0)
    if pixels is None:
        pixels = np.kron(rng.random((n_images, 2, 2)), np.ones((6, 6)))
    ids = np.arange(100, 100 + n_images)
    stimulus_id = np.tile(ids if shown is None else shown, n_repeats)
    counts = rng.poisson(np.tile(40 * pixels[:, 3, [3, 9]] ** 2, (n_repeats, 1)))
    trials = Trials(stimulus_id)
    responses = Responses(counts, (0.0, 0.1), trials, np.arange(2))
    return Experiment("table", trials=trials, images=Images(pixels, ids), responses=responses)


def sweep_experiment(n=3000, silent=False):
    rng = np.random.default_rng(0)
    stimulus = rng.standard_normal(n)
    rate = np.exp(np.convolve(stimulus, [0.0, 0.5, 1.0])[:n] - 3)
    fired = (np.flatnonzero(rng.random(n) < rate) + 0.5) / 100
    units = {"a": fired, "silent": []} if silent else {"a": fired}
    spikes = SpikeTrains.from_units(units, Epochs([0.0], [n / 100]))
    return Experiment("sweep", spikes=spikes, stimulus=TimeSeries(stimulus[:, None], 100.0))


def saved(folder, experiment):
    path = folder / f"{experiment.name}.npz"
    save_npz(path, experiment)
    return path


def rows_of(out):
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def images_done(tmp_path_factory):
    folder, table = tmp_path_factory.mktemp("images"), image_experiment()
    counts = np.pad(table.responses.counts, ((0, 0), (0, 1)))
    with_silent = replace(table.responses, counts=counts, unit_ids=np.arange(3))
    path = saved(folder, replace(table, responses=with_silent))
    with pytest.warns(SpikeloopWarning, match="1 of 3 units answer all") as caught:
        out = encode_file(path, folder / "out", QUICK)
    assert len(caught) == 1  # all models meet the silent unit
    return out


@pytest.fixture(scope="module")
def series_done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    config = EncodeConfig(model="glm", n_draws=100)
    path = saved(folder, sweep_experiment(silent=True))
    with pytest.warns(SpikeloopWarning, match="1 of 2 units have no spike") as caught:
        out = encode_file(path, folder / "out", config)
    assert len(caught) == 1  # both models meet the silent unit
    return out


def test_the_folder_is_whole(images_done):
    manifest = json.loads((images_done / "manifest.json").read_text())
    models = {f"{name}.safetensors" for name in ("mean", "ridge", "gabor")}
    others = {"split.npz", "scores.csv", "comparison.npz", "predictions.npz", "config.toml"}
    assert {*models, *others, "report.html", "receptive_fields.npz"} == set(manifest["files"])
    assert manifest["config"]["model"] == "ridge"


def test_the_models_of_the_folder_predict_what_it_says(images_done):
    experiment = image_experiment()
    predicted = np.load(images_done / "predictions.npz", allow_pickle=False)
    split = np.load(images_done / "split.npz", allow_pickle=False)
    assert len(split["training_ids"]) == 45
    np.testing.assert_array_equal(predicted["test_ids"], split["test_ids"])
    rows = rows_of(images_done)
    for name in ("ridge", "gabor"):
        fitted = encode.load_model(images_done / f"{name}.safetensors")
        counts = fitted.predict(experiment.images.of_ids(split["test_ids"]))
        np.testing.assert_array_equal(predicted[f"predicted.{name}"], counts)
        *r, silent = (row["correlation"] for row in rows if row["model"] == name)
        pairs = zip(predicted["measured"].T[:2], counts.T, strict=False)
        expected = [np.corrcoef(*pair)[0, 1] for pair in pairs]
        np.testing.assert_allclose([float(value) for value in r], expected)
        assert silent == ""
        assert min(expected) > 0.7


def test_the_report_tells_all(images_done):
    page = (images_done / "report.html").read_text()
    for words in (
        "Models side by side", "noise ceiling", "Linear filters (ridge)", "Receptive fields",
        "Which filters of the bank drive each unit", "Best and worst units",
        "1 of 3 units answer all training images alike",
        "45 were for training, 5 for choosing settings",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.slow  # mostly compilation
def test_a_network_is_trained_and_drawn(tmp_path, monkeypatch):
    core = StackedCore(channels=(4,), kernel_px=(3,), pooling=1)
    small = encode.ConvolutionalNetwork(core=core, readout=Factorized())
    monkeypatch.setitem(encode_images._NETWORKS, "network", lambda: small)
    config = replace(QUICK, model="network", n_seeds=2)
    with pytest.warns(SpikeloopWarning, match="network was still improving .* after 2 epochs"):
        out = encode_file(saved(tmp_path, image_experiment()), tmp_path / "out", config)
    fitted = encode.load_model(out / "network.safetensors")
    assert fitted.model.training.max_epochs == fitted.model.n_seeds == 2
    assert fitted.history["validation_correlation"].shape == (2, 2)
    assert not list(out.glob("*-training*"))
    page = (out / "report.html").read_text()
    assert "They began as noise." in page
    assert "Training of network" in page
    assert "network was still improving" in page.split("Contents")[0]


def test_a_run_that_was_cut_off_goes_on_with_its_models(tmp_path, monkeypatch):
    def cut(*_, **__):
        raise KeyboardInterrupt

    experiment = image_experiment(n_repeats=1)
    path, out = saved(tmp_path, experiment), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(encode_images.encode, "evaluate_models", cut)
        with pytest.raises(KeyboardInterrupt):
            encode_file(path, out, replace(QUICK, model="mean"))
    with pytest.raises(ResultsFolderError, match=r"model was 'mean' and is 'ridge'"):
        encode_file(path, out, replace(QUICK, model="ridge"), resume=True)
    monkeypatch.setattr(encode_images.encode, "fit", cut)  # nothing is fitted again
    encode_file(path, out, replace(QUICK, model="mean"), resume=True)
    stored = np.load(out / "predictions.npz", allow_pickle=False)
    fitted = encode.load_model(out / "ridge.safetensors")
    counts = fitted.predict(experiment.images.of_ids(stored["test_ids"]))
    np.testing.assert_array_equal(stored["predicted.ridge"], counts)
    # each image was shown once: nothing tells noise from signal, and the report says so
    page = (out / "report.html").read_text()
    assert "without repeats nothing tells noise from signal" in page
    assert "noise ceiling" not in page.split("Contents")[0]


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        (image_experiment(n_images=15), r"13 images to learn from: at least 20 are needed"),
        (image_experiment(pixels=np.ones((60, 12, 12))), r"all 50 images look the same"),
        (image_experiment(shown=np.arange(90, 150)), r"of the ids asked for have no image"),
        (
            Experiment("bare", responses=image_experiment().responses),
            "bare has neither images with responses nor a continuous stimulus",
        ),
    ],
    ids=["few", "constant", "missing", "nothing shown"],
)
def test_images_that_tell_nothing_are_refused(experiment, message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        encode_file(saved(tmp_path, experiment), tmp_path / "out", replace(QUICK, model="mean"))
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("experiment", "model", "message"),
    [
        (
            image_experiment(),
            "glm",
            r"from a continuous stimulus, and table has images. Choose one",
        ),
        (sweep_experiment(), "ridge", r"from images, and sweep has a continuous stimulus. Choose"),
    ],
    ids=["images", "series"],
)
def test_a_model_of_the_other_kind_is_refused(experiment, model, message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        encode_file(saved(tmp_path, experiment), tmp_path / "out", EncodeConfig(model=model))


def v4_folder(folder, shape, n_images=60):
    """Return a session whose images have a shape, the first of them without counts."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for i in range(n_images):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
            archive.writestr(f"{i}.png", buffer.getvalue())
    counts = rng.poisson(3.0, (2, n_images)).astype(float)
    counts[:, 0] = np.nan
    np.save(folder / "responses_mean.npy", counts)
    return folder


def test_small_images_of_a_v4_folder_are_kept_and_missing_counts_are_noted(tmp_path, monkeypatch):
    def report(job, experiment, *_, **__):  # nothing is fitted
        assert experiment.images.pixels.shape == (60, 16, 17)
        return Report("v4", [], warnings=job.notes)

    monkeypatch.setattr(workflow, "_encode", report)
    folder = tmp_path / "session"
    folder.mkdir()
    with pytest.warns(SpikeloopWarning, match="1 of 60 images have no counts"):
        out = encode_file(v4_folder(folder, (16, 17)), tmp_path / "out", QUICK)
    assert "image_side_px" not in (out / "config.toml").read_text()
    page = (out / "report.html").read_text()
    assert "1 of 60 images have no counts" in page
    assert "were resized" not in page


@pytest.mark.parametrize(
    ("shape", "side_px"), [((56, 56), None), ((57, 57), 56), ((60, 40), 40), ((112, 224), 56)]
)
def test_larger_images_of_a_v4_folder_are_made_smaller_never_larger(tmp_path, shape, side_px):
    assert workflow._default_side_px(v4_folder(tmp_path, shape, n_images=1)) == side_px


@pytest.mark.parametrize(
    ("experiment", "model", "window_s", "message"),
    [
        (image_experiment(), "mean", (0.0, 0.5), r"does not apply to table: .* in \(0.0, 0.1\) s"),
        (sweep_experiment(), "glm", (0.0, 0.5), "does not apply to a continuous stimulus"),
        (image_experiment(), "mean", (0.0, np.inf), r"window_s=\(0.0, inf\): .* must be finite"),
    ],
    ids=["counted", "series", "infinite"],
)
def test_a_window_that_has_no_effect_is_refused(experiment, model, window_s, message, tmp_path):
    config = EncodeConfig(model=model, window_s=window_s)
    with pytest.raises(InvalidInputError, match=message):
        encode_file(saved(tmp_path, experiment), tmp_path / "out", config)


def test_where_there_is_both_the_model_decides():
    sweep, table = sweep_experiment(), image_experiment()
    both = replace(sweep, images=table.images, trials=table.trials)
    kinds = [workflow._kind_to_fit(both, name) for name in ("all", "ln", "gabor", "glm")]
    assert kinds == [workflow.IMAGES] * 3 + [workflow.SERIES]
    assert workflow.KINDS[workflow.SERIES].to_fit("glm") == ["mean", "ln", "glm"]


@pytest.mark.slow  # no more than the others, but seldom of use
def test_units_that_never_fire_make_a_report_all_the_same(tmp_path):
    table = image_experiment()
    silent = replace(table, responses=replace(table.responses, counts=np.zeros((120, 2))))
    with pytest.warns(SpikeloopWarning, match="2 of 2 units answer all training images alike"):
        out = encode_file(saved(tmp_path, silent), tmp_path / "out", replace(QUICK, model="mean"))
    assert not re.search(r"\bnan\b", (out / "report.html").read_text().split("Contents")[0])


def test_results_do_not_swallow_their_input(tmp_path):
    path = saved(tmp_path, image_experiment())
    with pytest.raises(ResultsFolderError, match="which would be overwritten"):
        encode_file(path, tmp_path, QUICK, overwrite=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gabr"}, r"model='gabr': there is no such model. Did you mean gabor\?"),
        ({"model": "x"}, r"Known: mean, ridge"),
        ({"test_fraction": 1.5}, r"test_fraction=1.5: it must lie between 0 and 1"),
        ({"test_fraction": 0.6, "validation_fraction": 0.5}, "leave nothing to learn from"),
        ({"n_seeds": 0}, "n_seeds=0"),
        ({"max_epochs": 0}, "max_epochs=0"),
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"n_draws": 20}, r"n_draws=20: confidence=0.95 wants at least 39"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        EncodeConfig(**settings)


def test_the_command_line_reads_the_same_settings(tmp_path, monkeypatch, capsys):
    asked = []

    def note(path, out, config, **how):
        asked.append((path, config, how["command"]))
        return out

    monkeypatch.setattr(workflow, "encode_file", note)
    words = ["encode", "h1.mat", "--model", "glm", "--rate", "500", "--n-draws", "50", "--out"]
    assert main([*words, "out"]) == 0
    assert capsys.readouterr().out == "out\n"
    read = ReadOptions(rate_hz=500.0)
    config = EncodeConfig(read=read, model="glm", n_draws=50)
    assert asked == [(Path("h1.mat"), config, f"spikeloop {' '.join(words)} out")]


def test_an_unknown_model_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["encode", "h1.mat", "--model", "gabr", "--out", "x"])
    assert stop.value.code == 2
    (tmp_path / "wrong.toml").write_text("model = 'gabr'")
    assert main(["encode", "h1.mat", "--config", str(tmp_path / "wrong.toml"), "--out", "x"]) == 1
    assert "model = 'gabr': Input should be 'mean', 'ridge'" in capsys.readouterr().err


def test_a_continuous_stimulus(series_done):
    page = (series_done / "report.html").read_text()
    for words in (
        "Bits per spike",
        "Effect of a spike.",
        "Differences in bits per spike",
        "s of the test",
        "no spike in the",
    ):
        assert words in page, words
    rows = {(row["model"], row["unit"]): row for row in rows_of(series_done)}
    assert float(rows["mean", "a"]["bits_per_spike"]) == 0
    assert float(rows["ln", "a"]["bits_per_spike"]) > 0.3
    assert rows["glm", "silent"]["bits_per_spike"] == ""
    fitted = encode.load_model(series_done / "glm.safetensors")
    experiment = sweep_experiment(silent=True)
    stored = np.load(series_done / "predictions.npz", allow_pickle=False)
    rates_hz = fitted.rates(experiment.stimulus, experiment.spikes).values
    np.testing.assert_array_equal(stored["predicted.glm"], rates_hz[2400:] * 0.01)
    assert stored["start_s"][0] == 24.0


def test_sums_over_blocks_score_as_whole_series_do():
    rng = np.random.default_rng(1)
    bins = np.r_[100:3100, 4000:5500]  # 45 s at 100 Hz, with a gap
    expected = 0.2 * rng.random((4500, 2)) + 0.01
    counts = rng.poisson(expected).astype(float)
    test = TestBins(0.01, bins, counts, np.array([0.1, 0.12]))
    sums = block_sums(test, expected, expected)
    assert len(sums.spikes) == 5
    assert np.bincount(test.block).tolist() == [900] * 5
    scores = score_series("m", sums, n_draws=50, confidence=0.95, seed=0)
    np.testing.assert_allclose(
        scores.bits.units.score, evaluate.bits_per_spike(counts, expected, test.null)
    )
    smooth = test.smoothed(counts), test.smoothed(expected)
    np.testing.assert_allclose(scores.correlation.units.score, evaluate.pearson(*smooth))
    # nothing leaks over the gap
    alone = TestBins(0.01, bins[:3000], counts[:3000], test.null).smoothed(counts[:3000])
    np.testing.assert_array_equal(smooth[0][:3000], alone)


def test_a_test_of_one_block_is_refused():
    ones = np.ones((1, 1))
    sums = SimpleNamespace(spikes=ones, information=ones, moments=np.ones((1, 6, 1)))
    with pytest.raises(InvalidInputError, match="1 block of time: at least 2 are needed"):
        score_series("m", sums, n_draws=50, confidence=0.95, seed=0)


class Steps:
    """What fit_each needs of a job."""

    def __init__(self):
        self.done = []

    def doing(self, words):
        self.done.append(words)
        return pytest.MonkeyPatch.context()


def test_of_many_models_one_that_cannot_be_fitted_is_left_out():
    def fit_one(name):
        if name == "lnp":
            raise InvalidInputError("counts reach down to -1.")
        return name.upper()

    names = ["mean", "ridge", "lnp", "network"]
    with pytest.warns(SpikeloopWarning, match="lnp was left out: counts reach down to -1"):
        fitted = fit_each(Steps(), names, ("mean", "ridge"), fit_one)
    assert fitted == {"mean": "MEAN", "ridge": "RIDGE", "network": "NETWORK"}
    with pytest.raises(InvalidInputError, match="down to -1"):
        fit_each(Steps(), names[:3], ("mean", "ridge"), fit_one)
    with pytest.raises(InvalidInputError, match="down to -1"):
        fit_each(Steps(), names, ("mean", "lnp"), fit_one)
