# Chargehand. `make help` lists what there is. Nothing is assumed but make and a Python from 3.11 to 3.14.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run setup test check lint fmt types floors locks lock audit docs docs-check bench migration css clean \
  model model-setup model-test

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=
# Tests wait more than they work (sockets, clocks, browsers): three for two cores, at most eight.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) \* 3 / 2)

##@ Use
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/runtime ## the assistant with a simulated charging network; nothing to configure
	@exec $(BIN)/chargehand demo $(ARGS)

run: .venv/runtime ## the assistant, with the settings of .env
	@exec $(BIN)/chargehand run $(ARGS)

setup: .venv/runtime ## only the set-up: .venv/ with the locked packages

##@ Work on it
test: .venv/development ## all tests, on SQLite and on a PostgreSQL that pip brings
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist loadgroup $(ARGS)

check: locks lint types floors docs-check audit test ## everything that CI runs, but the tests of `model-test`

lint: .venv/development ## ruff: rules and format
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && echo "lint: clean"

fmt: .venv/development ## format, and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

types: .venv/development ## mypy --strict
	@$(BIN)/mypy

floors: .venv/development ## who may import whom
	@$(BIN)/lint-imports --no-logo

locks: .venv/development ## whether the locks still fit pyproject.toml (no network)
	@$(BIN)/python .ci/lock.py --check

lock: .venv/development ## make the hashed locks again; ARGS=--upgrade takes newer versions
	@$(BIN)/python .ci/lock.py $(ARGS)

audit: .venv/development ## the locked packages against the public advisories
	@$(BIN)/python .ci/audit.py

docs: .venv/runtime ## write the generated pages again: .env.example, docs/settings, command-line, commands, roles
	@$(BIN)/python .ci/docs.py

docs-check: .venv/runtime ## whether the generated pages are fresh
	@$(BIN)/python .ci/docs.py --check

bench: .venv/development ## figures beside their limits
	@$(BIN)/python -m benchmarks $(ARGS)

migration: .venv/runtime ## a new schema revision from the tables: make migration M="tickets have a colour"
	@$(BIN)/python -m migrations.new "$(M)"

model: .venv/runtime model-setup ## for a release: the encoder from pinned weights, then the shipped model; an hour on two cores
	@.venv-model/bin/python -m classifiers.workshop $(ARGS)
	@$(BIN)/chargehand train --data classifiers/data/messages.jsonl --test classifiers/data/frozen.jsonl --out 'classifiers/artefacts/chargehand@2'

model-setup: .venv/bin/python ## .venv-model/: transformers and CPU torch, for tests/model and for other brains
	@$(BIN)/python .ci/model.py setup

model-test: .venv/bin/python ## the tests that need transformers and torch, in .venv-model/
	@$(BIN)/python .ci/model.py test $(ARGS)

css: .venv/styles/node_modules ## build the console's style sheet (needs node; the built file is committed)
	@here=$$(mktemp -d) && trap 'rm -rf "$$here"' EXIT && mkdir "$$here/styles" "$$here/static" && \
	  cp console/styles/console.css "$$here/styles/" && cp -R console/templates "$$here/templates" && \
	  cp console/static/*.js "$$here/static/" && ln -s "$$PWD/.venv/styles/node_modules" "$$here/node_modules" && \
	  (cd "$$here" && node node_modules/@tailwindcss/cli/dist/index.mjs -i styles/console.css -o out.css --minify >/dev/null 2>"$$here/said" || { cat "$$here/said" >&2; exit 1; }) && \
	  cp "$$here/out.css" console/static/console.css && \
	  echo "console/static/console.css: $$(gzip -c console/static/console.css | wc -c) bytes gzipped"

clean: ## remove .venv/, .venv-model/ and caches; var/ with your data stays
	@rm -rf .venv .venv-model .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/styles/node_modules: console/styles/package-lock.json
	@mkdir -p .venv/styles && cp console/styles/package.json console/styles/package-lock.json console/styles/.npmrc .venv/styles/
	@cd .venv/styles && npm install --no-save --silent --ignore-scripts
	@touch $@

# Set-up ------------------------------------------------------------------------------------------------------------
# The first Python that works is taken; a name that is there but does not run (a version manager's) is passed over.
.venv/bin/python:
	@found=""; \
	for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
	  if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1; then \
	    found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Chargehand needs Python 3.11, 3.12, 3.13 or 3.14, and none was found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	if ! $$found -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	  if command -v apt-get >/dev/null 2>&1; then mend="sudo apt-get install -y python$$version-venv"; \
	  elif command -v dnf >/dev/null 2>&1; then mend="sudo dnf install -y python$$version"; \
	  else mend="install the venv and ensurepip modules of Python $$version"; fi; \
	  echo "Python $$version here lacks the venv module. Mend it with: $$mend" >&2; exit 1; fi; \
	echo "Setting up .venv with Python $$version (once; a minute or two)"; \
	rm -rf .venv && $$found -m venv .venv

.venv/runtime: .venv/bin/python requirements.txt pyproject.toml
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	@echo "Installing what the tests need"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
