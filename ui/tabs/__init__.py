"""One file per tab, each ending in `TAB = Tab(...)`."""
