/* SPDX-License-Identifier: MIT */
/*
 * The heap: slabs of blocks of one size each, and pages of their own for what is larger.
 *
 * A slab is a region (see region.h) whose units are the blocks of a class. What is larger than all
 * classes is a region of one unit; with those is also kept what another heap has left and no class
 * can use: it is only freed from.
 *
 * A lock is held for a few instructions, but for the walks: heap_revoke() and heap_read_account()
 * of one owner hold it while they look at all objects of a class.
 */
#include <errno.h>
#include <string.h>

#include <interface/heap.h>
#include <interface/heap/region.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/page.h>

#define CLASS_COUNT 14
#define CLASS_OTHER CLASS_COUNT /* regions from which no block is taken a second time */
#define SMALL_BYTES 256         /* up to here a slab has one page, then SLAB_PAGES */
#define SLAB_PAGES 4u

struct size_class {
    struct spinlock lock;   /* guards all below, and the headers of its regions */
    struct chain with_room; /* regions */
    struct chain full;
    uint64_t objects; /* that have blocks */
    uint64_t bytes;   /* as asked for, of those */
    uint64_t pages;
    uint64_t allocations; /* ever */
} __attribute__((aligned(64)));

struct heap {
    struct size_class classes[CLASS_COUNT + 1];
};

STATE(struct heap) state;
static_assert((CLASS_COUNT + 1) * 2 <= HEAP_HANDOVER_CHAINS, "all can be handed over");

/* Bytes of an object, by class. */
static const uint16_t class_bytes[CLASS_COUNT] = {16,  32,  48,  64,  96,   128,  192,
                                                  256, 384, 512, 768, 1024, 1536, 2048};

static unsigned class_for(size_t bytes)
{
    unsigned number = 0;
    while (number < CLASS_COUNT && bytes > class_bytes[number]) {
        number++;
    }
    return number;
}

static size_t slab_pages(unsigned number)
{
    return class_bytes[number] > SMALL_BYTES ? SLAB_PAGES : 1;
}

/* A region in no chain, with room for at least one object of so many bytes; NULL: no memory. */
static struct heap_region *create_region(unsigned number, size_t bytes)
{
    if (number == CLASS_OTHER) {
        return heap_region_create_whole(bytes);
    }
    return heap_region_create(slab_pages(number), sizeof(struct heap_header) + class_bytes[number]);
}

static bool has_room(const struct size_class *class, const struct heap_region *region)
{
    return class != &state.classes[CLASS_OTHER] && region->taken < region->units;
}

/* Puts a region in, at the end: new, or from another heap. */
static void keep_region(struct size_class *class, struct heap_region *region)
{
    region->keeper = class;
    class->pages += region->pages;
    class->objects += region->objects;
    class->bytes += region->bytes;
    chain_append(has_room(class, region) ? &class->with_room : &class->full, &region->node);
}

/* Takes the first free block of a region with room. */
static struct heap_header *take_block(struct size_class *class, struct heap_region *region,
                                      size_t bytes)
{
    unsigned word = 0;
    while (!~region->begins[word]) {
        word++;
    }
    unsigned bit = (unsigned)__builtin_ctzll(~region->begins[word]);
    struct heap_header *header = heap_region_take(region, word * 64 + bit, 1, bytes);
    class->objects++;
    class->allocations++;
    class->bytes += bytes;
    return header;
}

/* As take_block() of the first region with room; NULL: there is none. */
static struct heap_header *take_old_block(struct size_class *class, size_t bytes,
                                          struct heap_region **region)
{
    struct heap_header *header = NULL;
    uint64_t daif = spin_lock(&class->lock);
    *region = chain_first(&class->with_room, struct heap_region, node);
    if (*region) {
        header = take_block(class, *region, bytes);
        if (!has_room(class, *region)) {
            chain_remove(&class->with_room, &(*region)->node);
            chain_append(&class->full, &(*region)->node);
        }
    }
    spin_unlock(&class->lock, daif);
    return header;
}

/* The first block of a new region, before anybody else sees that. */
static struct heap_header *take_new_block(struct size_class *class, struct heap_region *region,
                                          size_t bytes)
{
    uint64_t daif = spin_lock(&class->lock);
    struct heap_header *header = heap_region_take(region, 0, 1, bytes);
    keep_region(class, region);
    class->allocations++;
    spin_unlock(&class->lock, daif);
    return header;
}

/* Releases a block; a region without any goes back. */
static void give_block_back(struct heap_region *region, uint32_t unit, uint64_t bytes)
{
    struct size_class *class = region->keeper;
    uint64_t daif = spin_lock(&class->lock);
    struct chain *before = has_room(class, region) ? &class->with_room : &class->full;
    heap_region_release(region, unit, bytes);
    class->objects--;
    class->bytes -= bytes;
    bool is_empty = !region->objects;
    if (is_empty) {
        chain_remove(before, &region->node);
        class->pages -= region->pages;
        region->magic = 0;
    } else if (before == &class->full && has_room(class, region)) {
        chain_remove(before, &region->node);
        chain_append(&class->with_room, &region->node);
    }
    spin_unlock(&class->lock, daif);
    if (is_empty) {
        page_free(region); /* out of the chains: nobody else knows it */
    }
}

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    size_t bytes;
    int result = heap_measure(element_bytes, count, &bytes);
    if (result < 0) {
        return result;
    }
    unsigned number = class_for(bytes);
    struct size_class *class = &state.classes[number];
    struct heap_region *region;
    struct heap_header *header = take_old_block(class, bytes, &region);
    if (!header) {
        region = create_region(number, bytes);
        if (!region) {
            return -ENOMEM;
        }
        header = take_new_block(class, region, bytes);
    } else {
        memset(header + 1, 0, region->unit_bytes - sizeof(*header)); /* new pages came zeroed */
    }
    *object = heap_region_give(region, header, owner, type_hash, element_bytes, count);
    return 0;
}

/* Poisons a claimed object and makes its block available again. */
static void discard(struct heap_region *region, uint32_t unit)
{
    heap_region_poison(region, unit);
    give_block_back(region, unit, heap_object_bytes(heap_region_unit(region, unit)));
}

static bool is_kept_here(const struct heap_region *region)
{
    return (uintptr_t)region->keeper - (uintptr_t)state.classes < sizeof(state.classes);
}

int heap_free(void *object)
{
    uint32_t unit;
    if (!object) {
        return 0;
    }
    struct heap_region *region = heap_region_find(object, &unit);
    if (!region || !is_kept_here(region) || !heap_claim((struct heap_header *)object - 1)) {
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
    for (unsigned number = 0; owner && number <= CLASS_OTHER; number++) {
        struct size_class *class = &state.classes[number];
        for (;;) {
            uint32_t unit;
            uint64_t daif = spin_lock(&class->lock);
            struct heap_region *region = heap_chain_claim(&class->full, owner, &unit);
            if (!region) {
                region = heap_chain_claim(&class->with_room, owner, &unit);
            }
            spin_unlock(&class->lock, daif);
            if (!region) {
                break;
            }
            discard(region, unit);
            count++;
        }
    }
    return count;
}

int heap_read_account(const struct component *owner, struct heap_account *account)
{
    *account = (struct heap_account){0};
    for (unsigned number = 0; number <= CLASS_OTHER; number++) {
        struct size_class *class = &state.classes[number];
        uint64_t daif = spin_lock(&class->lock);
        if (owner) {
            heap_chain_count(&class->full, owner, account);
            heap_chain_count(&class->with_room, owner, account);
        } else {
            account->objects += class->objects;
            account->bytes += class->bytes;
            account->pages += class->pages;
            account->allocations += class->allocations;
        }
        spin_unlock(&class->lock, daif);
    }
    return 0;
}

static int health(void)
{
    int result = 0;
    for (unsigned number = 0; number <= CLASS_OTHER; number++) {
        struct size_class *class = &state.classes[number];
        uint64_t objects = 0;
        uint64_t daif = spin_lock(&class->lock);
        if (!heap_chain_is_sound(&class->full, class, &objects) ||
            !heap_chain_is_sound(&class->with_room, class, &objects) || objects != class->objects) {
            result = -EIO;
        }
        spin_unlock(&class->lock, daif);
    }
    return result;
}

static int export(void *data, size_t size)
{
    struct heap_handover *handover = data;
    if (data && size >= sizeof(*handover)) {
        heap_handover_begin(handover);
        for (unsigned number = 0; number <= CLASS_OTHER; number++) {
            struct size_class *class = &state.classes[number];
            heap_handover_add(handover, &class->with_room);
            heap_handover_add(handover, &class->full);
            handover->allocations += class->allocations;
        }
    }
    return sizeof(*handover);
}

/* What another heap has made may be just what a class would have made. */
static void take_over(struct heap_region *region)
{
    unsigned number = class_for(region->unit_bytes - sizeof(struct heap_header));
    bool fits = number < CLASS_COUNT && region->taken == region->objects &&
                region->unit_bytes == sizeof(struct heap_header) + class_bytes[number] &&
                region->pages == slab_pages(number) && region->units > 1;
    keep_region(&state.classes[fits ? number : CLASS_OTHER], region);
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
    memset(&state, 0, sizeof(state));
    state.classes[0].allocations = handover->allocations;
    heap_handover_each(handover, take_over);
    return 0;
}

COMPONENT(heap, .version = VERSION(1, 0, 0),
          .summary = IS_ENABLED(REBUILT) ? "Heap of typed objects (rebuilt)"
                                         : "Heap of typed objects",
          .health = health, .export = export, .import = import);
