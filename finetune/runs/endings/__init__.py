"""How runs end: verdicts, last words, and why they failed."""
