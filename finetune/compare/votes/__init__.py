"""Blind votes on pairs of answers: drawn, kept, counted, exported as preference pairs, and a model as a judge."""
