# Four commands: demo, test, bench, check. Each installs what it misses, and says so.
# `make help` lists them.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
MOTO := $(VENV)/bin/moto_server

# One feature set for every build, so that each dependency is compiled once for each profile.
BINARIES := -p regcred -p regcred-plugin-ecr -p regcred-plugin-gcr -p regcred-tests
RELEASE_BINS := --bin regcred --bin ecr-credential-provider --bin gcr-credential-provider
CLOUDS := $(notdir $(wildcard plugins/*))

.NOTPARALLEL:
.PHONY: help demo test bench check deps deps-build deps-test venv

help:
	@echo 'make demo    a private image pulled through two real plugins from simulated clouds'
	@echo 'make test    everything: format, lints, docs, all tests (what CI runs)'
	@echo 'make check   format and lints only'
	@echo 'make bench   whole processes timed against an empty one and against peers on PATH'

demo: deps-build
	@echo '== demo: building the release programs (the first time takes some minutes)'
	$(CARGO) build --release $(BINARIES) $(RELEASE_BINS) --bin demo
	@target/release/demo target/demo

check: deps-build
	@echo '== check: format'
	$(CARGO) fmt --all --check
	@echo '== check: lints'
	$(CARGO) clippy --workspace --all-targets -- -D warnings

test: deps-build deps-test check
	@echo '== test: documentation'
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps
	@echo '== test: building everything'
	$(CARGO) build --workspace --all-targets
	@echo '== test: examples in the documentation'
	$(CARGO) test --workspace --doc
	@echo '== test: all tests'
	@if $(CARGO) nextest --version >/dev/null 2>&1; \
	then echo '$(CARGO) nextest run --workspace'; $(CARGO) nextest run --workspace; \
	else echo '$(CARGO) test --workspace --all-targets --no-fail-fast'; $(CARGO) test --workspace --all-targets --no-fail-fast; fi

bench: deps-build deps-test
	@echo '== bench: building the release programs (the first time takes some minutes)'
	$(CARGO) build --release -p regcred -p regcred-tests $(CLOUDS:%=-p regcred-plugin-%) --bin regcred \
	  $(CLOUDS:%=--bin %-credential-provider) --bin bench --bin bench-floor --bin bench-measure
	@target/release/bench

deps: deps-build deps-test

# What compiling needs: C headers, because ring compiles a little C and assembly.
deps-build:
	@command -v $(CARGO) >/dev/null || { echo 'cargo is missing: install the Rust toolchain first'; exit 1; }
	@PYTHON=$(PYTHON) tests/install.sh c-headers

# What the whole-program tests check us against: servers and clients of other people. A browser is
# too large to be put on a developer's machine unasked; where there is one it is used.
deps-test:
	@PYTHON=$(PYTHON) tests/install.sh docker-registry skopeo htpasswd ip kubectl systemd-analyze venv $(if $(filter true,$(CI)),chromium)
	@$(MAKE) --no-print-directory venv

venv: $(MOTO)

$(MOTO): tests/requirements.txt
	@echo '== installing moto and the clouds'\'' own clients into $(VENV)'
	@$(PYTHON) -m venv $(VENV) \
	  && $(VENV)/bin/pip install --quiet --no-compile --disable-pip-version-check -r $< \
	  && touch $@ \
	  || { rm -rf $(VENV); echo 'moto could not be installed: the tests that need it are skipped'; test "$$CI" != true; }
