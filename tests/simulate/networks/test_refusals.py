"""What cannot be right is refused, or told of, where it is written or as soon as it is known."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.neurons import LIF, Exponential, Izhikevich, Jump, Neuron, PoissonNeuron
from spikeloop.numerics.draws import Normal, Uniform
from spikeloop.simulate import (
    STDP,
    Network,
    Population,
    Probability,
    Projection,
    Record,
    ShortTerm,
    Simulation,
    Step,
    draw_synapses,
    simulate_network,
)


def _spiked(state, p):
    return state[0] > 1


@pytest.mark.parametrize(
    ("delay_ms", "words"),
    [(Normal(1.0, 1.0), r"1\d\.\d% of the drawn delays round to no tick")],
)
def test_drawn_delays_that_round_to_nothing_are_told_of(delay_ms, words):
    cells = Population("cells", 60, LIF(), {"in": Jump()})
    wires = [Projection("cells", "cells", "in", Probability(0.5), 1.0, delay_ms)]
    with pytest.warns(SpikeloopWarning, match=words):
        simulate_network(Network([cells], wires), Simulation(0.001, 0.1), seed=0)


def test_refractory_times_that_are_no_multiple_are_told_of():
    cells = Population("cells", 1, LIF(refractory_ms=0.14))
    with pytest.warns(SpikeloopWarning, match=r"refractory_ms=0\.14 .* was rounded to 0\.1"):
        simulate_network(Network([cells]), Simulation(0.001, 0.1), seed=0)


def test_adding_a_projection_changes_no_other():
    cells = [Population(name, 40, LIF(), {"in": Jump()}) for name in "ab"]
    to_b = Projection("a", "b", "in", Probability(0.3), Normal(1.0, 0.1))
    to_a = Projection("a", "a", "in", Probability(0.3), Normal(1.0, 0.1))
    drawn = [
        draw_synapses(Network(cells, wires), Simulation(), seed=3)
        for wires in ([to_b], [to_a, to_b], [to_b, to_b])
    ]
    for other in (drawn[1][1], drawn[2][0]):
        np.testing.assert_array_equal(drawn[0][0].target, other.target)
        np.testing.assert_array_equal(drawn[0][0].weight, other.weight)
    assert not np.array_equal(drawn[2][0].target, drawn[2][1].target)


class Half:
    """A distribution of a user's own."""

    def draw(self, rng, size):
        return rng.choice([-5.0, 20.0], size)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Population("c", 4, LIF), "c: neuron=.* give a neuron, such as LIF.."),
        (lambda: Population("c", 4, LIF(), [Jump()]), "receptors must be a dictionary"),
        (lambda: Population("c", 4, LIF(), {"in": 5.0}), "receptor 'in' is 5.0: give an Expon"),
        (lambda: Population("c", 4, LIF(), {"v": Jump()}), "cannot be called 'v'"),
        (lambda: Population("c", 4, LIF(), {"current": Jump()}), "cannot be called 'current'"),
        (lambda: Population("c", 4, LIF(), start={"V": 1.0}), "start names 'V', which is neither"),
        (lambda: Projection(Population("c", 4, LIF()), "c", "in", Probability(0.1)), "give its n"),
        (lambda: Projection("c", "c", "in", 0.1), "connect=0.1: give a rule, such as Probabi"),
        (
            lambda: Projection("c", "c", "in", Probability(0.1), plasticity=ShortTerm()),
            "give an STDP, or None",
        ),
        (lambda: Network(Population("c", 4, LIF())), "populations must be a list of Population"),
        (lambda: Simulation(record=Record("c", "v")), "record must be a list of Record"),
        (lambda: Simulation(duration_s="1"), "duration_s='1': give a number above 0"),
        (lambda: Simulation(threads=2.5), "threads=2.5: give a whole number"),
        (lambda: LIF(refractory_ms=Uniform(1.0, 2.0)).neuron(), "one number for all"),
        (lambda: Exponential(Uniform(3.0, 8.0)), "one number for all"),
        (lambda: STDP(w_max="1"), "w_max='1': it must be above 0"),
        (lambda: ShortTerm(u=None), "u=None: it must be above 0 and at most 1"),
        (lambda: Step(1.0, start_ms="0"), "start_ms='0', stop_ms=inf: give numbers"),
        (lambda: Izhikevich(c=40.0).neuron(), "c=40.0: the reset must lie below the peak"),
        (
            lambda: Neuron({"v": 0.0}, {}, lambda s, i, p, dt: (i.uniform,), _spiked, _spiked),
            "without random=True",
        ),
    ],
)
def test_wrong_descriptions_are_refused_where_they_are_written(make, words):
    with pytest.raises(InvalidInputError, match=words):
        make()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"neuron": LIF(tau_ms=Half())}, "c: tau_ms=-5: it must be above 0"),
        ({"neuron": LIF(refractory_ms=1e12)}, "more than 1000000000 ticks"),
        ({"neuron": Izhikevich(), "dt_ms": 5.0}, "upswing_ms=1 is shorter than a tick"),
        ({"neuron": PoissonNeuron(50.0), "dt_ms": 50.0}, "1 / rate_hz=20 is shorter than a tick"),
        (
            {"receptors": {"g": Exponential(50.0, 0.0)}, "start": {"g": -1.0}},
            "start of g: it is a conductance, which cannot be negative",
        ),
        ({"record": [Record("c", "v", [0]), Record("c", "v", [1])]}, "v of c is asked for twice"),
    ],
)
def test_wrong_values_are_refused_when_they_are_known(cells, words):
    options = {name: cells.pop(name) for name in ("dt_ms", "record") if name in cells}
    population = Population("c", 40, **{"neuron": LIF(), **cells})
    with pytest.raises(InvalidInputError, match=words):
        simulate_network(Network([population]), Simulation(0.1, **options), seed=0)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "a"])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(InvalidInputError, match="seed is"):
        simulate_network(Network([Population("c", 1, LIF())]), Simulation(0.01), seed=seed)
