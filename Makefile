# Everything here needs Python 3.11 or later with pip, and nothing else.
# `make setup` prepares .venv; the other targets do so themselves when it is missing.

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults lint format bench peers pages clean

BIN := .venv/bin
READY := .venv/ready
WORKERS ?= 3
# Hundreds of processes are started by tests alone. Without compiled files, which some machines forbid
# by this, each of them compiles the engine anew, and that takes longer than all else that it does.
unexport PYTHONDONTWRITEBYTECODE

# The newest Python on the PATH that will do; `make setup PYTHON=…` names another.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## prepare .venv, with the command semel in .venv/bin
	@echo "Ready: $(BIN)/semel"

demo: $(READY) ## watch orders flow through the order shop
	@$(BIN)/semel demo

# Two passes. Files share the cores, and much of their time is waiting: three at once, each worker
# with servers of its own; what hangs is given more time to show it. Then, one after the other, the
# files that say `pytestmark = pytest.mark.alone`; they are looked for by that word.
test: lint ## everything that CI checks: style, types and tests
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --timeout 120 -m "not alone"
	$(BIN)/pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests)

# SECONDS and SEED say how long and which schedule; WITH="tail lost" adds what is not in the mix.
faults: $(READY) ## kill, freeze and cut everything for SECONDS=60, as SEED=… says
	FAULTS_SECONDS="$(SECONDS)" FAULTS_SEED="$(SEED)" FAULTS_WITH="$(WITH)" $(BIN)/pytest -s tests/faults

lint: $(READY) ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## write everything in the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## measure this machine, its Redis and semel on it
	@$(BIN)/semel bench

# RUNS, SECONDS and BACKLOG say how long it takes; the first time installs the peers' packages.
peers: $(READY) ## measure semel beside its peers, and write docs/peers.md
	@$(BIN)/python -m tests.benchmarks --write $(if $(RUNS),--runs $(RUNS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(BACKLOG),--backlog $(BACKLOG))

pages: $(READY) ## write docs/cli.md and docs/settings.md from the code
	@$(BIN)/python -m tests.pages

clean: ## remove .venv and whatever the tools left
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@python="$(PYTHON)"; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "semel needs Python 3.11 or later; $${python:-what is on the PATH} is not:" \
			"name one with PYTHON=…" >&2; \
		exit 2; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make a venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 2; \
	fi; \
	echo "Preparing .venv with $$("$$python" --version): half a minute or so, once …"; \
	"$$python" -m venv --clear .venv || exit; \
	$(BIN)/python -m pip --disable-pip-version-check install -qq --editable '.[dev,http,test,lint,uvloop]' || exit; \
	touch $@
