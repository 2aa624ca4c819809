/* SPDX-License-Identifier: MIT */
/* The driver against a model of the channels, which copy when the test says so. */
#include <criterion/criterion.h>

#define check_run dma_test_check_run
#define component_self dma_test_self
#define device_claim_owned dma_test_device_claim
#define device_read_u32 dma_test_device_read_u32
#define dma_event dma_test_event
#define dma_finish dma_test_finish
#define dma_submit_copy dma_test_submit_copy
#define event_init_owned dma_test_event_init
#define event_signal dma_test_event_signal
#define irq_request_owned dma_test_irq_request
#define mmio_read32 dma_test_mmio_read32
#define mmio_write32 dma_test_mmio_write32
#define offer_add_owned dma_test_offer_add
#define page_allocate_owned dma_test_page_allocate
#define page_free dma_test_page_free
#define time_now_ns dma_test_time_now_ns

#include "dma.c"
#undef DEADLINE_NS

#include "check.c"

#include "tests/unit/run_line.h"

#define BYTES 8192u

struct component {
    int unused;
};
struct component component_self;

static char dma_base; /* only its address matters */
static bool has_device = true, copies_at_once, is_spoilt;
static uint64_t now_ns;
static struct {
    uint32_t status, block;
} channels[16];
static uint32_t enabled, irqs;
static uint8_t pages[8][BYTES] __attribute__((aligned(4096)));
static unsigned pages_used;
static int pages_live;
static unsigned signals;
static struct command_ops command;

/* A channel does what its control block says: bus addresses are RAM's at 0xc0000000. */
static void copy(unsigned number)
{
    const struct control_block *block =
        (const void *)(uintptr_t)(channels[number].block & 0x3fffffff);
    cr_assert(channels[number].status & CS_ACTIVE);
    cr_assert(block->from >= 0xc0000000 && block->to >= 0xc0000000 && block->next == 0);
    cr_assert_eq(block->information & (1u << 4 | 1u << 8), 1u << 4 | 1u << 8);
    memcpy((void *)(uintptr_t)(block->to & 0x3fffffff),
           (const void *)(uintptr_t)(block->from & 0x3fffffff), block->bytes);
    if (is_spoilt) {
        *(uint8_t *)(uintptr_t)(block->to & 0x3fffffff) ^= 1;
    }
    channels[number].status = CS_END | (block->information & 1 ? CS_INTERRUPT : 0);
    channels[number].block = 0; /* the next one's: there is none */
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &dma_base);
    if (offset == DMA_ENABLE) {
        return enabled;
    }
    cr_assert_eq(offset % 0x100, DMA_CS);
    return channels[offset / 0x100].status;
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    unsigned number = (unsigned)(offset / 0x100);
    cr_assert_eq(base, &dma_base);
    if (offset == DMA_ENABLE) {
        enabled = value;
        return;
    }
    cr_assert_lt(number, 7u);
    if (offset % 0x100 == DMA_CONBLK_AD) {
        cr_assert(!(channels[number].status & CS_ACTIVE) && value % 32 == 0);
        channels[number].block = value;
    } else if (offset % 0x100 == DMA_CS) {
        uint32_t status = channels[number].status & ~(value & (CS_END | CS_INTERRUPT));
        bool is_active = value & CS_ACTIVE && channels[number].block != 0;
        channels[number].status = value & CS_RESET ? 0 : (status & ~CS_ACTIVE) | is_active;
        if (copies_at_once && is_active) {
            copy(number);
        }
    } else {
        cr_assert(offset % 0x100 == DMA_DEBUG && value == 7);
    }
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-dma");
    device->base = has_device ? &dma_base : NULL;
    return has_device ? 0 : -ENODEV;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    (void)device;
    bool is_mask = !strcmp(property, "brcm,dma-channel-mask");
    cr_assert(is_mask || (!strcmp(property, "interrupts") && index % 3 == 1));
    *value = is_mask ? 0x07f5 : 80 + index / 3;
    return 0;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.ended);
    signals++;
}

int irq_request_owned(unsigned irq, irq_handler *handler, void *argument, struct component *owner)
{
    (void)owner;
    (void)argument;
    cr_assert_eq(handler, handle_interrupt);
    irqs |= 1u << (irq - 112);
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert(!strcmp(kind, COMMAND_KIND) && !strcmp(name, "dma"));
    memcpy(&command, table, size);
    return 1;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    pages_live++;
    return count * PAGE_BYTES <= BYTES ? pages[pages_used++ % 8] : NULL;
}

void page_free(void *freed)
{
    pages_live -= freed != NULL;
}

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

static int run_line(const char *line)
{
    return run_line_with(&command, line);
}

Test(dma, takes_full_channels_that_the_firmware_leaves)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(state.channel_count, 4u);
    cr_expect_eq(irqs, 0x35u, "0, 2, 4, 5");
    cr_expect_eq(enabled, 0x35u);
}

Test(dma, copies_and_tells_the_end)
{
    cr_assert_eq(start(), 0);
    memset(pages[6], 0x5a, BYTES);
    int ticket = dma_submit_copy(pages[7], pages[6], BYTES);
    cr_assert_gt(ticket, 0);
    cr_expect_eq(dma_finish(ticket), -EAGAIN);
    copy(0);
    handle_interrupt((void *)0);
    cr_expect_eq(signals, 1u);
    cr_expect_eq(channels[0].status, CS_END, "the interrupt is off");
    cr_expect_eq(dma_finish(ticket), 0);
    cr_expect_arr_eq(pages[6], pages[7], BYTES);
    cr_expect_eq(dma_finish(ticket), -ENOENT);
}

/* Another CPU has taken the first one's result, and begun a second, before the handler ran. */
Test(dma, a_late_interrupt_does_not_halt_the_next_copy)
{
    cr_assert_eq(start(), 0);
    int first = dma_submit_copy(pages[7], pages[6], 64);
    copy(0);
    cr_assert_eq(dma_finish(first), 0);
    int second = dma_submit_copy(pages[7], pages[6], 64);
    handle_interrupt((void *)0);
    cr_expect(channels[0].status & CS_ACTIVE);
    copy(0);
    handle_interrupt((void *)0);
    cr_expect_eq(signals, 1u);
    cr_expect_eq(dma_finish(second), 0);
}

Test(dma, does_without_an_interrupt_that_is_lost)
{
    cr_assert_eq(start(), 0);
    int ticket = dma_submit_copy(pages[7], pages[6], 64);
    copy(0);
    cr_expect_eq(dma_finish(ticket), 0);
}

Test(dma, has_as_many_copies_under_way_as_channels)
{
    int tickets[4];
    cr_assert_eq(start(), 0);
    for (unsigned i = 0; i < 4; i++) {
        tickets[i] = dma_submit_copy(pages[7] + 64 * i, pages[6], 64);
        cr_expect_gt(tickets[i], 0);
    }
    cr_expect_eq(dma_submit_copy(pages[5], pages[6], 64), -EAGAIN);
    copy(4);
    handle_interrupt((void *)2);
    cr_expect_eq(dma_finish(tickets[2]), 0);
    cr_expect_eq(dma_finish(tickets[1]), -EAGAIN);
    cr_expect_gt(dma_submit_copy(pages[5], pages[6], 64), 0);
}

Test(dma, forgets_a_result_that_nobody_asks_for)
{
    cr_assert_eq(start(), 0);
    copies_at_once = true;
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_gt(dma_submit_copy(pages[7], pages[6], 64), 0);
    }
    cr_expect_eq(dma_submit_copy(pages[7], pages[6], 64), -EAGAIN);
    now_ns += (uint64_t)DMA_KEPT_MS * MS_NS;
    cr_expect_gt(dma_submit_copy(pages[7], pages[6], 64), 0);
}

Test(dma, says_when_the_controller_fails_or_does_not_end)
{
    cr_assert_eq(start(), 0);
    int ticket = dma_submit_copy(pages[7], pages[6], 64);
    channels[0].status |= CS_ERROR;
    handle_interrupt((void *)0);
    cr_expect_eq(dma_finish(ticket), -EIO);
    ticket = dma_submit_copy(pages[7], pages[6], 64);
    cr_expect_eq(dma_finish(ticket), -EAGAIN);
    now_ns += 1100000000u;
    cr_expect_eq(dma_finish(ticket), -EIO);
    cr_expect(!(channels[0].status & CS_ACTIVE), "it is stopped");
    cr_expect_eq(state.errors, 2u);
}

Test(dma, refuses_what_makes_no_sense)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(dma_submit_copy(pages[7], pages[6], 0), -EINVAL);
    cr_expect_eq(dma_submit_copy(pages[7], pages[6], 63), -EINVAL);
    cr_expect_eq(dma_submit_copy(pages[7] + 8, pages[6], 64), -EINVAL);
    cr_expect_eq(dma_submit_copy(pages[7], pages[6] + 8, 64), -EINVAL);
    cr_expect_eq(dma_submit_copy(pages[6] + 64, pages[6], 128), -EINVAL, "they overlap");
    cr_expect_eq(dma_submit_copy(pages[7], pages[6], DMA_BYTES_MAX + 64), -EINVAL);
    void *far = (void *)0x40000000;
    cr_expect_eq(dma_submit_copy(pages[7], far, 64), -EFAULT, "beyond the first GiB");
    cr_expect_eq(dma_finish(1), -ENOENT);
}

Test(dma, copies_for_a_trial)
{
    cr_assert_eq(start(), 0);
    int live = pages_live;
    copies_at_once = true;
    cr_expect_eq(run_line("dma check"), -ENOENT);
    cr_expect_eq(run_line("dma copy 8"), 0);
    cr_expect_eq(run_line("dma copy 8"), -EBUSY);
    cr_expect_eq(run_line("dma check"), 0);
    cr_expect_str_eq(said, "8192 bytes copied, 0 words wrong\n");
    is_spoilt = true;
    cr_expect_eq(run_line("dma copy 4"), 0);
    cr_expect_eq(run_line("dma check"), -EIO);
    cr_expect_str_eq(said, "4096 bytes copied, 1 words wrong\n");
    cr_expect_eq(pages_live, live);
    cr_expect_eq(run_line("dma copy 1025"), -EINVAL);
    cr_expect_eq(run_line("dma copy 3"), -EINVAL);
    cr_expect_eq(run_line("dma copy 0"), -EINVAL);
    cr_expect_eq(run_line("dma"), 0);
    cr_expect_str_eq(said, "4 channels, 2 copies, 0 errors\n");
}

Test(dma, says_so_when_there_is_no_controller)
{
    has_device = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(dma_submit_copy(pages[7], pages[6], 64), -ENODEV);
    cr_expect_null(dma_event());
    cr_expect_eq(run_line("dma"), -ENODEV);
}
