# Innkeeper: every target needs only Python >= 3.11, make and a package index.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
LOCKED := requirements.lock
IMAGE_LOCKED := deploy/requirements.lock
export PYTHONHASHSEED ?= 0

.PHONY: install lock up demo-month test check soak bench vectors help

install: $(STAMP) ## make .venv from requirements.lock

$(STAMP): $(LOCKED) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Innkeeper needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' $(LOCKED) > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes $(LOCKED)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## remake both locks, with hashes: all there is, and what the image needs
	@test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	  --extra embedded --group test --group lint --group build --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file $(LOCKED) $(LOCKFLAGS)
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	  --constraint $(LOCKED) --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --output-file $(IMAGE_LOCKED) $(LOCKFLAGS)

up: install ## run the whole stack on this machine (Ctrl-C stops it)
	@exec $(BIN)/innkeeper up

demo-month: install ## one resident's month in skipped time, told line by line
	@exec $(BIN)/innkeeper demo-month

check: install ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports

test: check ## every check and test; the last line is pytest's summary
	@exec $(BIN)/python -m pytest

soak: install ## the long forms of the randomised tests and crash points
	@INNKEEPER_SOAK=1 exec $(BIN)/python -m pytest --timeout 3600

bench: install ## the benchmarks, or one of them: make bench [ONLY=name]
	@exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

vectors: install ## run a file of vectors through the product: make vectors FILE=...
	@test -n "$(FILE)" || { echo 'make vectors FILE=path/to/vectors.json' >&2; exit 2; }
	@exec $(BIN)/innkeeper vectors $(FILE)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
