/* SPDX-License-Identifier: MIT */
/*
 * The table of gates, and the writing of their code.
 */
#include "gate.h"

#include <errno.h>
#include <interface/heap.h>
#include <string.h>

#include "component.h"
#include "step.h"

extern const char gate_static_names[];

static struct gate gates[CONFIG_GATES];
static uint32_t gates_free;
static uint32_t *window; /* the writable alias, during a transaction */
static unsigned window_users;

#define GATE_WORDS (LAYOUT_GATE_BYTES / 4)
#define BUCKETS 256

/* Gates by hash of their name; 0 ends a chain, so the links hold index + 1. */
static uint16_t buckets[BUCKETS];
static uint16_t following[CONFIG_GATES];
static_assert(CONFIG_GATES < UINT16_MAX, "links are 16 bits");

#define A64_ADR_X16_MINUS_4 0x10fffff0u /* ARM ARM C6.2.10 */

static uint16_t *bucket_of(const char *name)
{
    return &buckets[heap_hash(name) % BUCKETS];
}

static void link_gate(int index)
{
    uint16_t *bucket = bucket_of(gates[index].name);
    following[index] = *bucket;
    *bucket = (uint16_t)(index + 1);
}

static void unlink_gate(int index)
{
    uint16_t *link = bucket_of(gates[index].name);
    while (*link != index + 1) {
        link = &following[*link - 1];
    }
    *link = following[index];
}

void gate_start(void)
{
    static_assert(ENOSYS == 88, "gate_unbound in gate.S returns it");
    gates_free = CONFIG_GATES;
    int index = 0;
    for (const char *name = gate_static_names; *name; name += strlen(name) + 1, index++) {
        gates[index] = (struct gate){.is_static = true, .uses = 1};
        gates[index].target = gates[index].onward = gate_unbound_target();
        strcpy(gates[index].name, name);
        link_gate(index);
        gates_free--;
    }
}

int gate_open_window(void)
{
    if (window_users++) {
        return 0;
    }
    size_t pages = (size_t)(__gates_end - __gates_begin) / PAGE_BYTES;
    window = area_map(kernel_image_pa(__gates_begin), pages, MMU_READ_WRITE, 1);
    window_users -= !window;
    return window ? 0 : -ENOMEM;
}

void gate_close_window(void)
{
    if (--window_users) {
        return;
    }
    area_unmap(window, (size_t)(__gates_end - __gates_begin) / PAGE_BYTES, 1);
    window = NULL;
}

static int find(const struct component *owner, const char *name, uint64_t hash)
{
    for (unsigned link = *bucket_of(name); link; link = following[link - 1]) {
        struct gate *gate = &gates[link - 1];
        if (gate->is_static && !gate->hash && !owner && !strcmp(gate->name, name)) {
            gate->hash = hash;
        }
        if (gate->owner == owner && gate->hash == hash && !strcmp(gate->name, name)) {
            return (int)link - 1;
        }
    }
    return -ENOENT;
}

/* The slot that has been free for longest, more or less: a stale address leads nowhere for long. */
static int take_slot(void)
{
    static int last;
    for (int i = 0; i < CONFIG_GATES; i++) {
        last = (last + 1) % CONFIG_GATES;
        if (!gates[last].name[0]) {
            return last;
        }
    }
    return -ENOSPC;
}

static int create(struct component *owner, const char *name, uint64_t hash)
{
    if (!name[0]) {
        return -EINVAL;
    }
    if (strlen(name) >= GATE_NAME_BYTES) {
        return -ENAMETOOLONG;
    }
    int index = step_fails("a gate") ? -ENOSPC : take_slot();
    if (index < 0) {
        return index;
    }
    gates[index] = (struct gate){.owner = owner, .hash = hash};
    strcpy(gates[index].name, name);
    link_gate(index);
    gates_free--;
    uint32_t *words = window + index * GATE_WORDS;
    words[1] = A64_ADR_X16_MINUS_4;
    words[3] = (uint32_t)index;
    gate_write(index, gate_unbound_target(), GATE_OPEN);
    gate_finish_writes();
    return index;
}

int gate_use(struct component *owner, const char *name, uint64_t hash)
{
    int index = find(owner, name, hash);
    if (index < 0) {
        index = create(owner, name, hash);
    }
    if (index >= 0) {
        gates[index].uses++;
    }
    return index;
}

void gate_unuse(int index)
{
    assert(gates[index].uses > 0);
    if (--gates[index].uses == 0) {
        gates[index].is_traced = false;
        gate_write(index, gate_unbound_target(), GATE_OPEN);
        gate_finish_writes();
        unlink_gate(index);
        gates[index] = (struct gate){0};
        gates_free++;
    }
}

struct gate *gate_at(int index)
{
    return &gates[index];
}

uint64_t gate_address(int index)
{
    return (uint64_t)__gates_begin + (uint64_t)index * LAYOUT_GATE_BYTES;
}

int gate_index_of(uint64_t address)
{
    uint64_t offset = address - (uint64_t)__gates_begin;
    return offset < CONFIG_GATES * LAYOUT_GATE_BYTES && offset % LAYOUT_GATE_BYTES == 0
               ? (int)(offset / LAYOUT_GATE_BYTES)
               : -ENOENT;
}

const char *gate_find_unbound(void)
{
    for (int index = 0; index < CONFIG_GATES && gates[index].is_static; index++) {
        if (gates[index].target == gate_unbound_target()) {
            return gates[index].name;
        }
    }
    return NULL;
}

uint32_t gate_count_free(void)
{
    return gates_free;
}

uint64_t gate_unbound_target(void)
{
    return (uint64_t)gate_unbound;
}

void gate_write(int index, uint64_t target, enum gate_mode mode)
{
    uint64_t address = gate_address(index);
    bool is_traced = gates[index].is_traced && mode != GATE_CLOSED;
    bool is_direct = mode == GATE_OPEN && !is_traced;
    void (*behind)(void) = is_traced ? gate_trace : mode == GATE_GUARDED ? gate_guard : gate_park;
    int64_t offset = is_direct ? (int64_t)(target - address) : 4;
    assert(window && offset >= -(1l << 27) && offset < 1l << 27);
    uint32_t *words = window + index * GATE_WORDS;
    gates[index].target = target;
    gates[index].mode = mode;
    if (mode != GATE_CLOSED) {
        WRITE_ONCE(gates[index].onward, mode == GATE_GUARDED ? (uint64_t)gate_guard : target);
    }
    WRITE_ONCE(words[2], A64_B((int64_t)behind - (int64_t)(address + 8)));
    cache_barrier();
    WRITE_ONCE(words[0], A64_B(offset));
    cache_clean_word(words); /* a gate lies in one cache line */
    cache_barrier();
    cache_invalidate_code_word((const void *)address);
}

void gate_finish_writes(void)
{
    cache_barrier();
    cpu_synchronize();
}
