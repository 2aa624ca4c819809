/* SPDX-License-Identifier: MIT */
/*
 * What the picture shows: the components, what each is going through, the last transaction.
 *
 * Staging, draining and the commit last from microseconds to milliseconds, too short to be seen:
 * once a transaction has gone through, its component goes through these phases again, slowly, with
 * the time each really took beside it. A drain that waits for somebody is shown as long as it
 * lasts, and so is probation. Each is in one picture at least, however slow these are.
 */
#pragma once

#include <neurath/world.h>

#define MODEL_COMPONENTS 64u
#define MODEL_PHASE_NS 200000000ull /* so long each phase is seen */
#define MODEL_SENTENCE_BYTES 120u

enum model_phase {
    MODEL_CALM,
    MODEL_STAGE,
    MODEL_DRAIN,
    MODEL_COMMIT,
    MODEL_PROBATION,
    MODEL_TAKEN_BACK, /* or refused */
    MODEL_PHASES,
};

struct model_component {
    uint32_t id, version, build, swaps;
    char name[COMPONENT_NAME_BYTES];
    uint64_t state_bytes;
    uint64_t changed_ns; /* since when its end is shown, by phases; 0: it never changed */
    uint32_t is_on_probation;
    uint32_t is_taken_back;
    uint32_t is_draining; /* somebody is inside still */
};

struct model {
    uint32_t count;
    struct model_component components[MODEL_COMPONENTS];
    uint32_t next_ticket;                     /* the first that has not been told of */
    uint32_t open_ticket;                     /* one that is on probation; 0: none */
    uint32_t is_under_way;                    /* 1: next_ticket is */
    uint64_t stage_ns, drain_ns, blackout_ns; /* of the last one */
    char sentence[MODEL_SENTENCE_BYTES];      /* how it ended */
    uint64_t updated_ns;                      /* when it last took up how things are */
};

/* Takes up how things are now, for the next picture. Context: thread. */
void model_update(struct model *model, uint64_t now_ns);

enum model_phase model_phase(const struct model_component *component, uint64_t now_ns);

/* Whether a component is in a phase that ends by itself: the picture is to be drawn soon again. */
bool model_is_moving(const struct model *model, uint64_t now_ns);
