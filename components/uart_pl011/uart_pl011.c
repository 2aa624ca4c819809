/* SPDX-License-Identifier: MIT */
/*
 * The PL011 UART (ARM DDI 0183, PrimeCell UART technical reference manual, chapter 3).
 *
 * A ring each way lies in the state; the interrupt moves bytes between rings and hardware. All of
 * it, registers included, is guarded by one spinlock, so that a writer and the interrupt may race.
 * A replacement finds rings and hardware as they are: no call and no interrupt is inside at that
 * moment, and an interrupt raised meanwhile stays up until the FIFOs have been served.
 */
#include <errno.h>

#include <interface/serial.h>
#include <lib/ring.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/time.h>

/* 3.2: summary of registers */
#define UART_DR 0x00
#define UART_FR 0x18
#define UART_IBRD 0x24
#define UART_FBRD 0x28
#define UART_LCR_H 0x2c
#define UART_CR 0x30
#define UART_IFLS 0x34
#define UART_IMSC 0x38
#define UART_ICR 0x44

#define DR_BAD (7u << 8) /* framing, parity, break */
#define DR_OVERRUN (1u << 11)
#define FR_BUSY (1u << 3)
#define FR_RECEIVE_EMPTY (1u << 4)
#define FR_TRANSMIT_FULL (1u << 5)
#define LCR_H_FIFOS (1u << 4)
#define LCR_H_8BIT (3u << 5)
#define CR_ENABLE (1u << 0)
#define CR_TRANSMIT (1u << 8)
#define CR_RECEIVE (1u << 9)
#define IFLS_HALF_SENT (2u << 0)       /* interrupt when the transmit FIFO falls to a half */
#define IFLS_EIGHTH_RECEIVED (0u << 3) /* and when the receive FIFO rises to an eighth */
#define INT_RECEIVE (1u << 4)
#define INT_TRANSMIT (1u << 5)
#define INT_RECEIVE_TIMEOUT (1u << 6)
#define INT_RECEIVED (INT_RECEIVE | INT_RECEIVE_TIMEOUT)
#define INT_ALL 0x7ffu

/* The firmware's init_uart_clock, unless config.txt says otherwise. */
#define CLOCK_HZ 48000000u
#define CONSOLE_BAUD 115200u
#define PIN_TRANSMIT 14u
#define PIN_RECEIVE 15u

#define RECEIVE_BYTES 4096u
#define TRANSMIT_BYTES 16384u
#define COPY_BYTES 512u /* at once, with interrupts off */
#define IDLE_DEADLINE_NS 10000000u
#define STOP_DEADLINE_NS 100000000u
#define STALL_NS 2000000000u

struct uart_pl011 {
    struct device device;
    struct event readable;
    struct event writable;

    struct spinlock lock; /* guards what follows, and the UART's registers */
    uint32_t interrupts;  /* what UART_IMSC holds */
    uint32_t is_writer_waiting;
    uint32_t is_stopped;
    struct ring received;
    struct ring transmitted;
    struct serial_counters counters;
    uint64_t progress_ns; /* when a byte was sent last, or when there was none to send */
    uint8_t receive_bytes[RECEIVE_BYTES];
    uint8_t transmit_bytes[TRANSMIT_BYTES];
};

STATE(struct uart_pl011) state = {};

static void set_interrupts(uint32_t interrupts)
{
    if (state.is_stopped) {
        interrupts = 0;
    }
    if (interrupts != state.interrupts) {
        state.interrupts = interrupts;
        mmio_write32(state.device.base, UART_IMSC, interrupts);
    }
}

/*
 * Empties the FIFO into the ring. When the ring is full, bytes stay in the FIFO and its interrupt
 * is held back until somebody reads: what overflows then is counted by the hardware. Lock held.
 */
static bool receive(void)
{
    bool has_received = false;

    while (!(mmio_read32(state.device.base, UART_FR) & FR_RECEIVE_EMPTY)) {
        if (ring_used(&state.received) == RECEIVE_BYTES) {
            set_interrupts(state.interrupts & ~INT_RECEIVED);
            return has_received;
        }
        uint32_t data = mmio_read32(state.device.base, UART_DR);
        state.counters.overruns += (data & DR_OVERRUN) != 0;
        if (data & DR_BAD) {
            state.counters.framing_errors++;
            continue;
        }
        ring_put_byte(&state.received, state.receive_bytes, RECEIVE_BYTES, (uint8_t)data);
        state.counters.received++;
        has_received = true;
    }
    set_interrupts(state.interrupts | INT_RECEIVED);
    return has_received;
}

/*
 * Fills the FIFO from the ring; its interrupt is wanted as long as the ring holds bytes. That one
 * is raised by the FIFO *falling* to its trigger level (3.4.3), never by being low: so it is only
 * waited for when the FIFO has just been filled to the brim. Lock held.
 */
static void transmit(void)
{
    bool has_sent = false;

    while (ring_used(&state.transmitted) > 0 &&
           !(mmio_read32(state.device.base, UART_FR) & FR_TRANSMIT_FULL)) {
        mmio_write32(state.device.base, UART_DR,
                     ring_take_byte(&state.transmitted, state.transmit_bytes, TRANSMIT_BYTES));
        state.counters.sent++;
        has_sent = true;
    }
    if (has_sent) {
        state.progress_ns = time_now_ns();
    }
    set_interrupts(ring_used(&state.transmitted) > 0 ? state.interrupts | INT_TRANSMIT
                                                     : state.interrupts & ~INT_TRANSMIT);
}

/* Whether a waiting writer should be told; not for every byte. Lock held. */
static bool take_writer(void)
{
    if (!state.is_writer_waiting || ring_used(&state.transmitted) > TRANSMIT_BYTES / 2) {
        return false;
    }
    state.is_writer_waiting = 0;
    return true;
}

static void handle_interrupt(void *argument)
{
    (void)argument;
    uint64_t daif = spin_lock(&state.lock);
    /* Before the FIFOs are served: an edge that comes meanwhile must stay. */
    mmio_write32(state.device.base, UART_ICR, INT_ALL);
    bool has_received = receive();
    transmit();
    bool has_room = take_writer();
    spin_unlock(&state.lock, daif);

    if (has_received) {
        event_signal(&state.readable);
    }
    if (has_room) {
        event_signal(&state.writable);
    }
}

static int port_read(void *buffer, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    size_t count = ring_take(&state.received, state.receive_bytes, RECEIVE_BYTES, buffer,
                             MIN(size, COPY_BYTES));
    if (!(state.interrupts & INT_RECEIVE)) {
        (void)receive(); /* the caller reads on until -EAGAIN, so needs no signal */
    }
    spin_unlock(&state.lock, daif);
    return count > 0 ? (int)count : -EAGAIN;
}

static int port_write(const void *bytes, size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    if (ring_used(&state.transmitted) == 0) {
        state.progress_ns = time_now_ns();
    }
    size_t count = ring_put(&state.transmitted, state.transmit_bytes, TRANSMIT_BYTES, bytes,
                            MIN(size, COPY_BYTES));
    if (ring_used(&state.transmitted) == TRANSMIT_BYTES) {
        state.is_writer_waiting = 1;
    }
    transmit();
    bool has_room = take_writer();
    spin_unlock(&state.lock, daif);
    if (has_room) {
        event_signal(&state.writable);
    }
    return count > 0 ? (int)count : -EAGAIN;
}

/* 3.3.6: the divisor has 16 bits and a fraction of 6: baud = clock / 16 / (divisor / 64). */
static int find_divisor(uint32_t baud, uint32_t *divisor)
{
    if (baud == 0 || baud > CLOCK_HZ / 16) {
        return -EINVAL;
    }
    *divisor = (CLOCK_HZ * 4 + baud / 2) / baud;
    if (*divisor < 64 || *divisor > 0xffffu << 6) {
        return -EINVAL;
    }
    uint32_t made = CLOCK_HZ * 4 / *divisor;
    uint32_t error = made > baud ? made - baud : baud - made;
    return error > baud / 50 ? -EINVAL : 0;
}

/* 3.3.8: what is under way is sent, off, set, on again. The FIFOs keep what they hold. */
static void set_line(uint32_t divisor)
{
    volatile void *base = state.device.base;
    uint64_t deadline_ns = time_now_ns() + IDLE_DEADLINE_NS;

    while (mmio_read32(base, UART_FR) & FR_BUSY && time_now_ns() < deadline_ns) {
        cpu_relax();
    }
    uint64_t daif = spin_lock(&state.lock);
    mmio_write32(base, UART_CR, 0);
    mmio_write32(base, UART_IBRD, divisor >> 6);
    mmio_write32(base, UART_FBRD, divisor & 63);
    mmio_write32(base, UART_LCR_H, LCR_H_8BIT | LCR_H_FIFOS); /* takes the divisor over as well */
    mmio_write32(base, UART_CR, CR_ENABLE | CR_TRANSMIT | CR_RECEIVE);
    spin_unlock(&state.lock, daif);
}

static int port_set_baud(uint32_t baud)
{
    uint32_t divisor;
    int result = find_divisor(baud, &divisor);
    if (result < 0) {
        return result;
    }
    set_line(divisor);
    return 0;
}

static int port_read_counters(struct serial_counters *counters)
{
    uint64_t daif = spin_lock(&state.lock);
    *counters = state.counters;
    spin_unlock(&state.lock, daif);
    return 0;
}

/* The boot loader talks at the rate of the firmware's; the device tree may want another. */
static uint32_t wanted_baud(void)
{
    uint32_t baud = CONSOLE_BAUD;
    if (state.device.is_console) {
        (void)device_read_console_baud(&baud); /* it need not name one */
    }
    return baud;
}

/* A rate that cannot be made is no reason to have no console. */
static int set_first_baud(uint32_t baud)
{
    if (port_set_baud(baud) == 0) {
        return 0;
    }
    log_warning("uart_pl011: cannot make %u baud", baud);
    return port_set_baud(CONSOLE_BAUD);
}

/* Leaves what the boot loader set up, if it did, and what stands in the FIFOs. */
static int start_hardware(void)
{
    volatile void *base = state.device.base;
    uint32_t wanted_control = CR_ENABLE | CR_TRANSMIT | CR_RECEIVE;

    mmio_write32(base, UART_IMSC, 0);
    bool is_set_up = (mmio_read32(base, UART_CR) & wanted_control) == wanted_control &&
                     mmio_read32(base, UART_LCR_H) == (LCR_H_8BIT | LCR_H_FIFOS) &&
                     mmio_read32(base, UART_IBRD) != 0;
    uint32_t baud = wanted_baud();
    if (!is_set_up || baud != CONSOLE_BAUD) {
        int result = set_first_baud(baud);
        if (result < 0) {
            return result;
        }
    }
    mmio_write32(base, UART_IFLS, IFLS_HALF_SENT | IFLS_EIGHTH_RECEIVED);
    if (state.device.is_console) {
        (void)pin_set_function(PIN_TRANSMIT, PIN_ALT0); /* both exist on this SoC */
        (void)pin_set_function(PIN_RECEIVE, PIN_ALT0);
    }
    return 0;
}

static int start(void)
{
    int result = device_claim("arm,pl011", &state.device);
    if (result < 0) {
        return result;
    }
    if (state.device.irq < 0) {
        return -ENODEV;
    }
    result = start_hardware();
    if (result < 0) {
        return result;
    }
    event_init(&state.readable);
    event_init(&state.writable);
    result = irq_request((unsigned)state.device.irq, handle_interrupt, NULL);
    if (result < 0) {
        return result;
    }
    /* What came before now may have raised its edge already: fetch it by hand. */
    uint64_t daif = spin_lock(&state.lock);
    (void)receive();
    spin_unlock(&state.lock, daif);

    struct serial_ops ops = {
        .read = port_read,
        .write = port_write,
        .set_baud = port_set_baud,
        .read_counters = port_read_counters,
        .readable = &state.readable,
        .writable = &state.writable,
        .is_console = state.device.is_console,
    };
    result = offer_add(SERIAL_KIND, "uart_pl011", &ops, sizeof(ops));
    if (result < 0) {
        mmio_write32(state.device.base, UART_IMSC, 0);
        return result;
    }
    log_info("uart_pl011: at 0x%llx, interrupt %d%s", (unsigned long long)state.device.base_pa,
             state.device.irq, state.device.is_console ? ", console" : "");
    return 0;
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    uint32_t queued = ring_used(&state.transmitted);
    bool is_sane = queued <= TRANSMIT_BYTES && ring_used(&state.received) <= RECEIVE_BYTES &&
                   (mmio_read32(state.device.base, UART_CR) & CR_ENABLE);
    bool is_stalled = queued > 0 && time_now_ns() - state.progress_ns > STALL_NS;
    spin_unlock(&state.lock, daif);
    return is_sane && !is_stalled ? 0 : -EIO;
}

/* Sends what it can within the deadline, then raises no interrupt any more. */
static void stop(void)
{
    uint64_t deadline_ns = time_now_ns() + STOP_DEADLINE_NS;
    bool is_done = false;

    while (!is_done && time_now_ns() < deadline_ns) {
        uint64_t daif = spin_lock(&state.lock);
        transmit();
        is_done = ring_used(&state.transmitted) == 0 &&
                  !(mmio_read32(state.device.base, UART_FR) & FR_BUSY);
        spin_unlock(&state.lock, daif);
        cpu_relax();
    }
    uint64_t daif = spin_lock(&state.lock);
    state.is_stopped = 1;
    set_interrupts(0);
    mmio_write32(state.device.base, UART_ICR, INT_ALL);
    spin_unlock(&state.lock, daif);
}

COMPONENT(uart_pl011, .version = VERSION(1, 0, 0), .summary = "PL011 UART",
          .compatible = "arm,pl011", .start = start, .health = health, .stop = stop);
