/* SPDX-License-Identifier: MIT */
/*
 * Retiring: what was replaced goes once nobody refers to it. Until then it is in limbo: mapped, and
 * looked at again from time to time. Its gates lead elsewhere, so nobody runs it.
 */
#include <errno.h>
#include <lib/format.h>
#include <lib/version.h>

#include "audit.h"
#include "transaction.h"

#define FIRST_LOOK_NS 10000000u
#define LAST_LOOK_NS 1000000000u

/* Images in limbo, linked by next_in_limbo; changed by the transaction's thread, under the lock. */
static struct image *limbo;
static uint64_t look_interval_ns, next_look_ns;

static struct span span_of(const void *begin, size_t bytes)
{
    return (struct span){(uint64_t)begin, begin ? (uint64_t)begin + bytes : 0};
}

static bool is_referred_to(struct image *image)
{
    size_t state_bytes = image->owns_state ? image->descriptor.state_size : 0;
    struct audit audit = {.spans = {span_of(image->rodata, image->rodata_pages * PAGE_BYTES),
                                    span_of(image->owns_state ? image->state : NULL, state_bytes),
                                    span_of(image->text, image->text_pages * PAGE_BYTES)},
                          .leaving = image};
    bool is_found = audit_finds(&audit);
    format_print(image->holder, sizeof(image->holder), "%s", audit.holder);
    return is_found;
}

/* Frees an image, its state if that is not another's, and its component's record if it has left. */
static void let_go(struct image *image)
{
    struct component *component = image->component;
    if (image->owns_state) {
        component_free_state(component, image->state, image->descriptor.state_size);
    }
    image_destroy(image);
    component->images--;
    if (!component->is_live && !component->images) {
        component_destroy(component);
    }
}

static void retire_image(struct image *image)
{
    image->component->images++;
    if (!is_referred_to(image)) {
        let_go(image);
        return;
    }
    log_info("%s, replaced, stays in limbo: %s refers to it", image->descriptor.name,
             image->holder);
    uint64_t daif = spin_lock(&component_lock);
    image->next_in_limbo = limbo;
    limbo = image;
    spin_unlock(&component_lock, daif);
    look_interval_ns = FIRST_LOOK_NS;
    next_look_ns = time_now_ns() + look_interval_ns;
}

void retire_new_images(struct transaction *this)
{
    for (unsigned i = 0; i < this->member_count; i++) {
        struct member *member = &this->members[i];
        if (member->image) {
            member->image->owns_state = member->state && member->state != member->old_state;
            retire_image(member->image);
            member->image = NULL;
            member->state = member->old_state;
        }
    }
}

uint64_t retire_again(void)
{
    if (!limbo) {
        return 0;
    }
    uint64_t now = time_now_ns();
    if (now < next_look_ns) {
        return next_look_ns - now;
    }
    if (gate_open_window() < 0) {
        return LAST_LOOK_NS;
    }
    for (struct image **link = &limbo; *link;) {
        struct image *image = *link;
        if (is_referred_to(image)) {
            link = &image->next_in_limbo;
            continue;
        }
        uint64_t daif = spin_lock(&component_lock);
        *link = image->next_in_limbo;
        spin_unlock(&component_lock, daif);
        let_go(image);
    }
    gate_close_window();
    look_interval_ns = MIN(look_interval_ns * 2, LAST_LOOK_NS);
    next_look_ns = time_now_ns() + look_interval_ns;
    return limbo ? look_interval_ns : 0;
}

int world_limbo(unsigned index, char *text, size_t size)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&component_lock);
    for (const struct image *image = limbo; image && result < 0; image = image->next_in_limbo) {
        if (index-- == 0) {
            result = format_print(text, size, "%s, build %08x, %zu KiB: %s refers to it",
                                  image->descriptor.name, image->build,
                                  (image->text_pages + image->rodata_pages) * PAGE_BYTES / 1024,
                                  image->holder);
        }
    }
    spin_unlock(&component_lock, daif);
    return result < 0 ? result : 0;
}

static void revoke_older(const struct component_descriptor *descriptor)
{
    uint64_t daif = spin_lock(&component_lock);
    bool is_news = revocation_add(&revocations, descriptor);
    spin_unlock(&component_lock, daif);
    if (is_news) {
        log_info("%s: versions before %u.%u.%u are revoked", descriptor->name,
                 version_major(descriptor->oldest), version_minor(descriptor->oldest),
                 version_patch(descriptor->oldest));
    }
}

void transaction_finish(struct transaction *this)
{
    uint64_t begin = time_now_ns();
    for (unsigned i = 0; i < this->member_count; i++) {
        const struct member *member = &this->members[i];
        if (member->image) {
            revoke_older(&member->image->descriptor);
        }
        if (member->old_image) {
            member->old_image->owns_state =
                member->old_state && (!member->image || member->state != member->old_state);
            retire_image(member->old_image);
        }
        page_free(member->handover);
        page_free(member->aside);
    }
    direct_release(this);
    page_free(this->retargets);
    blob_unuse(this->blob);
    gate_close_window();
    this->phase = PHASE_STAGED;
    this->report->ended_ns = time_now_ns();
    this->report->retire_ns = this->report->ended_ns - begin;
    this->report->total_ns += this->report->retire_ns;
    this->report->phase = SWAP_SETTLED;
}
