/* SPDX-License-Identifier: MIT */
/* Monitors of other sizes, and pixels whose red and blue have changed places before we came. */
#include <stdio.h>
#include <string.h>

#include "components/screen/logo.h"
#include "tests/harness/direct.h"
#include "tests/hotswap/picture.h"
#include "tests/hotswap/suite.h"

TestSuite(resolutions, .fini = suite_detach, .timeout = 240); /* machines of their own */

/* scale: how much larger the screen draws. */
static void reads_well(uint32_t width, uint32_t height, uint32_t scale, unsigned pixel_order)
{
    char options[160], words[64];
    struct picture picture;
    snprintf(options, sizeof(options),
             "-global bcm2835-fb.xres=%u -global bcm2835-fb.yres=%u -global bcm2835-fb.pixo=%u",
             width, height, pixel_order);
    const struct direct direct = {.name = "resolution", .options = options};
    must(direct_start(&machine, &direct, &why));
    snprintf(words, sizeof(words), "%u x %u, ", width, height);
    suite_says("screen", words);
    snprintf(words, sizeof(words), "framebuffer: %u x %u at 0x", width, height);
    picture_set_scale(scale);
    picture_wait_for_text(LOGO_HEIGHT, words);
    picture_take(&picture);
    cr_expect_eq(picture.width, width / scale);
    cr_expect_eq(picture.height, height / scale);
    cr_expect_eq(picture_pixel(&picture, picture.width - 1, 0), LOGO_SKY);
    cr_expect_eq(picture_count(&picture, LOGO_NEW_PLANK, 0, LOGO_HEIGHT), 36 * 6);
    cr_expect_eq(picture_count(&picture, LOGO_SEA, LOGO_HEIGHT - 1, LOGO_HEIGHT), picture.width);
    picture_free(&picture);
}

Test(resolutions, of_1024_x_768)
{
    reads_well(1024, 768, 1, 0);
}

Test(resolutions, of_1920_x_1080_with_larger_letters)
{
    reads_well(1920, 1080, 2, 1);
}
