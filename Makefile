# What a user or engineer of eutonia runs. Every target sets up what it needs, from nothing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
RUN = $(VENV)/bin

.PHONY: demo test check slow lock vignettes docs clean

demo: $(VENV)/.demo        ## Set up, and assess a full patient record
	$(RUN)/eutonia assess demo/patient.json

test: $(VENV)/.test        ## Set up, and run the tests
	$(RUN)/python -m pytest $(ARGS)

check: $(VENV)/.dev        ## What must pass before a commit: format, lint, types, tests with coverage
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/python -m pytest --cov=eutonia --cov-report=term:skip-covered $(ARGS)

slow: $(VENV)/.test        ## The studies of minutes: coverage of intervals, long random searches
	$(RUN)/python -m pytest -m slow $(ARGS)

vignettes: $(VENV)/.demo   ## Score a file of vignettes: make vignettes FILE=../shared/dossier/vignettes.yaml
	$(RUN)/python tools/score_vignettes.py $(FILE)

lock: $(VENV)/.dev         ## Pin the newest versions that fit pyproject.toml (names and versions only)
	$(RUN)/python tools/lock.py

clean:                     ## Remove what the other targets made
	rm -rf .venv* .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements.lock pyproject.toml $(VENV)/bin/python
	$(RUN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.demo
	$(RUN)/python -m pip install -q --disable-pip-version-check -r requirements-test.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.test
	$(RUN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.lock
	touch $@
