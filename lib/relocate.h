/* SPDX-License-Identifier: MIT */
/*
 * One relocation: how AAELF64 wants a value written into data or an instruction. Used by link.c;
 * knows nothing of symbols, sections and gates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

struct relocation_rule;

/* The rule for a type (enum elf_relocation), or NULL: not known. NONE has no rule either. */
const struct relocation_rule *relocation_rule(uint32_t type);

/* CALL26, JUMP26, CONDBR19, TSTBR14. */
bool relocation_is_branch(const struct relocation_rule *rule);

/* How many bytes at the place it changes: 2, 4 or 8. */
size_t relocation_width(const struct relocation_rule *rule);

/* Whether the place is an instruction, and so must lie at a multiple of 4. */
bool relocation_is_instruction(const struct relocation_rule *rule);

/*
 * Writes value (AAELF64's S + A) at where[0 .. width), any alignment, which will run at `place`
 * (its P). Returns 0; -ERANGE: out of the field's range, -EINVAL: bits that the field cannot hold
 * are set (the value's alignment). Nothing is written then.
 */
int relocation_write(const struct relocation_rule *rule, void *where, uint64_t place,
                     uint64_t value, struct why *why);
