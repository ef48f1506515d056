# Six commands: demo, test, bench, check, fuzz, stress. Each installs what it misses, and says so.
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
.PHONY: help demo test bench check fuzz stress deps deps-build deps-test venv

help:
	@echo 'make demo    a private image pulled through two real plugins from simulated clouds'
	@echo 'make test    everything: format, lints, docs, all tests (what CI runs)'
	@echo 'make check   format and lints only'
	@echo 'make dist    static programs, packages, images, SBOM and checksums of a release, in target/dist'
	@echo 'make fuzz    what reads foreign bytes under libFuzzer, each target for FUZZ_SECONDS (600)'
	@echo 'make stress  many processes and random kills, for STRESS_SECONDS (600)'
	@echo 'make bench   the programs of a release timed against an empty process and peers on PATH, in docs/performance.md'

demo: deps-build
	@echo '== demo: building the release programs (the first time takes some minutes)'
	$(CARGO) build --release $(BINARIES) $(RELEASE_BINS) --bin demo
	@target/release/demo target/demo

# The advisories need their database, which is not on this machine: `cargo deny check advisories`.
check: deps-build
	@echo '== check: format'
	$(CARGO) fmt --all --check
	@echo '== check: lints'
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; \
	then echo '== check: licences, sources and duplicates of dependencies'; $(CARGO) deny check licenses bans sources; fi

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

# The very programs of a release, and with their flags, so that no dependency is compiled twice.
bench: deps-test dist-programs
	$(call DIST_ENV,$(DIST_TARGET),$(DIST_ABORTS)) $(CARGO) build --release --locked --target $(DIST_TARGET) -p regcred-tests \
	  --bin bench --bin bench-floor --bin bench-measure --bin bench-sockets
	@REGCRED_BENCH_PAGE=docs/performance.md $(DIST_BUILT)/bench

# Needs a nightly compiler. What is found is kept in target/fuzz-corpus, and a failing input in
# fuzz/artifacts; FUZZ_TARGETS names some of the targets.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))

fuzz: deps-build
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { \
	  echo '== installing cargo-fuzz'; $(CARGO) install --quiet --locked cargo-fuzz; }
	@for target in $(FUZZ_TARGETS); do \
	  echo "== fuzz: $$target"; mkdir -p target/fuzz-corpus/$$target; \
	  dictionary=fuzz/dictionaries/$$target.dict; test -e $$dictionary && dictionary=-dict=$$dictionary || dictionary=; \
	  $(CARGO) +nightly fuzz run --sanitizer none --target-dir target/fuzz $$target \
	    target/fuzz-corpus/$$target fuzz/corpus/$$target -- $$dictionary \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 || exit 1; done

STRESS_SECONDS ?= 600

stress: deps-build
	$(CARGO) build --workspace --bins
	STRESS_SECONDS=$(STRESS_SECONDS) $(CARGO) test -p regcred-tests --test stress -- --nocapture --test-threads 1

deps: deps-build deps-test

# What compiling needs: C headers, because ring compiles a little C and assembly.
deps-build:
	@command -v $(CARGO) >/dev/null || { echo 'cargo is missing: install the Rust toolchain first'; exit 1; }
	@PYTHON=$(PYTHON) tests/install.sh c-headers

# What the whole-program tests check us against: servers and clients of other people. A browser is
# too large to be put on a developer's machine unasked, and a container runtime would run there; where there
# is one it is used. So are faketime and valgrind.
deps-test:
	@PYTHON=$(PYTHON) tests/install.sh docker-registry skopeo htpasswd ip kubectl systemd-analyze venv $(if $(filter true,$(CI)),chromium containerd faketime valgrind)
	@$(MAKE) --no-print-directory venv

venv: $(MOTO)

$(MOTO): tests/requirements.txt
	@echo '== installing moto and the clouds'\'' own clients into $(VENV)'
	@$(PYTHON) -m venv $(VENV) \
	  && $(VENV)/bin/pip install --quiet --no-compile --disable-pip-version-check -r $< \
	  && touch $@ \
	  || { rm -rf $(VENV); echo 'moto could not be installed: the tests that need it are skipped'; test "$$CI" != true; }

# Releases. `make dist` builds for this machine's target; another one that is installed by rustup is
# named by DIST_TARGET. What it makes is the same for the same sources, compiler and roots.
DIST_TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
DIST := target/dist
DIST_BUILT := $(or $(CARGO_TARGET_DIR),target)/$(DIST_TARGET)/release
DIST_PAGES := target/dist-pages
DIST_TOOLS := target/tools
DIST_PROGRAMS := regcred regcred-refresh $(CLOUDS:%=%-credential-provider)
DIST_PLUGINS := $(CLOUDS:%=-p regcred-plugin-%)
# The roots in the images: this machine's.
CA_BUNDLE ?= $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt \
  /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem))
CARGO_CYCLONEDX := 0.5.9
# Not for all commands: Cargo compiles C code, and all that needs it, once more if the variable changes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
dist-packages dist-sbom: export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)

# Static, and without the paths of this machine in messages and in C code.
CARGO_DIR := $(or $(CARGO_HOME),$(HOME)/.cargo)
DIST_COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
COMMA := ,
# The plugins are musl's in every release for Linux. Before a program begins, glibc asks the processor 43 times what it is
# able to do, and a virtual machine takes microseconds for each answer.
DIST_PLUGIN_TARGET := $(patsubst %-linux-gnu,%-linux-musl,$(DIST_TARGET))
DIST_PLUGINS_BUILT := $(DIST_BUILT:%/$(DIST_TARGET)/release=%/$(DIST_PLUGIN_TARGET)/release)
DIST_MUSL := $(findstring musl,$(DIST_PLUGIN_TARGET))
# The linker packs the relocations of a position-independent program, which glibc reads from 2.36 on and musl from 1.2.4
# on: a twentieth of the file.
DIST_PACKED = $(if $(filter x86_64-%-gnu,$(1)),-C link-arg=-Wl$(COMMA)-z$(COMMA)pack-relative-relocs)
# Of a program that aborts at a panic, no unwinding reads the tables for it: another twelfth.
DIST_ABORTS := -C force-unwind-tables=no
# Those of the standard library and of C are left out by the linker that comes with the compiler.
DIST_PLUGIN_FLAGS := $(DIST_ABORTS) $(if $(DIST_MUSL),-C linker=rust-lld -C link-arg=-zpack-relative-relocs \
  -C link-arg=--no-eh-frame-hdr -C link-arg=-T$(CURDIR)/crates/dist/without-unwinding.ld)
# For a target, with flags of the compiler.
DIST_ENV = $(if $(findstring musl,$(1)),CC_$(subst -,_,$(1))=musl-gcc) REGCRED_COMMIT=$(DIST_COMMIT) CARGO_INCREMENTAL=0 CFLAGS='-ffile-prefix-map=$(CARGO_DIR)=/cargo' \
  RUSTFLAGS='-C target-feature=+crt-static $(DIST_PACKED) $(2) --remap-path-prefix=$(CURDIR)=/regcred --remap-path-prefix=$(CARGO_DIR)=/cargo'

.PHONY: dist dist-clean dist-toolchain dist-tools dist-node-programs dist-programs dist-static dist-pages dist-packages dist-sbom dist-sums dist-verify

dist: dist-clean dist-programs dist-static dist-pages dist-packages dist-sbom dist-sums

# No file of another version.
dist-clean:
	@rm -rf $(DIST)

# What a fresh machine lacks for its own target, or for musl.
dist-toolchain: deps-build
	@tests/install.sh readelf $(if $(DIST_MUSL),musl-gcc)
	rustup target add $(sort $(DIST_TARGET) $(DIST_PLUGIN_TARGET))

dist-tools: deps-build
	@test -x $(DIST_TOOLS)/bin/cargo-cyclonedx || { \
	  echo '== installing cargo-cyclonedx $(CARGO_CYCLONEDX) into $(DIST_TOOLS)'; \
	  $(CARGO) install --quiet --locked --root $(DIST_TOOLS) cargo-cyclonedx@$(CARGO_CYCLONEDX); }

# The plugins by themselves: with regcred they would get the features that its dependencies turn on, HTTP/2 and a
# runtime of several threads among them.
dist-node-programs: dist-toolchain
	@echo '== dist: building the static programs for $(DIST_TARGET) (the first time takes some minutes)'
	$(call DIST_ENV,$(DIST_PLUGIN_TARGET),$(DIST_PLUGIN_FLAGS)) \
	  $(CARGO) build --release --locked --target $(DIST_PLUGIN_TARGET) $(DIST_PLUGINS) --bins
	$(call DIST_ENV,$(DIST_TARGET),$(DIST_ABORTS)) $(CARGO) build --release --locked --target $(DIST_TARGET) -p regcred --bins
	$(if $(filter-out $(DIST_BUILT),$(DIST_PLUGINS_BUILT)),@cp $(CLOUDS:%=$(DIST_PLUGINS_BUILT)/%-credential-provider) $(DIST_BUILT)/)

dist-programs: dist-node-programs
	$(call DIST_ENV,$(DIST_TARGET)) $(CARGO) build --profile daemon --locked --target $(DIST_TARGET) -p regcred-refresh --bins
	@cp $(DIST_BUILT)/../daemon/regcred-refresh $(DIST_BUILT)/

# No program names a loader or a library.
dist-static:
	@tests/install.sh readelf
	@for program in $(DIST_PROGRAMS); do \
	  headers=$$(readelf -ldW $(DIST_BUILT)/$$program) || exit 1; \
	  case $$headers in *INTERP*|*NEEDED*) echo "$$program is not static"; exit 1;; esac; done

# Manual pages and completions, as the built program prints them.
dist-pages:
	@rm -rf $(DIST_PAGES) && mkdir -p $(DIST_PAGES)/man
	@$(DIST_BUILT)/regcred man --dir $(DIST_PAGES)/man
	@$(DIST_BUILT)/regcred completions bash > $(DIST_PAGES)/regcred.bash
	@$(DIST_BUILT)/regcred completions fish > $(DIST_PAGES)/regcred.fish
	@$(DIST_BUILT)/regcred completions zsh > $(DIST_PAGES)/_regcred

dist-packages: deps-build
	@echo '== dist: packing'
	$(CARGO) run --quiet --locked -p regcred-dist -- $(DIST_TARGET) $(DIST_BUILT) $(DIST_PAGES) \
	  $(or $(CA_BUNDLE),$(error name the roots for the images: CA_BUNDLE=FILE)) $(DIST)

# The packages in each program, as CycloneDX, without the paths of this machine. The tool writes next to
# each Cargo.toml, and lists what any program of the workspace needs: cargo lists what is linked.
DIST_LINKED := target/dist-linked
DIST_STATIC := RUSTFLAGS='-C target-feature=+crt-static'
# The programs of packages that are built together for a target.
define DIST_SBOM
	@$(DIST_STATIC) PATH="$(CURDIR)/$(DIST_TOOLS)/bin:$$PATH" $(CARGO) cyclonedx --quiet --format json --spec-version 1.5 \
	  --describe binaries --target $(1)
	@$(DIST_STATIC) $(CARGO) tree --locked --edges normal --no-dedupe --prefix none --format '{p}' --target $(1) $(2) > $(DIST_LINKED)
	@for program in $(3); do \
	  case $$program in *-credential-provider) package=regcred-plugin-$${program%%-*};; *) package=$$program;; esac; \
	  awk -v RS= -v package=$$package '$$1 == package' $(DIST_LINKED) > $(DIST_LINKED)-$$program && \
	  test -s $(DIST_LINKED)-$$program && \
	  $(CARGO) run --quiet --locked -p regcred-dist -- sbom */*/$${program}_bin.cdx.json $(DIST_LINKED)-$$program > $(DIST_LINKED)-listed && \
	  sed 's|$(CURDIR)|/regcred|g' $(DIST_LINKED)-listed > $(DIST)/$$program-$(DIST_TARGET).cdx.json || exit 1; done
	@rm -f $(DIST_LINKED)* */*_bin.cdx.json */*/*_bin.cdx.json
endef

dist-sbom: dist-tools
	@echo '== dist: listing what is in the programs'
	@mkdir -p $(DIST)
	$(call DIST_SBOM,$(DIST_PLUGIN_TARGET),$(DIST_PLUGINS),$(CLOUDS:%=%-credential-provider))
	$(call DIST_SBOM,$(DIST_TARGET),-p regcred,regcred)
	$(call DIST_SBOM,$(DIST_TARGET),-p regcred-refresh,regcred-refresh)

dist-sums:
	@cd $(DIST) && rm -f SHA256SUMS && sha256sum * > ../SHA256SUMS && mv ../SHA256SUMS . && cat SHA256SUMS

dist-verify:
	@cd $(DIST) && sha256sum --check SHA256SUMS
