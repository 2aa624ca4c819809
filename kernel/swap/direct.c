/* SPDX-License-Identifier: MIT */
/*
 * Direct calls (CONFIG_GATE_DIRECT): a branch to a gate that is open leads to where the gate leads.
 *
 * The gates of a transaction are held from before its first rendezvous until it is over: meanwhile
 * calls go through them, as everywhere without this option. A CPU that has fetched the old branch
 * already has executed an isb by the time it leaves that rendezvous, as the gates turn in it.
 *
 * QEMU translates code, and forgets a translation right before a store to it: a CPU that comes in
 * between translates the old branch, and keeps it. So held branches are written a second time, once
 * each CPU has been elsewhere; what is translated after that is the new branch.
 */
#include <errno.h>

#include "rendezvous.h"
#include "transaction.h"

static bool is_bypassed(const struct gate *gate)
{
    return gate->mode == GATE_OPEN && !gate->is_held && !gate->is_traced &&
           gate->target != gate_unbound_target();
}

/* Makes an image's branches lead where they should now. -ENOMEM: some do not. is_again: see above.
 */
static int settle_image(struct image *image, bool is_again)
{
    char *window = NULL;
    for (uint32_t i = 0; i < image->site_count; i++) {
        const struct call_site *site = &image->sites[i];
        uint32_t *place = (uint32_t *)(image->text + site->offset);
        const struct gate *gate = gate_at(site->gate);
        uint64_t target = is_bypassed(gate) ? gate->target : gate_address(site->gate);
        uint32_t branch = A64_B(target - (uint64_t)place) | (*place & A64_LINK);
        if (*place == branch && !(is_again && gate->is_held)) {
            continue;
        }
        if (!window && !(window = area_map(kernel_image_pa(image->text), image->text_pages,
                                           MMU_READ_WRITE, 1))) {
            return -ENOMEM;
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

int direct_settle(bool is_again)
{
    int result = 0;
    struct image *image = NULL;
    while (IS_ENABLED(CONFIG_GATE_DIRECT) && result == 0 && (image = image_next(image))) {
        result = settle_image(image, is_again);
    }
    return result;
}

static int set_held(const struct transaction *transaction, bool is_held)
{
    for (unsigned i = 0; i < transaction->retarget_count; i++) {
        gate_at(transaction->retargets[i].gate)->is_held = is_held;
    }
    return direct_settle(false);
}

int direct_hold(struct transaction *transaction)
{
    int result = set_held(transaction, true);
    if (IS_ENABLED(CONFIG_GATE_DIRECT) && result == 0) {
        rendezvous_run_everywhere(NULL);
        result = direct_settle(true);
    }
    return result == 0 ? 0 : refuse(transaction, -ENOMEM, "no room to map code for its calls");
}

void direct_release(const struct transaction *transaction)
{
    (void)set_held(transaction, false); /* what stays as it is calls through its gate */
}
