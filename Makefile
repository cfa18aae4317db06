# The commands of the project; `make help` lists them.
SHELL := /bin/sh
VENV := .venv/bin

# The newest Python that the pinned packages are tested with; PYTHON=... overrides.
ifndef PYTHON
PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
	done; echo python3)
endif

.DEFAULT_GOAL := help
.PHONY: help run serve dev test screenshots faults check messages bench soak curves speed lock sbom audit clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

run: ## Start the portal with demo data on http://localhost:3000 (PORT=8080 make run: elsewhere)
	@$(PYTHON) payments_app/cli/bootstrap.py run
	@$(VENV)/python -m payments_app.cli.run

serve: ## Serve what is built and migrated, for real or again: ready in some seconds
	@$(VENV)/python -m payments_app.cli.serve

dev: ## The same with hot reload: every saved change rebuilds and restarts
	@$(PYTHON) payments_app/cli/bootstrap.py run
	@$(VENV)/python -m payments_app.cli.dev

test: ## Run every test, browser included
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.browser.chromium
	@# The front end is built beside the first tests, which need none; it goes first, since its tools
	@# give up a page that takes them ten seconds. What the tests of a file share is dear to start: one
	@# worker runs them all. On two cores a third one works while others wait.
	@$(VENV)/python -m payments_app.cli.build >/dev/null 2>&1 & \
		nice $(VENV)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

screenshots: ## Take the pictures of every page anew (SCENES="payments login": only these)
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.browser.chromium
	@$(VENV)/python -m tests.browser.screens $(SCENES)

faults: ## Make payments while everything fails, then compare the books (SEED=1 PAYMENTS=3000)
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.faults --seed $(or $(SEED),1) --payments $(or $(PAYMENTS),3000) \
		--database $(or $(DATABASE),sqlite)

check: ## Check format, lint and types
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy

messages: ## Bring the catalogues of words up to date with the sources; new words stay empty
	@$(VENV)/python -m payments_app.cli.messages

bench: ## Measure at a million payments, next to the machine's limits (JOB=csv: one job alone)
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.bench $(JOB)

soak: ## Open and close 1,000 sessions and send a day's traffic in ten minutes; memory must not grow
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.bench.soak

curves: ## Measure at 1,000 to 1,000,000 payments and draw docs/curves
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.bench.curves

speed: ## Measure the first page in Chromium, at a desk and over slow 4G
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m tests.browser.chromium
	@$(VENV)/python -m tests.browser.speed

lock: ## Write requirements*.txt anew, with hashes, after a change of requirements*.in
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@for file in requirements requirements-dev; do \
		$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-strip-extras \
			--output-file $$file.txt $$file.in || exit; done
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m payments_app.cli.licences

sbom: ## Write the software bill of materials, sbom.cdx.json (CycloneDX)
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m payments_app.cli.sbom

audit: ## Ask whether an advisory is known against a pinned package (needs the registries)
	@$(PYTHON) payments_app/cli/bootstrap.py dev
	@$(VENV)/python -m payments_app.cli.advisories

clean: ## Remove everything that the commands made, except the data in var/
	rm -rf .venv .web .build .states .pytest_cache .mypy_cache .ruff_cache .hypothesis
