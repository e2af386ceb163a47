"""Settings for every test."""

import hypothesis

hypothesis.settings.register_profile("spikeloop", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("spikeloop")
