"""Models of images on recordings of macaque V4 and V1, and on the virtual cortex.

    python benchmarks/accuracy/encode.py

The split of each recording: ``p = numpy.random.default_rng(0).permutation(n_images)``, the first
sixth of p for the test, up to a quarter for validation, the rest for training (of V1, the first
fifth for the test). Images of V4 are grey, 56 x 56; patterns of V1 are averaged to 40 x 40. Scores
are mean correlations over units of the prediction with the mean response to the test images.

Domain shift: session 210322 showed 600 colour photographs, then 600 grey objects. Models learn from
five sixths of the photographs, and are tested on the remaining photographs and on all objects.

Session 190925 showed 300 images twice, under two names: its test images are scored once more
without those that were learned from under the other. Many patterns of V1 are variations of one
another: `unlike` scores those test patterns that correlate by less than 0.9 with all that were
learned from. Networks: see `encode_networks.py`.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop import encode, evaluate
from spikeloop.characterize import count_spikes
from spikeloop.data import Images, Responses, Trials
from spikeloop.evaluate.recovery import filter_correlation
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.numerics.parallel import one_blas_thread
from spikeloop.simulate import VirtualCortex, simulate_cortex

DATA = Path(__file__).parents[3] / "shared" / "data"
SESSIONS = ("201025", "190925", "190927", "210224", "210322", "210325")
MODELS = {
    "ridge": encode.Ridge(),
    "smooth": encode.SmoothRidge(),
    "ln": encode.LinearNonlinear(),
    "lnp": encode.LinearNonlinearPoisson(),
    "gabor": encode.GaborBank(),
    "scattering": encode.ScatteringKernel(),
}
PUBLISHED_RIDGE, PUBLISHED_BANK = 0.178, 0.443


def v4(session):
    experiment = read_experiment(DATA / "v4_macaque" / session, ReadOptions(image_side_px=56))
    return experiment.responses, experiment.images


def split_of(ids, order, n_test, n_held):
    return encode.StimulusSplit(ids[order[n_held:]], ids[order[n_test:n_held]], ids[order[:n_test]])


def published_split(responses):
    """Return the split of a session that all models are compared by."""
    ids = responses.stimulus_ids
    order = np.random.default_rng(0).permutation(len(ids))
    return split_of(ids, order, len(ids) // 6, len(ids) // 4)


def photographs_and_objects(responses):
    """Return a split of the photographs of session 210322, and the ids of the objects."""
    photographs, objects = np.split(responses.stimulus_ids, [600])
    return split_of(photographs, np.random.default_rng(0).permutation(600), 100, 150), objects


def fit_timed(model, responses, images, split):
    start = time.perf_counter(), time.process_time()
    fitted = encode.fit(model, responses, images, split=split, seed=0)
    return fitted, time.perf_counter() - start[0], time.process_time() - start[1]


def correlation(fitted, responses, images, ids):
    """Return the correlation of each unit over these stimuli."""
    rows = np.searchsorted(responses.stimulus_ids, ids)
    predicted = fitted.predict(images.of_ids(ids)).astype(float)
    return evaluate.pearson(responses.mean()[rows], predicted)


def v4_rows():
    """Return the table of all sessions and models."""
    rows = []
    bars = {"ridge": 0.17, "gabor": 0.44, "scattering": 0.52}
    peers = {"ridge": PUBLISHED_RIDGE, "gabor": PUBLISHED_BANK}
    for session in SESSIONS:
        responses, images = v4(session)
        split = published_split(responses)
        unseen = without_twins(images, split)
        fitted = {}
        for name, model in MODELS.items():
            fitted[name], wall_s, cpu_s = fit_timed(model, responses, images, split)
            score = np.nanmean(correlation(fitted[name], responses, images, split.test_ids))
            bar = bars.get(name) if session == "201025" else None
            wanted = "as measured" if bar is None else f">= {bar}"
            before = {"measured elsewhere": peers[name]} if bar and name in peers else {}
            label = f"accuracy/encode/v4_{session}/{name}"
            rows.append(Row(label, wanted, score, "", bar is None or score >= bar, peers=before))
            if len(unseen) < len(split.test_ids):
                score = np.nanmean(correlation(fitted[name], responses, images, unseen))
                rows.append(Row(f"{label}/without_twins", "as measured", score, "", True))
            if session == "201025":
                limit = 10 if name == "gabor" else None
                told = "as measured" if limit is None else f"<= {limit}"
                met = limit is None or wall_s <= limit
                rows.append(Row(f"{label}/fit", told, wall_s, "s", met, cpu_s=cpu_s))
        rows += compared(session, fitted, responses, images)
    return rows


def without_twins(images, split):
    """Return the test ids whose image was not learned from under another id."""
    group = encode.alike(images, np.concatenate([split.fitting_ids, split.test_ids]))
    learned, tested = np.split(group, [len(split.fitting_ids)])
    return split.test_ids[~np.isin(tested, learned)]


def compared(session, fitted, responses, images):
    """Return what the room's own evaluation says beyond the correlation."""
    method = encode.Evaluation()
    comparison = encode.evaluate_models(fitted, responses, images, method, seed=0)
    rows = []
    better = comparison.differences["scattering", "gabor"].difference.mean
    ends = (better.low, better.high)
    rows.append(
        Row(
            f"accuracy/encode/v4_{session}/scattering_over_gabor",
            "as measured",
            better.score,
            "",
            True,
            ends,
        )
    )
    if session == "210325":
        for scores in comparison.models:
            value = float(np.nanmedian(scores.cc_norm))
            label = f"accuracy/encode/v4_210325/{scores.name}/cc_norm_median"
            rows.append(Row(label, "as measured", value, "", True))
    return rows


def shift_rows():
    """Return how well objects are predicted from photographs, beside other photographs."""
    responses, images = v4("210322")
    split, objects = photographs_and_objects(responses)
    rows = []
    for name, model in MODELS.items():
        fitted, _, _ = fit_timed(model, responses, images, split)
        within, beyond = (
            float(np.nanmean(correlation(fitted, responses, images, shown)))
            for shown in (split.test_ids, objects)
        )
        label = f"accuracy/encode/domain_shift/{name}"
        rows.append(Row(label, "as measured", beyond, "", True, peers={"photographs": within}))
    return rows


def v1_rows():
    """Return the four units of V1 that were shown patterns."""
    folder = DATA / "v1_macaque_patterns"
    with np.load(folder / "patterns_160_packed.npz", allow_pickle=False) as archive:
        n_images, height, width = archive["shape"]
        packed = archive["packed"]
    pixels = np.unpackbits(packed, axis=1)[:, : height * width].astype(np.float32)
    pixels = pixels.reshape(n_images, 40, height // 40, 40, width // 40).mean(axis=(2, 4))
    answers = np.load(folder / "responses_4neurons.npy", allow_pickle=False)
    ids = np.arange(n_images)
    responses = Responses(answers, (0.0, 1.0), Trials(ids), np.arange(answers.shape[1]))
    images = Images(pixels, ids)
    order = np.random.default_rng(0).permutation(n_images)
    split = split_of(ids, order, n_images // 5, n_images // 5)
    unlike = split.test_ids[nearest(pixels[split.test_ids], pixels[split.fitting_ids]) < 0.9]
    rows = []
    for name, bar in (("ridge", 0.33), ("gabor", 0.5), ("scattering", 0.5)):
        fitted, wall_s, _ = fit_timed(MODELS[name], responses, images, split)
        score = correlation(fitted, responses, images, split.test_ids)
        spread = (float(score.min()), float(score.max()))
        mean = float(score.mean())
        label = f"accuracy/encode/v1_patterns/{name}"
        rows.append(Row(label, f">= {bar}", mean, "", mean >= bar, spread))
        rows.append(Row(f"{label}/fit", "as measured", wall_s, "s", True))
        score = float(correlation(fitted, responses, images, unlike).mean())
        rows.append(Row(f"{label}/unlike", "as measured", score, "", True))
    return rows


def nearest(tested, learned):
    """Return the correlation of each image with that of the others that it is most like."""
    tested, learned = (x.reshape(len(x), -1) for x in (tested, learned))
    tested, learned = (x - x.mean(axis=1, keepdims=True) for x in (tested, learned))
    tested, learned = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (tested, learned))
    return (tested @ learned.T).max(axis=1)


def recorded_cortex():
    """Return an experiment on a virtual cortex, its truth, and a split by parts of photographs."""
    method = VirtualCortex(
        n_simple=20,
        n_complex=20,
        n_unresponsive=0,
        n_images=3130,
        n_repeats=40,
        n_pixels=16,
        extent_deg=32.0,
    )
    cortex = simulate_cortex(method, seed=1)
    truth = cortex.truth
    right, left = truth.box[:, 3], truth.box[:, 1]
    training, test = truth.image_ids[right <= 0.85], truth.image_ids[left >= 0.85]
    return cortex.experiment, truth, encode.StimulusSplit(training, np.array([], dtype=int), test)


def cortex_rows():
    """Return how near models come to the filters and rates of a virtual cortex."""
    experiment, truth, split = recorded_cortex()
    responses = count_spikes(experiment.spikes, experiment.trials, truth.window_s)
    test_pixels = experiment.images.of_ids(split.test_ids)
    true_hz = truth.model.rates(test_pixels)
    simple, complex_ = truth.cell_type == "simple", truth.cell_type == "complex"
    fine = encode.BankFeatures(encode.FilterBank(6, scale_ratio=1.4, bandwidth=0.55))
    models = {
        "smooth": encode.SmoothRidge(),
        "gabor": encode.GaborBank(fine),
        "gabor_poisson": encode.GaborBank(fine, readout="poisson"),
    }
    rows = []
    for name, model in models.items():
        fitted, _, _ = fit_timed(model, responses, experiment.images, split)
        score = evaluate.pearson(fitted.predict(test_pixels).astype(float), true_hz)
        for kind, chosen in (("simple", simple), ("complex", complex_)):
            got = float(np.median(score[chosen]))
            bars = {("gabor", "complex"): ">= 0.9", ("smooth", "complex"): "< 0.9"}
            bar = bars.get((name, kind))
            met = bar is None or (got >= 0.9) == (bar[0] == ">")
            label = f"accuracy/encode/cortex/{name}/{kind}_rates"
            rows.append(Row(label, bar or "as measured", got, "", met))
        if name == "smooth":
            match = filter_correlation(fitted.receptive_fields(), truth.filters[:, 0])[simple]
            got, ends = float(np.median(match)), (float(match.min()), float(match.max()))
            label = "accuracy/encode/cortex/simple_filters"
            rows.append(Row(label, ">= 0.95", got, "", got >= 0.95, ends))
    return rows


if __name__ == "__main__":
    with one_blas_thread():
        parts = [cortex_rows()]
        if DATA.exists():
            parts += [v4_rows(), shift_rows(), v1_rows()]
        publish([row for part in parts for row in part])
