"""Rows: read from any file or dataset, checked, split, written."""
