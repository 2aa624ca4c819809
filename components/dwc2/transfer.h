/* SPDX-License-Identifier: MIT */
/*
 * Transfers: what interface/usb_host.h promises, made of work for the channels. A control transfer
 * has a channel through its three stages; an interrupt endpoint takes one each time it is asked.
 *
 * Everything lies in the state and in pages of the driver, so a successor goes on in the middle of
 * a transfer. The caller holds the driver's lock. `now_ns`: time_now_ns().
 */
#pragma once

#include <interface/usb_host.h>

#include "core.h"

#define DWC2_TRANSFERS 16u
#define DWC2_REPORTS 16u /* kept of an interrupt endpoint: a power of two */

enum dwc2_phase {
    DWC2_FREE,
    DWC2_WAITING, /* for its time, or a channel */
    DWC2_RUNNING, /* on its channel */
    DWC2_HALTING, /* its channel has been asked to halt: it was too late */
    DWC2_CLOSING, /* likewise: nobody wants it any more */
    DWC2_ENDED,   /* its result waits for who collects it */
};

enum dwc2_stage { DWC2_SETUP, DWC2_DATA, DWC2_STATUS, DWC2_REPORT };

/* What the controller reads and writes, and the packets kept; one for each transfer. */
struct dwc2_buffer {
    uint8_t setup[64]; /* 8 of them: a cache line of its own */
    uint8_t data[USB_CONTROL_BYTES];
    uint8_t reports[DWC2_REPORTS][USB_REPORT_BYTES];
    uint8_t unused[4096 - 64 - USB_CONTROL_BYTES - DWC2_REPORTS * USB_REPORT_BYTES];
};
static_assert(sizeof(struct dwc2_buffer) == 4096, "a page each, so bus addresses are simple");

struct dwc2_transfer {
    uint32_t phase;  /* enum dwc2_phase */
    uint32_t stage;  /* enum dwc2_stage */
    int32_t ticket;  /* 0: free */
    int32_t channel; /* < 0: none */
    int32_t result;  /* DWC2_ENDED: bytes of data, or an error */
    uint32_t errors; /* in a row */
    uint32_t toggle; /* interrupt: 1: DATA1 comes next */
    uint32_t count;  /* bytes the channel was given */
    struct usb_pipe pipe;
    struct usb_setup setup;
    uint64_t due_ns;      /* DWC2_WAITING: not before */
    uint64_t deadline_ns; /* of the channel's work */
    uint64_t end_ns;      /* of a control transfer in all */
    uint32_t reports_head, reports_tail;
    uint8_t report_bytes[DWC2_REPORTS];
};

struct dwc2_transfers {
    struct dwc2_core core;
    struct dwc2_buffer *buffers; /* DWC2_TRANSFERS of them */
    uint32_t bus_address;        /* of the first */
    uint32_t serial;             /* of tickets */
    uint64_t errors;             /* of the wire, ever */
    uint64_t completed;          /* transfers and packets, ever */
    struct dwc2_transfer list[DWC2_TRANSFERS];
};

/* As in struct usb_host_ops. */
int dwc2_transfer_submit(struct dwc2_transfers *transfers, const struct usb_pipe *pipe,
                         const struct usb_setup *setup, const void *data, uint64_t now_ns);
int dwc2_transfer_open(struct dwc2_transfers *transfers, const struct usb_pipe *pipe,
                       uint64_t now_ns);
int dwc2_transfer_collect(struct dwc2_transfers *transfers, int ticket, void *data, size_t size,
                          uint64_t now_ns);
int dwc2_transfer_close(struct dwc2_transfers *transfers, int ticket, uint64_t now_ns);

/* The root port has lost its device: forgets all. */
void dwc2_transfer_cut_all(struct dwc2_transfers *transfers, uint64_t now_ns);

/* Serves the channels that have halted. True: there is something to collect. */
bool dwc2_transfer_serve(struct dwc2_transfers *transfers, uint64_t now_ns);

/*
 * Starts what is due and gives up what is too late; *has_news as above. Returns when to come again
 * at the latest, UINT64_MAX: there is nothing to do.
 */
uint64_t dwc2_transfer_run(struct dwc2_transfers *transfers, uint64_t now_ns, bool *has_news);
