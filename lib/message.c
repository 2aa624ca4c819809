/* SPDX-License-Identifier: MIT */
/*
 * Flattened device trees, written in one go and read at their root.
 *
 * While a tree is written, its names lie at the buffer's end, the newest first, and a property's
 * name is told by its distance from that end; message_finish() moves the names behind the structure
 * and turns distances into offsets.
 */
#include "message.h"

#include <errno.h>
#include <string.h>

enum {
    TREE_MAGIC = (int)0xd00dfeed,
    TREE_VERSION = 17,
    TREE_COMPATIBLE = 16,
    TOKEN_BEGIN = 1,
    TOKEN_END = 2,
    TOKEN_PROPERTY = 3,
    TOKEN_NOP = 4,
    TOKEN_FINISH = 9,
};

#define HEADER_BYTES 40
#define RESERVED_BYTES 16 /* one empty memory reservation */
#define STRUCTURE_AT (HEADER_BYTES + RESERVED_BYTES)
#define DEPTH_MAX 16
#define CELL 4u

static uint32_t get_cell(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_cell(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static size_t to_cells(size_t size)
{
    return (size + CELL - 1) & ~(size_t)(CELL - 1);
}

/* Room for size more bytes of structure, NULL and the error set if there is none. */
static uint8_t *claim(struct message_writer *writer, size_t size)
{
    if (writer->error < 0 || size > writer->room - writer->end - writer->strings) {
        writer->error = -EMSGSIZE;
        return NULL;
    }
    uint8_t *at = writer->buffer + writer->end;
    writer->end += size;
    return at;
}

static void put_token(struct message_writer *writer, uint32_t token)
{
    uint8_t *at = claim(writer, CELL);
    if (at) {
        put_cell(at, token);
    }
}

/* Distance of a name from the buffer's end, 0 and the error set if there is no room. */
static uint32_t put_name(struct message_writer *writer, const char *name)
{
    size_t size = strlen(name) + 1;
    for (size_t at = writer->room - writer->strings; at < writer->room;) {
        const char *known = (const char *)writer->buffer + at;
        if (strcmp(known, name) == 0) {
            return (uint32_t)(writer->room - at);
        }
        at += strlen(known) + 1;
    }
    if (size > writer->room - writer->end - writer->strings) {
        writer->error = -EMSGSIZE;
        return 0;
    }
    writer->strings += size;
    memcpy(writer->buffer + writer->room - writer->strings, name, size);
    return (uint32_t)writer->strings;
}

void message_begin(struct message_writer *writer, void *buffer, size_t room)
{
    *writer = (struct message_writer){.buffer = buffer, .room = room, .end = STRUCTURE_AT};
    if (room < STRUCTURE_AT) {
        writer->end = room;
        writer->error = -EMSGSIZE;
        return;
    }
    memset(buffer, 0, STRUCTURE_AT);
    message_begin_node(writer, "");
}

void message_put_bytes(struct message_writer *writer, const char *name, const void *value,
                       size_t size)
{
    uint32_t distance = writer->error < 0 ? 0 : put_name(writer, name);
    size_t padded = to_cells(size);
    uint8_t *at = size <= writer->room ? claim(writer, 3 * CELL + padded) : NULL;
    if (!at) {
        writer->error = -EMSGSIZE;
        return;
    }
    put_cell(at, TOKEN_PROPERTY);
    put_cell(at + CELL, (uint32_t)size);
    put_cell(at + 2 * CELL, distance);
    memset(at + 3 * CELL, 0, padded);
    if (size > 0) {
        memcpy(at + 3 * CELL, value, size);
    }
}

void message_put_string(struct message_writer *writer, const char *name, const char *value)
{
    message_put_bytes(writer, name, value, strlen(value) + 1);
}

void message_put_u32(struct message_writer *writer, const char *name, uint32_t value)
{
    uint8_t cell[CELL];
    put_cell(cell, value);
    message_put_bytes(writer, name, cell, sizeof(cell));
}

void message_put_u64(struct message_writer *writer, const char *name, uint64_t value)
{
    uint8_t cells[2 * CELL];
    put_cell(cells, (uint32_t)(value >> 32));
    put_cell(cells + CELL, (uint32_t)value);
    message_put_bytes(writer, name, cells, sizeof(cells));
}

void message_begin_node(struct message_writer *writer, const char *name)
{
    size_t size = strlen(name) + 1;
    put_token(writer, TOKEN_BEGIN);
    uint8_t *at = claim(writer, to_cells(size));
    if (at) {
        memset(at, 0, to_cells(size));
        memcpy(at, name, size);
    }
    writer->depth++;
}

void message_end_node(struct message_writer *writer)
{
    put_token(writer, TOKEN_END);
    writer->depth--;
}

size_t message_room(const struct message_writer *writer)
{
    const size_t overhead = 64; /* a property's cells, its name, the ends of open nodes */
    size_t left = writer->room - writer->end - writer->strings;
    return writer->error < 0 || left < overhead ? 0 : left - overhead;
}

/* Distances from the end become offsets; the names lie in the same order before and after. */
static void settle_names(struct message_writer *writer)
{
    uint8_t *at = writer->buffer + STRUCTURE_AT;
    uint8_t *end = writer->buffer + writer->end;
    while (at < end) {
        uint32_t token = get_cell(at);
        at += CELL;
        if (token == TOKEN_PROPERTY) {
            uint32_t size = get_cell(at);
            put_cell(at + CELL, (uint32_t)writer->strings - get_cell(at + CELL));
            at += 2 * CELL + to_cells(size);
        } else if (token == TOKEN_BEGIN) {
            at += to_cells(strlen((const char *)at) + 1);
        }
    }
}

int message_finish(struct message_writer *writer)
{
    message_end_node(writer);
    put_token(writer, TOKEN_FINISH);
    if (writer->error < 0) {
        return writer->error;
    }
    settle_names(writer);
    uint8_t *header = writer->buffer;
    size_t total = writer->end + writer->strings;
    memmove(header + writer->end, header + writer->room - writer->strings, writer->strings);
    put_cell(header, (uint32_t)TREE_MAGIC);
    put_cell(header + 4, (uint32_t)total);
    put_cell(header + 8, STRUCTURE_AT);
    put_cell(header + 12, (uint32_t)writer->end);
    put_cell(header + 16, HEADER_BYTES);
    put_cell(header + 20, TREE_VERSION);
    put_cell(header + 24, TREE_COMPATIBLE);
    put_cell(header + 32, (uint32_t)writer->strings);
    put_cell(header + 36, (uint32_t)(writer->end - STRUCTURE_AT));
    return (int)total;
}

/* One token of the structure: where it is, and for a property what it says. */
struct step {
    uint32_t token;
    size_t next;
    const char *name;
    const uint8_t *value;
    size_t size;
};

/* Reads the token at offset `at`. 0 or -EBADMSG. */
static int step_read(const struct message *message, size_t at, struct step *step)
{
    size_t left = message->structure_size - at;
    const uint8_t *from = message->structure + at;
    if (left < CELL) {
        return -EBADMSG;
    }
    *step = (struct step){.token = get_cell(from), .next = at + CELL, .name = ""};
    from += CELL;
    left -= CELL;
    if (step->token == TOKEN_BEGIN) {
        const uint8_t *nul = memchr(from, 0, left);
        if (!nul || to_cells((size_t)(nul - from) + 1) > left) {
            return -EBADMSG;
        }
        step->next += to_cells((size_t)(nul - from) + 1);
    } else if (step->token == TOKEN_PROPERTY) {
        if (left < 2 * CELL) {
            return -EBADMSG;
        }
        size_t name = get_cell(from + CELL);
        step->size = get_cell(from);
        left -= 2 * CELL;
        if (step->size > left || to_cells(step->size) > left || name >= message->strings_size ||
            !memchr(message->strings + name, 0, message->strings_size - name)) {
            return -EBADMSG;
        }
        step->name = message->strings + name;
        step->value = from + 2 * CELL;
        step->next += 2 * CELL + to_cells(step->size);
    }
    return 0;
}

/* Walks all tokens once, so that nothing after it can run out of the tree. */
static int check_structure(const struct message *message)
{
    struct step step;
    size_t at = 0;
    unsigned depth = 0;
    for (;;) {
        int result = step_read(message, at, &step);
        if (result < 0) {
            return result;
        }
        switch (step.token) {
        case TOKEN_BEGIN:
            if ((depth == 0 && at != 0) || ++depth > DEPTH_MAX) {
                return -EBADMSG;
            }
            break;
        case TOKEN_END:
            if (depth-- == 0) {
                return -EBADMSG;
            }
            break;
        case TOKEN_PROPERTY:
            if (depth == 0) {
                return -EBADMSG;
            }
            break;
        case TOKEN_FINISH:
            return depth == 0 && at != 0 ? 0 : -EBADMSG;
        case TOKEN_NOP:
            break;
        default:
            return -EBADMSG;
        }
        at = step.next;
    }
}

int message_open(struct message *message, const void *tree, size_t size)
{
    const uint8_t *header = tree;
    if (size < STRUCTURE_AT || get_cell(header) != (uint32_t)TREE_MAGIC ||
        get_cell(header + 4) > size || get_cell(header + 20) < TREE_VERSION ||
        get_cell(header + 24) > TREE_VERSION) {
        return -EBADMSG;
    }
    size_t total = get_cell(header + 4);
    size_t structure = get_cell(header + 8), structure_size = get_cell(header + 36);
    size_t strings = get_cell(header + 12), strings_size = get_cell(header + 32);
    if (structure > total || structure_size > total - structure || structure % CELL != 0 ||
        strings > total || strings_size > total - strings) {
        return -EBADMSG;
    }
    *message = (struct message){.structure = header + structure,
                                .structure_size = structure_size,
                                .strings = (const char *)header + strings,
                                .strings_size = strings_size};
    return check_structure(message);
}

int message_get_bytes(const struct message *message, const char *name, const void **value)
{
    struct step step;
    size_t at = 0;
    unsigned begun = 0;
    /* The root's properties come before its first child. */
    while (step_read(message, at, &step) == 0 && step.token != TOKEN_END &&
           step.token != TOKEN_FINISH) {
        if (step.token == TOKEN_BEGIN && begun++ > 0) {
            break;
        }
        if (step.token == TOKEN_PROPERTY && strcmp(step.name, name) == 0) {
            *value = step.value;
            return (int)step.size;
        }
        at = step.next;
    }
    return -ENOENT;
}

int message_get_string(const struct message *message, const char *name, const char **value)
{
    const void *bytes;
    int size = message_get_bytes(message, name, &bytes);
    if (size < 0) {
        return size;
    }
    if (size == 0 || strnlen(bytes, (size_t)size) != (size_t)size - 1) {
        return -EINVAL;
    }
    *value = bytes;
    return 0;
}

int message_get_u32(const struct message *message, const char *name, uint32_t *value)
{
    const void *bytes;
    int size = message_get_bytes(message, name, &bytes);
    if (size < 0) {
        return size;
    }
    if (size != CELL) {
        return -EINVAL;
    }
    *value = get_cell(bytes);
    return 0;
}

int message_get_u64(const struct message *message, const char *name, uint64_t *value)
{
    const void *bytes;
    int size = message_get_bytes(message, name, &bytes);
    if (size < 0) {
        return size;
    }
    if (size != 2 * CELL) {
        return -EINVAL;
    }
    *value = (uint64_t)get_cell(bytes) << 32 | get_cell((const uint8_t *)bytes + CELL);
    return 0;
}
