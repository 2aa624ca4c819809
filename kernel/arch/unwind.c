/* SPDX-License-Identifier: MIT */
/*
 * Walks of frame records. Everything is built with frame pointers, so the walk is exact: each
 * active function has a record, but for one that is interrupted in its first or last instructions;
 * therefore an interrupted context counts pc and lr as well.
 */
#include "../nucleus.h"

#define DEPTH_MAX 128 /* a loop of records, from a damaged stack, ends here */

static bool visit_records(const struct frame_record *record, walk_visit *visit, void *argument);

/* An interrupted context: pc, lr, then the records it had. */
static bool visit_trap(const struct trap_frame *trap, walk_visit *visit, void *argument)
{
    return visit(trap->pc, argument) && visit(trap->x[30], argument) &&
           visit_records(trap->record.next, visit, argument);
}

static bool visit_records(const struct frame_record *record, walk_visit *visit, void *argument)
{
    for (unsigned depth = 0; record && depth < DEPTH_MAX; depth++) {
        if ((uint64_t)record % 8 || mmu_translate((uint64_t)record) == MMU_NO_PA) {
            return true;
        }
        if (record->return_address == (uint64_t)trap_return) {
            const struct frame_record *inner = record->next;
            if (!inner || mmu_translate((uint64_t)inner) == MMU_NO_PA) {
                return true;
            }
            return visit_trap(container_of(inner, struct trap_frame, record), visit, argument);
        }
        if (record->return_address && !visit(record->return_address, argument)) {
            return false;
        }
        record = record->next;
    }
    return true;
}

void walk_trap(const struct trap_frame *trap, walk_visit *visit, void *argument)
{
    (void)visit_trap(trap, visit, argument);
}

void walk_thread(const struct kthread *thread, walk_visit *visit, void *argument)
{
    if (visit(thread->context.lr, argument)) {
        (void)visit_records((const struct frame_record *)thread->context.fp, visit, argument);
    }
}

void walk_current(walk_visit *visit, void *argument)
{
    const struct frame_record *own = __builtin_frame_address(0);
    if (visit(own->return_address, argument)) {
        (void)visit_records(own->next, visit, argument); /* may be a tail call: own is gone */
    }
}
