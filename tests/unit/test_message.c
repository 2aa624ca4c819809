/* SPDX-License-Identifier: MIT */
/*
 * Messages: what we write libfdt reads, what libfdt writes we read, and no spoilt tree leads
 * outside.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/message.h"

static int write_sample(void *buffer, size_t room)
{
    struct message_writer writer;
    message_begin(&writer, buffer, room);
    message_put_u32(&writer, "id", 7);
    message_put_string(&writer, "op", "world");
    message_put_u64(&writer, "hash", 0x0123456789abcdef);
    message_put_bytes(&writer, "data", "abcde", 5);
    message_put_bytes(&writer, "flag", NULL, 0);
    message_begin_node(&writer, "components");
    message_begin_node(&writer, "heap");
    message_put_u32(&writer, "id", 3);
    message_end_node(&writer);
    message_end_node(&writer);
    return message_finish(&writer);
}

Test(message, is_read_by_libfdt)
{
    uint8_t tree[512] __attribute__((aligned(8)));
    int size = write_sample(tree, sizeof(tree));
    cr_assert_gt(size, 0);
    cr_assert_eq(fdt_check_full(tree, (size_t)size), 0);
    cr_assert_eq(fdt_totalsize(tree), (unsigned)size);
    int length;
    cr_assert_str_eq(fdt_getprop(tree, 0, "op", &length), "world");
    cr_assert_eq(fdt32_ld(fdt_getprop(tree, 0, "id", &length)), 7);
    cr_assert_eq(fdt64_ld(fdt_getprop(tree, 0, "hash", &length)), 0x0123456789abcdef);
    cr_assert_eq(memcmp(fdt_getprop(tree, 0, "data", &length), "abcde", 5), 0);
    cr_assert_eq(length, 5);
    cr_assert_not_null(fdt_getprop(tree, 0, "flag", &length));
    int heap = fdt_path_offset(tree, "/components/heap");
    cr_assert_geq(heap, 0);
    cr_assert_eq(fdt32_ld(fdt_getprop(tree, heap, "id", &length)), 3);
}

Test(message, reads_what_libfdt_writes)
{
    uint8_t tree[512];
    cr_assert_eq(fdt_create(tree, sizeof(tree)), 0);
    fdt_finish_reservemap(tree);
    fdt_begin_node(tree, "");
    fdt_property_string(tree, "op", "run");
    fdt_property_u32(tree, "id", 9);
    fdt_property_u64(tree, "hash", 42);
    fdt_begin_node(tree, "child");
    fdt_property_u32(tree, "inner", 1);
    fdt_end_node(tree);
    fdt_end_node(tree);
    cr_assert_eq(fdt_finish(tree), 0);
    struct message message;
    const char *op;
    uint32_t id;
    uint64_t hash;
    cr_assert_eq(message_open(&message, tree, sizeof(tree)), 0);
    cr_assert_eq(message_get_string(&message, "op", &op), 0);
    cr_assert_str_eq(op, "run");
    cr_assert_eq(message_get_u32(&message, "id", &id), 0);
    cr_assert_eq(id, 9);
    cr_assert_eq(message_get_u64(&message, "hash", &hash), 0);
    cr_assert_eq(hash, 42);
    cr_assert_eq(message_get_u32(&message, "inner", &id), -ENOENT, "not of the root");
    cr_assert_eq(message_get_string(&message, "id", &op), -EINVAL);
    cr_assert_eq(message_get_u64(&message, "id", &hash), -EINVAL);
}

Test(message, says_so_when_there_is_no_room)
{
    uint8_t tree[512];
    int size = write_sample(tree, sizeof(tree));
    for (size_t room = 0; room < (size_t)size; room++) {
        uint8_t *exact = malloc(room ? room : 1);
        cr_assert_eq(write_sample(exact, room), -EMSGSIZE, "%zu bytes", room);
        free(exact);
    }
    uint8_t *exact = malloc((size_t)size);
    cr_assert_eq(write_sample(exact, (size_t)size), size);
    free(exact);
}

Test(message, room_it_promises_is_there)
{
    uint8_t tree[512];
    uint8_t data[512] = {0};
    struct message_writer writer;
    message_begin(&writer, tree, sizeof(tree));
    message_put_u32(&writer, "id", 1);
    message_put_bytes(&writer, "data", data, message_room(&writer));
    cr_assert_gt(message_finish(&writer), 0);
}

Test(message, refuses_every_truncation)
{
    uint8_t tree[512];
    int size = write_sample(tree, sizeof(tree));
    for (size_t cut = 0; cut < (size_t)size; cut++) {
        uint8_t *part = malloc(cut ? cut : 1); /* so that a read beyond it is found */
        struct message message;
        memcpy(part, tree, cut);
        cr_assert_eq(message_open(&message, part, cut), -EBADMSG, "%zu bytes", cut);
        free(part);
    }
}

Test(message, stays_inside_whatever_is_spoilt)
{
    uint8_t tree[512];
    int size = write_sample(tree, sizeof(tree));
    unsigned accepted = 0;
    srandom(2);
    for (unsigned round = 0; round < 300000; round++) {
        uint8_t *copy = malloc((size_t)size);
        memcpy(copy, tree, (size_t)size);
        for (unsigned i = 0, count = (unsigned)random() % 3 + 1; i < count; i++) {
            copy[random() % size] = (uint8_t)random();
        }
        struct message message;
        if (message_open(&message, copy, (size_t)size) == 0) {
            const char *text;
            const void *bytes;
            uint32_t number;
            accepted++;
            (void)message_get_string(&message, "op", &text);
            (void)message_get_bytes(&message, "data", &bytes);
            (void)message_get_u32(&message, "missing", &number);
        }
        free(copy);
    }
    cr_assert_gt(accepted, 0, "some changes do no harm, and were read");
}
