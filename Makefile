# The two commands: `make run` and `make test`. Both do all of their own set-up, and only what is missing.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Only what was asked for is passed on, so that `.env` and the environment keep their say.
ifdef DATA
export FOOTNOTE_DATA_DIR := $(DATA)
endif
ifdef PORT
export FOOTNOTE_SERVER__PORT := $(PORT)
endif
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: run setup test test-frontend lint format bench bench-ingest bench-stream faults browser clean

run: setup ## Serve the sample content (or what has been ingested) on http://127.0.0.1:8000; PORT= and DATA= choose others
	@exec $(BIN)/footnote serve --sample

setup: $(VENV)/.installed frontend/dist/.built ## Only the set-up

test: $(VENV)/.installed-dev frontend/dist/.built browser ## Lint, Python, front-end and browser tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint test-frontend
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-frontend: frontend/node_modules/.installed
	cd frontend && npm test

lint: $(VENV)/.installed-dev frontend/node_modules/.installed ## ruff, mypy, import-linter, eslint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy scripts/*.py
	$(BIN)/lint-imports
	cd frontend && npm run lint

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Speed as ratios, in one run
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_sources

bench-stream: $(VENV)/.installed-dev ## Streams against a bare one, at 1 to 256 readers, in some 5 minutes
	$(BIN)/python -m tests.bench_stream

bench-ingest: $(VENV)/.installed-dev ## An ingestion against the bare encoder, its stages and its memory, in some 10 minutes
	$(BIN)/python -m tests.bench_ingest

faults: $(VENV)/.installed-dev frontend/dist/.built ## Kill the service and its engines again and again; ROUNDS= says how often (default 10)
	FOOTNOTE_TEST_ROUNDS=$(or $(ROUNDS),10) $(BIN)/pytest tests/faults

browser: ## Chromium for the browser tests, by the system's package manager
	@scripts/ensure_browser.sh

clean: ## What `make` made; data stays
	rm -rf $(VENV) frontend/node_modules frontend/dist

$(VENV)/.installed: pyproject.toml
	@scripts/ensure_python.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check "torch==2.13.0"
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

frontend/node_modules/.installed: frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/.built: frontend/node_modules/.installed $(FRONTEND)
	cd frontend && npm run build
	@touch $@
