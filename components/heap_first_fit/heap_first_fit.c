/* SPDX-License-Identifier: MIT */
/*
 * The first-fit heap: an object takes as many small units in a row as it needs, in the first region
 * that has them, at the first place where they are free.
 *
 * So objects of all sizes share their pages, few of which are in use; in return, looking for a
 * place takes longer the more objects there are. What is large has a region of its own; with those
 * is also kept what another heap has left and is not divided as here: it is only freed from.
 *
 * One spinlock guards everything. It is held while a place is looked for, and for the walks of
 * heap_revoke() and heap_read_account().
 */
#include <errno.h>
#include <string.h>

#include <interface/heap.h>
#include <interface/heap/region.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/page.h>

#define UNIT_BYTES 64u
#define REGION_PAGES 4u
#define REGION_UNITS                                                                               \
    ((uint32_t)((REGION_PAGES * PAGE_BYTES - sizeof(struct heap_region)) / UNIT_BYTES))
#define DIVIDED_BYTES_MAX 2048u /* what is larger has a region of its own */
#define NOWHERE UINT32_MAX

struct heap_first_fit {
    struct spinlock lock; /* guards all below, and the headers of the regions */
    struct chain divided; /* regions that are allocated from, in the order in which they came */
    struct chain whole;   /* regions that are not */
    uint64_t objects;     /* that have units */
    uint64_t bytes;       /* as asked for, of those */
    uint64_t pages;
    uint64_t allocations; /* ever */
};

STATE(struct heap_first_fit) state;
static_assert(REGION_UNITS <= HEAP_REGION_UNITS, "the header has a bit for each");

static bool is_divided(const struct heap_region *region)
{
    return region->unit_bytes == UNIT_BYTES && region->units == REGION_UNITS &&
           region->pages == REGION_PAGES;
}

static struct chain *chain_of(const struct heap_region *region)
{
    return is_divided(region) ? &state.divided : &state.whole;
}

/* Puts a region in, at the end: new, or from another heap. */
static void keep_region(struct heap_region *region)
{
    region->keeper = &state;
    state.pages += region->pages;
    state.objects += region->objects;
    state.bytes += region->bytes;
    chain_append(chain_of(region), &region->node);
}

/* The first unit of so many free ones in a row; NOWHERE: there are none. */
static uint32_t find_place(const struct heap_region *region, uint32_t units)
{
    uint32_t found = 0;
    if (region->units - region->taken < units) {
        return NOWHERE;
    }
    for (uint32_t unit = 0; unit < region->units; unit++) {
        if (unit % 64 == 0 && !~(region->begins[unit / 64] | region->continues[unit / 64])) {
            found = 0;
            unit += 63; /* all 64 are taken */
            continue;
        }
        bool is_free = !heap_bit(region->begins, unit) && !heap_bit(region->continues, unit);
        found = is_free ? found + 1 : 0;
        if (found == units) {
            return unit + 1 - units;
        }
    }
    return NOWHERE;
}

static struct heap_header *take_units(struct heap_region *region, uint32_t unit, uint32_t units,
                                      size_t bytes)
{
    state.objects++;
    state.bytes += bytes;
    state.allocations++;
    return heap_region_take(region, unit, units, bytes);
}

/* Takes units in the first region that has them; NULL: none has. */
static struct heap_header *take_first_fit(uint32_t units, size_t bytes, struct heap_region **place)
{
    struct heap_header *header = NULL;
    struct heap_region *region;
    uint64_t daif = spin_lock(&state.lock);
    chain_for_each(region, &state.divided, node)
    {
        uint32_t unit = find_place(region, units);
        if (unit != NOWHERE) {
            header = take_units(region, unit, units, bytes);
            *place = region;
            break;
        }
    }
    spin_unlock(&state.lock, daif);
    return header;
}

/* Takes the first units of a new region. */
static struct heap_header *take_new(struct heap_region *region, uint32_t units, size_t bytes)
{
    uint64_t daif = spin_lock(&state.lock);
    keep_region(region);
    struct heap_header *header = take_units(region, 0, units, bytes);
    spin_unlock(&state.lock, daif);
    return header;
}

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    size_t bytes;
    int result = heap_measure(element_bytes, count, &bytes);
    if (result < 0) {
        return result;
    }
    bool is_whole = bytes > DIVIDED_BYTES_MAX;
    uint32_t units =
        is_whole ? 1
                 : (uint32_t)((sizeof(struct heap_header) + bytes + UNIT_BYTES - 1) / UNIT_BYTES);
    struct heap_region *region;
    struct heap_header *header = is_whole ? NULL : take_first_fit(units, bytes, &region);
    if (header) {
        memset(header + 1, 0, units * UNIT_BYTES - sizeof(*header)); /* new pages came zeroed */
    } else {
        region = is_whole ? heap_region_create_whole(bytes)
                          : heap_region_create(REGION_PAGES, UNIT_BYTES);
        if (!region) {
            return -ENOMEM;
        }
        header = take_new(region, units, bytes);
    }
    *object = heap_region_give(region, header, owner, type_hash, element_bytes, count);
    return 0;
}

/* Poisons a claimed object and releases its units; a region without any object goes back. */
static void discard(struct heap_region *region, uint32_t unit)
{
    uint64_t bytes = heap_object_bytes(heap_region_unit(region, unit));
    heap_region_poison(region, unit);
    uint64_t daif = spin_lock(&state.lock);
    heap_region_release(region, unit, bytes);
    state.objects--;
    state.bytes -= bytes;
    bool is_empty = !region->objects;
    if (is_empty) {
        chain_remove(chain_of(region), &region->node);
        state.pages -= region->pages;
        region->magic = 0;
    }
    spin_unlock(&state.lock, daif);
    if (is_empty) {
        page_free(region); /* out of the chains: nobody else knows it */
    }
}

int heap_free(void *object)
{
    uint32_t unit;
    if (!object) {
        return 0;
    }
    struct heap_region *region = heap_region_find(object, &unit);
    if (!region || region->keeper != &state || !heap_claim((struct heap_header *)object - 1)) {
        return -EINVAL;
    }
    discard(region, unit);
    return 0;
}

/*
 * One after the other, beginning anew each time: the lock must be released to discard, and a
 * component that leaves has few objects as a rule.
 */
int heap_revoke(struct component *owner)
{
    int count = 0;
    while (owner) {
        uint32_t unit;
        uint64_t daif = spin_lock(&state.lock);
        struct heap_region *region = heap_chain_claim(&state.divided, owner, &unit);
        if (!region) {
            region = heap_chain_claim(&state.whole, owner, &unit);
        }
        spin_unlock(&state.lock, daif);
        if (!region) {
            break;
        }
        discard(region, unit);
        count++;
    }
    return count;
}

int heap_read_account(const struct component *owner, struct heap_account *account)
{
    *account = (struct heap_account){0};
    uint64_t daif = spin_lock(&state.lock);
    if (owner) {
        heap_chain_count(&state.divided, owner, account);
        heap_chain_count(&state.whole, owner, account);
    } else {
        *account = (struct heap_account){.objects = state.objects,
                                         .bytes = state.bytes,
                                         .pages = state.pages,
                                         .allocations = state.allocations};
    }
    spin_unlock(&state.lock, daif);
    return 0;
}

static int health(void)
{
    uint64_t objects = 0;
    uint64_t daif = spin_lock(&state.lock);
    bool is_sound = heap_chain_is_sound(&state.divided, &state, &objects) &&
                    heap_chain_is_sound(&state.whole, &state, &objects) && objects == state.objects;
    spin_unlock(&state.lock, daif);
    return is_sound ? 0 : -EIO;
}

static int export(void *data, size_t size)
{
    struct heap_handover *handover = data;
    if (data && size >= sizeof(*handover)) {
        heap_handover_begin(handover);
        heap_handover_add(handover, &state.divided);
        heap_handover_add(handover, &state.whole);
        handover->allocations = state.allocations;
    }
    return sizeof(*handover);
}

static int import(const void *data, size_t size)
{
    const struct heap_handover *handover = heap_handover_read(data, size);
    if (!size) {
        return 0; /* nobody was there before */
    }
    if (!handover) {
        return -EPROTO;
    }
    state = (struct heap_first_fit){.allocations = handover->allocations};
    heap_handover_each(handover, keep_region);
    return 0;
}

COMPONENT(heap_first_fit, .version = VERSION(1, 0, 0), .summary = "First-fit heap of typed objects",
          .health = health, .export = export, .import = import);
