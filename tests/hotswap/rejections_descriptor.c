/* SPDX-License-Identifier: MIT */
/* Descriptors that are malformed, or say what their object does not; see rejections.h. */

#include <assert.h>
#include <libfdt.h>
#include <string.h>

#include "tests/hotswap/rejections.h"

static void set(struct package *package, const struct rejection *r)
{
    package_set(package, r->where, r->which, r->bytes, r->count);
}

/* As set(), and the check sums stay what they are. */
static void set_and_keep_sums(struct package *package, const struct rejection *r)
{
    int error = fdt_setprop(package->bytes, 0, PACKAGE_KEEP_SUMS, NULL, 0);
    assert(error == 0);
    (void)error;
    set(package, r);
}

/* One bit of the object, and the check sum stays what it is. */
static void flip(struct package *package, const struct rejection *r)
{
    size_t size;
    int error = fdt_setprop(package->bytes, 0, PACKAGE_KEEP_SUMS, NULL, 0);
    assert(error == 0);
    (void)error;
    package_object(package, &size)[r->at] ^= (uint8_t)r->value;
}

static void delete_node(struct package *package, const struct rejection *r)
{
    int error = fdt_del_node(package->bytes, package_node(package, r->where));
    assert(error == 0);
    (void)error;
}

static void rename_node(struct package *package, const struct rejection *r)
{
    int error = fdt_set_name(package->bytes, package_node(package, r->where), r->which);
    assert(error == 0);
    (void)error;
}

#define SET(text, node, property, value, refusal)                                                  \
    CASE(text, refusal, set, .where = (node), .which = (property), .bytes = (value),               \
         .count = sizeof(value) - 1)
#define DELETE(text, node, property, refusal)                                                      \
    CASE(text, refusal, set, .where = (node), .which = (property), .count = -1)
#define PROVIDED "component/provides/counter"
#define NEEDED "component/needs/nucleus"
#define SIXTY "x23456789012345678901234567890123456789012345678901234567890"

static const struct rejection cases[] = {
    DELETE("no object", "", "data", "no property data"),
    SET("an object of no bytes", "", "data", "", "no property data"),
    SET("two descriptions", "", "description", "two\0texts\0", "has 2 strings"),
    DELETE("no kind of check sum", "hash-1", "algo", "no property algo"),
    SET("a check sum of unknown kind", "hash-1", "algo", "md5\0", "need crc32"),
    DELETE("no value of the check sum", "hash-1", "value", "property value has 0 bytes"),
    CASE("another check sum", "check sum of the object", set_and_keep_sums, .where = "hash-1",
         .which = "value", .bytes = "\0\0\0\0", .count = 4),
    CASE("a flipped bit in the code", "check sum of the object", flip, .at = 0x50, .value = 0x10),
    CASE("a flipped bit in the object's header", "check sum of the object", flip, .at = 0,
         .value = 1),

    DELETE("no name", "component", "name", "no property name"),
    SET("an empty name", "component", "name", "\0", "is not of a-z"),
    SET("a name without an end", "component", "name", "counter", "does not end in NUL"),
    SET("two names", "component", "name", "a\0b\0", "has 2 strings"),
    SET("a name that is too long", "component", "name", SIXTY "\0", "too long"),
    SET("a name that looks like a path", "component", "name", "../counter\0", "is not of a-z"),
    SET("a name with an escape in it", "component", "name", "count\033[2Jer\0", "is not of a-z"),
    SET("another name than the object's", "component", "name", "cuckoo\0",
        "provides the interface counter already"),
    DELETE("no version", "component", "version", "property version has 0 bytes"),
    SET("a version of two numbers", "component", "version", "\0\0\0\1\0\0\0\1",
        "property version has 8 bytes"),
    SET("a version beyond all", "component", "version", "\0\0\1\0\0\0\0\0\0\0\0\0", "out of range"),
    SET("another version than the object's", "component", "version", "\0\0\0\1\0\0\0\7\0\0\0\0",
        "another name or version"),
    SET("a version that revokes itself", "component", "oldest", "\0\0\0\1\0\0\0\1\0\0\0\1",
        "revokes itself"),
    SET("an oldest version of two numbers", "component", "oldest", "\0\0\0\1\0\0\0\0",
        "property oldest has 8 bytes"),
    SET("a build that does not end", "component", "build", "0123", "does not end in NUL"),
    SET("devices without an end", "component", "compatible", "a,b", "does not end in NUL"),

    DELETE("a provided interface without version", PROVIDED, "version", "version has 0 bytes"),
    SET("a provided interface with a version beyond all", PROVIDED, "version", "\0\0\0\1\0\1\0\0",
        "out of range"),
    DELETE("methods without hashes", PROVIDED, "hashes", "property hashes has 0 bytes"),
    SET("fewer hashes than methods", PROVIDED, "hashes", "\0\0\0\1\0\0\0\2",
        "property hashes has 8 bytes"),
    SET("methods without an end", PROVIDED, "methods", "counter_read\0counter_increment",
        "does not end in NUL"),
    SET("more methods than hashes", PROVIDED, "methods", "a\0b\0c\0", "property hashes has 16"),
    SET("fewer contexts than methods", PROVIDED, "contexts", "any\0", "1 contexts for 2"),
    SET("an unknown context", PROVIDED, "contexts", "any\0never\0", "neither 'any' nor 'thread'"),
    SET("fewer declarations than methods", PROVIDED, "declarations", "int x;\0",
        "1 declarations for 2"),
    SET("declarations without an end", PROVIDED, "declarations", "int x;\0int y;",
        "does not end in NUL"),
    SET("a method without a name", PROVIDED, "methods", "\0counter_read\0",
        "load calls counter_increment of counter 1.0, but counter does not have it"),
    SET("a method whose name is too long", PROVIDED, "methods", SIXTY "\0counter_read\0",
        "load calls counter_increment of counter 1.0, but counter does not have it"),
    SET("a method that the object does not have", PROVIDED, "methods",
        "counter_increment\0counter_rewind\0", "calls counter_read of counter 1.0"),
    SET("a method twice", PROVIDED, "methods", "counter_increment\0counter_increment\0",
        "calls counter_read of counter 1.0"),
    CASE("the nucleus's own interface as provided", "provides the interface nucleus", rename_node,
         .where = PROVIDED, .which = "nucleus"),

    DELETE("a needed interface without version", NEEDED, "version", "version has 0 bytes"),
    SET("a range without versions", NEEDED, "below", "\0\0\0\1\0\0\0\0", "no version is both"),
    SET("a range that ends before it begins", NEEDED, "below", "\0\0\0\0\0\0\0\7",
        "no version is both"),
    SET("a range's end in one number", NEEDED, "below", "\0\0\0\2", "property below has 4 bytes"),
    SET("a range's end beyond all", NEEDED, "below", "\0\0\1\1\0\0\0\0", "out of range"),
    SET("needs without hashes", NEEDED, "hashes", "", "property hashes has 0 bytes"),
    SET("needs without an end", NEEDED, "methods", "memset", "does not end in NUL"),
    SET("the nucleus in a version to come", NEEDED, "version", "\0\0\0\x7f\0\0\0\0",
        "no version is both"),

    DELETE("state without type", "component/state", "type", "no property type"),
    DELETE("state without version", "component/state", "version", "property version has 0 bytes"),
    DELETE("state without size", "component/state", "size", "property size has 0 bytes"),
    DELETE("state without hash", "component/state", "hash", "property hash has 0 bytes"),
    SET("state of another size than the object's", "component/state", "size", "\0\0\0\x20",
        "descriptor says 32 bytes of state"),
    SET("state of all memory", "component/state", "size", "\xff\xff\xff\xff",
        "descriptor says 4294967295 bytes of state"),
    SET("state aligned to nothing", "component/state", "align", "\0\0\0\0", "no power of two"),
    SET("state aligned to three", "component/state", "align", "\0\0\0\3", "no power of two"),
    CASE("state that only the object has", "descriptor says 0 bytes of state", delete_node,
         .where = "component/state"),

    DELETE("gates without hashes", "component/gates", "hashes", "property hashes has 0 bytes"),
    SET("gates without an end", "component/gates", "functions", "run\0start",
        "does not end in NUL"),
    CASE("gates that the descriptor does not tell", "of which the descriptor does not tell",
         delete_node, .where = "component/gates"),
};

const struct rejection_table rejections_descriptor = {"descriptor", cases,
                                                      sizeof(cases) / sizeof(cases[0])};
