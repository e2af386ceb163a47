"""Time the training of spiking networks, beside PyTorch, snnTorch and Norse.

Run alone: ``python benchmarks/speed/learn.py``. The same network is trained on the same spikes by
whichever of those is installed (``pip install torch snntorch norse``), steps taking turns, after a
check that all fire the same spikes and answer the same. The peers have what is best for them: time
comes first in their spikes, one product for all ticks, weights of any sign, and no bound on the
length of gradients; spikeloop trains as it comes, under Dale's law.
"""

import statistics
import sys
import time
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
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.training import Training

NETWORK, TASK, TRAINING = SpikingNetwork(), SoundLocalization(), Training()
PLAN = Plan(NETWORK.plan(TASK.dt_ms), TASK, TRAINING)
KEEPS = float(np.exp(-TASK.dt_ms / 5.0))
"""What neurons and integrators keep of their potential in a tick."""
RATE = 0.01
N_TURNS, N_STEPS, N_MANY = 25, 9, 20
SLOPE = 5.0
"""Of the sigmoid whose derivative stands for that of a spike."""


class OwnTraining:
    """So many networks of spikeloop: call it to take a step with all of them."""

    def __init__(self, trials, n_networks):
        keys = jax.random.split(jax.random.key(0), n_networks)
        begun = [NETWORK.begin(key, TASK.n_inputs, TASK.n_classes) for key in keys]
        parameters, self.constants = (
            jax.tree.map(lambda *values: jnp.stack(values), *numbers)
            for numbers in zip(*begun, strict=True)
        )
        moments = jax.vmap(TRAINING.optimizer().init)(parameters)
        self.learned, self.trials = Learned(parameters, moments), trials

    @property
    def first(self):
        """What the first network learns, and what it does not."""
        return jax.tree.map(lambda values: values[0], (self.learned.parameters, self.constants))

    def __call__(self):
        """Take a step with each network."""
        self.learned, _ = step(self.learned, self.constants, self.trials)
        jax.block_until_ready(self.learned)


@partial(jax.jit, donate_argnums=0)
def step(learned, constants, trials):
    """Take the step that ``train_epoch`` takes, with these trials."""
    one = partial(
        epochs._step, PLAN, trials=trials, rate=jnp.float32(RATE), dropout_key=jax.random.key(0)
    )
    return jax.vmap(one)(learned, constants)


@jax.custom_jvp
def fire(above):
    """Return whether the potential is above threshold."""
    return (above >= 0) * 1.0


@fire.defjvp
def _fire_slope(above, slope):
    rising = jax.nn.sigmoid(SLOPE * above[0])
    return fire(above[0]), 4 * rising * (1 - rising) * slope[0]


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
    rest = jnp.zeros((n_trials, 30)), jnp.zeros((n_trials, TASK.n_classes))
    traces = jax.lax.scan(tick, rest, trials.spikes.transpose(1, 0, 2))[1]
    output = traces.mean(axis=0)
    return optax.softmax_cross_entropy_with_integer_labels(output, trials.target).mean()


def check_gradient(trials):
    """Refuse a gradient that is not that of the plain network; return how far it is from it."""
    parameters, constants = OwnTraining(trials, 1).first
    plain = jax.jit(jax.grad(plain_loss))(parameters, constants, trials)
    own = jax.jit(
        jax.grad(lambda parameters: epochs.loss_of(PLAN, parameters | constants, trials)[0])
    )(parameters)
    apart = max(float(abs(own[name] - plain[name]).max() / abs(plain[name]).max()) for name in own)
    assert apart <= 1e-5, apart
    return apart


class TorchTraining:
    """A peer: call it to take a step."""

    def __init__(self, torch, network, weights, trials):
        self.torch, self.network = torch, network
        with torch.no_grad():
            network.hidden.copy_(torch.tensor(np.array(weights["hidden.0.input"])))
            network.readout.copy_(torch.tensor(np.array(weights["readout.input"])))
        self.adam = torch.optim.Adam(network.parameters(), RATE / TASK.n_inputs**0.5)
        self.spikes = torch.tensor(np.array(trials.spikes.transpose(1, 0, 2)))
        self.target = torch.tensor(np.array(trials.target)).long()

    def __call__(self):
        """Take a step."""
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
            self.hidden = torch.nn.Parameter(torch.zeros(TASK.n_inputs, 30))
            self.readout = torch.nn.Parameter(torch.zeros(30, TASK.n_classes))

        def forward(self, heard):
            spikes = torch.stack(self.fire(heard @ self.hidden))
            return self.read(spikes), spikes

        def read(self, spikes):
            return torch.stack(self.integrate(spikes @ self.readout)).mean(0)

    networks = dict(plain_networks(torch, Network))
    for name, add in (("snnTorch", snntorch_network), ("Norse", norse_network)):
        try:
            networks[name] = add(torch, Network)
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
            mem, spikes = self.cell.reset_mem(), []
            for jump in drive.unbind():
                sent, mem = self.cell(jump, mem)
                spikes.append(sent)
            return spikes

        def integrate(self, drive):
            mem, trace = self.reader.reset_mem(), []
            for jump in drive.unbind():
                _, mem = self.reader(jump, mem)
                trace.append(mem)
            return trace

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
    parameters, constants = OwnTraining(trials, 1).first
    numbers = parameters | constants
    weights = PLAN.network.weights(numbers)
    answer = jax.tree.map(np.asarray, PLAN.network.run(numbers, trials.spikes))
    found = {}
    for name, network in torch_networks(torch).items():
        found[name] = TorchTraining(torch, network, weights, trials)
        found[name].check(answer)
    return found


def take_turns(trainings):
    """Return a `Timing` of each, after turns of a few steps; the first of a turn does not count.

    It may find the caches full, and the threads of the one before still waiting for work.
    """
    timings = {name: Timing([], []) for name in trainings}
    for _ in range(N_TURNS):
        for name, training in trainings.items():
            turn = measure(training, repeats=N_STEPS)
            timings[name].wall_s += turn.wall_s
            timings[name].cpu_s += turn.cpu_s
    return timings


def first_steps(trials):
    """Return the seconds that a first step takes, which compiles."""
    seconds = []
    for _ in range(3):
        training = OwnTraining(trials, 1)
        jax.clear_caches()
        start = time.perf_counter()
        training()
        seconds.append(time.perf_counter() - start)
    return seconds


def drawing(key):
    """Return a function that draws as many batches as an epoch has, compiled together."""

    @jax.jit
    def draw(key):
        def batch(total, index):
            trials = TASK.draw(jax.random.fold_in(key, index), TRAINING.batch_size)
            return total + trials.spikes.sum(), None

        return jax.lax.scan(batch, 0.0, jnp.arange(TRAINING.batches_per_epoch))[0]

    return lambda: draw(key).block_until_ready()


def epoch(trials, key):
    """Return a function that trains for an epoch."""
    training = OwnTraining(trials, 1)

    def train():
        training.learned, *judged = epochs.train_epoch(
            PLAN, training.learned, training.constants, Keys(key, key, key), jnp.float32(RATE)
        )
        jax.block_until_ready(judged)

    return train


def step_rows(trials):
    """Return the rows of a step: of one network, of many, and beside the peers."""
    others = peers(trials)
    own = {"spikeloop": OwnTraining(trials, 1), "many": OwnTraining(trials, N_MANY)}
    timings = take_turns(own | others)
    one, many = timings["spikeloop"], timings["many"]
    medians = {name: timings[name].median_s for name in others}
    ratio = many.median_s / one.median_s
    spread = tuple(edge / one.median_s for edge in many.spread_s)
    rows = [
        time_row("speed/learn_step", 2.5e-3, one, **medians),
        Row("speed/learn_step_20_networks", "<= 12", ratio, "steps of one", ratio <= 12, spread),
    ]
    for name, peer in medians.items():
        times = peer / one.median_s
        spread = tuple(edge / one.median_s for edge in timings[name].spread_s)
        word = name.lower().replace(", ", "_").replace(" ", "_")
        rows.append(
            Row(
                f"speed/learn_step_beside_{word}", ">= 5", times, "times faster", times >= 5, spread
            )
        )
    for name, timing in timings.items():
        quarters = statistics.quantiles(timing.wall_s, n=4)
        print(
            f"{name}: {1e3 * timing.median_s:.2f} ms, {1e3 * quarters[0]:.2f} to "
            f"{1e3 * quarters[2]:.2f} for half of the steps; {1e3 * timing.median_cpu_s:.2f} ms CPU"
        )
    return rows


def main():
    key = jax.random.key(1)
    trials = jax.jit(TASK.draw, static_argnums=1)(key, TRAINING.batch_size)
    print(f"gradients differ from those of the plain network by {check_gradient(trials):.2g}")
    seconds = first_steps(trials)
    first = statistics.median(seconds)
    rows = [
        Row("speed/learn_first_step", "<= 3", first, "s", first <= 3, (min(seconds), max(seconds))),
        *step_rows(trials),
    ]
    batches = measure(drawing(key), repeats=10)
    n = TRAINING.batches_per_epoch
    each = Timing([s / n for s in batches.wall_s], [s / n for s in batches.cpu_s])
    for name, timing in (
        ("learn_draw_batch", each),
        ("learn_epoch", measure(epoch(trials, key), repeats=10)),
    ):
        rows.append(replace(time_row(f"speed/{name}", np.inf, timing), wanted="as measured"))
    publish(rows)


if __name__ == "__main__":
    main()
