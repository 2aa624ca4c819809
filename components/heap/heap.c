/* SPDX-License-Identifier: MIT */
/*
 * The heap: slabs of blocks of one size each, and pages of their own for what is larger.
 *
 * A slab begins with a header, in whose bitmap each taken block has its bit; what is larger than
 * all classes is a slab of one block. So there is one way to walk all objects. No list of free
 * blocks runs through the blocks: writing to a freed object cannot lead the heap astray.
 *
 * A block's life: its bit is set (under the class's lock) - header and zeroes are written - its
 * magic becomes HEAP_LIVE - heap_free() turns the magic to HEAP_FREE, by which one of two frees
 * wins - it is poisoned - its bit is cleared (under the lock), and with the last bit the slab goes
 * back to the nucleus. Zeroing and poisoning need no lock, since nobody else has the block.
 *
 * A lock is held for a few instructions, but for the walks: heap_revoke() and heap_read_account()
 * of one owner hold it while they look at all objects of a class.
 */
#include <errno.h>
#include <string.h>

#include <interface/heap.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/page.h>

#define CLASS_COUNT 14
#define CLASS_LARGE CLASS_COUNT /* its slabs have one block, as large as it must be */
#define POISON 0xa5
#define SLAB_MAGIC 0x534c4142u /* "SLAB" */
#define SLAB_PAGES_MAX 4u
#define BITMAP_WORDS 2

struct slab {
    struct list node; /* in its class's chain */
    uint32_t magic;   /* SLAB_MAGIC; 0 once it was given back */
    uint32_t class_number;
    uint32_t capacity; /* blocks */
    uint32_t in_use;   /* bits set */
    uint64_t block_bytes;
    uint64_t pages;
    uint64_t taken[BITMAP_WORDS]; /* bit n: block n */
};
static_assert(sizeof(struct slab) % HEAP_ALIGNMENT == 0, "blocks are aligned");

struct size_class {
    struct spinlock lock; /* guards all below, and the headers of its slabs */
    struct chain with_room;
    struct chain full;
    uint64_t objects; /* taken */
    uint64_t bytes;   /* as asked for, of those */
    uint64_t pages;
    uint64_t allocations; /* ever */
} __attribute__((aligned(64)));

struct heap {
    struct size_class classes[CLASS_COUNT + 1];
};

STATE(struct heap) state;

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

static struct heap_header *block_at(struct slab *slab, unsigned index)
{
    return (struct heap_header *)((uintptr_t)(slab + 1) + index * slab->block_bytes);
}

static uint64_t object_bytes(const struct heap_header *header)
{
    return (uint64_t)header->element_bytes * header->count;
}

static bool is_live(const struct heap_header *header)
{
    return __atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) == HEAP_LIVE;
}

/* A slab in no chain, with room for at least one object of so many bytes; NULL: no memory. */
static struct slab *slab_create(unsigned number, size_t bytes)
{
    size_t block = sizeof(struct heap_header);
    size_t pages = class_bytes[MIN(number, CLASS_COUNT - 1)] > 256 ? SLAB_PAGES_MAX : 1;
    if (number == CLASS_LARGE) {
        block += ALIGN_UP(bytes, HEAP_ALIGNMENT);
        pages = (sizeof(struct slab) + block + PAGE_BYTES - 1) / PAGE_BYTES;
    } else {
        block += class_bytes[number];
    }
    struct slab *slab = page_allocate(pages);
    if (slab) {
        slab->class_number = number;
        slab->block_bytes = block;
        slab->pages = pages;
        slab->capacity = number == CLASS_LARGE
                             ? 1
                             : (uint32_t)((pages * PAGE_BYTES - sizeof(struct slab)) / block);
        slab->magic = SLAB_MAGIC;
    }
    return slab;
}

/* Takes a block of a slab that has room and is in no chain or with_room, and moves it as needed. */
static struct heap_header *take_block(struct size_class *class, struct slab *slab, size_t bytes)
{
    unsigned word = slab->taken[0] == UINT64_MAX;
    unsigned bit = (unsigned)__builtin_ctzll(~slab->taken[word]);
    bool is_new = !slab->in_use;
    slab->taken[word] |= 1ull << bit;
    slab->in_use++;
    if (is_new) {
        class->pages += slab->pages;
    } else if (slab->in_use == slab->capacity) {
        chain_remove(&class->with_room, &slab->node);
    }
    if (slab->in_use == slab->capacity) {
        chain_append(&class->full, &slab->node);
    } else if (is_new) {
        chain_append(&class->with_room, &slab->node);
    }
    class->objects++;
    class->allocations++;
    class->bytes += bytes;
    return block_at(slab, word * 64 + bit);
}

/* Clears a block's bit; a slab without any goes back. */
static void give_block_back(struct slab *slab, unsigned index, uint64_t bytes)
{
    struct size_class *class = &state.classes[slab->class_number];
    uint64_t daif = spin_lock(&class->lock);
    bool was_full = slab->in_use == slab->capacity;
    slab->taken[index / 64] &= ~(1ull << index % 64);
    slab->in_use--;
    class->objects--;
    class->bytes -= bytes;
    bool is_empty = !slab->in_use;
    if (was_full || is_empty) {
        chain_remove(was_full ? &class->full : &class->with_room, &slab->node);
    }
    if (is_empty) {
        class->pages -= slab->pages;
        slab->magic = 0;
    } else if (was_full) {
        chain_append(&class->with_room, &slab->node);
    }
    spin_unlock(&class->lock, daif);
    if (is_empty) {
        page_free(slab); /* out of the chains: nobody else knows it */
    }
}

int heap_allocate(struct component *owner, uint32_t type_hash, size_t element_bytes, size_t count,
                  void **object)
{
    size_t bytes;
    if (!element_bytes || !count || element_bytes > UINT32_MAX || count > UINT32_MAX ||
        __builtin_mul_overflow(element_bytes, count, &bytes)) {
        return -EINVAL;
    }
    if (bytes > (size_t)PAGE_BYTES << 18) { /* more pages than there are at once */
        return -ENOMEM;
    }
    unsigned number = class_for(bytes);
    struct size_class *class = &state.classes[number];
    struct heap_header *header = NULL;
    uint64_t daif = spin_lock(&class->lock);
    struct slab *slab = chain_first(&class->with_room, struct slab, node);
    if (slab) {
        header = take_block(class, slab, bytes);
    }
    spin_unlock(&class->lock, daif);
    if (!slab) {
        slab = slab_create(number, bytes);
        if (!slab) {
            return -ENOMEM;
        }
        daif = spin_lock(&class->lock);
        header = take_block(class, slab, bytes);
        spin_unlock(&class->lock, daif);
    }
    header->type_hash = type_hash;
    header->element_bytes = (uint32_t)element_bytes;
    header->count = (uint32_t)count;
    header->owner = owner;
    header->provider_word = (uintptr_t)slab;
    if (number != CLASS_LARGE) { /* the pages of those came zeroed */
        memset(header + 1, 0, class_bytes[number]);
    }
    __atomic_store_n(&header->magic, HEAP_LIVE, __ATOMIC_RELEASE);
    *object = header + 1;
    return 0;
}

/* Makes a live block the caller's to discard; false: somebody else was first. */
static bool claim(struct heap_header *header)
{
    uint32_t live = HEAP_LIVE;
    return __atomic_compare_exchange_n(&header->magic, &live, HEAP_FREE, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* Poisons a claimed block and makes it available again. */
static void discard(struct heap_header *header)
{
    struct slab *slab = (struct slab *)(uintptr_t)header->provider_word;
    uintptr_t offset = (uintptr_t)header - (uintptr_t)(slab + 1);
    memset(header + 1, POISON, slab->block_bytes - sizeof(*header));
    give_block_back(slab, (unsigned)(offset / slab->block_bytes), object_bytes(header));
}

int heap_free(void *object)
{
    if (!object) {
        return 0;
    }
    if ((uintptr_t)object % HEAP_ALIGNMENT || (uintptr_t)object < PAGE_BYTES) {
        return -EINVAL;
    }
    struct heap_header *header = (struct heap_header *)object - 1;
    if (!is_live(header)) {
        return -EINVAL;
    }
    /* Whatever the header says, look only at memory just before the object. */
    struct slab *slab = (struct slab *)(uintptr_t)header->provider_word;
    uintptr_t offset = (uintptr_t)header - (uintptr_t)slab - sizeof(*slab);
    if ((uintptr_t)slab % PAGE_BYTES || (uintptr_t)slab > (uintptr_t)header ||
        offset >= SLAB_PAGES_MAX * PAGE_BYTES || slab->magic != SLAB_MAGIC ||
        slab->class_number > CLASS_LARGE || offset % slab->block_bytes) {
        return -EINVAL;
    }
    if (!claim(header)) {
        return -EINVAL;
    }
    discard(header);
    return 0;
}

/* The live block of an owner (NULL: of anybody) with the lowest index from `index` on; NULL: none.
 */
static struct heap_header *next_live(struct slab *slab, unsigned *index,
                                     const struct component *owner)
{
    for (; *index < slab->capacity; ++*index) {
        struct heap_header *header = block_at(slab, *index);
        if (slab->taken[*index / 64] >> *index % 64 & 1 && is_live(header) &&
            (!owner || header->owner == owner)) {
            return header;
        }
    }
    return NULL;
}

/* Claims one object of an owner in a chain; NULL: there is none. Under the class's lock. */
static struct heap_header *claim_owned(struct chain *chain, const struct component *owner)
{
    struct slab *slab;
    chain_for_each(slab, chain, node)
    {
        struct heap_header *header;
        for (unsigned index = 0; (header = next_live(slab, &index, owner)); index++) {
            if (claim(header)) {
                return header;
            }
        }
    }
    return NULL;
}

/*
 * One after the other, beginning anew each time: the lock must be released to discard, and a
 * component that leaves has few objects as a rule.
 */
int heap_revoke(struct component *owner)
{
    int count = 0;
    for (unsigned number = 0; owner && number <= CLASS_LARGE; number++) {
        struct size_class *class = &state.classes[number];
        for (;;) {
            uint64_t daif = spin_lock(&class->lock);
            struct heap_header *header = claim_owned(&class->full, owner);
            if (!header) {
                header = claim_owned(&class->with_room, owner);
            }
            spin_unlock(&class->lock, daif);
            if (!header) {
                break;
            }
            discard(header);
            count++;
        }
    }
    return count;
}

static void add_owned(struct chain *chain, const struct component *owner,
                      struct heap_account *account)
{
    struct slab *slab;
    chain_for_each(slab, chain, node)
    {
        const struct heap_header *header;
        for (unsigned index = 0; (header = next_live(slab, &index, owner)); index++) {
            account->objects++;
            account->bytes += object_bytes(header);
        }
    }
}

int heap_read_account(const struct component *owner, struct heap_account *account)
{
    *account = (struct heap_account){0};
    for (unsigned number = 0; number <= CLASS_LARGE; number++) {
        struct size_class *class = &state.classes[number];
        uint64_t daif = spin_lock(&class->lock);
        if (owner) {
            add_owned(&class->full, owner, account);
            add_owned(&class->with_room, owner, account);
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

static unsigned count_bits(uint64_t word)
{
    unsigned count = 0;
    for (; word; word &= word - 1) {
        count++;
    }
    return count;
}

/* Whether what a chain's slabs say of themselves is consistent; adds up their blocks. */
static bool is_sound(const struct chain *chain, unsigned number, uint64_t *objects)
{
    const struct slab *slab;
    chain_for_each(slab, chain, node)
    {
        unsigned taken = count_bits(slab->taken[0]) + count_bits(slab->taken[1]);
        if (slab->magic != SLAB_MAGIC || slab->class_number != number || taken != slab->in_use ||
            slab->in_use > slab->capacity) {
            return false;
        }
        *objects += slab->in_use;
    }
    return true;
}

static int health(void)
{
    int result = 0;
    for (unsigned number = 0; number <= CLASS_LARGE; number++) {
        struct size_class *class = &state.classes[number];
        uint64_t objects = 0;
        uint64_t daif = spin_lock(&class->lock);
        if (!is_sound(&class->full, number, &objects) ||
            !is_sound(&class->with_room, number, &objects) || objects != class->objects) {
            result = -EIO;
        }
        spin_unlock(&class->lock, daif);
    }
    return result;
}

COMPONENT(heap, .version = VERSION(1, 0, 0),
          .summary = IS_ENABLED(REBUILT) ? "Heap of typed objects (rebuilt)"
                                         : "Heap of typed objects",
          .health = health);
