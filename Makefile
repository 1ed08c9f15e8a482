# What there is to do here. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Builds read the committed .sqlx: they need no database. Only scripts/prepare asks one.
export SQLX_OFFLINE := true

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help setup run test fuzz check lint fmt fmt-check docs openapi prepare prepare-check deny clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: Postgres, Redis, a C compiler
	@scripts/setup

run: setup ## Start kith with demo data on a private Postgres and Redis under .kith/
	cargo build --release --locked
	@exec $(TARGET)/release/kith dev

# Each test has a database of its own, which is some hundred files: in memory, where there is room, they are made and
# removed faster. What the tests themselves write stays where it would be.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')

# The program is built as its tests are: by itself it would be built again, since they add features to what it uses.
test: setup ## Run all tests beside throwaway servers (ARGS="-E 'test(cursor)'" picks some)
	cargo build --tests --locked
	@TMPDIR=$(or $(TMPDIR),$(MEMORY),/tmp) exec $(TARGET)/debug/kith dev -- \
		env TMPDIR=$(or $(TMPDIR),/tmp) scripts/test $(ARGS)

fuzz: setup ## Send requests of all sorts, made from the API's description, to a throwaway kith (needs python3)
	@scripts/fuzz

check: fmt-check lint docs prepare-check deny ## Everything that must hold before a commit, but the tests

lint: ## Run clippy on all targets
	cargo clippy --all-targets --locked -- -D warnings

fmt: ## Format the code
	cargo fmt

fmt-check: ## See whether the code is formatted
	cargo fmt --check

docs: ## Build the code's documentation; broken links fail
	RUSTDOCFLAGS="-D warnings -D rustdoc::broken_intra_doc_links" \
		cargo doc --no-deps --document-private-items --locked

openapi: ## Write the OpenAPI document to openapi.json
	cargo run --quiet --locked -- openapi > openapi.json.new
	@mv openapi.json.new openapi.json

prepare: setup ## Write .sqlx anew, after a change to SQL or migrations
	@scripts/prepare

prepare-check: setup ## See whether .sqlx fits the SQL and the migrations
	@scripts/prepare --check

deny: ## Check licences, bans and sources of all dependencies, if cargo-deny is installed
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check licenses bans sources; \
		else echo "cargo-deny is not installed: licences, bans and sources were not checked."; fi

clean: ## Remove what was built (not the data in .kith/)
	cargo clean
