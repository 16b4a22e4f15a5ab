"""The parts of the Adapters tab: the bases that can be had here, and the adapters on them."""
