"""The parts of the Runs tab: the list, the chosen run, its buttons, the chart of several runs."""
