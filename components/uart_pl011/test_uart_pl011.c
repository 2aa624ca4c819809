/* SPDX-License-Identifier: MIT */
/* The driver against a model of the mini UART: two FIFOs of eight bytes and a level-triggered
 * interrupt. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define component_self uart_pl011_test_self
#define device_claim_owned uart_pl011_test_device_claim
#define device_read_console_baud uart_pl011_test_device_read_console_baud
#define event_init_owned uart_pl011_test_event_init
#define event_signal uart_pl011_test_event_signal
#define irq_request_owned uart_pl011_test_irq_request
#define mmio_read32 uart_pl011_test_mmio_read32
#define mmio_write32 uart_pl011_test_mmio_write32
#define offer_add_owned uart_pl011_test_offer_add
#define pin_set_function uart_pl011_test_pin_set_function
#define time_now_ns uart_pl011_test_time_now_ns

#include "uart_pl011.c"

#define FIFO_BYTES 32u

struct component {
    int unused;
};
struct component component_self;

static char uart_base; /* only its address matters */
static uint64_t now_ns;
static struct {
    uint32_t interrupts, raw, control, line, divisor, fraction, levels;
    uint16_t received[FIFO_BYTES];
    uint8_t transmitted[FIFO_BYTES];
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
    cr_assert_eq(base, &uart_base);
    if (offset == UART_DR) {
        cr_assert_neq(model.received_head, model.received_tail, "read of an empty FIFO");
        uint32_t data = model.received[model.received_tail++ % FIFO_BYTES];
        data |= model.is_overrun ? DR_OVERRUN : 0;
        model.is_overrun = false;
        if (model.received_head == model.received_tail) {
            model.raw &= ~INT_RECEIVE_TIMEOUT;
        }
        return data;
    }
    if (offset == UART_FR) {
        uint32_t used = model.transmitted_head - model.transmitted_tail;
        return (used > 0 ? FR_BUSY : 0) | (used == FIFO_BYTES ? FR_TRANSMIT_FULL : 0) |
               (model.received_head == model.received_tail ? FR_RECEIVE_EMPTY : 0);
    }
    if (offset == UART_CR) {
        return model.control;
    }
    if (offset == UART_LCR_H) {
        return model.line;
    }
    cr_assert_eq(offset, UART_IBRD);
    return model.divisor;
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    cr_assert_eq(base, &uart_base);
    if (offset == UART_DR) {
        cr_assert_lt(model.transmitted_head - model.transmitted_tail, FIFO_BYTES, "FIFO is full");
        model.transmitted[model.transmitted_head++ % FIFO_BYTES] = (uint8_t)value;
        if (model.transmitted_head - model.transmitted_tail > FIFO_BYTES / 2) {
            model.raw &= ~INT_TRANSMIT;
        }
    } else if (offset == UART_IMSC) {
        model.interrupts = value;
    } else if (offset == UART_ICR) {
        model.raw &= ~value;
    } else if (offset == UART_IFLS) {
        model.levels = value;
    } else if (offset == UART_CR) {
        model.control = value;
    } else {
        cr_assert_not(model.control & CR_ENABLE, "to be set while the UART is off");
        *(offset == UART_IBRD   ? &model.divisor
          : offset == UART_FBRD ? &model.fraction
                                : &model.line) = value;
    }
}

static bool is_raised(void)
{
    return (model.interrupts & model.raw) != 0;
}

/* The line takes a byte; the interrupt comes when that leaves the FIFO at its trigger level. */
static uint8_t line_takes(void)
{
    uint8_t byte = model.transmitted[model.transmitted_tail++ % FIFO_BYTES];
    if (model.transmitted_head - model.transmitted_tail == FIFO_BYTES / 2) {
        model.raw |= INT_TRANSMIT;
    }
    return byte;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "arm,pl011");
    *device = (struct device){.base = &uart_base, .irq = 153, .is_console = is_console};
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
    cr_assert_eq(irq, 153u);
    handler = function;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, SERIAL_KIND);
    cr_assert_str_eq(name, "uart_pl011");
    cr_assert_leq(size, (size_t)OFFER_BYTES);
    memcpy(&port, table, sizeof(port));
    return 1;
}

int pin_set_function(unsigned pin, unsigned function)
{
    cr_assert((pin == 14 || pin == 15) && function == PIN_ALT0);
    pins |= 1u << pin;
    return 0;
}

/* A byte comes from the line. False: the FIFO is full, it is lost. */
static bool line_sends(uint16_t data)
{
    if (model.received_head - model.received_tail == FIFO_BYTES) {
        model.is_overrun = true;
        return false;
    }
    model.received[model.received_head++ % FIFO_BYTES] = data;
    if (model.received_head - model.received_tail == FIFO_BYTES / 8) {
        model.raw |= INT_RECEIVE;
    }
    return true;
}

/* Nothing comes for 32 bits. */
static void line_is_silent(void)
{
    if (model.received_head != model.received_tail) {
        model.raw |= INT_RECEIVE_TIMEOUT;
    }
}

static void interrupt(void)
{
    if (is_raised()) {
        handler(NULL);
    }
}

Test(uart_pl011, starts_as_the_console_and_leaves_the_boot_loaders_settings)
{
    model.control = CR_ENABLE | CR_TRANSMIT | CR_RECEIVE;
    model.line = LCR_H_8BIT | LCR_H_FIFOS;
    model.divisor = 99;
    (void)line_sends('x'); /* before there was a handler */
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 99u);
    cr_expect_eq(model.interrupts, INT_RECEIVED);
    cr_expect_eq(pins, 1u << 14 | 1u << 15);
    cr_expect_eq(port.is_console, 1u);
    cr_expect_eq(health(), 0);
    char byte = 0;
    cr_expect_eq(port.read(&byte, 1), 1);
    cr_expect_eq(byte, 'x');
}

Test(uart_pl011, sets_itself_up_when_nobody_has_and_keeps_off_the_pins)
{
    is_console = false;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 26u); /* 48 MHz / 16 / 115200 = 26 + 3/64 */
    cr_expect_eq(model.fraction, 3u);
    cr_expect_eq(model.line, 0x70u);
    cr_expect_eq(model.control, 0x301u);
    cr_expect_eq(pins, 0u);
}

Test(uart_pl011, takes_the_rate_that_the_device_tree_wants)
{
    model.control = 0x301;
    model.line = 0x70;
    model.divisor = 26;
    tree_baud = 921600;
    cr_assert_eq(start(), 0);
    cr_expect_eq(model.divisor, 3u);
    cr_expect_eq(model.fraction, 16u);
}

Test(uart_pl011, makes_the_rates_it_can)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(port.set_baud(9600), 0);
    cr_expect_eq(model.divisor, 312u);
    cr_expect_eq(model.fraction, 32u);
    cr_expect_eq(port.set_baud(921600), 0);
    cr_expect_eq(model.divisor, 3u, "48 MHz / 16 / (3 + 16/64) = 923077 baud");
    cr_expect_eq(model.fraction, 16u);
    cr_expect_eq(port.set_baud(3000000), 0);
    cr_expect_eq(port.set_baud(3000001), -EINVAL);
    cr_expect_eq(port.set_baud(0), -EINVAL);
    cr_expect_eq(port.set_baud(45), -EINVAL, "the divisor has 16 bits");
    cr_expect_eq(port.set_baud(46), 0);
}

Test(uart_pl011, drops_and_counts_bytes_that_came_damaged)
{
    char bytes[8];
    struct serial_counters counters;
    cr_assert_eq(start(), 0);
    (void)line_sends('a');
    (void)line_sends('b' | 1u << 8);      /* framing */
    (void)line_sends(1u << 8 | 1u << 10); /* break */
    (void)line_sends('c');
    interrupt();
    cr_expect_eq(port.read(bytes, sizeof(bytes)), 2);
    cr_expect_arr_eq(bytes, "ac", 2);
    cr_assert_eq(port.read_counters(&counters), 0);
    cr_expect_eq(counters.framing_errors, 2u);
}

Test(uart_pl011, a_full_ring_leaves_bytes_in_the_hardware)
{
    uint8_t buffer[512];
    cr_assert_eq(start(), 0);
    unsigned sent = 0;
    while (line_sends((uint8_t)sent)) {
        sent++;
        line_is_silent();
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
    cr_expect_eq(model.interrupts & INT_RECEIVED, INT_RECEIVED);
    struct serial_counters counters;
    cr_assert_eq(port.read_counters(&counters), 0);
    cr_expect_eq(counters.overruns, 1u);
    cr_expect_eq(counters.received, sent);
}

Test(uart_pl011, tells_a_writer_when_there_is_room)
{
    uint8_t bytes[512] = {0};
    cr_assert_eq(start(), 0);
    while (port.write(bytes, sizeof(bytes)) > 0) {
    }
    cr_expect_eq(state.writable.signals, 0u);
    unsigned sent = 0;
    while (model.transmitted_head != model.transmitted_tail) {
        (void)line_takes();
        sent++;
        interrupt();
    }
    cr_expect_eq(sent, TRANSMIT_BYTES + FIFO_BYTES);
    cr_expect_eq(state.writable.signals, 1u);
    cr_expect_not(is_raised(), "nothing to send, no interrupt");
}

Test(uart_pl011, a_stalled_line_is_not_healthy)
{
    uint8_t bytes[64] = {0};
    cr_assert_eq(start(), 0);
    cr_assert_eq(port.write(bytes, sizeof(bytes)), 64);
    cr_expect_eq(health(), 0);
    now_ns += STALL_NS + 100;
    cr_expect_eq(health(), -EIO);
}

Test(uart_pl011, stop_leaves_no_interrupt_behind)
{
    cr_assert_eq(start(), 0);
    stop();
    cr_expect_eq(model.interrupts, 0u);
    (void)line_sends(1);
    handler(NULL); /* one that was under way */
    cr_expect_eq(model.interrupts, 0u);
}

/* Bytes both ways, interrupts and calls in any order: none lost, none doubled, nothing stuck. */
Test(uart_pl011, loses_nothing_and_doubles_nothing)
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
                cr_assert_eq(line_takes(), (uint8_t)(line_got * 11));
                line_got++;
            }
        } else if (choice == 7) {
            if (random() % 4 == 0) {
                line_is_silent();
            }
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
        cr_assert_eq(line_takes(), (uint8_t)(line_got * 11));
        line_got++;
        interrupt();
    }
    cr_expect_gt(read, 1000u);
    cr_expect_gt(line_got, 10000u);
    int count;
    line_is_silent();
    interrupt();
    while ((count = port.read(bytes, sizeof(bytes))) > 0) {
        read += (uint32_t)count;
    }
    cr_expect_eq(read, line_sent);
    cr_expect_eq(written, line_got);
}
