"""The experiment that this room began with, with its habits."""

from __future__ import annotations

from spikeloop.learn.layers import LeakyReadout, SpikingLayer
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.signs import DalesLaw
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.training import Training
from spikeloop.neurons.lif import LIF
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate


def original_experiment(
    inhibitory: float = 0.5,
) -> tuple[SoundLocalization, SpikingNetwork, Training]:
    """Return the task, the network and the training of the original experiment.

    One phase of the tone for each data set, noise frozen, weights ``|w|`` times the sign of the
    sender, inhibitory units first, spikes a tick late, resets not detached. It is not the same bit
    by bit: there a reset came another tick later, so that neurons could fire twice in a row, which
    here a refractory tick forbids; and there all weights had one learning rate, 0.01, which here is
    that of the inputs, and larger for the readout. What it teaches of test
    accuracy is uncertain by 8 points either way, as each test sits at one phase; the defaults of
    this room have none of this.

    Source: Ghosh et al. 2024, bioRxiv 2024.07.22.604580, and its notebook on Dale's law.

    Examples
    --------
    >>> task, network, training = original_experiment()
    >>> task.phase, network.constraint.form, training.fresh
    ('per_dataset', 'absolute', False)
    """
    cell = LIF(tau_ms=5.0, v_rest=0.0, v_threshold=1.0, v_reset=0.0, refractory_ms=1.0, spike_lag=1)
    network = SpikingNetwork(
        (SpikingLayer(30, cell),),
        LeakyReadout(5.0),
        DalesLaw(inhibitory, "absolute", "first", balanced=False, scale=1.0),
        SpikeGradient(Surrogate("sigmoid", slope=5.0), detach_reset=False),
    )
    training = Training(
        learning_rate=0.14,
        schedule="constant",
        warm_up_epochs=0,
        max_epochs=50,
        fresh=False,
        clip_norm=0.0,
        lowest_rate_hz=0.0,
    )
    return SoundLocalization(phase="per_dataset"), network, training
