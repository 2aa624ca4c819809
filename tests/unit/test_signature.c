/* SPDX-License-Identifier: MIT */
/* lib/signature, which checks by BearSSL, against signatures that libcrypto made. */

#include "tools/nrpack/key.c" /* NOLINT(bugprone-suspicious-include) */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

enum { TREE_BYTES = 133, FILE_BYTES = TREE_BYTES + sizeof(struct signature_trailer) };

static char key_path[] = "/tmp/test_signature.XXXXXX";
static char other_path[] = "/tmp/test_signature.XXXXXX";
static struct signature_key key, other;
static uint8_t file[FILE_BYTES]; /* a tree, signed */
static struct why why;

static void make_key(char *path, unsigned bits, struct signature_key *public)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    FILE *out = fdopen(fd, "w");
    EVP_PKEY *made = EVP_RSA_gen(bits);
    cr_assert_eq(PEM_write_PrivateKey(out, made, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    EVP_PKEY_free(made);
    if (public) {
        cr_assert_eq(key_read_public(path, public, &why), 0, "%s", why.text);
    }
}

/* A tree of that many bytes, of which only the header means anything. */
static void make_tree(uint8_t *tree, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        tree[i] = (uint8_t)(i * 31);
    }
    fdt_set_magic(tree, FDT_MAGIC);
    fdt_set_totalsize(tree, (uint32_t)size);
}

static void sign_tree(uint8_t *tree, size_t size, const char *path)
{
    struct signature_trailer trailer;
    cr_assert_eq(key_sign(path, tree, size, &trailer, &why), 0, "%s", why.text);
    memcpy(tree + size, &trailer, sizeof(trailer));
}

static void begin(void)
{
    make_key(key_path, 2048, &key);
    make_tree(file, TREE_BYTES);
    sign_tree(file, TREE_BYTES, key_path);
}

static void end(void)
{
    unlink(key_path);
    unlink(other_path);
}

TestSuite(signature, .init = begin, .fini = end);

static int verify(const uint8_t *data, size_t size)
{
    why.text[0] = 0;
    int error = signature_verify(data, size, &key, &why);
    cr_assert(error == 0 || why.text[0], "a refusal without words");
    return error;
}

#define refuses(error, words)                                                                      \
    do {                                                                                           \
        cr_assert_eq(verify(file, FILE_BYTES), error, "%s", why.text);                             \
        cr_assert_not_null(strstr(why.text, words), "%s", why.text);                               \
    } while (0)

Test(signature, accepts_what_its_key_has_signed_whatever_its_size)
{
    uint8_t *data = malloc(70000 + sizeof(struct signature_trailer));
    static const size_t sizes[] = {40, 41, 55, 56, 63, 64, 65, 119, 120, 4096, 70000};
    cr_assert_eq(verify(file, FILE_BYTES), 0, "%s", why.text);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        make_tree(data, sizes[i]);
        sign_tree(data, sizes[i], key_path);
        cr_assert_eq(verify(data, sizes[i] + sizeof(struct signature_trailer)), 0, "%zu: %s",
                     sizes[i], why.text);
    }
    free(data);
}

Test(signature, names_a_key_by_the_digest_of_its_modulus)
{
    uint8_t expected[32];
    unsigned size = sizeof(expected);
    EVP_Digest(key.modulus, sizeof(key.modulus), expected, &size, EVP_sha256(), NULL);
    cr_assert_eq(memcmp(key.id, expected, sizeof(key.id)), 0);
    cr_assert_eq(signature_id((const uint8_t[8]){1, 2, 3, 4, 5, 6, 7, 0xff}), 0x01020304050607ff);
}

Test(signature, finds_tree_and_trailer)
{
    size_t tree_bytes;
    const struct signature_trailer *trailer;
    cr_assert_eq(signature_find(file, FILE_BYTES, &tree_bytes, &trailer, &why), 0);
    cr_assert_eq(tree_bytes, TREE_BYTES);
    cr_assert_eq((const uint8_t *)trailer, file + TREE_BYTES);
    cr_assert_eq(signature_find(file, TREE_BYTES, &tree_bytes, &trailer, &why), 0);
    cr_assert_null(trailer);
}

Test(signature, refuses_what_is_unsigned)
{
    char words[64];
    snprintf(words, sizeof(words), "unsigned: need a signature by the key %016llx",
             (unsigned long long)signature_id(key.id));
    cr_assert_eq(verify(file, TREE_BYTES), -EPERM);
    cr_assert_str_eq(why.text, words);
}

Test(signature, refuses_another_key_whatever_it_says)
{
    char words[80];
    make_key(other_path, 2048, &other);
    sign_tree(file, TREE_BYTES, other_path);
    snprintf(words, sizeof(words), "signed by the unknown key %016llx: need %016llx",
             (unsigned long long)signature_id(other.id), (unsigned long long)signature_id(key.id));
    refuses(-EACCES, words);
    memcpy(file + TREE_BYTES + offsetof(struct signature_trailer, key_id), key.id, sizeof(key.id));
    refuses(-EBADMSG, "does not match");
}

Test(signature, refuses_every_flipped_bit)
{
    for (size_t bit = 0; bit < 8 * (size_t)FILE_BYTES; bit++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_lt(verify(file, FILE_BYTES), 0, "bit %zu of byte %zu", bit % 8, bit / 8);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_eq(verify(file, FILE_BYTES), 0);
}

/* In memory of exactly that size: the sanitizers watch. */
static int verify_copy(size_t size)
{
    uint8_t *copy = calloc(1, size ? size : 1);
    memcpy(copy, file, size < FILE_BYTES ? size : FILE_BYTES);
    int error = verify(copy, size);
    free(copy);
    return error;
}

Test(signature, refuses_what_is_cut_or_followed_by_more)
{
    for (size_t size = 0; size < FILE_BYTES; size++) {
        int error = verify_copy(size);
        cr_assert_eq(error, size == TREE_BYTES ? -EPERM : -EBADMSG, "%zu: %s", size, why.text);
    }
    for (size_t more = 1; more < 300; more++) {
        cr_assert_eq(verify_copy(FILE_BYTES + more), -EBADMSG, "%zu more", more);
    }
}

Test(signature, refuses_a_size_that_wraps_or_ends_in_the_header)
{
    static const uint32_t sizes[] = {0, 1, 39, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffef0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fdt_set_totalsize(file, sizes[i]);
        refuses(-EBADMSG, "cut short");
    }
}

Test(signature, refuses_another_format)
{
    fdt32_st(file + TREE_BYTES + offsetof(struct signature_trailer, format), 2);
    refuses(-EBADMSG, "signature of format 2: need 1");
    file[TREE_BYTES] = 'n';
    refuses(-EBADMSG, "no signature");
}

static uint8_t *signature_bytes(void)
{
    return file + TREE_BYTES + offsetof(struct signature_trailer, signature);
}

/* RFC 8017, 5.2.2: a representative of the modulus or above is none, though it has the same rest.
 */
Test(signature, refuses_a_number_that_is_not_below_the_modulus)
{
    BIGNUM *modulus = BN_bin2bn(key.modulus, SIGNATURE_BYTES, NULL);
    BIGNUM *number = BN_new();
    unsigned found = 0;
    for (unsigned i = 0; i < 200 && found < 3; i++) {
        file[TREE_BYTES - 1] = (uint8_t)i;
        sign_tree(file, TREE_BYTES, key_path);
        BN_bin2bn(signature_bytes(), SIGNATURE_BYTES, number);
        BN_add(number, number, modulus);
        if (BN_bn2binpad(number, signature_bytes(), SIGNATURE_BYTES) == SIGNATURE_BYTES) {
            found++;
            refuses(-EBADMSG, "does not match");
        }
    }
    static const uint8_t values[] = {0, 0xff};
    for (size_t i = 0; i < sizeof(values); i++) {
        memset(signature_bytes(), values[i], SIGNATURE_BYTES);
        refuses(-EBADMSG, "does not match");
    }
    memcpy(signature_bytes(), key.modulus, SIGNATURE_BYTES);
    refuses(-EBADMSG, "does not match");
    BN_free(number);
    BN_free(modulus);
}

/* The right digest of the right bytes, raised by the right key, but framed in another way. */
Test(signature, refuses_every_other_padding)
{
    static const int faults[] = {0,   1,   2,   100, 203,
                                 204, 205, 210, 222, 223}; /* bytes of the frame */
    uint8_t block[SIGNATURE_BYTES];
    EVP_PKEY *private = read_key(key_path, true, &why);
    cr_assert_not_null(private);
    for (size_t i = 0; i <= sizeof(faults) / sizeof(faults[0]); i++) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(private, NULL);
        size_t size = sizeof(block);
        sign_tree(file, TREE_BYTES, key_path);
        EVP_PKEY_verify_recover_init(context);
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING);
        cr_assert_eq(EVP_PKEY_verify_recover(context, block, &size, signature_bytes(), size), 1);
        bool is_changed =
            i > 0; /* the first goes through as it is: the way there and back is right */
        if (is_changed) {
            block[faults[i - 1]] ^= 0x01;
        }
        EVP_PKEY_sign_init(context);
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING);
        bool is_number = EVP_PKEY_sign(context, signature_bytes(), &size, block, size) == 1;
        cr_assert(is_number || faults[i - 1] == 0, "%zu", i);
        if (is_number) {
            cr_assert_eq(verify(file, FILE_BYTES), is_changed ? -EBADMSG : 0, "%zu", i);
        }
        EVP_PKEY_CTX_free(context);
    }
    EVP_PKEY_free(private);
}

Test(signature, refuses_keys_of_another_kind)
{
    struct signature_trailer trailer;
    make_key(other_path, 1024, NULL);
    cr_assert_eq(key_read_public(other_path, &other, &why), -EINVAL);
    cr_assert_not_null(strstr(why.text, "RSA key of 2048 bits"), "%s", why.text);
    cr_assert_eq(key_sign(other_path, file, TREE_BYTES, &trailer, &why), -EINVAL);
    cr_assert_eq(key_sign("/nowhere.key", file, TREE_BYTES, &trailer, &why), -EINVAL);
    cr_assert_not_null(strstr(why.text, "/nowhere.key: No such file"), "%s", why.text);
}
