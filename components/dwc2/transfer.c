/* SPDX-License-Identifier: MIT */
/*
 * Transfers on channels, see transfer.h.
 *
 * Data toggles are counted here and not read back from the channel. After an error of the wire a
 * control transfer begins anew with its setup stage, which every device must take at any time (USB
 * 2.0, 8.5.3); an interrupt endpoint is asked again with the same toggle.
 */
#include "transfer.h"

#include <errno.h>
#include <string.h>

#include <neurath/device.h>
#include <neurath/dma.h>

#include "registers.h"

#define MS_NS 1000000u
#define CONTROL_NS (5000u * (uint64_t)MS_NS) /* 9.2.6.4: the longest a request may take */
#define REPORT_NS (50u * (uint64_t)MS_NS)    /* one question: a frame or two */
#define HALT_NS (10u * (uint64_t)MS_NS)
#define RETRY_NS MS_NS
#define ERRORS_MAX 3u
#define TICKET_SHIFT 4
static_assert(DWC2_TRANSFERS == 1u << TICKET_SHIFT, "a ticket holds its transfer's index");
#define SERIAL_MASK 0x3ffffffu
#define TYPE_CONTROL 0u
#define TYPE_INTERRUPT 3u

static unsigned index_of(const struct dwc2_transfers *transfers,
                         const struct dwc2_transfer *transfer)
{
    return (unsigned)(transfer - transfers->list);
}

static struct dwc2_buffer *buffer_of(const struct dwc2_transfers *transfers,
                                     const struct dwc2_transfer *transfer)
{
    return &transfers->buffers[index_of(transfers, transfer)];
}

static uint32_t kept(const struct dwc2_transfer *transfer)
{
    return transfer->reports_head - transfer->reports_tail;
}

static bool is_interrupt(const struct dwc2_transfer *transfer)
{
    return transfer->stage == DWC2_REPORT;
}

static bool is_in(const struct dwc2_transfer *transfer)
{
    bool reads = transfer->setup.type & USB_TYPE_IN;
    switch (transfer->stage) {
    case DWC2_SETUP:
        return false;
    case DWC2_DATA:
        return reads;
    case DWC2_STATUS: /* 8.5.3: against the data; IN when there is none */
        return !reads || transfer->setup.length == 0;
    default:
        return true;
    }
}

static struct dwc2_transfer *find(struct dwc2_transfers *transfers, int ticket)
{
    struct dwc2_transfer *transfer = &transfers->list[(uint32_t)ticket % DWC2_TRANSFERS];
    bool is_there = ticket > 0 && transfer->ticket == ticket && transfer->phase != DWC2_FREE &&
                    transfer->phase != DWC2_CLOSING;
    return is_there ? transfer : NULL;
}

static int find_channel(const struct dwc2_transfers *transfers)
{
    uint32_t taken = 0;
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        if (transfers->list[i].channel >= 0) {
            taken |= 1u << transfers->list[i].channel;
        }
    }
    for (unsigned channel = 0; channel < transfers->core.channels; channel++) {
        if (!(taken & 1u << channel)) {
            return (int)channel;
        }
    }
    return -1;
}

static void forget(struct dwc2_transfer *transfer)
{
    *transfer = (struct dwc2_transfer){.phase = DWC2_FREE, .channel = -1};
}

/* Makes the next thing to do of a transfer its channel's work. */
static void start_channel(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                          uint64_t now_ns)
{
    struct dwc2_buffer *buffer = buffer_of(transfers, transfer);
    struct dwc2_channel_work work = {.is_periodic = is_interrupt(transfer), .pid = PID_DATA1};
    uint32_t packet = transfer->pipe.packet_bytes;
    uint8_t *bytes = transfer->stage == DWC2_SETUP ? buffer->setup : buffer->data;
    uint32_t count = 0;

    if (transfer->stage == DWC2_SETUP) {
        work.pid = PID_SETUP;
        count = sizeof(transfer->setup);
    } else if (transfer->stage == DWC2_DATA) {
        count = transfer->setup.length;
    } else if (transfer->stage == DWC2_REPORT) {
        work.pid = transfer->toggle ? PID_DATA1 : PID_DATA0;
        count = packet;
    }
    work.packets = MAX((count + packet - 1) / packet, 1u);
    work.bytes = is_in(transfer) ? work.packets * packet : count; /* IN: whole packets, always */
    transfer->count = work.bytes;
    work.bus_address = transfers->bus_address +
                       index_of(transfers, transfer) * (uint32_t)sizeof(*buffer) +
                       (uint32_t)(bytes - (uint8_t *)buffer);
    work.character = packet | HCCHAR_ENDPOINT((uint32_t)transfer->pipe.endpoint) |
                     (is_in(transfer) ? HCCHAR_IN : 0) |
                     (transfer->pipe.speed == USB_SPEED_LOW ? HCCHAR_LOW_SPEED : 0) |
                     HCCHAR_TYPE(is_interrupt(transfer) ? TYPE_INTERRUPT : TYPE_CONTROL) |
                     HCCHAR_ONE_PACKET | HCCHAR_ADDRESS((uint32_t)transfer->pipe.address);
    if (is_in(transfer)) {
        dma_invalidate(bytes, ALIGN_UP(work.bytes, DMA_ALIGNMENT));
    } else {
        dma_clean(bytes, ALIGN_UP(work.bytes, DMA_ALIGNMENT));
    }
    transfer->phase = DWC2_RUNNING;
    transfer->deadline_ns =
        is_interrupt(transfer) ? now_ns + REPORT_NS : MAX(transfer->end_ns, now_ns + HALT_NS);
    dwc2_core_start_channel(&transfers->core, (unsigned)transfer->channel, &work);
}

static void wait_until(struct dwc2_transfer *transfer, uint64_t due_ns)
{
    transfer->phase = DWC2_WAITING;
    transfer->channel = -1;
    transfer->due_ns = due_ns;
}

/* It is over, with bytes or an error. */
static void end(struct dwc2_transfer *transfer, int result)
{
    transfer->phase = DWC2_ENDED;
    transfer->channel = -1;
    transfer->result = result;
}

static uint64_t next_question(const struct dwc2_transfer *transfer, uint64_t now_ns)
{
    return now_ns + transfer->pipe.interval_ms * (uint64_t)MS_NS;
}

/* The wire failed it. True: for good. */
static bool fail(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer, int error,
                 uint64_t now_ns)
{
    transfers->errors++;
    bool is_late = !is_interrupt(transfer) && now_ns >= transfer->end_ns;
    if (++transfer->errors >= ERRORS_MAX || is_late) {
        end(transfer, error);
        return true;
    }
    if (is_interrupt(transfer)) {
        wait_until(transfer, next_question(transfer, now_ns));
    } else {
        transfer->stage = DWC2_SETUP;
        wait_until(transfer, now_ns + RETRY_NS);
    }
    return false;
}

static void keep_report(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                        uint32_t bytes, uint64_t now_ns)
{
    struct dwc2_buffer *buffer = buffer_of(transfers, transfer);
    uint32_t at = transfer->reports_head++ % DWC2_REPORTS;
    memcpy(buffer->reports[at], buffer->data, bytes);
    transfer->report_bytes[at] = (uint8_t)bytes;
    transfer->toggle ^= 1;
    wait_until(transfer, next_question(transfer, now_ns));
}

/* A stage is complete. True: there is something to collect. */
static bool advance(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                    uint64_t now_ns)
{
    uint32_t left = dwc2_core_bytes_left(&transfers->core, (unsigned)transfer->channel);
    uint32_t bytes = left <= transfer->count ? transfer->count - left : 0;
    if (is_in(transfer)) {
        dma_invalidate(buffer_of(transfers, transfer)->data,
                       ALIGN_UP(transfer->count, DMA_ALIGNMENT));
    }
    transfer->errors = 0;
    switch (transfer->stage) {
    case DWC2_SETUP:
        transfer->result = 0;
        transfer->stage = transfer->setup.length > 0 ? DWC2_DATA : DWC2_STATUS;
        break;
    case DWC2_DATA:
        transfer->result = (int32_t)MIN(bytes, (uint32_t)transfer->setup.length);
        transfer->stage = DWC2_STATUS;
        break;
    case DWC2_STATUS:
        transfers->completed++;
        end(transfer, transfer->result);
        return true;
    default:
        transfers->completed++;
        keep_report(transfers, transfer, MIN(bytes, USB_REPORT_BYTES), now_ns);
        return true;
    }
    start_channel(transfers, transfer, now_ns);
    return false;
}

/* The channel of a transfer has halted. True: there is something to collect. */
static bool handle_halt(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                        uint32_t happened, uint64_t now_ns)
{
    if (transfer->phase == DWC2_CLOSING) {
        forget(transfer);
        return false;
    }
    if (happened & HCINT_COMPLETE) {
        return advance(transfers, transfer, now_ns);
    }
    if (happened & HCINT_STALL) {
        end(transfer, -EPIPE);
        return true;
    }
    if (transfer->phase == DWC2_HALTING) {
        return fail(transfers, transfer, -ETIMEDOUT, now_ns);
    }
    if (happened & HCINT_NAK) { /* nothing to say */
        transfer->errors = 0;
        wait_until(transfer,
                   is_interrupt(transfer) ? next_question(transfer, now_ns) : now_ns + RETRY_NS);
        return false;
    }
    if (happened & HCINT_FRAME_OVERRUN) { /* too late in its frame */
        wait_until(transfer, now_ns);
        return false;
    }
    return fail(transfers, transfer, -EIO, now_ns);
}

bool dwc2_transfer_serve(struct dwc2_transfers *transfers, uint64_t now_ns)
{
    bool has_news = false;
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        struct dwc2_transfer *transfer = &transfers->list[i];
        /* Stages follow each other without a pause where the controller is that quick. */
        for (unsigned stage = 0; stage <= DWC2_REPORT && transfer->channel >= 0; stage++) {
            unsigned channel = (unsigned)transfer->channel;
            if (!(mmio_read32(transfers->core.base, HCINT(channel)) & HCINT_HALTED)) {
                break;
            }
            uint32_t happened = dwc2_core_take_channel(&transfers->core, channel);
            has_news |= handle_halt(transfers, transfer, happened, now_ns);
        }
    }
    return has_news;
}

static void halt(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                 enum dwc2_phase phase, uint64_t now_ns)
{
    transfer->phase = phase;
    transfer->deadline_ns = now_ns + HALT_NS;
    dwc2_core_halt_channel(&transfers->core, (unsigned)transfer->channel);
}

/* What has a channel and should be done by now. */
static bool handle_lateness(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                            uint64_t now_ns)
{
    if (now_ns < transfer->deadline_ns) {
        return false;
    }
    if (transfer->phase == DWC2_RUNNING) {
        halt(transfers, transfer, DWC2_HALTING, now_ns);
        return false;
    }
    /* Not even that: the channel is taken from it. */
    return handle_halt(transfers, transfer, HCINT_HALTED, now_ns);
}

uint64_t dwc2_transfer_run(struct dwc2_transfers *transfers, uint64_t now_ns, bool *has_news)
{
    uint64_t next_ns = UINT64_MAX;
    *has_news |= dwc2_transfer_serve(transfers, now_ns);
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        struct dwc2_transfer *transfer = &transfers->list[i];
        if (transfer->channel >= 0) {
            *has_news |= handle_lateness(transfers, transfer, now_ns);
        }
        /* Packets that nobody collects: it is not asked, and keeps the rest itself. */
        bool is_full = is_interrupt(transfer) && kept(transfer) == DWC2_REPORTS;
        if (transfer->phase == DWC2_WAITING && transfer->due_ns <= now_ns && !is_full) {
            transfer->channel = find_channel(transfers);
            if (transfer->channel >= 0) {
                start_channel(transfers, transfer, now_ns);
            } else {
                transfer->due_ns = now_ns + RETRY_NS;
            }
        }
        if (transfer->phase == DWC2_WAITING && !is_full) {
            next_ns = MIN(next_ns, transfer->due_ns);
        } else if (transfer->channel >= 0) {
            next_ns = MIN(next_ns, transfer->deadline_ns);
        }
    }
    return next_ns;
}

/* A free one, with a ticket; NULL: there is none. */
static struct dwc2_transfer *take(struct dwc2_transfers *transfers, const struct usb_pipe *pipe,
                                  uint64_t now_ns)
{
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        struct dwc2_transfer *transfer = &transfers->list[i];
        if (transfer->phase == DWC2_FREE) {
            transfers->serial = (transfers->serial + 1) & SERIAL_MASK;
            transfers->serial += transfers->serial == 0;
            *transfer = (struct dwc2_transfer){
                .phase = DWC2_WAITING,
                .ticket = (int32_t)(transfers->serial << TICKET_SHIFT | i),
                .channel = -1,
                .pipe = *pipe,
                .due_ns = now_ns,
                .end_ns = now_ns + CONTROL_NS,
            };
            return transfer;
        }
    }
    return NULL;
}

static bool is_sane(const struct usb_pipe *pipe)
{
    return pipe->address <= USB_ADDRESS_MAX && pipe->endpoint <= 15 &&
           pipe->speed <= USB_SPEED_LOW && pipe->packet_bytes >= 1 &&
           pipe->packet_bytes <= USB_REPORT_BYTES;
}

int dwc2_transfer_submit(struct dwc2_transfers *transfers, const struct usb_pipe *pipe,
                         const struct usb_setup *setup, const void *data, uint64_t now_ns)
{
    bool is_power = (pipe->packet_bytes & (pipe->packet_bytes - 1)) == 0;
    bool writes = !(setup->type & USB_TYPE_IN) && setup->length > 0;
    if (!is_sane(pipe) || pipe->packet_bytes < 8 || !is_power ||
        setup->length > USB_CONTROL_BYTES || (writes && !data)) {
        return -EINVAL;
    }
    struct dwc2_transfer *transfer = take(transfers, pipe, now_ns);
    if (!transfer) {
        return -EAGAIN;
    }
    struct dwc2_buffer *buffer = buffer_of(transfers, transfer);
    transfer->stage = DWC2_SETUP;
    transfer->setup = *setup;
    memcpy(buffer->setup, setup, sizeof(*setup));
    if (writes) {
        memcpy(buffer->data, data, setup->length);
    }
    return transfer->ticket;
}

int dwc2_transfer_open(struct dwc2_transfers *transfers, const struct usb_pipe *pipe,
                       uint64_t now_ns)
{
    if (!is_sane(pipe) || pipe->endpoint == 0 || pipe->interval_ms == 0) {
        return -EINVAL;
    }
    struct dwc2_transfer *transfer = take(transfers, pipe, now_ns);
    if (!transfer) {
        return -EAGAIN;
    }
    transfer->stage = DWC2_REPORT;
    return transfer->ticket;
}

static int collect_report(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer,
                          void *data, size_t size, uint64_t now_ns)
{
    if (kept(transfer) == 0) {
        return transfer->phase == DWC2_ENDED ? transfer->result : -EAGAIN;
    }
    if (kept(transfer) == DWC2_REPORTS && transfer->phase == DWC2_WAITING) {
        transfer->due_ns = MIN(transfer->due_ns, now_ns); /* there is room again */
    }
    uint32_t at = transfer->reports_tail++ % DWC2_REPORTS;
    uint32_t bytes = transfer->report_bytes[at];
    if (size > 0) {
        memcpy(data, buffer_of(transfers, transfer)->reports[at], MIN(size, bytes));
    }
    return (int)bytes;
}

int dwc2_transfer_collect(struct dwc2_transfers *transfers, int ticket, void *data, size_t size,
                          uint64_t now_ns)
{
    struct dwc2_transfer *transfer = find(transfers, ticket);
    if (!transfer) {
        return -ENOENT;
    }
    if (is_interrupt(transfer)) {
        return collect_report(transfers, transfer, data, size, now_ns);
    }
    if (transfer->phase != DWC2_ENDED) {
        return -EAGAIN;
    }
    int result = transfer->result;
    if (result > 0 && size > 0 && (transfer->setup.type & USB_TYPE_IN)) {
        memcpy(data, buffer_of(transfers, transfer)->data, MIN(size, (size_t)result));
    }
    forget(transfer);
    return result;
}

static void cut(struct dwc2_transfers *transfers, struct dwc2_transfer *transfer, uint64_t now_ns)
{
    if (transfer->channel < 0) {
        forget(transfer);
    } else if (transfer->phase == DWC2_HALTING) {
        transfer->phase = DWC2_CLOSING;
    } else if (transfer->phase == DWC2_RUNNING) {
        halt(transfers, transfer, DWC2_CLOSING, now_ns);
    }
}

int dwc2_transfer_close(struct dwc2_transfers *transfers, int ticket, uint64_t now_ns)
{
    struct dwc2_transfer *transfer = find(transfers, ticket);
    if (!transfer) {
        return -ENOENT;
    }
    cut(transfers, transfer, now_ns);
    return 0;
}

void dwc2_transfer_cut_all(struct dwc2_transfers *transfers, uint64_t now_ns)
{
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        cut(transfers, &transfers->list[i], now_ns);
    }
}
