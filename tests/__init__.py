"""Tests by subject: <folder>/test_<module>.py; real parts, no network, every name a sentence."""
