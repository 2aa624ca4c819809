/* SPDX-License-Identifier: MIT */
/* Components that are well made but do not fit what is there, or each other; see rejections.h. */

#include <assert.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hotswap/rejections.h"

static void set(struct package *package, const struct rejection *r)
{
    package_set(package, r->where, r->which, r->bytes, r->count);
}

static void leave(struct package *package, const struct rejection *r)
{
    (void)package;
    (void)r;
}

static void rename_node(struct package *package, const struct rejection *r)
{
    int error = fdt_set_name(package->bytes, package_node(package, r->where), r->which);
    assert(error == 0);
    (void)error;
}

static void delete_node(struct package *package, const struct rejection *r)
{
    int error = fdt_del_node(package->bytes, package_node(package, r->where));
    assert(error == 0);
    (void)error;
}

/* A range of versions: from `at` on, below `width`. */
static void set_range(struct package *package, const struct rejection *r)
{
    uint32_t from[2] = {cpu_to_fdt32(r->at), 0}, below[2] = {cpu_to_fdt32(r->width), 0};
    package_set(package, r->where, "version", from, sizeof(from));
    package_set(package, r->where, "below", below, sizeof(below));
}

/* One bit of each hash of a list. */
static void flip_hashes(struct package *package, const struct rejection *r)
{
    int size;
    uint8_t *hashes =
        fdt_getprop_w(package->bytes, package_node(package, r->where), "hashes", &size);
    assert(hashes);
    for (int i = 7; i < size; i += 8) {
        hashes[i] ^= 1;
    }
}

static void flip_hashes_without_words(struct package *package, const struct rejection *r)
{
    flip_hashes(package, r);
    package_set(package, r->where, "declarations", NULL, -1);
}

/* The components of the package `other` too, in one bundle. */
static void add(struct package *package, const struct rejection *r)
{
    struct package other;
    struct why why;
    int error = package_open(&other, r->other, &why);
    assert(error == 0);
    (void)error;
    package_add(package, &other);
    package_free(&other);
}

static void set_and_add(struct package *package, const struct rejection *r)
{
    set(package, r);
    add(package, r);
}

static void rename_and_add(struct package *package, const struct rejection *r)
{
    rename_node(package, r);
    add(package, r);
}

static void flip_and_add(struct package *package, const struct rejection *r)
{
    flip_hashes(package, r);
    add(package, r);
}

/* Another component made of the same object, called `which`. */
static void add_double(struct package *package, const struct rejection *r)
{
    struct package copy = {malloc(package->room), package->size, package->room};
    assert(copy.bytes);
    memcpy(copy.bytes, package->bytes, package->room);
    int error = fdt_set_name(copy.bytes, package_node(&copy, ""), "double");
    assert(error == 0);
    (void)error;
    package_set(&copy, "component", "name", r->which, (int)strlen(r->which) + 1);
    package_add(package, &copy);
    package_free(&copy);
}

#define FILE_OF(name) "build/packages/" name ".nrb"
#define LOAD FILE_OF("load-1.0.0")
#define PING FILE_OF("ping-1.0.0")
#define PING_CHANGED FILE_OF("ping-1.0.0+changed")
#define PONG FILE_OF("pong-1.0.0")
#define FIT(text, file, function, refusal, ...)                                                    \
    CASE(text, refusal, function, .package = (file), __VA_ARGS__)
#define SET(node, property, value)                                                                 \
    .where = (node), .which = (property), .bytes = (value), .count = sizeof(value) - 1

static const struct rejection cases[] = {
    FIT("a need for a later minor version", LOAD, set,
        "load needs counter 1.9 or later, below 2.0, but counter provides counter 1.0",
        SET("component/needs/counter", "version", "\0\0\0\1\0\0\0\x09")),
    FIT("a need for a later major version", LOAD, set_range,
        "load needs counter 2.0 or later, below 3.0, but counter provides counter 1.0",
        .where = "component/needs/counter", .at = 2, .width = 3),
    FIT("a need for an earlier major version", LOAD, set_range,
        "load needs counter 0.0 or later, below 1.0, but counter provides counter 1.0",
        .where = "component/needs/counter", .at = 0, .width = 1),
    FIT("a need for other types", LOAD, flip_hashes, "with other types, though with version 1.0",
        .where = "component/needs/counter"),
    FIT("a need for other types, without their declarations", LOAD, flip_hashes_without_words,
        "with other types, though with version 1.0", .where = "component/needs/counter"),
    FIT("a need for a method that is not there", LOAD, set,
        "load calls counter_rewind of counter 1.0, but counter does not have it in version 1.0",
        SET("component/needs/counter", "methods", "counter_increment\0counter_rewind\0")),
    FIT("a need for an interface that is not there", LOAD, rename_node,
        "load needs the interface cuckoo 1.0, which nobody provides",
        .where = "component/needs/counter", .which = "cuckoo"),
    FIT("a need that the descriptor hides", LOAD, delete_node, "counter_increment",
        .where = "component/needs/counter"),

    FIT("a provider in a major version that its user does not know", NULL, set,
        "load needs counter 1.0 or later, below 2.0, but counter provides counter 2.0",
        SET("component/provides/counter", "version", "\0\0\0\2\0\0\0\0")),
    FIT("a provider in a major version of old", NULL, set,
        "load needs counter 1.0 or later, below 2.0, but counter provides counter 0.9",
        SET("component/provides/counter", "version", "\0\0\0\0\0\0\0\x09")),
    FIT("a provider with other types than its user knows", NULL, flip_hashes,
        "load calls counter_increment of counter 1.0, but counter has it with other types",
        .where = "component/provides/counter"),
    FIT("a provider that provides no more", NULL, delete_node,
        "load needs the interface counter 1.0, which nobody provides",
        .where = "component/provides"),
    FIT("a provider of another interface", NULL, rename_node,
        "load needs the interface counter 1.0, which nobody provides",
        .where = "component/provides/counter", .which = "cuckoo"),
    FIT("a second provider by its name", NULL, rename_node,
        "heap provides the interface heap already", .where = "component/provides/counter",
        .which = "heap"),
    FIT("a second scheduler", FILE_OF("sched_rr-1.0.0"), leave,
        "sched_fair provides the interface scheduler already"),
    FIT("a timer with other types than the nucleus calls", FILE_OF("arch_timer-1.0.0"), flip_hashes,
        "with other types", .where = "component/provides/clock"),
    FIT("an interrupt controller with other types", FILE_OF("gic400-1.0.0"), flip_hashes,
        "the nucleus calls", .where = "component/provides/irqchip"),
    FIT("an interrupt controller that is none", FILE_OF("gic400-1.0.0"), delete_node,
        "the nucleus needs the interface irqchip", .where = "component/provides"),

    FIT("state of another type", NULL, set, "the state of counter has another layout",
        SET("component/state", "hash", "\0\0\0\1\0\0\0\2")),
    FIT("a function of another type where others hold its address", NULL, flip_hashes,
        "counter has no function run of the same type", .where = "component/gates"),

    FIT("a successor that is in the world", NULL, leave, "counter is in the world already",
        .old = "load"),
    FIT("a successor of nobody", NULL, leave, "no component called nobody", .old = "nobody"),
    FIT("a successor that is no replacement", PONG, leave, "pong cannot take the place of counter",
        .old = "counter"),
    FIT("two successors of one", PING, add, "one takes the place of one", .old = "counter",
        .other = PONG),

    FIT("one half of a cycle", PING, leave,
        "ping needs the interface pong 1.0, which nobody provides"),
    FIT("the other half of a cycle", PONG, leave,
        "pong needs the interface ping 1.0, which nobody provides"),
    FIT("a cycle with a changed struct", PING_CHANGED, add,
        "there is struct ping_ball { uint64_t bounces;", .other = PONG),
    FIT("a cycle with another version", PONG, set_and_add,
        "pong needs ping 1.7 or later, below 2.0, but ping provides ping 1.0", .other = PING,
        SET("component/needs/ping", "version", "\0\0\0\1\0\0\0\7")),
    FIT("a cycle that leads to nobody", PONG, rename_and_add,
        "pong needs the interface pang 1.0, which nobody provides", .where = "component/needs/ping",
        .which = "pang", .other = PING),
    FIT("a cycle with other types on one side", PING, flip_and_add,
        "ping calls pong_hit of pong 1.0, but pong has it with other types",
        .where = "component/needs/pong", .other = PONG),
    FIT("a cycle and one that needs what is not there", PING, add,
        "ping needs the interface pong 1.0, which nobody provides", .other = LOAD),
    FIT("one component twice", NULL, add, "the bundle has counter twice",
        .other = FILE_OF("counter-1.0.0")),
    FIT("two components that provide the same", PING, add_double,
        "pang and ping both provide the interface ping", .which = "pang"),
};

const struct rejection_table rejections_world = {"world", cases, sizeof(cases) / sizeof(cases[0])};
