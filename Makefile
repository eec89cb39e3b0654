# c-sched: one static archive per layer, programs from cmd/, tests from test/. `make help` lists the targets.
# Objects go to build/<variant>/, a variant being the compiler and the sanitizers: they never mix.

CC := gcc
SANITIZE :=
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

empty :=
space := $(empty) $(empty)
comma := ,
VARIANT := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
B := build/$(VARIANT)
GEN := build/gen

# ---- the layer law: what each layer may include and link (lib/README.md) ----
LAYERS := base kube cluster framework plugins simulate client load http sim daemon
USES_base :=
USES_kube := base
USES_cluster := kube base
USES_framework := cluster kube base
USES_plugins := framework cluster kube base
USES_simulate := plugins framework cluster kube base
USES_client := kube base
USES_load := client kube base
USES_http := kube base
USES_sim := http kube base
USES_daemon := plugins framework cluster load client http kube base
PROGRAMS := c-sched kubesim
USES_c-sched := daemon simulate plugins framework cluster load client http kube base
USES_kubesim := sim http kube base

PACKAGES := libcurl json-c libmicrohttpd openssl yaml-0.1 libprotobuf-c
# gnutls is libmicrohttpd's TLS: client certificates are verified on its session.
PACKAGES += gnutls

# ---- flags ----
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wimplicit-fallthrough -Werror=implicit -Werror=incompatible-pointer-types \
	-Werror=int-conversion -Werror=format-security
HARDENING := -fstack-clash-protection -fstack-protector-strong -fcf-protection=full \
	-fstrict-flex-arrays=3 -fno-delete-null-pointer-checks -fno-strict-overflow \
	-ftrivial-auto-var-init=zero -fzero-init-padding-bits=all -Wtrampolines -Wbidi-chars=any
HARDENING_LD := -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
WERROR := $(if $(CI),-Werror)

# Goals that need no compiler flags yet: they install what is missing first, then call make again.
FRONT := help demo test e2e oracle oracle-mutants bench bench-load bench-extender fuzz lint fmt deps clean
FLAGS_FILE := $(B)/flags.mk
ifneq ($(filter-out $(FRONT),$(or $(MAKECMDGOALS),all)),)
-include $(FLAGS_FILE)
endif

CPPFLAGS += -D_GNU_SOURCE -DCSCHED_VERSION='"$(VERSION)"' -Iinclude -I$(GEN) -Ilib
CFLAGS_ALL := -std=gnu17 -O2 -g $(WARNINGS) $(WERROR) $(PROBED) -fPIE -pthread \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all,\
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) $(CFLAGS)
LDFLAGS_ALL := -pie -pthread $(HARDENING_LD) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
# Kernels are plain loops that must vectorise, and must not fuse what Go does not fuse.
KERNEL_CFLAGS := -O3 -fno-trapping-math -fno-math-errno -ffp-contract=off

# One short line per command; V=1 shows them whole, -s shows none.
SILENT := $(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))
say = $(if $(V),,@$(if $(SILENT),,printf '  %-4s %s\n' '$(1)' '$(2)';))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all install unit tests oracles fuzzers fuzz-now lint-now $(FRONT)
all: $(PROGRAMS:%=$(B)/%) $(LAYERS:%=$(B)/lib%.a) ## c-sched and kubesim, in build/gcc (CC=clang, SANITIZE=thread: elsewhere)

$(FLAGS_FILE): Makefile
	@mkdir -p $(@D)
	@pkg-config --exists $(PACKAGES) || { echo "missing libraries: run 'make deps'" >&2; exit 1; }
	@ok=; for f in $(HARDENING); do \
		if $(CC) -Werror $$f -x c -c -o /dev/null /dev/null 2>/dev/null; then ok="$$ok $$f"; fi; done; \
	{ echo "PROBED :=$$ok"; \
	echo "PKG_CFLAGS := $$(pkg-config --cflags $(PACKAGES))"; \
	echo "PKG_LIBS := $$(pkg-config --libs $(PACKAGES)) -lm"; } >$@.tmp && mv $@.tmp $@

# ---- generated API structs (never committed) ----
PROTOS := $(wildcard lib/kube/*.proto)
PROTO_C := $(PROTOS:lib/kube/%.proto=$(GEN)/kube/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h)
$(GEN)/kube/.stamp: $(PROTOS)
	@mkdir -p $(GEN)/kube
	$(call say,GEN,$@)protoc-c --proto_path=lib/kube --c_out=$(GEN)/kube $(PROTOS)
	@touch $@
$(PROTO_C) $(PROTO_H): $(GEN)/kube/.stamp ;

# ---- objects and archives ----
sources = $(sort $(wildcard lib/$(1)/*.c))
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
PROTO_O := $(PROTO_C:$(GEN)/%.c=$(B)/gen/%.o)

$(B)/%kernel.o: CFLAGS_ALL += $(KERNEL_CFLAGS)
$(B)/%.o: %.c $(PROTO_H) $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) -I$(GEN)/kube $(CFLAGS_ALL) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/gen/%.o: $(GEN)/%.c $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -I$(GEN)/kube -std=gnu17 -O2 -g -fPIE $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -c -o $@ $<

# An archive follows its folder too, so that a file which left it leaves the archive.
define layer_rules
$(B)/lib$(1).a: $(call objects,$(1)) $(if $(filter kube,$(1)),$(PROTO_O)) lib/$(1)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR,$$@)ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

archives = $(patsubst %,$(B)/lib%.a,$(1))

define program_rules
$(B)/$(1): $(patsubst %.c,$(B)/%.o,$(wildcard cmd/$(1)/*.c)) $(call archives,$(USES_$(1)))
	$$(call say,LD,$$@)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# ---- unit tests: test/unit/<layer>/test_<module>.c is a program that links only what its layer may use ----
UNIT_TESTS :=
define unit_rules
UNIT_TESTS += $(patsubst test/unit/%.c,$(B)/test/unit/%,$(wildcard test/unit/$(1)/test_*.c))
$(B)/test/unit/$(1)/test_%: $(B)/test/unit/$(1)/test_%.o $(B)/test/unit/check_main.o \
		$(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard test/unit/$(1)/test_*.c),$(wildcard test/unit/$(1)/*.c))) \
		$(call archives,$(1) $(USES_$(1)))
	$$(call say,LD,$$@)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$$$(pkg-config --libs check) $(PKG_LIBS)
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rules,$(l))))

# ---- integration tests: test/integration/test_<what>.c runs the programs; harness.c is what they share ----
INTEGRATION_TESTS := $(patsubst %.c,$(B)/%,$(wildcard test/integration/test_*.c))
$(INTEGRATION_TESTS): $(B)/%: $(B)/%.o $(B)/test/integration/harness.o \
		$(B)/test/integration/fake_server.o $(B)/test/unit/check_main.o \
		$(B)/test/unit/http/authority.o $(call archives,client http kube base) | $(PROGRAMS:%=$(B)/%)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $$(pkg-config --libs check) $(PKG_LIBS)

# ---- C sides of the comparisons in test/oracle and test/e2e: test/oracle/<name>_main.c ----
ORACLES := $(patsubst test/oracle/%_main.c,$(B)/test/oracle/%,$(wildcard test/oracle/*_main.c))
$(ORACLES): $(B)/test/oracle/%: $(B)/test/oracle/%_main.o $(call archives,kube base)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# ---- what one decision costs: test/oracle/cmd/speed calls it, beside kube-scheduler's code ----
$(B)/test/bench/decide/decide: $(B)/test/bench/decide/decide.o $(call archives,plugins $(USES_plugins))
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# ---- placement by load: c-sched's plugins and ledger beside rules of others, in a simulated cluster ----
BENCH_LOAD_O := $(patsubst %.c,$(B)/%.o,$(filter-out test/bench/load/main.c test/bench/load/test_%,\
	$(wildcard test/bench/load/*.c)))
$(B)/test/bench/load/load: $(B)/test/bench/load/main.o $(BENCH_LOAD_O) $(call archives,plugins $(USES_plugins))
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)
LOAD_TESTS := $(patsubst %.c,$(B)/%,$(wildcard test/bench/load/test_*.c))
$(LOAD_TESTS): %: %.o $(BENCH_LOAD_O) $(B)/test/unit/check_main.o $(call archives,plugins $(USES_plugins))
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $$(pkg-config --libs check) $(PKG_LIBS)

# ---- scenarios: test/scenarios/test_scenarios.c plays the YAML files beside it ----
SCENARIO_TESTS := $(patsubst %.c,$(B)/%,$(wildcard test/scenarios/test_*.c))
$(SCENARIO_TESTS): %: %.o $(B)/test/unit/check_main.o $(call archives,plugins $(USES_plugins))
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $$(pkg-config --libs check) $(PKG_LIBS)

TESTS := $(UNIT_TESTS) $(SCENARIO_TESTS) $(LOAD_TESTS) $(INTEGRATION_TESTS)
tests: $(TESTS) $(PROGRAMS:%=$(B)/%)
oracles: $(ORACLES)

# ---- fuzz targets: test/fuzz/fuzz_<decoder>.c, corpora in test/fuzz/corpus/<target>/ ----
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard test/fuzz/fuzz_*.c))
$(FUZZERS): %: %.o $(call archives,simulate plugins framework cluster load http client kube base)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)
fuzzers: $(FUZZERS)

DEPFILES := $(shell find $(B) -name '*.d' 2>/dev/null)
-include $(DEPFILES)

# ---- what people call ----
# With all cores, unless make was told how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
FUZZ_SECONDS := 60
FUZZ_VARIANT := CC=clang SANITIZE=fuzzer-no-link,address,undefined
E2E_BIN := build/e2e/bin
E2E_METRICS := build/e2e/metrics

unit: $(UNIT_TESTS) ## build and run the unit tests alone
	hack/run-tests $(UNIT_TESTS)

test: ## unit, scenario and integration tests (SANITIZE=address,undefined or thread)
	@hack/deps build
	@$(MAKE) --no-print-directory $(PARALLEL) tests
	@hack/run-tests $(TESTS)

demo: ## c-sched at work in a simulated cluster; KEEP=1 leaves it running
	@hack/deps build
	@$(MAKE) --no-print-directory $(PARALLEL) $(PROGRAMS:%=$(B)/%)
	@BIN=$(B) KEEP=$(KEEP) hack/demo

e2e: ## tests against the real kube-apiserver; needs Go 1.26, builds the real programs once
	@hack/check-go
	@hack/deps build e2e
	@$(MAKE) --no-print-directory $(PARALLEL) all oracles $(E2E_BIN)/.stamp $(E2E_METRICS)/.stamp
	@CSCHED_ROOT=$(CURDIR) CSCHED_VARIANT=$(VARIANT) hack/run-go-tests test/oracle test/bench test/e2e

# N decisions; SEED and SHAPE repeat a run or a part, KEEP=folder saves the clusters that differ.
N := 2000
oracle: ## compare N (2000) decisions of c-sched simulate with kube-scheduler's own code; SEED=, SHAPE=, KEEP=
	@hack/check-go
	@hack/deps build
	@$(MAKE) --no-print-directory $(PARALLEL) $(B)/c-sched
	cd test/oracle && go run ./cmd/compare -n $(N) $(if $(SEED),-seed $(SEED)) $(if $(SHAPE),-shape $(SHAPE)) \
		$(if $(KEEP),-keep $(abspath $(KEEP))) $(CURDIR)/$(B)/c-sched

oracle-mutants: ## put 55 faults into the plugins, one at a time: the oracle must find each
	@hack/check-go
	@hack/deps build
	cd test/oracle && go run ./cmd/mutants -n $(N) $(CURDIR)

bench: ## c-sched beside kube-scheduler: decisions alone, then on the same API server (BENCH='-nodes 1000': less)
	@hack/check-go
	@hack/deps build
	@$(MAKE) --no-print-directory $(PARALLEL) all $(B)/test/bench/decide/decide $(E2E_BIN)/.stamp
	cd test/oracle && go run ./cmd/speed -program $(CURDIR)/$(B)/test/bench/decide/decide $(SPEED)
	cd test/bench && go run . -root $(CURDIR) -variant $(VARIANT) $(BENCH)

bench-extender: ## c-sched as kube-scheduler's extender beside a plain Go one; BENCH='-what requests -nodes 5000', relist, scheduler
	@hack/check-go
	@hack/deps build
	@$(MAKE) --no-print-directory $(PARALLEL) all $(E2E_BIN)/.stamp
	cd test/bench && go run ./extender -root $(CURDIR) -variant $(VARIANT) $(BENCH)

# The tables go to the terminal, plots to build/bench-load. SCENARIO=FILE: that one, of the format in test/bench/load/README.md.
LOAD_SCENARIOS := burst staggered heavy_tail requests long_connections slow_node stale missing
bench-load: ## placement by load beside the rules of others, in a simulated cluster; SCENARIO=FILE, SEEDS=20
	@hack/deps build plot
	@$(MAKE) --no-print-directory $(PARALLEL) $(B)/test/bench/load/load
	@rm -rf build/bench-load && mkdir -p build/bench-load
	$(B)/test/bench/load/load --plots build/bench-load $(if $(SEEDS),--seeds $(SEEDS)) \
		$(if $(SCENARIO),--scenario $(SCENARIO),--reference test/bench/load/scenarios --cost \
		$(LOAD_SCENARIOS:%=--scenario test/bench/load/scenarios/%.yaml))
	gnuplot -e "dir='build/bench-load'" test/bench/load/plot.gp
	@ls build/bench-load/*.png

# kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, and etcd as `server`.
GO_VERSION_FLAGS = $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(p).gitVersion=v1.36.3 -X $(p).gitMajor=1 -X $(p).gitMinor=36)
$(E2E_BIN)/.stamp: test/e2e/go.mod
	@mkdir -p $(@D)
	@echo "Building the real Kubernetes 1.36.3 programs and etcd: about nine minutes, once"
	cd test/e2e && go build -ldflags "-s -w $(GO_VERSION_FLAGS)" -o $(CURDIR)/$(E2E_BIN) tool
	@touch $@

# metrics-server and kwok, and what kwok is told to do with nodes and pods.
KWOK_FILES := stage/node/fast/node-initialize.yaml stage/pod/fast/pod-ready.yaml stage/pod/fast/pod-delete.yaml \
	metrics/resource/metrics-resource.yaml metrics/usage/usage-from-annotation.yaml
$(E2E_METRICS)/.stamp: test/e2e/metrics/go.mod
	@mkdir -p $(@D)
	@echo "Building the real metrics-server 0.9.0 and kwok 0.8.0: about four minutes, once"
	cd test/e2e/metrics && go build -ldflags "-s -w" -o $(CURDIR)/$(E2E_METRICS) tool
	kwok=$$(cd test/e2e/metrics && go list -m -f '{{.Dir}}' sigs.k8s.io/kwok) && \
		install -m 644 $(KWOK_FILES:%="$$kwok"/kustomize/%) $(E2E_METRICS)
	@touch $@

fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@hack/deps build lint
	@$(MAKE) --no-print-directory $(PARALLEL) $(FUZZ_VARIANT) fuzzers
	@$(MAKE) --no-print-directory -s $(FUZZ_VARIANT) FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz-now
fuzz-now:
	hack/run-fuzz $(FUZZ_SECONDS) $(FUZZERS)

lint: ## format, layer law, banned functions, size and complexity, clang-tidy, spelling
	@hack/deps build lint
	@$(MAKE) --no-print-directory lint-now
lint-now: $(PROTO_H)
	@hack/lint $(CPPFLAGS) -I$(GEN)/kube $(PKG_CFLAGS) -std=gnu17

fmt: ## format all C files in place
	clang-format -i $$(find cmd include lib test -name '*.[ch]')

deps: ## install the Debian packages that are missing (hack/packages)
	@hack/deps build

install: $(B)/c-sched ## install c-sched, its kubectl plugin and man pages below DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(B)/c-sched $(DESTDIR)$(PREFIX)/bin/c-sched
	install -D -m 755 hack/kubectl-csched $(DESTDIR)$(PREFIX)/bin/kubectl-csched
	hack/man $(B)/c-sched $(B)/man
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(B)/man/*.1

clean: ## remove build/ (but not the tools that `make e2e` built)
	find build -mindepth 1 -maxdepth 1 ! -name e2e -exec rm -rf {} +

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 10
