/* SPDX-License-Identifier: MIT */
/*
 * A running light: one of a row of LEDs on the header is lit, then the next one, and at the end of
 * the row it turns round.
 *
 * Where the light is, and when it moves, is the state: a successor takes the next step at its time,
 * and so does this one when the GPIO driver below it is replaced.
 */
#include <errno.h>
#include <string.h>

#include <interface/clock.h>
#include <interface/command.h>
#include <interface/gpio.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/log.h>
#include <neurath/time.h>

#define LEDS 5u
#define STEP_MS_MIN 5u
#define STEP_MS_MAX 60000u
#define MS_NS 1000000u

struct gpio_chaser {
    struct spinlock lock; /* guards what follows */
    uint32_t step_ms;
    uint32_t position; /* which one is lit, 0 to LEDS - 1 */
    uint32_t is_back;  /* 1: it runs back */
    uint32_t is_stopped;
    uint64_t steps;
    uint64_t next_ns;
    struct timer timer;
};

STATE(struct gpio_chaser) state = {.step_ms = 200};

/* In a row at the end of the header, with no other function that anything here uses. */
static unsigned pin_of(uint32_t position)
{
    static const uint8_t pins[LEDS] = {5, 6, 16, 26, 27};
    return pins[position % LEDS];
}

/* Lock held. */
static void move(void)
{
    (void)gpio_write(pin_of(state.position), 0); /* without a driver the light stands still */
    if (state.position == 0 || state.position >= LEDS - 1) {
        state.is_back = state.position != 0;
    }
    state.position = state.is_back ? state.position - 1 : state.position + 1;
    (void)gpio_write(pin_of(state.position), 1);
    state.steps++;
}

static void tick(struct timer *timer)
{
    uint64_t daif = spin_lock(&state.lock);
    uint64_t now_ns = time_now_ns();
    if (!state.is_stopped) {
        if (now_ns >= state.next_ns) {
            move();
            state.next_ns += state.step_ms * (uint64_t)MS_NS;
            state.next_ns = MAX(state.next_ns, now_ns); /* what was missed is not made up for */
        }
        (void)clock_arm(timer, state.next_ns); /* has a callback, so it cannot fail */
    }
    spin_unlock(&state.lock, daif);
}

/* Decimal, at most STEP_MS_MAX; 0 for anything else, which is out of range as well. */
static uint32_t read_step(const char *word)
{
    uint32_t value = 0;
    (void)number_read_decimal(word, STEP_MS_MAX, &value); /* else it stays 0 */
    return value;
}

/* chaser [MS] */
static int run_command(int count, char *const words[], struct command_output *output)
{
    uint32_t step_ms = count == 2 ? read_step(words[1]) : state.step_ms;
    if (count > 2 || step_ms < STEP_MS_MIN || step_ms > STEP_MS_MAX) {
        command_print(output, "usage: chaser [MS], %u to %u ms a step\n", STEP_MS_MIN, STEP_MS_MAX);
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    if (count == 2) {
        state.step_ms = step_ms;
        state.next_ns = time_now_ns();
        (void)clock_arm(&state.timer, state.next_ns);
    }
    unsigned pin = pin_of(state.position);
    uint64_t steps = state.steps;
    spin_unlock(&state.lock, daif);
    command_print(output, "pin %u is lit, a step takes %u ms, %llu steps\n", pin, step_ms,
                  (unsigned long long)steps);
    return 0;
}

static int start(void)
{
    static const struct command_ops command = {
        run_command, "chaser [MS] - shows or sets how fast the light runs"};
    for (uint32_t i = 0; i < LEDS; i++) {
        int result = gpio_claim(pin_of(i), "gpio_chaser", NULL);
        if (result == 0) {
            result = gpio_write(pin_of(i), 0);
        }
        if (result == 0) {
            result = gpio_set_function(pin_of(i), PIN_OUTPUT);
        }
        if (result < 0) {
            log_error("gpio_chaser: pin %u cannot be had: error %d", pin_of(i), result);
            return result;
        }
    }
    int result = offer_add(COMMAND_KIND, "chaser", &command, sizeof(command));
    if (result < 0) {
        return result;
    }
    timer_init(&state.timer, tick);
    state.is_stopped = 0;
    state.next_ns = time_now_ns();
    return clock_arm(&state.timer, state.next_ns);
}

/* The pins are left as inputs, as they are after a reset. */
static void stop(void)
{
    uint64_t daif = spin_lock(&state.lock);
    state.is_stopped = 1;
    (void)clock_cancel(&state.timer); /* not armed: it is firing, and will see is_stopped */
    spin_unlock(&state.lock, daif);
    for (uint32_t i = 0; i < LEDS; i++) {
        (void)gpio_write(pin_of(i), 0);
        (void)gpio_set_function(pin_of(i), PIN_INPUT);
    }
}

COMPONENT(gpio_chaser, .version = VERSION(1, 0, 0), .summary = "Running light on the header",
          .start = start, .stop = stop);
