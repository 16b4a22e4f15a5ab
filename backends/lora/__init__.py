"""Adapters as files: zip, config, weights, and the form that llama.cpp loads."""
