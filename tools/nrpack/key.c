/* SPDX-License-Identifier: MIT */
/* Reads keys and signs; see key.h. */

#include "key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* The key of a file, private where it must be; NULL: why says it. */
static EVP_PKEY *read_key(const char *path, bool must_be_private, struct why *why)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        why_set(why, -EINVAL, "%s: %s", path, strerror(errno));
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (!key && !must_be_private) {
        rewind(file);
        key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    }
    fclose(file);
    if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) != 8 * SIGNATURE_BYTES) {
        why_set(why, -EINVAL, "%s: need %s RSA key of %d bits, as PEM", path,
                must_be_private ? "a private" : "an", 8 * SIGNATURE_BYTES);
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static int read_public(EVP_PKEY *from, const char *path, struct signature_key *key, struct why *why)
{
    BIGNUM *modulus = NULL, *exponent = NULL, *square = BN_new();
    BN_CTX *context = BN_CTX_new();
    bool is_usable = EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                     EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                     BN_is_word(exponent, 65537) && BN_set_bit(square, 2 * SIGNATURE_R_BITS) == 1 &&
                     BN_mod(square, square, modulus, context) == 1 &&
                     BN_bn2binpad(modulus, key->modulus, SIGNATURE_BYTES) == SIGNATURE_BYTES &&
                     BN_bn2binpad(square, key->square, SIGNATURE_BYTES) == SIGNATURE_BYTES;
    BN_CTX_free(context);
    BN_free(square);
    BN_free(modulus);
    BN_free(exponent);
    if (!is_usable) {
        return why_set(why, -EINVAL, "%s: need a key with the public exponent 65537", path);
    }
    signature_set_id(key);
    return 0;
}

int key_read_public(const char *path, struct signature_key *key, struct why *why)
{
    EVP_PKEY *from = read_key(path, false, why);
    if (!from) {
        return -EINVAL;
    }
    int error = read_public(from, path, key, why);
    EVP_PKEY_free(from);
    return error;
}

static int sign(EVP_PKEY *key, const char *path, const void *data, size_t size, uint8_t *signature,
                struct why *why)
{
    size_t length = SIGNATURE_BYTES;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_signed = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestSign(context, signature, &length, data, size) == 1 &&
                     length == SIGNATURE_BYTES;
    EVP_MD_CTX_free(context);
    return is_signed ? 0 : why_set(why, -EINVAL, "%s: cannot sign with it", path);
}

int key_sign(const char *path, const void *tree, size_t tree_bytes,
             struct signature_trailer *trailer, struct why *why)
{
    EVP_PKEY *key = read_key(path, true, why);
    if (!key) {
        return -EINVAL;
    }
    struct signature_key public;
    int error = read_public(key, path, &public, why);
    if (error == 0) {
        memcpy(trailer->magic, SIGNATURE_MAGIC, sizeof(trailer->magic));
        fdt32_st(trailer->format, SIGNATURE_FORMAT);
        memcpy(trailer->key_id, public.id, sizeof(trailer->key_id));
        error = sign(key, path, tree, tree_bytes, trailer->signature, why);
    }
    EVP_PKEY_free(key);
    return error;
}
