# `make demo` and `make test` build their own environment in .venv from nothing but Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --python $(BIN)/python --quiet --constraint constraints.txt --editable

.PHONY: demo test lint constraints clean

demo: .venv/base
	$(BIN)/apronwatch demo

test: .venv/all
	$(BIN)/python -m pytest

lint: .venv/all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pins: one file for every platform, without addresses. `make constraints` brings them up to date.
constraints: .venv/uv
	$(BIN)/uv pip compile --quiet --universal --no-annotate --no-header --python-version 3.11 --all-extras --group dev --group bench \
		--upgrade pyproject.toml --output-file constraints.txt

.venv/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Apronwatch needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	touch $@

.venv/base: .venv/uv pyproject.toml constraints.txt
	$(INSTALL) .
	touch $@

.venv/all: .venv/uv pyproject.toml constraints.txt
	$(INSTALL) '.[train,review,postgres]' --group dev
	touch $@ .venv/base

clean:
	rm -rf .venv apronwatch-demo
