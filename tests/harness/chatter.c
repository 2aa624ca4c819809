/* SPDX-License-Identifier: MIT */
/*
 * Listens to the fixture `chatter`.
 */
#include "tests/harness/chatter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/nr/port.h"

#define SETTLE_MS 30000

void chatter_expect(struct chatter *chatter)
{
    *chatter = (struct chatter){.is_listening = true};
}

/* Where "chatter " and the six digits of a line's number stand; NULL: nowhere. */
static const char *find_chatter(const char *line)
{
    static const char word[] = "chatter ";
    for (; (line = strstr(line, word)); line++) {
        if (strspn(line + sizeof(word) - 1, "0123456789") == 6) {
            return line;
        }
    }
    return NULL;
}

/* The line without its end. Whatever stands before the first "chatter" is the prompt's redrawing.
 */
static void check_line(struct chatter *chatter)
{
    char expected[96];
    const char *found = find_chatter(chatter->line);
    int length =
        snprintf(expected, sizeof(expected),
                 "chatter %06llu the quick brown fox jumps over the lazy dog", chatter->lines);
    if (!found && !strstr(chatter->line, "lazy dog")) {
        return; /* somebody else's */
    }
    if (!found || strncmp(found, expected, (size_t)length) != 0) {
        if (!chatter->complaint[0]) {
            snprintf(chatter->complaint, sizeof(chatter->complaint), "line %llu came as \"%.120s\"",
                     chatter->lines, chatter->line);
        }
        return;
    }
    chatter->lines++;
    chatter->bytes += (unsigned)length + 2; /* and CR LF */
}

void chatter_hear(struct chatter *chatter, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (size_t i = 0; i < size && chatter->is_listening; i++) {
        if (from[i] == '\n') {
            chatter->line[chatter->size] = 0;
            check_line(chatter);
            chatter->size = 0;
        } else if (from[i] != '\r' && chatter->size < sizeof(chatter->line) - 1) {
            chatter->line[chatter->size++] = from[i];
        }
    }
}

int chatter_settle(struct machine *machine, struct chatter *chatter, struct why *why)
{
    unsigned written = 0, wanted = 0;
    uint64_t end = now_ms() + SETTLE_MS;
    char output[128];
    do {
        int result = machine_run(machine, "chatter", output, sizeof(output), why);
        if (result < 0) {
            return result;
        }
        if (sscanf(output, "%u of %u lines", &written, &wanted) != 2) {
            return why_set(why, -EPROTO, "chatter says \"%s\"", output);
        }
    } while ((written < wanted || chatter->lines != written) && !chatter->complaint[0] &&
             now_ms() < end);
    chatter->is_listening = false;
    if (chatter->complaint[0]) {
        return why_set(why, -EPROTO, "text was lost or doubled: %s", chatter->complaint);
    }
    if (chatter->lines != written || written == 0) {
        return why_set(why, -EPROTO, "%u lines were written, %llu came", written, chatter->lines);
    }
    return 0;
}
