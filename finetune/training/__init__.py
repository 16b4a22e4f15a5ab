"""The training loop and what it stands on: loss, batches, memory, checkpoints."""
