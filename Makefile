# Heyday. `make` alone lists what it can do.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
HEYDAY := $(BIN)/heyday
# What is installed, as files: make compares their age with that of the lock files.
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
CODE := src tests benchmarks docs_site
# Three processes for two cores, as many tests wait; each with a PostgreSQL server of its own.
# The slowest are named at the end.
TESTERS ?= $(shell $(BIN)/python -c \
  'import psutil; cores = psutil.cpu_count(logical=False) or 1; print(cores + (cores + 1) // 2)')
PYTEST = $(BIN)/python -m pytest -q -n $(TESTERS) --dist worksteal --durations=20 --durations-min=10
# What docker-compose.yml asks for.
SECRETS := DATABASE_PASSWORD RABBITMQ_PASSWORD REDIS_PASSWORD PGADMIN_PASSWORD GRAFANA_PASSWORD
# The PostgreSQL servers of this machine that the database tests run on, besides the embedded one.
SERVERS := $(wildcard /usr/lib/postgresql/1[5-8]/bin)

# What would send packages elsewhere than .venv, or take modules from elsewhere.
unexport PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_HASHES PYTHONPATH PYTHONHOME

# A .venv that was moved with its folder, or whose Python was replaced, is built anew.
HERE := $(shell $(BIN)/python -I -c 'import heyday; print(*heyday.__path__)' 2>/dev/null)
ifneq ($(HERE),$(CURDIR)/src/heyday)
STALE := stale
endif

.PHONY: help stale
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# --- Install and run -------------------------------------------------------------------------

.PHONY: setup install run dev
setup: ## Write random passwords into .env where they are missing; then install
	@umask 077; touch .env; chmod 600 .env; test -z "$$(tail -c 1 .env)" || echo >> .env; \
	for name in $(SECRETS); do grep -q "^$$name=." .env || \
	  echo "$$name=$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> .env; done
	@echo "The passwords of docker-compose.yml are in .env, which only you can read."
	@$(MAKE) install

install: $(RUN) ## Create .venv with Heyday and what it needs to run
	@echo "Heyday is in .venv. Start it: make run"

run: $(RUN) ## Start everything: database, API, schedulers, worker, people to look at
	@exec $(HEYDAY) up

dev: $(RUN) ## The same with every log line, SQL statements included
	@HEYDAY_LOG_LEVEL=debug HEYDAY_LOG_SQL=true exec $(HEYDAY) up

$(RUN): requirements.lock pyproject.toml $(STALE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Heyday needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	@echo "Installing Heyday into .venv (this once, half a minute or so)"
	@$(PYTHON) -m venv $(if $(STALE),--clear) .venv
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@echo "Installing what tests and checks need"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

.PHONY: traces
traces: $(RUN) ## Install what tells a collector of spans, for HEYDAY_TRACES_URL
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-traces.lock
	@echo "Spans can be told now: set HEYDAY_TRACES_URL (docs/telemetry.md)"

# --- Test and check --------------------------------------------------------------------------

.PHONY: test test-bare check lint format types floors size secrets audit api-fuzz
test: $(DEV) ## Run every test, on each PostgreSQL found here, coverage of the core >= 95 %; or TESTS=...
ifdef TESTS
	@$(PYTEST) $(TESTS)
else
	@$(PYTEST) --cov --cov-report=
	@$(BIN)/python -m coverage report --fail-under=95 \
	  --include='src/heyday/domain/*,src/heyday/services/*'
	@for bin in $(SERVERS); do \
	  echo "The database tests again, on $$($$bin/postgres --version)"; \
	  HEYDAY_TEST_PG_BIN=$$bin $(PYTEST) tests/integration/db || exit 1; done
	@$(if $(SERVERS),:,echo "No other PostgreSQL here: tested on the embedded one alone")
endif

check: lint types floors size secrets audit ## Check format, lint, types, floors, sizes, secrets, known holes

lint: $(DEV) ## Check format and lint rules (ruff)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)

types: $(DEV) ## Check types (mypy, strict)
	@$(BIN)/mypy $(CODE)

floors: $(DEV) ## Check that modules import downwards only (import-linter)
	@$(BIN)/lint-imports

size: $(DEV) ## Check sizes, names and the shape of the test folder
	@$(BIN)/python -m pytest -q tests/architecture

secrets: $(DEV) ## Look for passwords and keys in what is or may be committed (detect-secrets)
	@.ci/secrets

audit: $(DEV) ## Look for known holes in what is installed (pip-audit); says so if it could not look
	@$(BIN)/python -m tests.audit requirements-dev.lock

test-bare: ## Try `make run` and `make test` on a bare Debian (BARE="--tests short"); says so if it could not
	@$(PYTHON) -m tests.bare $(BARE) || test $$? = 77

api-fuzz: $(DEV) ## Ask the API over 20,000 times what it must refuse, or answer as described
	@$(BIN)/python -m tests.fuzz

.PHONY: bench
bench: $(DEV) ## Run all benchmarks, most of a night, or ONLY=name,...; writes docs/performance.md
	@$(BIN)/python -m benchmarks.suite $(if $(ONLY),--only $(ONLY)) $(if $(RESUME),--resume)
	@$(if $(ONLY),:,$(MAKE) bench-peers)

.PHONY: bench-transports
bench-transports: $(DEV) ## Compare PostgreSQL and RabbitMQ as the transport, half an hour; writes docs/transports.md
	@$(BIN)/python -m benchmarks.transports

.PHONY: bench-caching
bench-caching: $(DEV) ## Measure what a cache in Redis would save; writes docs/performance.md
	@$(BIN)/python -m benchmarks.caching

.PHONY: bench-api
bench-api: $(DEV) ## Compare the API with a bare service that does the same SQL; writes docs/performance.md
	@$(BIN)/python -m benchmarks.api

.PHONY: bench-dashboard
bench-dashboard: $(DEV) ## Measure every page with ten million people, an hour; writes docs/performance.md
	@$(BIN)/python -m benchmarks.dashboard

.PHONY: bench-scale
bench-scale: $(DEV) ## Reckon what up to a billion people take, from measured costs; writes docs/scale.md
	@$(BIN)/python -m benchmarks.scale

.PHONY: bench-peers bench-limit
PEERS := .venv-peers/.installed
PEERS_LOCK := benchmarks/peers/requirements.lock
$(PEERS): $(PEERS_LOCK)
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes \
	  --only-binary :all: -r $<
	@touch $@

bench-peers: $(DEV) $(PEERS) ## Compare with Celery, Dramatiq, Procrastinate, PgQueuer, over an hour; writes docs/performance.md
	@$(BIN)/python -m benchmarks.peers $(if $(RESUME),--resume)

bench-limit: $(DEV) $(PEERS) ## Show what stops Heyday at that rate, twenty minutes; writes docs/performance.md
	@$(BIN)/python -m benchmarks.peers.limit

.PHONY: chaos chaos-short
chaos: $(DEV) ## Break everything around Heyday, over and over; writes docs/chaos.json
	@$(BIN)/python -m tests.chaos --publish

chaos-short: $(DEV) ## The same, each fault a few times: some 5 minutes
	@$(BIN)/python -m tests.chaos --short

.PHONY: drill-upgrade
drill-upgrade: $(DEV) ## Upgrade from the release before under load: nothing may fail, be lost, or come twice
	@$(BIN)/python -m tests.drills.upgrade

.PHONY: drill-restore
drill-restore: $(DEV) ## Restore the database behind 10,000 greetings (MINUTES=60 lost), and count letters
	@$(BIN)/python -m tests.drills.restore $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: drill-outage drill-outage-short
drill-outage: $(DEV) ## Live through an outage by docs/runbook.md, 70 minutes; writes docs/outage.json
	@$(BIN)/python -m tests.drills.outage --publish

drill-outage-short: $(DEV) ## The same, with alerts that are faster: some 8 minutes
	@$(BIN)/python -m tests.drills.outage --short

.PHONY: model
model: $(DEV) ## Run the state machine of delivery, 500 times 100 steps from a new seed
	@$(BIN)/python -m tests.model --examples 500 --steps 100

.PHONY: client
CLIENT := .venv-client
client: $(DEV) ## Make a client from the description of the API, and call the API with it
	@test -e $(CLIENT)/.installed -a $(CLIENT)/.installed -nt requirements-client.lock || { \
	  $(PYTHON) -m venv --clear $(CLIENT) && $(CLIENT)/bin/python -m pip install --quiet \
	  --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r requirements-client.lock && touch $(CLIENT)/.installed; }
	@HEYDAY_TEST_CLIENT=$(CLIENT) $(BIN)/python -m pytest -q tests/docs/test_generated_client.py

.PHONY: pictures
pictures: $(DEV) ## Take the pictures of the pages of docs anew, with Chromium
	@$(BIN)/python -m tests.docs.pictures
	@$(BIN)/python -m pytest -q $(addprefix tests/browser/test_,today.py calendar.py people.py messages.py)
	@for name in today calendar person message-unknown; do \
	  cp .artefacts/screenshots/$$name-light-1440.png docs/dashboard-$${name%-unknown}.png; done
	@cp .artefacts/screenshots/today-dark-390.png docs/dashboard-phone.png

.PHONY: docs docs-serve
docs: $(DEV) ## Build the site of the documentation into .artefacts/site; a broken link is an error
	@$(BIN)/python -m mkdocs build --strict
	@echo "The documentation is in .artefacts/site. Read it with its search: make docs-serve"

docs-serve: $(DEV) ## Show that site at http://127.0.0.1:8001/, anew after each change
	@exec $(BIN)/python -m mkdocs serve --strict --dev-addr 127.0.0.1:8001

.PHONY: mutants
mutants: $(DEV) ## Take the guards of delivery away one by one: a test must fail for each
	@$(BIN)/python -m tests.mutation

.PHONY: simulate
YEAR := simulate --from 2027-01-01 --to 2027-12-31
simulate: $(RUN) ## Live through 2027 and 2028 in every zone, and through each fault
	@$(HEYDAY) $(YEAR)
	@$(HEYDAY) simulate --from 2028-01-01 --to 2028-12-31
	@$(HEYDAY) $(YEAR) --outage 2027-03-14T06:00:00Z/24h
	@$(HEYDAY) $(YEAR) --kill-planners
	@$(HEYDAY) $(YEAR) --tz-update 2027-06-15 \
	  --tzdata-before tests/data/tzdata-2025.2-py2.py3-none-any.whl

format: $(DEV) ## Rewrite the code in the house format
	@$(BIN)/ruff check --fix --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)

# --- Database --------------------------------------------------------------------------------

.PHONY: db-generate db-migrate db-push db-seed db-reset db-studio
db-migrate: $(RUN) ## Bring the database up to date: migrations and partitions
	@$(HEYDAY) db migrate

db-seed: $(RUN) ## Fill the database with 100 people and messages in every state
	@$(HEYDAY) db seed

db-generate: $(RUN) ## Write a migration from db/schema.py: make db-generate MESSAGE="add ..."
	@test -n "$$MESSAGE" || { \
	  echo 'Say what the migration does: make db-generate MESSAGE="add a column"' >&2; exit 1; }
	@$(HEYDAY) db generate "$$MESSAGE"

db-push: $(RUN) ## Create missing tables without a migration (development)
	@$(HEYDAY) db push

db-reset: $(RUN) ## Throw all data away and migrate anew (5 s to change your mind)
	@$(HEYDAY) db reset

db-studio: $(RUN) ## Look at the data in psql
	@$(HEYDAY) db studio

# --- Docker ----------------------------------------------------------------------------------

.PHONY: _engine image docker-up docker-down docker-logs
# The one place that says it, as pyproject.toml and Heyday itself read it.
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' src/heyday/__init__.py)
REVISION = $(shell git rev-parse HEAD 2>/dev/null)

_engine:
	@command -v docker >/dev/null || { \
	  echo "Docker is not on this machine. Install Docker Engine and its Compose plugin, or run" >&2; \
	  echo "Heyday without them: make run" >&2; exit 1; }
	@docker compose version >/dev/null 2>&1 || { \
	  echo "Docker has no Compose plugin here. On Debian and Ubuntu with Docker's own packages:" >&2; \
	  echo "apt install docker-compose-plugin" >&2; exit 1; }
	@docker info >/dev/null 2>&1 || { \
	  echo "No Docker engine answers. Start it: systemctl start docker, or Docker Desktop. If it" >&2; \
	  echo "runs, this user may not use it; docker info says why." >&2; exit 1; }

image: _engine ## Build the image heyday:local, which says its version and commit
	@docker build --tag heyday:local --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(REVISION) .

docker-up: _engine ## Build the image, start PostgreSQL, RabbitMQ, Redis, PgAdmin and Heyday
	@VERSION=$(VERSION) REVISION=$(REVISION) docker compose up --build --detach --wait

docker-down: _engine ## Stop them all; the data stay
	@docker compose down

docker-logs: _engine ## Follow their logs
	@docker compose logs --follow --tail=100

# --- Release ---------------------------------------------------------------------------------

# The libraries that build are those of the lock file, and the wheel is built out of the sdist.
.PHONY: dist test-wheel check-release
dist: $(DEV) ## Build sdist and wheel into dist/: from the same files the same bytes
	@rm -rf dist
	@$(BIN)/uv build --no-config --offline --no-build-isolation --quiet --python $(BIN)/python

test-wheel: dist ## Install the wheel away from here, by the lock file, and try it there
	@HEYDAY_TEST_WHEEL=dist $(BIN)/python -m pytest -q tests/wheel

check-release: $(DEV) ## Check that version and changelog are those of a tag: make check-release TAG=v0.1.0
	@test -n "$$TAG" || { echo 'Say which: make check-release TAG=v0.1.0' >&2; exit 1; }
	@HEYDAY_TEST_TAG="$$TAG" $(BIN)/python -m pytest -q tests/docs/test_changelog.py

# --- Housekeeping ----------------------------------------------------------------------------

# uv's own settings of this machine would leak into the files; hashes of all platforms' wheels.
# Extras stay: pip takes `coverage[toml]` for a requirement of its own, which needs its own pin.
LOCK := env -u UV_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --no-config --quiet \
  --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --group build

.PHONY: lock clean
lock: $(DEV) ## Resolve the newest allowed libraries into the lock files
	@$(LOCK) --upgrade -o requirements.lock
	@$(LOCK) --upgrade --extra traces -c requirements.lock -o requirements-traces.lock
	@$(LOCK) --upgrade --extra traces --group dev -c requirements-traces.lock -o requirements-dev.lock
	@$(filter-out pyproject.toml --group build,$(LOCK)) --upgrade --group client \
	  -o requirements-client.lock
	@$(filter-out pyproject.toml --group build,$(LOCK)) --upgrade --group peers -o $(PEERS_LOCK)

clean: ## Remove .venv and every cache; your data in .heyday stays
	@rm -rf .venv .venv-client .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache .coverage .artefacts htmlcov build dist
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
