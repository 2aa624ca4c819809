/* SPDX-License-Identifier: MIT */
/*
 * Copies of memory that no CPU makes. One provider.
 *
 *     int ticket = dma_submit_copy(to, from, bytes);        -EAGAIN: wait for dma_event()
 *     while ((result = dma_finish(ticket)) == -EAGAIN) ...  from the thread that waits for it
 *
 * Until dma_finish() has said something else than -EAGAIN both buffers belong to the copy: they are
 * neither written nor freed, and their owner does not leave the world before. A result that nobody
 * asks for is forgotten after DMA_KEPT_MS, when its place is needed.
 */
#pragma once

#include <neurath/component.h>
#include <neurath/event.h>

INTERFACE(dma, 1, 1);

#define DMA_BYTES_MAX (1u << 20)
#define DMA_KEPT_MS 2000u

/*
 * Begins to copy. Both buffers lie in memory from page_allocate(), aligned to DMA_ALIGNMENT of
 * <neurath/dma.h>, and do not overlap; bytes: a multiple of that, at most DMA_BYTES_MAX. Returns a
 * ticket (> 0). -EINVAL: not so. -EFAULT: memory that is not contiguous, or that the controller
 * cannot reach. -EAGAIN: all channels are in use. -ENODEV: there is none.
 */
GATED(thread, once) int dma_submit_copy(void *to, const void *from, uint32_t bytes);

/*
 * Ends a copy. 0: all is there, for CPUs as well. -EAGAIN: not yet. -EIO: the controller reports an
 * error, or has not ended within a second. -ENOENT: no such ticket.
 */
GATED(thread) int dma_finish(int ticket);

/* Signalled when a copy has ended. Lives as long as the provider's state. NULL: there is none. */
GATED(any) struct event *dma_event(void);
