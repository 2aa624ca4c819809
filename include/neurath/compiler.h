/* SPDX-License-Identifier: MIT */
/*
 * What every file may use: small macros around the compiler and the configuration.
 * Included by all other headers here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/macros.h>

#ifndef static_assert /* a keyword from C23 on, which GCC 12 does not know yet */
#define static_assert _Static_assert
#endif

/* 1 when CONFIG_X is defined as 1 by the configuration, else 0; usable in C expressions. */
#define IS_ENABLED(option) COMPILER_IS_ONE(option)
#define COMPILER_IS_ONE(value) COMPILER_IS_ONE_(COMPILER_ARGUMENT_##value)
#define COMPILER_IS_ONE_(...) COMPILER_SECOND(__VA_ARGS__ 1, 0) /* cppcheck sees 0, as two */
#define COMPILER_SECOND(ignored, value, ...) value
#define COMPILER_ARGUMENT_1 0,

#define READ_ONCE(object) (*(const volatile typeof(object) *)&(object))
#define WRITE_ONCE(object, value) (*(volatile typeof(object) *)&(object) = (value))

#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))
#define NORETURN __attribute__((noreturn))

#define COMPILER_JOIN(a, b) COMPILER_JOIN_(a, b)
#define COMPILER_JOIN_(a, b) a##b

/*
 * Marks what the nucleus offers to components. Each such function is declared in
 * include/neurath/, entered in the table of exports at build time, and known to the packager as a
 * method of the interface "nucleus".
 */
#define NUCLEUS_API
