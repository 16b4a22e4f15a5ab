"""Recipes: every knob of a fine-tune defined once, the named ones as files, and those of the seeds."""
