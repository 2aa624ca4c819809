/* SPDX-License-Identifier: MIT */
/* What a person sees of the pins, and may change: what no component has claimed. */
#include "pins.h"

#include <lib/number.h>

static const char *function_name(int function)
{
    static const char *const names[] = {"in",   "out",  "alt5", "alt4",
                                        "alt0", "alt1", "alt2", "alt3"};
    return function < 0 || function > 7 ? "?" : names[function];
}

static const char *pull_name(int pull)
{
    static const char *const names[] = {"none", "up", "down"};
    return pull < 0 || pull > 2 ? "?" : names[pull];
}

int pins_find_claim(unsigned pin, struct offer *offer)
{
    char name[OFFER_NAME_BYTES];
    (void)format_print(name, sizeof(name), "%u", pin); /* which has room */
    return offer_find(GPIO_CLAIM_KIND, name, 0, offer);
}

static void show_pin(unsigned pin, struct command_output *output)
{
    struct offer offer;
    struct gpio_claim claim = {.label = ""};
    if (pins_find_claim(pin, &offer) == 0) {
        memcpy(&claim, offer.table, sizeof(claim));
    }
    command_print(output, "%4u  %-4s  %-4s  %-4s  %10u  %.*s\n", pin,
                  function_name(gpio_read_function(pin)), pull_name(gpio_read_pull(pin)),
                  gpio_read(pin) ? "high" : "low", pins_count_detections(pin),
                  (int)sizeof(claim.label), claim.label);
}

static void show(unsigned first, unsigned end, struct command_output *output)
{
    command_print(output, " pin  is    pull  level  detected  claimed by\n");
    for (unsigned pin = first; pin < end; pin++) {
        show_pin(pin, output);
    }
}

/* GPIO_PINS for anything that is no pin. */
static uint32_t read_pin(const char *word)
{
    uint32_t pin = GPIO_PINS;
    (void)number_read_decimal(word, GPIO_PINS - 1, &pin); /* else it stays */
    return pin;
}

/* What is then detected, the worker reports: the command waits for nothing. */
static const struct {
    char name[8];
    uint32_t what;
} edges[] = {
    {"rising", GPIO_RISING},
    {"falling", GPIO_FALLING},
    {"both", GPIO_RISING | GPIO_FALLING},
    {"off", 0},
};

/* 0; -EINVAL: there is no such word. */
static int change(unsigned pin, const char *word)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!strcmp(word, function_name((int)i))) {
            return gpio_set_function(pin, i);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        if (!strcmp(word, pull_name((int)i))) {
            return gpio_set_pull(pin, i);
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        if (!strcmp(word, edges[i].name)) {
            return gpio_detect(pin, edges[i].what);
        }
    }
    bool is_high = !strcmp(word, "high");
    return is_high || !strcmp(word, "low") ? gpio_write(pin, is_high) : -EINVAL;
}

int pins_run_command(int count, char *const words[], struct command_output *output)
{
    struct offer offer;
    int result = 0;
    unsigned pin = count > 1 ? read_pin(words[1]) : 0;
    if (count == 1) {
        show(0, GPIO_PINS, output);
    } else if (pin >= GPIO_PINS || count > 3) {
        result = -EINVAL;
    } else if (count == 3 && pins_find_claim(pin, &offer) == 0) {
        command_print(output, "pin %u is in use: see gpio %u\n", pin, pin);
        return -EBUSY;
    } else {
        result = count == 3 ? change(pin, words[2]) : 0;
        if (result == 0) {
            show(pin, pin + 1, output);
        }
    }
    if (result == -EINVAL) {
        command_print(output,
                      "usage: gpio [PIN [in|out|alt0..alt5|none|up|down|high|low|\n"
                      "                  rising|falling|both|off]], pins 0 to %u\n",
                      GPIO_PINS - 1);
    }
    return result;
}
