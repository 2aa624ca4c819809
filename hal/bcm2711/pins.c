/* SPDX-License-Identifier: MIT */
/*
 * Functions of the SoC's pins: BCM2711 ARM Peripherals, 5.2, GPFSEL0 to 5, three bits a pin.
 */
#include <errno.h>
#include <hal/board.h>
#include <neurath/cpu.h>
#include <neurath/device.h>

#define PIN_COUNT 58
#define PINS_PER_WORD 10

static volatile void *gpio;
static struct spinlock pin_lock; /* guards read-modify-write of the registers */

void board_use_gpio(volatile void *registers)
{
    gpio = registers;
}

int pin_set_function(unsigned pin, unsigned function)
{
    if (pin >= PIN_COUNT || function > 7 || !gpio) {
        return -EINVAL;
    }
    size_t offset = pin / PINS_PER_WORD * 4;
    unsigned shift = pin % PINS_PER_WORD * 3;
    uint64_t daif = spin_lock(&pin_lock);
    uint32_t word = mmio_read32(gpio, offset) & ~(7u << shift);
    mmio_write32(gpio, offset, word | function << shift);
    spin_unlock(&pin_lock, daif);
    return 0;
}
