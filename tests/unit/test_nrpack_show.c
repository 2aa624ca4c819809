/* SPDX-License-Identifier: MIT */
/* nrpack bundle, sign, show, diff, stub and symbols. */

#include "packager.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(nrpack_show, makes_the_same_package_twice, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0);
    packager_must("exec 2>&1; cp $T/demo.nrb $T/first.nrb");
    cr_assert_eq(packager_pack(), 0);
    packager_must("exec 2>&1; cmp $T/demo.nrb $T/first.nrb");
    packager_must("exec 2>&1; $N diff $T/demo.nrb $T/first.nrb");
    cr_assert_str_empty(packager_output);
}

Test(nrpack_show, bundles_packages_and_shows_them, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0);
    packager_compile("user", "",
                     "COMPONENT(user, .version = VERSION(1, 0, 0), .summary = \"Uses\");\n");
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    packager_must("exec 2>&1; $N bundle -o $T/two.nrb $T/demo.nrb $T/user.nrb; $N show $T/two.nrb");
    cr_assert_not_null(strstr(packager_output, "2 components"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "demo 1.2.3: Shows"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "user 1.0.0: Uses"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "provides tick 1.4"), "%s", packager_output);
    struct bundle bundle;
    void *data = packager_read("two.nrb", &bundle);
    cr_assert_eq(bundle.component_count, 2);
    free(data);
    cr_assert_eq(packager_run("exec 2>&1; $N bundle -o $T/three.nrb $T/two.nrb $T/demo.nrb"), 1);
    cr_assert_not_null(strstr(packager_output, "component demo is in the bundle already"), "%s",
                       packager_output);
}

Test(nrpack_show, signs_what_it_writes, .init = packager_begin, .fini = packager_end)
{
    packager_compile("demo", "",
                     "COMPONENT(demo, .version = VERSION(1, 2, 0), .summary = \"Small\");\n");
    packager_must(
        "exec 2>&1; openssl genrsa -out $T/a.key 2048; openssl genrsa -out $T/b.key 2048; "
        "openssl rsa -in $T/a.key -pubout -out $T/a.pub");
    packager_must(
        "exec 2>&1; set -e; $N pack --interfaces $T/stubs --key $T/a.key -o $T/demo.nrb $T/demo.o;"
        "$N verify --key $T/a.key $T/demo.nrb; $N verify --key $T/a.pub $T/demo.nrb;"
        "cp $T/demo.nrb $T/first.nrb; $N sign --key $T/a.key $T/demo.nrb;"
        "cmp $T/demo.nrb $T/first.nrb; $N show $T/demo.nrb");
    cr_assert_not_null(strstr(packager_output, "signed by the key "), "%s", packager_output);
    cr_assert_eq(packager_run("exec 2>&1; $N verify --key $T/b.key $T/demo.nrb"), 1);
    cr_assert_not_null(strstr(packager_output, "signed by the unknown key"), "%s", packager_output);
    packager_must("exec 2>&1; set -e; $N bundle --key $T/b.key -o $T/one.nrb $T/demo.nrb;"
                  "$N verify --key $T/b.key $T/one.nrb; $N bundle -o $T/none.nrb $T/demo.nrb;"
                  "$N show $T/none.nrb");
    cr_assert_not_null(strstr(packager_output, "unsigned"), "%s", packager_output);
    cr_assert_eq(packager_run("exec 2>&1; $N verify --key $T/a.key $T/none.nrb"), 1);
    cr_assert_eq(packager_run("exec 2>&1; $N sign --key $T/a.pub $T/none.nrb"), 2,
                 "a public key signed");
    cr_assert_not_null(strstr(packager_output, "need a private RSA key of 2048 bits"), "%s",
                       packager_output);
    packager_must("exec 2>&1; $N public $T/a.pub >$T/a.c; $N public $T/a.key | cmp - $T/a.c");
}

Test(nrpack_show, tells_what_differs_between_two_versions, .init = packager_begin,
     .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0);
    packager_must("exec 2>&1; cp $T/demo.nrb $T/old.nrb");
    packager_compile(
        "demo", "",
        "struct demo { long more; struct tick last; int (*each)(void *); };\n"
        "static int each(void *p) { return p != 0; }\n"
        "STATE(struct demo) state = {.each = each};\n"
        "static long start(void) { return 1; }\n"
        "COMPONENT(demo, .version = VERSION(1, 3, 0), .summary = \"S\", .start = (void "
        "*)start);\n");
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    cr_assert_eq(packager_run("exec 2>&1; $N diff $T/old.nrb $T/demo.nrb"), 1);
    static const char *const words[] = {"version 1.2.3 to 1.3.0", "no longer provides tick",
                                        "no longer needs nucleus", "has another layout",
                                        "gates: start changed its type"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cr_assert_not_null(strstr(packager_output, words[i]), "no '%s' in: %s", words[i],
                           packager_output);
    }
}

Test(nrpack_show, shows_changed_declarations_side_by_side, .init = packager_begin,
     .fini = packager_end)
{
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    packager_must(
        "exec 2>&1; set -e; cp $T/demo.nrb $T/old.nrb; mkdir $T/more; "
        "sed -i 's/unsigned long n;/unsigned n; char more;/' $T/include/interface/tick.h; "
        "$N stub $T/include/interface/tick.h >$T/tick.c; "
        "$CC $FLAGS -c $T/tick.c -o $T/more/tick.o; $PAHOLE -J $T/more/tick.o");
    packager_compile("demo", "", GOOD_BEGIN GOOD_END);
    packager_must("exec 2>&1; $N pack --interfaces $T/more --interfaces $T/stubs -o $T/demo.nrb "
                  "$T/demo.o"); /* of two stubs the first one counts */
    cr_assert_eq(packager_run("exec 2>&1; $N diff $T/old.nrb $T/demo.nrb"), 1);
    cr_assert_not_null(strstr(packager_output,
                              "    struct tick {            |  struct tick {\n"
                              "        long unsigned int n; <>     unsigned int n;\n"
                              "                             <>     char more;\n"
                              "        struct tick *next;   |      struct tick *next;\n"
                              "    }; // 16 bytes           |  }; // 16 bytes\n"),
                       "%s", packager_output);
}

Test(nrpack_show, spells_out_every_type_that_is_reachable, .init = packager_begin,
     .fini = packager_end)
{
    packager_write(
        "include/interface/tick.h",
        "#include <neurath/component.h>\nINTERFACE(tick, 1, 4);\n"
        "enum hue { RED, BLUE = 7, GREEN };\ntypedef int number;\n"
        "struct leaf { unsigned flag : 1; unsigned rest : 3; };\n"
        "struct tick { union { enum hue hue; number n; }; struct leaf *leaves[2];\n"
        "  int (*each)(struct hidden *, const uint64_t *); struct { char c; } *inner; };\n"
        "GATED(any) int tick_add(struct tick *tick);\n");
    packager_must(
        "exec 2>&1; set -e; $N stub $T/include/interface/tick.h >$T/tick.c; $CC $FLAGS -c "
        "$T/tick.c -o $T/stubs/tick.o; $PAHOLE -J $T/stubs/tick.o");
    packager_compile("demo", "",
                     "int tick_add(struct tick *t) { return 0; }\n"
                     "COMPONENT(demo, .version = VERSION(1, 0, 0), .summary = \"S\");\n");
    cr_assert_eq(packager_pack(), 0, "%s", packager_output);
    struct bundle bundle;
    struct component_descriptor c;
    struct descriptor_interface interface;
    struct descriptor_method method;
    int cursor = 0;
    void *data = packager_read("demo.nrb", &bundle);
    cr_assert_eq(bundle_find(&bundle, "demo", &c), 0);
    cr_assert(descriptor_next_interface(&bundle, c.provides, &cursor, &interface));
    cr_assert(descriptor_next_method(&interface.methods, &method));
    cr_assert_str_eq(
        method.declarations,
        "int tick_add(struct tick *);\n"
        "struct tick { union { enum hue hue; number n; }; struct leaf *leaves[2]; "
        "int (*each)(struct hidden *, const uint64_t *); struct { char c; } *inner; }; "
        "// 40 bytes\n"
        "enum hue { RED, BLUE = 7, GREEN }; // 4 bytes\n"
        "typedef int number;\n"
        "struct leaf { unsigned int flag : 1; unsigned int rest : 3; }; // 4 bytes\n"
        "struct hidden;\n");
    free(data);
}

Test(nrpack_show, finds_marked_functions_of_every_shape, .init = packager_begin,
     .fini = packager_end)
{
    packager_write(
        "include/interface/tick.h",
        "INTERFACE(tick, 1, 0);\n#define GATED(context)\n#define LONG GATED(any) \\\n  int "
        "not_me(void)\n"
        "// GATED(any) int nor_me(void);\nstatic const char s[] = \"GATED(any) int nor(void);\";\n"
        "GATED(any) struct a *\nfirst(int (*callback)(void *), int n);\n"
        "GATED(thread) __attribute__((nonnull(1))) unsigned long long second(const char *t);\n");
    packager_must("exec 2>&1; $N stub $T/include/interface/tick.h");
    cr_assert_not_null(strstr(packager_output, "typeof(first) *first;"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "second thread"), "%s", packager_output);
    cr_assert_null(strstr(packager_output, "callback"), "%s", packager_output);
    cr_assert_null(strstr(packager_output, "nor"), "%s", packager_output);
    cr_assert_null(strstr(packager_output, "not_me"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "#include <interface/tick.h>"), "%s",
                       packager_output);

    packager_write("include/interface/tick.h",
                   "INTERFACE(tick, 1, 0);\n\nGATED(never) int f(void);\n");
    cr_assert_eq(packager_run("exec 2>&1; $N stub $T/include/interface/tick.h"), 1);
    cr_assert_not_null(strstr(packager_output, "tick.h:3: GATED wants (any) or (thread)"), "%s",
                       packager_output);
    packager_write("include/interface/tick.h",
                   "INTERFACE(tick, 1, 0);\nGATED(any) extern int v;\n");
    cr_assert_eq(packager_run("exec 2>&1; $N stub $T/include/interface/tick.h"), 1);
    packager_write("include/interface/tick.h", "GATED(any) int f(void);\n");
    cr_assert_eq(packager_run("exec 2>&1; $N stub $T/include/interface/tick.h"), 1);
    cr_assert_not_null(strstr(packager_output, "no INTERFACE("), "%s", packager_output);
}

Test(nrpack_show, prints_a_table_of_symbols_that_assembles, .init = packager_begin,
     .fini = packager_end)
{
    packager_write("k.c", "int zero(void) { return 0; }\nstatic int one(void) { return 1; }\n"
                          "int (*_start)(void) = one;\n");
    packager_must(
        "exec 2>&1; set -e; $CC $FLAGS -nostdlib -static -no-pie $T/k.c -o $T/k.elf; $N symbols "
        "$T/k.elf >$T/s.S; "
        "$CC -c $T/s.S -o $T/s.o; aarch64-linux-gnu-objcopy -O binary -j .rodata.symbols $T/s.o "
        "$T/s.bin; "
        "od -An -v -tx8 -N8 $T/s.bin; strings -n 3 $T/s.bin");
    cr_assert_not_null(strstr(packager_output, "0000000000000002"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "zero"), "%s", packager_output);
    cr_assert_not_null(strstr(packager_output, "one"), "%s", packager_output);
}

Test(nrpack_show, is_a_good_citizen_of_the_command_line, .init = packager_begin,
     .fini = packager_end)
{
    cr_assert_eq(packager_run("exec 2>/dev/null; $N --help"), 0);
    cr_assert_not_null(strstr(packager_output, "usage: nrpack pack"));
    cr_assert_eq(packager_run("$N 2>&1 >/dev/null"), 2);
    cr_assert_not_null(strstr(packager_output, "usage:"));
    cr_assert_eq(packager_run("exec 2>&1; $N frobnicate"), 2);
    cr_assert_eq(packager_run("exec 2>&1; $N pack -o x"), 2);
    cr_assert_eq(packager_run("exec 2>&1; $N show $T/missing.nrb"), 2);
    cr_assert_not_null(strstr(packager_output, "missing.nrb: No such file or directory"), "%s",
                       packager_output);
    packager_write("bad.nrb",
                   "this is no bundle at all, but long enough to look like one, perhaps");
    cr_assert_eq(packager_run("exec 2>&1; $N show $T/bad.nrb"), 2);
    cr_assert_not_null(strstr(packager_output, "not a device tree"), "%s", packager_output);
    cr_assert_neq(packager_run("exec 2>&1; $N show $T/stubs/tick.o >/dev/full"), 0);
}
