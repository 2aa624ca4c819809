/* SPDX-License-Identifier: MIT */
/*
 * The frame buffer's tags (wiki of github.com/raspberrypi/firmware, "Mailbox property interface",
 * "Frame buffer"); they count together, so they go in one message.
 */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include <interface/mailbox.h>

#define PIXEL_BITS 32u
#define ORDER_BLUE_FIRST 0u /* "BGR": blue is the lowest byte */
#define BUFFER_ALIGNMENT 4096u
#define BUS_ADDRESS_MASK 0x3fffffffu /* the upper bits say by which way the VideoCore goes */
#define SIZE_MIN 64u
#define SIZE_MAX_PIXELS 8192u
#define FALLBACK_WIDTH 640u
#define FALLBACK_HEIGHT 480u
#define BYTES_MAX (256u << 20)

/*
 * The offset counts only where the virtual picture is larger than the physical one both ways: seen
 * in QEMU, which has it from the hardware.
 */
#define VIRTUAL_MARGIN 32u

/*
 * QEMU (10.0) may lose a new offset: one that comes while it reads the picture counts as shown, and
 * is not. What is written to the buffer that it shows is never lost, so one buffer is better there.
 */
#define FIRMWARE_OF_QEMU 346337u

struct request {
    uint32_t physical[5], virtual[5], depth[4], order[4], offset[5], buffer[5], pitch[4];
};

static bool is_size(uint32_t width, uint32_t height)
{
    return width >= SIZE_MIN && width <= SIZE_MAX_PIXELS && height >= SIZE_MIN &&
           height <= SIZE_MAX_PIXELS;
}

/* Whether what was given can be drawn on. */
static bool is_sane(const struct request *answer, const struct glass *wanted)
{
    uint64_t pitch = answer->pitch[3];
    return answer->physical[3] == wanted->width && answer->physical[4] == wanted->height &&
           answer->virtual[3] >= wanted->virtual_width &&
           answer->virtual[4] >= wanted->virtual_height && answer->depth[3] == PIXEL_BITS &&
           answer->order[3] <= 1 && answer->offset[3] == 0 && answer->offset[4] == 0 &&
           answer->physical[2] >= 8 && answer->virtual[2] >= 8 && answer->depth[2] >= 4 &&
           answer->order[2] >= 4 && answer->offset[2] >= 8 && answer->buffer[2] >= 8 &&
           answer->pitch[2] >= 4 && pitch % 4 == 0 &&
           pitch >= (uint64_t)wanted->virtual_width * 4 && answer->buffer[4] <= BYTES_MAX &&
           answer->buffer[4] >= pitch * wanted->virtual_height && answer->buffer[3] != 0;
}

static int ask(struct glass *glass)
{
    struct request request = {
        .physical = {MAILBOX_SET_PHYSICAL_SIZE, 8, 0, glass->width, glass->height},
        .virtual = {MAILBOX_SET_VIRTUAL_SIZE, 8, 0, glass->virtual_width, glass->virtual_height},
        .depth = {MAILBOX_SET_DEPTH, 4, 0, PIXEL_BITS},
        .order = {MAILBOX_SET_PIXEL_ORDER, 4, 0, ORDER_BLUE_FIRST},
        .offset = {MAILBOX_SET_VIRTUAL_OFFSET, 8, 0, 0, 0},
        .buffer = {MAILBOX_ALLOCATE_BUFFER, 8, 0, BUFFER_ALIGNMENT, 0},
        .pitch = {MAILBOX_PITCH, 4, 0, 0},
    };
    uint32_t words[sizeof(request) / 4];
    memcpy(words, &request, sizeof(request));
    int result = mailbox_call(words, ARRAY_SIZE(words));
    if (result < 0) {
        return result;
    }
    memcpy(&request, words, sizeof(request));
    if (!is_sane(&request, glass)) {
        return -EPROTO;
    }
    glass->pitch = request.pitch[3];
    glass->is_red_first = request.order[3] != ORDER_BLUE_FIRST;
    glass->base_pa = request.buffer[3] & BUS_ADDRESS_MASK;
    glass->bytes = request.buffer[4];
    return 0;
}

int setup_glass(struct glass *glass)
{
    uint32_t size[2] = {0, 0};
    uint32_t revision = 0;
    (void)mailbox_read_firmware_revision(&revision); /* or the rest fails too */
    int result = mailbox_ask(MAILBOX_PHYSICAL_SIZE, size, 2, 8);
    if (result < 0 || !is_size(size[0], size[1])) {
        size[0] = FALLBACK_WIDTH;
        size[1] = FALLBACK_HEIGHT;
    }
    const uint32_t choices[][4] = {
        {size[0], size[1], size[0] + VIRTUAL_MARGIN, size[1] * 2},
        {size[0], size[1], size[0], size[1]},
        {FALLBACK_WIDTH, FALLBACK_HEIGHT, FALLBACK_WIDTH, FALLBACK_HEIGHT},
    };
    for (unsigned i = revision == FIRMWARE_OF_QEMU ? 1 : 0; i < ARRAY_SIZE(choices); i++) {
        *glass = (struct glass){.width = choices[i][0],
                                .height = choices[i][1],
                                .virtual_width = choices[i][2],
                                .virtual_height = choices[i][3]};
        if (ask(glass) == 0) {
            return 0;
        }
    }
    return -ENODEV;
}

int setup_show_row(uint32_t row)
{
    uint32_t offset[2] = {0, row};
    int result = mailbox_ask(MAILBOX_SET_VIRTUAL_OFFSET, offset, 2, 8);
    return result == 0 && (offset[0] != 0 || offset[1] != row) ? -EPROTO : result;
}
