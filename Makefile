# make demo  the whole pipeline on the bundled synthetic DEMO.NS, both forecasts printed
# make run   the same on real prices:  make run ARGS="--ticker TCS.NS --source csv --path FILE"
# make test  every test            make lint  every check            make up  the services

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?= --ticker TCS.NS

.DEFAULT_GOAL := help
.PHONY: help demo run test lint up lock

help:
	@sed -n 's/^# //p' Makefile

demo: $(VENV)/.ready
	$(BIN)/python -m mlops.pipeline --ticker DEMO.NS

run: $(VENV)/.ready
	$(BIN)/python -m mlops.pipeline $(ARGS)

test: $(VENV)/.ready-dev
	@.ci/browser
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@.ci/no-leaks

# Each session of a browser has threads of its own, which glibc lets keep free memory apart.
up: export MALLOC_ARENA_MAX = 2
up: $(VENV)/.ready
	@echo "The API on http://127.0.0.1:8000, the dashboard on http://127.0.0.1:8501; Ctrl-C ends both."
	@echo "The worker is not part of this version: runs are started by hand or from the dashboard."
	@$(BIN)/python -m src.api & api=$$!; trap "kill $$api 2>/dev/null; wait $$api" EXIT; \
	    $(BIN)/streamlit run streamlit_app.py

LOCK := uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
    --no-annotate --no-header --generate-hashes pyproject.toml

lock:
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -o requirements-dev.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.ready
