# `make` alone lists the targets.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
# The first form admits spaces in the path; the second serves `make -f /elsewhere/Makefile`.
ROOT := $(if $(wildcard config/embedded/bootstrap.py),$(CURDIR)/,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
IN_ROOT := cd '$(ROOT)' &&
PYTHON ?= $(shell command -v python3 || command -v python3.11 || command -v python || echo python3)
BOOTSTRAP := $(IN_ROOT) $(PYTHON) config/embedded/bootstrap.py
RUN := .venv/bin/python
EMBEDDED := $(RUN) -m config.embedded
WITH_SERVICES := $(EMBEDDED) exec --temporary --
# Whoever is done takes over tests of the others: the slow ones stand behind one another.
PYTEST := $(RUN) -m pytest -n 3 --dist worksteal -p tests.faults.counts
PRODUCTION := DJANGO_SETTINGS_MODULE=config.settings.production ALLOWED_HOSTS=readout.example \
	SECRET_KEY=check-only-0123456789-abcdefghij-ABCDEFGHIJ-klmnopqrst-KLMNOPQRST \
	MASTER_KEY=Y2hlY2stb25seS1jaGVjay1vbmx5LWNoZWNrLW9ubHk= \
	CSRF_TRUSTED_ORIGINS=https://readout.example
COMPILE := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header

.PHONY: help demo stop status bootstrap bootstrap-dev system-packages test test-security bench \
	test-faults check format bench-admin requirements messages clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' '$(ROOT)Makefile' | while IFS="$$(printf '\t')" \
	read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

demo: bootstrap ## install what is missing, start everything with a demo company
	@$(IN_ROOT) exec $(EMBEDDED) demo

stop: bootstrap ## stop the running copy
	@$(IN_ROOT) $(EMBEDDED) stop

status: bootstrap ## show what runs, one line a process
	@$(IN_ROOT) $(EMBEDDED) status

bootstrap: ## make or refresh .venv
	@$(BOOTSTRAP)

bootstrap-dev:
	@$(BOOTSTRAP) --dev

system-packages: bootstrap-dev ## browser and PDF libraries for the tests
	@$(IN_ROOT) $(RUN) -m config.embedded.system_packages

test: system-packages ## all tests, from nothing
	@$(IN_ROOT) $(WITH_SERVICES) $(PYTEST) -m 'not slow_security and not faults'

test-security: system-packages ## the long security tests
	@$(IN_ROOT) $(WITH_SERVICES) $(PYTEST) -m slow_security

test-faults: system-packages ## the long fault tests
	@$(IN_ROOT) $(WITH_SERVICES) $(PYTEST) -m faults

check: bootstrap-dev ## style, types, borders, templates, security, settings, migrations, sizes
	@$(IN_ROOT) $(RUN) -m ruff check .
	@$(IN_ROOT) $(RUN) -m ruff format --check --quiet .
	@$(IN_ROOT) $(RUN) -m mypy .
	@$(IN_ROOT) .venv/bin/lint-imports --no-logo
	@$(IN_ROOT) .venv/bin/djlint --quiet --lint templates
	@$(IN_ROOT) $(RUN) -m bandit --quiet -c pyproject.toml -r .
	@$(IN_ROOT) $(PRODUCTION) $(WITH_SERVICES) $(RUN) manage.py check --deploy --fail-level WARNING
	@$(IN_ROOT) $(WITH_SERVICES) $(RUN) manage.py makemigrations --check --dry-run
	@$(IN_ROOT) $(RUN) -m tests.conventions.sizes

format: bootstrap-dev ## put the code in its canonical form
	@$(IN_ROOT) $(RUN) -m ruff check --fix-only --quiet .
	@$(IN_ROOT) $(RUN) -m ruff format --quiet .

bench: bootstrap ## measure collection, archive and roll-ups
	@$(IN_ROOT) $(RUN) -m bench

bench-admin: bootstrap ## measure the admin on a large company
	@$(IN_ROOT) $(WITH_SERVICES) $(RUN) manage.py bench_admin

requirements: bootstrap-dev ## pin requirements*.in with hashes
	@$(IN_ROOT) $(COMPILE) -o requirements.txt requirements.in
	@$(IN_ROOT) $(COMPILE) -o requirements-dev.txt requirements-dev.in

messages: system-packages ## collect and compile the translations
	@$(IN_ROOT) $(RUN) manage.py makemessages --all --no-obsolete --no-location --no-wrap \
		--ignore '.venv/*' --ignore 'var/*' --ignore 'tests/*'
	@$(IN_ROOT) $(RUN) manage.py compilemessages --ignore '.venv'

clean: ## remove caches (not .venv, not data)
	@$(IN_ROOT) rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@$(IN_ROOT) find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
