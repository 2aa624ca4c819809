/* SPDX-License-Identifier: MIT */
/* Fills pages, has them copied, compares. */
#include "check.h"

#include <errno.h>
#include <string.h>

#include <interface/dma.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/page.h>
#include <neurath/time.h>

#define DEADLINE_NS 2000000000u
#define PAGE_KIB (PAGE_BYTES / 1024)

static void drop(struct dma_check *check)
{
    page_free(check->from);
    page_free(check->to);
    *check = (struct dma_check){0};
}

/* A pattern in which no two words of a copy are the same. */
static uint32_t word_at(uint32_t index)
{
    return index * 2654435761u;
}

static int begin(struct dma_check *check, uint32_t bytes, struct command_output *output)
{
    if (check->from) {
        command_print(output, "a copy is under way: dma check\n");
        return -EBUSY;
    }
    check->from = page_allocate(bytes / PAGE_BYTES);
    check->to = page_allocate(bytes / PAGE_BYTES);
    check->bytes = bytes;
    int result = check->from && check->to ? 0 : -ENOMEM;
    if (result == 0) {
        uint32_t *words = (uint32_t *)(void *)check->from;
        for (uint32_t i = 0; i < bytes / sizeof(*words); i++) {
            words[i] = word_at(i);
        }
        result = dma_submit_copy(check->to, check->from, bytes);
    }
    if (result < 0) {
        command_print(output, "cannot copy: error %d\n", result);
        drop(check);
        return result;
    }
    check->ticket = result;
    return 0;
}

static int wait(int ticket)
{
    uint64_t end_ns = time_now_ns() + DEADLINE_NS;
    int result;
    while ((result = dma_finish(ticket)) == -EAGAIN && time_now_ns() < end_ns) {
        cpu_relax();
    }
    return result;
}

static int finish(struct dma_check *check, struct command_output *output)
{
    if (!check->from) {
        command_print(output, "no copy is under way: dma copy KIB\n");
        return -ENOENT;
    }
    int result = wait(check->ticket);
    uint32_t wrong = 0;
    const uint32_t *words = (const uint32_t *)(const void *)check->to;
    for (uint32_t i = 0; i < check->bytes / sizeof(*words); i++) {
        wrong += words[i] != word_at(i);
    }
    if (result == 0) {
        command_print(output, "%u bytes copied, %u words wrong\n", check->bytes, wrong);
        result = wrong ? -EIO : 0;
    } else {
        command_print(output, "the copy failed: error %d\n", result);
    }
    if (result != -EAGAIN) { /* then the pages are the controller's still */
        drop(check);
    }
    return result;
}

int check_run(struct dma_check *check, int count, char *const words[],
              struct command_output *output)
{
    uint32_t kib;
    if (count == 2 && !strcmp(words[1], "check")) {
        return finish(check, output);
    }
    if (count == 3 && !strcmp(words[1], "copy") &&
        number_read(words[2], DMA_BYTES_MAX / 1024, &kib) == 0 && kib && kib % PAGE_KIB == 0) {
        return begin(check, kib * 1024, output);
    }
    command_print(output, "usage: dma [copy KIB|check], a multiple of %u, at most %u\n", PAGE_KIB,
                  DMA_BYTES_MAX / 1024);
    return -EINVAL;
}
