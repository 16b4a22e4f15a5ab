"""Bases as files: where they come from, their tokenizers and shapes."""
