/* SPDX-License-Identifier: MIT */
/*
 * Registers of the DesignWare USB 2.0 OTG core ("dwc2") as a host. Its own databook is not public;
 * the same core is described in ST's reference manual RM0090, chapter 35: 35.12.2 global registers,
 * 35.12.3 those of the host. Offsets in bytes.
 */
#pragma once

#define GAHBCFG 0x008
#define GAHBCFG_INTERRUPTS (1u << 0)
#define GAHBCFG_DMA (1u << 5)
/* The BCM2835 made another use of the burst's bits: this one waits for writes to arrive in RAM. */
#define GAHBCFG_BCM_WAIT_WRITES (1u << 4)

#define GUSBCFG 0x00c
#define GUSBCFG_PHY_16BIT (1u << 3)
#define GUSBCFG_ULPI (1u << 4)
#define GUSBCFG_SRP (1u << 8)
#define GUSBCFG_HNP (1u << 9)
#define GUSBCFG_FORCE_HOST (1u << 29)
#define GUSBCFG_FORCE_DEVICE (1u << 30)

#define GRSTCTL 0x010
#define GRSTCTL_CORE (1u << 0)
#define GRSTCTL_FLUSH_RECEIVE (1u << 4)
#define GRSTCTL_FLUSH_TRANSMIT (1u << 5)
#define GRSTCTL_ALL_FIFOS (0x10u << 6)
#define GRSTCTL_IDLE (1u << 31)

#define GINTSTS 0x014
#define GINTMSK 0x018
#define GINT_HOST_MODE (1u << 0)
#define GINT_PORT (1u << 24)
#define GINT_CHANNELS (1u << 25)

#define GRXFSIZ 0x024
#define GNPTXFSIZ 0x028 /* depth in 31:16, start in 15:0, words of 32 bits */
#define GSNPSID 0x040
#define GSNPSID_OTG 0x4f54u /* "OT" in its upper half */
#define GHWCFG2 0x048
#define GHWCFG2_CHANNELS(value) (((value) >> 14 & 15u) + 1)
#define GHWCFG2_ARCHITECTURE(value) ((value) >> 3 & 3u)
#define GHWCFG2_INTERNAL_DMA 2u
#define HPTXFSIZ 0x100

#define HCFG 0x400
#define HCFG_CLOCK_MASK 3u        /* 0: that of the UTMI PHY, 30/60 MHz */
#define HCFG_FULL_SPEED (1u << 2) /* never high speed, whatever the device can */
#define HFIR 0x404
#define HFIR_FULL_SPEED 60000u /* clocks of 60 MHz in a frame of 1 ms */
#define HFNUM 0x408
#define HAINT 0x414
#define HAINTMSK 0x418

#define HPRT0 0x440
#define HPRT0_CONNECTED (1u << 0)
#define HPRT0_CONNECT_CHANGED (1u << 1)
#define HPRT0_ENABLED (1u << 2) /* writing 1 disables it */
#define HPRT0_ENABLE_CHANGED (1u << 3)
#define HPRT0_OVERCURRENT_CHANGED (1u << 5)
#define HPRT0_RESET (1u << 8)
#define HPRT0_POWER (1u << 12)
#define HPRT0_SPEED(value) ((value) >> 17 & 3u)
/* Those that writing a 1 clears. */
#define HPRT0_CHANGES (HPRT0_CONNECT_CHANGED | HPRT0_ENABLE_CHANGED | HPRT0_OVERCURRENT_CHANGED)

/* Of channel n: these and 32 bytes * n */
#define HCCHAR(n) (0x500u + 0x20u * (n))
#define HCCHAR_ENDPOINT(number) ((number) << 11)
#define HCCHAR_IN (1u << 15)
#define HCCHAR_LOW_SPEED (1u << 17)
#define HCCHAR_TYPE(type) ((type) << 18)
#define HCCHAR_ONE_PACKET (1u << 20) /* in a frame */
#define HCCHAR_ADDRESS(address) ((address) << 22)
#define HCCHAR_ODD_FRAME (1u << 29)
#define HCCHAR_DISABLE (1u << 30)
#define HCCHAR_ENABLE (1u << 31)

#define HCSPLT(n) (0x504u + 0x20u * (n))
#define HCINT(n) (0x508u + 0x20u * (n))
#define HCINTMSK(n) (0x50cu + 0x20u * (n))
#define HCINT_COMPLETE (1u << 0)
#define HCINT_HALTED (1u << 1)
#define HCINT_STALL (1u << 3)
#define HCINT_NAK (1u << 4)
#define HCINT_FRAME_OVERRUN (1u << 9)
#define HCINT_ALL 0x7ffu

#define HCTSIZ(n) (0x510u + 0x20u * (n))
#define HCTSIZ_BYTES_MASK 0x7ffffu
#define HCTSIZ_PACKETS(count) ((count) << 19)
#define HCTSIZ_PID(pid) ((pid) << 29)
#define PID_DATA0 0u
#define PID_DATA1 2u
#define PID_SETUP 3u
#define HCDMA(n) (0x514u + 0x20u * (n))

#define PCGCCTL 0xe00 /* 35.12.5: gates of the PHY's clock */
