import numpy as np

from spikeloop.encode.network.gabor_start import gabor_pairs


def test_pairs_are_without_mean_of_norm_one_and_a_quarter_cycle_apart():
    pairs = gabor_pairs(15, 24)
    np.testing.assert_allclose(pairs.mean(axis=(2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(np.sqrt((pairs**2).sum(axis=(2, 3))), 1, atol=1e-5)
    np.testing.assert_allclose((pairs[:, 0] * pairs[:, 1]).sum(axis=(1, 2)), 0, atol=1e-6)


def test_energy_of_a_pair_hardly_depends_on_the_phase_of_a_grating():
    pairs = gabor_pairs(15, 8)
    x = np.arange(15) - 7
    energies = []
    for phase in np.linspace(0, np.pi, 7):
        grating = np.broadcast_to(np.cos(2 * np.pi * x / 3.5 + phase), (15, 15))
        energies.append(np.hypot(*(pairs[0] * grating).sum(axis=(1, 2))))
    assert np.ptp(energies) < 0.02 * np.mean(energies)
    turned = np.hypot(*(pairs[4] * grating).sum(axis=(1, 2)))
    assert turned < 0.02 * np.mean(energies)
