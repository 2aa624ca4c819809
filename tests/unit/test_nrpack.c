/* SPDX-License-Identifier: MIT */
/*
 * nrpack pack: what it refuses, with which words; and that a package it makes links like the object
 * it was made of.
 */

#include "packager.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lib/link.h>
#include <lib/version.h>

/* --- what it makes of a good one --- */

Test(nrpack, derives_the_descriptor_of_a_component, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    int status = packager_pack();
    cr_assert_eq(status, 0, "%s", packager_output);
    cr_assert_str_empty(packager_output);
    struct bundle bundle;
    struct component_descriptor c;
    struct descriptor_interface interface;
    struct descriptor_method method;
    int cursor = 0;
    void *data = packager_read("demo.nrb", &bundle);
    cr_assert_eq(bundle_find(&bundle, "demo", &c), 0);
    cr_assert_eq(c.version, version_pack(1, 2, 3));
    cr_assert_str_eq(c.summary, "Shows");
    cr_assert_str_eq(c.compatible, "a,b");
    cr_assert_str_eq(c.state_type, "struct demo");
    cr_assert(c.state_size == 32 && c.state_align == 8 && c.state_hash != 0);

    cr_assert(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));
    cr_assert_str_eq(interface.name, "tick");
    cr_assert_eq(interface.version, version_pack(1, 4, 0));
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(method.name, "tick_add");
    cr_assert(method.hash != 0 && method.context == METHOD_THREAD);
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(method.name, "tick_last");
    cr_assert_eq(method.context, METHOD_ANY);
    cr_assert_not(descriptor_next_method(&interface.methods, &method), "not those in comments");
    cr_assert_not(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));

    cursor = 0;
    cr_assert(descriptor_next_interface(&bundle, c.needs, &cursor, &interface));
    cr_assert_str_eq(interface.name, "nucleus");
    cr_assert_eq(interface.methods.count, 2);
    cr_assert_eq(c.gates.count, 2); /* each, start */
    cr_assert(descriptor_next_method(&c.gates, &method));
    cr_assert_str_eq(method.name, "each");
    free(data);
}

Test(nrpack, hashes_a_method_alike_for_provider_and_user, .init = packager_begin,
     .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    packager_compile(
        "user", "",
        "static int start(void) { return tick_add(0, 1); }\n"
        "COMPONENT(user, .version = VERSION(1, 0, 0), .summary = \"Uses\", .start = start);\n");
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    struct bundle demo, user;
    struct component_descriptor c;
    struct descriptor_interface interface;
    struct descriptor_method provided, needed;
    int cursor = 0;
    void *demo_data = packager_read("demo.nrb", &demo),
         *user_data = packager_read("user.nrb", &user);
    cr_assert_eq(bundle_find(&demo, "demo", &c), 0);
    cr_assert(descriptor_next_interface(&demo, c.provides, &cursor, &interface));
    cr_assert(descriptor_next_method(&interface.methods, &provided));
    cr_assert_eq(bundle_find(&user, "user", &c), 0);
    cr_assert_null(c.state_type);
    cursor = 0;
    cr_assert(descriptor_next_interface(&user, c.needs, &cursor, &interface));
    cr_assert_str_eq(interface.name, "tick");
    cr_assert(descriptor_next_method(&interface.methods, &needed));
    cr_assert_eq(provided.hash, needed.hash);
    free(demo_data);
    free(user_data);
}

#define REVOKING(oldest)                                                                           \
    "COMPONENT(demo, .version = VERSION(1, 2, 0), .summary = \"Small\", "                          \
    ".oldest = VERSION(" oldest "));\n"

Test(nrpack, notes_which_versions_are_revoked, .init = packager_begin, .fini = packager_end)
{
    struct bundle bundle;
    struct component_descriptor c;
    packager_compile("demo", "", REVOKING("1, 1, 5"));
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    void *data = packager_read("demo.nrb", &bundle);
    cr_assert_eq(bundle_find(&bundle, "demo", &c), 0);
    cr_assert_eq(c.oldest, version_pack(1, 1, 5));
    free(data);
    packager_must("exec 2>&1; $N show $T/demo.nrb");
    cr_assert_not_null(strstr(packager_output, "revokes versions before 1.1.5"), "%s",
                       packager_output);
    packager_compile("demo", "", REVOKING("1, 2, 1"));
    cr_assert_eq(packager_pack(), 1);
    cr_assert_not_null(strstr(packager_output, ".oldest is newer than its .version"), "%s",
                       packager_output);
}

/* --- what it refuses --- */

struct refusal {
    const char *words; /* one of the lines has them */
    const char *flags;
    const char *source;
};

/* Packs a component whose state is of these members; returns whether it is marked as plain. */
static bool is_plain(const char *members)
{
    char source[1024];
    struct bundle bundle;
    struct component_descriptor c;
    snprintf(source, sizeof(source),
             "struct pair { long a; char b[3]; }; struct node { struct node *next; };\n"
             "typedef unsigned long number; enum colour { RED };\n"
             "struct demo { %s };\nSTATE(struct demo) state;\n"
             "static int start(void) { return kit_watch(0, &state); }\n"
             "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\", .start = start);\n",
             members);
    packager_compile("demo", "", source);
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    void *data = packager_read("demo.nrb", &bundle);
    cr_assert_eq(bundle_find(&bundle, "demo", &c), 0);
    bool result = c.state_is_plain;
    free(data);
    return result;
}

Test(nrpack, marks_a_state_without_any_pointer_as_plain, .init = packager_begin,
     .fini = packager_end)
{
    cr_assert(is_plain("number n; volatile const int i; enum colour c; unsigned bits : 3;"));
    cr_assert(is_plain("struct pair pairs[2][3]; union { long a; struct pair b; } either;"));
    cr_assert_not(is_plain("int i; char *text;"));
    cr_assert_not(is_plain("int i; int (*f)(void);"));
    cr_assert_not(is_plain("struct { long a; struct node nodes[2]; } deep[3];"));
    cr_assert_not(is_plain("union { long a; struct node b; } either;"));
    cr_assert_not(is_plain("void *const volatile p;"));
    cr_assert_not(is_plain("uintptr_t address;"), "it says that it is an address");
}

static void refuses(const struct refusal *refusal)
{
    packager_compile("demo", refusal->flags, refusal->source);
    int status = packager_pack();
    cr_assert_eq(status, 1, "status %d, wanted: %s\n%s", status, refusal->words, packager_output);
    cr_assert_not_null(strstr(packager_output, refusal->words), "wanted: %s\ngot: %s",
                       refusal->words, packager_output);
    cr_assert_neq(packager_run("exec 2>&1; test -e $T/demo.nrb"), 0,
                  "written in spite of a refusal");
}

static void refuse_all(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        refuses(&refusals[i]);
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(nrpack, refuses_a_gate_with_arguments_on_the_stack, .init = packager_begin,
     .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"the address of nine is taken, which has arguments on the stack", "",
         GOOD_BEGIN
         "int nine(int a, int b, int c, int d, int e, int f, int g, int h, int i)\n"
         "{ return a + b + c + d + e + f + g + h + i; }\n"
         "int (*const held)(int, int, int, int, int, int, int, int, int) = nine;\n" GOOD_END},
        {"the address of many is taken, which has arguments on the stack", "",
         GOOD_BEGIN
         "int many(int a, ...) { return a; }\nint (*const held)(int, ...) = many;\n" GOOD_END},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, refuses_writable_statics_by_name, .init = packager_begin, .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"demo.c: 'stray' (4 bytes in .data) is writable", "",
         GOOD_BEGIN "int stray = 1;\n" GOOD_END},
        {"demo.c: 'zeroed' (8 bytes in .bss) is writable", "",
         GOOD_BEGIN
         "static long zeroed; long *f(void); long g(void) { return zeroed++; }\n" GOOD_END},
        {"demo.c: a function's static 'calls' (4 bytes in .bss) is writable", "",
         GOOD_BEGIN "int g(void) { static int calls; return calls++; }\n" GOOD_END},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, refuses_what_breaks_law_1, .init = packager_begin, .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"takes an address inside function g", "",
         GOOD_BEGIN "int g(int i) { static const void *const t[] = {&&a, &&b, &&c}; goto *t[i]; "
                    "a: kit_log(\"a\"); b: kit_log(\"b\"); c: return 3; }\n" GOOD_END},
        {"function g takes an address inside of itself (a jump table or computed goto?",
         "-fjump-tables --param=case-values-threshold=3",
         GOOD_BEGIN
         "int g(int i) { switch (i) { case 0: kit_log(\"0\"); break; case 1: "
         "kit_log(\"one\"); return 7; case 2: kit_log(\"two\"); return 9; case 3: "
         "kit_log(\"three\"); return 12; case 4: return each(0); case 5: kit_log(\"5\"); "
         "return 99; case 6: kit_log(\"x\"); kit_log(\"y\"); return 1; } return 0; }\n" GOOD_END},
        {"member 'name' (offset 0x18) points to the component's own constants", "",
         STATE_BLOCK "STATE(struct demo) state = {.name = \"constant\"};\n"
                     "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n"},
        {"function g branches out of its section without the linker's knowing", "",
         GOOD_BEGIN "asm(\".globl fixed\\nfixed = 0x1000\"); int fixed(void); int g(void) { return "
                    "fixed(); }\n" GOOD_END},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, refuses_sibling_calls, .init = packager_begin, .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"demo.c: function g leaves by a branch to kit_watch", "-foptimize-sibling-calls",
         GOOD_BEGIN "int g(void *p) { return kit_watch(0, p); }\n" GOOD_END},
        {"built with sibling calls: -fno-optimize-sibling-calls", "-foptimize-sibling-calls",
         GOOD_BEGIN "int g(void *p) { return kit_watch(0, p); }\n" GOOD_END},
        {"demo.c: function g leaves by a branch to what a register holds",
         "-foptimize-sibling-calls",
         GOOD_BEGIN "int g(int (*f)(void *), void *p) { return f(p); }\n" GOOD_END},
        {"function g leaves by a branch to kit_watch", "",
         GOOD_BEGIN "void g(void) { asm(\"cbz x0, kit_watch\"); }\n" GOOD_END},
        {"function g leaves by a branch to kit_watch", "",
         GOOD_BEGIN "void g(void) { asm(\"tbz x0, #1, kit_watch\"); }\n" GOOD_END},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, takes_branches_within_the_component, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "-foptimize-sibling-calls -ffunction-sections",
                     GOOD_BEGIN
                     "__attribute__((noinline)) int f(int i) { return i * 7; }\n"
                     "int g(int i) { return f(i + 1); }\n"
                     "static int start(void) { int r = kit_watch(each, 0); return r + 1; }\n"
                     "COMPONENT(demo, .version = VERSION(1, 2, 3), .summary = \"Shows\", "
                     ".start = start);\n");
    packager_must("exec 2>&1; aarch64-linux-gnu-readelf -rW $T/demo.o");
    cr_assert_not_null(strstr(packager_output, "R_AARCH64_JUMP26"), "no such branch: %s",
                       packager_output);
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
}

Test(nrpack, refuses_records_that_are_missing_or_wrong, .init = packager_begin,
     .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"has no COMPONENT(...)", "", GOOD_BEGIN},
        {"has 2.0 COMPONENT(...) blocks", "",
         GOOD_BEGIN GOOD_END "COMPONENT(second, .version = VERSION(1, 0, 0), .summary = \"S\");\n"},
        {"COMPONENT has no .version", "", "COMPONENT(demo, .summary = \"S\");\n"},
        {"COMPONENT has no .summary", "", "COMPONENT(demo, .version = VERSION(1, 0, 0));\n"},
        {"name 'Demo' is not of", "",
         "COMPONENT(Demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n"},
        {"is a second STATE", "", GOOD_BEGIN "STATE(struct demo) more;\n" GOOD_END},
        {"a state's type is named like its component", "",
         "struct odd { int i; }; STATE(struct odd) state;\n"
         "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n"},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, refuses_what_does_not_fit_the_interfaces, .init = packager_begin, .fini = packager_end)
{
    static const struct refusal refusals[] = {
        {"needs mystery, which neither an interface nor the nucleus declares", "",
         GOOD_BEGIN "int mystery(void); int g(void) { return mystery(); }\n" GOOD_END},
        {"defines 1 of the 2 functions of interface tick (tick_add), but not tick_last", "",
         "int tick_add(struct tick *t, unsigned long by) { return 0; }\n"
         "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n"},
        {"uses other_value of interface other without its header: #include <interface/other.h>", "",
         GOOD_BEGIN "int other_value(void); int g(void) { return other_value(); }\n" GOOD_END},
        {"defines other_value of interface other without its header", "",
         GOOD_BEGIN "int other_value(void) { return 1; }\n" GOOD_END},
        {"declared: int other_value(void)\n    defined:  long int other_value(int x)", "",
         GOOD_BEGIN "asm(\".pushsection .neurath.interfaces, \\\"\\\", %progbits\\n.asciz "
                    "\\\"other 2.0\\\"\\n.popsection\");\n"
                    "long other_value(int x) { return x; }\n" GOOD_END},
        {"was built with interface other 1.9, which is 2.0 now", "",
         GOOD_BEGIN "asm(\".pushsection .neurath.interfaces, \\\"\\\", %progbits\\n.asciz "
                    "\\\"other 1.9\\\"\\n.popsection\");\n"
                    "int other_value(void) { return 1; }\n" GOOD_END},
        {"defines kit_watch, which the nucleus has", "",
         GOOD_BEGIN "int kit_watch(int (*e)(void *), void *a) { return 0; }\n" GOOD_END},
    };
    refuse_all(refusals, COUNT(refusals));
}

Test(nrpack, refuses_two_gates_of_one_name, .init = packager_begin, .fini = packager_end)
{
    packager_write("a.c", "#include <neurath/kit.h>\nstatic int each(void *p) { return 1; }\n"
                          "int a(void) { return kit_watch(each, 0); }\n");
    packager_write("b.c", "#include <neurath/kit.h>\nstatic int each(void *p) { return 2; }\n"
                          "int b(void) { return kit_watch(each, 0); }\n"
                          "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n");
    packager_must("exec 2>&1; set -e; for f in a b; do $CC $FLAGS -c $T/$f.c -o $T/$f.1.o; done; "
                  "aarch64-linux-gnu-ld -r -o $T/demo.o $T/a.1.o $T/b.1.o; $PAHOLE -J $T/demo.o");
    setenv("NAME", "demo", 1);
    cr_assert_eq(packager_pack(), 1);
    cr_assert_not_null(strstr(packager_output, "two functions named each have their address taken"),
                       "%s", packager_output);
}

Test(nrpack, refuses_an_object_without_btf, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    packager_must("exec 2>&1; aarch64-linux-gnu-objcopy --remove-section .BTF $T/demo.o");
    cr_assert_eq(packager_pack(), 1);
    cr_assert_not_null(strstr(packager_output, "has no section .BTF"), "%s", packager_output);
}

/* --- the package links like GNU ld links the object --- */

enum { TEXT_AT = 0x40000000, RODATA_AT = 0x40100000, STATE_AT = 0x40200000 };

static int resolve(void *context, const char *name, uint64_t *address, struct why *why)
{
    (void)context;
    (void)why;
    *address = strcmp(name, "kit_log") == 0 ? 0x40400000 : 0x40400010;
    return 0;
}

/* As if there were no gates: the code itself, which is what ld takes. */
static int gate(void *context, const struct link_function *function, uint64_t *address,
                struct why *why)
{
    (void)context;
    (void)why;
    *address = TEXT_AT + function->offset;
    return 0;
}

static void check_region(const char *section, const uint8_t *ours, size_t size)
{
    char command[256], path[128];
    snprintf(command, sizeof(command),
             "exec 2>&1; aarch64-linux-gnu-objcopy -O binary --only-section=%s $T/ld.elf $T/ld.bin",
             section);
    packager_must(command);
    snprintf(path, sizeof(path), "%s/ld.bin", getenv("T"));
    FILE *file = fopen(path, "rb");
    uint8_t *theirs = calloc(1, size + 1);
    cr_assert_eq(fread(theirs, 1, size + 1, file), size, "%s", section);
    fclose(file);
    for (size_t i = 0; i < size; i++) {
        cr_assert_eq(ours[i], theirs[i], "%s+0x%zx: 0x%02x, ld: 0x%02x", section, i, ours[i],
                     theirs[i]);
    }
    free(theirs);
}

Test(nrpack, packs_an_object_that_links_as_gnu_ld_links_it, .init = packager_begin,
     .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    struct bundle bundle;
    struct component_descriptor c;
    struct elf elf;
    struct link_layout layout;
    struct why why;
    void *data = packager_read("demo.nrb", &bundle);
    cr_assert_eq(bundle_find(&bundle, "demo", &c), 0);
    cr_assert_eq(elf_open(&elf, c.elf, c.elf_size, &why), 0, "%s", why.text);
    cr_assert_eq(elf_find_section(&elf, ".BTF"), 0);
    cr_assert_eq(elf_find_section(&elf, ".debug_info"), 0);
    size_t bytes = link_scratch_bytes(&elf);
    void *memory = malloc(bytes);
    cr_assert_eq(link_measure(&elf, memory, bytes, &layout, &why), 0, "%s", why.text);
    struct link_target target = {.resolve = resolve, .gate = gate};
    static const uint64_t addresses[] = {TEXT_AT, RODATA_AT, STATE_AT};
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        target.region[i].address = addresses[i];
        target.region[i].write = malloc(layout.region[i].size);
    }
    cr_assert_eq(link_apply(&elf, &layout, &target, &why), 0, "%s", why.text);

    /* ld is told to put the sections where, and in the order in which, the layout has them. */
    char script[2048] = "SECTIONS { .text 0x40000000 : { *(.text) }\n .rodata 0x40100000 : {";
    for (uint32_t i = 1; i < elf.section_count; i++) {
        if (layout.placements[i].region == LINK_RODATA) {
            char line[128];
            snprintf(line, sizeof(line), " *(%s)", elf_section_name(&elf, i));
            strcat(script, line);
        }
    }
    strcat(script, " }\n .state 0x40200000 : { *(.state) } }\n"
                   "kit_log = 0x40400000; kit_watch = 0x40400010;\n");
    packager_write("ld.script", script);
    char path[128];
    snprintf(path, sizeof(path), "%s/inner.o", getenv("T"));
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(c.elf, 1, c.elf_size, file), c.elf_size);
    fclose(file);
    packager_must("exec 2>&1; aarch64-linux-gnu-ld -T $T/ld.script -o $T/ld.elf $T/inner.o");
    check_region(".text", target.region[LINK_TEXT].write, layout.region[LINK_TEXT].size);
    check_region(".rodata", target.region[LINK_RODATA].write, layout.region[LINK_RODATA].size);
    check_region(".state", target.region[LINK_STATE].write, layout.region[LINK_STATE].size);
    for (unsigned i = 0; i < LINK_REGIONS; i++) {
        free(target.region[i].write);
    }
    free(memory);
    free(data);
}
