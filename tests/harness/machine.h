/* SPDX-License-Identifier: MIT */
/*
 * A card in QEMU, for tests: started, talked to as a person does and as nr does, looked at from
 * outside, ended.
 *
 *     machine_start(&machine, "demo", &why);         boots, waits for the shell, opens the wire
 *     machine_run(&machine, "led", output, sizeof(output), &why);
 *     machine_stop(&machine);
 *
 * Working directory: the repository's root. What the console said is in build/tests/NAME.log, what
 * QEMU said in build/tests/NAME.qemu.log. Everything that waits has a deadline and waits for an
 * event, so a slow host makes nothing fail but by its deadline. QEMU dies with its starter.
 *
 * Suites share one machine, since booting takes seconds: the runner starts it, and detaches; each
 * test attaches, which is a new session of the wire.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/why.h"
#include "tools/nr/client.h"

#define MACHINE_NO_CARD                                                                            \
    "" /* an empty slot: one may be put in by the monitor's `change card FILE raw` */
#define MACHINE_PROMPT "neurath> "
#define MACHINE_PANIC "panic on CPU"
#define MACHINE_BOOT_MS 90000 /* U-Boot and kernel on a busy host */
#define MACHINE_ANSWER_MS 30000
#define MACHINE_COMPONENTS 64
/*
 * An option: time goes by instructions, and jumps where all CPUs wait. QEMU is kept on one CPU of
 * the host, so that the same happens in each run.
 */
#define MACHINE_ONE_INSTRUCTION_PER_NS "-icount shift=0,sleep=off"

struct machine {
    char name[32];
    pid_t pid; /* 0: attached, another process's */
    int qmp;   /* -1: none */
    struct client client;
    char *text; /* all the console said, NUL-terminated, escapes and all */
    size_t text_size, text_room;
    size_t expected; /* up to where machine_expect() has looked */
    int log;
    int lock; /* of the name; -1: not the starter */
    /* Sees text before it is kept; may be NULL. */
    void (*on_text)(void *context, const void *bytes, size_t size);
    void *context;
};

struct machine_component {
    char name[32];
    uint32_t id, version, build, swaps, pages, registrations;
    uint64_t state_bytes;
};

struct machine_world {
    unsigned count;
    struct machine_component components[MACHINE_COMPONENTS];
    uint64_t hash;
    uint64_t pages, pages_free, page_tables, arena_bytes, arena_free_bytes;
    uint64_t heap_objects, heap_bytes, heap_pages, worst_blackout_ns, uptime_ns;
    uint32_t gates_free, transactions, in_limbo, threads, cpus;
};

/*
 * A file of the build whose nucleus runs: of $BUILD, as for images/qemu, else of build/. Components
 * are the same in each, so packages are taken from build/. Static: up to the next call.
 */
const char *machine_built(const char *file);

/* Starts a machine, waits for the shell's prompt, opens the wire. */
int machine_start(struct machine *machine, const char *name, struct why *why);
/* The same with more options for QEMU, parted by spaces. */
int machine_start_with(struct machine *machine, const char *name, const char *options,
                       struct why *why);

/* Starts it and connects to its console, no more: what it says is to be expected. */
int machine_power_on(struct machine *machine, const char *name, const char *options,
                     struct why *why);

/* The same two with a card of one's own, on which what is written stays; NULL: the build's. */
int machine_power_on_card(struct machine *machine, const char *name, const char *card,
                          const char *options, struct why *why);
int machine_start_card(struct machine *machine, const char *name, const char *card,
                       const char *options, struct why *why);

/* Waits for the shell's prompt, opens the wire. */
int machine_enter(struct machine *machine, struct why *why);

/* Leaves a machine running for other processes to attach to; machine->pid stays the caller's. */
void machine_detach(struct machine *machine);
int machine_attach(struct machine *machine, const char *name, struct why *why);

/* Ends QEMU, if it was started here, and frees all. Also after a failure. */
void machine_stop(struct machine *machine);

/* Waits for text after what was expected before; -EFAULT: the kernel panicked instead. */
int machine_expect(struct machine *machine, const char *text, unsigned timeout_ms, struct why *why);

/* Types text on the console. */
void machine_type(struct machine *machine, const char *text);

/* Runs a line of the shell over the wire; output (may be NULL) is NUL-terminated. */
int machine_run(struct machine *machine, const char *line, char *output, size_t size,
                struct why *why);

/* Transactions: 0 and *report (may be NULL); -EREMOTEIO: refused, in the kernel's words. */
int machine_push(struct machine *machine, const char *package, const char *old,
                 struct client_report *report, struct why *why);
int machine_push_bytes(struct machine *machine, const void *package, size_t size, const char *old,
                       struct client_report *report, struct why *why);
int machine_swap(struct machine *machine, const char *old, const char *package,
                 struct client_report *report, struct why *why);
int machine_load(struct machine *machine, const char *package, struct client_report *report,
                 struct why *why);
int machine_unload(struct machine *machine, const char *name, struct client_report *report,
                   struct why *why);

int machine_read_world(struct machine *machine, struct machine_world *world, struct why *why);
const struct machine_component *machine_find(const struct machine_world *world, const char *name);

/* From outside: a command of QEMU's human monitor; a word of physical memory; the activity LED. */
int machine_monitor(struct machine *machine, const char *command, char *output, size_t size,
                    struct why *why);
/* Presses a key of the keyboard that was plugged in last, by QEMU's name of it, for 20 ms. */
int machine_press(struct machine *machine, const char *key, struct why *why);
int machine_read_memory(struct machine *machine, uint64_t address, uint32_t *word, struct why *why);
int machine_read_led(struct machine *machine, struct why *why); /* 1 lit, 0 dark, < 0 */

/* Prints the last lines of build/tests/NAME.log to stderr. */
void machine_show_tail(const char *name);
