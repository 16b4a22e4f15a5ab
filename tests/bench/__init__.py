"""`make bench`: speed and agreement, measured here and now and written to RESULTS.md. No test asserts a timing."""
