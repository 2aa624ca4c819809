/* SPDX-License-Identifier: MIT */
/*
 * Registers of the core, see core.h. All waiting is for some microseconds, with a deadline.
 *
 * The core is held at full speed: then low-speed devices behind a hub need no split transactions,
 * and a hub of high speed falls back (RM0090, 35.12.3: FSLSS).
 */
#include "core.h"

#include <errno.h>

#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>
#include <neurath/time.h>

#include "registers.h"

#define OBEY_NS 10000000u
/* Words of the FIFOs, of 4080 that there are on the BCM2711: packets of 64 bytes need no more. */
#define RECEIVE_WORDS 774u
#define TRANSMIT_WORDS 256u
#define PERIODIC_WORDS 512u

static uint32_t read(const struct dwc2_core *core, uint32_t offset)
{
    return mmio_read32(core->base, offset);
}

static void write(struct dwc2_core *core, uint32_t offset, uint32_t value)
{
    mmio_write32(core->base, offset, value);
}

/* Waits until the bits of `mask` are `value`. */
static int wait_for(const struct dwc2_core *core, uint32_t offset, uint32_t mask, uint32_t value)
{
    uint64_t end_ns = time_now_ns() + OBEY_NS;
    while ((read(core, offset) & mask) != value) {
        if (time_now_ns() > end_ns) {
            return -EIO;
        }
        cpu_relax();
    }
    return 0;
}

int dwc2_core_identify(struct dwc2_core *core)
{
    uint32_t identity = read(core, GSNPSID), hardware = read(core, GHWCFG2);
    if (identity >> 16 != GSNPSID_OTG) {
        log_warning("dwc2: no such core here: it says 0x%08x", identity);
        return -ENODEV;
    }
    if (GHWCFG2_ARCHITECTURE(hardware) != GHWCFG2_INTERNAL_DMA) {
        log_warning("dwc2: a core without DMA: 0x%08x", hardware);
        return -ENODEV;
    }
    core->channels = MIN(GHWCFG2_CHANNELS(hardware), DWC2_CHANNELS_MAX);
    return 0;
}

int dwc2_core_reset(struct dwc2_core *core)
{
    write(core, GAHBCFG, 0);
    write(core, PCGCCTL, 0);
    int result = wait_for(core, GRSTCTL, GRSTCTL_IDLE, GRSTCTL_IDLE);
    if (result == 0) {
        write(core, GRSTCTL, GRSTCTL_CORE);
        result = wait_for(core, GRSTCTL, GRSTCTL_CORE, 0);
    }
    if (result == 0) {
        result = wait_for(core, GRSTCTL, GRSTCTL_IDLE, GRSTCTL_IDLE);
    }
    if (result < 0) {
        return result;
    }
    uint32_t config = read(core, GUSBCFG);
    config &=
        ~(GUSBCFG_PHY_16BIT | GUSBCFG_ULPI | GUSBCFG_SRP | GUSBCFG_HNP | GUSBCFG_FORCE_DEVICE);
    write(core, GUSBCFG, config | GUSBCFG_FORCE_HOST);
    return 0;
}

bool dwc2_core_is_host(const struct dwc2_core *core)
{
    return read(core, GINTSTS) & GINT_HOST_MODE;
}

static int flush_fifos(struct dwc2_core *core)
{
    write(core, GRSTCTL, GRSTCTL_FLUSH_TRANSMIT | GRSTCTL_ALL_FIFOS);
    int result = wait_for(core, GRSTCTL, GRSTCTL_FLUSH_TRANSMIT, 0);
    if (result == 0) {
        write(core, GRSTCTL, GRSTCTL_FLUSH_RECEIVE);
        result = wait_for(core, GRSTCTL, GRSTCTL_FLUSH_RECEIVE, 0);
    }
    return result;
}

int dwc2_core_start_host(struct dwc2_core *core)
{
    uint32_t config = read(core, HCFG) & ~HCFG_CLOCK_MASK;
    write(core, HCFG, config | HCFG_FULL_SPEED);
    write(core, HFIR, HFIR_FULL_SPEED);
    write(core, GRXFSIZ, RECEIVE_WORDS);
    write(core, GNPTXFSIZ, TRANSMIT_WORDS << 16 | RECEIVE_WORDS);
    write(core, HPTXFSIZ, PERIODIC_WORDS << 16 | (RECEIVE_WORDS + TRANSMIT_WORDS));
    int result = flush_fifos(core);
    if (result < 0) {
        return result;
    }
    for (unsigned channel = 0; channel < core->channels; channel++) {
        write(core, HCINTMSK(channel), 0);
        write(core, HCINT(channel), HCINT_ALL);
        write(core, HCSPLT(channel), 0);
    }
    write(core, HAINTMSK, (1u << core->channels) - 1);
    write(core, GINTSTS, UINT32_MAX);
    write(core, GINTMSK, GINT_PORT | GINT_CHANNELS);
    uint32_t port = read(core, HPRT0) & ~(HPRT0_CHANGES | HPRT0_ENABLED);
    write(core, HPRT0, port | HPRT0_POWER);
    write(core, GAHBCFG, GAHBCFG_DMA | GAHBCFG_BCM_WAIT_WRITES | GAHBCFG_INTERRUPTS);
    return 0;
}

void dwc2_core_stop(struct dwc2_core *core)
{
    write(core, GINTMSK, 0);
    for (unsigned channel = 0; channel < core->channels; channel++) {
        write(core, HCINTMSK(channel), 0);
        if (read(core, HCCHAR(channel)) & HCCHAR_ENABLE) {
            dwc2_core_halt_channel(core, channel);
            (void)wait_for(core, HCCHAR(channel), HCCHAR_ENABLE, 0); /* it is switched off anyway */
        }
    }
    uint32_t port = read(core, HPRT0) & ~(HPRT0_CHANGES | HPRT0_ENABLED | HPRT0_RESET);
    write(core, HPRT0, port & ~HPRT0_POWER);
    write(core, GAHBCFG, 0);
}

uint32_t dwc2_core_take_port(struct dwc2_core *core)
{
    uint32_t port = read(core, HPRT0);
    write(core, HPRT0, port & ~HPRT0_ENABLED);
    return port;
}

void dwc2_core_set_port_reset(struct dwc2_core *core, bool is_reset)
{
    uint32_t port = read(core, HPRT0) & ~(HPRT0_CHANGES | HPRT0_ENABLED | HPRT0_RESET);
    write(core, HPRT0, port | (is_reset ? HPRT0_RESET : 0));
}

void dwc2_core_start_channel(struct dwc2_core *core, unsigned channel,
                             const struct dwc2_channel_work *work)
{
    uint32_t character = work->character;
    if (work->is_periodic && !(read(core, HFNUM) & 1)) {
        character |= HCCHAR_ODD_FRAME; /* the next one */
    }
    write(core, HCINT(channel), HCINT_ALL);
    write(core, HCINTMSK(channel), HCINT_HALTED);
    write(core, HCTSIZ(channel),
          work->bytes | HCTSIZ_PACKETS(work->packets) | HCTSIZ_PID(work->pid));
    write(core, HCDMA(channel), work->bus_address);
    write(core, HCCHAR(channel), character | HCCHAR_ENABLE);
}

void dwc2_core_halt_channel(struct dwc2_core *core, unsigned channel)
{
    uint32_t character = read(core, HCCHAR(channel));
    write(core, HCCHAR(channel), character | HCCHAR_ENABLE | HCCHAR_DISABLE);
}

uint32_t dwc2_core_take_channel(struct dwc2_core *core, unsigned channel)
{
    uint32_t happened = read(core, HCINT(channel));
    write(core, HCINT(channel), happened);
    return happened;
}

uint32_t dwc2_core_bytes_left(const struct dwc2_core *core, unsigned channel)
{
    return read(core, HCTSIZ(channel)) & HCTSIZ_BYTES_MASK;
}
