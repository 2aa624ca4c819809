/* SPDX-License-Identifier: MIT */
/*
 * The USB controller of the SoC, a DesignWare OTG core, as a host: usb-host dwc2.
 *
 * One spinlock guards all, registers included. The interrupt serves port and channels; a worker
 * starts what is due at a time and gives up what is too late. Transfers and their buffers outlive
 * the code: a successor finds them as they are, and an interrupt raised meanwhile stays up.
 *
 * Without such a core, or with one that does not obey, the component stays and offers nothing.
 */
#include <errno.h>

#include <interface/command.h>
#include <neurath/device.h>
#include <neurath/dma.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#include "registers.h"
#include "transfer.h"

#define MS_US 1000
#define MS_NS 1000000u
#define HOST_MODE_NS (200u * MS_NS) /* RM0090, 35.12.2: 25 ms from FHMOD on; to be generous */
#define RESET_NS (60u * MS_NS)      /* USB 2.0, 7.1.7.5: at least 50 ms at a root port */
#define ALLOCATIONS 32u             /* tries to get memory that the controller sees */

enum stage { STAGE_NONE, STAGE_FORCING, STAGE_HOST, STAGE_STOPPED };

struct dwc2 {
    struct device device;
    struct event changed; /* for users */
    struct event wake;    /* for the worker */

    struct spinlock lock; /* guards what follows, and the registers */
    uint32_t stage;       /* enum stage */
    uint64_t until_ns;    /* of STAGE_FORCING */
    uint64_t reset_end_ns;
    struct usb_port port;
    struct dwc2_transfers transfers;
};

STATE(struct dwc2) state = {};

/* Lock held. True: users should be told. */
static bool serve_port(uint64_t now_ns)
{
    uint32_t seen = dwc2_core_take_port(&state.transfers.core);
    struct usb_port before = state.port;
    bool is_connected = seen & HPRT0_CONNECTED;
    bool is_new = is_connected && (seen & HPRT0_CONNECT_CHANGED) && !state.port.is_resetting;

    if (before.is_connected && (!is_connected || is_new)) {
        dwc2_transfer_cut_all(&state.transfers, now_ns);
        state.port.is_resetting = 0;
    }
    state.port.connections += is_connected && (is_new || !before.is_connected);
    state.port.is_connected = is_connected;
    state.port.is_enabled = is_connected && (seen & HPRT0_ENABLED) && !is_new;
    state.port.speed = (uint8_t)MIN(HPRT0_SPEED(seen), (uint32_t)USB_SPEED_LOW);
    return before.is_connected != state.port.is_connected ||
           before.is_enabled != state.port.is_enabled ||
           before.connections != state.port.connections;
}

static void handle_interrupt(void *argument)
{
    (void)argument;
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    volatile void *base = state.transfers.core.base;
    uint32_t pending = mmio_read32(base, GINTSTS) & mmio_read32(base, GINTMSK);
    bool has_news = false;
    if (pending & GINT_PORT) {
        has_news |= serve_port(now_ns);
    }
    if (pending & GINT_CHANNELS) {
        has_news |= dwc2_transfer_serve(&state.transfers, now_ns);
    }
    spin_unlock(&state.lock, daif);
    event_signal(&state.wake); /* times may have changed */
    if (has_news) {
        event_signal(&state.changed);
    }
}

/* Reset, until it is a host. Lock held. When to come again. */
static uint64_t force_host(uint64_t now_ns, bool *has_news)
{
    if (dwc2_core_is_host(&state.transfers.core)) {
        if (dwc2_core_start_host(&state.transfers.core) == 0) {
            state.stage = STAGE_HOST;
            *has_news |= serve_port(now_ns); /* what is there already makes no interrupt */
            return now_ns;
        }
    } else if (now_ns < state.until_ns) {
        return now_ns + MS_NS;
    }
    log_error("dwc2: the controller does not become a host");
    state.stage = STAGE_NONE;
    return UINT64_MAX;
}

/* Lock held. When to come again. */
static uint64_t end_port_reset(uint64_t now_ns, bool *has_news)
{
    if (!state.port.is_resetting) {
        return UINT64_MAX;
    }
    if (now_ns < state.reset_end_ns) {
        return state.reset_end_ns;
    }
    dwc2_core_set_port_reset(&state.transfers.core, false);
    (void)serve_port(now_ns); /* told below anyway */
    state.port.is_resetting = 0;
    *has_news = true;
    return UINT64_MAX;
}

static int step(void *argument)
{
    (void)argument;
    bool has_news = false;
    uint64_t next_ns = UINT64_MAX, reset_ns;

    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    if (state.stage == STAGE_FORCING) {
        next_ns = force_host(now_ns, &has_news);
    } else if (state.stage == STAGE_HOST) {
        reset_ns = end_port_reset(now_ns, &has_news);
        next_ns = dwc2_transfer_run(&state.transfers, now_ns, &has_news);
        next_ns = MIN(next_ns, reset_ns);
    }
    spin_unlock(&state.lock, daif);
    if (has_news) {
        event_signal(&state.changed);
    }
    if (next_ns == UINT64_MAX) {
        return -EAGAIN;
    }
    uint64_t us = next_ns > now_ns ? (next_ns - now_ns) / 1000 : 0;
    return (int)MIN(us + 1, 1000u * (uint64_t)MS_US);
}

static int read_port(uint32_t unit, struct usb_port *port)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    *port = state.port;
    spin_unlock(&state.lock, daif);
    return 0;
}

static int reset_port(uint32_t unit)
{
    (void)unit;
    int result = -ENODEV;
    uint64_t daif = spin_lock(&state.lock);
    if (state.stage == STAGE_HOST && state.port.is_connected) {
        uint64_t now_ns = time_now_ns();
        dwc2_transfer_cut_all(&state.transfers, now_ns);
        state.port.is_enabled = 0;
        state.port.is_resetting = 1;
        state.reset_end_ns = now_ns + RESET_NS;
        dwc2_core_set_port_reset(&state.transfers.core, true);
        result = 0;
    }
    spin_unlock(&state.lock, daif);
    event_signal(&state.wake);
    return result;
}

/* Both kinds of transfer: setup is NULL for an interrupt endpoint. */
static int begin(const struct usb_pipe *pipe, const struct usb_setup *setup, const void *data)
{
    int result = -ENODEV;
    uint64_t daif = spin_lock(&state.lock);
    if (state.stage == STAGE_HOST && state.port.is_enabled) {
        uint64_t now_ns = time_now_ns();
        result = setup ? dwc2_transfer_submit(&state.transfers, pipe, setup, data, now_ns)
                       : dwc2_transfer_open(&state.transfers, pipe, now_ns);
    }
    spin_unlock(&state.lock, daif);
    if (result > 0) {
        event_signal(&state.wake);
    }
    return result;
}

static int submit(uint32_t unit, const struct usb_pipe *pipe, const struct usb_setup *setup,
                  const void *data)
{
    (void)unit;
    return setup ? begin(pipe, setup, data) : -EINVAL;
}

static int open(uint32_t unit, const struct usb_pipe *pipe)
{
    (void)unit;
    return begin(pipe, NULL, NULL);
}

static int collect(uint32_t unit, int ticket, void *data, size_t size)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    int result = dwc2_transfer_collect(&state.transfers, ticket, data, size, time_now_ns());
    spin_unlock(&state.lock, daif);
    if (result >= 0) {
        event_signal(&state.wake); /* there may be room for a packet again */
    }
    return result;
}

static int close(uint32_t unit, int ticket)
{
    (void)unit;
    uint64_t daif = spin_lock(&state.lock);
    int result = dwc2_transfer_close(&state.transfers, ticket, time_now_ns());
    spin_unlock(&state.lock, daif);
    event_signal(&state.wake);
    return result;
}

static int run(int count, char *const words[], struct command_output *output)
{
    static const char *const stages[] = {"absent", "starting", "host", "stopped"};
    (void)count;
    (void)words;
    unsigned transfers = 0;
    uint64_t daif = spin_lock(&state.lock);
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        transfers += state.transfers.list[i].phase != DWC2_FREE;
    }
    struct usb_port port = state.port;
    uint64_t completed = state.transfers.completed, errors = state.transfers.errors;
    uint32_t stage = state.stage;
    spin_unlock(&state.lock, daif);
    command_print(output, "dwc2: %s, port %s; %u transfers open, %llu done, %llu errors\n",
                  stages[stage % ARRAY_SIZE(stages)],
                  port.is_enabled     ? "enabled"
                  : port.is_connected ? "connected"
                                      : "empty",
                  transfers, (unsigned long long)completed, (unsigned long long)errors);
    return 0;
}

/* Pages that the controller sees: those beyond are held until some are found. */
static int take_buffers(void)
{
    void *beyond[ALLOCATIONS];
    unsigned count = 0;
    int result = -ENOMEM;
    while (result < 0 && count < ALLOCATIONS) {
        void *pages = page_allocate(DWC2_TRANSFERS);
        if (!pages) {
            break;
        }
        size_t bytes = DWC2_TRANSFERS * sizeof(struct dwc2_buffer);
        result = dma_legacy_address(pages, bytes, &state.transfers.bus_address);
        if (result < 0) {
            beyond[count++] = pages;
        } else {
            state.transfers.buffers = pages;
        }
    }
    while (count > 0) {
        page_free(beyond[--count]);
    }
    return result;
}

static int start_hardware(void)
{
    int result = device_claim("brcm,bcm2835-usb", &state.device);
    if (result < 0) {
        return result;
    }
    if (state.device.irq < 0) {
        return -ENODEV;
    }
    state.transfers.core.base = state.device.base;
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        state.transfers.list[i].channel = -1;
    }
    result = dwc2_core_identify(&state.transfers.core);
    if (result == 0) {
        result = take_buffers();
    }
    if (result == 0) {
        result = dwc2_core_reset(&state.transfers.core);
    }
    if (result == 0) {
        result = irq_request((unsigned)state.device.irq, handle_interrupt, NULL);
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run, "dwc2 - the USB controller"};
    struct worker_config worker = {.name = "dwc2", .step = step, .event = &state.wake};
    struct usb_host_ops ops = {.read_port = read_port,
                               .reset_port = reset_port,
                               .submit = submit,
                               .open = open,
                               .collect = collect,
                               .close = close,
                               .changed = &state.changed};
    event_init(&state.changed);
    event_init(&state.wake);
    int result = start_hardware();
    if (result < 0) {
        log_warning("dwc2: there is no USB here: error %d", result);
        return 0; /* the system goes on without */
    }
    state.stage = STAGE_FORCING;
    state.until_ns = time_now_ns() + HOST_MODE_NS;
    result = worker_start(&worker);
    if (result >= 0) {
        result = offer_add(USB_HOST_KIND, "dwc2", &ops, sizeof(ops));
    }
    if (result >= 0) {
        result = offer_add(COMMAND_KIND, "dwc2", &command, sizeof(command));
    }
    if (result < 0) {
        dwc2_core_stop(&state.transfers.core);
        return result;
    }
    log_info("dwc2: USB at 0x%llx, interrupt %d, %u channels",
             (unsigned long long)state.device.base_pa, state.device.irq,
             state.transfers.core.channels);
    return 0;
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    bool is_sane = state.stage != STAGE_HOST || dwc2_core_is_host(&state.transfers.core);
    spin_unlock(&state.lock, daif);
    return is_sane ? 0 : -EIO;
}

/* The controller must not write to pages that are given back after this. */
static void stop(void)
{
    uint64_t daif = spin_lock(&state.lock);
    if (state.stage == STAGE_FORCING || state.stage == STAGE_HOST) {
        dwc2_core_stop(&state.transfers.core);
        state.stage = STAGE_STOPPED;
    }
    spin_unlock(&state.lock, daif);
}

COMPONENT(dwc2, .version = VERSION(1, 0, 0), .summary = "USB host on the DesignWare core",
          .compatible = "brcm,bcm2835-usb", .start = start, .health = health, .stop = stop);
