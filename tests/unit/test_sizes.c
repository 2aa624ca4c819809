/* SPDX-License-Identifier: MIT */
/*
 * tools/sizes on a tree with one component and a nucleus, whose functions were compiled here and
 * whose frames are made up.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/test-sizes-XXXXXX";
static char said[8192];

__attribute__((format(printf, 1, 2))) static void sh(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    cr_assert_eq(system(command), 0, "%s", command);
}

/* A note as the compiler writes them. */
static void note(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/build/%s", root, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

#define NODE(title, frame)                                                                         \
    "node: { title: \"" title "\" label: \"" title "\\nled.c:1:2\\n" frame "\" }\n"
#define EDGE(from, to) "edge: { sourcename: \"" from "\" targetname: \"" to "\" label: \"x\" }\n"

static void begin(void)
{
    cr_assert_not_null(mkdtemp(root));
    sh("cd %s && mkdir -p components/led build/components/led build/nucleus/kernel && "
       ">components/led/led.c && echo 'int f(void) { return 1; } char b[40] = {1};' >x.c && "
       "aarch64-linux-gnu-gcc -O2 -c x.c -o build/components/led/led.o && "
       "cp build/components/led/led.o build/neurath.elf",
       root);
    note("components/led/led.c.ci",
         NODE("start", "32 bytes (static)") NODE("led.c:deep", "100 bytes (static)")
             NODE("wide", "64 bytes (dynamic)") EDGE("start", "led.c:deep") EDGE("start", "wide")
                 EDGE("led.c:deep", "command_print") EDGE("wide", "__indirect_call"));
    note("nucleus/kernel/main.c.ci",
         NODE("main", "16 bytes (static)") NODE("ping", "48 bytes (static)")
             NODE("pong.part.0", "80 bytes (static)") EDGE("main", "ping")
                 EDGE("ping", "pong.part.0") EDGE("pong.part.0", "ping") EDGE("ping", "memcpy"));
}

static void end(void)
{
    sh("rm -rf %s", root);
}

TestSuite(sizes, .init = begin, .fini = end);

/* words: the tool's, who runs in the tree. */
static void run(const char *words)
{
    char command[256];
    int length = snprintf(command, sizeof(command), "cd %s && $OLDPWD/tools/sizes ", root);
    snprintf(command + length, sizeof(command) - (size_t)length, "%s 2>&1", words);
    FILE *pipe = popen(command, "r");
    said[fread(said, 1, sizeof(said) - 1, pipe)] = 0;
    cr_assert_eq(pclose(pipe), 0, "%s", said);
}

static void says(const char *words)
{
    cr_assert_not_null(strstr(said, words), "\"%s\" in %s", words, said);
}

Test(sizes, follow_the_deepest_chain_and_name_what_has_no_bound)
{
    run("--of .");
    says("led                      8         0        40       132  pd\n");
    says("  led: start deep\n");
    says("nucleus                  8         0        40       144  ru\n");
    says("r: recursion, each function counted once:\n  nucleus: ping pong\n");
    says("p: calls through pointers, not counted, in:\n  led: wide\n");
    says("d: frames of no fixed size:\n  led: wide\n");
    says("not counted:\n  nucleus: memcpy\n");
}

Test(sizes, say_what_changed_beside_another_build)
{
    sh("cp -r %s %s.old", root, root);
    sh("mv %s.old %s/old", root, root);
    run("--since old .");
    says("all the same\n");
    note("components/led/led.c.ci", NODE("start", "48 bytes (static)"));
    sh("cd %s && mkdir components/new build/components/new && >components/new/new.c && "
       "cp build/components/led/led.o build/components/new/new.o",
       root);
    run("--since old .");
    says("led                      =         =         =       -84\n");
    says("new                     +8         =       +40         =  new\n");
    cr_assert_null(strstr(said, "nucleus"), "%s", said);
    run("--since . old");
    says("new                     -8         =       -40         =  gone\n");
}

/* What is built here, as `make test` does before: every part has a row, and every row its figures.
 */
Test(sizes_of_this_tree, are_told_of_every_part)
{
    char part[64], text[16], rodata[16], state[16], stack[16];
    unsigned rows = 0;
    FILE *pipe = popen("tools/sizes", "r");
    cr_assert_not_null(pipe);
    size_t size = fread(said, 1, sizeof(said) - 1, pipe);
    said[size] = 0;
    while (fgetc(pipe) != EOF) { /* what is named below the table */
    }
    cr_assert_eq(pclose(pipe), 0, "%s", said);
    for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%63s %15[0-9] %15[0-9] %15[0-9] %15s", part, text, rodata, state,
                   stack) == 5) {
            rows++;
            cr_expect_gt(atoi(text), 0, "%s", line);
            cr_expect_gt(atoi(stack), 0, "%s", line);
            sh("test %s = nucleus || test -f components/%s/%s.c", part, part, part);
        }
    }
    sh("test $(ls -d components/*/ | wc -l) = %u", rows - 1);
}
