/* SPDX-License-Identifier: MIT */
/*
 * The mini UART of the BCM2711's auxiliary block (BCM2711 ARM Peripherals, chapter 2).
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

/* Of the auxiliary block: 2.2 */
#define AUX_ENABLES 0x04
#define AUX_ENABLES_UART (1u << 0)

/* Of the UART: 2.2.2, from its own block's start */
#define MU_IO 0x00
#define MU_IER 0x04
#define MU_LCR 0x0c
#define MU_MCR 0x10
#define MU_LSR 0x14
#define MU_CNTL 0x20
#define MU_BAUD 0x28

/* The datasheet has the two swapped, and bits 3:2 reserved; without those nothing is received. */
#define MU_IER_RECEIVE (1u << 0)
#define MU_IER_TRANSMIT (1u << 1)
#define MU_IER_ALWAYS (3u << 2)
#define MU_LCR_8BIT 3u /* bit 1 is needed as well, against the datasheet */
#define MU_LSR_DATA_READY (1u << 0)
#define MU_LSR_OVERRUN (1u << 1)
#define MU_LSR_TRANSMIT_ROOM (1u << 5)
#define MU_LSR_TRANSMIT_IDLE (1u << 6)
#define MU_CNTL_RECEIVE (1u << 0)
#define MU_CNTL_TRANSMIT (1u << 1)

#define CONSOLE_BAUD 115200u
#define PIN_TRANSMIT 14u
#define PIN_RECEIVE 15u

#define RECEIVE_BYTES 4096u
#define TRANSMIT_BYTES 16384u
#define COPY_BYTES 512u /* at once, with interrupts off */
#define IDLE_DEADLINE_NS 10000000u
#define STOP_DEADLINE_NS 100000000u
#define STALL_NS 2000000000u

struct uart_mini {
    struct device aux;
    struct device device;
    struct event readable;
    struct event writable;

    struct spinlock lock; /* guards what follows, and the UART's registers */
    uint32_t interrupts;  /* what MU_IER holds */
    uint32_t is_writer_waiting;
    uint32_t is_stopped;
    struct ring received;
    struct ring transmitted;
    struct serial_counters counters;
    uint64_t progress_ns; /* when a byte was sent last, or when there was none to send */
    uint8_t receive_bytes[RECEIVE_BYTES];
    uint8_t transmit_bytes[TRANSMIT_BYTES];
};

STATE(struct uart_mini) state = {};

static void set_interrupts(uint32_t interrupts)
{
    if (state.is_stopped) {
        interrupts = 0;
    }
    if (interrupts != state.interrupts) {
        state.interrupts = interrupts;
        mmio_write32(state.device.base, MU_IER, interrupts);
    }
}

/* The line status; its overrun bit goes by being read, so it is counted here. Lock held. */
static uint32_t read_status(void)
{
    uint32_t status = mmio_read32(state.device.base, MU_LSR);
    state.counters.overruns += (status & MU_LSR_OVERRUN) != 0;
    return status;
}

/*
 * Empties the FIFO into the ring. When the ring is full, bytes stay in the FIFO and its interrupt
 * is held back until somebody reads: what overflows then is counted by the hardware. Lock held.
 */
static bool receive(void)
{
    bool has_received = false;

    while (read_status() & MU_LSR_DATA_READY) {
        if (ring_used(&state.received) == RECEIVE_BYTES) {
            set_interrupts(state.interrupts & ~MU_IER_RECEIVE);
            return has_received;
        }
        ring_put_byte(&state.received, state.receive_bytes, RECEIVE_BYTES,
                      (uint8_t)mmio_read32(state.device.base, MU_IO));
        state.counters.received++;
        has_received = true;
    }
    set_interrupts(state.interrupts | MU_IER_RECEIVE);
    return has_received;
}

/* Fills the FIFO from the ring; its interrupt is wanted as long as the ring holds bytes. Lock held.
 */
static void transmit(void)
{
    bool has_sent = false;

    while (ring_used(&state.transmitted) > 0 && read_status() & MU_LSR_TRANSMIT_ROOM) {
        mmio_write32(state.device.base, MU_IO,
                     ring_take_byte(&state.transmitted, state.transmit_bytes, TRANSMIT_BYTES));
        state.counters.sent++;
        has_sent = true;
    }
    if (has_sent) {
        state.progress_ns = time_now_ns();
    }
    set_interrupts(ring_used(&state.transmitted) > 0 ? state.interrupts | MU_IER_TRANSMIT
                                                     : state.interrupts & ~MU_IER_TRANSMIT);
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
    if (!(state.interrupts & MU_IER_RECEIVE)) {
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

/* 2.2.1: baud = clock / (8 * (register + 1)) */
static int port_set_baud(uint32_t baud)
{
    uint32_t clock = CONFIG_UART_MINI_CLOCK_MHZ * 1000000u;
    if (baud == 0 || baud > clock / 8) {
        return -EINVAL;
    }
    uint32_t divisor = (clock / 8 + baud / 2) / baud;
    if (divisor > 0x10000) {
        return -EINVAL;
    }
    uint32_t made = clock / 8 / divisor;
    uint32_t error = made > baud ? made - baud : baud - made;
    if (error > baud / 50) {
        return -EINVAL;
    }
    uint64_t deadline_ns = time_now_ns() + IDLE_DEADLINE_NS;
    bool is_idle;
    do { /* what is under way is sent as it began */
        uint64_t daif = spin_lock(&state.lock);
        is_idle = read_status() & MU_LSR_TRANSMIT_IDLE || time_now_ns() >= deadline_ns;
        if (is_idle) {
            mmio_write32(state.device.base, MU_BAUD, divisor - 1);
        }
        spin_unlock(&state.lock, daif);
        cpu_relax();
    } while (!is_idle);
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
    log_warning("uart_mini: cannot make %u baud", baud);
    return port_set_baud(CONSOLE_BAUD);
}

/* Leaves what the boot loader set up and what stands in the FIFOs: output goes on without a gap. */
static int start_hardware(void)
{
    volatile void *base = state.device.base;
    uint32_t enables = mmio_read32(state.aux.base, AUX_ENABLES);

    mmio_write32(state.aux.base, AUX_ENABLES, enables | AUX_ENABLES_UART);
    mmio_write32(base, MU_IER, state.interrupts);
    mmio_write32(base, MU_LCR, MU_LCR_8BIT);
    mmio_write32(base, MU_MCR, 0);
    uint32_t baud = wanted_baud();
    bool is_set_up = enables & AUX_ENABLES_UART && mmio_read32(base, MU_BAUD) != 0;
    if (!is_set_up || baud != CONSOLE_BAUD) {
        int result = set_first_baud(baud);
        if (result < 0) {
            return result;
        }
    }
    mmio_write32(base, MU_CNTL, MU_CNTL_RECEIVE | MU_CNTL_TRANSMIT);
    if (state.device.is_console) {
        (void)pin_set_function(PIN_TRANSMIT, PIN_ALT5); /* both exist on this SoC */
        (void)pin_set_function(PIN_RECEIVE, PIN_ALT5);
    }
    return 0;
}

static int start(void)
{
    int result = device_claim("brcm,bcm2835-aux", &state.aux);
    if (result < 0) {
        return result;
    }
    result = device_claim("brcm,bcm2835-aux-uart", &state.device);
    if (result < 0) {
        return result;
    }
    if (state.device.irq < 0) {
        return -ENODEV;
    }
    state.interrupts = MU_IER_ALWAYS; /* here: a state of zeroes takes no room in the package */
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
    uint64_t daif = spin_lock(&state.lock);
    set_interrupts(state.interrupts | MU_IER_RECEIVE);
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
    result = offer_add(SERIAL_KIND, "uart_mini", &ops, sizeof(ops));
    if (result < 0) {
        mmio_write32(state.device.base, MU_IER, 0);
        return result;
    }
    log_info("uart_mini: at 0x%llx, interrupt %d%s", (unsigned long long)state.device.base_pa,
             state.device.irq, state.device.is_console ? ", console" : "");
    return 0;
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    uint32_t queued = ring_used(&state.transmitted);
    bool is_sane = queued <= TRANSMIT_BYTES && ring_used(&state.received) <= RECEIVE_BYTES &&
                   (mmio_read32(state.aux.base, AUX_ENABLES) & AUX_ENABLES_UART);
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
        is_done = ring_used(&state.transmitted) == 0 && (read_status() & MU_LSR_TRANSMIT_IDLE);
        spin_unlock(&state.lock, daif);
        cpu_relax();
    }
    uint64_t daif = spin_lock(&state.lock);
    state.is_stopped = 1;
    set_interrupts(0);
    spin_unlock(&state.lock, daif);
}

COMPONENT(uart_mini, .version = VERSION(1, 0, 0), .summary = "Mini UART of the BCM2711",
          .compatible = "brcm,bcm2835-aux-uart", .start = start, .health = health, .stop = stop);
