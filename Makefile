# c-sched: one static archive per layer, programs from cmd/, tests from test/. `make help` lists the targets.
# Objects go to build/<variant>/, a variant being the compiler and the sanitizers: they never mix.

CC := gcc
SANITIZE :=
PREFIX := /usr/local
DESTDIR :=
VERSION := 0.1.0

empty :=
space := $(empty) $(empty)
comma := ,
VARIANT := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
B := build/$(VARIANT)
GEN := build/gen

# ---- the layer law: what each layer may include and link (lib/README.md) ----
LAYERS := base kube cluster framework plugins client http sim daemon
USES_base :=
USES_kube := base
USES_cluster := kube base
USES_framework := cluster kube base
USES_plugins := framework cluster kube base
USES_client := kube base
USES_http := kube base
USES_sim := http kube base
USES_daemon := plugins framework cluster client http kube base
PROGRAMS := c-sched kubesim
USES_c-sched := daemon plugins framework cluster client http kube base
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

FLAGS_FILE := $(B)/flags.mk
ifeq ($(filter help clean deps fmt,$(MAKECMDGOALS)),)
-include $(FLAGS_FILE)
endif

CPPFLAGS += -D_GNU_SOURCE -DCSCHED_VERSION='"$(VERSION)"' -Iinclude -I$(GEN) -Ilib
CFLAGS_ALL := -std=gnu17 -O2 -g $(WARNINGS) $(WERROR) $(PROBED) -fPIE -pthread \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all,\
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) $(CFLAGS)
LDFLAGS_ALL := -pie -pthread $(HARDENING_LD) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
# Kernels are plain loops that must vectorise, and must not fuse what Go does not fuse.
KERNEL_CFLAGS := -O3 -fno-trapping-math -ffp-contract=off

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help demo test check-deps e2e bench fuzz lint fmt deps install clean
all: $(PROGRAMS:%=$(B)/%) $(LAYERS:%=$(B)/lib%.a)

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
	protoc-c --proto_path=lib/kube --c_out=$(GEN)/kube $(PROTOS)
	@touch $@
$(PROTO_C) $(PROTO_H): $(GEN)/kube/.stamp ;

# ---- objects and archives ----
sources = $(sort $(wildcard lib/$(1)/*.c))
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
PROTO_O := $(PROTO_C:$(GEN)/%.c=$(B)/gen/%.o)

$(B)/%kernel.o: CFLAGS_ALL += $(KERNEL_CFLAGS)
$(B)/%.o: %.c $(PROTO_H) $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(GEN)/kube $(CFLAGS_ALL) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/gen/%.o: $(GEN)/%.c $(FLAGS_FILE)
	@mkdir -p $(@D)
	$(CC) -I$(GEN)/kube -std=gnu17 -O2 -g -fPIE $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -c -o $@ $<

define layer_rules
$(B)/lib$(1).a: $(call objects,$(1)) $(if $(filter kube,$(1)),$(PROTO_O))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

archives = $(patsubst %,$(B)/lib%.a,$(1))

define program_rules
$(B)/$(1): $(patsubst %.c,$(B)/%.o,$(wildcard cmd/$(1)/*.c)) $(call archives,$(USES_$(1)))
	$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# ---- unit tests: test/unit/<layer>/test_<module>.c is a program that links only what its layer may use ----
UNIT_TESTS :=
define unit_rules
UNIT_TESTS += $(patsubst test/unit/%.c,$(B)/test/unit/%,$(wildcard test/unit/$(1)/test_*.c))
$(B)/test/unit/$(1)/test_%: $(B)/test/unit/$(1)/test_%.o $(B)/test/unit/check_main.o \
		$(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard test/unit/$(1)/test_*.c),$(wildcard test/unit/$(1)/*.c))) \
		$(call archives,$(1) $(USES_$(1)))
	$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $$$$(pkg-config --libs check) $(PKG_LIBS)
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rules,$(l))))

# ---- integration tests: test/integration/test_<what>.c runs the programs; harness.c is what they share ----
INTEGRATION_TESTS := $(patsubst %.c,$(B)/%,$(wildcard test/integration/test_*.c))
$(INTEGRATION_TESTS): $(B)/%: $(B)/%.o $(B)/test/integration/harness.o $(B)/test/unit/check_main.o \
		$(call archives,kube base) | $(PROGRAMS:%=$(B)/%)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $$(pkg-config --libs check) $(PKG_LIBS)

# ---- C sides of the comparisons in test/oracle and test/e2e: test/oracle/<name>_main.c ----
ORACLES := $(patsubst test/oracle/%_main.c,$(B)/test/oracle/%,$(wildcard test/oracle/*_main.c))
$(ORACLES): $(B)/test/oracle/%: $(B)/test/oracle/%_main.o $(call archives,kube base)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# ---- what one decision costs: $(B)/test/bench/decide/decide prints it ----
$(B)/test/bench/decide/decide: $(B)/test/bench/decide/decide.o $(call archives,plugins $(USES_plugins))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

DEPFILES := $(shell find $(B) -name '*.d' 2>/dev/null)
-include $(DEPFILES)

unit: $(UNIT_TESTS) ## build and run the unit tests alone
	hack/run-tests $(UNIT_TESTS)

integration: $(INTEGRATION_TESTS) ## build and run the integration tests alone
	hack/run-tests $(INTEGRATION_TESTS)

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

fmt: ## format all C files in place
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove build/ (but not the tools that `make e2e` built)
	find build -mindepth 1 -maxdepth 1 ! -name e2e -exec rm -rf {} +
