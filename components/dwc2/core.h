/* SPDX-License-Identifier: MIT */
/*
 * The core's hardware: reset, root port, host channels, by their registers alone. What a channel is
 * used for is the transfers' business (transfer.h). The caller holds the driver's lock.
 */
#pragma once

#include <neurath/compiler.h>

#define DWC2_CHANNELS_MAX 8u

struct dwc2_core {
    volatile void *base;
    uint32_t channels; /* that there are and are used */
};

/* What a channel is to do. */
struct dwc2_channel_work {
    uint32_t character; /* HCCHAR: endpoint, address, type, direction, packet; not ENABLE */
    uint32_t pid;       /* PID_… */
    uint32_t bytes;
    uint32_t packets;
    uint32_t bus_address; /* of the bytes */
    bool is_periodic;
};

/* Whether it is this core, one with its own DMA. 0; -ENODEV: it is not, and why is logged. */
int dwc2_core_identify(struct dwc2_core *core);

/* Resets it and asks for host mode, which comes later. 0; -EIO: it does not obey. */
int dwc2_core_reset(struct dwc2_core *core);
bool dwc2_core_is_host(const struct dwc2_core *core);

/* FIFOs, interrupts, power on the root port. 0; -EIO. */
int dwc2_core_start_host(struct dwc2_core *core);

/* No interrupt, no bus master, no power any more. */
void dwc2_core_stop(struct dwc2_core *core);

/* The root port's register, whose change bits are cleared by this. */
uint32_t dwc2_core_take_port(struct dwc2_core *core);
void dwc2_core_set_port_reset(struct dwc2_core *core, bool is_reset);

void dwc2_core_start_channel(struct dwc2_core *core, unsigned channel,
                             const struct dwc2_channel_work *work);
/* Asks it to halt: HCINT_HALTED comes when it has. */
void dwc2_core_halt_channel(struct dwc2_core *core, unsigned channel);
/* What happened on it, HCINT_…; cleared by this. */
uint32_t dwc2_core_take_channel(struct dwc2_core *core, unsigned channel);
/* Bytes of its work that were not transferred. */
uint32_t dwc2_core_bytes_left(const struct dwc2_core *core, unsigned channel);
