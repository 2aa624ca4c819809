/* SPDX-License-Identifier: MIT */
/*
 * Walks of frame records. Everything is built with frame pointers, so the walk is exact: each
 * active function has a record, but for one that is interrupted in its first or last instructions;
 * therefore an interrupted context counts pc and lr as well.
 */
#include "../nucleus.h"

#define DEPTH_MAX 128 /* a loop of records, from a damaged stack, ends here */

/*
 * Quick for what lies on the stack below `top`, which is mapped as a whole. Else, as in a panic,
 * the tables are asked; no object looked at here is larger than a page: both of its ends tell.
 */
static bool is_readable(const void *object, size_t bytes, uint64_t top)
{
    uint64_t va = (uint64_t)object, below_top = top - va;
    if (below_top <= LAYOUT_STACK_BYTES && below_top >= bytes) {
        return va % 8 == 0;
    }
    return va % 8 == 0 && mmu_translate(va) != MMU_NO_PA &&
           mmu_translate(va + bytes - 1) != MMU_NO_PA;
}

static bool visit_records(const struct frame_record *record, uint64_t top, walk_visit *visit,
                          void *argument)
{
    for (unsigned depth = 0; record; depth++) {
        if (depth == DEPTH_MAX || !is_readable(record, sizeof(*record), top)) {
            return false;
        }
        if (record->return_address == (uint64_t)trap_return) {
            const struct trap_frame *trap = container_of(record->next, struct trap_frame, record);
            if (!is_readable(trap, sizeof(*trap), top) || !visit(trap->pc, argument) ||
                !visit(trap->x[30], argument)) {
                return false;
            }
            record = &trap->record;
        } else if (record->return_address && !visit(record->return_address, argument)) {
            return false;
        }
        record = record->next;
    }
    return true;
}

bool walk_trap(const struct trap_frame *trap, walk_visit *visit, void *argument)
{
    return visit(trap->pc, argument) && visit(trap->x[30], argument) &&
           visit_records(trap->record.next, 0, visit, argument);
}

bool walk_thread(const struct kthread *thread, walk_visit *visit, void *argument)
{
    return visit(thread->context.lr, argument) &&
           visit_records((const struct frame_record *)thread->context.fp,
                         (uint64_t)thread->stack_top, visit, argument);
}

bool walk_frames(const struct frame_record *record, uint64_t top, walk_visit *visit, void *argument)
{
    return visit_records(record, top, visit, argument);
}

bool walk_current(walk_visit *visit, void *argument)
{
    const struct frame_record *own = __builtin_frame_address(0);
    return visit(own->return_address, argument) &&
           visit_records(own->next, 0, visit, argument); /* may be a tail call: own is gone */
}
