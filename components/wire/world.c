/* SPDX-License-Identifier: MIT */
/* The world, component by component. */
#include <errno.h>

#include <interface/evolve.h>
#include <interface/heap.h>
#include <neurath/world.h>

#include "answer.h"

void do_world(const struct request *request)
{
    request->requests->is_world_open = 1;
    request->requests->world_id = request->id;
    request->requests->world_after = 0;
}

static void put_bindings(struct message_writer *writer, uint32_t component, bool is_needed)
{
    struct evolve_binding binding;
    message_begin_node(writer, is_needed ? "needs" : "provides");
    for (unsigned i = 0; evolve_read_binding(component, i, &binding) == 0; i++) {
        if (binding.is_needed == is_needed) {
            uint8_t version[8] = {[2] = (uint8_t)(binding.major >> 8),
                                  [3] = (uint8_t)binding.major,
                                  [6] = (uint8_t)(binding.minor >> 8),
                                  [7] = (uint8_t)binding.minor};
            message_begin_node(writer, binding.interface);
            message_put_bytes(writer, "version", version, sizeof(version));
            message_put_u32(writer, "methods", binding.methods);
            message_put_string(writer, "provider", binding.provider);
            message_end_node(writer);
        }
    }
    message_end_node(writer);
}

static void put_component(struct message_writer *writer, const struct world_component *component)
{
    message_begin_node(writer, component->name);
    message_put_u32(writer, "id", component->id);
    message_put_u32(writer, "version", component->version);
    message_put_u32(writer, "build", component->build);
    message_put_u32(writer, "swaps", component->swaps);
    message_put_u32(writer, "text-bytes", component->text_bytes);
    message_put_u32(writer, "rodata-bytes", component->rodata_bytes);
    message_put_string(writer, "state-type", component->state_type);
    message_put_u64(writer, "state-bytes", component->state_bytes);
    message_put_u64(writer, "state-hash", component->state_hash);
    message_put_u32(writer, "pages", component->pages);
    message_put_u32(writer, "registrations", component->registrations);
    put_bindings(writer, component->id, false);
    put_bindings(writer, component->id, true);
    message_end_node(writer);
}

static uint32_t count_limbo(void)
{
    char text[4]; /* of no interest */
    uint32_t count = 0;
    while (world_limbo(count, text, sizeof(text)) == 0) {
        count++;
    }
    return count;
}

static void put_totals(struct message_writer *writer)
{
    struct world_totals totals = {0};
    struct heap_account account = {0};
    world_read_totals(&totals);
    (void)heap_read_account(NULL, &account); /* zeros when it cannot tell */
    message_begin_node(writer, "totals");
    message_put_u64(writer, "pages", totals.pages);
    message_put_u64(writer, "pages-free", totals.pages_free);
    message_put_u64(writer, "page-tables", totals.page_tables);
    message_put_u64(writer, "arena-bytes", totals.arena_bytes);
    message_put_u64(writer, "arena-free-bytes", totals.arena_free_bytes);
    message_put_u32(writer, "gates", totals.gates);
    message_put_u32(writer, "gates-free", totals.gates_free);
    message_put_u32(writer, "components", totals.components);
    message_put_u32(writer, "in-limbo", count_limbo());
    message_put_u32(writer, "threads", totals.threads);
    message_put_u32(writer, "cpus", totals.cpus);
    message_put_u32(writer, "transactions", totals.transactions);
    message_put_u64(writer, "worst-blackout-ns", totals.worst_blackout_ns);
    message_put_u64(writer, "uptime-ns", totals.uptime_ns);
    message_put_u64(writer, "heap-objects", account.objects);
    message_put_u64(writer, "heap-bytes", account.bytes);
    message_put_u64(writer, "heap-pages", account.pages);
    message_put_u64(writer, "hash", world_hash());
    message_end_node(writer);
}

/* Returns false: there was none left. */
static bool send_components(struct requests *requests, struct wire_link *link)
{
    struct message_writer writer;
    struct world_component component;
    unsigned count = 0;
    message_begin(&writer, requests->answer, ROOM_FOR_PART);
    message_put_u32(&writer, "id", requests->world_id);
    message_begin_node(&writer, "components");
    while (world_component(requests->world_after, &component) == 0) {
        struct message_writer before = writer;
        put_component(&writer, &component);
        /* One that does not fit in an empty part is left out: the list must go on. */
        bool is_full = message_room(&writer) == 0;
        if (is_full) {
            writer = before;
        }
        if (is_full && count > 0) {
            break;
        }
        requests->world_after = component.id;
        count++;
    }
    message_end_node(&writer);
    if (count > 0) {
        answer_send(requests, link, &writer);
    }
    return count > 0;
}

void continue_world(struct requests *requests, struct wire_link *link)
{
    while (requests->is_world_open && wire_room(link) >= ROOM_FOR_PART) {
        struct message_writer writer;
        if (send_components(requests, link)) {
            continue;
        }
        answer_begin(requests, &writer, requests->world_id);
        message_put_u32(&writer, "result", 0);
        put_totals(&writer);
        answer_send(requests, link, &writer);
        requests->is_world_open = 0;
    }
}
