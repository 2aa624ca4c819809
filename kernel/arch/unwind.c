/* SPDX-License-Identifier: MIT */
/*
 * Walks of frame records, from where a context, a thread or the caller stands; see walk.h.
 */
#include "walk.h"

bool walk_trap(const struct trap_frame *trap, walk_visit *visit, void *argument)
{
    return visit(trap->pc, argument) && visit(trap->x[30], argument) &&
           walk_records(trap->record.next, 0, visit, argument);
}

bool walk_frames(const struct frame_record *record, uint64_t top, walk_visit *visit, void *argument)
{
    return walk_records(record, top, visit, argument);
}

bool walk_current(walk_visit *visit, void *argument)
{
    const struct frame_record *own = __builtin_frame_address(0);
    return visit(own->return_address, argument) &&
           walk_records(own->next, 0, visit, argument); /* may be a tail call: own is gone */
}
