/* SPDX-License-Identifier: MIT */
/*
 * The table of components, their accounts, and what belongs to them.
 */
#include "component.h"

#include <interface/heap.h>
#include <lib/format.h>
#include <string.h>

static struct component components[COMPONENTS_MAX];
static uint32_t last_id;
struct spinlock component_lock;

struct component *component_next(const struct component *component)
{
    for (size_t i = component ? (size_t)(component - components) + 1 : 0; i < COMPONENTS_MAX; i++) {
        if (components[i].id) {
            return &components[i];
        }
    }
    return NULL;
}

struct component *component_find(const char *name)
{
    struct component *component = NULL;
    while ((component = component_next(component))) {
        if (component->is_live && !strcmp(component->name, name)) {
            return component;
        }
    }
    return NULL;
}

struct component *component_create(const char *name)
{
    for (struct component *component = components; component < components + COMPONENTS_MAX;
         component++) {
        if (!component->id) {
            *component = (struct component){.id = ++last_id};
            format_print(component->name, sizeof(component->name), "%s", name);
            return component;
        }
    }
    return NULL;
}

void component_destroy(struct component *component)
{
    uint64_t daif = spin_lock(&component_lock);
    *component = (struct component){0};
    spin_unlock(&component_lock, daif);
}

const char *component_name(const struct component *component)
{
    return component ? component->name : "nucleus";
}

unsigned component_slot(const struct component *component)
{
    return component ? (unsigned)(component - components) + 1 : 0;
}

struct component *component_at_slot(unsigned slot)
{
    return slot ? &components[slot - 1] : NULL;
}

void component_account_pages(struct component *component, int count)
{
    if (component) {
        __atomic_add_fetch(&component->pages, count, __ATOMIC_RELAXED);
    }
}

/* First what calls it, then what it waits by, then what it has. */
void component_revoke(struct component *component)
{
    irq_revoke(component);
    trace_revoke(component);
    offer_revoke(component);
    worker_revoke(component);
    (void)clock_revoke(component); /* how many, or no clock */
    event_revoke(component);
    log_revoke(component);
    device_revoke(component);
    (void)heap_revoke(component); /* how many, or no heap */
    page_give(component, NULL);
}

static size_t state_pages(size_t bytes)
{
    return ALIGN_UP(bytes, PAGE_BYTES) / PAGE_BYTES;
}

void *component_allocate_state(struct component *component, size_t bytes)
{
    /* The nucleus's, so that revoking what the component allocated leaves it; the account is its.
     */
    void *pages = page_allocate_owned(state_pages(bytes), NULL);
    void *state = pages ? area_map(linear_pa(pages), state_pages(bytes), MMU_READ_WRITE, 1) : NULL;
    if (pages && !state) {
        page_free(pages);
    }
    if (state) {
        component_account_pages(component, (int)state_pages(bytes));
    }
    return state;
}

void component_free_state(struct component *component, void *state, size_t bytes)
{
    if (state) {
        component_account_pages(component, -(int)state_pages(bytes));
        void *pages = linear_va(mmu_translate((uint64_t)state));
        area_unmap(state, state_pages(bytes), 1);
        page_free(pages);
    }
}
