# Needs only make and Python 3.11 or newer with venv. Everything else is set up in .venv by the first command.

.DEFAULT_GOAL := help
.PHONY: help setup forecast test calibration bench lab lock clean

# The interpreter to make .venv with: as given (make test PYTHON=python3.13), else that of .venv, else python3.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell made_by=$$(head -n 1 .venv/.stamp 2>/dev/null); [ -x "$$made_by" ] && echo "$$made_by" || echo python3)
endif
SAMPLE ?= maven
BIN := .venv/bin

help:
	@echo "make forecast      answer for the sample, as out/report.html and more (SAMPLE=maven or b2b)"
	@echo "make test          ruff, mypy and the tests"
	@echo "make calibration   recovery of known truth over many seeds (long)"
	@echo "make bench         the benchmarks (only some: make bench BENCH=engine)"
	@echo "make lab           JupyterLab on the notebooks"
	@echo "make setup         .venv with the locked packages and $(BIN)/funnel; part of every command above"
	@echo "make lock          rewrite requirements.lock (to newer releases: make lock UPGRADE=--upgrade)"
	@echo "make clean         remove out/ and caches, not .venv"
	@echo "With PYTHON=python3.13 (say), .venv is made anew by that interpreter."

# Does nothing when .venv fits requirements.lock, pyproject.toml and PYTHON.
setup:
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) not found: install it (e.g. apt install python3 python3-venv)." >&2; exit 1; }
	@"$(PYTHON)" tools/environment.py sync

forecast: setup
	$(BIN)/funnel forecast --sample $(SAMPLE) --out out

test: setup
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q $(TESTS)

calibration: setup
	$(BIN)/python -m pytest -m calibration --timeout 7200 -rA

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

lab: setup
	$(BIN)/jupytext --quiet --sync notebooks/*.py
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/01_can_we_reach_the_target.ipynb

lock:
	@"$(PYTHON)" tools/environment.py lock $(UPGRADE)

clean:
	rm -rf out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find forecast simulations tests benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} +
