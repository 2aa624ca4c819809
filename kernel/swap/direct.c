/* SPDX-License-Identifier: MIT */
/*
 * Direct calls (CONFIG_GATE_DIRECT): a branch to a gate that is open leads to where the gate leads.
 *
 * The gates of a transaction are held from before its first rendezvous until it is over: meanwhile
 * calls go through them, as everywhere without this option. A CPU that has fetched the old branch
 * already has executed an isb by the time it leaves that rendezvous, as the gates turn in it.
 */
#include <errno.h>

#include "transaction.h"

static bool is_bypassed(const struct gate *gate)
{
    return gate->mode == GATE_OPEN && !gate->is_held && !gate->is_traced &&
           gate->target != gate_unbound_target();
}

/* Makes an image's branches lead where they should now. -ENOMEM: some do not. */
static int settle_image(struct image *image)
{
    char *window = NULL;
    for (uint32_t i = 0; i < image->site_count; i++) {
        const struct call_site *site = &image->sites[i];
        uint32_t *place = (uint32_t *)(image->text + site->offset);
        const struct gate *gate = gate_at(site->gate);
        uint64_t target = is_bypassed(gate) ? gate->target : gate_address(site->gate);
        uint32_t branch = A64_B(target - (uint64_t)place) | (*place & A64_LINK);
        if (*place == branch) {
            continue;
        }
        if (!window) {
            window = area_map(kernel_image_pa(image->text), image->text_pages, MMU_READ_WRITE, 1);
            if (!window) {
                return -ENOMEM;
            }
        }
        WRITE_ONCE(*(uint32_t *)(window + site->offset), branch);
        cache_clean_word(window + site->offset);
        cache_barrier();
        cache_invalidate_code_word(place);
    }
    if (window) {
        gate_finish_writes();
        area_unmap(window, image->text_pages, 1);
    }
    return 0;
}

int direct_settle(void)
{
    int result = 0;
    struct image *image = NULL;
    while (IS_ENABLED(CONFIG_GATE_DIRECT) && result == 0 && (image = image_next(image))) {
        result = settle_image(image);
    }
    return result;
}

static int set_held(const struct transaction *transaction, bool is_held)
{
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        gate_at(transaction->retargets[i].gate)->is_held = is_held;
    }
    return direct_settle();
}

int direct_hold(struct transaction *transaction)
{
    return set_held(transaction, true) == 0
               ? 0
               : refuse(transaction, -ENOMEM, "no room to map code while its calls are rewritten");
}

void direct_release(const struct transaction *transaction)
{
    (void)set_held(transaction, false); /* what stays as it is calls through its gate */
}
