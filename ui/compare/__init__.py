"""Parts of the Compare tab besides the report: panes side by side, the blind vote."""
