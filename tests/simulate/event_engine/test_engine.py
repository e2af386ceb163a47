import numpy as np
import pytest
from reference_network import reference_spikes

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.neurons import LIF, Alpha, Exponential, Izhikevich, Jump, Neuron, PoissonNeuron
from spikeloop.numerics.draws import Gamma, Normal, Uniform
from spikeloop.simulate import (
    STDP,
    Network,
    Poisson,
    Population,
    Probability,
    Projection,
    Record,
    ShortTerm,
    Simulation,
    Source,
    Step,
    simulate_network,
)
from spikeloop.simulate.event_engine.engine import EventEngine

EXACT = {"weight": 2.0**-4}
RECEPTORS = {
    "conductance": {"in": Exponential(5.0, 0.0), "lateral": Exponential(7.0, -80.0)},
    "current": {"in": Exponential(5.0), "lateral": Exponential(7.0, integrator="euler")},
    "alpha": {"in": Alpha(3.0, 0.0), "lateral": Alpha(4.0)},
    "jump": {"in": Jump(), "lateral": Jump()},
    "mixed": {"in": Exponential(5.0, 0.0), "jump": Jump(), "lateral": Alpha(4.0)},
}
WEIGHTS = {
    "conductance": (0.6, 0.2),
    "current": (9.0, -1.0),
    "alpha": (0.5, -0.5),
    "jump": (4.0, -0.5),
    "mixed": (0.6, -0.4),
}
CELLS = {
    "euler": LIF(integrator="euler", resistance=1.0),
    "refractory": LIF(integrator="euler", refractory_ms=2.0),
    "subtraction": LIF(integrator="euler", reset="subtraction"),
    "late": LIF(integrator="euler", spike_lag=1),
    "drawn": LIF(integrator="euler", tau_ms=Uniform(10.0, 30.0), v_threshold=Normal(-50.0, 1.0)),
    "izhikevich": Izhikevich(),
}


def network(cell, receptors, weights, delay_ms=(None, 1.5), size=(60, 20)):
    start = {"v": Uniform(-70.0, -55.0)}
    pops = [
        Population("many", size[0], cell, receptors, current=8.0, start=start),
        Population("few", size[1], cell, receptors, current=Step(9.0, 10.0, 60.0), start=start),
    ]
    wires = [
        Projection("noise", name, "in", Probability(0.3), weights[0], delay_ms[1])
        for name in ("many", "few")
    ]
    wires += [
        Projection("many", "few", "lateral", Probability(0.2), weights[1], delay_ms[0]),
        Projection("few", "many", "lateral", Probability(0.2), weights[1], delay_ms[1]),
        Projection("few", "few", "in", Probability(0.2), abs(weights[0]), 3.0),
    ]
    return Network(pops, wires, [Source("noise", 30, Poisson(40.0))])


def engine_spikes(net, method, seed=0):
    engine = EventEngine(net, method, seed=seed)
    activity = engine.run()
    return engine, activity


def both(net, n_ticks=250, dt_ms=0.5, **options):
    method = Simulation(n_ticks * dt_ms / 1000, dt_ms, **options)
    engine, activity = engine_spikes(net, method)
    ticks, senders = reference_spikes(engine, n_ticks, seed=0)
    neurons = senders < net.n_neurons
    got = (np.rint(activity.spikes.times_s * 1000 / dt_ms), activity.spikes.unit_index)
    return got, (ticks[neurons], senders[neurons])


@pytest.mark.parametrize("kind", RECEPTORS)
def test_spikes_are_those_of_the_plainest_loop_for_each_receptor(kind):
    got, wanted = both(network(CELLS["euler"], RECEPTORS[kind], WEIGHTS[kind]))
    assert len(wanted[0]) > 100
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("cell", CELLS)
def test_spikes_are_those_of_the_plainest_loop_for_each_neuron(cell):
    got, wanted = both(network(CELLS[cell], RECEPTORS["conductance"], (0.3, 0.1)))
    assert len(wanted[0]) > 100
    np.testing.assert_array_equal(got, wanted)


def test_two_kinds_of_neurons_make_two_groups_with_the_same_spikes():
    receptors = RECEPTORS["conductance"]
    net = Network(
        [
            Population("lif", 70, CELLS["refractory"], receptors, current=16.0),
            Population("izhikevich", 40, Izhikevich(), receptors, current=10.0),
            Population("more", 30, CELLS["refractory"], receptors, current=17.0),
        ],
        [
            Projection("lif", "izhikevich", "in", Probability(0.2), 0.1),
            Projection("izhikevich", "more", "in", Probability(0.2), 0.1, 2.0),
            Projection("more", "lif", "lateral", Probability(0.2), 0.1),
        ],
    )
    engine, activity = engine_spikes(net, Simulation(0.2, 0.5))
    assert len(engine.groups) == 2
    ticks, senders = reference_spikes(engine, 400, seed=0)
    for name, first in (("lif", 0), ("more", 70), ("izhikevich", 100)):
        mine = activity.of(name)
        size = mine.n_units
        chosen = (senders >= first) & (senders < first + size)
        assert chosen.sum() > 3
        np.testing.assert_array_equal(np.rint(mine.times_s * 2000), ticks[chosen])
        np.testing.assert_array_equal(mine.unit_index, senders[chosen] - first)


def test_delays_of_single_synapses_arrive_when_they_should():
    net = network(CELLS["euler"], RECEPTORS["jump"], (4.0, -0.5), delay_ms=(Uniform(0.5, 9.0), 1.5))
    got, wanted = both(net)
    assert len(wanted[0]) > 100
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("delay_ms", [1.5, Uniform(0.5, 9.0)])
def test_threads_change_nothing(threads, delay_ms):
    net = network(
        CELLS["refractory"], RECEPTORS["conductance"], (0.3, 0.1), (delay_ms, 1.0), (300, 200)
    )
    one = simulate_network(net, Simulation(0.2, 0.5, threads=1), seed=3)
    many = simulate_network(net, Simulation(0.2, 0.5, threads=threads), seed=3)
    assert len(one.spikes.times_s) > 1000
    np.testing.assert_array_equal(one.spikes.times_s, many.spikes.times_s)
    np.testing.assert_array_equal(one.spikes.unit_index, many.spikes.unit_index)


def test_a_full_log_and_short_chunks_change_nothing(monkeypatch):
    net = network(CELLS["refractory"], RECEPTORS["conductance"], (0.3, 0.1))
    whole = simulate_network(net, Simulation(0.2, 0.5), seed=3)
    monkeypatch.setattr("spikeloop.simulate.event_engine.run.LOG_SPIKES", 0)
    monkeypatch.setattr("spikeloop.simulate.event_engine.engine.FIRST_CHUNK", 700)
    parts = simulate_network(net, Simulation(0.2, 0.5), seed=3)
    np.testing.assert_array_equal(whole.spikes.times_s, parts.spikes.times_s)
    np.testing.assert_array_equal(whole.spikes.unit_index, parts.spikes.unit_index)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    net = network(CELLS["euler"], RECEPTORS["conductance"], (0.3, 0.1))
    engine = EventEngine(net, Simulation(0.2, 0.5), seed=1)
    first, again = engine.run(), engine.run()
    np.testing.assert_array_equal(first.spikes.times_s, again.spikes.times_s)
    other = simulate_network(net, Simulation(0.2, 0.5), seed=2)
    assert not np.array_equal(first.spikes.times_s, other.spikes.times_s)


def test_what_is_recorded_is_the_state_at_the_start_of_each_tick():
    cell = LIF(tau_ms=10.0, v_rest=0.0, v_threshold=100.0, v_reset=0.0)
    net = Network(
        [Population("a", 3, cell, {"r": Exponential(5.0)}, current=Step([1.0, 2.0, 3.0], 1.0))],
    )
    record = [Record("a", "v", neurons=[2, 0]), Record("a", "current")]
    activity = simulate_network(net, Simulation(0.02, 0.5, record=record), seed=0)
    t_ms = np.arange(40) * 0.5
    wanted = np.where(t_ms > 1.0, 1 - np.exp(-(t_ms - 1.0) / 10.0), 0.0)
    v = activity.trace("a", "v").values
    np.testing.assert_allclose(v, wanted[:, None] * [3.0, 1.0], atol=1e-6)
    np.testing.assert_array_equal(activity.trace("a", "current").values[1:4, 2], [0.0, 3.0, 3.0])
    assert activity.recorded["a", "v"].tolist() == [2, 0]
    with pytest.raises(InvalidInputError, match="r of a was not recorded: recorded were v of a"):
        activity.trace("a", "r")


def test_stdp_changes_weights_as_pairs_of_spikes_say():
    rule = STDP(a_plus=0.05, a_minus=0.06, w_max=1.0)
    net = Network(
        [
            Population(
                "cell", 2, LIF(integrator="euler"), {"in": Exponential(5.0)}, current=[20.0, 17.0]
            )
        ],
        [Projection("in", "cell", "in", Probability(1.0), 0.5, 2.0, plasticity=rule)],
        [Source("in", 5, Poisson(30.0))],
    )
    dt_ms = 0.5
    activity = simulate_network(net, Simulation(1.0, dt_ms), seed=4)
    weights = np.full((5, 2), 0.5)
    x, y = np.zeros(5), np.zeros(2)
    arrive = np.rint(activity.inputs.times_s * 1000 / dt_ms).astype(int) + 4
    fire = np.rint(activity.spikes.times_s * 1000 / dt_ms).astype(int)
    for tick in range(2000):
        for source in activity.inputs.unit_index[arrive == tick]:
            weights[source] = np.maximum(weights[source] - 0.06 * y, 0)
            x[source] += 1
        for target in activity.spikes.unit_index[fire == tick]:
            weights[:, target] = np.minimum(weights[:, target] + 0.05 * x, 1)
            y[target] += 1
        x, y = x * np.exp(-dt_ms / 20), y * np.exp(-dt_ms / 20)
    assert len(fire) > 20
    np.testing.assert_allclose(activity.weights[0].toarray(), weights, atol=1e-4)


def test_short_term_plasticity_depresses_what_arrives():
    from spikeloop.simulate import Regular

    net = Network(
        [
            Population(
                "cell", 1, LIF(v_rest=0.0, v_threshold=1e6, v_reset=0.0), {"in": Exponential(1.0)}
            )
        ],
        [
            Projection(
                "in", "cell", "in", Probability(1.0), 2.0, 0.5, short_term=ShortTerm(0.5, 100.0)
            )
        ],
        [Source("in", 1, Regular(20.0))],
    )
    activity = simulate_network(net, Simulation(0.4, 0.5, record=[Record("cell", "in")]), seed=0)
    peaks = activity.trace("cell", "in").values[2::100, 0] / np.exp(-0.5)
    x, wanted = 1.0, []
    for _ in peaks:
        wanted.append(2.0 * 0.5 * x)
        x = 1 - (1 - 0.5 * x) * np.exp(-0.5)
    np.testing.assert_allclose(peaks, wanted, rtol=1e-5)


def test_an_overflow_is_a_status_with_time_and_neuron():
    def step(state, inputs, p, dt_ms):
        return (state[0] * p.growth,)

    cell = Neuron({"v": 1.0}, {"growth": [1.0, 2.0]}, step, lambda s, p: s[0] < 0, lambda s, p: s)
    net = Network([Population("calm", 4, LIF()), Population("wild", 2, cell)])
    method = Simulation(1.0, 1.0, [Record("wild", "v")])
    with pytest.warns(SpikeloopWarning, match="the simulation stopped at 49 ms"):
        activity = simulate_network(net, method, seed=0)
    assert activity.status.startswith(
        "stopped at 49 ms: the potential of neuron 1 of wild overflow"
    )
    assert activity.spikes.epochs.stop_s[0] == pytest.approx(0.050)
    assert activity.trace("wild", "v", 1).values[-1] == 2.0**49


@pytest.mark.parametrize("n", [1, 4, 33, 64, 65, 130])
@pytest.mark.parametrize("threads", [2, 3, 64])
def test_threads_without_neurons_do_no_harm(n, threads):
    few = Population("few", n, LIF(tau_ms=Uniform(10.0, 30.0)), current=30.0)
    more = Population("more", 100, LIF(refractory_ms=1.0), current=30.0)
    one, some = (
        simulate_network(Network([few, more]), Simulation(0.05, threads=k), seed=0)
        for k in (1, threads)
    )
    assert one.of("few").counts().min() >= 2
    np.testing.assert_array_equal(one.spikes.times_s, some.spikes.times_s)
    np.testing.assert_array_equal(one.spikes.unit_index, some.spikes.unit_index)


def test_random_neurons_of_different_groups_fire_at_different_times():

    cells = PoissonNeuron(rate_hz=50.0)
    net = Network([Population("a", 40, cells), Population("b", 40, cells, {"r": Jump()})])
    engine, activity = engine_spikes(net, Simulation(1.0, 1.0))
    assert len(engine.groups) == 2
    one, other = activity.of("a").counts(), activity.of("b").counts()
    assert abs(one.mean() - 50) < 5
    assert abs(other.mean() - 50) < 5
    assert not np.array_equal(one, other)


def test_a_misspelt_parameter_is_named():
    cell = Neuron({"v": 0.0}, {"tau": 5.0}, _misspelt, lambda s, p: s[0] > 1, lambda s, p: s)
    with pytest.raises(
        InvalidInputError, match=r"uses 'tua', which is none of the parameters: these are tau"
    ):
        simulate_network(Network([Population("a", 1, cell)]), Simulation(0.01, 0.5), seed=0)


def _misspelt(state, inputs, p, dt_ms):
    return (state[0] + dt_ms / p.tua,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "nobody"}, "there is no population or source 'nobody'"),
        ({"target": "noise"}, "there is no population 'noise'"),
        ({"receptor": "nmda"}, "few has no receptor 'nmda': it has in, lateral"),
        ({"weight": -1.0}, "a weight is -1.0, and in is a conductance"),
        ({"weight": np.nan}, "weight"),
        ({"delay_ms": 0.2}, "delay_ms=0.2 is shorter than a tick, dt_ms=0.5"),
        ({"delay_ms": 1e6}, "65535 is the most"),
    ],
)
def test_a_projection_that_cannot_be_is_refused(change, message):
    given = {"source": "many", "target": "few", "receptor": "in", "connect": Probability(0.1)}
    cells = {"neuron": LIF(), "receptors": RECEPTORS["conductance"]}
    with pytest.raises(InvalidInputError, match=message):
        simulate_network(
            Network(
                [Population("many", 5, **cells), Population("few", 5, **cells)],
                [Projection(**given | change)],
            ),
            Simulation(0.01, 0.5),
            seed=0,
        )


def test_a_delay_between_ticks_is_rounded_and_said():
    net = network(LIF(), RECEPTORS["jump"], (1.0, 1.0), delay_ms=(None, 1.3))
    with pytest.warns(SpikeloopWarning, match="delay_ms=1.3 is no multiple of dt_ms=0.5: it was"):
        simulate_network(net, Simulation(0.01, 0.5), seed=0)


def test_a_tick_longer_than_a_time_constant_is_refused():
    for cell, receptor in ((LIF(tau_ms=0.4), Exponential(5.0)), (LIF(), Alpha(0.4))):
        net = Network([Population("a", 1, cell, {"r": receptor})])
        with pytest.raises(InvalidInputError, match=r"is shorter than a tick, dt_ms=0\.5"):
            simulate_network(net, Simulation(0.01, 0.5), seed=0)


def test_drawn_weights_are_those_of_the_distribution():
    cells = Population("a", 200, LIF(), {"r": Exponential(5.0)})
    wires = [Projection("a", "a", "r", Probability(0.5), Gamma(2.0, 0.003))]
    engine = EventEngine(Network([cells], wires), Simulation(0.01, 0.5), seed=0)
    weights = engine.wiring.weights
    assert weights.mean() == pytest.approx(0.006, rel=0.03)
    assert weights.std() == pytest.approx(np.sqrt(2) * 0.003, rel=0.03)


def test_memory_per_synapse_is_what_was_promised():
    def bytes_per_synapse(delay_ms):
        cells = Population("a", 2000, LIF(), {"r": Exponential(5.0)})
        wires = [Projection("a", "a", "r", Probability(0.1), Gamma(2.0, 0.003), delay_ms)]
        engine = EventEngine(Network([cells], wires), Simulation(0.01, 0.5), seed=0)
        arrays = (
            getattr(engine.wiring, name) for name in ("starts", "targets", "weights", "own_delays")
        )
        return sum(array.nbytes for array in arrays) / engine.wiring.targets.size

    assert bytes_per_synapse(1.0) <= 9
    assert bytes_per_synapse(Uniform(0.5, 5.0)) <= 11
