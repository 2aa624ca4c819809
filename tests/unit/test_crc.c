/* SPDX-License-Identifier: MIT */
/* lib/crc against published check values. */

#include <criterion/criterion.h>
#include <string.h>

#include <lib/crc.h>

Test(crc, crc32_gives_the_catalogue_check_value)
{
    cr_assert_eq(crc32("123456789", 9), 0xcbf43926);
    cr_assert_eq(crc32("", 0), 0);
    cr_assert_eq(crc32("a", 1), 0xe8b7be43);
}

Test(crc, crc32c_gives_the_values_of_rfc_3720)
{
    uint8_t bytes[32];
    cr_assert_eq(crc32c("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    cr_assert_eq(crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    cr_assert_eq(crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    cr_assert_eq(crc32c(bytes, sizeof(bytes)), 0x46dd794e);
}

Test(crc, extends_over_pieces_of_any_size)
{
    const char text[] = "We are like sailors who must rebuild their ship on the open sea";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        cr_assert_eq(crc32_extend(crc32(text, cut), text + cut, sizeof(text) - cut),
                     crc32(text, sizeof(text)));
        cr_assert_eq(crc32c_extend(crc32c(text, cut), text + cut, sizeof(text) - cut),
                     crc32c(text, sizeof(text)));
    }
}

Test(crc, notices_every_single_bit_flip)
{
    uint8_t bytes[64] = {1, 2, 3};
    uint32_t ieee = crc32(bytes, sizeof(bytes)), castagnoli = crc32c(bytes, sizeof(bytes));
    for (unsigned bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(crc32(bytes, sizeof(bytes)), ieee);
        cr_assert_neq(crc32c(bytes, sizeof(bytes)), castagnoli);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
