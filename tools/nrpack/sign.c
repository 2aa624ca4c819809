/* SPDX-License-Identifier: MIT */
/* nrpack sign, verify and public: what is done with keys. */

#include <stdio.h>
#include <string.h>

#include "key.h"
#include "nrpack.h"

void *sign_tree(const void *tree, size_t tree_bytes, const char *key, size_t *size)
{
    struct why why;
    struct signature_trailer trailer;
    *size = tree_bytes + sizeof(trailer);
    char *file = allocate(*size);
    memcpy(file, tree, tree_bytes);
    if (key_sign(key, file, tree_bytes, &trailer, &why) < 0) {
        die("%s", why.text);
    }
    memcpy(file + tree_bytes, &trailer, sizeof(trailer));
    return file;
}

/* nrpack SUBCOMMAND --key KEY [-o OUT] FILE; true and all of it, or wrong use. */
static bool read_words(int argc, char **argv, const char **key, const char **out, const char **path)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--key") == 0 && i + 1 < argc) {
            *key = argv[++i];
        } else if (out && strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            *out = argv[++i];
        } else if (argv[i][0] != '-' && !*path) {
            *path = argv[i];
        } else {
            return false;
        }
    }
    return *key && *path;
}

int run_sign(int argc, char **argv)
{
    const char *key = NULL, *out = NULL, *path = NULL;
    if (!read_words(argc, argv, &key, &out, &path)) {
        return STATUS_TROUBLE;
    }
    struct bundle bundle;
    size_t size;
    open_bundle_file(&bundle, path);
    void *file = sign_tree(bundle.fdt, bundle.size, key, &size);
    write_file(out ? out : path, file, size);
    return STATUS_DONE;
}

int run_verify(int argc, char **argv)
{
    const char *key = NULL, *path = NULL;
    if (!read_words(argc, argv, &key, NULL, &path)) {
        return STATUS_TROUBLE;
    }
    struct signature_key public;
    struct why why;
    size_t size;
    if (key_read_public(key, &public, &why) < 0) {
        die("%s", why.text);
    }
    void *file = read_file(path, &size);
    if (signature_verify(file, size, &public, &why) < 0) {
        complain(path, "%s", why.text);
        return STATUS_REFUSED;
    }
    return STATUS_DONE;
}

static void print_bytes(const char *name, const uint8_t *bytes, size_t count)
{
    printf("    .%s =\n        {", name);
    for (size_t i = 0; i < count; i++) {
        printf("%s0x%02x", i == 0 ? "" : i % 15 == 0 ? ",\n         " : ", ", bytes[i]);
    }
    printf("},\n");
}

int run_public(int argc, char **argv)
{
    struct signature_key key;
    struct why why;
    if (argc != 2) {
        return STATUS_TROUBLE;
    }
    if (key_read_public(argv[1], &key, &why) < 0) {
        die("%s", why.text);
    }
    printf("/* The key whose signature bundles need. Made by `nrpack public`; do not edit. */\n"
           "#include <lib/signature.h>\n\n"
           "extern const struct signature_key signature_trusted_key;\n"
           "const struct signature_key signature_trusted_key = {\n");
    print_bytes("id", key.id, sizeof(key.id));
    print_bytes("modulus", key.modulus, sizeof(key.modulus));
    print_bytes("square", key.square, sizeof(key.square));
    printf("};\n");
    return STATUS_DONE;
}

void show_signature(const char *path)
{
    size_t size, tree_bytes;
    const struct signature_trailer *trailer;
    struct why why;
    void *file = read_file(path, &size);
    if (signature_find(file, size, &tree_bytes, &trailer, &why) < 0) {
        printf("signature: %s\n", why.text);
    } else if (trailer) {
        printf("signed by the key %016llx\n", (unsigned long long)signature_id(trailer->key_id));
    } else {
        printf("unsigned\n");
    }
}
