# kycmart: see README.md. `make nightly` and `make test` are all that a fresh machine needs.

export CARGO_TARGET_DIR ?= $(CURDIR)/target
LIB_HOME := $(CARGO_TARGET_DIR)/libduckdb
# A libduckdb of the machine's own is used as it is; else `make libduckdb` obtains one.
export DUCKDB_LIB_DIR ?= $(LIB_HOME)
PREFIX ?= /usr/local
CARGO ?= cargo
PYTHON ?= python3
BINARY := $(CARGO_TARGET_DIR)/release/kycmart
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
PLATFORM := $(shell uname -s | tr A-Z a-z)-$(shell uname -m)
READERS := $(CARGO_TARGET_DIR)/readers
TOOLS := $(CARGO_TARGET_DIR)/tools
DIST := kycmart-$(VERSION)-$(PLATFORM)

# For `make fuzz`: one of fuzz/seeds, and for how long.
TARGET ?= rows
SECONDS ?= 600
FUZZ_DIR := $(CARGO_TARGET_DIR)/fuzz

.PHONY: nightly test build libduckdb readers tools fuzz check install dist clean

nightly: build pseudonym.key ## the main job on sample_data, into out/
	$(BINARY) nightly sample_data --mart out/mart --out out --key-file pseudonym.key --internal

test: libduckdb ## all tests
	$(CARGO) test --release

build: libduckdb ## the program
	$(CARGO) build --release

libduckdb: ## the prebuilt DuckDB library that the program links
	@sh scripts/get-libduckdb.sh "$(LIB_HOME)" "$(DUCKDB_LIB_DIR)"

readers: ## other programs that read a mart (polars, deltalake, duckdb, pyarrow), for tests/it/readers.rs
	@cmp -s tests/readers/requirements.txt "$(READERS)/requirements.txt" || { \
		echo "obtaining foreign readers into $(READERS)" && rm -rf "$(READERS)" && $(PYTHON) -m venv "$(READERS)" && \
		"$(READERS)/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/readers/requirements.txt && \
		cp tests/readers/requirements.txt "$(READERS)/requirements.txt"; }

tools: ## promtool and Chromium (with a font), for the tests of kycmart.prom and report.html; apt, where they are missing
	@sh scripts/get-tools.sh "$(TOOLS)"

fuzz: libduckdb ## searches for inputs that break TARGET, for SECONDS; needs a nightly toolchain and cargo-fuzz
	cp Cargo.lock fuzz/Cargo.lock
	mkdir -p $(FUZZ_DIR)/corpus/$(TARGET) $(FUZZ_DIR)/artifacts/$(TARGET)
	LD_LIBRARY_PATH="$(DUCKDB_LIB_DIR)" $(CARGO) +nightly fuzz run --sanitizer none --target-dir $(FUZZ_DIR) $(TARGET) \
		$(FUZZ_DIR)/corpus/$(TARGET) fuzz/seeds/$(TARGET) -- -max_total_time=$(SECONDS) -max_len=6000 -timeout=10 \
		-rss_limit_mb=1024 -artifact_prefix=$(FUZZ_DIR)/artifacts/$(TARGET)/

check: libduckdb ## format, lints, docs
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps

pseudonym.key:
	@echo "making a demonstration pseudonym key: pseudonym.key (keep a real one outside this folder)"
	@umask 077 && head -c 32 /dev/urandom | base64 > $@

install: build ## binary and library under PREFIX
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib"
	install -m 755 "$(BINARY)" "$(DESTDIR)$(PREFIX)/bin/kycmart"
	install -m 644 "$(DUCKDB_LIB_DIR)"/libduckdb.* "$(DESTDIR)$(PREFIX)/lib/"

dist: build ## a tar with binary, library, queries, licence
	rm -rf "$(CARGO_TARGET_DIR)/dist" && mkdir -p "$(CARGO_TARGET_DIR)/dist/$(DIST)"
	cp "$(BINARY)" "$(DUCKDB_LIB_DIR)"/libduckdb.* README.md LICENSE "$(CARGO_TARGET_DIR)/dist/$(DIST)/"
	cp -r queries "$(CARGO_TARGET_DIR)/dist/$(DIST)/"
	tar -C "$(CARGO_TARGET_DIR)/dist" -czf $(DIST).tar.gz $(DIST)
	@echo "$(DIST).tar.gz"

clean:
	rm -rf out
