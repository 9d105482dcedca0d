PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m deploy

# What was compiled once need not be again by each of the hundred processes of a test run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve test check order lint web web-check api-types api-reference lock bench bench-encode bench-search bench-live bench-edge bench-soak bench-all clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

serve: $(BIN)/.installed web ## Run everything on http://127.0.0.1:8080 (ARGS="--demo" for the demo city)
	@exec $(RUN) serve $(ARGS)

test: $(BIN)/.installed-dev web ## Run the whole test suite (what CI runs)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint web-check order ## Ruff, format, mypy, tsc, page budgets, order of dependence

order: $(BIN)/.installed-dev ## Order of dependence only
	$(BIN)/python -m pytest tests/architecture

lint: $(BIN)/.installed-dev ## Ruff, format and mypy only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

web: $(BIN)/.installed ## Build the pages when their sources changed
	@$(BIN)/python -m deploy.web_build

api-types: $(BIN)/.installed ## Make the pages' types anew from the API's endpoints
	@$(BIN)/python -m deploy.api_types

api-reference: $(BIN)/.installed ## Make docs/api.md anew from the API's endpoints
	@$(BIN)/python -m deploy.api_reference

web-check: $(BIN)/.installed-dev web ## Types, unit tests and size budgets of the pages
	@$(BIN)/python -m deploy.web_build --check

bench: $(BIN)/.installed-dev web ## Eight o'clock, pairs, one to all, an evening; the city by a model; ratios against the baseline (DAY="--pairs 8")
	$(BIN)/python -m loadtests.city_storm --figures build/city.json $(ARGS)
	$(BIN)/python -m loadtests.city_day --figures build/city.json $(DAY)
	$(BIN)/python -m loadtests.city_report build/city.json build/city.html

bench-encode: $(BIN)/.installed-dev ## CPU, bytes and quality against other services' encoder settings
	$(BIN)/python -m loadtests.encode_bench --plot docs/vmaf.svg $(ARGS)

bench-search: $(BIN)/.installed-dev web ## Search among 4 million lessons (ARGS="--lessons 100000" for fewer)
	$(BIN)/python -m loadtests.search_bench $(ARGS)

bench-live: $(BIN)/.installed-dev web ## Live: glass to glass, skew of four browsers, the floor, troubles, viewers per core
	$(BIN)/python -m loadtests.live_glass
	$(BIN)/python -m loadtests.live_skew
	$(BIN)/python -m loadtests.live_floor
	$(BIN)/python -m loadtests.live_trouble
	$(BIN)/python -m loadtests.live_loss
	$(BIN)/python -m loadtests.live_obs
	$(BIN)/python -m loadtests.live_fanout --viewers 600 --most 12800
	$(BIN)/python -m loadtests.live_beside
	$(BIN)/python -m loadtests.live_sessions

bench-edge: $(BIN)/.installed-dev web ## A school's thin line behind our box, nginx, Varnish; rooms in step; a week; as root (ARGS="--scenarios S2")
	$(BIN)/python -m loadtests.edge_bench $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m loadtests.edge_rooms)
	$(if $(ARGS),,$(BIN)/python -m loadtests.edge_week)

bench-soak: $(BIN)/.installed-dev web ## 20 minutes of joins, drops, uploads and kills: no leak, every book balances (ARGS="--minutes 2")
	$(BIN)/python -m loadtests.soak $(ARGS)

bench-all: $(BIN)/.installed-dev web ## Most figures of docs/figures.md, one after the other (two and a half hours)
	$(BIN)/python -m loadtests.first_frame_bench
	$(BIN)/python -m loadtests.encode_bench --plot docs/vmaf.svg
	$(BIN)/python -m loadtests.backlog_bench
	$(BIN)/python -m loadtests.upload_memory
	$(BIN)/python -m loadtests.pages_bench
	$(BIN)/python -m loadtests.store_bench
	$(BIN)/python -m loadtests.hot_bench
	$(BIN)/python -m loadtests.hot_bench --tls
	$(MAKE) bench-search
	$(MAKE) bench-live
	$(MAKE) bench-edge
	$(MAKE) bench
	$(MAKE) bench-soak

lock: $(BIN)/.installed-dev ## Make the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements-dev.lock

clean: ## Remove what was installed and built here
	rm -rf $(VENV) catalog/web/node_modules catalog/web/dist .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tongbu needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "This Python cannot make virtual environments: install its venv package (Debian, Ubuntu: python3-venv)"; exit 2; }

$(BIN)/.installed: requirements.lock | $(BIN)/python
	@echo "Installing what Tongbu needs (about 300 MB, once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(BIN)/.installed-dev: requirements-dev.lock | $(BIN)/.installed
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
