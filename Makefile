# The one entrance for people and for CI. Everything lives in .venv; state lives in .ingest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
BENCHMARKS ?= latency throughput openai_path http webhook footprint index quota batching embed_wire reading ocr metering registration backlog scaling pools capacity load backfill fairness retrieval search
# In CI a skipped test is a failed test.
PYTEST := PYTHONPATH=tests/plugins $(BIN)/python -m pytest $(if $(CI),-p no_skips)

LINTERS := lint-types lint-style lint-layers lint-sql lint-packages
# Two at a time, each with its output in one piece where make knows how.
IN_PARALLEL := $(MAKE) --no-print-directory --jobs 2 \
  $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: help setup demo demo-services up down test test-one quick lint $(LINTERS) fmt docs \
  coverage bench attack chaos lock clean

help: ## Show this text.
	@echo "make TARGET   (Python 3.11 or newer and make are all it needs)"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

setup: $(STAMP) ## Prepare the environment in .venv; nothing to do when it is up to date.

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@echo "preparing $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps --only-binary :all: --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Start the embedded system, ingest the project's own docs, search them, stop.
	@$(BIN)/ingest demo

demo-services: setup ## The same with simulated OpenAI and LlamaParse that fail, limit and charge.
	@$(BIN)/ingest demo --services

up: setup ## Start the system and leave it running; the API is on port 8000, or INGEST_PORT.
	@$(BIN)/ingest up --detach

down: setup ## Stop what "make up" started.
	@$(BIN)/ingest down

test: setup ## Run every test, in two processes; the attack, too, where CI is set.
	@echo "This takes about 30 minutes on two cores. 'make quick' takes 2."
	@$(PYTEST) -p side_by_side --numprocesses 2 --no-loadscope-reorder $(if $(CI),-m "")

test-one: setup ## Run one file or one test: make test-one T=tests/unit/test_job.py::test_name
	@test -n "$(T)" || { echo "Say which: make test-one T=tests/unit/test_job.py" >&2; exit 2; }
	@$(PYTEST) -m "" "$(T)"

coverage: setup ## Measure which lines and branches the unit and integration tests run: ten minutes.
	@$(BIN)/coverage erase
	@tests=0; PYTHONPATH=tests/plugins $(BIN)/coverage run -m pytest -p measured_children \
	  -m "not slow" --numprocesses 2 --dist loadfile \
	  $(or $(T),tests/unit tests/integration) || tests=$$?; \
	$(BIN)/coverage combine --quiet; \
	echo "The ten least covered files, and all; '$(BIN)/coverage report' shows every file:"; \
	$(BIN)/coverage report --sort=cover | sed -n '1,12p;/^TOTAL/p'; \
	exit $$tests

quick: lint ## Run the linters and the tests that need no system: about two minutes.
	@$(PYTEST) -m "not slow" --numprocesses 2 --dist loadfile tests/unit tests/architecture

lint: setup ## Check style, types, layers, SQL and the installed packages.
	@$(IN_PARALLEL) $(LINTERS)

lint-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types:
	$(BIN)/mypy

lint-layers:
	$(BIN)/lint-imports

lint-sql:
	$(BIN)/squawk migrations/sql/*.sql migrations/functions/*.sql

lint-packages:
	$(BIN)/python -m pip check

fmt: setup ## Format the code and sort its imports.
	$(BIN)/ruff check --fix-only --exit-zero .
	$(BIN)/ruff format .

docs: setup ## Write the tables and pictures in docs/ that are generated from the code.
	$(BIN)/python -m tests.architecture.generated_docs

bench: setup ## Run the quick variant of every benchmark, one JSON line each.
	@for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name --quick --json | tail -n 1; done

attack: setup ## Break every part of a whole system once and judge what came of it: five minutes.
	@$(PYTEST) -m attack tests/chaos

chaos: setup ## Attack a whole system for ten minutes and write docs/reliability.md; SEED=1, MINUTES=10.
	$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10) --json

lock: ## Pin the dependencies again (needs uv); with UPGRADE=1, take the newest versions.
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --extra dev --extra dashboard --custom-compile-command "make lock" \
	  $(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml

clean: ## Remove the environment, caches and build output; keeps .ingest, the data.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
