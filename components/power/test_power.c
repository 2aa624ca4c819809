/* SPDX-License-Identifier: MIT */
/* Restart, power-off and watchdog against a model of the power management block. */
#include <criterion/criterion.h>

#ifndef CONFIG_POWER_GUARD_S
#define CONFIG_POWER_GUARD_S 10
#endif

#define component_self power_test_self
#define device_claim_owned power_test_device_claim
#define event_init_owned power_test_event_init
#define event_signal power_test_event_signal
#define mmio_read32 power_test_mmio_read32
#define mmio_write32 power_test_mmio_write32
#define offer_add_owned power_test_offer_add
#define time_now_ns power_test_time_now_ns
#define worker_start_owned power_test_worker_start

#include "power.c"

#define MS(ms) ((ms) * (uint64_t)MS_NS)

struct component {
    int unused;
};
struct component component_self;

static char pm_base; /* only its address matters */
static bool has_device = true;
static uint64_t now_ns = MS(5000);
static struct {
    uint32_t control, status, ticks;
    bool is_armed;
    uint64_t armed_ns;
} model = {.control = 0x102, .status = 0x1000};
static struct command_ops commands[3];
static unsigned command_count;
static unsigned signals;
static char said[256];

/* What is left of PM_WDOG, which stands at 0 once the time is over. */
static uint32_t ticks_left(void)
{
    uint64_t passed = model.is_armed ? (now_ns - model.armed_ns) * 65536 / 1000000000 : 0;
    return passed < model.ticks ? model.ticks - (uint32_t)passed : 0;
}

static bool has_bitten(void)
{
    return model.is_armed && ticks_left() == 0;
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    cr_assert_eq(base, &pm_base);
    cr_assert(offset == PM_RSTC || offset == PM_RSTS || offset == PM_WDOG);
    return offset == PM_RSTC ? model.control : offset == PM_RSTS ? model.status : ticks_left();
}

void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    cr_assert_eq(base, &pm_base);
    cr_assert_eq(value >> 24, 0x5au, "without the password nothing is written");
    value &= 0xffffff;
    if (offset == PM_RSTC) {
        model.control = value;
        model.is_armed = (value & 0x30) == 0x20;
        model.armed_ns = now_ns;
    } else if (offset == PM_RSTS) {
        model.status = value;
    } else {
        cr_assert_eq(offset, PM_WDOG);
        cr_assert_leq(value, 0xfffffu);
        model.ticks = value;
        model.armed_ns = now_ns;
    }
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-pm-wdt");
    device->base = has_device ? &pm_base : NULL;
    return has_device ? 0 : -ENODEV;
}

void event_init_owned(struct event *event, struct component *owner)
{
    (void)event;
    (void)owner;
}

void event_signal(struct event *event)
{
    cr_assert_eq(event, &state.wake);
    signals++;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    (void)name;
    cr_assert_str_eq(kind, COMMAND_KIND);
    memcpy(&commands[command_count++], table, size);
    return 1;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)owner;
    cr_assert(config->step == step && config->event == &state.wake);
    return 1;
}

static void keep(struct command_output *output, const char *text, size_t size)
{
    (void)output;
    strncat(said, text, size);
}

static int run(unsigned command, int count, const char *a, const char *b)
{
    struct command_output output = {.write = keep};
    char *words[] = {"", (char *)a, (char *)b};
    said[0] = '\0';
    return commands[command].run(count, words, &output);
}

/* The worker as the nucleus runs it: at each step's own time, up to a time. */
static void work_until(uint64_t end_ns)
{
    int result;
    while ((result = step(NULL)) > 0 && now_ns + (uint64_t)result * 1000 <= end_ns) {
        now_ns += (uint64_t)result * 1000;
        cr_assert(state.going == GONE || !has_bitten());
    }
    now_ns = MAX(now_ns, end_ns);
}

static void begin(void)
{
    cr_assert_eq(start(), 0);
    cr_assert_eq(command_count, 3u);
}

Test(power, restarts_a_little_later_and_keeps_what_the_status_says_besides)
{
    model.status = 0x1aaa | 0x5; /* a partition to boot from was left there */
    begin();
    cr_expect_eq(power_restart(), 0);
    cr_expect_eq(signals, 1u);
    cr_expect_eq(power_off(), -EALREADY);
    work_until(now_ns + MS(POWER_DELAY_MS - 1));
    cr_expect(!model.is_armed, "the last words are on their way yet");
    work_until(now_ns + MS(2));
    cr_expect(model.is_armed);
    cr_expect_eq(model.control, 0x122u);
    cr_expect_eq(model.ticks, 10u);
    cr_expect_eq(model.status, 0x1aaau, "partition 0, the rest as it was");
}

Test(power, goes_off_by_a_restart_that_boots_from_partition_63)
{
    begin();
    cr_expect_eq(run(1, 1, NULL, NULL), 0);
    work_until(now_ns + MS(POWER_DELAY_MS + 1));
    cr_expect(model.is_armed);
    cr_expect_eq(model.status, 0x1555u);
}

Test(power, watchdog_bites_who_does_not_keep_it_alive)
{
    begin();
    cr_expect_eq(watchdog_keep_alive(), -ENOENT);
    cr_expect_eq(watchdog_start(1000), 0);
    cr_expect_eq(model.ticks, 65536u);
    now_ns += MS(900);
    cr_expect_eq(watchdog_keep_alive(), 0);
    work_until(now_ns + MS(900));
    cr_expect(!has_bitten());
    now_ns += MS(101);
    cr_expect(has_bitten());
}

/* U-Boot has started the watchdog; a system without a guard stops it. */
Test(power, guards_from_the_start_on_where_u_boot_has_started_the_watchdog)
{
    struct watchdog_status status;
    model.control = 0x122;
    model.ticks = 0xfffff;
    model.is_armed = true;
    model.armed_ns = now_ns;
    begin();
    work_until(now_ns + MS(60000));
    cr_expect(!has_bitten());
    cr_expect_eq(watchdog_read_status(&status), 0);
    cr_expect_eq(status.is_guarding, CONFIG_POWER_GUARD_S ? 1u : 0u);
    cr_expect_eq(status.timeout_ms, CONFIG_POWER_GUARD_S * 1000u);
    cr_expect_eq(model.control, CONFIG_POWER_GUARD_S ? 0x122u : 0x102u);
}

Test(power, starts_no_watchdog_by_itself)
{
    begin();
    cr_expect(!model.is_armed);
    cr_expect_eq(model.control, 0x102u);
}

Test(power, watchdog_stops)
{
    begin();
    cr_expect_eq(watchdog_start(1000), 0);
    cr_expect_eq(watchdog_stop(), 0);
    now_ns += MS(5000);
    cr_expect(!has_bitten());
    cr_expect_eq(model.control, 0x102u);
    cr_expect_eq(watchdog_keep_alive(), -ENOENT);
}

Test(power, guard_keeps_the_watchdog_alive_three_times_in_its_timeout)
{
    struct watchdog_status status;
    begin();
    cr_expect_eq(watchdog_guard(3000), 0);
    work_until(now_ns + MS(60000));
    cr_expect(!has_bitten());
    cr_expect_eq(watchdog_read_status(&status), 0);
    cr_expect(status.is_guarding && status.timeout_ms == 3000);
    cr_expect(status.kept_alive >= 59 && status.kept_alive <= 61, "%llu times",
              (unsigned long long)status.kept_alive);
    cr_expect(status.left_ms > 1900 && status.left_ms <= 3000, "%u ms", status.left_ms);
}

Test(power, guard_ends_with_its_component_and_a_watchdog_of_others_goes_on)
{
    begin();
    cr_expect_eq(watchdog_guard(3000), 0);
    stop();
    cr_expect(!model.is_armed);
    cr_expect_eq(watchdog_start(3000), 0);
    stop();
    cr_expect(model.is_armed);
}

Test(power, nothing_stops_a_machine_that_goes_down)
{
    begin();
    cr_expect_eq(power_restart(), 0);
    work_until(now_ns + MS(POWER_DELAY_MS + 1));
    cr_expect_eq(watchdog_start(15000), 0);
    cr_expect_eq(watchdog_stop(), 0);
    cr_expect_eq(model.ticks, 10u);
    cr_expect(model.is_armed);
    cr_expect_eq(step(NULL), -EAGAIN, "once is enough");
}

Test(power, refuses_timeouts_out_of_range_and_words_it_does_not_know)
{
    begin();
    cr_expect_eq(watchdog_start(99), -EINVAL);
    cr_expect_eq(watchdog_start(15001), -EINVAL);
    cr_expect_eq(run(0, 2, "now", NULL), -EINVAL);
    cr_expect_eq(run(2, 3, "start", "x"), -EINVAL);
    cr_expect_eq(run(2, 3, "start", "99999999999999"), -EINVAL);
    cr_expect_eq(run(2, 2, "bark", NULL), -EINVAL);
    cr_expect(!model.is_armed);
    cr_expect_eq(run(2, 3, "guard", "5000"), 0);
    cr_expect_eq(run(2, 1, NULL, NULL), 0);
    cr_expect_str_eq(said, "the watchdog waits for 5000 ms, 5000 ms are left; kept alive 0 times, "
                           "by a worker\n");
}

Test(power, says_so_when_there_is_no_power_management)
{
    has_device = false;
    cr_expect_eq(start(), -ENODEV);
    cr_expect_eq(power_restart(), -ENODEV);
    cr_expect_eq(watchdog_start(1000), -ENODEV);
    cr_expect_eq(watchdog_stop(), -ENODEV);
}
