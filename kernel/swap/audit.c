/* SPDX-License-Identifier: MIT */
/*
 * Looking for references; see audit.h.
 */
#include "audit.h"

#include <errno.h>
#include <interface/heap.h>
#include <lib/format.h>

#include "image.h"
#include "rendezvous.h"

/* So few that interrupts are off for less than a blackout; not fewer: each time the list is gone
 * through from its begin. */
#define SLEEPERS_AT_ONCE 16u

static bool is_in_span(const struct span *spans, unsigned count, uint64_t word)
{
    for (unsigned k = 0; k < count; k++) {
        if (word - spans[k].begin < spans[k].end - spans[k].begin) {
            return true;
        }
    }
    return false;
}

/* Whether the word is the address of a gate that leads into the leaving image only, or goes with
 * it.
 */
static bool is_leaving_gate(struct audit *audit, uint64_t word)
{
    const struct image *image = audit->leaving;
    int index = image ? gate_index_of(ALIGN_DOWN(word, LAYOUT_GATE_BYTES)) : -ENOENT;
    const struct gate *gate = index < 0 ? NULL : gate_at(index);
    if (!gate || (gate->owner && gate->owner != image->component) ||
        !image_uses_gate(image, index) || image_is_hook(image, index)) {
        return false;
    }
    uint64_t target = gate->planned ? gate->planned : gate->target;
    bool leads_nowhere = target == gate_unbound_target() || image_contains(image, target);
    if (gate->uses > 1 && !(gate->owner && leads_nowhere)) {
        return false;
    }
    audit->gate = gate->name;
    return true;
}

static struct span enclose(const struct audit *audit)
{
    struct span all = {UINT64_MAX, 0};
    if (audit->leaving) {
        all = (struct span){gate_address(0), gate_address(CONFIG_GATES)};
    }
    for (unsigned k = 0; k < AUDIT_SPANS; k++) {
        if (audit->spans[k].begin < audit->spans[k].end) {
            all.begin = MIN(all.begin, audit->spans[k].begin);
            all.end = MAX(all.end, audit->spans[k].end);
        }
    }
    return all;
}

/* Most words lie far from all spans and gates: that is seen first, four words in a turn. */
static bool hits(struct audit *audit, unsigned count, const void *words, size_t bytes)
{
    const uint64_t *word = words, *end = word + bytes / sizeof(*word);
    uint64_t begin = audit->all.begin, length = audit->all.end - begin;
    for (; word < end; word++) {
        while (end - word > 4 && READ_ONCE(word[0]) - begin >= length &&
               READ_ONCE(word[1]) - begin >= length && READ_ONCE(word[2]) - begin >= length &&
               READ_ONCE(word[3]) - begin >= length) {
            word += 4;
        }
        uint64_t value = READ_ONCE(*word);
        if (value - begin < length &&
            (is_in_span(audit->spans, count, value) || is_leaving_gate(audit, value))) {
            return true;
        }
    }
    return false;
}

bool audit_hits(struct audit *audit, const void *words, size_t bytes)
{
    return hits(audit, AUDIT_SPANS, words, bytes);
}

/* From where a thread's stack is in use. Another CPU's registers are on it: it was interrupted. */
static uint64_t lowest_address(const struct kthread *thread)
{
    const struct frame_record *frame = thread_stopped_frame(thread);
    return frame ? (uint64_t)frame : thread->context.sp;
}

static bool hits_stack(struct audit *audit, const struct kthread *thread)
{
    uint64_t sp = lowest_address(thread), top = (uint64_t)thread->stack_top;
    if (thread == thread_current() || top - sp >= LAYOUT_STACK_BYTES ||
        (!hits(audit, AUDIT_STACK_SPANS, (const void *)sp, top - sp) &&
         !hits(audit, AUDIT_STACK_SPANS, &thread->context, sizeof(thread->context)))) {
        return false; /* the auditor itself, who has the spans; or one that has not begun */
    }
    format_print(audit->holder, sizeof(audit->holder), "the stack of %s", thread->public.name);
    return true;
}

/* Looks at some threads after `id`, those that sleep; the last one's id, 0: no more. */
static uint32_t look_at_sleepers(struct audit *audit, uint32_t id, bool *is_found)
{
    uint32_t last = 0;
    unsigned looked = 0;
    struct kthread *thread;
    uint64_t daif = spin_lock(&thread_list_lock);
    list_for_each(thread, &thread_list, all)
    {
        if (thread->public.id > id) { /* the list is in order of ids */
            uint64_t picked_ns = __atomic_load_n(&thread->picked_ns, __ATOMIC_ACQUIRE);
            bool is_asleep = !thread_is_on_cpu(thread);
            *is_found = is_asleep && hits_stack(audit, thread);
            thread->audited_ns = is_asleep ? picked_ns : 0;
            last = thread->public.id;
            if (*is_found || ++looked == SLEEPERS_AT_ONCE) {
                break;
            }
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return last;
}

/*
 * Most threads sleep: their stacks are looked at while the others go on, some at a time, since no
 * interrupt comes meanwhile. Nobody writes to a sleeper's stack but itself; whether it has run
 * since is known by when it was picked last, read before it is seen to sleep.
 */
static bool finds_on_sleeping_stacks(struct audit *audit)
{
    bool is_found = false;
    for (uint32_t id = 0; !is_found && (id = look_at_sleepers(audit, id, &is_found));) {
    }
    return is_found;
}

struct stacks {
    struct audit *audit;
    bool found;
};

/* In the rendezvous. */
static void look_at_stacks(void *argument)
{
    struct stacks *this = argument;
    const struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        bool has_run = thread_is_on_cpu(thread) || thread->audited_ns != thread->picked_ns;
        if (has_run && hits_stack(this->audit, thread)) {
            this->found = true;
            return;
        }
    }
}

static bool finds_in_states(struct audit *audit)
{
    for (struct component *each = NULL; (each = component_next(each));) {
        if (each->is_live && each->state && !each->image->descriptor.state_is_plain &&
            audit_hits(audit, each->state, each->state_bytes)) {
            format_print(audit->holder, sizeof(audit->holder), "the state of %s", each->name);
            return true;
        }
    }
    return false;
}

/* Whose object of the heap the address lies in; NULL: it is none. Headers stand at multiples of 16.
 */
static const struct component *object_owner(const char *block, const char *address)
{
    const struct heap_header *header = (const struct heap_header *)block;
    const struct component *owner = NULL;
    for (; (const char *)(header + 1) <= address;
         header = (const struct heap_header *)((const char *)header + HEAP_ALIGNMENT)) {
        if (header->magic == HEAP_LIVE) {
            owner = header->owner;
        }
    }
    return owner;
}

static bool look_at_pages(void *block, size_t bytes, const struct component *owner, void *argument)
{
    struct audit *audit = argument;
    if (!audit_hits(audit, block, bytes)) {
        return true;
    }
    const char *hit = block, *end = hit + bytes;
    while (hit < end && !audit_hits(audit, hit, sizeof(uint64_t))) {
        hit += sizeof(uint64_t);
    }
    if (hit == end) {
        return true; /* it has been overwritten meanwhile */
    }
    const struct component *who = object_owner(block, hit);
    format_print(audit->holder, sizeof(audit->holder), "%s of %s",
                 who ? "a heap object" : "the memory", component_name(who ? who : owner));
    return false;
}

static bool finds_in_registrations(struct audit *audit)
{
    static const struct {
        const char *what;
        const struct component *(*find_holder)(struct audit *audit);
    } kinds[] = {{"an interrupt", irq_find_holder},
                 {"a worker", worker_find_holder},
                 {"an offer", offer_find_holder},
                 {"the tracing", trace_find_holder}};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct component *owner = kinds[i].find_holder(audit);
        if (owner) {
            format_print(audit->holder, sizeof(audit->holder), "%s of %s", kinds[i].what,
                         owner->name);
            return true;
        }
    }
    return false;
}

bool audit_finds(struct audit *audit)
{
    struct stacks stacks = {.audit = audit};
    audit->all = enclose(audit);
    if (finds_on_sleeping_stacks(audit)) {
        return true;
    }
    if (rendezvous_run(look_at_stacks, &stacks, NULL) < 0) {
        format_print(audit->holder, sizeof(audit->holder), "a CPU that does not stop");
        return true;
    }
    return stacks.found || finds_in_states(audit) || finds_in_registrations(audit) ||
           !page_each_owned(look_at_pages, audit);
}
