/* SPDX-License-Identifier: MIT */
/* Descriptors; see adma.h. */
#include "adma.h"

#include <neurath/component.h>
#include <neurath/dma.h>
#include <neurath/page.h>

#define VALID (1u << 0) /* 1.13.3.1, attributes */
#define END (1u << 1)
#define TRANSFER (2u << 4)
#define ROW_BYTES 65536u
#define ROWS (PAGE_BYTES / sizeof(struct adma_descriptor))
#define CELLS_MAX 2u

/* A number of some cells of a property, from cell *at on, which moves behind it. */
static int read_cells(const struct device *device, const char *property, unsigned *at,
                      unsigned cells, uint64_t *value)
{
    int result = 0;
    *value = 0;
    for (unsigned i = 0; i < cells && result == 0; i++) {
        uint32_t cell = 0;
        result = device_read_u32(device, property, (*at)++, &cell);
        *value = *value << 32 | cell;
    }
    return result;
}

/* The first row of the bus's dma-ranges: its own address, the parent's, the size. */
static int read_window(struct adma *adma, const struct device *device)
{
    uint32_t own = 0, above = 0, size = 0;
    unsigned at = 0;
    if (device_read_u32(device, "../#address-cells", 0, &own) < 0 ||
        device_read_u32(device, "../../#address-cells", 0, &above) < 0 ||
        device_read_u32(device, "../#size-cells", 0, &size) < 0 || own > CELLS_MAX ||
        above > CELLS_MAX || size > CELLS_MAX) {
        return -ENODEV;
    }
    bool is_read = read_cells(device, "../dma-ranges", &at, own, &adma->bus) == 0 &&
                   read_cells(device, "../dma-ranges", &at, above, &adma->pa) == 0 &&
                   read_cells(device, "../dma-ranges", &at, size, &adma->bytes) == 0;
    return is_read ? 0 : -ENODEV;
}

/* *address: of what lies in one row in RAM. */
static int find_address(const struct adma *adma, const void *buffer, uint32_t bytes,
                        uint32_t *address)
{
    uint64_t pa = dma_physical(buffer);
    if (pa < adma->pa || pa - adma->pa >= adma->bytes || bytes > adma->bytes - (pa - adma->pa)) {
        return -EFAULT;
    }
    uint64_t bus = adma->bus + (pa - adma->pa);
    *address = (uint32_t)bus;
    return bus + bytes - 1 <= UINT32_MAX ? 0 : -EFAULT;
}

int adma_init(struct adma *adma, const struct device *device)
{
    *adma = (struct adma){0};
    int result = read_window(adma, device);
    if (result < 0) {
        return result;
    }
    void *table = page_mark_plain(page_allocate(1));
    if (!table) {
        return -ENOMEM;
    }
    if (find_address(adma, table, PAGE_BYTES, &adma->table_address) < 0) {
        page_free(table);
        return -ENODEV;
    }
    adma->table = table;
    return 0;
}

/* Page by page, since they may lie anywhere; rows that follow one another become one. */
int adma_describe(struct adma *adma, const void *buffer, uint32_t bytes)
{
    struct adma_descriptor *row = NULL;
    uint32_t rows = 0, row_bytes = 0;
    if (!adma->table || (uintptr_t)buffer % DMA_ALIGNMENT || bytes % DMA_ALIGNMENT) {
        return -EFAULT;
    }
    for (uint32_t done = 0, now; done < bytes; done += now) {
        const char *at = (const char *)buffer + done;
        uint32_t address = 0;
        now = MIN(PAGE_BYTES - (uint32_t)((uintptr_t)at % PAGE_BYTES), bytes - done);
        if (find_address(adma, at, now, &address) < 0) {
            return -EFAULT;
        }
        if (!row || row->address + row_bytes != address || row_bytes + now > ROW_BYTES) {
            if (rows == ROWS) {
                return -EFAULT;
            }
            row = &adma->table[rows++];
            row_bytes = 0;
            *row = (struct adma_descriptor){.attributes = VALID | TRANSFER, .address = address};
        }
        row_bytes += now;
        row->bytes = (uint16_t)row_bytes; /* 64 KiB become 0 */
    }
    if (!row) {
        return -EFAULT; /* no bytes at all */
    }
    row->attributes |= END;
    dma_clean(adma->table, rows * sizeof(*row));
    dma_invalidate(buffer, bytes); /* which cleans too; no line of it is written back later */
    return 0;
}
