/* SPDX-License-Identifier: MIT */
/* Images of cards; see card_image.h. */
#include "tests/hotswap/card_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/suite.h"

#define IMAGE_KIB 4096u    /* a power of two, for QEMU */
#define VOLUME_FIRST 2048u /* block of the partition: at 1 MiB */
#define VOLUME_KIB (IMAGE_KIB - 1024u)
#define BLOCK 512u

void card_begin_folder(void)
{
    suite_sh("rm -rf " CARD_FOLDER " && mkdir -p " CARD_FOLDER);
    suite_sh("seq -f 'line %%g of a file that stays whole' 1 90 >" CARD_FOLDER "whole.txt");
    suite_sh("seq 1 400000 | head -c 2M >" CARD_FOLDER "large.bin");
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint32_t get16(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

void card_make_bare(const char *image, uint8_t type)
{
    struct card_bytes card;
    suite_sh("rm -f " CARD_FOLDER "%s && truncate -s %uK " CARD_FOLDER "%s", image, IMAGE_KIB,
             image);
    card_open(&card, image);
    card.bytes[446 + 4] = type; /* the MBR's first entry: UEFI specification 5.2.1 */
    put32(card.bytes + 446 + 8, VOLUME_FIRST);
    put32(card.bytes + 446 + 12, VOLUME_KIB * 2);
    card.bytes[510] = 0x55;
    card.bytes[511] = 0xaa;
    card_save(&card);
}

void card_make(const char *image)
{
    card_make_bare(image, CARD_TYPE_FAT);
    suite_sh("mkfs.fat -F 16 -s 1 --offset %u " CARD_FOLDER "%s %u >/dev/null", VOLUME_FIRST, image,
             VOLUME_KIB);
    card_put(image, "whole.txt", "whole.txt");
}

void card_put(const char *image, const char *file, const char *to)
{
    suite_sh("mcopy -i " CARD_FOLDER "%s" CARD_PLACE " " CARD_FOLDER "%s ::%s", image, file, to);
}

void card_put_letters(const char *image, const char *to, unsigned bytes)
{
    suite_sh("yes letters | head -c %u >" CARD_FOLDER "letters", bytes);
    card_put(image, "letters", to);
}

/* The volume alone, on which fsck.fat works. */
static void take_volume(const char *image)
{
    suite_sh("dd if=" CARD_FOLDER "%s of=" CARD_FOLDER "volume bs=1M skip=1 2>/dev/null", image);
}

void card_expect_clean(const char *image)
{
    take_volume(image);
    suite_sh("fsck.fat -n " CARD_FOLDER "volume >" CARD_FOLDER "fsck.log");
}

void card_expect_repairable(const char *image)
{
    take_volume(image);
    /* 1: errors that were mended. Directories may take another round. */
    suite_sh("cd " CARD_FOLDER " && for i in 1 2 3; do fsck.fat -a volume >fsck.log; done; "
             "fsck.fat -n volume >fsck.log && dd if=volume of=%s bs=1M seek=1 2>/dev/null",
             image);
}

void card_expect_file(const char *image, const char *name, const char *file)
{
    suite_sh("mcopy -n -i " CARD_FOLDER "%s" CARD_PLACE " ::%s - | cmp - " CARD_FOLDER "%s", image,
             name, file);
}

void card_open(struct card_bytes *card, const char *image)
{
    char name[128];
    size_t size = 0;
    snprintf(name, sizeof(name), CARD_FOLDER "%s", image);
    card->image = image;
    card->bytes = client_read_file(name, &size, &why);
    card->size = size;
    cr_assert_not_null(card->bytes, "%s", why.text);
}

void card_save(struct card_bytes *card)
{
    char name[128];
    snprintf(name, sizeof(name), CARD_FOLDER "%s", card->image);
    FILE *file = fopen(name, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(card->bytes, 1, card->size, file), card->size);
    fclose(file);
    free(card->bytes);
}

/* Of the boot record, by Microsoft's specification of FAT, "Boot Sector and BPB". */
static uint8_t *volume(const struct card_bytes *card)
{
    return card->bytes + (size_t)VOLUME_FIRST * BLOCK;
}

static uint8_t *table(const struct card_bytes *card, unsigned number)
{
    const uint8_t *boot = volume(card);
    return volume(card) + (size_t)(get16(boot + 14) + number * get16(boot + 22)) * BLOCK;
}

uint8_t *card_entry(const struct card_bytes *card, const char *name)
{
    uint8_t *entry = table(card, 2);
    for (unsigned i = 0; i < get16(volume(card) + 17); i++, entry += 32) {
        if (memcmp(entry, name, 11) == 0) {
            return entry;
        }
    }
    cr_assert_fail("%s is not in the root of %s", name, card->image);
    return NULL;
}

uint32_t card_first(const struct card_bytes *card, const char *name)
{
    return get16(card_entry(card, name) + 26);
}

void card_set(const struct card_bytes *card, uint32_t cluster, uint16_t value)
{
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *at = table(card, i) + (size_t)cluster * 2;
        at[0] = (uint8_t)value;
        at[1] = (uint8_t)(value >> 8);
    }
}
