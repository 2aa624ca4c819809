/* SPDX-License-Identifier: MIT */
/* Runs nrpack on small components; see packager.h. */

#include "packager.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test_nrpack.XXXXXX";
char packager_output[16384];

int packager_run(const char *command)
{
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    size_t size = fread(packager_output, 1, sizeof(packager_output) - 1, pipe);
    packager_output[size] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void packager_must(const char *command)
{
    int status = packager_run(command);
    cr_assert_eq(status, 0, "%s\nstatus %d: %s", command, status, packager_output);
}

void packager_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static const char tick_header[] =
    "#pragma once\n"
    "#include <neurath/component.h>\n"
    "INTERFACE(tick, 1, 4);\n"
    "/* GATED(any) int in_a_comment(void); */\n"
    "struct tick { unsigned long n; struct tick *next; };\n"
    "GATED(thread) int tick_add(struct tick *tick, unsigned long by);\n"
    "GATED(any)\n"
    "const struct tick *tick_last(void);\n";

static const char other_header[] = "#pragma once\n"
                                   "#include <neurath/component.h>\n"
                                   "INTERFACE(other, 2, 0);\n"
                                   "GATED(any) __attribute__((pure)) int other_value(void);\n";

static const char kit_header[] =
    "#pragma once\n"
    "#include <neurath/component.h>\n"
    "NUCLEUS_API void kit_log(const char *format, ...) __attribute__((format(printf, 1, 2)));\n"
    "NUCLEUS_API int kit_watch(int (*each)(void *), void *argument);\n";

static const char stub_command[] =
    "exec 2>&1; set -e; for h in interface/tick interface/other neurath/kit; do n=${h#*/}; "
    "o=; if [ $n = kit ]; then o='--name nucleus'; fi; "
    "$N stub $o $T/include/$h.h >$T/$n.c; $CC $FLAGS -c $T/$n.c -o $T/stubs/$n.o; "
    "$PAHOLE -J $T/stubs/$n.o; done";

void packager_begin(void)
{
    char include[96];
    cr_assert_not_null(mkdtemp(folder));
    setenv("T", folder, 1);
    setenv("N", getenv("NRPACK") ? getenv("NRPACK") : "build/tools/nrpack", 1);
    setenv("CC", "aarch64-linux-gnu-gcc", 1);
    setenv("PAHOLE", "env LLVM_OBJCOPY=aarch64-linux-gnu-objcopy pahole", 1);
    snprintf(include, sizeof(include), "-I%s/include", folder);
    setenv("INCLUDE", include, 1);
    packager_must("exec 2>&1; mkdir -p $T/include/interface $T/include/neurath $T/stubs");
    char flags[512];
    snprintf(flags, sizeof(flags),
             "-std=gnu2x -ffreestanding -O2 -g -mgeneral-regs-only -fno-pic -fno-pie -fno-common "
             "-fno-jump-tables -fno-ipa-icf -fno-asynchronous-unwind-tables -fno-unwind-tables "
             "-fno-stack-protector -fno-optimize-sibling-calls -w %s -Iinclude -I.",
             include);
    setenv("FLAGS", flags, 1);
    packager_write("include/interface/tick.h", tick_header);
    packager_write("include/interface/other.h", other_header);
    packager_write("include/neurath/kit.h", kit_header);
    packager_must(stub_command);
}

void packager_end(void)
{
    packager_must("exec 2>&1; rm -rf $T");
}

void packager_compile(const char *name, const char *flags, const char *source)
{
    char text[8192], file[64];
    snprintf(text, sizeof(text), "#include <interface/tick.h>\n#include <neurath/kit.h>\n%s",
             source);
    snprintf(file, sizeof(file), "%s.c", name);
    packager_write(file, text);
    setenv("NAME", name, 1);
    setenv("MORE", flags, 1);
    packager_must("exec 2>&1; set -e; $CC $FLAGS $MORE -c $T/$NAME.c -o $T/$NAME.1.o; "
                  "aarch64-linux-gnu-ld -r -o $T/$NAME.o $T/$NAME.1.o; $PAHOLE -J $T/$NAME.o");
}

int packager_pack(void)
{
    return packager_run("exec 2>&1; $N pack --interfaces $T/stubs -o $T/$NAME.nrb $T/$NAME.o");
}

void *packager_read(const char *name, struct bundle *bundle)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    struct stat status;
    fstat(fileno(file), &status);
    void *data = malloc((size_t)status.st_size);
    cr_assert_eq(fread(data, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    fclose(file);
    struct why why;
    int error = bundle_open(bundle, data, (size_t)status.st_size, 0, &why);
    cr_assert_eq(error, 0, "%s", why.text);
    return data;
}
