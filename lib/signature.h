/* SPDX-License-Identifier: MIT */
/*
 * Signatures of bundles: RSA of 2048 bits, PKCS #1 v1.5 padding, SHA-256 (RFC 8017, section 8.2),
 * public exponent 65537.
 *
 * A signed bundle is a flattened device tree and, right behind its totalsize bytes, a trailer. The
 * signature covers all bytes of the tree; nothing follows the trailer. Who reads the tree only
 * (fdtdump, bundle_open()) takes no notice of it.
 *
 * signature_verify() comes before anything else that looks at a bundle from outside. Of the tree it
 * reads magic and totalsize, no more. The bytes must not change between this check and their use.
 *
 * Pure, no allocation, no globals, no lock; the arithmetic is BearSSL's. 2 KiB of stack. Context:
 * any; not meant for interrupts (about a million instructions).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "why.h"

#define SIGNATURE_MAGIC "NRSG"
#define SIGNATURE_FORMAT 1u
#define SIGNATURE_BYTES 256 /* of the signature, and of the modulus */
#define SIGNATURE_ID_BYTES 8

/* Behind the tree, at whatever address that is: bytes only. Numbers are big-endian, as the tree's.
 */
struct signature_trailer {
    uint8_t magic[4];                   /* SIGNATURE_MAGIC */
    uint8_t format[4];                  /* SIGNATURE_FORMAT */
    uint8_t key_id[SIGNATURE_ID_BYTES]; /* whose signature it is */
    uint8_t signature[SIGNATURE_BYTES];
};

_Static_assert(offsetof(struct signature_trailer, format) == 4, "on disk");
_Static_assert(offsetof(struct signature_trailer, key_id) == 8, "on disk");
_Static_assert(offsetof(struct signature_trailer, signature) == 16, "on disk");
_Static_assert(sizeof(struct signature_trailer) == 272, "on disk");

/* Bits of R in Montgomery's multiplication: the modulus's, rounded up to BearSSL's words of 31. */
#define SIGNATURE_R_BITS ((8 * SIGNATURE_BYTES + 30) / 31 * 31)

/* The public half of a key. Numbers are big-endian. */
struct signature_key {
    uint8_t id[SIGNATURE_ID_BYTES];   /* the first bytes of SHA-256 over the modulus */
    uint8_t modulus[SIGNATURE_BYTES]; /* with its highest bit set */
    uint8_t square[SIGNATURE_BYTES];  /* R * R modulo the modulus, R = 2^SIGNATURE_R_BITS */
};

/* Fills in the id that belongs to the modulus. */
void signature_set_id(struct signature_key *key);

/* An id as a number, to be printed as %016llx. */
uint64_t signature_id(const uint8_t id[SIGNATURE_ID_BYTES]);

/*
 * Finds tree and trailer in a file's bytes. 0, *tree_bytes, and *trailer: NULL if it is unsigned.
 * -EBADMSG: not a device tree, cut short, what follows the tree is no trailer of this format, or
 * something follows the trailer.
 */
int signature_find(const void *data, size_t size, size_t *tree_bytes,
                   const struct signature_trailer **trailer, struct why *why);

/*
 * Checks a file's bytes. 0: all of the tree is as the key's owner signed it, and nothing else is
 * there. -EPERM: unsigned, and only then. -EACCES: signed by another key. -EBADMSG: the signature
 * does not match, or what signature_find() refuses.
 */
int signature_verify(const void *data, size_t size, const struct signature_key *key,
                     struct why *why);
