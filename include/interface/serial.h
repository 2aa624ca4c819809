/* SPDX-License-Identifier: MIT */
/*
 * Serial ports: offers of kind SERIAL_KIND. Try and event: neither call waits.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(serial, 1, 0);

#define SERIAL_KIND "serial"

struct serial_counters {
    uint64_t received, sent; /* bytes from and to the line */
    uint64_t overruns;       /* bytes lost because nobody read in time */
    uint64_t framing_errors; /* bytes dropped for a bad stop bit or break */
};

/* The table of an offer. Context of all: thread. */
struct serial_ops {
    /* Takes up to size received bytes. Returns how many (> 0); -EAGAIN: none, wait for readable. */
    int (*read)(void *buffer, size_t size);
    /* Queues up to size bytes. Returns how many (> 0); -EAGAIN: no room, wait for writable. */
    int (*write)(const void *bytes, size_t size);
    /* Sets 8N1 at baud. 0; -EINVAL: the clock cannot make it within 2 %. */
    int (*set_baud)(uint32_t baud);
    /* Fills *counters. 0. */
    int (*read_counters)(struct serial_counters *counters);
    struct event *readable;
    struct event *writable;
    uint32_t is_console; /* 1: /chosen/stdout-path points at it */
};
