"""The page in a real browser, with the real engine, the embedded base and real runs."""
