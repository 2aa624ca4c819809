/* SPDX-License-Identifier: MIT */
/*
 * nrpack, run as its users run it, on small components compiled for the purpose, in a folder of its
 * own for each test. Run from the tree's top, with the cross compiler, pahole and
 * build/tools/nrpack
 * ($NRPACK: another). A test's .init and .fini are packager_begin() and packager_end().
 */
#pragma once

#include <lib/bundle.h>

/* What the last command said, both streams. */
extern char packager_output[16384];

/* Makes the folder with the interfaces tick 1.4 and other 2.0, and a nucleus. */
void packager_begin(void);
void packager_end(void);

/*
 * Runs a shell command in which $T is the folder, $N nrpack, $CC and $FLAGS the compiler. Returns
 * its status; must: 0, or the test fails.
 */
int packager_run(const char *command);
void packager_must(const char *command);

/* A file in the folder. */
void packager_write(const char *name, const char *text);

/* Compiles a source, in front of which the usual headers stand, to NAME.o with BTF. */
void packager_compile(const char *name, const char *flags, const char *source);

/* Packs what was compiled last to NAME.nrb. Returns nrpack's status. */
int packager_pack(void);

/* A package of the folder, opened; the caller frees what is returned. */
void *packager_read(const char *name, struct bundle *bundle);

/* A whole component: all that a good one has. */
#define STATE_BLOCK "struct demo { struct tick last; int (*each)(void *); const char *name; };\n"
#define GOOD_BEGIN                                                                                 \
    STATE_BLOCK "static int each(void *p) { return p != 0; }\n"                                    \
                "STATE(struct demo) state = {.each = each};\n"                                     \
                "int tick_add(struct tick *t, unsigned long by) { t->n += by; return 0; }\n"       \
                "const struct tick *tick_last(void) { return &state.last; }\n"
#define GOOD_END                                                                                   \
    "static int start(void) { kit_log(\"%d\", 1); state.name = \"x\"; return kit_watch(each, "     \
    "&state); }\n"                                                                                 \
    "COMPONENT(demo, .version = VERSION(1, 2, 3), .summary = \"Shows\", "                          \
    ".compatible = \"a,b\", .start = start);\n"
