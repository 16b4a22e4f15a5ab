# Two commands are enough on a fresh machine with Python 3.11 or newer: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CODE := app.py backends finetune ui tests
# two tests at a time, each on a core of its own: the threads of two that both use two cores wait for each other
TWO := OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal
UNIT := not model and not browser and not rehearsal and not faults

.PHONY: help setup run check test quick faults kills browser bench adapters tree
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/installed  ## make .venv and install what requirements.txt and tests/requirements.txt name

$(VENV)/installed: requirements.txt tests/requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 setup" if sys.version_info < (3, 11) else 0)'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet -c constraints.txt -r requirements.txt -r tests/requirements.txt
	touch $@

run: setup  ## serve the page on this machine
	$(PY) app.py

check: setup  ## formatting, lint, types
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy

test: browser  ## everything but the fault tests: units, the real embedded model, a real browser
	$(TWO) -m "$(UNIT)"
	$(PY) -m pytest -m "(model or browser or rehearsal) and not faults"

quick: setup  ## in under a minute: the tests that need no model, no browser and no training
	$(TWO) -m "$(UNIT) and not slow"

faults: setup  ## kills, full disks, races: what the promises in SECURITY.md rest on
	$(TWO) tests/faults

kills: setup  ## kill -9 at 200 random moments (up to half an hour); make faults does ten of them
	$(PY) -m tests.kills

browser: setup  ## get a Chromium for the browser tests, if there is none
	@$(PY) -m tests.chromium

bench: setup  ## measure engines and training on this machine; writes tests/bench/RESULTS.md
	$(PY) -m tests.bench

adapters: setup  ## train the shipped adapters again and write examples/<task>/report.json
	$(PY) -m examples.make_adapters

tree: setup  ## write the file tree of the README from the docstrings
	$(PY) -m tests.tree
