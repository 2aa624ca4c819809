/* SPDX-License-Identifier: MIT */
/*
 * The walk of frame records, inline: a rendezvous walks every thread's, and its visitor becomes
 * part of the loop. Everything is built with frame pointers, so the walk is exact: each active
 * function has a record, but for one that is interrupted in its first or last instructions;
 * therefore an interrupted context counts pc and lr as well. Context: any.
 */
#pragma once

#include "../nucleus.h"

#define WALK_DEPTH_MAX 128 /* a loop of records, from a damaged stack, ends here */

/*
 * Quick for what lies on the stack below `top`, which is mapped as a whole. Else, as in a panic,
 * the tables are asked; no object looked at here is larger than a page: both of its ends tell.
 */
static inline bool walk_is_readable(const void *object, size_t bytes, uint64_t top)
{
    uint64_t va = (uint64_t)object, below_top = top - va;
    if (below_top - bytes <= LAYOUT_STACK_BYTES - bytes) {
        return va % 8 == 0;
    }
    return va % 8 == 0 && mmu_translate(va) != MMU_NO_PA &&
           mmu_translate(va + bytes - 1) != MMU_NO_PA;
}

/*
 * Visits the code addresses of a stack, its top at `top` (0: not known). False: the visitor said
 * so, or the stack is damaged.
 */
static inline __attribute__((always_inline)) bool
walk_records(const struct frame_record *record, uint64_t top, walk_visit *visit, void *argument)
{
    for (unsigned depth = 0; record; depth++) {
        if (depth == WALK_DEPTH_MAX || !walk_is_readable(record, sizeof(*record), top)) {
            return false;
        }
        if (record->return_address == (uint64_t)trap_return) {
            const struct trap_frame *trap = container_of(record->next, struct trap_frame, record);
            if (!walk_is_readable(trap, sizeof(*trap), top) || !visit(trap->pc, argument) ||
                !visit(trap->x[30], argument)) {
                return false;
            }
            if (trap->pc == (uint64_t)gate_trace_branch && !visit(trap->x[17], argument)) {
                return false; /* it is as good as there */
            }
            record = &trap->record;
        } else if (record->return_address && !visit(record->return_address, argument)) {
            return false;
        }
        record = record->next;
    }
    return true;
}
