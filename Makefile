# Everything a newcomer needs is in two of these: make run, make test.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
export PORT
BIN := .venv/bin
NEEDS := deploy/needs.sh

.PHONY: help run demo test test-quick test-full check format screenshots print-samples icons bench lock vendor

help: ## Say what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/run: requirements.txt
	@sh $(NEEDS) python $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@sh $(NEEDS) pdf $(BIN)/python
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt
	@sh $(NEEDS) python $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run

run: .venv/run ## Set everything up and run the journal on http://localhost:8000
	@MALLOC_ARENA_MAX=2 exec $(BIN)/python deploy/run.py

demo: .venv/run ## Fill a believable clinic and say who can sign in
	@$(BIN)/flask --app wsgi db upgrade
	@$(BIN)/flask --app wsgi demo

test: .venv/dev ## Run the whole suite, on SQLite and on PostgreSQL, in a real browser
	@sh $(NEEDS) test $(BIN)/python
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest --database=sqlite
	@$(BIN)/pytest --database=postgresql

test-quick: .venv/dev ## Run what takes under a minute: no browser, no killed servers, SQLite only
	@$(BIN)/pytest --database=sqlite -m "not browser and not slow and not long"

test-full: .venv/dev ## Run the suite with the long loops at their full length
	@sh $(NEEDS) test $(BIN)/python
	@FULL=1 $(BIN)/pytest --database=sqlite
	@FULL=1 $(BIN)/pytest --database=postgresql

check: .venv/dev ## Check format, lint and types
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/djlint templates --lint --quiet

format: .venv/dev ## Put the code into its format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

screenshots: .venv/dev ## Take pictures of every page into ../journal-screenshots (SCREENSHOTS changes where)
	@sh $(NEEDS) test $(BIN)/python
	@$(BIN)/python -m tests.browser.screenshots

print-samples: .venv/dev ## Draw the demo's summaries as PDFs and pictures, in grey too, outside the repository
	@$(BIN)/python -m tests.summaries.draw

icons: .venv/dev ## Draw the icons of the home screen again, from the mark
	@sh $(NEEDS) test $(BIN)/python
	@$(BIN)/python -m tests.browser.icons

bench: .venv/dev ## Measure against the bare floor, on both databases, then on a slow phone (Lighthouse needs Node)
	@sh $(NEEDS) test $(BIN)/python
	@$(BIN)/python -m tests.bench.run

lock: ## Lock the dependencies again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.txt

vendor: ## Fetch Chart.js and axe-core again, checked by hash (needs npm)
	@sh deploy/vendor.sh
