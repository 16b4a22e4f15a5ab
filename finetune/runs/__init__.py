"""The inside of a run's life: its numbers, its messages, who watches it and how it ended."""
