# What a user or engineer of eutonia runs. Every target sets up what it needs, from nothing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
RUN = $(VENV)/bin

.PHONY: demo test check slow browser audit lock vignettes docs clean

demo: $(VENV)/.demo        ## Set up, and assess a full patient record
	$(RUN)/eutonia assess demo/patient.json
	@echo; echo "So that the next answer takes a second, the simulation is compiled, once for this machine: about a minute."
	@$(RUN)/eutonia simulate "carisoprodol 350 mg four times a day for 14 days" --population 300 --json >/dev/null

test: $(VENV)/.test        ## Set up, and run the tests
	$(RUN)/python -m pytest $(ARGS)

check: audit               ## What must pass before a commit: format, lint, types, tests with coverage
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/python -m pytest --cov=eutonia --cov-report=term:skip-covered $(ARGS)

slow: $(VENV)/.test        ## The studies of minutes: coverage of intervals, long random searches
	$(RUN)/python -m pytest -m slow $(ARGS)

browser: $(VENV)/.test     ## The page in a real browser: CHROMIUM=/path/to/chromium, or one that is found or installed
	$(RUN)/python -m pip install -q --disable-pip-version-check playwright axe-playwright-python
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || command -v chromium-browser >/dev/null || \
	  (apt-get install -y -q chromium >/dev/null 2>&1) || \
	  { echo "No Chromium here, and it could not be installed. Install it (apt install chromium), or set CHROMIUM to its path."; exit 1; }
	$(RUN)/python -m pytest tests/interfaces/test_web_browser.py -m browser -rs $(ARGS)

audit: $(VENV)/.dev        ## Known holes in the pinned dependencies; says so where the list of holes is out of reach
	@$(RUN)/python tools/audit.py requirements.lock

vignettes: $(VENV)/.demo   ## Score a file of vignettes: make vignettes FILE=../shared/dossier/vignettes.yaml
	$(RUN)/python tools/score_vignettes.py $(FILE)

docs: $(VENV)/.test        ## Write the reference pages anew from the knowledge and the code
	$(RUN)/python tools/reference.py
	$(RUN)/python tools/pooled_estimates.py
	$(RUN)/python tools/score_claims.py --write

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
