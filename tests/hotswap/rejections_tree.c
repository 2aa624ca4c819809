/* SPDX-License-Identifier: MIT */
/*
 * What is no device tree, or not one that is a bundle; see rejections.h. As far as its header
 * leaves room for a signature it is signed; what is wrong with signatures is in
 * test_law7_signatures.c.
 */

#include <assert.h>
#include <libfdt.h>
#include <string.h>

#include "tests/hotswap/rejections.h"

/* From here on the tree is as it will be: what is left to package_finish() is to sign it. */
static void pack(struct package *package)
{
    int error = fdt_pack(package->bytes);
    assert(error == 0);
    (void)error;
    package->size = package_tree_bytes(package);
}

/* A field of the header, big endian as all of the tree. */
static void damage_header(struct package *package, const struct rejection *r)
{
    pack(package);
    fdt32_st(package->bytes + r->at, (uint32_t)r->value);
}

/* The word `at` of the tree's structure. */
static void damage_structure(struct package *package, const struct rejection *r)
{
    pack(package);
    fdt32_st(package->bytes + fdt_off_dt_struct(package->bytes) + 4 * r->at, (uint32_t)r->value);
}

/* Only the first `value` bytes are pushed, whatever the header says. */
static void cut(struct package *package, const struct rejection *r)
{
    pack(package);
    package->size = r->value;
    memset(package->bytes, r->count, r->width);
}

/* A strings block without its last NUL. */
static void leave_strings_open(struct package *package, const struct rejection *r)
{
    (void)r;
    pack(package);
    package->bytes[fdt_off_dt_strings(package->bytes) + fdt_size_dt_strings(package->bytes) - 1] =
        'x';
}

/* A property of the root. */
static void set_root(struct package *package, const struct rejection *r)
{
    int error = r->count < 0 ? fdt_delprop(package->bytes, 0, r->which)
                             : fdt_setprop(package->bytes, 0, r->which, r->bytes, r->count);
    assert(error == 0);
    (void)error;
}

static void delete_node(struct package *package, const struct rejection *r)
{
    int node =
        r->where ? package_node(package, r->where) : fdt_path_offset(package->bytes, "/images");
    int error = fdt_del_node(package->bytes, node);
    assert(error == 0);
    (void)error;
}

static void rename_images(struct package *package, const struct rejection *r)
{
    int error = fdt_set_name(package->bytes, fdt_path_offset(package->bytes, "/images"), r->which);
    assert(error == 0);
    (void)error;
}

#define HEADER(text, field, number, refusal)                                                       \
    CASE(text, refusal, damage_header, .at = offsetof(struct fdt_header, field), .value = (number))
#define STRUCTURE(text, word, number, refusal)                                                     \
    CASE(text, refusal, damage_structure, .at = (word), .value = (number))
#define ROOT(text, property, value, size, refusal)                                                 \
    CASE(text, refusal, set_root, .which = (property), .bytes = (value), .count = (size))

static const struct rejection cases[] = {
    HEADER("magic of another format", magic, 0x27051956, "not a device tree"),
    HEADER("a tree larger than what came", totalsize, 1u << 20, "device tree of 0x100000 bytes"),
    HEADER("a tree larger than any may be", totalsize, UINT32_MAX, "device tree of 0xffffffff"),
    HEADER("a tree of no bytes", totalsize, 0, "malformed"),
    HEADER("a tree of a format of old", version, 2, "device tree of version 2: need 17"),
    HEADER("a tree of a format to come", last_comp_version, 99, "malformed"),
    HEADER("structure beyond the tree", off_dt_struct, 1u << 28, "malformed"),
    HEADER("structure at an odd place", off_dt_struct, 0x3a, "malformed"),
    HEADER("structure of all memory", size_dt_struct, UINT32_MAX - 3, "malformed"),
    HEADER("strings beyond the tree", off_dt_strings, 1u << 28, "malformed"),
    HEADER("strings of all memory", size_dt_strings, UINT32_MAX, "malformed"),
    HEADER("reservations beyond the tree", off_mem_rsvmap, 1u << 28, "malformed"),
    STRUCTURE("a tree that begins with its end", 0, FDT_END, "not a bundle"),
    STRUCTURE("a tree that begins with the end of a node", 0, FDT_END_NODE, "malformed"),
    STRUCTURE("a tag that is none", 2, 0x55, "malformed"),
    STRUCTURE("a property that goes on for ever", 3, UINT32_MAX, "malformed"),
    STRUCTURE("a property whose name is beyond the strings", 4, 1u << 24, "malformed"),
    CASE("strings without an end", "malformed", leave_strings_open),
    CASE("half a tree", "device tree of 0x", cut, .value = 1500),
    CASE("a header alone", "device tree of 0x", cut, .value = sizeof(struct fdt_header)),
    CASE("less than a header", "not a device tree", cut, .value = 39),
    CASE("one byte", "not a device tree", cut, .value = 1),
    CASE("zeros", "not a device tree", cut, .value = 1000, .width = 1000, .count = 0),
    CASE("ones", "not a device tree", cut, .value = 1000, .width = 1000, .count = 0xff),
    ROOT("no format", "neurath,format", NULL, -1, "not a bundle"),
    ROOT("a format to come", "neurath,format", "\0\0\0\2", 4, "bundle of format 2"),
    ROOT("a format of two numbers", "neurath,format", "\0\0\0\1\0\0\0\1", 8, "not a bundle"),
    ROOT("no ABI", "neurath,abi", NULL, -1, "not a bundle"),
    ROOT("another ABI", "neurath,abi", "\0\0\0\143", 4, "bundle for ABI 99"),
    ROOT("ABI 0, which is none", "neurath,abi", "\0\0\0\0", 4, "bundle for ABI 0"),
    ROOT("a description without an end", "description", "endless", 7, "does not end in NUL"),
    CASE("no images", "no node images", delete_node, .where = NULL),
    CASE("images by another name", "no node images", rename_images, .which = "imagos"),
    CASE("no image", "no components", delete_node, .where = ""),
    CASE("no descriptor", "no node component", delete_node, .where = "component"),
    CASE("no check sum", "no node hash-1", delete_node, .where = "hash-1"),
};

const struct rejection_table rejections_tree = {"tree", cases, sizeof(cases) / sizeof(cases[0])};
