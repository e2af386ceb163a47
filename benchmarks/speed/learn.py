"""Time the training of spiking networks, beside PyTorch, snnTorch and Norse.

Run alone: ``python benchmarks/speed/learn.py``. The same network is trained on the same spikes by
whichever of those is installed (``pip install torch snntorch norse``), steps taking turns, after a
check that all fire the same spikes and answer the same. The peers have what is best for them: time
first in their spikes, one product for all ticks, one thread or two, weights of any sign, and no
bound on the length of gradients; spikeloop trains as it comes, under Dale's law.
"""

import statistics
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, Timing, measure, publish, time_row

from spikeloop.learn import epochs
from spikeloop.learn.epochs import Keys, Learned, Plan
from spikeloop.learn.layers import LeakyReadout, SpikingLayer, unit_lif
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.training import Training
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate

TAU_MS, SLOPE, RATE, N_HIDDEN = 5.0, 5.0, 0.01, 30
TASK = SoundLocalization()
NETWORK = SpikingNetwork(
    (SpikingLayer(N_HIDDEN, unit_lif(TAU_MS)),),
    LeakyReadout(TAU_MS),
    gradient=SpikeGradient(Surrogate("sigmoid", SLOPE)),
)
TRAINING = Training(batch_size=64, batches_per_epoch=64, lowest_rate_hz=0.0)
PLAN = Plan(NETWORK.plan(TASK.dt_ms), TASK, TRAINING)
KEEPS = float(np.exp(-TASK.dt_ms / TAU_MS))
"""What neurons and integrators keep of their potential in a tick."""
N_TURNS, N_STEPS, N_MANY = 25, 9, 20


class OwnTraining:
    """So many networks of spikeloop: call it to take a step with all of them."""

    def __init__(self, trials, n_networks=1, network=NETWORK, training=TRAINING):
        keys = jax.random.split(jax.random.key(0), n_networks)
        begun = [network.begin(key, TASK.n_inputs, TASK.n_classes) for key in keys]
        parameters, self.constants = (
            jax.tree.map(lambda *values: jnp.stack(values), *numbers)
            for numbers in zip(*begun, strict=True)
        )
        moments = jax.vmap(training.optimizer().init)(parameters)
        self.learned, self.trials = Learned(parameters, moments), trials
        self.plan = Plan(network.plan(TASK.dt_ms), TASK, training)

    def __call__(self):
        """Take a step with each network."""
        self.learned, _ = step(self.plan, self.learned, self.constants, self.trials)
        jax.block_until_ready(self.learned)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def step(plan, learned, constants, trials):
    """Take the step that ``train_epoch`` takes, with these trials."""
    rate, dropout = jnp.float32(RATE), jax.random.key(0)
    return epochs.take_steps(plan, learned, constants, trials, rate, dropout)


@jax.custom_jvp
def fire(above):
    """Return whether the potential is above threshold."""
    return (above >= 0) * 1.0


@fire.defjvp
def _fire_slope(above, slope):
    rising = jax.nn.sigmoid(SLOPE * above[0])
    return fire(*above), 4 * rising * (1 - rising) * slope[0]


def plain_loss(parameters, constants, trials):
    """Return the loss of the network, written tick by tick, with nothing moved out of the loop."""
    weights = PLAN.network.weights(parameters | constants)

    def tick(potentials, heard):
        hidden, readout = potentials
        hidden = KEEPS * hidden + heard @ weights["hidden.0.input"]
        spikes = fire(hidden - 1)
        hidden = jnp.where(jax.lax.stop_gradient(spikes) > 0, 0.0, hidden)
        readout = KEEPS * readout + spikes @ weights["readout.input"]
        return (hidden, readout), readout

    n_trials = len(trials.spikes)
    rest = jnp.zeros((n_trials, N_HIDDEN)), jnp.zeros((n_trials, TASK.n_classes))
    traces = jax.lax.scan(tick, rest, trials.spikes.transpose(1, 0, 2))[1]
    losses = optax.softmax_cross_entropy_with_integer_labels(traces.mean(axis=0), trials.target)
    return losses.mean()


def check_gradient(trials):
    """Refuse a gradient that is not that of the plain network; return how far it is from it."""
    parameters, constants = NETWORK.begin(jax.random.key(0), TASK.n_inputs, TASK.n_classes)
    plain = jax.jit(jax.grad(plain_loss))(parameters, constants, trials)
    slopes = jax.jit(jax.grad(lambda own: epochs.loss_of(PLAN, own | constants, trials)[0]))
    own = slopes(parameters)
    apart = max(float(abs(own[name] - plain[name]).max() / abs(plain[name]).max()) for name in own)
    assert apart <= 1e-5, apart
    return apart


class TorchTraining:
    """A peer: call it to take a step."""

    def __init__(self, torch, network, weights, trials, answer):
        self.torch, self.network = torch, network
        with torch.no_grad():
            network.hidden.copy_(torch.tensor(np.array(weights["hidden.0.input"])))
            network.readout.copy_(torch.tensor(np.array(weights["readout.input"])))
        self.adam = torch.optim.Adam(network.parameters(), RATE / TASK.n_inputs**0.5)
        self.spikes = torch.tensor(np.array(trials.spikes.transpose(1, 0, 2)))
        self.target = torch.tensor(np.array(trials.target)).long()
        self.check(answer)
        self.n_threads = min((1, 2), key=self.time_with)

    def time_with(self, n_threads):
        """Return the seconds of a step with so many threads."""
        self.n_threads = n_threads
        return measure(self, repeats=9).median_s

    def __call__(self):
        """Take a step."""
        self.torch.set_num_threads(self.n_threads)
        self.adam.zero_grad()
        output, _ = self.network(self.spikes)
        self.torch.nn.functional.cross_entropy(output, self.target).backward()
        self.adam.step()

    def check(self, answer):
        """Refuse a network that fires other spikes than ours, or answers something else."""
        with self.torch.no_grad():
            output, spikes = (values.numpy() for values in self.network(self.spikes))
        # Potentials within rounding of the threshold may fire in one and not in the other.
        assert np.mean(spikes != answer.spikes[0]) <= 1e-4
        assert np.mean(abs(output - answer.output) > 1e-4) <= 1e-2


def torch_networks(torch):
    """Return the networks of the peers that are installed, by name."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = torch.nn.Parameter(torch.zeros(TASK.n_inputs, N_HIDDEN))
            self.readout = torch.nn.Parameter(torch.zeros(N_HIDDEN, TASK.n_classes))

        def forward(self, heard):
            spikes = torch.stack(self.fire(heard @ self.hidden))
            return self.read(spikes), spikes

        def read(self, spikes):
            return torch.stack(self.integrate(spikes @ self.readout)).mean(0)

    networks = plain_networks(torch, Network)
    for name, network in (("snnTorch", snntorch_network), ("Norse", norse_network)):
        try:
            networks[name] = network(torch, Network)
        except ImportError as error:
            print(f"{name} is not installed: {error}. pip install {name.lower()}")
    return networks


def plain_networks(torch, base):
    """Return the network in PyTorch alone, and with the readout as a weighted sum of spikes."""

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, above):
            ctx.save_for_backward(above)
            return (above >= 0).float()

        @staticmethod
        def backward(ctx, slope):
            rising = torch.sigmoid(SLOPE * ctx.saved_tensors[0])
            return 4 * rising * (1 - rising) * slope

    class Plain(base):
        def fire(self, drive):
            v, spikes = torch.zeros_like(drive[0]), []
            for jump in drive.unbind():
                v = KEEPS * v + jump
                spikes.append(Spike.apply(v - 1))
                v = v * (1 - spikes[-1].detach())
            return spikes

        def integrate(self, drive):
            v, trace = torch.zeros_like(drive[0]), []
            for jump in drive.unbind():
                v = KEEPS * v + jump
                trace.append(v)
            return trace

    class Summed(Plain):
        def read(self, spikes):
            ages = torch.arange(len(spikes), 0, -1)
            counts = (1 - KEEPS**ages) / (1 - KEEPS) / len(spikes)
            return torch.tensordot(counts, spikes, 1) @ self.readout

    return {"PyTorch": Plain(), "PyTorch, readout as a sum": Summed()}


def snntorch_network(torch, base):
    import snntorch

    class SnnTorch(base):
        def __init__(self):
            super().__init__()
            surrogate = snntorch.surrogate.sigmoid(SLOPE)
            self.cell = snntorch.Leaky(KEEPS, spike_grad=surrogate, reset_mechanism="zero")
            self.reader = snntorch.Leaky(KEEPS, reset_mechanism="none")

        def fire(self, drive):
            return [sent for sent, _ in self.run(self.cell, drive)]

        def integrate(self, drive):
            return [mem for _, mem in self.run(self.reader, drive)]

        def run(self, cell, drive):
            mem = cell.reset_mem()
            for jump in drive.unbind():
                sent, mem = cell(jump, mem)
                yield sent, mem

    return SnnTorch()


def norse_network(torch, base):
    import norse.torch as norse

    class Norse(base):
        def __init__(self):
            super().__init__()
            leak = torch.tensor((1 - KEEPS) / 1e-3)  # so that Euler's step of 1 ms is exact
            # A spike's derivative is 1 - tanh(alpha x)^2, that of the others at half of SLOPE.
            parameters = norse.LIFBoxParameters(leak, method="tanh", alpha=SLOPE / 2)
            self.cell = norse.LIFBoxCell(parameters, dt=1e-3)
            self.reader = norse.LIBoxCell(norse.LIBoxParameters(leak), dt=1e-3)

        def fire(self, drive):
            return self.run(self.cell, drive)

        def integrate(self, drive):
            return self.run(self.reader, drive)

        def run(self, cell, drive):
            state, sent = None, []
            for jump in (drive / (1 - KEEPS)).unbind():
                out, state = cell(jump, state)
                sent.append(out)
            return sent

    return Norse()


def peers(trials):
    """Return the peers that are installed, each after a check that it does the same."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: no peers. pip install torch snntorch norse")
        return {}
    parameters, constants = NETWORK.begin(jax.random.key(0), TASK.n_inputs, TASK.n_classes)
    weights = PLAN.network.weights(numbers := parameters | constants)
    answer = jax.tree.map(np.asarray, PLAN.network.run(numbers, trials.spikes))
    return {
        name: TorchTraining(torch, network, weights, trials, answer)
        for name, network in torch_networks(torch).items()
    }


def take_turns(trainings):
    """Return a `Timing` of each, by turns of some steps; the first of a turn does not count."""
    timings = {name: Timing([], []) for name in trainings}
    for _ in range(N_TURNS):
        for name, training in trainings.items():
            add(timings[name], measure(training, repeats=N_STEPS))
    return timings


def add(timing, more):
    """Add the runs of one timing to another."""
    timing.wall_s += more.wall_s
    timing.cpu_s += more.cpu_s


def first_steps(trials):
    """Return a `Timing` of first steps, which compile."""
    timing = Timing([], [])
    for _ in range(3):
        training = OwnTraining(trials)
        jax.clear_caches()
        add(timing, measure(training, repeats=1, warmup=0))
    return timing


def drawing(key):
    """Return a function that draws as many batches as an epoch has, compiled together."""

    @jax.jit
    def draw(key):
        def batch(total, index):
            trials = TASK.draw(jax.random.fold_in(key, index), TRAINING.batch_size)
            return total + trials.spikes.sum(), None

        return jax.lax.scan(batch, 0.0, jnp.arange(TRAINING.batches_per_epoch))[0]

    return lambda: draw(key).block_until_ready()


def epoch(trials, key, n_networks):
    """Return a function that trains so many networks for an epoch."""
    training = OwnTraining(trials, n_networks)

    def train():
        training.learned, *judged = epochs.train_epoch(
            PLAN, training.learned, training.constants, Keys(key, key, key), jnp.float32(RATE)
        )
        jax.block_until_ready(judged)

    return train


def step_rows(trials):
    """Return the rows of a step: of one network, of many, and beside the peers."""
    others = peers(trials)
    own = {
        "spikeloop": OwnTraining(trials),
        "20 networks": OwnTraining(trials, N_MANY),
        "defaults": OwnTraining(trials, network=SpikingNetwork(), training=Training()),
    }
    timings = take_turns(own | others)
    one = timings["spikeloop"]
    medians = {name: timings[name].median_s for name in others}
    rows = [
        time_row("speed/learn_step", 2.5e-3, one, **medians),
        ratio_row("learn_step_20_networks", 12, timings["20 networks"], one),
        as_measured("learn_step_defaults", timings["defaults"]),
    ]
    for name in others:
        row = "learn_step_beside_" + name.lower().replace(", ", "_").replace(" ", "_")
        rows.append(ratio_row(row, None, timings[name], one))
    for name, timing in timings.items():
        ms = [1e3 * s for s in (*statistics.quantiles(timing.wall_s, n=4), timing.median_cpu_s)]
        print("{}: {:.2f}, {:.2f}, {:.2f} ms (quartiles); {:.2f} ms CPU".format(name, *ms))
    return rows


def as_measured(name, timing):
    """Return the row of a time that nothing was promised about."""
    return replace(time_row(f"speed/{name}", np.inf, timing), wanted="as measured")


def ratio_row(name, most, timing, one):
    """Return the row of how many times longer it takes: at most so many times, or at least 5."""
    ratio, *spread = (s / one.median_s for s in (timing.median_s, *timing.spread_s))
    wanted, met = (f"<= {most}", ratio <= most) if most else (">= 5", ratio >= 5)
    return Row(f"speed/{name}", wanted, ratio, "times", met, tuple(spread))


def epoch_rows(trials, key):
    """Return the rows of a batch that is drawn, and of an epoch of such batches."""
    n = TRAINING.batches_per_epoch
    batches = measure(drawing(key), repeats=10)
    each = Timing([s / n for s in batches.wall_s], [s / n for s in batches.cpu_s])
    one, many = (measure(epoch(trials, key, n_networks)) for n_networks in (1, N_MANY))
    return [
        as_measured("learn_draw_batch", each),
        as_measured("learn_epoch", one),
        ratio_row("learn_epoch_20_networks", 12, many, one),
    ]


def main():
    key = jax.random.key(1)
    trials = jax.jit(TASK.draw, static_argnums=1)(key, TRAINING.batch_size)
    print(f"gradients differ from those of the plain network by {check_gradient(trials):.2g}")
    first = time_row("speed/learn_first_step", 3.0, first_steps(trials))
    publish([first, *step_rows(trials), *epoch_rows(trials, key)])


if __name__ == "__main__":
    main()
