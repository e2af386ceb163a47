"""Time an epoch of the network of the most-exciting-inputs experiment, beside PyTorch's.

Run alone: ``python benchmarks/speed/encode_network.py``. The same network, with the same weights,
batch norm, penalties and Adam, is trained by PyTorch in the same run, epochs taking turns, where
PyTorch is installed; that both predict the same is checked before.
"""

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop.encode.image_data import ImageData
from spikeloop.encode.network.model import network_of_experiment_two
from spikeloop.encode.network.settings import Training

HEIGHT, WIDTH, N_UNITS, BATCH, N_IMAGES, N_EPOCHS = 60, 96, 49, 64, 256, 6
RATE = 1e-3
MODEL = replace(
    network_of_experiment_two(),
    training=Training(learning_rate=RATE, schedule="constant", max_epochs=N_EPOCHS),
)


def data():
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(N_IMAGES, HEIGHT, WIDTH)).astype(np.float32)
    counts = rng.poisson(2.0, size=(N_IMAGES, N_UNITS)).astype(float)
    return ImageData(pixels, counts, np.ones(N_IMAGES, dtype=int))


def read_pyramid(torch, values, position, blur):
    """Return what stands at the positions in three levels of a Gaussian pyramid."""
    functional = torch.nn.functional
    place = (position + 1) / 2 * (torch.tensor(values.shape[2:]) - 1)
    seen = []
    for level in range(3):
        if level > 0:
            padded = functional.pad(values, (2, 2, 2, 2), mode="replicate")
            values = functional.conv2d(padded, blur, stride=2, groups=64)
        last = torch.tensor(values.shape[2:]) - 1
        grid = 2 * torch.minimum(place / 2**level, last) / last - 1
        grid = grid.flip(-1)[None, :, None].expand(len(values), -1, -1, -1)
        seen.append(functional.grid_sample(values, grid, align_corners=True)[..., 0])
    return seen


def torch_network(torch, parameters):
    """Return a PyTorch module of the same network with the same weights."""
    functional = torch.nn.functional

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            own = {key: torch.tensor(np.array(value)) for key, value in parameters.items()}
            self.kernels = torch.nn.ParameterList(
                own[f"core.{layer}.kernel"].permute(3, 2, 0, 1).contiguous() for layer in range(3)
            )
            self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(64) for _ in range(3))
            self.position = torch.nn.Parameter(own["readout.position"])
            self.features = torch.nn.Parameter(own["readout.features"])
            self.bias = torch.nn.Parameter(own["readout.bias"])
            blur = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
            self.register_buffer("blur", (blur[:, None] * blur).expand(64, 1, 5, 5).contiguous())
            bent = torch.tensor([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])
            self.register_buffer("bent", bent[None, None])

        def forward(self, images):
            values = functional.pad(images[:, None], (1, 2, 1, 2))
            values = functional.avg_pool2d(functional.conv2d(values, self.kernels[0]), 2)
            values = functional.elu(self.norms[0](values))
            for layer in (1, 2):
                values = functional.conv2d(values, self.kernels[layer], padding=1)
                values = functional.elu(self.norms[layer](values))
            seen = read_pyramid(torch, values, self.position, self.blur)
            drive = (torch.cat(seen, 1) * self.features.T).sum(1) + self.bias
            return functional.elu(drive) + 1

        def penalty(self):
            rough = functional.conv2d(self.kernels[0], self.bent, padding=1).pow(2).mean() / 2
            groups = [k.pow(2).sum((2, 3)).add(1e-12).sqrt().ravel() for k in self.kernels[1:]]
            return 0.1 * rough + 0.1 * torch.cat(groups).mean()

    return Network()


class TorchTraining:
    """The peer: call it to train one epoch; it returns the seconds."""

    def __init__(self, torch, shown, parameters, *, channels_last):
        torch.set_num_threads(n_cpus())
        self.torch = torch
        self.network = torch_network(torch, parameters)
        if channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(self.network.parameters(), RATE)
        standard = (shown.pixels - shown.pixels.mean()) / shown.pixels.std()
        self.images = torch.tensor(standard)
        self.counts = torch.tensor((shown.means / shown.means.mean(0)).astype(np.float32))

    def predict(self, n_images):
        """Return what the network makes of the first images, not training."""
        self.network.eval()
        with self.torch.no_grad():
            return self.network(self.images[:n_images]).numpy()

    def __call__(self):
        """Train one epoch."""
        start = time.perf_counter()
        self.network.train()
        order = self.torch.randperm(N_IMAGES)
        for batch in order.split(BATCH):
            self.adam.zero_grad()
            expected = self.network(self.images[batch]).clamp(min=1e-6)
            surprise = expected - self.counts[batch] * expected.log()
            (surprise.mean(0).sum() + self.network.penalty()).backward()
            self.adam.step()
            with self.torch.no_grad():
                self.network.position.clamp_(-1, 1)
                self.network.features.clamp_(min=0)
        return time.perf_counter() - start


def n_cpus():
    """Return how many CPUs this process may use, as JAX does."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def peers(shown):
    """Return PyTorch in both of its memory layouts, after a check that it predicts the same."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: no peer. pip install torch")
        return {}
    begun = MODEL.begin(jax.random.key(0), shown.means, (HEIGHT, WIDTH))
    standard = (shown.pixels[:8] - shown.pixels.mean()) / shown.pixels.std()
    ours = MODEL.member_counts(begun, jnp.asarray(standard)) / begun["output.scale"]
    found = {}
    for channels_last in (False, True):
        peer = TorchTraining(torch, shown, begun, channels_last=channels_last)
        np.testing.assert_allclose(peer.predict(8), ours, rtol=1e-4)
        found["PyTorch, channels last" if channels_last else "PyTorch"] = peer
    return found


def main():
    shown = data()
    few = ImageData(shown.pixels[:3], shown.means[:3], shown.n_trials[:3])
    others = peers(shown)
    seconds = {name: [] for name in ("spikeloop", *others)}
    last = time.perf_counter()

    def after_epoch(epoch, of, correlation):
        nonlocal last
        seconds["spikeloop"].append(time.perf_counter() - last)
        for name, peer in others.items():
            seconds[name].append(peer())
        last = time.perf_counter()

    MODEL.fit_images(shown, few, seed=0, progress=after_epoch)
    # The first epoch compiles.
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    rows = [
        Row(
            "speed/network_first_epoch",
            "a compilation",
            seconds["spikeloop"][0] - medians["spikeloop"],
            "s",
            True,
        )
    ]
    for row, names in (
        ("network_epoch_over_pytorch", ["PyTorch"]),
        ("network_epoch_over_fastest_pytorch", list(others)),
    ):
        if not others:
            break
        peer = min(medians[name] for name in names)
        ratio = medians["spikeloop"] / peer
        spread = tuple(edge(seconds["spikeloop"][1:]) / peer for edge in (min, max))
        rows.append(Row(f"speed/{row}", "<= 1", ratio, "", ratio <= 1, spread, peers=medians))
    publish(rows)


if __name__ == "__main__":
    main()
