# SPDX-License-Identifier: MIT
#
# The whole build. `make help` lists what it can do; V=1 shows the commands, -j works.
#
# Nothing is listed by hand: a source, a component, a test is found by where it lies. Everything
# made goes to build/; what `make setup` fetched stays in .cache/; the configuration is .config.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
# For `nr watch` (QUICK=1) the shell that begins soonest; a component's recipes need no other.
SHELL := $(if $(QUICK),/bin/sh,/bin/bash)

Q := $(if $(V),,@)
# $(call say,WHAT,FILE): the line that stands for a command
say = @$(if $(V),:,printf '  %-8s%s\n' '$1' '$2')

# --- settings a user may give on the command line -----------------------------------------------

CROSS ?= aarch64-linux-gnu-
# A newer start4.elf and fixup4.dat than Debian's, for boards which that one does not know.
FIRMWARE_DIR ?= .cache/firmware
# The private key, RSA of 2048 bits as PEM, that signs bundles and the FIT: the nucleus and U-Boot
# take no others. The development key is made by the first build, and never leaves this folder.
SIGNING_KEY ?= $(development_key)
development_key := .cache/keys/development.key
# Packages for the card besides those configured as "m": variants of components, such as
# NAME-VARIANT.
EXTRA ?=
# Where `make push` and `make update` find the machine. Left to nr: a running `make qemu`, else
# /dev/ttyUSB0.
PORT ?=
# The rate of a serial line, as the machine was configured.
BAUD ?= $(CONFIG_CONSOLE_BAUD)
# KEEP=1: what `make push` has put in is loaded at each start from then on.
KEEP ?=
# More options for QEMU, in `make qemu` and `make gdb`.
QEMU_OPTIONS ?=
QEMU_PORT := build/console.sock
QEMU_GDB := build/gdb.sock

# What is made carries one date: that of the commit. So it is the same, bit for bit, whenever and
# wherever it is made.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)
endif
export SOURCE_DATE_EPOCH

CC := $(CROSS)gcc
LD := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
HOSTCC := gcc
# It leaves the writing of the section to an objcopy; any will do.
PAHOLE := LLVM_OBJCOPY=$(OBJCOPY) pahole
# Debian's own: kconfiglib is there, and another python3 may come first in PATH.
PYTHON := /usr/bin/python3
PICOLIBC := /usr/lib/picolibc/aarch64-linux-gnu

# --- configuration ------------------------------------------------------------------------------

config := build/generated/auto.conf
kconfig_files := Kconfig $(wildcard components/*/Kconfig)
default_config := images/configs/qemu_defconfig
given_configs := $(notdir $(wildcard images/configs/*_defconfig))
configurers := menuconfig defconfig olddefconfig savedefconfig randconfig $(given_configs)
without_config := help setup clean flash $(configurers)

# What is configured holds for what stands behind it (make pi4_defconfig sdcard): make reads the
# configuration before it makes anything, so each of such goals gets a make of its own, in turn.
ifneq ($(and $(filter $(configurers),$(MAKECMDGOALS)),$(word 2,$(MAKECMDGOALS))),)

.PHONY: $(MAKECMDGOALS) goals-in-turn
$(MAKECMDGOALS): goals-in-turn
	@:
goals-in-turn:
	@for goal in $(MAKECMDGOALS); do $(MAKE) --no-print-directory $$goal || exit; done

else

# Whatever is asked for, but these: first what it needs is installed. Quick when nothing is missing,
# but not as quick as `nr watch` wants it (QUICK=1), which has built before.
ifneq ($(if $(QUICK),,$(filter-out help setup clean flash,$(or $(MAKECMDGOALS),all))),)
ifneq ($(shell tools/setup >&2 && echo done),done)
$(error set-up has not been completed, see above)
endif
endif

ifneq ($(filter-out $(without_config),$(or $(MAKECMDGOALS),all)),)
include $(config)
endif

.config:
	$(call say,CONFIG,$(default_config))
	$(Q)$(PYTHON) -m defconfig --kconfig Kconfig $(default_config) >/dev/null

# Written anew even when only a component came or went; autoconf.h keeps its date if it stays the
# same.
$(config): .config $(kconfig_files)
	$(call say,CONFIG,$@)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) -m genconfig --header-path build/generated/autoconf.h --config-out $@ Kconfig
	@touch $@

menuconfig: ## change the configuration
	$(Q)$(PYTHON) -m menuconfig Kconfig

defconfig: ## go back to the default configuration
	$(Q)$(PYTHON) -m defconfig --kconfig Kconfig $(default_config)

$(given_configs): # qemu_defconfig, pi4_defconfig, pi4_minimal_defconfig
	$(Q)$(PYTHON) -m defconfig --kconfig Kconfig images/configs/$@

olddefconfig: ## take the defaults for options new since .config was written
	$(Q)$(PYTHON) -m olddefconfig Kconfig

savedefconfig: ## make the present configuration the default one
	$(Q)$(PYTHON) -m savedefconfig --kconfig Kconfig --out $(default_config)

randconfig: ## make up a valid configuration (SEED=N: the same again)
	$(Q)tools/randconfig

# --- flags --------------------------------------------------------------------------------------

bearssl_include := -isystem .cache/bearssl/inc -isystem .cache/bearssl/src
include_flags := -Iinclude -I. -Ibuild -include build/generated/autoconf.h
warning_flags := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
    -Wshadow -Wvla -Wundef

# One set for nucleus, HAL, lib and components: the drain relies on frame records everywhere, the
# linker on the absence of jump tables and the like (code addresses that it could not turn into
# gates).
target_flags := -std=gnu2x -ffreestanding -O2 -g -mcpu=cortex-a72 -mno-outline-atomics \
    -mgeneral-regs-only -fno-pic -fno-pie -fno-common -fno-strict-aliasing \
    -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-jump-tables -fno-ipa-icf \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector \
    -fstack-clash-protection -ftrivial-auto-var-init=zero \
    -fsanitize=bounds,shift,integer-divide-by-zero,unreachable,vla-bound \
    -fsanitize-undefined-trap-on-error \
    -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(PICOLIBC)/include \
    -isystem .cache/libfdt $(bearssl_include) $(warning_flags) $(include_flags)

# Components besides: a tail call (`b gate`) would leave no frame of its function on the stack, so
# that a drain takes the component for left while the callee still uses pointers into its state or
# its constants. nrpack refuses what was built without this.
component_flags := $(target_flags) -fno-optimize-sibling-calls

host_flags := -std=gnu2x -D_GNU_SOURCE -O2 -g $(bearssl_include) $(warning_flags) $(include_flags)
host_libs := -Wl,--as-needed -lfdt -lbpf -lelf -lcrypto
# Tests may be slow, and stop at the first thing that is undefined. Position-dependent as the
# target: else a component's record, full of addresses, could not be in a read-only section.
test_flags := $(host_flags) -O1 -fno-pie -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all

# What each function takes of the stack and whom it calls, in FILE.ci beside the object, for
# tools/sizes. It changes nothing of the code.
stack_flags := -fcallgraph-info=su

# A component's compiler: gcc, or what its variant names. clang takes what it knows of the flags,
# and its own headers; zeroed locals it allows only since version 16 without being asked twice.
compile_with_gcc := $(CC) $(component_flags) $(stack_flags)
clang_headers = $(shell clang -print-file-name=include)
clang_zeroes = $(if $(shell clang -ftrivial-auto-var-init=zero -fsyntax-only -x c /dev/null 2>&1), \
    -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
compile_with_clang = clang --target=aarch64-linux-gnu $(clang_zeroes) -isystem $(clang_headers) \
    $(filter-out -fno-ipa-icf -fstack-clash-protection,$(component_flags))

# A folder with a source of its own name: a tool, a component.
has_main_file = $(if $(wildcard $1/$(notdir $1).c),$1)

# --- signatures ---------------------------------------------------------------------------------

# Of BearSSL what lib/signature.c needs: in the nucleus and, the very same, in tools and tests. It
# is built as it comes, without our warnings and sanitizers.
bearssl := .cache/bearssl/src
bearssl_sources := $(addprefix $(bearssl)/, \
    rsa/rsa_pkcs1_sig_unpad.c hash/sha2small.c codec/dec32be.c codec/enc32be.c \
    int/i31_bitlen.c int/i31_decmod.c int/i31_decode.c int/i31_encode.c int/i31_montmul.c \
    int/i31_ninv31.c int/i31_sub.c)
bearssl_flags := -w -fno-sanitize=all -ftrivial-auto-var-init=uninitialized
build/nucleus/$(bearssl)/%: target_flags += $(bearssl_flags)
build/host/$(bearssl)/%: host_flags += $(bearssl_flags)
build/tests/obj/$(bearssl)/%: test_flags += $(bearssl_flags)

$(development_key):
	$(call say,KEY,$@)
	@mkdir -p $(@D)
	$(Q)openssl genrsa -out $@ 2048 2>/dev/null

# The key as the nucleus knows it. Written anew only when it is another one, so that what is signed
# may depend on it.
public_key := build/generated/public_key.c
$(public_key): build/tools/nrpack $(SIGNING_KEY) .FORCE
	@mkdir -p $(@D)
	$(Q)build/tools/nrpack public $(SIGNING_KEY) >$@.tmp
	$(Q)if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# --- nucleus ------------------------------------------------------------------------------------

exports := build/generated/exports.c
$(exports): $(wildcard include/neurath/*.h) build/tools/nrpack
	@mkdir -p $(@D)
	$(Q)build/tools/nrpack exports $(filter %.h,$^) >$@

lib_sources := $(filter-out lib/test_%,$(wildcard lib/*.c)) $(bearssl_sources)
nucleus_sources := $(wildcard kernel/*.[cS] kernel/*/*.[cS] hal/bcm2711/*.[cS]) \
    $(filter-out boot/kernel.ld.S,$(wildcard boot/*.S)) $(public_key) $(exports)
nucleus_objects := $(nucleus_sources:%=build/nucleus/%.o)
# Of lib/ only what is called.
nucleus_lib_objects := $(lib_sources:%=build/nucleus/%.o)
nucleus_libs := build/nucleus/lib.a .cache/libfdt/libfdt.a $(PICOLIBC)/lib/libc.a \
    $(shell $(CC) -print-libgcc-file-name)

build/nucleus/%.c.o: %.c Makefile | $(config) .cache/libfdt/libfdt.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(target_flags) $(stack_flags) -MMD -MP -c $< -o $@

build/nucleus/%.S.o: %.S Makefile | $(config)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(target_flags) -MMD -MP -c $< -o $@

build/nucleus/kernel.ld: boot/kernel.ld.S Makefile $(config)
	$(call say,CPP,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(target_flags) -D__ASSEMBLER__ -D__LINKER__ -E -P -MMD -MP -MT $@ -MF $@.d \
	    -x assembler-with-cpp $< -o $@

# Linked twice: the first result tells the addresses of all functions, for backtraces; the second
# has this table too, in its last section, so that no address moves.
build/nucleus/symbols-none.S: Makefile
	@mkdir -p $(@D)
	$(Q)printf '%s\n' '.section .rodata.symbols, "a"' \
	    '.globl symbols_count, symbols_table, symbols_names' \
	    'symbols_count: .quad 0' 'symbols_table:' 'symbols_names: .quad 0' >$@

build/nucleus/symbols.S: build/nucleus/stage1.elf build/tools/nrpack
	$(call say,SYMBOLS,$@)
	$(Q)build/tools/nrpack symbols $< >$@

build/nucleus/symbols%.o: build/nucleus/symbols%.S
	$(Q)$(CC) $(target_flags) -c $< -o $@

build/nucleus/symbols.o: build/nucleus/symbols.S
	$(Q)$(CC) $(target_flags) -c $< -o $@

build/nucleus/lib.a: $(nucleus_lib_objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(CROSS)ar rcs $@ $^

define link_nucleus
$(call say,LD,$@)
$(Q)$(CC) -nostdlib -static -no-pie -Wl,-T,build/nucleus/kernel.ld -Wl,-z,max-page-size=4096 \
    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-Map,$@.map -o $@ $(filter %.o,$^) \
    -Wl,--start-group $(nucleus_libs) -Wl,--end-group
endef

build/nucleus/stage1.elf: $(nucleus_objects) build/nucleus/symbols-none.o build/nucleus/kernel.ld \
    build/nucleus/lib.a
	$(link_nucleus)

build/neurath.elf: $(nucleus_objects) build/nucleus/symbols.o build/nucleus/kernel.ld \
    build/nucleus/lib.a
	$(link_nucleus)

build/boot/Image: build/neurath.elf
	$(call say,OBJCOPY,$@)
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) -O binary $< $@

# --- host tools: one folder each ----------------------------------------------------------------

tools := $(foreach d,$(wildcard tools/*),$(if $(call has_main_file,$d),$(notdir $d)))
host_tools := $(tools:%=build/tools/%)
host_lib := $(lib_sources:%=build/host/%.o)

build/host/%.o: % Makefile | $(config)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(host_flags) -MMD -MP -c $< -o $@

define tool_rules
build/tools/$1: $(patsubst %,build/host/%.o,$(wildcard tools/$1/*.c)) $(host_lib)
	$$(call say,HOSTLD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$^ $$(host_libs) -o $$@
endef
$(foreach tool,$(tools),$(eval $(call tool_rules,$(tool))))

# --- interfaces: an object each, in whose BTF its prototypes are --------------------------------

# $(call interface_rules,FOLDER above interface/,OUT,FOLDERS to include from)
define interface_rules
$2/%.c: $1/interface/%.h build/tools/nrpack
	@mkdir -p $$(@D)
	$$(Q)build/tools/nrpack stub $$< >$$@

$2/%.o: $2/%.c Makefile | $$(config)
	$$(call say,IFACE,$$*)
	$$(Q)$$(CC) $$(target_flags) $(addprefix -I,$3) -MMD -MP -MT $$@ -MF $$@.d -c $$< -o $$@.tmp
	$$(Q)$$(PAHOLE) -J $$@.tmp && mv $$@.tmp $$@
endef

# Tests have some of their own, and some that contradict others.
fixture_interfaces := $(sort $(patsubst %/,%,$(dir $(wildcard tests/fixtures/*/interface))))
$(eval $(call interface_rules,include,build/interfaces))
$(foreach d,$(fixture_interfaces),$(eval \
    $(call interface_rules,$d,$(d:tests/%=build/%),$d tests/fixtures/include)))

build/interfaces/nucleus.c: $(wildcard include/neurath/*.h) build/tools/nrpack
	@mkdir -p $(@D)
	$(Q)build/tools/nrpack stub --name nucleus $(filter %.h,$^) >$@

interface_headers := $(wildcard include/interface/*.h)
interface_stubs := $(interface_headers:include/interface/%.h=build/interfaces/%.o) \
    build/interfaces/nucleus.o
fixture_stubs := $(foreach d,$(fixture_interfaces),$(patsubst \
    $d/interface/%.h,$(d:tests/%=build/%)/%.o,$(wildcard $d/interface/*.h)))

# --- components ---------------------------------------------------------------------------------
#
# A folder with a main file of its name is a component. Its component.mk, if it has one, may set
#     NAME-cflags := ...             flags besides those of all
#     NAME-lib := crc cobs ...       sources of lib/ that become a part of it
#     NAME-bearssl := hash/X ...     sources of BearSSL that do
#     NAME-include := FOLDER ...     folders with interface/ headers besides include/
#     NAME-variants := V ...         other builds of the same source, each a package of its own,
#     NAME-V-cflags := ...           and how they differ: flags,
#     NAME-V-compiler := clang       another compiler than gcc,
#     NAME-V-include := FOLDER ...   other folders
# Made of each: build/components/NAME[-V]/NAME.o, the object with debug information;
# build/components/NAME[-V]/package.nrb; and build/packages/NAME-VERSION[+V].nrb, a copy under the
# name it goes by. (A variant named like the version it makes is not named twice.)
# tests/fixtures/ holds components too, built below build/fixtures/ and never on a card.

components := $(foreach d,$(wildcard components/*),$(call has_main_file,$d))
fixtures := $(foreach d,$(wildcard tests/fixtures/*),$(call has_main_file,$d))
-include $(wildcard $(addsuffix /component.mk,$(components) $(fixtures)))

# $(call upper,WORD): in capitals. Not by a shell: one for each component is most of the time that
# make takes to find out that there is nothing to do.
comma := ,
upper = $1
$(foreach l,a:A b:B c:C d:D e:E f:F g:G h:H i:I j:J k:K l:L m:M n:N o:O p:P q:Q r:R s:S t:T u:U \
    v:V w:W x:X y:Y z:Z,$(eval upper = $$(subst $(subst :,$(comma),$l),$(value upper))))

option_of = $(CONFIG_COMP_$(call upper,$(notdir $1)))
boot_components := $(foreach c,$(components),$(if $(filter y,$(call option_of,$c)),$c))
card_components := $(foreach c,$(components),$(if $(filter m,$(call option_of,$c)),$c))

# $(call …,NAME,VARIANT)
component_includes = $(or $($1-$2-include),$($1-include))
component_compile = $$(compile_with_$(or $($1-$2-compiler),gcc)) $$($1-cflags) \
    $(if $2,$$($1-$2-cflags)) $(addprefix -I,$(component_includes))
component_stubs = $$(interface_stubs) $(if $(component_includes),$$(fixture_stubs))

# $(call component_rules,FOLDER,NAME,VARIANT or nothing,OUT)
define component_rules
packages += $4/package.nrb

$4/%.c.o: $1/%.c Makefile $(wildcard $1/component.mk) | $$(config) .cache/libfdt/libfdt.a
	$$(call say,CC,$$<$(3:%= [%]))
	@mkdir -p $$(@D)
	$$(Q)$(call component_compile,$2,$3) -MMD -MP -c $$< -o $$@

$4/lib/%.c.o: lib/%.c Makefile $(wildcard $1/component.mk) | $$(config)
	$$(call say,CC,$$< [$2$(3:%=-%)])
	@mkdir -p $$(@D)
	$$(Q)$(call component_compile,$2,$3) -MMD -MP -c $$< -o $$@

$4/bearssl/%.c.o: $(bearssl)/%.c Makefile $(wildcard $1/component.mk) | $$(config)
	$$(call say,CC,$$(@F:.o=) [$2$(3:%=-%)])
	@mkdir -p $$(@D)
	$$(Q)$(call component_compile,$2,$3) $(bearssl_flags) -MMD -MP -c $$< -o $$@

$4/$2.o: $(patsubst $1/%,$4/%.o,$(filter-out $1/test_%,$(wildcard $1/*.c))) \
    $($2-lib:%=$4/lib/%.c.o) $($2-bearssl:%=$4/bearssl/%.c.o)
	$$(call say,LD,$$@)
	$$(Q)$$(LD) -r -o $$@.tmp $$^
	$$(Q)$$(PAHOLE) -J $$@.tmp && mv $$@.tmp $$@

$4/package.nrb: $4/$2.o $(call component_stubs,$2,$3) build/tools/nrpack $$(public_key)
	$$(call say,PACK,$2$(3:%= [%]))
	$$(Q)build/tools/nrpack pack $(patsubst \
	    tests/%,--interfaces build/%,$(call component_includes,$2,$3)) \
	    --interfaces build/interfaces --key $$(SIGNING_KEY) -o $$@ $$<
	$$(Q)tools/name-package $$@ $3

dependency_files += $(patsubst $1/%.c,$4/%.c.d,$(wildcard $1/*.c)) $($2-lib:%=$4/lib/%.c.d) \
    $($2-bearssl:%=$4/bearssl/%.c.d)
endef
component_out = $(patsubst tests/%,build/%,$(1:components/%=build/components/%))
component_variants = \
    $(eval $(call component_rules,$1,$(notdir $1),,$(component_out))) \
    $(foreach v,$($(notdir $1)-variants), \
        $(eval $(call component_rules,$1,$(notdir $1),$v,$(component_out)-$v)))
$(foreach c,$(components) $(fixtures),$(call component_variants,$c))

# --- boot chain ---------------------------------------------------------------------------------

# What `make setup` fetches, fetched also when somebody only says `make`.
.cache/u-boot/Makefile .cache/firmware/start4.elf .cache/libfdt/libfdt.a $(bearssl_sources) &:
	$(Q)tools/setup

build/u-boot/.config: boot/u-boot.config .cache/u-boot/Makefile
	$(call say,CONFIG,U-Boot)
	@mkdir -p $(@D)
	$(Q)$(MAKE) -s -C .cache/u-boot O=$(CURDIR)/$(@D) rpi_4_defconfig >/dev/null
	$(Q)cat $< >>$@
	$(Q)$(MAKE) -s -C .cache/u-boot O=$(CURDIR)/$(@D) olddefconfig >/dev/null 2>&1

# Written anew only when something in it has changed, since U-Boot is linked again then.
build/u-boot/boot.env: boot/boot.env $(config)
	@mkdir -p $(@D)
	$(Q)sed 's/@WATCHDOG@/$(if $(filter-out 0,$(CONFIG_POWER_GUARD_S)),1,0)/' $< >$@.tmp
	$(Q)if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# Its messages are kept back unless it fails: they are about U-Boot's own sources.
build/u-boot/u-boot-nodtb.bin: build/u-boot/.config build/u-boot/boot.env boot/u-boot.h
	$(call say,U-BOOT,$@)
	$(Q)SOURCE_DATE_EPOCH=$$(dpkg-parsechangelog -l .cache/u-boot/debian/changelog -S Timestamp) \
	    $(MAKE) -s -C .cache/u-boot O=$(CURDIR)/$(@D) CROSS_COMPILE=$(CROSS) \
	    KCPPFLAGS='-include $(abspath boot/u-boot.h)' u-boot-nodtb.bin dtbs \
	    >$(@D)/log 2>&1 || { cat $(@D)/log; exit 1; }
	@touch $@

build/boot/overlay.dtbo: hal/bcm2711/neurath-overlay.dts $(config)
	$(call say,DTC,$<)
	@mkdir -p $(@D)
	$(Q)cpp -nostdinc -undef -P -x assembler-with-cpp -Ibuild $< | dtc -q -@ -O dtb -o $@

# U-Boot's own device tree of the board: where that lies depends on U-Boot's version.
build/boot/bcm2711-rpi-4-b.dtb: build/boot/overlay.dtbo build/u-boot/u-boot-nodtb.bin
	$(call say,FDT,$@)
	$(Q)fdtoverlay -o $@ -i "$$(find build/u-boot -name $(@F) | head -n 1)" $<

build/boot/boot.nrb: $(boot_components:%=build/%/package.nrb) build/tools/nrpack $(public_key) \
    $(config)
	$(call say,BUNDLE,$@)
	@mkdir -p $(@D)
	$(Q)build/tools/nrpack bundle --key $(SIGNING_KEY) -o $@ $(filter %.nrb,$^)

build/boot/u-boot.dtbo: boot/u-boot.dts
	$(call say,DTC,$<)
	@mkdir -p $(@D)
	$(Q)dtc -q -@ -O dtb -o $@ $<

# mkimage wants a folder with the key, and a certificate to take its public half from.
build/boot/keys/neurath.crt: $(public_key)
	@mkdir -p $(@D)
	$(Q)openssl req -batch -new -x509 -key $(SIGNING_KEY) -subj /CN=neurath -out $@

# The data stands behind the FIT's tree, each on a page of its own: it is used where it was loaded.
# Signing it also puts the key's public half into U-Boot's own device tree, and U-Boot takes nothing
# that is not signed with it.
build/boot/neurath.itb build/boot/u-boot.dtb &: boot/neurath.its build/boot/Image \
    build/boot/boot.nrb build/boot/bcm2711-rpi-4-b.dtb build/boot/u-boot.dtbo build/boot/date \
    build/boot/version build/boot/keys/neurath.crt
	$(call say,FIT,build/boot/neurath.itb)
	$(Q)sed "s/@VERSION@/$$(cat build/boot/version)/" $< >build/boot/neurath.its
	$(Q)fdtoverlay -o build/boot/u-boot.dtb -i build/boot/bcm2711-rpi-4-b.dtb \
	    build/boot/u-boot.dtbo
	$(Q)ln -sf $(abspath $(SIGNING_KEY)) build/boot/keys/neurath.key
	$(Q)cd build/boot && mkimage -E -B 0x1000 -f neurath.its -k keys -K u-boot.dtb -r \
	    neurath.itb >neurath.itb.log 2>&1 || { cat neurath.itb.log; rm -f neurath.itb; false; }

# U-Boot as the firmware loads it: its own device tree is behind it.
build/boot/u-boot.bin: build/u-boot/u-boot-nodtb.bin build/boot/u-boot.dtb
	$(Q)cat $^ >$@

# --- the card -----------------------------------------------------------------------------------

firmware := $(addprefix $(FIRMWARE_DIR)/,start4.elf fixup4.dat)
card_files := boot/config.txt build/boot/u-boot.bin build/boot/bcm2711-rpi-4-b.dtb $(firmware)
# $(call versions_of,COMPONENT): its variants that are other versions, to be swapped with it.
versions_of = $(foreach v,$($(notdir $1)-variants),$(if $(findstring .,$v),build/$1-$v/package.nrb))
card_packages := $(card_components:%=build/%/package.nrb) $(if $(CONFIG_MODULES), \
    $(foreach c,$(boot_components) $(card_components),$(call versions_of,$c))) \
    $(EXTRA:%=build/components/%/package.nrb)

# What is on the card changes with settings, date and commit too, which are no files: note them.
build/boot/card.list build/boot/date build/boot/version: .FORCE
	@mkdir -p $(@D)
	@echo '$(note)' | cmp -s - $@ || echo '$(note)' >$@
build/boot/card.list: note = $(card_files) $(card_packages)
build/boot/date: note = $(SOURCE_DATE_EPOCH)
build/boot/version: note = $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# $(call make_card,FOLDER,OUT): OUT/neurath.img, with what is in the folder.
define make_card
$(Q)TZ=UTC genimage --config images/card.cfg --rootpath $1 --tmppath $1.tmp \
    --inputpath build --outputpath $2 --loglevel 1 2>$2/genimage.log || \
    { cat $2/genimage.log; false; }
$(Q)rm -rf $1.tmp $2/neurath.vfat
endef

# Its folder is made anew each time, so that nothing stays on the card that is gone from the build.
# Both slots hold the same: should one of them not be readable, there is the other.
build/neurath.img: $(card_files) build/boot/neurath.itb $(card_packages) build/boot/card.list \
    build/boot/date images/card.cfg images/manifest $(config)
	$(call say,CARD,$@)
	$(Q)rm -rf build/card && mkdir -p build/card/components build/card/slot-a build/card/slot-b
	$(Q)cp $(card_files) build/card
	$(Q)cp build/boot/neurath.itb build/card/slot-a
	$(Q)cp build/boot/neurath.itb build/card/slot-b
	$(Q)cp .cache/firmware/copyright build/card/firmware-licence.txt
	$(Q)for package in $(card_packages); do \
	    cp build/packages/$$(cat $${package%.nrb}.name) build/card/components || exit; done
	$(Q)CROSS=$(CROSS) images/manifest build/card >build/neurath.manifest
	$(Q)cp build/neurath.manifest build/card/manifest.txt
	$(Q)find build/card -exec touch -d @$(SOURCE_DATE_EPOCH) {} +
	$(call make_card,build/card,build/boot)
	$(Q)mv build/boot/neurath.img $@

# One thread, since the others divide the input as they have time.
build/neurath.img.xz: build/neurath.img
	$(call say,XZ,$@)
	$(Q)xz --keep --force --threads=1 $<

build/neurath.bmap: build/neurath.img
	$(call say,BMAP,$@)
	$(Q)bmaptool create $< >$@ 2>/dev/null

# The system alone, for cards that are in use.
build/neurath.itb: build/boot/neurath.itb
	$(Q)cp $< $@

sdcard_files := neurath.img neurath.img.xz neurath.bmap neurath.manifest neurath.itb
build/neurath.sha256: build/neurath.img.xz build/neurath.bmap build/neurath.itb
	$(Q)cd build && sha256sum $(sdcard_files) >$(@F)

sdcard: build/neurath.sha256 build/tools/nr ## a card's image: build/neurath.img, .xz, .bmap, ...
	$(Q)cat $<

# As it is: who may write to a disk need not own this folder, nor have the key.
flash: ## write the image to the card in DEV=/dev/sdX, after asking
	$(Q)tools/flash build/neurath.img $(DEV)

other_cards := $(patsubst %_defconfig,card-%,$(filter-out qemu_% bench_% direct_%,$(given_configs)))
$(other_cards): card-%: build/neurath.img
	$(Q)tools/build-as $* -s build/neurath.img

cards: $(other_cards) ## those of the other configurations: build/as/NAME/build/neurath.img

reproducible: ## build twice, in two places, and compare the images (some minutes)
	$(Q)tools/reproducible

all: build/neurath.img $(packages) $(host_tools) ## the nucleus, all components, the tools, the card

setup: ## install and fetch what the build needs
	$(Q)tools/setup

# --- to run it ----------------------------------------------------------------------------------

# QEMU's serial line is a socket, and `nr console` the terminal at it; `make push` from another
# terminal goes through this nr.
start_qemu = QEMU_DISPLAY=$(or $(qemu_display),none) \
    images/qemu build/neurath.img unix:$(QEMU_PORT),server=on,wait=off \
    -daemonize -pidfile build/qemu.pid -gdb unix:$(QEMU_GDB),server=on,wait=off $(QEMU_OPTIONS)
# In a window where there is a display and this QEMU has what draws it.
qemu_display = $(if $(DISPLAY)$(WAYLAND_DISPLAY),$(shell qemu-system-aarch64 -display help | \
    grep -xE 'gtk|sdl' | head -n 1))
qemu: build/neurath.img build/tools/nr ## run the card in QEMU, in this terminal
	$(Q)$(start_qemu)
	$(Q)trap 'kill $$(cat build/qemu.pid); rm -f $(QEMU_PORT)' EXIT; \
	    build/tools/nr --port $(QEMU_PORT) console

ifneq ($(filter push watch,$(MAKECMDGOALS)),)
$(if $(COMPONENT),,$(error say which: make $(filter push watch,$(MAKECMDGOALS)) COMPONENT=NAME))
endif
place = $(PORT:%=--port %) $(BAUD:%=--baud %)
push: build/components/$(COMPONENT)/package.nrb build/tools/nr ## replace COMPONENT=NAME, live
	$(Q)build/tools/nr $(place) push $(if $(KEEP),--keep) $<

watch: build/components/$(COMPONENT)/package.nrb build/tools/nr ## the same at each save
	$(Q)build/tools/nr $(place) watch $(COMPONENT)

update: build/neurath.itb build/tools/nr ## send the whole system; the next start tries it
	$(Q)build/tools/nr $(place) update $<

# A running machine is debugged as it was built: nothing is made anew. Else one is started, which
# waits before U-Boot; its console is build/tools/nr --port build/console.sock console.
ifneq ($(filter gdb,$(MAKECMDGOALS)),)
machine_runs := $(shell kill -0 "$$(cat build/qemu.pid 2>/dev/null)" 2>/dev/null && echo yes)
endif
gdb: $(if $(machine_runs),,build/neurath.img) ## debug a running `make qemu`, or one that it starts
	$(Q)$(if $(machine_runs),,$(start_qemu) -S && trap 'kill $$(cat build/qemu.pid)' EXIT &&) \
	    gdb-multiarch -q build/neurath.elf -ex 'target remote $(QEMU_GDB)' -x images/gdb.py

# --- tests --------------------------------------------------------------------------------------

fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
unit_sources := $(wildcard tests/unit/*.c tests/contract/*.c lib/test_*.c \
    components/*/test_*.c) tests/bench/figures.c tests/harness/trace_rules.c \
    $(filter-out %/entry.c tests/fuzz/mutate_%,$(wildcard tests/fuzz/*.c))
hotswap_sources := $(wildcard tests/hotswap/*.c) tests/bench/figures.c tests/bench/measure.c
demo_sources := $(wildcard tests/demo/*.c)
bench_sources := $(wildcard tests/bench/*.c)
# Tests talk to the machine in QEMU with nr's own code, and sign with nrpack's.
harness_sources := $(wildcard tests/harness/*.c) tools/nrpack/key.c \
    $(filter-out tools/nr/nr.c,$(wildcard tools/nr/*.c))

build/tests/obj/%.o: % Makefile | $(config)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(test_flags) -MMD -MP -c $< -o $@

define link_test
$(call say,HOSTLD,$@)
$(Q)$(HOSTCC) -no-pie -fsanitize=address,undefined $^ -lcriterion $(host_libs) -ljansson -o $@
endef

test_objects = $(patsubst %,build/tests/obj/%.o,$1 $(lib_sources))
build/tests/unit: $(call test_objects,$(unit_sources))
	$(link_test)
build/tests/hotswap: $(call test_objects,$(hotswap_sources) $(harness_sources))
	$(link_test)
build/tests/demo: $(call test_objects,$(demo_sources) $(harness_sources))
	$(link_test)

suites := $(if $(unit_sources),build/tests/unit) $(if $(hotswap_sources),build/tests/hotswap)
test: all build/neurath.sha256 bench-machine $(suites) ## all tests: of pure code, and in QEMU
	$(Q)tools/run-tests $(suites)

# In the machine that BUILD tells of. Those of cards, boards and displays replace nothing more.
direct_suites := law*|swap|rollback|vital_parts|many_at_once|heap_replaced|refusals|rejections|$\
    trace|top|types|foreign|in_turn
test-direct: direct-nucleus build/tests/hotswap ## tests of replacing, with calls past their gates
	$(Q)BUILD=build/as/direct/build build/tests/hotswap --filter '@($(direct_suites))/*'

# libFuzzer is part of clang. What it finds goes to build/fuzz/: new ways through the code to
# corpus/TARGET, what breaks something beside it. `make test` replays what is in tests/fuzz/corpus.
TIME ?= 60
fuzz_flags := $(filter-out -O2,$(host_flags)) -O1 -fno-sanitize-recover=all \
    -fsanitize=fuzzer,address,undefined

build/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/entry.c tests/fuzz/copy.c $(lib_sources) \
    $(wildcard lib/*.h tests/fuzz/*.h tests/fuzz/mutate_*.c) Makefile | $(config)
	$(call say,FUZZER,$@)
	@mkdir -p $(@D)
	$(Q)clang $(fuzz_flags) -DFUZZ_TARGET=fuzz_$* \
	    $(filter-out tests/fuzz/mutate_%,$(filter %.c,$^)) $(wildcard tests/fuzz/mutate_$*.c) \
	    $(host_libs) -o $@

fuzz_runs := $(fuzz_targets:%=fuzz-%)
$(fuzz_runs): fuzz-%: build/fuzz/%
	$(Q)mkdir -p build/fuzz/corpus/$*
	$(Q)build/fuzz/$* -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* tests/fuzz/corpus/$*

fuzz: $(fuzz_runs) ## look for input that breaks the readers, TIME=seconds for each

SWAPS ?= 10000
soak: all build/tests/hotswap ## many replacements under load, to the byte (SWAPS=10000)
	$(Q)SWAPS=$(SWAPS) build/tests/hotswap --verbose --filter 'law6*/after_ten*'

# What is measured lies on a card of its own, in a machine that nobody sends anything to.
bench_components := $(addprefix build/components/,arch_timer console emmc2 fat gic400 gpio heap \
    partition sched_fair uart_mini vfs) build/fixtures/bench build/fixtures/bench_target
bench_packages := $(addprefix build/fixtures/,ballast ballast-large ballast-large-rebuilt \
    ballast-rebuilt bench_target borrower caller-gated-10 caller-gated-1000 caller-gated-100000) \
    $(addprefix build/components/,led_blink led_blink-rebuilt trace)

build/bench/boot.nrb: $(bench_components:%=%/package.nrb) build/tools/nrpack
	$(call say,BUNDLE,$@)
	@mkdir -p $(@D)
	$(Q)build/tools/nrpack bundle --key $(SIGNING_KEY) -o $@ $(filter %.nrb,$^)

bench_many := 2 56 56 64 64 64 64 64 64 64 64 64 64 64 64 64 64
build/bench/neurath.img: $(bench_packages:%=%/package.nrb) build/fixtures/many/many.o \
    tools/make-many images/card.cfg
	$(call say,CARD,$@)
	$(Q)rm -rf $(@D)/card && mkdir -p $(@D)/card/bench
	$(Q)for package in $(bench_packages); do \
	    cp $$package/package.nrb $(@D)/card/bench/$$(basename $$package | sed s/-/+/).nrb || exit; done
	$(Q)tools/make-many build/fixtures/many/many.o $(SIGNING_KEY) $(@D)/card/bench $(bench_many)
	$(Q)find $(@D)/card -exec touch -d @0 {} +
	$(call make_card,$(@D)/card,$(@D))

build/tests/bench: $(call test_objects,$(bench_sources) $(harness_sources))
	$(link_test)

# Built with room for a thousand components, which a board has not by default.
bench-machine: all direct-nucleus
	$(Q)tools/build-as bench -s build/boot/Image build/bench/boot.nrb build/bench/neurath.img

# With CONFIG_GATE_DIRECT; components are the same.
direct-nucleus: all
	$(Q)tools/build-as direct -s build/boot/Image build/neurath.img

bench: bench-machine build/tests/bench ## measure what it costs, in instructions: build/bench.json
	$(Q)build/tests/bench measure build/bench.json

bench-twice: bench-machine build/tests/bench ## measure two times: no figure may differ
	$(Q)build/tests/bench measure build/bench.json
	$(Q)build/tests/bench measure build/bench-again.json >/dev/null
	$(Q)build/tests/bench differ build/bench.json build/bench-again.json

bench-baseline: ## take build/bench.json over as the baseline, and into docs/performance.md
	$(Q)cp build/bench.json bench/baseline.json
	$(Q)tools/performance-table

bench-compare: build/tests/bench ## two bench.json side by side: OLD=FILE, NEW=FILE
	$(Q)build/tests/bench compare $(or $(OLD),bench/baseline.json) $(or $(NEW),build/bench.json)

demo: all build/tests/demo ## see components replaced in QEMU, step by step
	$(Q)build/tests/demo

# --- lint ---------------------------------------------------------------------------------------

lint: $(config) .cache/libfdt/libfdt.a $(interface_stubs) ## layout, analysis, dependencies, ABI
	$(Q)CC='$(CC)' TARGET_FLAGS='$(target_flags) -Itests/fixtures/include' \
	    HOSTCC='$(HOSTCC)' HOST_FLAGS='$(host_flags)' \
	    INTERFACES='$(interface_stubs)' tools/lint

abi: $(interface_stubs) ## write snapshots of interfaces with new versions to abi/
	$(Q)build/tools/nrpack abi --update abi $^

size: build/neurath.elf ## how large the nucleus is; README.md says it too
	$(Q)tools/nucleus-size --update

sizes: build/neurath.elf $(components:%=build/%/package.nrb) ## code, state, stack of each part
	$(Q)tools/sizes

sizes-diff: sizes ## beside those of another commit, REV=…, built in build/sizes
	$(Q)tools/sizes-diff $(or $(REV),$(error say with what: make sizes-diff REV=COMMIT))

# --- the rest -----------------------------------------------------------------------------------

help: ## this list
	@awk -F ': .*## |: ## ' '/^[a-z-]+: .*## / { printf "  %-15s%s\n", $$1, $$2 }' Makefile

clean: ## remove all that was built
	$(Q)rm -rf build

.PHONY: .FORCE $(fuzz_runs) $(other_cards) abi all bench bench-baseline bench-compare \
    bench-machine bench-twice cards clean direct-nucleus defconfig demo fuzz gdb help lint \
    menuconfig flash olddefconfig push qemu randconfig reproducible savedefconfig sdcard setup \
    size sizes sizes-diff soak test test-direct update watch

-include $(nucleus_objects:.o=.d) $(nucleus_lib_objects:.o=.d) build/nucleus/kernel.ld.d \
    $(dependency_files) \
    $(shell find build/host build/tests/obj build/interfaces \
        $(fixture_interfaces:tests/%=build/%) -name '*.d' 2>/dev/null)

endif
