/* SPDX-License-Identifier: MIT */
/*
 * Messages of the wire: small flattened device trees (Devicetree Specification v0.4, chapter 5,
 * version 17), which libfdt, dtc and fdtdump read too.
 *
 * What a component needs and no more, without libfdt: trees are written from front to back into a
 * buffer, and of a tree that came only the root's properties are read. Input is not trusted.
 * No allocation, no globals, no lock. Context: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writing. An error (no room) sticks until message_finish() tells it. */
struct message_writer {
    uint8_t *buffer;
    size_t room;
    size_t end;     /* of the structure block */
    size_t strings; /* bytes of names, kept at the buffer's end */
    uint32_t depth; /* open nodes, the root included */
    int error;
};

/* Begins a tree, its root open. buffer: room bytes. */
void message_begin(struct message_writer *writer, void *buffer, size_t room);

/* All properties of a node come before its child nodes. */
void message_put_string(struct message_writer *writer, const char *name, const char *value);
void message_put_u32(struct message_writer *writer, const char *name, uint32_t value);
void message_put_u64(struct message_writer *writer, const char *name, uint64_t value);
void message_put_bytes(struct message_writer *writer, const char *name, const void *value,
                       size_t size);
void message_begin_node(struct message_writer *writer, const char *name);
void message_end_node(struct message_writer *writer);

/* Bytes that still fit, roughly: what a property of that many bytes with a new name would need. */
size_t message_room(const struct message_writer *writer);

/* Closes the root. Returns the tree's size in bytes; -EMSGSIZE: something did not fit. */
int message_finish(struct message_writer *writer);

/* A tree that came, checked; points into it. */
struct message {
    const uint8_t *structure;
    size_t structure_size;
    const char *strings;
    size_t strings_size;
};

/* 0; -EBADMSG: not a tree, cut off, or more than 16 nodes deep. */
int message_open(struct message *message, const void *tree, size_t size);

/*
 * A property of the root. 0 (or, for bytes, the size); -ENOENT: there is none of that name;
 * -EINVAL: it is no string, or has another size.
 */
int message_get_string(const struct message *message, const char *name, const char **value);
int message_get_u32(const struct message *message, const char *name, uint32_t *value);
int message_get_u64(const struct message *message, const char *name, uint64_t *value);
int message_get_bytes(const struct message *message, const char *name, const void **value);
