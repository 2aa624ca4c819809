/* SPDX-License-Identifier: MIT */
/* One relocation; see relocate.h. The table is that of AAELF64, chapter "Relocation". */

#include "relocate.h"

#include <errno.h>
#include <string.h>

#include "elf.h"

enum base {
    ABSOLUTE, /* S + A */
    RELATIVE, /* S + A - P */
    PAGE,     /* Page(S + A) - Page(P) */
};

enum field {
    DATA16,
    DATA32,
    DATA64,
    IMM26,       /* b, bl: bits 25..0 */
    IMM19,       /* b.cond, cbz, ldr: bits 23..5 */
    IMM14,       /* tbz: bits 18..5 */
    IMM12,       /* add, ldr: bits 21..10 */
    ADR21,       /* adr, adrp: bits 23..5 and, the two lowest, 30..29 */
    MOVE16,      /* movz, movk: bits 20..5 */
    MOVE16_SIGN, /* likewise; becomes movz or movn by the value's sign */
};

enum check {
    UNCHECKED,
    SIGNED,   /* -2^n <= X < 2^n */
    UNSIGNED, /* 0 <= X < 2^n */
    EITHER,   /* -2^(n-1) <= X < 2^n */
};

struct relocation_rule {
    uint16_t type;
    uint8_t base;
    uint8_t field;
    uint8_t low;     /* lowest bit of X that goes into the field */
    uint8_t aligned; /* how many of the lowest bits of X must be zero */
    uint8_t check;
    uint8_t bits; /* n of check */
};

/* The most frequent ones first: they are looked for one by one. */
static const struct relocation_rule rules[] = {
    {R_AARCH64_CALL26, RELATIVE, IMM26, 2, 2, SIGNED, 27},
    {R_AARCH64_ADR_PREL_PG_HI21, PAGE, ADR21, 12, 0, SIGNED, 32},
    {R_AARCH64_ADD_ABS_LO12_NC, ABSOLUTE, IMM12, 0, 0, UNCHECKED, 0},
    {R_AARCH64_ABS64, ABSOLUTE, DATA64, 0, 0, UNCHECKED, 0},
    {R_AARCH64_LDST64_ABS_LO12_NC, ABSOLUTE, IMM12, 3, 3, UNCHECKED, 0},
    {R_AARCH64_ABS32, ABSOLUTE, DATA32, 0, 0, EITHER, 32},
    {R_AARCH64_ABS16, ABSOLUTE, DATA16, 0, 0, EITHER, 16},
    {R_AARCH64_PREL64, RELATIVE, DATA64, 0, 0, UNCHECKED, 0},
    {R_AARCH64_PREL32, RELATIVE, DATA32, 0, 0, EITHER, 32},
    {R_AARCH64_PREL16, RELATIVE, DATA16, 0, 0, EITHER, 16},
    {R_AARCH64_PLT32, RELATIVE, DATA32, 0, 0, SIGNED, 31},
    {R_AARCH64_MOVW_UABS_G0, ABSOLUTE, MOVE16, 0, 0, UNSIGNED, 16},
    {R_AARCH64_MOVW_UABS_G0_NC, ABSOLUTE, MOVE16, 0, 0, UNCHECKED, 0},
    {R_AARCH64_MOVW_UABS_G1, ABSOLUTE, MOVE16, 16, 0, UNSIGNED, 32},
    {R_AARCH64_MOVW_UABS_G1_NC, ABSOLUTE, MOVE16, 16, 0, UNCHECKED, 0},
    {R_AARCH64_MOVW_UABS_G2, ABSOLUTE, MOVE16, 32, 0, UNSIGNED, 48},
    {R_AARCH64_MOVW_UABS_G2_NC, ABSOLUTE, MOVE16, 32, 0, UNCHECKED, 0},
    {R_AARCH64_MOVW_UABS_G3, ABSOLUTE, MOVE16, 48, 0, UNCHECKED, 0},
    {R_AARCH64_MOVW_SABS_G0, ABSOLUTE, MOVE16_SIGN, 0, 0, SIGNED, 16},
    {R_AARCH64_MOVW_SABS_G1, ABSOLUTE, MOVE16_SIGN, 16, 0, SIGNED, 32},
    {R_AARCH64_MOVW_SABS_G2, ABSOLUTE, MOVE16_SIGN, 32, 0, SIGNED, 48},
    {R_AARCH64_LD_PREL_LO19, RELATIVE, IMM19, 2, 2, SIGNED, 20},
    {R_AARCH64_ADR_PREL_LO21, RELATIVE, ADR21, 0, 0, SIGNED, 20},
    {R_AARCH64_ADR_PREL_PG_HI21_NC, PAGE, ADR21, 12, 0, UNCHECKED, 0},
    {R_AARCH64_LDST8_ABS_LO12_NC, ABSOLUTE, IMM12, 0, 0, UNCHECKED, 0},
    {R_AARCH64_LDST16_ABS_LO12_NC, ABSOLUTE, IMM12, 1, 1, UNCHECKED, 0},
    {R_AARCH64_LDST32_ABS_LO12_NC, ABSOLUTE, IMM12, 2, 2, UNCHECKED, 0},
    {R_AARCH64_LDST128_ABS_LO12_NC, ABSOLUTE, IMM12, 4, 4, UNCHECKED, 0},
    {R_AARCH64_TSTBR14, RELATIVE, IMM14, 2, 2, SIGNED, 15},
    {R_AARCH64_CONDBR19, RELATIVE, IMM19, 2, 2, SIGNED, 20},
    {R_AARCH64_JUMP26, RELATIVE, IMM26, 2, 2, SIGNED, 27},
};

const struct relocation_rule *relocation_rule(uint32_t type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].type == type) {
            return &rules[i];
        }
    }
    return NULL;
}

bool relocation_is_branch(const struct relocation_rule *rule)
{
    return rule->type == R_AARCH64_CALL26 || rule->type == R_AARCH64_JUMP26 ||
           rule->type == R_AARCH64_CONDBR19 || rule->type == R_AARCH64_TSTBR14;
}

bool relocation_is_instruction(const struct relocation_rule *rule)
{
    return rule->field > DATA64;
}

size_t relocation_width(const struct relocation_rule *rule)
{
    return rule->field == DATA16 ? 2 : rule->field == DATA64 ? 8 : 4;
}

static int check_range(const struct relocation_rule *rule, uint64_t x, struct why *why)
{
    if (rule->check == UNCHECKED) {
        return 0;
    }
    uint64_t limit = (uint64_t)1 << rule->bits;
    uint64_t below = rule->check == SIGNED ? limit : rule->check == EITHER ? limit / 2 : 0;
    if (x + below >= limit + below) {
        bool is_negative = rule->check != UNSIGNED && (int64_t)x < 0;
        return why_set(why, -ERANGE, "%s is %s0x%llx, out of the range -0x%llx to 0x%llx",
                       rule->base == ABSOLUTE ? "value" : "distance", is_negative ? "-" : "",
                       (unsigned long long)(is_negative ? 0 - x : x), (unsigned long long)below,
                       (unsigned long long)(limit - 1));
    }
    return 0;
}

static uint32_t insert(uint32_t word, uint64_t value, unsigned position, unsigned bits)
{
    uint32_t mask = ((uint32_t)1 << bits) - 1;
    return (word & ~(mask << position)) | ((uint32_t)value & mask) << position;
}

static uint32_t encode(const struct relocation_rule *rule, uint32_t word, uint64_t x)
{
    const uint32_t movz = (uint32_t)1 << 30; /* bits 30..29: movn 00, movz 10, movk 11 */
    uint64_t value = x >> rule->low;

    switch (rule->field) {
    case DATA32:
        return (uint32_t)value;
    case IMM26:
        return insert(word, value, 0, 26);
    case IMM19:
        return insert(word, value, 5, 19);
    case IMM14:
        return insert(word, value, 5, 14);
    case IMM12:
        /* Twelve bits of X before it is scaled: 11 .. low. */
        return insert(word, (x & 0xfff) >> rule->low, 10, 12);
    case ADR21:
        return insert(insert(word, value, 29, 2), value >> 2, 5, 19);
    case MOVE16:
        return insert(word, value, 5, 16);
    case MOVE16_SIGN:
        if ((int64_t)x < 0) {
            return insert(word & ~movz, ~x >> rule->low, 5, 16);
        }
        return insert(word | movz, value, 5, 16);
    default:
        return word;
    }
}

int relocation_write(const struct relocation_rule *rule, void *where, uint64_t place,
                     uint64_t value, struct why *why)
{
    uint64_t x = value;
    if (rule->base == RELATIVE) {
        x = value - place;
    } else if (rule->base == PAGE) {
        x = (value & ~(uint64_t)0xfff) - (place & ~(uint64_t)0xfff);
    }
    int error = check_range(rule, x, why);
    if (error < 0) {
        return error;
    }
    if (x & (((uint64_t)1 << rule->aligned) - 1)) {
        return why_set(why, -EINVAL, "%s 0x%llx is no multiple of %u",
                       rule->base == ABSOLUTE ? "value" : "distance", (unsigned long long)x,
                       1u << rule->aligned);
    }
    if (rule->field == DATA64) {
        memcpy(where, &x, sizeof(x));
    } else if (rule->field == DATA16) {
        uint16_t half = (uint16_t)x;
        memcpy(where, &half, sizeof(half));
    } else {
        uint32_t word;
        memcpy(&word, where, sizeof(word));
        word = encode(rule, word, x);
        memcpy(where, &word, sizeof(word));
    }
    return 0;
}
