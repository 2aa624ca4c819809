/* SPDX-License-Identifier: MIT */
/*
 * The controller's own way to memory: ADMA2 with 32-bit addresses, by the SD Association's host
 * controller specification (version 3.00), 1.13. It goes through a table of descriptors, each of
 * which names a row of bytes.
 *
 * What the controller calls an address is one of its bus; the bus's dma-ranges in the device tree
 * (Devicetree Specification 2.3.9) tell where RAM is on it, and the firmware puts there what the
 * SoC's stepping needs. One thread at a time.
 */
#pragma once

#include <neurath/device.h>

/* 1.13.3.1: a row of the table, as the controller reads it. */
struct adma_descriptor {
    uint16_t attributes;
    uint16_t bytes; /* 0: 64 KiB */
    uint32_t address;
};

struct adma {
    struct adma_descriptor *table; /* a page; NULL: there is no way to memory */
    uint32_t table_address;        /* on the bus */
    uint32_t is_on;                /* 1: transfers go this way if their buffers can */
    uint32_t fault;                /* what broke one, as sdhci.c found it; 0: nothing */
    uint32_t reserved;
    uint64_t bus, pa, bytes; /* RAM from pa on is on the bus from `bus` on */
};

/*
 * Finds where memory is, and makes the table; it is not on yet. -ENODEV: the bus says nothing of
 * memory, or does not reach the table. -ENOMEM.
 */
int adma_init(struct adma *adma, const struct device *device);

/*
 * Describes a buffer, which is then cleaned from the caches for the controller. -EFAULT: it shares
 * lines of the caches with something else, is not mapped for writing, or not within reach.
 */
int adma_describe(struct adma *adma, const void *buffer, uint32_t bytes);
