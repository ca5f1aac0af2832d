# tuiconsole: one command for each thing. Every command that needs .venv makes it first.
#
#   make run ARGS="--feed replay"     arguments for the console
#   make test ARGS="-k ledger"        arguments for pytest
#   make PYTHON=python3.12 install    another interpreter

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
CODE := $(wildcard src tests tools benchmarks)

.DEFAULT_GOAL := help
.PHONY: help install run test check format format-check lint types contracts dead-code bans shape bench soak clean distclean

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: ## Make .venv with everything in it (quick when nothing changed)
	@PYTHON="$(PYTHON)" sh tools/install.sh

run: install ## Open the console
	@$(BIN)/tuiconsole $(ARGS)

test: install ## Run the tests
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: format-check lint types contracts dead-code bans shape ## Check format, lint, types, imports, dead code, bans and shape
	@echo "check: all is well."

format: install ## Put the code in the house format
	@$(BIN)/ruff check --quiet --select I --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

format-check: install
	@echo "check: format"
	@$(BIN)/ruff format --check $(CODE) || { echo "check: the format differs; make format mends it." >&2; exit 1; }

lint: install
	@echo "check: lint"
	@$(BIN)/ruff check --quiet $(CODE) || { echo "check: ruff found the above." >&2; exit 1; }

types: install
	@echo "check: types"
	@$(BIN)/mypy --no-error-summary || { echo "check: mypy found the above." >&2; exit 1; }

contracts: install
	@echo "check: import contracts"
	@report=$$($(BIN)/lint-imports --no-cache 2>&1) || { printf '%s\n' "$$report" >&2; \
		echo "check: a room imports what the room table in pyproject.toml does not allow." >&2; exit 1; }

dead-code: install
	@echo "check: dead code"
	@$(BIN)/vulture $(CODE) || { echo "check: nothing uses the above; remove it." >&2; exit 1; }

bans: install
	@echo "check: bans"
	@$(BIN)/python tools/check_bans.py || { echo "check: the above is banned; each line says what to use." >&2; exit 1; }

shape: install
	@echo "check: shape"
	@$(BIN)/python tools/check_shape.py || { echo "check: the above is too long, or says nothing of itself." >&2; exit 1; }

bench: install ## Measure, and print ratios against peers
	@$(BIN)/python benchmarks/run.py $(ARGS)

soak: install ## Every proof at full size: lost power, kills, faults, tampering; long runs
	@$(BIN)/python benchmarks/soak.py $(ARGS)

clean: ## Remove caches and build outputs; .venv and state stay
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage snapshot_report.html
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove .venv too
	@rm -rf .venv
