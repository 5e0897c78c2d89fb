# The commands. Each makes what it needs; nothing has to be installed by hand but Python >= 3.11, its venv module,
# make and git.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	&& echo $$name && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
export PIP_ROOT_USER_ACTION := ignore
unexport PYTHONDONTWRITEBYTECODE  # images set it: each of our processes would compile all of us again
JOBS ?= 2

.PHONY: help run test mutants chaos linktest check bench bench-scale assets clean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: .venv/.ready assets ## start everything on embedded parts under ./var, with a demo district
	@JAWAB_MODE=$${JAWAB_MODE:-demo} exec $(BIN)/jawab up

test: check ## run check, then every test on real parts
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

mutants: .venv/.ready-dev ## take each important line away and see a test fail; TENTH=today (or 0 to 9): a tenth of them
	@$(BIN)/python -m tests.mutants.run --jobs $(JOBS) $(if $(TENTH),--tenth $(TENTH))

chaos: .venv/.ready-dev assets ## close the provider's port for ten minutes, then kill every part for seven, under load; SHORT=1, SEED=, RATE=
	@$(BIN)/python -m tests.chaos $(if $(SHORT),--short) $(if $(SEED),--seed $(SEED)) $(if $(RATE),--rate $(RATE))

linktest: .venv/.ready-dev ## 2,000 messages of 500 phones, 100 sealed reports: who has disk, log, dump and keys a day later ties none
	@WHOLE=1 $(BIN)/python -m pytest -q -s tests/custody

check: .venv/.ready-dev assets ## lint, types, import contracts, flows and texts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }
	@$(BIN)/jawab flows check
	@$(BIN)/jawab texts check

bench: .venv/.ready-dev ## measure a step beside other state machines, turns and replies against the bare limit, in this run
	@$(BIN)/python -m bench.step
	@$(BIN)/python -m bench

bench-scale: .venv/.ready-dev ## seed 10,000, 100,000 and 1,000,000 cases and measure pages, jobs and statements over them
	@$(BIN)/python -m bench.scale

assets: .venv/.ready ## fonts and htmx by npm ci; without them pages use system fonts and no JavaScript
	@$(BIN)/python -m house.assets

.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "jawab: Python 3.11 to 3.13 is needed (Debian and Ubuntu: python3 and python3-venv)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "jawab: the venv module is missing (Debian and Ubuntu: apt install python3-venv)"; rm -rf .venv; exit 2; }
	@echo "installing (once) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

clean: ## remove the environment and caches; ./var, which holds the data, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache pages/static/vendor
