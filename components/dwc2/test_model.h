/* SPDX-License-Identifier: MIT */
/*
 * A model of the core's registers, with one device behind its port: what it is asked it answers by
 * a script, at once when a channel is enabled, as QEMU's does, or never. A part of test_dwc2.c,
 * which includes it behind the driver.
 */
#pragma once

struct component {
    int unused;
};
struct component component_self;

#define PIDS 64u
#define PACKET 8u

static char base; /* only its address matters */
static uint64_t clock_ns = 1000;
static uint32_t registers[0x1000 / 4];
static struct dwc2_buffer pages[DWC2_TRANSFERS] __attribute__((aligned(4096)));
static irq_handler *handler;
static struct usb_host_ops ops;
static bool has_pages_taken;

enum behaviour { ANSWERS, IS_SILENT, STALLS, FAILS, SAYS_NAK };

/* The device: how it behaves, how often so before it answers, and what it saw. */
static struct {
    enum behaviour behaviour;
    unsigned times;
    uint8_t answer[256];
    uint32_t answer_bytes;
    uint8_t setup[8], written[64];
    unsigned questions; /* channels enabled */
    uint32_t pids[PIDS];
    uint32_t character;  /* of the channel enabled last */
    bool is_counting;    /* the first byte of its answers */
    bool is_unstoppable; /* channels do not halt */
} device;

uint64_t time_now_ns(void)
{
    return clock_ns;
}

static uint32_t *at(size_t offset)
{
    cr_assert(offset < sizeof(registers) && offset % 4 == 0);
    return &registers[offset / 4];
}

static uint32_t read_model(uint32_t offset)
{
    return *at(offset);
}

/* A channel's work as the device does it. Returns what happens on the channel. */
static uint32_t answer(unsigned channel)
{
    uint32_t character = *at(HCCHAR(channel)), *size = at(HCTSIZ(channel));
    uint32_t bytes = *size & HCTSIZ_BYTES_MASK, pid = *size >> 29 & 3;
    uint8_t *memory = (uint8_t *)(uintptr_t)(*at(HCDMA(channel)) & 0x3fffffff);
    cr_assert_eq(*at(HCDMA(channel)) & 0xc0000000, 0xc0000000, "an address of the bus");
    device.pids[device.questions++ % PIDS] = pid;
    device.character = character;
    if (device.times > 0 || device.behaviour == IS_SILENT) {
        device.times -= device.times > 0;
        return device.behaviour == STALLS     ? HCINT_STALL | HCINT_HALTED
               : device.behaviour == FAILS    ? 1u << 7 | HCINT_HALTED /* XactErr */
               : device.behaviour == SAYS_NAK ? HCINT_NAK | HCINT_HALTED
                                              : 0;
    }
    if (pid == PID_SETUP) {
        cr_assert_eq(bytes, 8u);
        memcpy(device.setup, memory, 8);
    } else if (!(character & HCCHAR_IN)) {
        memcpy(device.written, memory, MIN(bytes, sizeof(device.written)));
    } else if (bytes > 0) {
        cr_assert_eq(bytes % (character & 0x7ff), 0u, "whole packets");
        bool is_status = *at(HCCHAR(channel)) >> 18 == 0 && device.setup[6] == 0;
        uint32_t count = is_status ? 0 : MIN(bytes, device.answer_bytes);
        device.answer[0] += device.is_counting;
        memcpy(memory, device.answer, count);
        *size -= count;
        return HCINT_COMPLETE | HCINT_HALTED;
    }
    *size -= bytes;
    return HCINT_COMPLETE | HCINT_HALTED;
}

/* Levels: a channel's, and the whole. */
static void update(void)
{
    uint32_t channels = 0;
    for (unsigned i = 0; i < 8; i++) {
        channels |= (*at(HCINT(i)) & *at(HCINTMSK(i)) ? 1u : 0) << i;
    }
    *at(HAINT) = channels;
    *at(GINTSTS) &= ~(GINT_CHANNELS | GINT_PORT);
    *at(GINTSTS) |= (channels & *at(HAINTMSK) ? GINT_CHANNELS : 0) |
                    (*at(HPRT0) & HPRT0_CHANGES ? GINT_PORT : 0);
}

uint32_t mmio_read32(const volatile void *where, size_t offset)
{
    cr_assert_eq(where, &base);
    if (offset == GRSTCTL) {
        *at(GRSTCTL) &= ~(GRSTCTL_CORE | GRSTCTL_FLUSH_RECEIVE | GRSTCTL_FLUSH_TRANSMIT);
    }
    return *at(offset) | (offset == GRSTCTL ? GRSTCTL_IDLE : 0);
}

static void write_port(uint32_t value)
{
    uint32_t port = *at(HPRT0);
    bool is_reset_over = (port & HPRT0_RESET) && !(value & HPRT0_RESET);
    cr_assert_not(value & HPRT0_ENABLED, "that would disable it");
    port &= ~(value & HPRT0_CHANGES) & ~(HPRT0_RESET | HPRT0_POWER);
    port |= value & (HPRT0_RESET | HPRT0_POWER);
    if (is_reset_over && (port & HPRT0_CONNECTED)) {
        port |= HPRT0_ENABLED | HPRT0_ENABLE_CHANGED;
    }
    *at(HPRT0) = port;
}

static void write_channel(size_t offset, uint32_t value)
{
    unsigned channel = (unsigned)(offset - 0x500) / 0x20;
    if (offset == HCINT(channel)) {
        *at(offset) &= ~value;
    } else if (offset != HCCHAR(channel)) {
        *at(offset) = value;
    } else if (value & HCCHAR_DISABLE) {
        if (!device.is_unstoppable) {
            *at(offset) = value & ~(HCCHAR_ENABLE | HCCHAR_DISABLE);
            *at(HCINT(channel)) |= HCINT_HALTED;
        }
    } else {
        cr_assert_not(*at(offset) & HCCHAR_ENABLE, "a channel that runs is enabled");
        *at(offset) = value;
        uint32_t happened = answer(channel);
        *at(HCINT(channel)) |= happened;
        *at(offset) &= happened ? ~HCCHAR_ENABLE : UINT32_MAX;
    }
}

void mmio_write32(volatile void *where, size_t offset, uint32_t value)
{
    cr_assert_eq(where, &base);
    if (offset == HPRT0) {
        write_port(value);
    } else if (offset >= 0x500 && offset < 0x600) {
        write_channel(offset, value);
    } else if (offset == GINTSTS) {
        *at(offset) &= ~value | GINT_HOST_MODE;
    } else {
        *at(offset) = value;
        *at(GINTSTS) |= offset == GUSBCFG && (value & GUSBCFG_FORCE_HOST) ? GINT_HOST_MODE : 0;
    }
    update();
}

int device_claim_owned(const char *compatible, struct device *found, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-usb");
    *found = (struct device){.base = &base, .irq = 105};
    return 0;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)owner;
    event->signals = 0;
}

void event_signal(struct event *event)
{
    event->signals++;
}

int irq_request_owned(unsigned irq, irq_handler *function, void *argument, struct component *owner)
{
    (void)argument;
    (void)owner;
    cr_assert_eq(irq, 105u);
    handler = function;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    (void)name;
    cr_assert_leq(size, (size_t)OFFER_BYTES);
    if (strcmp(kind, USB_HOST_KIND) == 0) {
        memcpy(&ops, table, sizeof(ops));
    }
    return 1;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    cr_assert_eq(count * 4096, sizeof(pages));
    cr_assert_not(has_pages_taken);
    has_pages_taken = true;
    return pages;
}

void page_free(void *freed)
{
    cr_assert_fail("%p is given back", freed);
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert_eq(config->event, &state.wake);
    return 1;
}

/* Lets time pass and everything happen that then happens. */
static void pass(unsigned ms)
{
    for (unsigned i = 0; i <= ms; i++) {
        int next = 0;
        for (unsigned rounds = 0; next == 0 && rounds < 100; rounds++) {
            next = step(NULL);
            cr_assert(next >= 0 || next == -EAGAIN);
            if (*at(GINTSTS) & *at(GINTMSK)) {
                handler(NULL);
            }
        }
        clock_ns += i < ms ? MS_NS : 0;
    }
}

static void plug_in(void)
{
    *at(HPRT0) |= HPRT0_CONNECTED | HPRT0_CONNECT_CHANGED | 1u << 17; /* full speed */
    update();
    handler(NULL);
}

static void pull_out(void)
{
    *at(HPRT0) &= ~(HPRT0_CONNECTED | HPRT0_ENABLED);
    *at(HPRT0) |= HPRT0_CONNECT_CHANGED | HPRT0_ENABLE_CHANGED;
    update();
    handler(NULL);
}
