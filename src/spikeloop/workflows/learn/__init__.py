"""Train spiking networks on a task, and tell what they learned: what ``spikeloop learn`` runs."""
