# make demo  the whole pipeline on the bundled synthetic DEMO.NS, both forecasts printed
# make run   the same on real prices:  make run ARGS="--ticker TCS.NS --source csv --path FILE"
# make test  every test            make lint  every check            make up  the services
# make chaos  faults on purpose: make chaos SEED=1 EPISODES=500; one again: make chaos SEED=1 EPISODE=37
# make down  ends the services of make up                       make docs  these pages, in var/site
# make bench  measures everything beside its peers: docs/benchmarks.md   make bench-large  workers, 2,000 tickers
# make test-compose  images and services in containers, where a Docker engine runs

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?= --ticker TCS.NS

.DEFAULT_GOAL := help
PEERS := .venv-peers
.PHONY: help demo run test chaos test-long test-compose lint up down docs lock bench bench-large

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

demo: $(VENV)/.ready
	$(BIN)/python -m mlops.pipeline --ticker DEMO.NS

run: $(VENV)/.ready
	$(BIN)/python -m mlops.pipeline $(ARGS)

# Compiled once, whatever the environment says: the tests start a thousand commands.
test: $(VENV)/.ready-dev
	@.ci/browser
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist worksteal -q --durations 40 $(TESTS)

# Processes killed, disks full, connections cut …, and what must hold all the same: docs/operations.md.
chaos: $(VENV)/.ready-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(EPISODES),--episodes $(EPISODES)) \
	    $(if $(EPISODE),--episode $(EPISODE)) $(if $(KIND),--kind $(KIND))

# What takes minutes, or installs packages from the index.
test-long: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m long -q

test-compose: $(VENV)/.ready-dev
	@.ci/browser
	$(BIN)/python -m pytest -m compose -q tests/e2e/compose

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@.ci/no-leaks

up: $(VENV)/.ready
	@exec $(BIN)/python -m mlops.up

down: $(VENV)/.ready
	@$(BIN)/python -m mlops.up --stop

# As files that a browser opens; its search needs a server: python -m http.server 8080 -d var/site
docs: $(VENV)/.ready-dev
	$(BIN)/python -m website
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f website/mkdocs.yml
	@echo "Open var/site/index.html in a browser. With its search: $(BIN)/python -m http.server 8080 -d var/site, then http://localhost:8080."

# Without the peers' environment their rows say why they are missing. To measure again what has
# failed: .venv/bin/python -m benchmarks.page --only PART
bench: $(VENV)/.ready-dev
	-@$(MAKE) --no-print-directory $(PEERS)/.ready
	$(BIN)/python -m benchmarks.page

bench-large: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks.page --large

$(PEERS)/.ready: benchmarks/peers/requirements.txt
	@echo "Installing the peers into $(PEERS): some minutes, in which nothing is printed."
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

LOCK := uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
    --no-annotate --no-header --generate-hashes

lock:
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --extra dev -o requirements-dev.txt
	$(LOCK) --group pyproject.toml:api -c requirements.txt -o requirements-api.txt
	$(LOCK) benchmarks/peers/requirements.in -o benchmarks/peers/requirements.txt

# What a new environment gets last: without python3-venv, or after Ctrl-C, there is a python but no pip.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -e $(VENV) || new=yes; \
	    $(PYTHON) -m venv $(VENV) || { test -z "$$new" || rm -rf $(VENV); exit 1; }

$(VENV)/.ready: requirements.txt | $(VENV)/bin/pip
	@echo "Installing the packages into $(VENV): about two minutes, in which nothing is printed."
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt | $(VENV)/bin/pip
	@echo "Installing the packages into $(VENV): about two minutes, in which nothing is printed."
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.ready
