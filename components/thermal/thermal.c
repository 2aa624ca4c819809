/* SPDX-License-Identifier: MIT */
/*
 * The thermal sensor in the AVS monitor.
 *
 * No datasheet of the BCM2711 describes it. What is relied on is what the device-tree bindings
 * brcm,bcm2711-avs-monitor and brcm,bcm2711-thermal and the drivers behind them have in common: the
 * monitor's register 0x200 holds ten bits of a value, which is valid if either of two others is
 * set; the line from value to temperature is the one of the thermal zone `cpu-thermal` in the
 * device tree, whose node is no device that could be claimed.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/temperature.h>
#include <neurath/device.h>
#include <neurath/offer.h>

#define AVS_TEMPERATURE 0x200
#define TEMPERATURE_VALUE 0x3ffu
#define TEMPERATURE_VALID (1u << 16 | 1u << 10)

/* Device tree of the BCM2711: thermal-zones, cpu-thermal, coefficients */
#define SLOPE_MILLIDEGREES (-487)
#define OFFSET_MILLIDEGREES 410040

struct thermal {
    struct device monitor; /* base NULL: there is none; its registers hold all there is to know */
    struct device sensor;
};

STATE(struct thermal) state = {};

int temperature_read(int32_t *millidegrees)
{
    if (!state.monitor.base) {
        return -ENODEV;
    }
    uint32_t word = mmio_read32(state.monitor.base, AVS_TEMPERATURE);
    if (!(word & TEMPERATURE_VALID)) {
        return -EAGAIN;
    }
    *millidegrees = OFFSET_MILLIDEGREES + SLOPE_MILLIDEGREES * (int32_t)(word & TEMPERATURE_VALUE);
    return 0;
}

static int run(int count, char *const words[], struct command_output *output)
{
    int32_t millidegrees;
    (void)words;
    int result = count == 1 ? temperature_read(&millidegrees) : -EINVAL;
    if (result == 0) {
        unsigned tenths = (unsigned)(millidegrees < 0 ? -millidegrees : millidegrees) / 100;
        command_print(output, "%s%u.%u degrees Celsius\n", millidegrees < 0 ? "-" : "", tenths / 10,
                      tenths % 10);
        return 0;
    }
    command_print(output, result == -EINVAL   ? "usage: temperature\n"
                          : result == -EAGAIN ? "the sensor has no valid value: try again\n"
                                              : "this machine has no thermal sensor\n");
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run, "temperature - tells how warm the SoC is"};
    int result = offer_add(COMMAND_KIND, "temperature", &command, sizeof(command));
    /* The sensor's node first: where there is none, the monitor may be one by name alone. */
    if (result >= 0) {
        result = device_claim("brcm,bcm2711-thermal", &state.sensor);
    }
    return result < 0 ? result : device_claim("brcm,bcm2711-avs-monitor", &state.monitor);
}

COMPONENT(thermal, .version = VERSION(1, 0, 0), .summary = "Thermal sensor of the BCM2711",
          .compatible = "brcm,bcm2711-thermal", .start = start);
