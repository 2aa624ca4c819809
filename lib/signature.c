/* SPDX-License-Identifier: MIT */
/* Finds and checks the signatures of bundles; see signature.h. */

#include "signature.h"

#include <errno.h>
#include <inner.h> /* BearSSL's: its arithmetic */
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

#define DIGEST_BYTES 32
#define NUMBER_WORDS (1 + (8 * SIGNATURE_BYTES + 30) / 31) /* its length, then 31 bits each */

static void digest(const void *data, size_t size, uint8_t *result)
{
    br_sha256_context context;
    br_sha256_init(&context);
    br_sha256_update(&context, data, size);
    br_sha256_out(&context, result);
}

void signature_set_id(struct signature_key *key)
{
    uint8_t result[DIGEST_BYTES];
    digest(key->modulus, sizeof(key->modulus), result);
    memcpy(key->id, result, sizeof(key->id));
}

uint64_t signature_id(const uint8_t id[SIGNATURE_ID_BYTES])
{
    uint64_t number = 0;
    for (unsigned i = 0; i < SIGNATURE_ID_BYTES; i++) {
        number = number << 8 | id[i];
    }
    return number;
}

int signature_find(const void *data, size_t size, size_t *tree_bytes,
                   const struct signature_trailer **trailer, struct why *why)
{
    *trailer = NULL;
    if (size < sizeof(struct fdt_header) || fdt_magic(data) != FDT_MAGIC) {
        return why_set(why, -EBADMSG, "not a device tree");
    }
    *tree_bytes = fdt_totalsize(data);
    if (*tree_bytes < sizeof(struct fdt_header) || *tree_bytes > size) {
        return why_set(why, -EBADMSG, "cut short: a device tree of %zu bytes in %zu", *tree_bytes,
                       size);
    }
    size_t rest = size - *tree_bytes;
    if (rest == 0) {
        return 0;
    }
    const struct signature_trailer *found = (const void *)((const char *)data + *tree_bytes);
    if (rest != sizeof(*found)) {
        return why_set(why, -EBADMSG, "%zu bytes behind the device tree: a signature has %zu", rest,
                       sizeof(*found));
    }
    if (memcmp(found->magic, SIGNATURE_MAGIC, sizeof(found->magic)) != 0) {
        return why_set(why, -EBADMSG, "what is behind the device tree is no signature");
    }
    uint32_t format = fdt32_ld((const void *)found->format);
    if (format != SIGNATURE_FORMAT) {
        return why_set(why, -EBADMSG, "signature of format %u: need %u", format, SIGNATURE_FORMAT);
    }
    *trailer = found;
    return 0;
}

/*
 * The signature to the power of 65537 = 2^16 + 1, modulo the key's modulus; false: it is not below
 * that. BearSSL's own way takes twice as long, so that it tells a listener nothing of the exponent:
 * ours is public.
 */
static bool raise(const uint8_t *signature, const struct signature_key *key, uint8_t *block)
{
    uint32_t modulus[NUMBER_WORDS], base[NUMBER_WORDS], x[NUMBER_WORDS], y[NUMBER_WORDS];
    br_i31_decode(modulus, key->modulus, SIGNATURE_BYTES);
    if (!br_i31_decode_mod(base, signature, SIGNATURE_BYTES, modulus) ||
        !br_i31_decode_mod(y, key->square, SIGNATURE_BYTES, modulus)) {
        return false;
    }
    uint32_t inverse = br_i31_ninv31(modulus[1]);
    br_i31_montymul(x, base, y, modulus, inverse); /* base in Montgomery's form */
    for (unsigned bit = 0; bit < 16; bit += 2) {
        br_i31_montymul(y, x, x, modulus, inverse);
        br_i31_montymul(x, y, y, modulus, inverse);
    }
    br_i31_montymul(y, x, base, modulus, inverse); /* base as it is: so is the result */
    br_i31_encode(block, SIGNATURE_BYTES, y);
    return true;
}

/* Whether it is the key's signature of what has this digest. */
static bool matches(const uint8_t *signature, const struct signature_key *key,
                    const uint8_t *expected)
{
    uint8_t block[SIGNATURE_BYTES], found[DIGEST_BYTES];
    return raise(signature, key, block) &&
           br_rsa_pkcs1_sig_unpad(block, sizeof(block), BR_HASH_OID_SHA256, sizeof(found), found) &&
           memcmp(found, expected, sizeof(found)) == 0;
}

int signature_verify(const void *data, size_t size, const struct signature_key *key,
                     struct why *why)
{
    size_t tree_bytes;
    const struct signature_trailer *trailer;
    int error = signature_find(data, size, &tree_bytes, &trailer, why);
    if (error < 0) {
        return error;
    }
    unsigned long long needed = signature_id(key->id);
    if (!trailer) {
        return why_set(why, -EPERM, "unsigned: need a signature by the key %016llx", needed);
    }
    unsigned long long found = signature_id(trailer->key_id);
    if (found != needed) {
        return why_set(why, -EACCES, "signed by the unknown key %016llx: need %016llx", found,
                       needed);
    }
    uint8_t expected[DIGEST_BYTES];
    digest(data, tree_bytes, expected);
    if (!matches(trailer->signature, key, expected)) {
        return why_set(why, -EBADMSG,
                       "the signature by the key %016llx does not match: changed or damaged since",
                       found);
    }
    return 0;
}
