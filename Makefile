# Two commands do everything on a fresh machine with Python >= 3.11: `make demo` and `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# uv from PATH, else the one that this file installs beside the environment, from the Python registry
TOOLS := .venv-tools
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN := $(UV) run --frozen
export PATH := $(PATH):$(CURDIR)/$(TOOLS)/bin
# modules are compiled once, not at each of the thousand starts of a program: two seconds each
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(RUN) pytest
WORKERS ?= 2

.PHONY: help setup demo demo-down test test-pure in-turn lint test-unit test-components test-golden test-engine test-network test-soak bench

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

# some distributions ship Python without venv, others without pip for the system's own environment
$(TOOLS)/bin/uv:
	@echo "uv is not on PATH: installing it into $(TOOLS)"
	@python3 -m venv $(TOOLS) && $(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv \
	  || python3 -m pip install --quiet --disable-pip-version-check --target $(TOOLS) uv

setup: $(filter $(TOOLS)/bin/uv,$(UV)) ## the Python environment, as locked
	@$(UV) sync --frozen --quiet

demo: setup ## two clusters, two organisations, one network: A=<context> B=<context> for clusters of your own
	@$(RUN) archipelago demo $(if $(A),--a "$(A)") $(if $(B),--b "$(B)")

demo-down: setup ## end the demo: no process, no file is left
	@$(RUN) archipelago demo down

LAYERS := test-pure test-engine test-network

test: setup ## everything, with the time of each layer at the end
	@times=; all=$$SECONDS; \
	for layer in $(LAYERS); do \
	  began=$$SECONDS; $(MAKE) --no-print-directory $$layer; times+="$$(printf '%8d s  %s' $$((SECONDS - began)) $$layer)"$$'\n'; \
	done; \
	printf '\n%s%8d s  all, on %s cores; load %s\n' "$$times" $$((SECONDS - all)) "$$(nproc)" "$$(cut -d ' ' -f -3 /proc/loadavg)"

# mypy, which works for long in one process, leaves the other core to them
test-pure: setup ## what starts nothing: lint, and beside it unit, components and golden
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line lint in-turn

in-turn:
	@for layer in test-unit test-components test-golden; do $(MAKE) --no-print-directory $$layer; done

lint: setup ## ruff, mypy, the laws of the architecture, the workflows of CI
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m lab.workflows

test-unit: setup ## pure functions: vectors and properties
	@# one more than cores: stand-ins wait, and programs are started; each worker takes seconds to collect
	$(PYTEST) -m unit -n $$(($(WORKERS) + 1)) --dist worksteal tests/unit tests/cli

test-components: setup ## the real program under recording mocks
	$(PYTEST) -m components -n $(WORKERS) --dist worksteal tests/components

test-golden: setup ## rendered manifests against files
	$(PYTEST) -m golden -n $(WORKERS) --dist loadfile tests/golden

test-engine: setup ## the real pulumi, provider and API servers
	@# twice the workers: half of the time it waits for clusters; in the order of names, which puts long modules first
	$(PYTEST) -m "engine and not soak" -n $$((2 * $(WORKERS))) --dist loadfile --no-loadscope-reorder --durations=15 \
	  tests/engine

test-network: setup ## real nodes and real blocks: needs Linux and root
	@# twice the workers: a good part of the time they wait for blocks and kubelets; the longest modules begin
	$(PYTEST) -m "network and not alone and not soak" -n $$((2 * $(WORKERS))) --dist loadfile --no-loadscope-reorder \
	  --durations=15 $(addprefix tests/network/test_,ipfs_peers.py growing.py ipfs_swarm.py asked.py) tests/network
	$(PYTEST) -m "network and alone and not soak" tests/network

test-soak: setup ## what takes long and changes seldom, of engine and network; not part of `make test`
	$(PYTEST) -m soak -n $(WORKERS) --dist loadfile --durations=15 tests/engine
	$(PYTEST) -m "soak and not alone" -n $(WORKERS) --dist loadfile --durations=15 tests/network
	$(PYTEST) -m "soak and alone" --durations=15 tests/network

bench: setup ## ratios to a flat program, in one run
	$(RUN) python -m bench
