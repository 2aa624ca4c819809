/* SPDX-License-Identifier: MIT */
/*
 * Traced gates: their calls are counted, and told to a recorder when they return; see gate.h.
 */
#include <errno.h>
#include <lib/format.h>
#include <neurath/trace.h>
#include <string.h>

#include "audit.h"
#include "transaction.h"

/* Who is told; changed by a component's start and when it leaves, called from anywhere. */
static trace_recorder *recorder;
static struct component *recorder_owner;

int trace_record_owned(trace_recorder *wanted, struct component *owner)
{
    if (!wanted || (recorder_owner && recorder_owner != owner)) {
        return wanted ? -EBUSY : -EINVAL;
    }
    recorder_owner = owner;
    WRITE_ONCE(recorder, wanted);
    return 0;
}

void trace_revoke(const struct component *owner)
{
    if (recorder_owner == owner) {
        WRITE_ONCE(recorder, NULL);
        recorder_owner = NULL;
    }
}

const struct component *trace_find_holder(struct audit *audit)
{
    return audit_hits(audit, &recorder, sizeof(recorder)) ? recorder_owner : NULL;
}

/* A call begins: where to look in which direction it goes on, once all else is done. */
const uint64_t *gate_note_call(struct trace_frame *frame)
{
    const struct gate *gate = gate_at(gate_index_of(frame->gate));
    frame->target = gate->target;
    frame->began_ns = time_now_ns();
    return &gate->onward;
}

void gate_note_return(const struct trace_frame *frame)
{
    const struct kthread *thread = thread_current();
    struct component *caller = arena_owner(frame->record.return_address);
    struct component *callee = arena_owner(frame->target);
    trace_recorder *record = READ_ONCE(recorder);
    struct trace_call call = {
        .began_ns = frame->began_ns,
        .ended_ns = time_now_ns(),
        .gate = (uint32_t)gate_index_of(frame->gate),
        .caller = caller ? caller->id : 0,
        .callee = callee ? callee->id : 0,
        .thread = thread->public.id,
        .cpu = thread->public.cpu,
        .result = (int32_t)frame->results[0],
        .arguments = frame->x,
    };
    if (caller) {
        __atomic_add_fetch(&caller->calls_out, 1, __ATOMIC_RELAXED);
    }
    if (callee) {
        __atomic_add_fetch(&callee->calls_in, 1, __ATOMIC_RELAXED);
    }
    if (record) {
        record(&call);
    }
}

/* Traces those gates, and no others, whose bits are set. */
int trace_apply(const struct swap_request *request, struct swap_report *report, struct why *why)
{
    const uint8_t *wanted = request->bundle;
    if (gate_open_window() < 0) {
        return why_set(why, -ENOMEM, "no room to map the gates while they are written");
    }
    for (int index = 0; index < CONFIG_GATES; index++) {
        struct gate *gate = gate_at(index);
        size_t byte = (size_t)index / 8;
        bool is_traced = byte < request->bundle_bytes && wanted[byte] >> index % 8 & 1 &&
                         gate->name[0] && gate_address(index) != (uint64_t)recorder;
        uint64_t daif = cpu_irq_save(); /* no urgent rendezvous turns it meanwhile */
        if (gate->is_traced != is_traced) {
            gate->is_traced = is_traced;
            gate_write(index, gate->target, gate->mode);
        }
        cpu_irq_restore(daif);
        report->traced += is_traced;
    }
    gate_finish_writes();
    gate_close_window();
    return direct_settle(false) == 0
               ? 0
               : why_set(why, -ENOMEM, "no room to map code while it is written");
}

int trace_describe(unsigned *index, const struct component *owner, char *text, size_t size)
{
    return recorder_owner == owner && (*index)-- == 0 ? format_print(text, size, "records calls")
                                                      : -ENOENT;
}

int world_gate(unsigned from, struct world_gate *copy)
{
    for (unsigned index = from; index < CONFIG_GATES; index++) {
        const struct gate *gate = gate_at((int)index);
        if (gate->name[0]) {
            const struct component *owner = gate->owner, *provider = arena_owner(gate->target);
            *copy = (struct world_gate){.owner = owner ? owner->id : 0,
                                        .provider = provider ? provider->id : 0,
                                        .uses = gate->uses,
                                        .is_traced = gate->is_traced};
            strcpy(copy->name, gate->name);
            return (int)index;
        }
    }
    return -ENOENT;
}
