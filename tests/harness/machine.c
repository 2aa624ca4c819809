/* SPDX-License-Identifier: MIT */
/*
 * A card in QEMU: the process, its console, what is said over the wire.
 */
#include "tests/harness/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/monitor.h"
#include "tools/nr/port.h"

#define QEMU_STARTS_MS 20000
#define TAIL_BYTES 3000

static void path_of(char *path, size_t size, const char *name, const char *suffix)
{
    snprintf(path, size, "build/tests/%s.%s", name, suffix);
}

const char *machine_built(const char *file)
{
    static char path[PATH_MAX];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof(path), "%s/%s", build ? build : "build", file);
    return path;
}

static void keep_text(void *context, const void *bytes, size_t size)
{
    struct machine *machine = context;
    if (machine->on_text) {
        machine->on_text(machine->context, bytes, size);
    }
    if (machine->text_size + size + 1 > machine->text_room) {
        machine->text_room = (machine->text_size + size + 1) * 2;
        machine->text = realloc(machine->text, machine->text_room);
    }
    memcpy(machine->text + machine->text_size, bytes, size);
    machine->text_size += size;
    machine->text[machine->text_size] = 0;
    if (machine->log >= 0 && write(machine->log, bytes, size) < 0) {
        machine->log = -1; /* the disk is full: the test does not hang on its transcript */
    }
}

/* Appends words parted by spaces; returns how many there are now, the last place being for NULL. */
static size_t add_words(char *words[], size_t count, size_t room, const char *more)
{
    char *copy = strdup(more ? more : "");
    for (char *word = strtok(copy, " "); word && count < room - 1; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    return count;
}

/*
 * Where time goes by instructions, all of QEMU's threads share one CPU of the host. When the last
 * of the machine's CPUs waits, its thread accounts for what it ran, while another thread of QEMU
 * already moves the clock on to the next timer: side by side it is chance who comes first.
 */
static void stay_on_this_cpu(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0) {
        perror("sched_setaffinity");
    }
}

/* In the child: becomes QEMU. */
static void become_qemu(const char *name, const char *card, const char *options)
{
    char console[96], qmp[96], log[64];
    snprintf(console, sizeof(console), "unix:build/tests/%s.console,server=on,wait=on", name);
    snprintf(qmp, sizeof(qmp), "unix:build/tests/%s.qmp,server=on,wait=off", name);
    path_of(log, sizeof(log), name, "qemu.log");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY);
    int output = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    char *words[64] = {"images/qemu", NULL, console, "-qmp", qmp, "-snapshot"};
    size_t room = sizeof(words) / sizeof(words[0]);
    if (options && strstr(options, MACHINE_ONE_INSTRUCTION_PER_NS)) {
        stay_on_this_cpu();
    }
    words[1] = strdup(card ? card : machine_built("neurath.img"));
    words[5] = card ? NULL : words[5];
    size_t count = add_words(words, card ? 5 : 6, room, options);
    (void)add_words(words, count, room, getenv("QEMU_OPTIONS")); /* as for make qemu */
    execv(words[0], words);
    _exit(127);
}

/* Connects to a socket that QEMU is about to make. */
static int connect_to(struct machine *machine, const char *suffix, struct why *why)
{
    char path[64];
    uint64_t end = now_ms() + QEMU_STARTS_MS;
    int fd;
    path_of(path, sizeof(path), machine->name, suffix);
    while ((fd = port_open_raw(path, PORT_BAUD, why)) < 0 && now_ms() < end) {
        if (machine->pid > 0 && waitpid(machine->pid, NULL, WNOHANG) == machine->pid) {
            machine->pid = 0;
            return why_set(why, -ECHILD, "QEMU ended at once: see build/tests/%s.qemu.log",
                           machine->name);
        }
        poll(NULL, 0, 10);
    }
    return fd;
}

static int open_console(struct machine *machine, int log_flags, struct why *why)
{
    char path[64];
    path_of(path, sizeof(path), machine->name, "log");
    machine->log = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | log_flags, 0644);
    int fd = connect_to(machine, "console", why);
    if (fd < 0) {
        return fd;
    }
    client_init(&machine->client, fd);
    machine->client.options.probation_ms = 1; /* its end is waited for */
    machine->client.on_text = keep_text;
    machine->client.context = machine;
    return 0;
}

static void init(struct machine *machine, const char *name)
{
    *machine = (struct machine){.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};
    snprintf(machine->name, sizeof(machine->name), "%s", name);
    machine->text = calloc(1, 1);
    machine->text_room = 1;
}

/* One machine of a name at a time: another run waits for this one. */
static int lock_name(const char *name, struct why *why)
{
    char path[64];
    path_of(path, sizeof(path), name, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return why_set(why, -errno, "%s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        fprintf(stderr, "machine \"%s\" is in use by another run: waiting for it\n", name);
        while (flock(fd, LOCK_EX) < 0 && errno == EINTR) {
        }
    }
    return fd;
}

static int power_on(struct machine *machine, const char *name, const char *card,
                    const char *options, struct why *why)
{
    static const char *const sockets[] = {"console", "qmp"};
    char path[64];
    init(machine, name);
    const char *file = card ? card : machine_built("neurath.img");
    if (*file && access(file, R_OK) < 0) {
        return why_set(why, -errno, "%s: %s", file, strerror(errno));
    }
    (void)mkdir("build/tests", 0777);
    machine->lock = lock_name(name, why);
    if (machine->lock < 0) {
        return machine->lock;
    }
    for (size_t i = 0; i < 2; i++) {
        path_of(path, sizeof(path), name, sockets[i]);
        (void)unlink(path);
    }
    machine->pid = fork();
    if (machine->pid == 0) {
        become_qemu(name, card, options);
    }
    return open_console(machine, O_TRUNC, why);
}

int machine_power_on(struct machine *machine, const char *name, const char *options,
                     struct why *why)
{
    return power_on(machine, name, NULL, options, why);
}

int machine_power_on_card(struct machine *machine, const char *name, const char *card,
                          const char *options, struct why *why)
{
    return power_on(machine, name, card, options, why);
}

int machine_enter(struct machine *machine, struct why *why)
{
    int result = machine_expect(machine, MACHINE_PROMPT, MACHINE_BOOT_MS, why);
    return result < 0 ? result : client_connect(&machine->client, MACHINE_ANSWER_MS, why);
}

int machine_start_card(struct machine *machine, const char *name, const char *card,
                       const char *options, struct why *why)
{
    int result = machine_power_on_card(machine, name, card, options, why);
    return result < 0 ? result : machine_enter(machine, why);
}

int machine_start_with(struct machine *machine, const char *name, const char *options,
                       struct why *why)
{
    int result = machine_power_on(machine, name, options, why);
    return result < 0 ? result : machine_enter(machine, why);
}

int machine_start(struct machine *machine, const char *name, struct why *why)
{
    return machine_start_with(machine, name, NULL, why);
}

void machine_detach(struct machine *machine)
{
    if (machine->client.fd >= 0) {
        client_close(&machine->client);
    }
    if (machine->qmp >= 0) {
        close(machine->qmp);
    }
    machine->qmp = -1;
}

int machine_attach(struct machine *machine, const char *name, struct why *why)
{
    init(machine, name);
    int result = open_console(machine, O_APPEND, why);
    return result < 0 ? result : client_connect(&machine->client, MACHINE_ANSWER_MS, why);
}

void machine_stop(struct machine *machine)
{
    machine_detach(machine);
    if (machine->pid > 0) {
        kill(machine->pid, SIGKILL);
        waitpid(machine->pid, NULL, 0);
        machine->pid = 0;
    }
    if (machine->log >= 0) {
        close(machine->log);
    }
    machine->log = -1;
    if (machine->lock >= 0) {
        close(machine->lock);
    }
    machine->lock = -1;
    free(machine->text);
    machine->text = NULL;
    machine->text_size = machine->text_room = 0;
}

int machine_expect(struct machine *machine, const char *text, unsigned timeout_ms, struct why *why)
{
    uint64_t end = now_ms() + timeout_ms;
    for (;;) {
        char *found = strstr(machine->text + machine->expected, text);
        if (found) {
            machine->expected = (size_t)(found - machine->text) + strlen(text);
            return 0;
        }
        uint64_t now = now_ms();
        const char *panic = strstr(machine->text + machine->expected, MACHINE_PANIC);
        /* It is on the wire before the rest of its words: let its line come whole. */
        if (panic && (strchr(panic, '\n') || now >= end)) {
            return why_set(why, -EFAULT, "the kernel stopped: %.160s", panic);
        }
        int result = now < end ? client_pump(&machine->client, (unsigned)(end - now)) : -ETIMEDOUT;
        if (result < 0 && machine->client.error < 0) {
            return why_set(why, result, "the console was cut while waiting for \"%s\"", text);
        }
        if (now >= end) {
            return why_set(why, -ETIMEDOUT, "the console did not say \"%s\" within %u ms", text,
                           timeout_ms);
        }
    }
}

void machine_type(struct machine *machine, const char *text)
{
    client_type(&machine->client, text, strlen(text));
}

struct buffer {
    char *bytes;
    size_t size, used;
};

static void keep_output(void *context, const void *tree)
{
    struct buffer *buffer = context;
    int size;
    const char *text = fdt_getprop(tree, 0, "text", &size);
    if (text && buffer->bytes && size > 0) {
        size_t room = buffer->size - 1 - buffer->used;
        size_t count = (size_t)size < room ? (size_t)size : room;
        memcpy(buffer->bytes + buffer->used, text, count);
        buffer->used += count;
        buffer->bytes[buffer->used] = 0;
    }
}

int machine_run(struct machine *machine, const char *line, char *output, size_t size,
                struct why *why)
{
    struct buffer buffer = {.bytes = output, .size = size};
    struct client_call call = {.on_part = keep_output, .context = &buffer};
    if (output) {
        output[0] = 0;
    }
    client_begin(&machine->client, &call, "run");
    message_put_string(&call.writer, "line", line);
    return client_call(&machine->client, &call, MACHINE_ANSWER_MS, why);
}

static int finish(int result, const struct client_call *call, struct client_report *report)
{
    if (report) {
        *report = call->report;
    }
    return result;
}

int machine_push_bytes(struct machine *machine, const void *package, size_t size, const char *old,
                       struct client_report *report, struct why *why)
{
    struct client_call call = {0};
    int result = client_push(&machine->client, package, size, old, NULL, &call, why);
    return finish(result, &call, report);
}

int machine_push(struct machine *machine, const char *package, const char *old,
                 struct client_report *report, struct why *why)
{
    size_t size;
    void *bytes = client_read_file(package, &size, why);
    if (!bytes) {
        return -ENOENT;
    }
    int result = machine_push_bytes(machine, bytes, size, old, report, why);
    free(bytes);
    return result;
}

static int transaction(struct machine *machine, const char *op, const char *old,
                       const char *package, struct client_report *report, struct why *why)
{
    struct client_call call = {0};
    client_begin(&machine->client, &call, op);
    if (old) {
        message_put_string(&call.writer, package ? "old" : "name", old);
    }
    if (package) {
        message_put_string(&call.writer, "package", package);
    }
    return finish(client_call(&machine->client, &call, MACHINE_ANSWER_MS, why), &call, report);
}

int machine_swap(struct machine *machine, const char *old, const char *package,
                 struct client_report *report, struct why *why)
{
    return transaction(machine, "swap", old, package, report, why);
}

int machine_load(struct machine *machine, const char *package, struct client_report *report,
                 struct why *why)
{
    return transaction(machine, "load", NULL, package, report, why);
}

int machine_unload(struct machine *machine, const char *name, struct client_report *report,
                   struct why *why)
{
    return transaction(machine, "unload", name, NULL, report, why);
}

static void keep_totals(struct machine_world *world, const void *tree, int node)
{
    world->hash = client_number(tree, node, "hash");
    world->pages = client_number(tree, node, "pages");
    world->pages_free = client_number(tree, node, "pages-free");
    world->page_tables = client_number(tree, node, "page-tables");
    world->arena_bytes = client_number(tree, node, "arena-bytes");
    world->arena_free_bytes = client_number(tree, node, "arena-free-bytes");
    world->heap_objects = client_number(tree, node, "heap-objects");
    world->heap_bytes = client_number(tree, node, "heap-bytes");
    world->heap_pages = client_number(tree, node, "heap-pages");
    world->worst_blackout_ns = client_number(tree, node, "worst-blackout-ns");
    world->uptime_ns = client_number(tree, node, "uptime-ns");
    world->gates_free = (uint32_t)client_number(tree, node, "gates-free");
    world->transactions = (uint32_t)client_number(tree, node, "transactions");
    world->in_limbo = (uint32_t)client_number(tree, node, "in-limbo");
    world->threads = (uint32_t)client_number(tree, node, "threads");
    world->cpus = (uint32_t)client_number(tree, node, "cpus");
}

static void keep_world(void *context, const void *tree)
{
    struct machine_world *world = context;
    int node, components = fdt_path_offset(tree, "/components");
    int totals = fdt_path_offset(tree, "/totals");
    if (totals >= 0) {
        keep_totals(world, tree, totals);
    }
    if (components < 0) {
        return;
    }
    fdt_for_each_subnode(node, tree, components)
    {
        if (world->count < MACHINE_COMPONENTS) {
            struct machine_component *component = &world->components[world->count++];
            snprintf(component->name, sizeof(component->name), "%s",
                     fdt_get_name(tree, node, NULL));
            component->id = (uint32_t)client_number(tree, node, "id");
            component->version = (uint32_t)client_number(tree, node, "version");
            component->build = (uint32_t)client_number(tree, node, "build");
            component->swaps = (uint32_t)client_number(tree, node, "swaps");
            component->pages = (uint32_t)client_number(tree, node, "pages");
            component->registrations = (uint32_t)client_number(tree, node, "registrations");
            component->state_bytes = client_number(tree, node, "state-bytes");
        }
    }
}

int machine_read_world(struct machine *machine, struct machine_world *world, struct why *why)
{
    struct client_call call = {.on_part = keep_world, .context = world};
    *world = (struct machine_world){0};
    client_begin(&machine->client, &call, "world");
    return client_call(&machine->client, &call, MACHINE_ANSWER_MS, why);
}

const struct machine_component *machine_find(const struct machine_world *world, const char *name)
{
    for (unsigned i = 0; i < world->count; i++) {
        if (strcmp(world->components[i].name, name) == 0) {
            return &world->components[i];
        }
    }
    return NULL;
}

int machine_monitor(struct machine *machine, const char *command, char *output, size_t size,
                    struct why *why)
{
    if (machine->qmp < 0) {
        int fd = connect_to(machine, "qmp", why);
        if (fd < 0) {
            return fd;
        }
        int result = monitor_greet(fd, &machine->client, why);
        if (result < 0) {
            close(fd);
            return result;
        }
        machine->qmp = fd;
    }
    return monitor_run(machine->qmp, &machine->client, command, output, size, why);
}

int machine_press(struct machine *machine, const char *key, struct why *why)
{
    char command[64];
    snprintf(command, sizeof(command), "sendkey %s 20", key);
    return machine_monitor(machine, command, NULL, 0, why);
}

int machine_read_memory(struct machine *machine, uint64_t address, uint32_t *word, struct why *why)
{
    char command[64], output[256];
    snprintf(command, sizeof(command), "xp /1wx 0x%llx", (unsigned long long)address);
    int result = machine_monitor(machine, command, output, sizeof(output), why);
    if (result < 0) {
        return result;
    }
    const char *value = strstr(output, ": 0x");
    if (!value) {
        return why_set(why, -EPROTO, "QEMU's monitor says \"%s\"", output);
    }
    *word = (uint32_t)strtoul(value + 2, NULL, 16);
    return 0;
}

int machine_read_led(struct machine *machine, struct why *why)
{
    const uint64_t gpio_level_1 = 0xfe200038;
    uint32_t word;
    int result = machine_read_memory(machine, gpio_level_1, &word, why);
    return result < 0 ? result : (int)(word >> 10 & 1); /* GPIO 42 */
}

void machine_show_tail(const char *name)
{
    char path[64];
    size_t size;
    struct why why;
    path_of(path, sizeof(path), name, "log");
    char *text = client_read_file(path, &size, &why);
    if (text) {
        size_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
        fprintf(stderr, "--- the end of %s:\n%.*s\n---\n", path, (int)(size - from), text + from);
        free(text);
    }
}
