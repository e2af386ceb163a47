"""What a trained network does on one trial."""

import jax
import numpy as np

from spikeloop import learn
from spikeloop.learn.tasks.task import tested
from spikeloop.numerics.keys import key_of
from spikeloop.viz import TrialActivity


def trial_activity(trained: learn.TrainedNetwork, seed: int) -> TrialActivity:
    """Return what a network does on one new trial."""
    task = trained.task
    trials = tested(task).draw(jax.random.fold_in(key_of(seed), 19), 1)
    answer = trained.answer(trials.spikes)
    hidden, signs = {}, {}
    for index, spikes in enumerate(answer.spikes):
        above = trained.sent_by(f"hidden_{index}")[0]
        name = "hidden" if len(answer.spikes) == 1 else f"hidden {index}"
        hidden[name] = np.asarray(spikes[:, 0])
        signs[name] = trained.signs(above)
    traces = trained.plan.trace(trained.numbers, answer.spikes[-1])
    return TrialActivity(
        np.asarray(trials.spikes[0]),
        hidden,
        np.asarray(traces[:, 0]),
        task.class_values(),
        int(trials.target[0]),
        int(answer.output[0].argmax()),
        dt_ms=task.dt_ms,
        groups=input_groups(task),
        signs={name: sign for name, sign in signs.items() if sign.any()},
    )


def input_groups(task: learn.Task) -> list[tuple[str, int]]:
    """Return the name and the size of each group of inputs, in their order."""
    if isinstance(task, learn.SoundLocalization):
        return [("left ear", task.n_fibres), ("right ear", task.n_fibres)]
    return [("inputs", task.n_inputs)]
