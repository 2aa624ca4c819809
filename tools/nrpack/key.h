/* SPDX-License-Identifier: MIT */
/*
 * Keys as PEM files, by libcrypto: RSA of 2048 bits, public exponent 65537, as `openssl genrsa
 * 2048` makes them and mkimage takes them. Depends on nothing else of nrpack: the tests sign with
 * it too.
 */
#pragma once

#include <lib/signature.h>

/* Reads the public half of a private or public key. 0; -EINVAL: the file has no such key. */
int key_read_public(const char *path, struct signature_key *key, struct why *why);

/* Makes the trailer to put behind a tree, by a private key. 0; -EINVAL: the file has none. */
int key_sign(const char *path, const void *tree, size_t tree_bytes,
             struct signature_trailer *trailer, struct why *why);
