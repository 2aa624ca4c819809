/* SPDX-License-Identifier: MIT */
/*
 * The activity LED, watched from outside. Both patterns - even, and two beats - light it at the
 * start of a period after at least three eighths of darkness; the second beat comes after one.
 */
#include "tests/demo/blink.h"

#include <errno.h>
#include <time.h>

#define EDGES 4 /* the one that the host saw earliest counts: delays only make an edge late */
#define DARK_MS (BLINK_PERIOD_MS * 5 / 16.0)
#define WATCH_MS 15000

static double clock_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

/* x modulo the period, -period/2 to period/2. */
static double wrap(double x)
{
    long periods = (long)(x / BLINK_PERIOD_MS);
    x -= (double)periods * BLINK_PERIOD_MS;
    if (x > BLINK_PERIOD_MS / 2.0) {
        x -= BLINK_PERIOD_MS;
    }
    return x < -BLINK_PERIOD_MS / 2.0 ? x + BLINK_PERIOD_MS : x;
}

int blink_watch(struct machine *machine, struct blink *blink, struct why *why)
{
    double end = clock_ms() + WATCH_MS, dark_since = 0;
    int edges = 0, was_lit = 1;
    while (edges < EDGES) {
        /* The line must be read meanwhile, or the machine would wait for us. */
        (void)client_pump(&machine->client, 1);
        int is_lit = machine_read_led(machine, why);
        double now = clock_ms();
        if (is_lit < 0) {
            return is_lit;
        }
        if (now > end) {
            return why_set(why, -ETIMEDOUT, "the LED does not blink");
        }
        if (was_lit && !is_lit) {
            dark_since = now;
        } else if (!was_lit && is_lit && dark_since > 0 && now - dark_since > DARK_MS) {
            double earlier = wrap(now - blink->phase_ms);
            if (edges++ == 0 || earlier < 0) {
                blink->phase_ms = now;
            }
        }
        was_lit = is_lit;
    }
    return 0;
}

double blink_phase_shift(const struct blink *before, const struct blink *after)
{
    return wrap(after->phase_ms - before->phase_ms);
}
