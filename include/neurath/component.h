/* SPDX-License-Identifier: MIT */
/*
 * How a component says what it is: COMPONENT, STATE, INTERFACE, GATED.
 *
 * A component is one folder under components/, one relocatable object, one version. It
 * keeps all that must outlive it in the one object declared by STATE; everything else it has is
 * constant. It meets other components only through functions declared GATED in include/interface.
 */
#pragma once

#include <neurath/compiler.h>

/* Version of the layouts and rules in this header. A package built for another is refused. */
#define NEURATH_ABI 7

/* A version in 32 bits: 8 of major, 12 of minor, 12 of patch; compares as a number. */
#define VERSION(major, minor, patch)                                                               \
    ((uint32_t)(major) << 24 | (uint32_t)(minor) << 12 | (uint32_t)(patch))
#define VERSION_MAJOR(version) ((version) >> 24)
#define VERSION_MINOR(version) ((version) >> 12 & 0xfff)
#define VERSION_PATCH(version) (0xfff & (version))

#define COMPONENT_MAGIC 0x4e524331u /* "NRC1" */

/*
 * The record that COMPONENT() makes; the packager reads it from the object, the nucleus from the
 * linked image. Its function pointers are gates. All hooks may be NULL.
 *
 * Where a hook runs:
 *   start     thread, may sleep. The component enters the world with nothing to take over.
 *             Claims, registers, arms. < 0: the transaction is undone.
 *   adopt     rendezvous: all CPUs stopped, interrupts off; touch state only, call nobody
 *             but functions marked "any" of the nucleus. The state is the predecessor's, in place.
 *             < 0: the transaction is undone.
 *   migrate   rendezvous, as adopt, instead of it: the predecessor's state has another layout, and
 *             lies at `old`; this version's holds its initial values. old_version: whose layout it
 *             is. Takes over what is in it; moves what is registered by its address with
 *             registration_move() (events, arguments; timers are to be cancelled and armed anew).
 *             is_back: the old version comes back: the other way round. < 0: undone.
 *   health    thread. 0 while all is well, < 0 otherwise.
 *   stop      thread. Leaves without a successor. What is registered is revoked by the nucleus.
 *   export    rendezvous, as adopt; with data == NULL in a thread. Writes what another
 *             implementation of the same interface needs, in the interface's neutral form; returns
 *             the bytes written (needed, when data is NULL) or < 0. Changes nothing, since the
 *             transaction may yet be undone: then it goes on, or imports its own words.
 *   import    rendezvous, as adopt. Takes over from another implementation (data of size bytes
 *             from its export; size 0 when it has none, or when there was nobody before), whatever
 *             is in the own state. < 0: it has touched nothing, the transaction is undone.
 */
struct component_ops {
    uint32_t magic;   /* COMPONENT_MAGIC */
    uint32_t abi;     /* NEURATH_ABI */
    uint32_t version; /* VERSION() */
    uint32_t oldest;  /* versions before it are revoked once this one is in; 0: none are */
    const char *name;
    const char *summary;
    const char *compatible; /* device-tree compatible it drives; NULL: none */
    int (*start)(void);
    int (*adopt)(void);
    int (*health)(void);
    void (*stop)(void);
    int (*export)(void *data, size_t size);
    int (*import)(const void *data, size_t size);
    int (*migrate)(void *old, uint32_t old_version, bool is_back);
};

static_assert(offsetof(struct component_ops, oldest) == 12, "read by the packager");
static_assert(offsetof(struct component_ops, name) == 16, "read by the packager");
static_assert(offsetof(struct component_ops, start) == 40, "read by the packager");

/*
 * COMPONENT(led_blink, .version = VERSION(1, 2, 0), .summary = "...", .start = start);
 * The name is the folder's; the rest are the fields above.
 */
#define COMPONENT(component_name, ...)                                                             \
    extern const struct component_ops component_##component_name;                                  \
    const struct component_ops component_##component_name                                          \
        __attribute__((section(".rodata.component"), used)) = {                                    \
            .magic = COMPONENT_MAGIC,                                                              \
            .abi = NEURATH_ABI,                                                                    \
            .name = #component_name,                                                               \
            __VA_ARGS__,                                                                           \
    }

/*
 * STATE(struct led_blink) state = {.period_ms = 500};
 * The one writable object. Its initialiser may hold addresses of functions (they are gates), but
 * not of the component's own constants: those leave with the version that had them.
 */
#define STATE(type) static type __attribute__((section(".state"), used))

/* At the top of an interface header: its name and version. Recorded in whoever includes it. */
#define INTERFACE(name, major, minor)                                                              \
    static_assert((major) < 256 && (minor) < 4096, "interface version");                           \
    asm(".pushsection .neurath.interfaces, \"\", %progbits\n"                                      \
        ".asciz \"" #name " " #major "." #minor "\"\n"                                             \
        ".popsection")

/*
 * In front of each function of an interface: from where it may be called.
 *   GATED(any)     also from interrupts, with interrupts off, holding spinlocks; never sleeps
 *   GATED(thread)  from threads only; its gate may be closed for the time of a drain
 * and, behind a comma, `once`: a call of a version on probation that faults, or does not end, is
 * not made again by the version before it, but fails with -EFAULT. For what would do harm if it
 * were done twice.
 */
#define GATED(...)

/* The component's own record in the nucleus: owner of all it registers. Bound by the linker. */
struct component;
extern struct component component_self;
#define this_component (&component_self)
