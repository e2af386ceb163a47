"""Networks on recordings of macaque V4: alone, several sessions at once, and on other images.

    python benchmarks/accuracy/encode_networks.py

Images, splits and scores are those of `encode.py`. One network of five sessions is compared with a
network of each, of the same core and readout, each the mean of three seeds, on the same test
images, drawn again in pairs. About 25 minutes on two cores.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from record import Row, publish

from encode import correlation, fit_timed, photographs_and_objects, published_split, v4
from spikeloop import encode

SESSIONS = ("201025", "190925", "190927", "210224", "210322")
PUBLISHED_NETWORK = 0.349
SMALL = replace(
    encode.energy_network(),
    core=encode.StackedCore(
        channels=(32, 32), kernel_px=(11, 3), stride=2, pooling=2, first="energy", start="gabor"
    ),
    n_seeds=3,
)


def alone_rows():
    """Return the network of one session, beside what was published."""
    responses, images = v4("201025")
    split = published_split(responses)
    network, wall_s, cpu_s = fit_timed(encode.energy_network(), responses, images, split)
    score = float(correlation(network, responses, images, split.test_ids).mean())
    label = "accuracy/encode/v4_201025/network"
    peers = {"neuralpredictors, measured elsewhere": PUBLISHED_NETWORK}
    return [
        Row(label, f"> {PUBLISHED_NETWORK}", score, "", score > PUBLISHED_NETWORK, peers=peers),
        Row(f"{label}/fit", "as measured", wall_s, "s", True, cpu_s=cpu_s),
    ]


def shift_rows():
    """Return how well a network predicts objects from photographs, beside other photographs."""
    responses, images = v4("210322")
    split, objects = photographs_and_objects(responses)
    network, _, _ = fit_timed(encode.energy_network(), responses, images, split)
    within, beyond = (
        float(np.nanmean(correlation(network, responses, images, ids)))
        for ids in (split.test_ids, objects)
    )
    label = "accuracy/encode/domain_shift/network"
    return [Row(label, "as measured", beyond, "", True, peers={"photographs": within})]


def together_rows():
    """Return one network of all sessions against one of each."""
    sessions = [(*v4(session), None) for session in SESSIONS]
    sessions = [(r, images, published_split(r)) for r, images, _ in sessions]
    start = time.perf_counter()
    training = replace(SMALL.training, batch_size=32)
    together = encode.fit_sessions(replace(SMALL, training=training), sessions, seed=0)
    rows = [
        Row(
            "accuracy/encode/sessions/fit",
            "as measured",
            time.perf_counter() - start,
            "s",
            True,
        )
    ]
    means = []
    for session, (responses, images, split), many in zip(SESSIONS, sessions, together, strict=True):
        one, _, _ = fit_timed(SMALL, responses, images, split)
        compared = encode.evaluate_models(
            {"one": one, "many": many}, responses, images, encode.Evaluation(), seed=0
        )
        scores = {s.name: float(s.correlation.mean.score) for s in compared.models}
        gain = compared.differences["many", "one"].difference.mean
        means.append(scores)
        rows.append(
            Row(
                f"accuracy/encode/sessions/{session}_gain",
                "> 0",
                float(gain.score),
                "",
                bool(gain.score > 0),
                (float(gain.low), float(gain.high)),
                peers=scores,
            )
        )
    of_all = {name: float(np.mean([m[name] for m in means])) for name in ("one", "many")}
    gain = of_all["many"] - of_all["one"]
    rows.append(Row("accuracy/encode/sessions/mean_gain", "> 0", gain, "", gain > 0, peers=of_all))
    return rows


def main():
    for rows in (together_rows, alone_rows, shift_rows):
        publish(rows())


if __name__ == "__main__":
    main()
