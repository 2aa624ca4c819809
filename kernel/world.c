/* SPDX-License-Identifier: MIT */
/*
 * The world for lists and tests: copies of what the tables say.
 */
#include <errno.h>
#include <interface/heap.h>
#include <lib/format.h>
#include <lib/version.h>
#include <string.h>

#include "nucleus.h"
#include "swap/image.h"
#include "swap/transaction.h"

static struct component *find_by_id(uint32_t id, bool after)
{
    struct component *found = NULL;
    for (struct component *each = NULL; (each = component_next(each));) {
        if (each->is_live && (after ? each->id > id : each->id == id) &&
            (!found || each->id < found->id)) {
            found = each;
        }
    }
    return found;
}

/* Timers and memory, which have no list in the nucleus. */
static int account_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    struct heap_account heap = {0};
    int timers = clock_count(owner);
    (void)heap_read_account(owner, &heap); /* zeroes when it cannot tell */
    if (timers > 0 && (*index)-- == 0) {
        return format_print(text, size, "%d armed timer%s", timers, timers == 1 ? "" : "s");
    }
    if (heap.objects && (*index)-- == 0) {
        return format_print(text, size, "%llu heap objects, %llu bytes",
                            (unsigned long long)heap.objects, (unsigned long long)heap.bytes);
    }
    if (owner->pages && (*index)-- == 0) {
        return format_print(text, size, "%d pages of memory, its state's among them", owner->pages);
    }
    return -ENOENT;
}

/* Describes registration `index` of a component, counted over all kinds. */
static int describe(const struct component *owner, unsigned index, char *text, size_t size)
{
    static int (*const kinds[])(unsigned *, const struct component *, char *, size_t) = {
        device_describe, irq_describe,   worker_describe,  offer_describe,
        event_describe,  trace_describe, account_describe,
    };
    for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        int result = kinds[kind](&index, owner, text, size);
        if (result >= 0) {
            return result;
        }
    }
    return -ENOENT;
}

int world_component(uint32_t after, struct world_component *copy)
{
    uint64_t daif = spin_lock(&component_lock);
    const struct component *component = find_by_id(after, true);
    if (component) {
        const struct image *image = component->image;
        struct heap_account heap = {0};
        (void)heap_read_account(component, &heap); /* zeroes when it cannot tell */
        *copy = (struct world_component){
            .id = component->id,
            .version = image->descriptor.version,
            .build = image->build,
            .swaps = component->swaps,
            .text_bytes = image->layout.region[LINK_TEXT].size,
            .rodata_bytes = image->layout.region[LINK_RODATA].size,
            .text_va = (uint64_t)image->text,
            .rodata_va = (uint64_t)image->rodata,
            .state_va = (uint64_t)component->state,
            .state_bytes = component->state_bytes,
            .state_hash = component->state_hash,
            .pages = (uint32_t)component->pages,
            .cpu_ns = thread_sum_cpu_ns(component),
            .heap_bytes = heap.bytes,
            .heap_objects = (uint32_t)heap.objects,
            .calls_in = component->calls_in,
            .calls_out = component->calls_out,
            .faults = component->faults,
        };
        strcpy(copy->name, component->name);
        strcpy(copy->state_type, component->state_type);
        char text[4];
        while (describe(component, copy->registrations, text, sizeof(text)) >= 0) {
            copy->registrations++;
        }
    }
    spin_unlock(&component_lock, daif);
    return component ? 0 : -ENOENT;
}

int world_hold_package(uint32_t after, const struct bundle **bundle,
                       struct component_descriptor *descriptor)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&component_lock);
    const struct component *component = find_by_id(after, true);
    if (component) {
        blob_use(component->image->blob);
        *bundle = &component->image->blob->bundle;
        *descriptor = component->image->descriptor;
        result = (int)component->id;
    }
    spin_unlock(&component_lock, daif);
    return result;
}

void world_let_package_go(const struct bundle *bundle)
{
    blob_unuse(container_of(bundle, struct blob, bundle));
}

int world_registration(uint32_t id, unsigned index, char *text, size_t size)
{
    uint64_t daif = spin_lock(&component_lock);
    const struct component *component = find_by_id(id, false);
    int result = component ? describe(component, index, text, size) : -ENOENT;
    spin_unlock(&component_lock, daif);
    return result < 0 ? result : 0;
}

void world_read_totals(struct world_totals *totals)
{
    *totals = (struct world_totals){
        .pages = page_ram.pages,
        .pages_free = READ_ONCE(page_ram.pages_free),
        .page_tables = READ_ONCE(page_ram.tables),
        .arena_bytes = arena_count_total() * PAGE_BYTES,
        .arena_free_bytes = arena_count_free() * PAGE_BYTES,
        .gates = CONFIG_GATES,
        .gates_free = gate_count_free(),
        .threads = thread_count(),
        .cpus = cpu_count_online(),
        .uptime_ns = time_now_ns(),
    };
    transaction_read_totals(&totals->transactions, &totals->worst_blackout_ns);
    for (struct component *each = NULL; (each = component_next(each));) {
        totals->components += each->is_live;
    }
}

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    for (const uint8_t *byte = data; size; size--) {
        /* The analyser does not follow the bytes of an initialised array of words. */
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        hash = (hash ^ *byte++) * 0x100000001b3u;
    }
    return hash;
}

uint64_t world_hash(void)
{
    uint64_t hash = 0xcbf29ce484222325u;
    uint64_t daif = spin_lock(&component_lock);
    for (struct component *each = NULL; (each = component_next(each));) {
        if (!each->is_live) {
            continue;
        }
        const struct image *image = each->image;
        uint64_t numbers[] = {each->id, image->descriptor.version, image->build, each->swaps};
        uint64_t places[] = {(uint64_t)image->text, (uint64_t)each->state, each->state_bytes};
        hash = hash_bytes(hash, each->name, strlen(each->name));
        hash = hash_bytes(hash, numbers, sizeof(numbers));
        hash = hash_bytes(hash, places, sizeof(places)) ^ each->state_hash;
        char text[96];
        for (unsigned i = 0; device_describe(&(unsigned){i}, each, text, sizeof(text)) >= 0; i++) {
            hash = hash_bytes(hash, text, strlen(text));
        }
        uint64_t offers = 0; /* a sum: in whatever order they came */
        for (unsigned i = 0; offer_describe(&(unsigned){i}, each, text, sizeof(text)) >= 0; i++) {
            offers += hash_bytes(0, text, strlen(text));
        }
        unsigned workers = 0, events = 0;
        for (; worker_describe(&(unsigned){workers}, each, text, sizeof(text)) >= 0; workers++) {
        }
        for (; event_describe(&(unsigned){events}, each, text, sizeof(text)) >= 0; events++) {
        }
        uint64_t registered[] = {offers, irq_sum(each), workers, events};
        hash = hash_bytes(hash, registered, sizeof(registered));
    }
    hash = hash_bytes(hash, revocations.entries, revocations.count * sizeof(*revocations.entries));
    spin_unlock(&component_lock, daif);
    for (int index = 0; index < CONFIG_GATES; index++) {
        const struct gate *gate = gate_at(index);
        if (gate->name[0]) {
            uint64_t numbers[] = {(uint64_t)index, gate->target,    gate->mode,   gate->hash,
                                  gate->uses,      gate->is_traced, gate->is_held};
            hash = hash_bytes(hash, gate->name, strlen(gate->name));
            hash = hash_bytes(hash, numbers, sizeof(numbers));
        }
    }
    uint64_t memory[] = {arena_count_free(), mmu_hash_arena()};
    return hash_bytes(hash, memory, sizeof(memory));
}
