/* SPDX-License-Identifier: MIT */
/* The world, with a memory of what has just changed: see model.h. */
#include "model.h"

#include <errno.h>
#include <string.h>

#include <neurath/library.h>

#define TICKETS_AT_ONCE 64u
#define TAKEN_BACK_NS 3000000000ull
#define SLOW_PHASES 4u /* that are shown afterwards, the last one as long as it lasts */

static struct model_component *find(struct model *model, const char *name)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (strcmp(model->components[i].name, name) == 0) {
            return &model->components[i];
        }
    }
    return NULL;
}

/* Stage, drain, commit, probation, each for a while: how many of them are over. */
static uint64_t phases_passed(const struct model_component *component, uint64_t now_ns)
{
    return MIN((now_ns - component->changed_ns) / MODEL_PHASE_NS, SLOW_PHASES);
}

/* When pictures are slow: after the phase that was in the last one the next has just begun. */
static void put_off(struct model_component *component, uint64_t last_ns, uint64_t now_ns)
{
    uint64_t next = phases_passed(component, last_ns) + 1;
    if (phases_passed(component, now_ns) > next) {
        component->changed_ns = now_ns - next * MODEL_PHASE_NS;
    }
}

/* Keeps what is known of a component that was there before, under whatever id. */
static void update_components(struct model *model, uint64_t now_ns)
{
    struct model_component fresh[MODEL_COMPONENTS] = {0};
    struct world_component component;
    uint32_t count = 0;
    bool is_first = model->count == 0;

    for (uint32_t id = 0; count < MODEL_COMPONENTS && world_component(id, &component) == 0;
         id = component.id) {
        const struct model_component *known = find(model, component.name);
        struct model_component *entry = &fresh[count++];
        *entry = known ? *known : (struct model_component){};
        if (!is_first &&
            (!known || known->swaps != component.swaps || known->build != component.build)) {
            entry->changed_ns = now_ns;
            entry->is_taken_back = 0;
        } else if (entry->changed_ns != 0) {
            put_off(entry, model->updated_ns, now_ns);
        }
        entry->is_draining = 0;
        entry->id = component.id;
        entry->version = component.version;
        entry->build = component.build;
        entry->swaps = component.swaps;
        entry->state_bytes = component.state_bytes;
        memcpy(entry->name, component.name, sizeof(entry->name));
    }
    memcpy(model->components, fresh, count * sizeof(fresh[0]));
    model->count = count;
}

static void tell(struct model *model, const struct swap_report *report)
{
    char version[16];
    const char *name = report->new[0] != '\0' ? report->new : report->old;

    (void)version_print(version, sizeof(version),
                        report->new[0] != '\0' ? report->new_version : report->old_version);
    const char *what = report->phase == SWAP_TAKEN_BACK ? "taken back"
                       : report->result < 0             ? "refused"
                       : report->kind == SWAP_UNLOAD    ? "has left"
                       : report->old[0] == '\0'         ? "is new"
                                                        : "is in";
    (void)format_print(model->sentence, sizeof(model->sentence), "%s %s %s%s%s", name, version,
                       what, report->result < 0 ? ": " : "",
                       report->result < 0 ? report->message : "");
    model->stage_ns = report->stage_ns;
    model->drain_ns = report->drain_ns;
    model->blackout_ns = report->blackout_ns;
}

/* What a report says about its component. */
static void apply(struct model *model, uint32_t ticket, const struct swap_report *report,
                  uint64_t now_ns)
{
    const char *name =
        report->phase == SWAP_TAKEN_BACK || report->new[0] == '\0' ? report->old : report->new;
    struct model_component *component = find(model, name);
    if (report->phase == SWAP_ON_PROBATION) {
        model->open_ticket = ticket;
    } else if (model->open_ticket == ticket) {
        model->open_ticket = 0;
    }
    if (component) {
        component->is_on_probation = report->phase == SWAP_ON_PROBATION;
        if (report->phase == SWAP_TAKEN_BACK || report->result < 0) {
            component->is_taken_back = 1;
            component->changed_ns = now_ns;
        }
    }
}

/* Somebody is inside of what is to be replaced: that may last. */
static void tell_drain(struct model *model, const struct swap_report *report)
{
    struct model_component *component = find(model, report->old);
    if (component) {
        component->is_draining = 1;
        (void)format_print(model->sentence, sizeof(model->sentence),
                           "%s: waiting until nobody is inside", component->name);
    }
}

static void update_tickets(struct model *model, uint64_t now_ns)
{
    struct swap_report report = {0};
    int result = 0;

    if (model->next_ticket == 0) { /* we are new: what has ended is old */
        model->next_ticket = swap_last_ticket() + 1;
        while (model->next_ticket > 1 &&
               swap_read_report(model->next_ticket - 1, &report) == -EAGAIN) {
            model->next_ticket--;
        }
    }
    if (model->open_ticket != 0 && swap_read_report(model->open_ticket, &report) == 0 &&
        report.phase != SWAP_ON_PROBATION) {
        tell(model, &report);
        apply(model, model->open_ticket, &report, now_ns);
    }
    for (unsigned i = 0; i < TICKETS_AT_ONCE; i++) {
        result = swap_read_report(model->next_ticket, &report);
        if (result < 0) {
            break;
        }
        uint32_t ticket = model->next_ticket++;
        if (report.kind != SWAP_TRACE) { /* it changes no component */
            tell(model, &report);
            apply(model, ticket, &report, now_ns);
        }
    }
    model->is_under_way = result == -EAGAIN;
    if (model->is_under_way && report.ticket == model->next_ticket) {
        tell_drain(model, &report);
    }
}

void model_update(struct model *model, uint64_t now_ns)
{
    update_components(model, now_ns);
    update_tickets(model, now_ns);
    model->updated_ns = now_ns;
}

enum model_phase model_phase(const struct model_component *component, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - component->changed_ns;
    if (component->is_draining) {
        return MODEL_DRAIN;
    }
    if (component->is_taken_back && passed_ns < TAKEN_BACK_NS) {
        return MODEL_TAKEN_BACK;
    }
    uint64_t phase = phases_passed(component, now_ns);
    if (component->changed_ns != 0 && !component->is_taken_back && phase < SLOW_PHASES) {
        return (enum model_phase)(MODEL_STAGE + phase);
    }
    return component->is_on_probation ? MODEL_PROBATION : MODEL_CALM;
}

bool model_is_moving(const struct model *model, uint64_t now_ns)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (model_phase(&model->components[i], now_ns) != MODEL_CALM) {
            return true;
        }
    }
    return model->is_under_way;
}
