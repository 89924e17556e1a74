# Everything a newcomer needs: make run, make test. `make help` lists the rest.
SHELL := /bin/bash
PY := .venv/bin/python
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Empty, or how many pytest workers: two cores run two.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test test-matrix test-busy lint format bench-store bench-collect bench-alerts faults clean

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.venv/installed: requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is missing. Install it: sudo apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed. Install it: sudo apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing. Install it: sudo apt-get install python3.11-venv"; exit 1; }
	@echo "Making .venv and installing the pinned requirements (about half a minute) …"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@.venv/bin/pip install -qq --disable-pip-version-check --no-deps --editable . 2>/dev/null
	@touch $@

run: .venv/installed ## Watch what trivet.toml names, or start the reference stack and watch that
	@exec .venv/bin/trivet run $(ARGS)

test: .venv/installed ## All tests, against real servers, in random order
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup $(ARGS)

test-matrix: .venv/installed ## What depends on a server's version, against every release; fetches about 300 MB once
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup -m matrix $(ARGS)

test-busy: .venv/installed ## All tests five times beside two busy loops; about an hour
	@$(PY) -m benchmarks.busy $(ARGS)

lint: .venv/installed ## Style, types and the direction of imports
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy .
	@.venv/bin/lint-imports --no-cache

format: .venv/installed ## Format and mend what can be mended
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench-store: .venv/installed ## Measure the store beside VictoriaMetrics and Prometheus; ARGS=--help says how
	@$(PY) benchmarks/store.py $(ARGS)

bench-collect: .venv/installed ## Measure collecting beside the exporters; ARGS=--help says how
	@$(PY) benchmarks/collect.py $(ARGS)

bench-alerts: .venv/installed ## Measure judging twenty sources, and how soon somebody is told; ARGS=--help says how
	@$(PY) -m benchmarks.alerts $(ARGS)

faults: .venv/installed ## Cause every fault that has to be survived; FULL=1 as often as is promised, ARGS="1 13" only these
	@$(PY) -m benchmarks.faults $(if $(FULL),--full) $(ARGS)

clean: ## Remove all that make run and make test made: servers' data included
	@$(if $(wildcard $(PY)),$(PY) -m stack.native.clean var ||) true
	@rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
