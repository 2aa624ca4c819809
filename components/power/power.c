/* SPDX-License-Identifier: MIT */
/*
 * The power management block: restart, power-off, watchdog.
 *
 * No datasheet of the BCM2711 describes the block. What is relied on is what the device-tree
 * binding brcm,bcm2835-pm-wdt and the drivers behind it have in common: each write carries a
 * password in its upper byte; PM_WDOG counts 65536ths of a second down in 20 bits; a full reset is
 * chosen in bits 5:4 of PM_RSTC, and happens when PM_WDOG comes to its end. PM_RSTS outlives a
 * reset: the boot ROM takes the partition to boot from out of its bits 0, 2, 4, 6, 8 and 10, and
 * the firmware halts when told to boot from partition 63.
 *
 * Requests and the watchdog's timeout lie in the state, and the worker belongs to the component: a
 * successor goes on to keep the watchdog alive, and to go down if that has been asked for.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/power.h>
#include <interface/watchdog.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>
#include <neurath/time.h>

#define PM_RSTC 0x1c
#define PM_RSTS 0x20
#define PM_WDOG 0x24

#define PM_PASSWORD 0x5a000000u
#define PM_VALUE 0x00ffffffu
#define RSTC_CONFIGURATION (3u << 4)
#define RSTC_FULL_RESET (2u << 4)
#define RSTC_STOPPED 0x102u /* its value after a reset */
#define RSTS_PARTITION 0x555u
#define WDOG_TIME 0xfffffu
#define WDOG_TICKS_PER_S 65536u

#define RESET_TICKS 10u
#define KEEPS_PER_TIMEOUT 3u
#define MS_NS 1000000u

enum going { GOING_ON, GOING_TO_RESTART, GOING_OFF, GONE };

struct power {
    struct device device; /* base NULL: there is none */
    struct event wake;    /* the worker's */
    struct spinlock lock; /* guards what follows, and the registers */
    uint32_t going;       /* enum going */
    uint32_t timeout_ms;  /* of the watchdog; 0: it does not run */
    uint32_t is_guarding;
    uint64_t down_ns; /* when to go down */
    uint64_t keep_ns; /* when to keep the watchdog alive next */
    uint64_t kept_alive;
};

STATE(struct power) state = {};

static uint32_t read_register(size_t offset)
{
    return mmio_read32(state.device.base, offset) & PM_VALUE;
}

static void write_register(size_t offset, uint32_t value)
{
    mmio_write32(state.device.base, offset, PM_PASSWORD | value);
}

/* Lock held. */
static void arm(uint32_t ticks)
{
    write_register(PM_WDOG, ticks & WDOG_TIME);
    write_register(PM_RSTC, (read_register(PM_RSTC) & ~RSTC_CONFIGURATION) | RSTC_FULL_RESET);
}

/* Lock held. */
static void arm_watchdog(void)
{
    arm((uint32_t)((uint64_t)state.timeout_ms * WDOG_TICKS_PER_S / 1000));
    state.keep_ns = time_now_ns() + (uint64_t)state.timeout_ms * MS_NS / KEEPS_PER_TIMEOUT;
}

/* The boot ROM is told where to boot from; then there is no way back. Lock held. */
static void go_down(void)
{
    uint32_t status = read_register(PM_RSTS) & ~RSTS_PARTITION;
    write_register(PM_RSTS, state.going == GOING_OFF ? status | RSTS_PARTITION : status);
    arm(RESET_TICKS);
    state.going = GONE;
}

/* Microseconds until a time, at least 1. */
static int until_us(uint64_t deadline_ns, uint64_t now_ns)
{
    return deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / 1000) + 1 : 1;
}

static int step(void *argument)
{
    (void)argument;
    int result = -EAGAIN;
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    if (state.going == GOING_TO_RESTART || state.going == GOING_OFF) {
        if (now_ns >= state.down_ns) {
            go_down();
        } else {
            result = until_us(state.down_ns, now_ns);
        }
    } else if (state.going == GOING_ON && state.is_guarding) {
        if (now_ns >= state.keep_ns) {
            arm_watchdog();
            state.kept_alive++;
        }
        result = until_us(state.keep_ns, now_ns);
    }
    spin_unlock(&state.lock, daif);
    return result;
}

static int begin_to_go(enum going going)
{
    if (!state.device.base) {
        return -ENODEV;
    }
    uint64_t daif = spin_lock(&state.lock);
    int result = state.going == GOING_ON ? 0 : -EALREADY;
    if (result == 0) {
        state.going = going;
        state.down_ns = time_now_ns() + POWER_DELAY_MS * (uint64_t)MS_NS;
    }
    spin_unlock(&state.lock, daif);
    if (result == 0) {
        log_info("power: the machine %s", going == GOING_OFF ? "goes off" : "restarts");
        event_signal(&state.wake);
    }
    return result;
}

int power_restart(void)
{
    return begin_to_go(GOING_TO_RESTART);
}

int power_off(void)
{
    return begin_to_go(GOING_OFF);
}

static int start_watchdog(uint32_t timeout_ms, bool is_guarding)
{
    if (!state.device.base) {
        return -ENODEV;
    }
    if (timeout_ms < WATCHDOG_TIMEOUT_MS_MIN || timeout_ms > WATCHDOG_TIMEOUT_MS_MAX) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    if (state.going == GOING_ON) { /* else it is under way to more than that */
        state.timeout_ms = timeout_ms;
        state.is_guarding = is_guarding;
        arm_watchdog();
    }
    spin_unlock(&state.lock, daif);
    event_signal(&state.wake);
    return 0;
}

int watchdog_start(uint32_t timeout_ms)
{
    return start_watchdog(timeout_ms, false);
}

int watchdog_guard(uint32_t timeout_ms)
{
    return start_watchdog(timeout_ms, true);
}

int watchdog_keep_alive(void)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&state.lock);
    if (state.timeout_ms) {
        if (state.going == GOING_ON) {
            arm_watchdog();
        }
        state.kept_alive++;
        result = 0;
    }
    spin_unlock(&state.lock, daif);
    return result;
}

int watchdog_stop(void)
{
    if (!state.device.base) {
        return -ENODEV;
    }
    uint64_t daif = spin_lock(&state.lock);
    if (state.going == GOING_ON && state.timeout_ms) {
        write_register(PM_RSTC, RSTC_STOPPED);
    }
    state.timeout_ms = 0;
    state.is_guarding = 0;
    spin_unlock(&state.lock, daif);
    return 0;
}

int watchdog_read_status(struct watchdog_status *status)
{
    if (!state.device.base) {
        return -ENODEV;
    }
    uint64_t daif = spin_lock(&state.lock);
    *status = (struct watchdog_status){.timeout_ms = state.timeout_ms,
                                       .is_guarding = state.is_guarding,
                                       .kept_alive = state.kept_alive};
    if (state.timeout_ms) {
        uint64_t ticks = read_register(PM_WDOG) & WDOG_TIME;
        status->left_ms = (uint32_t)(ticks * 1000 / WDOG_TICKS_PER_S);
    }
    spin_unlock(&state.lock, daif);
    return 0;
}

static int run_reboot(int count, char *const words[], struct command_output *output)
{
    (void)words;
    int result = count == 1 ? power_restart() : -EINVAL;
    command_print(output, result == 0           ? "restarting\n"
                          : result == -EALREADY ? "the machine goes down already\n"
                          : result == -EINVAL   ? "usage: reboot\n"
                                                : "this machine cannot do that\n");
    return result;
}

static int run_poweroff(int count, char *const words[], struct command_output *output)
{
    (void)words;
    int result = count == 1 ? power_off() : -EINVAL;
    command_print(output, result == 0           ? "going off\n"
                          : result == -EALREADY ? "the machine goes down already\n"
                          : result == -EINVAL   ? "usage: poweroff\n"
                                                : "this machine cannot do that\n");
    return result;
}

/* Decimal, of milliseconds; 0 for anything else, which is out of range as well. */
static uint32_t read_timeout(const char *word)
{
    uint32_t value = 0;
    (void)number_read_decimal(word, WATCHDOG_TIMEOUT_MS_MAX, &value); /* else it stays 0 */
    return value;
}

static int show_watchdog(struct command_output *output)
{
    struct watchdog_status status;
    int result = watchdog_read_status(&status);
    if (result < 0) {
        command_print(output, "there is no watchdog\n");
    } else if (!status.timeout_ms) {
        command_print(output, "the watchdog does not run\n");
    } else {
        command_print(output,
                      "the watchdog waits for %u ms, %u ms are left; kept alive %llu times"
                      "%s\n",
                      status.timeout_ms, status.left_ms, (unsigned long long)status.kept_alive,
                      status.is_guarding ? ", by a worker" : "");
    }
    return result;
}

/* watchdog [start MS|guard MS|keep|stop] */
static int run_watchdog(int count, char *const words[], struct command_output *output)
{
    int result = -EINVAL;
    if (count == 1) {
        return show_watchdog(output);
    }
    if (count == 3 && !strcmp(words[1], "start")) {
        result = watchdog_start(read_timeout(words[2]));
    } else if (count == 3 && !strcmp(words[1], "guard")) {
        result = watchdog_guard(read_timeout(words[2]));
    } else if (count == 2 && !strcmp(words[1], "keep")) {
        result = watchdog_keep_alive();
    } else if (count == 2 && !strcmp(words[1], "stop")) {
        result = watchdog_stop();
    }
    if (result == -EINVAL) {
        command_print(output, "usage: watchdog [start MS|guard MS|keep|stop], %u to %u ms\n",
                      WATCHDOG_TIMEOUT_MS_MIN, WATCHDOG_TIMEOUT_MS_MAX);
    } else if (result == -ENOENT) {
        command_print(output, "the watchdog does not run\n");
    } else if (result < 0) {
        command_print(output, "there is no watchdog\n");
    }
    return result;
}

static int offer_commands(void)
{
    static const struct command_ops reboot = {run_reboot, "reboot - restarts the machine"};
    static const struct command_ops poweroff = {run_poweroff, "poweroff - halts the machine"};
    static const struct command_ops watchdog = {
        run_watchdog, "watchdog [start MS|guard MS|keep|stop] - restarts what hangs"};
    int result = offer_add(COMMAND_KIND, "reboot", &reboot, sizeof(reboot));
    if (result >= 0) {
        result = offer_add(COMMAND_KIND, "poweroff", &poweroff, sizeof(poweroff));
    }
    return result < 0 ? result : offer_add(COMMAND_KIND, "watchdog", &watchdog, sizeof(watchdog));
}

static int start(void)
{
    struct worker_config worker = {.name = "power", .step = step, .event = &state.wake};
    state = (struct power){0};
    int result = device_claim("brcm,bcm2835-pm-wdt", &state.device);
    if (result < 0) {
        return result;
    }
    event_init(&state.wake);
    result = worker_start(&worker);
    if (result >= 0) {
        result = offer_commands();
    }
    if (result < 0) {
        return result;
    }
    bool is_started = (read_register(PM_RSTC) & RSTC_CONFIGURATION) == RSTC_FULL_RESET;
    if (is_started && CONFIG_POWER_GUARD_S) { /* by U-Boot, but not in QEMU */
        return watchdog_guard(CONFIG_POWER_GUARD_S * 1000u);
    }
    write_register(PM_RSTC, RSTC_STOPPED); /* nobody would keep it alive */
    return 0;
}

/* Without a worker to keep it alive the watchdog would bite. One that others keep alive goes on. */
static void stop(void)
{
    if (state.is_guarding) {
        (void)watchdog_stop(); /* the device is there */
    }
}

COMPONENT(power, .version = VERSION(1, 0, 0), .summary = "Restart, power-off and watchdog",
          .compatible = "brcm,bcm2835-pm-wdt", .start = start, .stop = stop);
