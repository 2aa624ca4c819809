/* SPDX-License-Identifier: MIT */
/*
 * Pins of the SoC: functions, pulls, levels, and interrupts from them. One provider.
 *
 *     gpio_claim(17, "button", pressed);
 *     gpio_set_function(17, PIN_INPUT);
 *     gpio_set_pull(17, GPIO_PULL_UP);
 *     gpio_detect(17, GPIO_FALLING);
 *
 * Who uses a pin claims it first, for as long as it is in the world. A claim is an offer: it
 * survives the versions of its maker and of the provider, is listed with the registrations of its
 * maker, and leaves with it. Claims keep components out of each other's way, no more: the
 * functions do not ask who calls. Pins are numbered as in the datasheet (BCM2711 ARM Peripherals,
 * chapter 5), 0 to GPIO_PINS - 1.
 *
 * All functions return -EINVAL for a pin or a value that does not exist, -ENODEV without a GPIO
 * block.
 */
#pragma once

#include <errno.h>
#include <string.h>

#include <neurath/component.h>
#include <neurath/device.h> /* PIN_INPUT, ... */
#include <neurath/library.h>
#include <neurath/offer.h>

INTERFACE(gpio, 1, 0);

#define GPIO_PINS 58u
#define GPIO_CLAIM_KIND "gpio pin"
#define GPIO_LABEL_BYTES 24

/* 5.2, GPIO_PUP_PDN_CNTRL */
#define GPIO_PULL_NONE 0u
#define GPIO_PULL_UP 1u
#define GPIO_PULL_DOWN 2u

/* What is detected, to be combined. The asynchronous ones see pulses too short for the others. */
#define GPIO_RISING (1u << 0)
#define GPIO_FALLING (1u << 1)
#define GPIO_HIGH (1u << 2)
#define GPIO_LOW (1u << 3)
#define GPIO_ASYNC_RISING (1u << 4)
#define GPIO_ASYNC_FALLING (1u << 5)
#define GPIO_DETECT_ALL 0x3fu

/*
 * Called for what was detected on a claimed pin, from a worker of the provider: soon after it, and
 * once for what comes in the meantime. Context: thread.
 */
typedef void gpio_handler(unsigned pin);

/* The table of an offer of GPIO_CLAIM_KIND, whose name is the pin's number. */
struct gpio_claim {
    gpio_handler *handler;        /* NULL: none */
    char label[GPIO_LABEL_BYTES]; /* whose it is, in words */
};

/* Lays a pin on a function, PIN_INPUT to PIN_ALT5 (<neurath/device.h>). 0. */
GATED(any) int gpio_set_function(unsigned pin, unsigned function);

/* Returns the function of a pin. */
GATED(any) int gpio_read_function(unsigned pin);

/* Sets GPIO_PULL_*. 0. */
GATED(any) int gpio_set_pull(unsigned pin, unsigned pull);

/* Returns the pull of a pin. */
GATED(any) int gpio_read_pull(unsigned pin);

/* Drives a pin, if it is an output, else from when it is one. 0. */
GATED(any) int gpio_write(unsigned pin, uint32_t level);

/* Returns the level of a pin, 0 or 1, whatever its function. */
GATED(any) int gpio_read(unsigned pin);

/*
 * Sets what is detected on a pin, GPIO_RISING and the like; 0: nothing. Each detection calls the
 * handler of the claim. A level is detected once: GPIO_HIGH and GPIO_LOW are off when the handler
 * is called, which may set them anew. 0.
 */
GATED(any) int gpio_detect(unsigned pin, uint32_t what);

/*
 * Claims a pin; label is copied, and cut. 0, also if the owner has it already. -EBUSY: somebody
 * else has it. -EINVAL: no such pin. -ENOSPC: too many offers. Context: thread.
 */
static inline int gpio_claim_owned(unsigned pin, const char *label, gpio_handler *handler,
                                   struct component *owner)
{
    char name[OFFER_NAME_BYTES];
    struct gpio_claim claim = {.handler = handler};
    struct offer offer;
    if (pin >= GPIO_PINS) {
        return -EINVAL;
    }
    (void)format_print(claim.label, sizeof(claim.label), "%s", label); /* may be cut */
    (void)format_print(name, sizeof(name), "%u", pin);                 /* which has room */
    int result = offer_add_owned(GPIO_CLAIM_KIND, name, &claim, sizeof(claim), owner);
    if (result == -EEXIST) {
        bool is_ours = offer_find(GPIO_CLAIM_KIND, name, 0, &offer) == 0 && offer.owner == owner;
        return is_ours ? 0 : -EBUSY;
    }
    return result < 0 ? result : 0;
}
#define gpio_claim(pin, label, handler) gpio_claim_owned(pin, label, handler, this_component)
