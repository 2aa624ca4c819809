/* SPDX-License-Identifier: MIT */
/*
 * The two PWM blocks, two channels each (BCM2711 ARM Peripherals, chapter 8).
 *
 * Both have one clock, which is made from the crystal. QEMU's device tree has the blocks, but its
 * machine has not: an access would be an abort. What tells it from the board is the counter, which
 * counts the crystal there.
 *
 * All that is set stands in the hardware; a successor has nothing to set up.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/gpio.h>
#include <interface/pwm.h>
#include <lib/number.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/time.h>

/* 8.6; of the second channel: bits 8 higher, registers 0x10 behind */
#define PWM_CTL 0x00
#define PWM_RNG1 0x10
#define PWM_DAT1 0x14
#define CHANNEL_REGISTERS 0x10
#define CHANNEL_BITS 8u
#define CTL_ENABLE (1u << 0)
#define CTL_MARK_SPACE (1u << 7) /* one pulse in each period */
#define CTL_CHANNEL 0xbfu        /* all bits of the first; bit 6 clears the FIFO of both */

/*
 * The clock manager has a pair of registers for each clock, as 5.4 describes for those of the pins;
 * that of PWM, which it leaves out, is the pair at 0xa0.
 */
#define CM_PWMCTL 0xa0
#define CM_PWMDIV 0xa4
#define CM_PASSWORD 0x5a000000u
#define CM_SOURCE_OSCILLATOR 1u
#define CM_ENABLE (1u << 4)
#define CM_SETTINGS 0x71fu /* source, enable, flip, MASH */
#define CM_BUSY (1u << 7)
#define CM_DIVISOR_SHIFT 12
#define CM_DEADLINE_NS 10000000u

#define OSCILLATOR_HZ 54000000u
#define CLOCK_DIVISOR 2u
#define CLOCK_KHZ (OSCILLATOR_HZ / CLOCK_DIVISOR / 1000)

#define BLOCKS 2u
#define CHANNELS 4u

struct channel {
    uint32_t period_ns, duty_ns; /* period 0: it is off */
    uint32_t has_pin;            /* 1: it has been laid on the channel */
};

struct pwm {
    struct device clocks;
    struct device blocks[BLOCKS]; /* base NULL: it is not enabled */
    struct spinlock lock;         /* guards what follows, and the registers */
    struct channel channels[CHANNELS];
};

STATE(struct pwm) state = {};

static volatile void *base_of(uint32_t unit)
{
    return unit < CHANNELS ? state.blocks[unit / 2].base : NULL;
}

/* Not before somebody uses the channel: until then its pin is free for others. */
static int take_pin(uint32_t unit)
{
    static const uint8_t pins[CHANNELS] = {12, 13, 40, 41}; /* 5.3: ALT0 */
    int result = 0;
    if (!READ_ONCE(state.channels[unit].has_pin)) {
        result = gpio_claim(pins[unit], "pwm", NULL);
        if (result == 0) {
            result = gpio_set_function(pins[unit], PIN_ALT0);
        }
        WRITE_ONCE(state.channels[unit].has_pin, result == 0);
    }
    return result;
}

/* Lock held. */
static void set_control(volatile void *base, uint32_t unit, uint32_t bits)
{
    unsigned shift = unit % 2 * CHANNEL_BITS;
    uint32_t control = mmio_read32(base, PWM_CTL) & ~(CTL_CHANNEL << shift);
    mmio_write32(base, PWM_CTL, control | bits << shift);
}

static int set(uint32_t unit, uint32_t period_ns, uint32_t duty_ns)
{
    volatile void *base = base_of(unit);
    if (!base || period_ns < PWM_PERIOD_NS_MIN || period_ns > PWM_PERIOD_NS_MAX ||
        duty_ns > period_ns) {
        return -EINVAL;
    }
    int result = take_pin(unit);
    if (result < 0) {
        return result;
    }
    size_t offset = unit % 2 * CHANNEL_REGISTERS;
    uint64_t daif = spin_lock(&state.lock);
    mmio_write32(base, PWM_RNG1 + offset, (uint32_t)((uint64_t)period_ns * CLOCK_KHZ / 1000000));
    mmio_write32(base, PWM_DAT1 + offset, (uint32_t)((uint64_t)duty_ns * CLOCK_KHZ / 1000000));
    set_control(base, unit, CTL_ENABLE | CTL_MARK_SPACE);
    state.channels[unit].period_ns = period_ns;
    state.channels[unit].duty_ns = duty_ns;
    spin_unlock(&state.lock, daif);
    return 0;
}

static int stop_channel(uint32_t unit)
{
    volatile void *base = base_of(unit);
    if (!base) {
        return -EINVAL;
    }
    uint64_t daif = spin_lock(&state.lock);
    set_control(base, unit, 0);
    state.channels[unit].period_ns = 0;
    spin_unlock(&state.lock, daif);
    return 0;
}

static void show(struct command_output *output)
{
    for (uint32_t unit = 0; unit < CHANNELS; unit++) {
        struct channel channel = state.channels[unit];
        if (base_of(unit) && channel.period_ns) {
            command_print(output, "pwm%u.%u: %u ns of %u ns\n", unit / 2, unit % 2, channel.duty_ns,
                          channel.period_ns);
        } else if (base_of(unit)) {
            command_print(output, "pwm%u.%u: off\n", unit / 2, unit % 2);
        }
    }
}

/* "0.1"; CHANNELS for anything else */
static uint32_t read_unit(const char *word)
{
    bool is_unit = strlen(word) == 3 && (word[0] == '0' || word[0] == '1') && word[1] == '.' &&
                   (word[2] == '0' || word[2] == '1');
    return is_unit ? (uint32_t)(word[0] - '0') * 2 + (uint32_t)(word[2] - '0') : CHANNELS;
}

/* pwm; pwm CHANNEL off; pwm CHANNEL PERIOD_NS DUTY_NS */
static int run(int count, char *const words[], struct command_output *output)
{
    uint32_t unit = count > 2 ? read_unit(words[1]) : CHANNELS, period_ns, duty_ns;
    int result = -EINVAL;
    if (!state.blocks[0].base && !state.blocks[1].base) {
        command_print(output, "this machine has no PWM\n");
        return -ENODEV;
    }
    if (count == 1) {
        result = 0;
    } else if (count == 3 && !strcmp(words[2], "off")) {
        result = stop_channel(unit);
    } else if (count == 4 && number_read(words[2], PWM_PERIOD_NS_MAX, &period_ns) == 0 &&
               number_read(words[3], PWM_PERIOD_NS_MAX, &duty_ns) == 0) {
        result = set(unit, period_ns, duty_ns);
    }
    if (result == 0) {
        show(output);
    } else if (result == -EINVAL) {
        command_print(output, "usage: pwm [CHANNEL off|CHANNEL PERIOD_NS PULSE_NS], as in pwm 0.1 "
                              "20000000 1500000\n");
    } else {
        command_print(output, "its pin cannot be had: error %d\n", result);
    }
    return result;
}

/* 5.4: the source may only change while the clock stands still; what runs is stopped first. */
static int start_clock(void)
{
    volatile void *base = state.clocks.base;
    uint64_t deadline_ns = time_now_ns() + CM_DEADLINE_NS;
    uint32_t control = mmio_read32(base, CM_PWMCTL) & CM_SETTINGS & ~CM_ENABLE;
    mmio_write32(base, CM_PWMCTL, CM_PASSWORD | control);
    while (mmio_read32(base, CM_PWMCTL) & CM_BUSY) {
        if (time_now_ns() > deadline_ns) {
            return -EIO;
        }
        cpu_relax();
    }
    mmio_write32(base, CM_PWMDIV, CM_PASSWORD | CLOCK_DIVISOR << CM_DIVISOR_SHIFT);
    mmio_write32(base, CM_PWMCTL, CM_PASSWORD | CM_SOURCE_OSCILLATOR);
    mmio_write32(base, CM_PWMCTL, CM_PASSWORD | CM_SOURCE_OSCILLATOR | CM_ENABLE);
    return 0;
}

static int offer_channels(void)
{
    int result = 0;
    for (uint32_t unit = 0; unit < CHANNELS && result >= 0; unit++) {
        struct pwm_ops ops = {.unit = unit, .set = set, .stop = stop_channel};
        char name[OFFER_NAME_BYTES];
        (void)format_print(name, sizeof(name), "pwm%u.%u", unit / 2, unit % 2);
        result = base_of(unit) ? offer_add(PWM_KIND, name, &ops, sizeof(ops)) : 0;
    }
    return result < 0 ? result : 0;
}

static int start(void)
{
    static const struct command_ops command = {
        run, "pwm [CHANNEL off|PERIOD_NS PULSE_NS] - sends pulses"};
    struct device device;
    int result = offer_add(COMMAND_KIND, "pwm", &command, sizeof(command)), blocks = 0;
    if (result < 0 || time_counter_hz() != OSCILLATOR_HZ) {
        return result < 0 ? result : -ENODEV;
    }
    result = device_claim("brcm,bcm2711-cprman", &state.clocks);
    if (result == 0 && start_clock() < 0) {
        log_error("pwm: its clock does not stop");
        return -ENODEV; /* no reason not to boot */
    }
    while (result == 0 && device_claim("brcm,bcm2835-pwm", &device) == 0) {
        state.blocks[device.base_pa >> 11 & 1] = device; /* at 20c000 and 20c800 */
        blocks++;
    }
    return result < 0 ? result : blocks == 0 ? -ENODEV : offer_channels();
}

static void stop(void)
{
    for (uint32_t unit = 0; unit < CHANNELS; unit++) {
        (void)stop_channel(unit); /* those that are there */
    }
}

COMPONENT(pwm, .version = VERSION(1, 0, 0), .summary = "PWM of the BCM2711",
          .compatible = "brcm,bcm2835-pwm", .start = start, .stop = stop);
