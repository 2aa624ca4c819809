/* SPDX-License-Identifier: MIT */
/* The shell's commands that look at the world. */
#include <errno.h>
#include <string.h>

#include <interface/package_store.h>
#include <neurath/page.h>
#include <neurath/world.h>

#include "shell.h"

static void print_totals(struct command_output *output)
{
    struct world_totals totals;
    char blackout[24];

    world_read_totals(&totals);
    shell_print_duration(blackout, sizeof(blackout), totals.worst_blackout_ns);
    command_print(output, "%u components, %u threads, %u CPUs\n", totals.components, totals.threads,
                  totals.cpus);
    command_print(output, "memory: %llu of %llu KiB free; arena: %llu of %llu KiB free\n",
                  (unsigned long long)totals.pages_free * PAGE_BYTES / 1024,
                  (unsigned long long)totals.pages * PAGE_BYTES / 1024,
                  (unsigned long long)totals.arena_free_bytes / 1024,
                  (unsigned long long)totals.arena_bytes / 1024);
    command_print(output, "gates: %u of %u free\n", totals.gates_free, totals.gates);
    command_print(output, "%u transactions, worst blackout %s; world hash %016llx\n",
                  totals.transactions, blackout, (unsigned long long)world_hash());
}

static void print_components(struct command_output *output)
{
    struct world_component component;
    char version[SHELL_VERSION_BYTES];

    command_print(output, "%-16s %-9s %-8s %6s %8s %6s %6s  %s\n", "component", "version", "build",
                  "code", "state", "swaps", "pages", "type of state");
    for (uint32_t id = 0; world_component(id, &component) == 0; id = component.id) {
        shell_print_version(version, sizeof(version), component.version);
        command_print(output, "%-16s %-9s %08x %6u %8llu %6u %6u  %s\n", component.name, version,
                      component.build, component.text_bytes,
                      (unsigned long long)component.state_bytes, component.swaps, component.pages,
                      component.state_type[0] != '\0' ? component.state_type : "-");
    }
}

static void print_limbo(struct command_output *output)
{
    char text[128];

    for (unsigned i = 0; world_limbo(i, text, sizeof(text)) == 0; i++) {
        command_print(output, "in limbo: %s\n", text);
    }
}

static int find_component(const char *name, struct world_component *component)
{
    for (uint32_t id = 0; world_component(id, component) == 0; id = component->id) {
        if (strcmp(component->name, name) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

static void print_bindings(struct command_output *output, uint32_t component)
{
    struct evolve_binding binding;

    for (unsigned i = 0; evolve_read_binding(component, i, &binding) == 0; i++) {
        command_print(output, "  %s %s %u.%u, %u methods", binding.is_needed ? "needs" : "provides",
                      binding.interface, binding.major, binding.minor, binding.methods);
        if (binding.is_needed) {
            command_print(output, ", from %s",
                          binding.provider[0] != '\0' ? binding.provider : "nobody");
        }
        output->write(output, "\n", 1);
    }
}

static int print_component(struct command_output *output, const char *name)
{
    struct world_component component;
    char version[SHELL_VERSION_BYTES];
    char text[128];

    if (find_component(name, &component) < 0) {
        command_print(output, "world: no component is called %s\n", name);
        return -ENOENT;
    }
    shell_print_version(version, sizeof(version), component.version);
    command_print(output, "%s %s, build %08x, replaced %u times, %u pages of memory\n",
                  component.name, version, component.build, component.swaps, component.pages);
    command_print(output, "  code %u bytes at 0x%llx, constants %u bytes at 0x%llx\n",
                  component.text_bytes, (unsigned long long)component.text_va,
                  component.rodata_bytes, (unsigned long long)component.rodata_va);
    if (component.state_bytes > 0) {
        command_print(output, "  state %s, %llu bytes at 0x%llx, hash %016llx\n",
                      component.state_type, (unsigned long long)component.state_bytes,
                      (unsigned long long)component.state_va,
                      (unsigned long long)component.state_hash);
    }
    print_bindings(output, component.id);
    for (unsigned i = 0; world_registration(component.id, i, text, sizeof(text)) >= 0; i++) {
        command_print(output, "  has %s\n", text);
    }
    return 0;
}

int shell_run_world(int count, char *const words[], struct shell_run *run)
{
    if (count > 2) {
        return shell_refuse_words(run->output, "world [COMPONENT]");
    }
    if (count == 2) {
        return print_component(run->output, words[1]);
    }
    print_components(run->output);
    print_limbo(run->output);
    print_totals(run->output);
    return 0;
}

/* What the card has, from its first entry on, of which only the names of the files are known. */
static void print_stored(struct command_output *output, struct package_store_entry *entry)
{
    char version[SHELL_VERSION_BYTES];

    for (unsigned i = 1;; i++) {
        shell_print_version(version, sizeof(version), entry->version);
        command_print(output, "%-16s %-9s %-8s %8u  on the card\n", entry->name, version,
                      entry->variant, entry->bytes);
        if (package_store_list(i, entry) < 0) {
            return;
        }
    }
}

int shell_run_packages(int count, char *const words[], struct shell_run *run)
{
    struct package_store_entry stored;
    struct evolve_package package;
    char version[SHELL_VERSION_BYTES];

    (void)words;
    if (count > 1) {
        return shell_refuse_words(run->output, "packages");
    }
    int listed = package_store_list(0, &stored);
    if (listed == -EINPROGRESS) {
        return listed;
    }
    command_print(run->output, "%-16s %-9s %-8s %8s  %s\n", "package", "version", "build", "bytes",
                  "summary");
    for (unsigned i = 0; evolve_package(i, &package) == 0; i++) {
        shell_print_version(version, sizeof(version), package.version);
        command_print(run->output, "%-16s %-9s %08x %8u  %s\n", package.name, version,
                      package.build, package.bytes, package.summary);
    }
    if (listed == 0) {
        print_stored(run->output, &stored);
    } else if (listed != -ENOENT) {
        command_print(run->output, "what is on the card cannot be read: error %d\n", listed);
    }
    return 0;
}

/* The name of a thread's owner. *owner: the component that was asked for before, id 0: none. */
static const char *find_owner(uint32_t id, struct world_component *owner)
{
    if (id != 0 && id != owner->id && world_component(id - 1, owner) < 0) {
        owner->id = 0;
    }
    return id != 0 && id == owner->id ? owner->name : "nucleus";
}

int shell_run_threads(int count, char *const words[], struct shell_run *run)
{
    struct world_thread thread;
    struct world_component owner = {};

    (void)words;
    if (count > 1) {
        return shell_refuse_words(run->output, "threads");
    }
    for (uint32_t id = 0; world_thread(id, &thread) > 0; id = thread.id) {
        command_print(run->output, "%3u %-23s CPU %u  %-8s %8llu ms  %s\n", thread.id, thread.name,
                      thread.cpu, thread.state, (unsigned long long)(thread.cpu_ns / 1000000),
                      find_owner(thread.owner, &owner));
    }
    return 0;
}
