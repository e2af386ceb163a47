"""Tasks for spiking networks: each draws trials, and knows how well they can be told apart."""
