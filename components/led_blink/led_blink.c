/* SPDX-License-Identifier: MIT */
/*
 * Blinks the activity LED: the pin that the device tree names led-act, of its LEDs on pins.
 *
 * A timer changes the LED in its interrupt. Deadlines are eighths of a period after the period's
 * start, and the next period starts exactly when the last one ends: nothing drifts. Period, start
 * and next edge are the state, so a successor goes on where its predecessor was, and only its
 * pattern is its own: 1.1 blinks evenly, 1.2 beats twice in a period.
 */
#include <errno.h>
#include <string.h>

#include <interface/clock.h>
#include <interface/command.h>
#include <interface/gpio.h>
#include <interface/led.h>
#include <lib/format.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/offer.h>

#ifndef LED_BLINK_MINOR
#define LED_BLINK_MINOR 2
#endif

#define GPIO_ACTIVE_LOW 1u /* of the flags, by the bindings of GPIO controllers */

#define PERIOD_MS_MIN 20u
#define PERIOD_MS_MAX 60000u
#define EIGHTH_NS_PER_MS 125000u /* an eighth of a millisecond */
#define EIGHTHS 8u
/* Later than this is no delay of an interrupt any more. */
#define STALL_NS 4000000000u

/* Bit n: lit in the n-th eighth of a period. */
#if LED_BLINK_MINOR == 1
#define PATTERN 0x0fu
#define PATTERN_NAME "even"
#else
#define PATTERN 0x05u
#define PATTERN_NAME "heartbeat"
#endif

struct led_blink {
    struct device leds;
    uint32_t pin;         /* GPIO_PINS: there is no LED */
    uint32_t is_lit_low;  /* 1: it is lit while the pin is low */
    struct spinlock lock; /* guards what follows, and the pin */
    uint32_t period_ms;   /* of a whole blink */
    uint32_t eighth;      /* of the next edge in its period, 0 to 7 */
    uint32_t is_on;
    uint32_t is_stopped;
    uint64_t period_start_ns; /* of the period that the next edge is in */
    uint64_t toggles;
    struct timer timer;
};

STATE(struct led_blink) state = {.pin = GPIO_PINS, .period_ms = 1000};

static uint64_t next_edge_ns(void)
{
    return state.period_start_ns + (uint64_t)state.eighth * state.period_ms * EIGHTH_NS_PER_MS;
}

static bool is_lit_in(uint32_t eighth)
{
    return PATTERN >> eighth % EIGHTHS & 1u;
}

static void set_led(bool is_on)
{
    /* without a GPIO driver it stays dark until there is one */
    (void)gpio_write(state.pin, is_on != state.is_lit_low);
    state.toggles += is_on != state.is_on;
    state.is_on = is_on;
}

/* From the edge just made to the next one of the pattern. Lock held. */
static void advance(void)
{
    bool is_on = is_lit_in(state.eighth);
    do {
        if (++state.eighth == EIGHTHS) {
            state.eighth = 0;
            state.period_start_ns += (uint64_t)state.period_ms * EIGHTHS * EIGHTH_NS_PER_MS;
        }
    } while (is_lit_in(state.eighth) == is_on);
}

/* Whole periods that have passed unseen are left out, so that the phase stays. Lock held. */
static void catch_up(uint64_t now_ns)
{
    uint64_t period_ns = (uint64_t)state.period_ms * EIGHTHS * EIGHTH_NS_PER_MS;
    uint64_t next_ns = next_edge_ns();
    if (now_ns > next_ns) {
        state.period_start_ns += (now_ns - next_ns) / period_ns * period_ns;
    }
}

static void tick(struct timer *timer)
{
    uint64_t daif = spin_lock(&state.lock);
    if (state.is_stopped) {
        spin_unlock(&state.lock, daif);
        return;
    }
    uint64_t now_ns = time_now_ns();
    /* A new period may have moved the edge while this interrupt was under way. */
    if (now_ns >= next_edge_ns()) {
        set_led(is_lit_in(state.eighth));
        advance();
        catch_up(now_ns);
    }
    (void)clock_arm(timer, next_edge_ns()); /* has a callback, so it cannot fail */
    spin_unlock(&state.lock, daif);
}

/* The part of the period that has passed stays the same part. */
int led_set_period(uint32_t period_ms)
{
    if (period_ms < PERIOD_MS_MIN || period_ms > PERIOD_MS_MAX) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    uint64_t remaining_ns = next_edge_ns() > now_ns ? next_edge_ns() - now_ns : 0;
    remaining_ns = remaining_ns * period_ms / state.period_ms;
    state.period_ms = period_ms;
    state.period_start_ns = 0;
    state.period_start_ns = now_ns + remaining_ns - next_edge_ns();
    int result = clock_arm(&state.timer, next_edge_ns());
    spin_unlock(&state.lock, daif);
    return result;
}

int led_read_status(struct led_status *status)
{
    uint64_t daif = spin_lock(&state.lock);
    *status = (struct led_status){
        .period_ms = state.period_ms,
        .is_on = gpio_read(state.pin) == !state.is_lit_low,
        .toggles = state.toggles,
        .next_ns = next_edge_ns(),
    };
    spin_unlock(&state.lock, daif);
    return 0;
}

static void print_status(struct command_output *output)
{
    char text[128];
    struct led_status status;

    (void)led_read_status(&status);
    (void)format_print(text, sizeof(text), "LED: %s, period %u ms, now %s, %llu changes\n",
                       PATTERN_NAME, status.period_ms, status.is_on ? "on" : "off",
                       (unsigned long long)status.toggles);
    output->write(output, text, strlen(text));
}

/* Decimal, at most PERIOD_MS_MAX; 0 for anything else, which is out of range as well. */
static uint32_t read_period(const char *word)
{
    uint32_t value = 0;
    for (; *word != '\0'; word++) {
        if (*word < '0' || *word > '9' || value > PERIOD_MS_MAX) {
            return 0;
        }
        value = value * 10 + (uint32_t)(*word - '0');
    }
    return value;
}

/* led; led period MS; led MS */
static int run_command(int count, char *const words[], struct command_output *output)
{
    static const char usage[] = "usage: led [period] MS, from 20 to 60000 ms\n";

    if (count > 1) {
        bool has_verb = strcmp(words[1], "period") == 0;
        if (count != (has_verb ? 3 : 2) || led_set_period(read_period(words[count - 1])) < 0) {
            output->write(output, usage, sizeof(usage) - 1);
            return -EINVAL;
        }
    }
    print_status(output);
    return 0;
}

/* Binding gpio-leds: a node for each, whose gpios are controller, pin, and flags. */
static int claim_led(void)
{
    uint32_t pin, flags;
    int result = device_claim("gpio-leds", &state.leds);
    if (result < 0) {
        return result;
    }
    if (device_read_u32(&state.leds, "led-act/gpios", 1, &pin) < 0 ||
        device_read_u32(&state.leds, "led-act/gpios", 2, &flags) < 0) {
        return -ENODEV;
    }
    result = gpio_claim(pin, "led_blink", NULL);
    if (result == 0) {
        result = gpio_set_function(pin, PIN_OUTPUT);
    }
    if (result == 0) {
        state.pin = pin;
        state.is_lit_low = flags & GPIO_ACTIVE_LOW;
    }
    return result;
}

static int start(void)
{
    int result = claim_led();
    if (result < 0) {
        return result;
    }
    struct command_ops command = {.run = run_command,
                                  .help = "led [period MS] - shows or sets how the LED blinks"};
    result = offer_add(COMMAND_KIND, "led", &command, sizeof(command));
    if (result < 0) {
        return result;
    }
    timer_init(&state.timer, tick);
    state.period_start_ns = time_now_ns();
    state.eighth = 0;
    return clock_arm(&state.timer, state.period_start_ns);
}

static int health(void)
{
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    bool is_late = now_ns > next_edge_ns() && now_ns - next_edge_ns() > STALL_NS;
    spin_unlock(&state.lock, daif);
    return is_late && state.pin < GPIO_PINS ? -EIO : 0;
}

static void stop(void)
{
    uint64_t daif = spin_lock(&state.lock);
    state.is_stopped = 1;
    (void)clock_cancel(&state.timer); /* not armed: it is firing, and will see is_stopped */
    set_led(false);
    spin_unlock(&state.lock, daif);
}

COMPONENT(led_blink, .version = VERSION(1, LED_BLINK_MINOR, 0),
          .summary = "Blinks the activity LED (" PATTERN_NAME ")", .compatible = "gpio-leds",
          .start = start, .health = health, .stop = stop);
