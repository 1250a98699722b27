# The two commands are `make demo` and `make test`; `make help` lists the rest.
# What is already there is not fetched or installed again, so a repeat is quick.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
# pytest processes
JOBS ?= 2
# Debian's kernel source, and where the tests find it unpacked
ARCHIVE := /usr/src/linux-source-6.12.tar.xz
UNPACKED := $(if $(REVIEWBOT_LINUX),,var/linux/.unpacked)
REVIEWBOT_LINUX ?= $(CURDIR)/var/linux/linux-source-6.12
export REVIEWBOT_LINUX

# Debian 12 packages. The kernel source is the tree of the demonstration; the compiler and the tools below it build it.
PACKAGES := ca-certificates git python3 python3-venv \
	linux-source-6.12 gcc-aarch64-linux-gnu gcc make bc bison flex libssl-dev libelf-dev xz-utils \
	bubblewrap ccache redis-server
# Only the tests use these: a browser, a list archive, a database server.
TEST_PACKAGES := $(PACKAGES) chromium public-inbox postgresql

# Installs the packages of a list that are missing; an ordinary user gets the command to run instead.
define install_packages
	@if [ -z '$(strip $(1))' ]; then exit 0; fi; \
	if ! command -v dpkg-query >/dev/null; then \
		echo 'This is no Debian. Install the equivalents of: $(strip $(1))'; \
		echo 'and run make again with PACKAGES= TEST_PACKAGES= behind it.'; \
		exit 1; \
	fi; \
	missing=; \
	for package in $(1); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null || true)" = installed ] \
			|| missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then \
			echo 'Some system packages are missing. Run this, then make again:'; \
			echo "  sudo apt-get install --no-install-recommends$$missing"; \
			exit 1; \
		fi; \
		echo "Installing$$missing"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq; \
		apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	fi
endef

# Lets `python -m reviewbot.checks` and the like work in any folder, while the environment is active.
install_project = echo '$(CURDIR)' > "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/reviewbot.pth"

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## review the discussion that ships with the project, on Debian's Linux 6.12
	@$(MANAGE) demo

.PHONY: up
up: setup ## start web, worker and scheduler in this terminal; Ctrl-C stops them
	@exec $(MANAGE) up

.PHONY: setup
setup: packages $(VENV)/.requirements ## install what the service needs, and bring its database up to date
	@$(MANAGE) migrate --verbosity 0

.PHONY: test
test: setup-test lint ## check the code, then run every test
	NO_SKIPS=1 nice $(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered --durations=5

.PHONY: sbom
sbom: $(VENV)/.requirements ## print the bill of materials: what is installed, as CycloneDX
	@$(BIN)/python deploy/sbom.py

.PHONY: lint
lint: $(VENV)/.requirements-dev ## ruff, mypy, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy reviewbot threads
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.requirements-dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: setup-test
setup-test: test-packages $(VENV)/.requirements-dev $(UNPACKED) ## install what the tests need on top

.PHONY: packages
packages:
	$(call install_packages,$(PACKAGES))

.PHONY: test-packages
test-packages:
	$(call install_packages,$(TEST_PACKAGES))

$(ARCHIVE): | test-packages ;

var/linux/.unpacked: $(ARCHIVE)
	@echo 'Unpacking $(ARCHIVE)'
	@rm -rf var/linux
	@mkdir -p var/linux
	@tar --directory var/linux --extract --use-compress-program='xz --threads=0' --file $(ARCHIVE)
	@touch $@

# The first Python that is new enough; Debian 12 has 3.11.
$(BIN)/python: | packages
	@for python in python3.11 python3 /usr/bin/python3 python3.12 python3.13; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$($$python --version)"; \
			exec $$python -m venv $(VENV); \
		fi; \
	done; \
	echo 'No Python of version 3.11 or later with its venv module was found.'; \
	exit 1

$(VENV)/.requirements: requirements.txt constraints.txt | $(BIN)/python
	@echo 'Installing requirements.txt'
	@$(call install_project)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt requirements.txt requirements-traces.txt constraints.txt | $(BIN)/python
	@echo 'Installing requirements-dev.txt'
	@$(call install_project)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@ $(VENV)/.requirements

.PHONY: clean
clean: ## remove the virtual environment and caches; what the service keeps stays in var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*

.PHONY: distclean
distclean: clean ## remove var/, too: the database, the kernel trees, and the builds
	rm -rf var
