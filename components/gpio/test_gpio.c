/* SPDX-License-Identifier: MIT */
/* The driver against a model of the GPIO block: levels that the test plays, detection, pulls. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define component_self gpio_test_self
#define event_init_owned gpio_test_event_init
#define event_signal gpio_test_event_signal
#define worker_start_owned gpio_test_worker_start
#define device_claim_owned gpio_test_device_claim
#define device_read_u32 gpio_test_device_read_u32
#define irq_request_owned gpio_test_irq_request
#define log_write gpio_test_log_write
#define mmio_read32 gpio_test_mmio_read32
#define mmio_write32 gpio_test_mmio_write32
#define offer_add_owned gpio_test_offer_add
#define offer_find gpio_test_offer_find
#define pin_set_function gpio_test_pin_set_function
#define gpio_set_function gpio_test_set_function
#define gpio_read_function gpio_test_read_function
#define gpio_set_pull gpio_test_set_pull
#define gpio_read_pull gpio_test_read_pull
#define gpio_write gpio_test_write
#define gpio_read gpio_test_read
#define gpio_detect gpio_test_detect
#define pins_find_claim gpio_test_find_claim
#define pins_count_detections gpio_test_count_detections
#define pins_run_command gpio_test_run_command

#include "gpio.c"

#include "pins.c"

struct component {
    int unused;
};
struct component component_self;
static struct component other_component;

static char gpio_base; /* only its address matters */
static uint32_t functions[6], pulls[4], outputs[2], detected[2], enables[6][2];
static bool has_device = true;
static unsigned irqs;
static struct offer offers[8];
static unsigned offer_count;
static struct command_ops command;
static char said[8000];
static unsigned called_pin, calls;
static char logged[256];

/* Which detection a register enables; -1: it is none of them. */
static int kind_of(size_t offset, unsigned *word)
{
    for (int kind = 0; kind < 6; kind++) {
        size_t base = 0x4c + (size_t)kind * 12;
        if (offset == base || offset == base + 4) {
            *word = (unsigned)(offset - base) / 4;
            return kind;
        }
    }
    return -1;
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    unsigned word = 0;
    cr_assert_eq(base, &gpio_base);
    if (offset < 0x18) {
        return functions[offset / 4];
    }
    if (offset == 0x34 || offset == 0x38) {
        return outputs[(offset - 0x34) / 4];
    }
    if (offset == 0x40 || offset == 0x44) {
        return detected[(offset - 0x40) / 4];
    }
    if (offset >= 0xe4 && offset < 0xf4) {
        return pulls[(offset - 0xe4) / 4];
    }
    int kind = kind_of(offset, &word);
    cr_assert_geq(kind, 0, "no register 0x%zx", offset);
    return enables[kind][word];
}

/* The levels that are enabled and there are detected, again and again. */
static void detect_levels(void)
{
    for (unsigned word = 0; word < 2; word++) {
        detected[word] |= enables[2][word] & outputs[word];
        detected[word] |= enables[3][word] & ~outputs[word];
    }
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    unsigned word = 0;
    cr_assert_eq(base, &gpio_base);
    if (offset == 0x1c || offset == 0x20) {
        outputs[(offset - 0x1c) / 4] |= value;
    } else if (offset == 0x28 || offset == 0x2c) {
        outputs[(offset - 0x28) / 4] &= ~value;
    } else if (offset == 0x40 || offset == 0x44) {
        detected[(offset - 0x40) / 4] &= ~value;
    } else if (offset >= 0xe4 && offset < 0xf4) {
        pulls[(offset - 0xe4) / 4] = value;
    } else {
        int kind = kind_of(offset, &word);
        cr_assert_geq(kind, 0, "no register 0x%zx", offset);
        enables[kind][word] = value;
    }
    detect_levels();
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2711-gpio");
    device->base = has_device ? &gpio_base : NULL;
    return has_device ? 0 : -ENODEV;
}

int device_read_u32(const struct device *device, const char *property, unsigned index,
                    uint32_t *value)
{
    (void)device;
    cr_assert_str_eq(property, "interrupts");
    *value = index % 3 == 1 ? 113 + index / 3 : 0;
    return 0;
}

int irq_request_owned(unsigned irq, irq_handler *function, void *argument, struct component *owner)
{
    (void)argument;
    (void)owner;
    cr_assert_eq(function, handle_interrupt);
    cr_assert(irq >= 145 && irq <= 147);
    irqs |= 1u << (irq - 145);
    return 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    (void)format_vprint(logged, sizeof(logged), format, arguments);
    va_end(arguments);
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.wake);
    event->signals++;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert(config->step == step && config->event == &state.wake);
    return 1;
}

/* The interrupt, and the worker that it wakes. */
static void interrupt(void)
{
    uint32_t seen = event_read(&state.wake);
    handle_interrupt(NULL);
    cr_assert_eq(detected[0] | detected[1], 0u, "it would be raised for ever");
    if (event_read(&state.wake) != seen) {
        cr_assert_eq(step(NULL), -EAGAIN);
    }
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    (void)after;
    cr_assert_str_eq(kind, GPIO_CLAIM_KIND);
    for (unsigned i = 0; i < offer_count; i++) {
        if (!strcmp(offers[i].name, name)) {
            *offer = offers[i];
            return 0;
        }
    }
    return -ENOENT;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    struct offer ignored;
    if (!strcmp(kind, COMMAND_KIND)) {
        memcpy(&command, table, size);
        return 1;
    }
    if (offer_find(kind, name, 0, &ignored) == 0) {
        return -EEXIST;
    }
    struct offer *offer = &offers[offer_count++];
    *offer = (struct offer){.id = offer_count, .owner = owner};
    strcpy(offer->name, name);
    cr_assert_leq(size, (size_t)OFFER_BYTES);
    memcpy(offer->table, table, size);
    return (int)offer->id;
}

int pin_set_function(unsigned pin, unsigned function)
{
    if (pin > 57 || function > 7) {
        return -EINVAL;
    }
    functions[pin / 10] &= ~(7u << pin % 10 * 3);
    functions[pin / 10] |= function << pin % 10 * 3;
    return 0;
}

static void note_call(unsigned pin)
{
    called_pin = pin;
    calls++;
}

static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int run(int count, const char *a, const char *b)
{
    struct command_output output = {.write = keep};
    char *words[] = {"gpio", (char *)a, (char *)b};
    said[0] = '\0';
    return command.run(count, words, &output);
}

Test(gpio, asks_for_the_interrupt_of_each_bank)
{
    cr_assert_geq(start(), 0);
    cr_expect_eq(irqs, 7u);
}

Test(gpio, drives_and_reads_pins_of_both_words)
{
    cr_assert_geq(start(), 0);
    cr_expect_eq(gpio_write(42, 1), 0);
    cr_expect_eq(outputs[1], 1u << 10);
    cr_expect_eq(gpio_read(42), 1);
    cr_expect_eq(gpio_write(5, 1), 0);
    cr_expect_eq(gpio_write(42, 0), 0);
    cr_expect_eq(gpio_read(42), 0);
    cr_expect_eq(outputs[0], 1u << 5);
}

Test(gpio, sets_functions_and_pulls_of_one_pin_alone)
{
    cr_assert_geq(start(), 0);
    pulls[1] = 0xffffffff;
    cr_expect_eq(gpio_set_pull(17, GPIO_PULL_DOWN), 0);
    cr_expect_eq(pulls[1], 0xfffffffbu);
    cr_expect_eq(gpio_read_pull(17), (int)GPIO_PULL_DOWN);
    cr_expect_eq(gpio_set_function(14, PIN_ALT5), 0);
    cr_expect_eq(gpio_read_function(14), (int)PIN_ALT5);
    cr_expect_eq(gpio_read_function(13), 0);
    cr_expect_eq(gpio_read_function(15), 0);
}

Test(gpio, refuses_pins_and_values_that_do_not_exist)
{
    cr_assert_geq(start(), 0);
    cr_expect_eq(gpio_write(58, 1), -EINVAL);
    cr_expect_eq(gpio_read(58), -EINVAL);
    cr_expect_eq(gpio_set_function(1, 8), -EINVAL);
    cr_expect_eq(gpio_set_pull(1, 3), -EINVAL);
    cr_expect_eq(gpio_detect(1, 0x40), -EINVAL);
    cr_expect_eq(gpio_claim(58, "x", NULL), -EINVAL);
}

Test(gpio, gives_a_pin_to_one_component)
{
    cr_assert_geq(start(), 0);
    cr_expect_eq(gpio_claim(4, "mine", NULL), 0);
    cr_expect_eq(gpio_claim(4, "mine", NULL), 0, "it has it already");
    cr_expect_eq(gpio_claim_owned(4, "theirs", NULL, &other_component), -EBUSY);
    cr_expect_eq(gpio_claim_owned(5, "theirs", NULL, &other_component), 0);
}

Test(gpio, calls_the_handler_of_the_pin_on_which_an_edge_was_detected)
{
    cr_assert_geq(start(), 0);
    cr_assert_eq(gpio_claim(17, "button", note_call), 0);
    cr_assert_eq(gpio_claim(50, "other", note_call), 0);
    cr_expect_eq(gpio_detect(17, GPIO_FALLING | GPIO_ASYNC_RISING), 0);
    cr_expect_eq(enables[1][0], 1u << 17);
    cr_expect_eq(enables[4][0], 1u << 17);
    detected[0] = 1u << 17;
    interrupt();
    cr_expect(calls == 1 && called_pin == 17);
    cr_expect_eq(detected[0], 0u);
    detected[1] = 1u << 18;
    interrupt();
    cr_expect(calls == 2 && called_pin == 50);
    cr_expect_eq(pins_count_detections(17), 1u);
    cr_expect_eq(gpio_detect(17, 0), 0);
    cr_expect_eq(enables[1][0], 0u);
}

Test(gpio, detects_a_level_once)
{
    cr_assert_geq(start(), 0);
    cr_assert_eq(gpio_claim(3, "level", note_call), 0);
    cr_expect_eq(gpio_detect(3, GPIO_LOW), 0);
    cr_expect_eq(detected[0], 1u << 3);
    interrupt();
    cr_expect_eq(calls, 1u);
    cr_expect_eq(detected[0], 0u, "the level lasts, and raises nothing any more");
    cr_expect_eq(gpio_detect(3, GPIO_LOW), 0);
    interrupt();
    cr_expect_eq(calls, 2u);
}

Test(gpio, obeys_its_command_but_for_claimed_pins)
{
    cr_assert_geq(start(), 0);
    cr_expect_eq(run(3, "21", "out"), 0);
    cr_expect_eq(run(3, "21", "high"), 0);
    cr_expect_eq(run(3, "21", "up"), 0);
    cr_expect_eq(gpio_read(21), 1);
    cr_expect_eq(gpio_read_function(21), 1);
    cr_expect_eq(gpio_read_pull(21), 1);
    cr_assert_eq(gpio_claim(22, "mine", NULL), 0);
    cr_expect_eq(run(3, "22", "out"), -EBUSY);
    cr_expect_eq(gpio_read_function(22), 0);
    cr_expect_eq(run(2, "22", NULL), 0);
    cr_expect_not_null(strstr(said, "mine"), "says: %s", said);
    const char *wrong[] = {"", "58", "-1", "x", "99999999999999999999"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(run(2, wrong[i], NULL), -EINVAL, "%s", wrong[i]);
    }
    cr_expect_eq(run(3, "21", "sideways"), -EINVAL);
    cr_expect_eq(run(1, NULL, NULL), 0);
    cr_expect_not_null(strstr(said, "\n  57"));
}

Test(gpio, reports_edges_that_a_person_asks_for)
{
    static const char *const words[] = {"rising", "falling", "both", "off"};
    static const uint32_t rising[] = {1u << 17, 0, 1u << 17, 0};
    static const uint32_t falling[] = {0, 1u << 17, 1u << 17, 0};
    cr_assert_geq(start(), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        cr_expect_eq(run(3, "17", words[i]), 0);
        cr_expect_eq(enables[0][0], rising[i], "%s", words[i]);
        cr_expect_eq(enables[1][0], falling[i], "%s", words[i]);
    }
    outputs[0] = detected[0] = 1u << 17;
    interrupt();
    cr_expect_str_eq(logged, "gpio: pin 17 is high, detection 1");
    logged[0] = '\0';
    cr_assert_eq(gpio_claim(17, "button", note_call), 0);
    cr_expect_eq(run(3, "17", "both"), -EBUSY);
    detected[0] = 1u << 17;
    interrupt();
    cr_expect_eq(calls, 1u);
    cr_expect_str_eq(logged, "", "its claimant's business");
}

Test(gpio, says_so_when_there_are_no_pins)
{
    has_device = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(gpio_write(1, 1), -ENODEV);
    cr_expect_eq(gpio_read(1), -ENODEV);
}
