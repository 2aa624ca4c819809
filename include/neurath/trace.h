/* SPDX-License-Identifier: MIT */
/*
 * Tracing: each call through a traced gate is told to one recorder when it returns. Gates are
 * traced, or not any more, by a transaction of kind SWAP_TRACE; one that is not costs nothing.
 */
#pragma once

#include <neurath/component.h>

/* A call that has returned. Components by id; 0: the nucleus. */
struct trace_call {
    uint64_t began_ns, ended_ns;
    uint32_t gate;             /* number, see world_gate() */
    uint32_t caller, callee;   /* caller: by the return address; callee: by where the gate led */
    uint32_t thread, cpu;      /* whose stack it was on; where it returned */
    int32_t result;            /* the callee's, if it returns one */
    const uint64_t *arguments; /* x0 to x7 as they were at the call; valid during the recording */
};

/*
 * Context: any, on the caller's stack, and as deep as calls go: it calls no gate, takes no lock. It
 * is a gate itself, and never traced.
 */
typedef void trace_recorder(const struct trace_call *call);

/*
 * Has calls told to a recorder until its owner leaves the world. 0; -EBUSY: another component
 * records; -EINVAL: no recorder. Context: thread.
 */
NUCLEUS_API int trace_record_owned(trace_recorder *recorder, struct component *owner);
#define trace_record(recorder) trace_record_owned(recorder, this_component)
