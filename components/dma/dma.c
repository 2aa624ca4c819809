/* SPDX-License-Identifier: MIT */
/*
 * The DMA controller (BCM2711 ARM Peripherals, chapter 4): copies by its full channels, each with a
 * control block of its own, in a page that the controller reads.
 *
 * A channel goes on while its driver is replaced: what it was told is in the control block, what it
 * has done is in its registers, and who waits is in the state. The end of a copy is seen by the
 * interrupt, and by whoever asks for it, so that a lost interrupt costs no more than time.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/dma.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/dma.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/time.h>

#include "check.h"

/* 4.2.1; channel n at 0x100 n */
#define CHANNEL_BYTES 0x100u
#define DMA_CS 0x00
#define DMA_CONBLK_AD 0x04
#define DMA_DEBUG 0x20
#define DMA_ENABLE 0xff0 /* one bit for each channel */

#define CS_ACTIVE (1u << 0)
#define CS_END (1u << 1)
#define CS_INTERRUPT (1u << 2)
#define CS_ERROR (1u << 8)
#define CS_WAIT_FOR_WRITES (1u << 28)
#define CS_RESET (1u << 31)
#define CS_RUNS (CS_ACTIVE | CS_WAIT_FOR_WRITES)
#define TI_INTERRUPT (1u << 0)
#define TI_WAIT_FOR_RESPONSE (1u << 3)
#define TI_TO_INCREMENT (1u << 4)
#define TI_TO_WIDE (1u << 5)
#define TI_FROM_INCREMENT (1u << 8)
#define TI_FROM_WIDE (1u << 9)
#define TI_COPY                                                                                    \
    (TI_INTERRUPT | TI_WAIT_FOR_RESPONSE | TI_TO_INCREMENT | TI_TO_WIDE | TI_FROM_INCREMENT |      \
     TI_FROM_WIDE)
#define DEBUG_ERRORS 7u /* 1 clears */

#define FULL_CHANNELS 0x7fu /* the others are "lite": slow, and of 64 KiB at most */
#define CHANNELS 4u         /* that we use; the rest is left to others */
#define DEADLINE_NS 1000000000u
#define MS_NS 1000000u

/* 4.2.1.1: control block, as the controller reads it; alone in its cache line */
struct control_block {
    uint32_t information, from, to, bytes, stride, next, reserved[2];
    uint8_t padding[DMA_ALIGNMENT - 32];
};
static_assert(sizeof(struct control_block) == DMA_ALIGNMENT, "one line each");

enum stage { STAGE_FREE, STAGE_ACTIVE, STAGE_DONE };

struct channel {
    uint32_t number;
    uint32_t stage; /* enum stage */
    int32_t ticket, result;
    uint32_t bytes;
    void *to;
    uint64_t begun_ns;
};

struct dma {
    struct device device; /* base NULL: there is none */
    struct event ended;
    struct control_block *blocks; /* a page: one for each channel */
    uint32_t blocks_bus;
    struct spinlock lock; /* guards what follows, and the registers */
    uint32_t channel_count;
    int32_t last_ticket;
    uint64_t copies, errors;
    struct channel channels[CHANNELS];
    struct dma_check check; /* the command's */
};

STATE(struct dma) state = {};

static uint32_t read_register(const struct channel *channel, size_t offset)
{
    return mmio_read32(state.device.base, channel->number * CHANNEL_BYTES + offset);
}

static void write_register(const struct channel *channel, size_t offset, uint32_t value)
{
    mmio_write32(state.device.base, channel->number * CHANNEL_BYTES + offset, value);
}

/* Looks whether a copy has ended. True: just now. Lock held. */
static bool look(struct channel *channel)
{
    if (channel->stage != STAGE_ACTIVE) {
        return false;
    }
    uint32_t status = read_register(channel, DMA_CS);
    bool is_late = time_now_ns() - channel->begun_ns > DEADLINE_NS;
    if (!(status & (CS_END | CS_ERROR)) && !is_late) {
        return false;
    }
    channel->result = status & CS_END && !(status & CS_ERROR) ? 0 : -EIO;
    if (channel->result < 0) {
        write_register(channel, DMA_CS, CS_RESET);
        write_register(channel, DMA_DEBUG, DEBUG_ERRORS);
        state.errors++;
    }
    channel->stage = STAGE_DONE;
    state.copies++;
    return true;
}

/* argument: the channel's place */
static void handle_interrupt(void *argument)
{
    struct channel *channel = &state.channels[(uintptr_t)argument % CHANNELS];
    uint64_t daif = spin_lock(&state.lock);
    /* Taken back before it is asked for its reason, so that none is missed; and another copy, which
     * a CPU may have begun since, goes on: a 0 would halt it, and a 1 does nothing at an end. */
    bool is_under_way = channel->stage == STAGE_ACTIVE;
    write_register(channel, DMA_CS, CS_INTERRUPT | (is_under_way ? CS_RUNS : 0));
    bool has_ended = look(channel);
    spin_unlock(&state.lock, daif);
    if (has_ended) {
        event_signal(&state.ended);
    }
}

/* As dma_legacy_address(), for memory whose pages may lie anywhere. */
static int find_bus_address(const void *buffer, uint32_t bytes, uint32_t *bus)
{
    int result = dma_legacy_address(buffer, bytes, bus);
    uint64_t first_pa = dma_physical(buffer);
    for (uint32_t at = 0; at < bytes && result == 0; at += PAGE_BYTES) {
        result = dma_physical((const char *)buffer + at) == first_pa + at ? 0 : -EFAULT;
    }
    return result;
}

/* A free channel, or one whose result nobody has asked for. NULL: none. Lock held. */
static struct channel *find_channel(void)
{
    struct channel *forgotten = NULL;
    for (uint32_t i = 0; i < state.channel_count; i++) {
        struct channel *channel = &state.channels[i];
        (void)look(channel);
        if (channel->stage == STAGE_FREE) {
            return channel;
        }
        if (channel->stage == STAGE_DONE &&
            time_now_ns() - channel->begun_ns > DMA_KEPT_MS * (uint64_t)MS_NS) {
            forgotten = channel;
        }
    }
    return forgotten;
}

/* Lock held. */
static void begin_copy(struct channel *channel, uint32_t to, uint32_t from, uint32_t bytes)
{
    size_t place = (size_t)(channel - state.channels);
    struct control_block *block = &state.blocks[place];
    *block = (struct control_block){
        .information = TI_COPY, .from = from, .to = to, .bytes = bytes, .next = 0};
    dma_clean(block, sizeof(*block));
    write_register(channel, DMA_CS, CS_RESET);
    write_register(channel, DMA_CS, CS_INTERRUPT | CS_END);
    write_register(channel, DMA_CONBLK_AD,
                   state.blocks_bus + (uint32_t)(place * sizeof(struct control_block)));
    write_register(channel, DMA_CS, CS_RUNS);
}

int dma_submit_copy(void *to, const void *from, uint32_t bytes)
{
    uint32_t from_bus = 0, to_bus = 0;
    if (!state.blocks) {
        return -ENODEV;
    }
    if (bytes == 0 || bytes > DMA_BYTES_MAX || bytes % DMA_ALIGNMENT ||
        (uintptr_t)to % DMA_ALIGNMENT || (uintptr_t)from % DMA_ALIGNMENT ||
        ((uintptr_t)to < (uintptr_t)from + bytes && (uintptr_t)from < (uintptr_t)to + bytes)) {
        return -EINVAL;
    }
    int result = find_bus_address(from, bytes, &from_bus);
    if (result == 0) {
        result = find_bus_address(to, bytes, &to_bus);
    }
    if (result < 0) {
        return result;
    }
    dma_clean(from, bytes);
    dma_invalidate(to, bytes); /* no line of it may be written back over the copy */
    uint64_t daif = spin_lock(&state.lock);
    struct channel *channel = find_channel();
    result = -EAGAIN;
    if (channel) {
        state.last_ticket = state.last_ticket == INT32_MAX ? 1 : state.last_ticket + 1;
        channel->ticket = result = state.last_ticket;
        channel->to = to;
        channel->bytes = bytes;
        channel->begun_ns = time_now_ns();
        channel->stage = STAGE_ACTIVE;
        begin_copy(channel, to_bus, from_bus, bytes);
    }
    spin_unlock(&state.lock, daif);
    return result;
}

int dma_finish(int ticket)
{
    int result = -ENOENT;
    void *to = NULL;
    uint32_t bytes = 0;
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < state.channel_count; i++) {
        struct channel *channel = &state.channels[i];
        if (channel->stage == STAGE_FREE || channel->ticket != ticket) {
            continue;
        }
        (void)look(channel);
        result = -EAGAIN;
        if (channel->stage == STAGE_DONE) {
            result = channel->result;
            to = channel->to;
            bytes = channel->bytes;
            channel->stage = STAGE_FREE;
        }
    }
    spin_unlock(&state.lock, daif);
    if (to) {
        dma_invalidate(to, bytes); /* what was read ahead meanwhile is old */
    }
    return result;
}

struct event *dma_event(void)
{
    return state.blocks ? &state.ended : NULL;
}

static int run(int count, char *const words[], struct command_output *output)
{
    if (!state.blocks) {
        command_print(output, "this machine has no DMA controller\n");
        return -ENODEV;
    }
    if (count == 1) {
        command_print(output, "%u channels, %llu copies, %llu errors\n", state.channel_count,
                      (unsigned long long)state.copies, (unsigned long long)state.errors);
        return 0;
    }
    return check_run(&state.check, count, words, output);
}

/* 4.2.1.1, DMA_CS: channel by channel, as far as the firmware leaves them to us. */
static int take_channels(void)
{
    uint32_t mask = 0, number;
    (void)device_read_u32(&state.device, "brcm,dma-channel-mask", 0, &mask);
    for (mask &= FULL_CHANNELS; mask && state.channel_count < CHANNELS; mask &= mask - 1) {
        uint32_t place = state.channel_count;
        struct channel *channel = &state.channels[place];
        channel->number = (uint32_t)__builtin_ctz(mask);
        /* GIC binding: three cells, the number of a shared one is the second */
        if (device_read_u32(&state.device, "interrupts", channel->number * 3 + 1, &number) < 0) {
            continue;
        }
        write_register(channel, DMA_CS, CS_RESET);
        int result = irq_request(number + 32, handle_interrupt, (void *)(uintptr_t)place);
        if (result < 0) {
            return result;
        }
        uint32_t enabled = mmio_read32(state.device.base, DMA_ENABLE);
        mmio_write32(state.device.base, DMA_ENABLE, enabled | 1u << channel->number);
        state.channel_count++;
    }
    return state.channel_count ? 0 : -ENODEV;
}

static int start(void)
{
    static const struct command_ops command = {run, "dma [copy KIB|check] - copies for a trial"};
    int result = offer_add(COMMAND_KIND, "dma", &command, sizeof(command));
    if (result >= 0) {
        result = device_claim("brcm,bcm2835-dma", &state.device);
    }
    if (result < 0) {
        return result;
    }
    event_init(&state.ended);
    struct control_block *blocks = page_allocate(1);
    if (!blocks) {
        return -ENOMEM;
    }
    if (dma_legacy_address(blocks, PAGE_BYTES, &state.blocks_bus) < 0) {
        log_warning("dma: no memory that the controller reaches");
        return -ENODEV;
    }
    result = take_channels();
    state.blocks = result == 0 ? blocks : NULL;
    return result;
}

/* Nothing is written any more to memory that may soon be another's. */
static void stop(void)
{
    uint64_t daif = spin_lock(&state.lock);
    for (uint32_t i = 0; i < state.channel_count; i++) {
        write_register(&state.channels[i], DMA_CS, CS_RESET);
    }
    spin_unlock(&state.lock, daif);
}

COMPONENT(dma, .version = VERSION(1, 0, 0), .summary = "DMA controller of the BCM2711",
          .compatible = "brcm,bcm2835-dma", .start = start, .stop = stop);
