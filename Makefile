# The tasks of this project; `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BINARY := target/release/a4co-apply
# With the registry client.
MAX_BYTES := 6000000
TESTENV := target/debug/testenv

# The binary needs nothing but libc: the unwinder, which the standard library wants as libgcc_s.so,
# is taken from the compiler's static archive through this linker script.
STATIC_LIBGCC := $(CURDIR)/target/static-libgcc
# Nothing unwinds, for a panic aborts; the tables for it, which the standard library brings and which
# only a backtrace would read, are an eighth of the binary.
NO_UNWINDING := -C link-arg=-Wl,--no-eh-frame-hdr -C link-arg=-Wl,-T,$(STATIC_LIBGCC)/no-unwinding.ld
RELEASE_FLAGS := -L native=$(STATIC_LIBGCC) -C link-arg=-Wl,--icf=all $(NO_UNWINDING)

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: prereqs
prereqs: ## Check that Rust, Go and a C compiler are there
	@command -v cargo >/dev/null || { echo "Rust is missing: install it from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: apt-get install gcc" >&2; exit 1; }
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl" >&2; exit 1; }
	@command -v openssl >/dev/null || { echo "openssl is missing: apt-get install openssl" >&2; exit 1; }

.PHONY: build
build: ## Build the programs and compile the environments into bundles/
	cargo build --workspace

# The control plane of the tests has memory to spare, and no processor time.
test crash-test: export GOGC := 400

.PHONY: test
test: prereqs ## Run all tests against a local control plane
	cargo build --package a4co-testenv --bin testenv
	$(TESTENV) run -- cargo test --workspace --no-fail-fast

.PHONY: demo
demo: prereqs ## Install, change and roll back the dev environment on a local control plane
	@cargo build --quiet --workspace --bins
	@if [ "$(DEMO_CLUSTER)" = current ]; then tests/demo.sh; else $(TESTENV) run -- tests/demo.sh; fi

.PHONY: lint
lint: ## Check format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings

.PHONY: format
format: ## Format all code
	cargo fmt --all

.PHONY: deny
deny: ## Check licences, sources and duplicates of dependencies (needs cargo-deny)
	cargo deny check

.PHONY: ids
ids: ## Write the release id of each environment to bundles/
	cargo run --quiet --package a4co -- build --write-ids

.PHONY: golden
golden: ## Write the golden renderings again after a deliberate change
	A4CO_BLESS=1 cargo test --quiet --package a4co-compiler --test golden

.PHONY: reference
reference: ## Write the reference of environments and its JSON Schema again
	A4CO_BLESS=1 cargo test --quiet --package a4co-compiler --test reference

.PHONY: release
release: ## Build the tiny binary for distribution
	@mkdir -p $(STATIC_LIBGCC)
	@echo 'GROUP ( -l:libgcc_eh.a -l:libgcc.a )' > $(STATIC_LIBGCC)/libgcc_s.so
	@echo 'SECTIONS { /DISCARD/ : { *(.eh_frame .gcc_except_table .gcc_except_table.*) } } INSERT AFTER .text;' \
		> $(STATIC_LIBGCC)/no-unwinding.ld
	cargo rustc --release --locked --bin a4co-apply -- $(RELEASE_FLAGS)

.PHONY: size
size: release ## Print the size of the tiny binary and what it links; fail above the budget
	@bytes=$$(stat -c %s $(BINARY)); echo "$(BINARY): $$bytes bytes (at most $(MAX_BYTES))"; \
	test $$bytes -le $(MAX_BYTES)
	@libraries=$$(objdump -p $(BINARY) | awk '/NEEDED/ { print $$2 }' | tr '\n' ' '); echo "links: $$libraries"; \
	test -z "$$(echo "$$libraries" | tr ' ' '\n' | grep -vE '^(libc\.so\.6|ld-linux.*)?$$')"
	@objdump -h $(BINARY) | grep -qE '\.(debug_info|symtab)' && exit 1 || echo "stripped"

.PHONY: crash-test
crash-test: prereqs ## Crash at every request, on a real API server; FULL=1 crashes twice
	cargo build --package a4co-testenv --bin testenv
	$(if $(FULL),A4CO_CRASH_FULL=1) $(TESTENV) run -- cargo test --package a4co-crash --test crash -- --quiet

.PHONY: bench
bench: prereqs release ## Compare with helm, kubectl and bare patches: SIZES=100,1000 RUNS=1 TOOLS=helm
	cargo build --release --locked --package a4co-bench
	target/release/a4co-bench compare $(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS)) $(if $(TOOLS),--tools $(TOOLS))

.PHONY: bench-kill
bench-kill: prereqs release ## Kill helm and a4co-apply before and after each of their writes
	cargo build --release --locked --package a4co-bench
	target/release/a4co-bench kill

.PHONY: bench-limits
bench-limits: prereqs release ## Apply many releases of many objects, and weigh what that leaves
	cargo build --release --locked --package a4co-bench
	target/release/a4co-bench limits

.PHONY: bench-images
bench-images: release ## Verify, push, serve and join a bundle with 2 GiB of images; RUNS=1
	cargo build --release --locked --package a4co-bench
	target/release/a4co-bench images $(if $(RUNS),--runs $(RUNS))

.PHONY: clean
clean: ## Remove what was built, and compiled bundles
	cargo clean
	rm -f bundles/*.tar.gz
