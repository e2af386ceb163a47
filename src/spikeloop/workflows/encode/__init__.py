"""Fit models to the units of a recording, and test them: what ``spikeloop encode`` runs."""
