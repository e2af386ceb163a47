"""Models of spikes driven by a continuous stimulus."""
