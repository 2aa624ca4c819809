/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets: each takes any bytes, and must neither crash, nor read or write where it must not,
 * nor go on for ever. Built two ways: with libFuzzer, one program each (`make fuzz`), and into the
 * tests on the host, which replay the corpus (tests/fuzz/corpus/TARGET/).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void fuzz_bundle(const uint8_t *data, size_t size); /* a bundle: all that its iterators show */
void fuzz_object(const uint8_t *data, size_t size); /* an object: read, measured, linked */
void fuzz_types(const uint8_t *data, size_t size);  /* BTF: hashed, compared, printed */

/* A copy of exactly that size, aligned to 16; the caller frees it. */
void *fuzz_copy(const uint8_t *data, size_t size);
