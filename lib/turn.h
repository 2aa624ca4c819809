/* SPDX-License-Identifier: MIT */
/*
 * A turn: work that several threads bring about and one at a time does, and nobody waits.
 *
 *     put something in the queue
 *     if (turn_take(&turn)) {
 *         do {
 *             do all the work there is
 *         } while (turn_pass(&turn));
 *     }
 *
 * Who finds the turn taken leaves a mark and goes; its holder then goes round once more. So what
 * was queued before turn_take() is dealt with, by this thread or by the holder. A zeroed turn is
 * free. Context: any, but who holds it must not be interrupted by somebody who needs it done at
 * once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct turn {
    uint32_t is_taken;
    uint32_t is_asked_for;
};

/* Asks for the work to be done. True: by the caller, who must end by turn_pass(). */
static inline bool turn_take(struct turn *turn)
{
    __atomic_store_n(&turn->is_asked_for, 1, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&turn->is_taken, 1, __ATOMIC_SEQ_CST)) {
        return false;
    }
    (void)__atomic_exchange_n(&turn->is_asked_for, 0, __ATOMIC_SEQ_CST);
    return true;
}

/* Gives the turn up. True: somebody asked meanwhile, it is the caller's again, go round. */
static inline bool turn_pass(struct turn *turn)
{
    __atomic_store_n(&turn->is_taken, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&turn->is_asked_for, __ATOMIC_SEQ_CST) && turn_take(turn);
}

/*
 * Gives the turn up though there may be work left: for a caller who has done enough, and who now
 * brings about that somebody else takes the turn.
 */
static inline void turn_leave(struct turn *turn)
{
    __atomic_store_n(&turn->is_taken, 0, __ATOMIC_SEQ_CST);
}
