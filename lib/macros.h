/* SPDX-License-Identifier: MIT */
/* Small macros that C lacks. Needs nothing itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* In macros no minus and no & after a parenthesis: clang-format 14 takes "(x) - 1" for a cast. */
#define container_of(pointer, type, member)                                                        \
    ((type *)(-offsetof(type, member) + (uintptr_t)(pointer)))

#define ALIGN_UP(value, alignment)                                                                 \
    ((-1 + (alignment) + (value)) & ~(typeof(value))(-1 + (alignment)))
#define ALIGN_DOWN(value, alignment) ((value) & ~(typeof(value))(-1 + (alignment)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
