/* SPDX-License-Identifier: MIT */
/* Pages of open files; see pages.h. */
#include "pages.h"

#include <string.h>

struct cached_page *pages_find(struct pages *pages, uint32_t mount, uint32_t file, uint32_t index)
{
    for (uint32_t i = 0; i < PAGES_MAX; i++) {
        struct cached_page *page = &pages->page[i];
        if (page->mount == mount && page->file == file && page->index == index) {
            page->used = ++pages->ticks;
            return page;
        }
    }
    return NULL;
}

struct cached_page *pages_take(struct pages *pages, uint32_t mount, uint32_t file, uint32_t index)
{
    struct cached_page *best = &pages->page[0];
    for (uint32_t i = 0; i < PAGES_MAX && best->mount != 0; i++) {
        struct cached_page *page = &pages->page[i];
        if (page->mount == 0 || page->used < best->used) {
            best = page;
        }
    }
    if (!best->data) {
        best->data = page_mark_plain(page_allocate(1));
    }
    if (best->data) {
        *best = (struct cached_page){.mount = mount,
                                     .file = file,
                                     .index = index,
                                     .used = ++pages->ticks,
                                     .data = best->data};
    }
    return best->data ? best : NULL;
}

void pages_write(struct pages *pages, uint32_t mount, uint32_t file, uint64_t offset,
                 const void *buffer, uint32_t size)
{
    const uint8_t *from = buffer;
    while (size > 0) {
        uint32_t within = offset % PAGE_BYTES, now = MIN(PAGE_BYTES - within, size);
        struct cached_page *page = pages_find(pages, mount, file, (uint32_t)(offset / PAGE_BYTES));
        if (page && within <= page->bytes) {
            memcpy(page->data + within, from, now);
            page->bytes = MAX(page->bytes, within + now);
        } else if (page) {
            page->mount = 0;
        }
        offset += now;
        from += now;
        size -= now;
    }
}

void pages_drop(struct pages *pages, uint32_t mount, uint32_t file)
{
    for (uint32_t i = 0; i < PAGES_MAX; i++) {
        struct cached_page *page = &pages->page[i];
        if (page->mount == mount && (file == 0 || page->file == file)) {
            page->mount = 0;
        }
    }
}
