/* SPDX-License-Identifier: MIT */
/* The driver against a model of the mini UART: two FIFOs of eight bytes and a level-triggered
 * interrupt. */
#include <criterion/criterion.h>
#include <stdlib.h>

#ifndef CONFIG_UART_MINI_CLOCK_MHZ
#define CONFIG_UART_MINI_CLOCK_MHZ 500
#endif

#define component_self uart_mini_test_self
#define device_claim_owned uart_mini_test_device_claim
#define device_read_console_baud uart_mini_test_device_read_console_baud
#define event_init_owned uart_mini_test_event_init
#define event_signal uart_mini_test_event_signal
#define irq_request_owned uart_mini_test_irq_request
#define mmio_read32 uart_mini_test_mmio_read32
#define mmio_write32 uart_mini_test_mmio_write32
#define offer_add_owned uart_mini_test_offer_add
#define pin_set_function uart_mini_test_pin_set_function
#define time_now_ns uart_mini_test_time_now_ns

#include "uart_mini.c"

#define FIFO_BYTES 8u

struct component {
    int unused;
};
struct component component_self;

static char aux_base, uart_base; /* only their addresses matter */
static uint64_t now_ns;
static struct {
    uint32_t enables, interrupts, control, divisor;
    uint8_t received[FIFO_BYTES], transmitted[FIFO_BYTES];
    uint32_t received_head, received_tail, transmitted_head, transmitted_tail;
    bool is_overrun;
} model;
static irq_handler *handler;
static struct serial_ops port;
static bool is_console = true;
static uint32_t tree_baud; /* 0: the device tree names none */
static unsigned pins;

uint64_t time_now_ns(void)
{
    return now_ns++;
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    if (base == &aux_base) {
        cr_assert_eq(offset, AUX_ENABLES);
        return model.enables;
    }
    cr_assert_eq(base, &uart_base);
    cr_assert(model.enables & 1, "registers are dead while the UART is off");
    if (offset == MU_IO) {
        cr_assert_neq(model.received_head, model.received_tail, "read of an empty FIFO");
        return model.received[model.received_tail++ % FIFO_BYTES];
    }
    if (offset == MU_LSR) {
        uint32_t room = FIFO_BYTES - (model.transmitted_head - model.transmitted_tail);
        uint32_t status = (model.received_head != model.received_tail ? 1u : 0) |
                          (model.is_overrun ? 2u : 0) | (room > 0 ? 0x20u : 0) |
                          (room == FIFO_BYTES ? 0x40u : 0);
        model.is_overrun = false;
        return status;
    }
    cr_assert_eq(offset, MU_BAUD);
    return model.divisor;
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    if (base == &aux_base) {
        cr_assert_eq(offset, AUX_ENABLES);
        model.enables = value;
    } else if (offset == MU_IO) {
        cr_assert_lt(model.transmitted_head - model.transmitted_tail, FIFO_BYTES, "FIFO is full");
        model.transmitted[model.transmitted_head++ % FIFO_BYTES] = (uint8_t)value;
    } else if (offset == MU_IER) {
        model.interrupts = value;
    } else if (offset == MU_BAUD) {
        model.divisor = value;
    } else if (offset == MU_CNTL) {
        model.control = value;
    } else {
        cr_assert(offset == MU_LCR ? value == 3 : offset == MU_MCR && value == 0);
    }
}

/* The interrupt's line: a level, as long as its cause is there. */
static bool is_raised(void)
{
    return (model.interrupts & 1 && model.received_head != model.received_tail) ||
           (model.interrupts & 2 && model.transmitted_head == model.transmitted_tail);
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    bool is_aux = strcmp(compatible, "brcm,bcm2835-aux") == 0;
    *device = (struct device){.base = is_aux ? &aux_base : &uart_base,
                              .irq = is_aux ? -1 : 125,
                              .is_console = !is_aux && is_console};
    return 0;
}

int device_read_console_baud(uint32_t *baud)
{
    cr_assert(is_console);
    *baud = tree_baud ? tree_baud : *baud;
    return tree_baud ? 0 : -ENOENT;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    event->signals++;
}

int irq_request_owned(unsigned irq, irq_handler *function, void *argument, struct component *owner)
{
    (void)argument;
    (void)owner;
    cr_assert_eq(irq, 125u);
    handler = function;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, SERIAL_KIND);
    cr_assert_str_eq(name, "uart_mini");
    cr_assert_leq(size, (size_t)OFFER_BYTES);
    memcpy(&port, table, sizeof(port));
    return 1;
}

int pin_set_function(unsigned pin, unsigned function)
{
    cr_assert((pin == 14 || pin == 15) && function == PIN_ALT5);
    pins |= 1u << pin;
    return 0;
}

/* A byte comes from the line. False: the FIFO is full, it is lost. */
static bool line_sends(uint8_t byte)
{
    if (model.received_head - model.received_tail == FIFO_BYTES) {
        model.is_overrun = true;
        return false;
    }
    model.received[model.received_head++ % FIFO_BYTES] = byte;
    return true;
}

static void interrupt(void)
{
    if (is_raised()) {
        handler(NULL);
    }
}

Test(uart_mini, starts_as_the_console_and_leaves_the_boot_loaders_divisor)
{
    model.enables = 1;
    model.divisor = 541;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 541u);
    cr_expect_eq(model.control, 3u);
    cr_expect_eq(model.interrupts, 0xdu, "receive only, and the two bits it needs");
    cr_expect_eq(pins, 1u << 14 | 1u << 15);
    cr_expect_eq(port.is_console, 1u);
    cr_expect_eq(health(), 0);
}

Test(uart_mini, sets_itself_up_when_nobody_has_and_keeps_off_the_pins)
{
    is_console = false;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.enables, 1u);
    cr_expect_eq(model.divisor, 542u);
    cr_expect_eq(pins, 0u);
}

Test(uart_mini, takes_the_rate_that_the_device_tree_wants)
{
    model.enables = 1;
    model.divisor = 541;
    tree_baud = 921600;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 67u);
}

Test(uart_mini, leaves_the_boot_loaders_divisor_when_the_device_tree_wants_its_rate)
{
    model.enables = 1;
    model.divisor = 270; /* of another clock than the one we believe in */
    tree_baud = 115200;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 270u);
}

Test(uart_mini, is_a_console_also_when_the_rate_cannot_be_made)
{
    model.enables = 1;
    tree_baud = 50000000;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 542u);
}

Test(uart_mini, makes_the_rates_it_can)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(port.set_baud(9600), 0);
    cr_expect_eq(model.divisor, 6509u);
    cr_expect_eq(port.set_baud(921600), 0);
    cr_expect_eq(model.divisor, 67u, "500 MHz / 8 / 68 = 919118 baud");
    cr_expect_eq(port.set_baud(230400), 0);
    cr_expect_eq(model.divisor, 270u);
    cr_expect_eq(port.set_baud(0), -EINVAL);
    cr_expect_eq(port.set_baud(300), -EINVAL, "the divisor has 16 bits");
    cr_expect_eq(port.set_baud(62500000), 0);
    cr_expect_eq(port.set_baud(50000000), -EINVAL, "no divisor within 2 %");
    cr_expect_eq(port.set_baud(UINT32_MAX), -EINVAL);
}

Test(uart_mini, a_full_ring_leaves_bytes_in_the_hardware)
{
    uint8_t buffer[512];
    cr_assert_eq(start(), 0);
    unsigned sent = 0;
    while (line_sends((uint8_t)sent)) {
        sent++;
        interrupt();
        cr_assert_lt(sent, 10000u);
    }
    cr_expect_eq(sent, RECEIVE_BYTES + FIFO_BYTES);
    cr_expect_not(is_raised(), "it would be raised for ever");
    unsigned read = 0;
    int count;
    while ((count = port.read(buffer, sizeof(buffer))) > 0) {
        for (int i = 0; i < count; i++) {
            cr_assert_eq(buffer[i], (uint8_t)read++);
        }
    }
    cr_expect_eq(read, sent);
    cr_expect_eq(count, -EAGAIN);
    cr_expect(model.interrupts & 1);
    struct serial_counters counters;
    cr_assert_eq(port.read_counters(&counters), 0);
    cr_expect_eq(counters.overruns, 1u);
    cr_expect_eq(counters.received, sent);
}

Test(uart_mini, tells_a_writer_when_there_is_room)
{
    uint8_t bytes[512] = {0};
    cr_assert_eq(start(), 0);
    while (port.write(bytes, sizeof(bytes)) > 0) {
    }
    cr_expect_eq(state.writable.signals, 0u);
    unsigned sent = 0;
    while (model.transmitted_head != model.transmitted_tail) {
        model.transmitted_tail++;
        sent++;
        interrupt();
    }
    cr_expect_eq(sent, TRANSMIT_BYTES + FIFO_BYTES);
    cr_expect_eq(state.writable.signals, 1u);
    cr_expect_not(is_raised(), "nothing to send, no interrupt");
}

Test(uart_mini, a_stalled_line_is_not_healthy)
{
    uint8_t bytes[64] = {0};
    cr_assert_eq(start(), 0);
    cr_assert_eq(port.write(bytes, sizeof(bytes)), 64);
    cr_expect_eq(health(), 0);
    now_ns += STALL_NS + 100;
    cr_expect_eq(health(), -EIO);
}

Test(uart_mini, stop_leaves_no_interrupt_behind)
{
    cr_assert_eq(start(), 0);
    stop();
    cr_expect_eq(model.interrupts, 0u);
    (void)line_sends(1);
    handler(NULL); /* one that was under way */
    cr_expect_eq(model.interrupts, 0u);
}

/* Bytes both ways, interrupts and calls in any order: none lost, none doubled, nothing stuck. */
Test(uart_mini, loses_nothing_and_doubles_nothing)
{
    uint8_t bytes[700];
    uint32_t line_sent = 0, read = 0, written = 0, line_got = 0;
    cr_assert_eq(start(), 0);
    srandom(4);
    for (unsigned i = 0; i < 400000; i++) {
        long choice = random() % 10;
        if (choice < 3) {
            if (model.received_head - model.received_tail < FIFO_BYTES) {
                cr_assert(line_sends((uint8_t)(line_sent * 7)));
                line_sent++;
            }
        } else if (choice < 7) {
            if (model.transmitted_head != model.transmitted_tail) {
                uint8_t byte = model.transmitted[model.transmitted_tail++ % FIFO_BYTES];
                cr_assert_eq(byte, (uint8_t)(line_got * 11));
                line_got++;
            }
        } else if (choice == 7) {
            interrupt();
        } else if (choice == 8) {
            int count = port.read(bytes, 1 + (size_t)random() % 20);
            for (int j = 0; j < count; j++) {
                cr_assert_eq(bytes[j], (uint8_t)(read * 7));
                read++;
            }
        } else if (random() % 100 == 0) {
            size_t size = 1 + (size_t)random() % sizeof(bytes);
            for (size_t j = 0; j < size; j++) {
                bytes[j] = (uint8_t)((written + j) * 11);
            }
            int count = port.write(bytes, size);
            written += count > 0 ? (uint32_t)count : 0;
        }
    }
    while (line_got < written) { /* the rest comes by interrupts alone */
        cr_assert_neq(model.transmitted_head, model.transmitted_tail, "sending has stopped");
        cr_assert_eq(model.transmitted[model.transmitted_tail++ % FIFO_BYTES],
                     (uint8_t)(line_got * 11));
        line_got++;
        interrupt();
    }
    cr_expect_gt(read, 1000u);
    cr_expect_gt(line_got, 10000u);
    int count;
    interrupt();
    while ((count = port.read(bytes, sizeof(bytes))) > 0) {
        read += (uint32_t)count;
    }
    cr_expect_eq(read, line_sent);
    cr_expect_eq(written, line_got);
}
