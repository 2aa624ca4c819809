/* SPDX-License-Identifier: MIT */
/*
 * The host tool's client against a board of pretence that runs the wire component's own code for
 * requests, over a socket pair, also when the line spoils bytes.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "board.h"

#define now_ms client_now_ms
#include "tools/nr/client.c"
#include "tools/nr/port.c"
#include "tools/nr/session.c"
#include "tools/nr/show.c"
#include "tools/nr/sources.c"
#include "tools/nr/trace.h"
#include "tools/nr/update.c"
#include "tools/nr/watch.c"

static struct client client;
static struct board_line line;
static pthread_t thread;
static char text[4096];
static size_t text_size;

static void *serve(void *argument)
{
    board_serve(argument);
    return NULL;
}

static void keep_text(void *context, const void *bytes, size_t size)
{
    (void)context;
    size = size < sizeof(text) - 1 - text_size ? size : sizeof(text) - 1 - text_size;
    memcpy(text + text_size, bytes, size);
    text_size += size;
}

static void begin(unsigned components, unsigned noise)
{
    struct why why;
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    pretended_begin(components);
    line = (struct board_line){.fd = pair[1], .noise = noise};
    pthread_create(&thread, NULL, serve, &line);
    client_init(&client, pair[0]);
    client.on_text = keep_text;
    int result = client_connect(&client, 20000, &why);
    cr_assert_eq(result, 0, "%s", result < 0 ? why.text : "");
}

static void end(void)
{
    client_close(&client);
    pthread_join(thread, NULL);
    close(line.fd);
}

static char output[70000];

static void keep_output(void *context, const void *tree)
{
    int size;
    const char *part = fdt_getprop(tree, 0, "text", &size);
    (void)context;
    if (part) {
        strncat(output, part, (size_t)size);
    }
}

static int run(const char *words, struct why *why)
{
    struct client_call call = {.on_part = keep_output};
    output[0] = 0;
    client_begin(&client, &call, "run");
    message_put_string(&call.writer, "line", words);
    return client_call(&client, &call, 60000, why);
}

static uint64_t hash(void)
{
    struct client_call call = {0};
    struct why why;
    (void)why;
    client_begin(&client, &call, "hello");
    cr_assert_eq(client_call(&client, &call, 20000, &why), 0);
    return world_hash();
}

Test(nr, runs_a_line_and_gets_all_its_output)
{
    struct why why;
    begin(4, 0);
    cr_assert_eq(run("numbers 2800", &why), 0);
    char *at = output;
    for (unsigned i = 0; i < 2800; i++) {
        cr_assert_eq(strtoul(at, &at, 10), i);
    }
    cr_assert_str_eq(at, "\n");
    cr_assert_eq(run("nonsense", &why), -EREMOTEIO);
    cr_assert_str_eq(output, "no such command\n");
    end();
}

/* How `nr trace` asks: the whole of what a command says, and its last words when it is refused. */
Test(nr, runs_a_line_for_a_trace)
{
    struct trace_board board;
    struct why why;
    char *said;
    begin(4, 0);
    board = trace_board_of(&client);
    cr_assert_eq(board.run(board.context, "numbers 2800", &said, &why), 0);
    char *at = said;
    for (unsigned i = 0; i < 2800; i++) {
        cr_assert_eq(strtoul(at, &at, 10), i);
    }
    cr_assert_str_eq(at, "\n");
    free(said);
    cr_assert_eq(board.run(board.context, "nonsense", &said, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "no such command");
    free(said);
    uint64_t began_ms = client_now_ms();
    cr_assert_eq(board.wait(board.context, 30, &why), 0);
    cr_assert_geq(client_now_ms() - began_ms, 30);
    end();
}

static unsigned parts, components_seen, totals_seen;

static void count_world(void *context, const void *tree)
{
    int node, components = fdt_path_offset(tree, "/components");
    (void)context;
    parts++;
    totals_seen += fdt_path_offset(tree, "/totals/") >= 0;
    if (components >= 0) {
        fdt_for_each_subnode(node, tree, components)
        {
            components_seen++;
        }
    }
}

Test(nr, gets_a_world_that_takes_many_messages)
{
    struct client_call call = {.on_part = count_world};
    struct why why;
    begin(40, 0);
    client_begin(&client, &call, "world");
    cr_assert_eq(client_call(&client, &call, 20000, &why), 0);
    cr_assert_eq(components_seen, 40);
    cr_assert_eq(totals_seen, 1);
    cr_assert_gt(parts, 3);
    end();
}

Test(nr, pushes_a_package_and_reads_the_report)
{
    struct client_call call = {0};
    struct why why;
    char described[256];
    static char package[100000] = "led_blink 1.2.0";
    begin(4, 0);
    cr_assert_eq(client_push(&client, package, sizeof(package), NULL, NULL, &call, &why), 0);
    cr_assert_eq(pretended.package_got, sizeof(package));
    cr_assert_eq(memcmp(pretended.package, package, sizeof(package)), 0);
    client_describe(&call.report, described, sizeof(described));
    cr_assert_str_eq(described,
                     "led_blink 1.0.0 -> 1.2.0, state adopted (48 bytes), blackout 12.3 us");
    end();
}

Test(nr, repeats_the_refusal_in_the_boards_words)
{
    struct client_call call = {0};
    struct why why;
    begin(4, 0);
    uint64_t before = hash();
    cr_assert_eq(client_push(&client, "rubbish", 7, NULL, NULL, &call, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "not a package: \"rubbish\"");
    cr_assert_eq(client_push(&client, "heap 1.2.3", 10, "nobody", NULL, &call, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "no component \"nobody\"");
    client_begin(&client, &call, "unload");
    message_put_string(&call.writer, "name", "heap");
    cr_assert_eq(client_call(&client, &call, 20000, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "there is no such thing");
    client_begin(&client, &call, "fly");
    cr_assert_eq(client_call(&client, &call, 20000, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "there is no request \"fly\"");
    client_begin(&client, &call, "swap");
    cr_assert_eq(client_call(&client, &call, 20000, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "the request has no string \"old\"");
    cr_assert_eq(hash(), before);
    end();
}

Test(nr, survives_requests_that_are_no_trees)
{
    struct why why;
    uint8_t rubbish[3000];
    begin(4, 0);
    memset(rubbish, 0xd0, sizeof(rubbish));
    for (unsigned i = 0; i < 50; i++) {
        while (wire_send(&client.wire, rubbish, i * 59) == -EAGAIN) {
            cr_assert_eq(client_pump(&client, 1000), 0);
        }
    }
    cr_assert_eq(run("numbers 3", &why), 0);
    cr_assert_str_eq(output, "0\n1\n2\n");
    end();
}

Test(nr, has_many_transactions_under_way)
{
    static struct client_call calls[4];
    struct why why;
    begin(4, 0);
    for (unsigned i = 0; i < 400; i++) {
        struct client_call *call = &calls[i % 4];
        if (i >= 4) {
            cr_assert_eq(client_wait(&client, call, 20000, &why), 0);
            cr_assert_eq(call->result, 0);
            cr_assert_eq(call->report.new_version, VERSION(1, 0, i - 4));
        }
        char package[32];
        snprintf(package, sizeof(package), "counter-1.0.%u", i);
        client_begin(&client, call, "swap");
        message_put_string(&call->writer, "old", "counter");
        message_put_string(&call->writer, "package", package);
        cr_assert_eq(client_send(&client, call, &why), 0);
    }
    end();
}

Test(nr, works_over_a_line_that_spoils_bytes, .timeout = 120)
{
    struct client_call call = {0};
    struct why why;
    static char package[20000] = "led_blink 1.2.0";
    begin(4, 1); /* every second frame of full size */
    cr_assert_eq(client_push(&client, package, sizeof(package), NULL, NULL, &call, &why), 0, "%s",
                 why.text);
    cr_assert_eq(memcmp(pretended.package, package, sizeof(package)), 0);
    cr_assert_gt(client.wire.counters.resends, 0);
    end();
}

Test(nr, keeps_text_and_frames_apart)
{
    struct why why;
    begin(4, 0);
    client_type(&client, "one ", 4);
    cr_assert_eq(run("numbers 100", &why), 0);
    client_type(&client, "two ", 4);
    cr_assert_eq(run("numbers 100", &why), 0);
    cr_assert_str_eq(text, "one two ");
    end();
}

Test(nr, says_so_when_nobody_answers)
{
    struct why why;
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    client_init(&client, pair[0]);
    cr_assert_eq(client_connect(&client, 30, &why), -ETIMEDOUT);
    cr_assert_str_eq(why.text, "no answer from the board");
    close(pair[1]);
    cr_assert_eq(client_connect(&client, 30, &why), -ECONNRESET);
    client_close(&client);
}

static int update(const uint8_t *image, size_t size, size_t stop_at, struct update_report *report,
                  struct why *why)
{
    return client_update(&client, image, size, NULL, stop_at, report, why);
}

static void update_all(unsigned noise)
{
    static uint8_t image[90001];
    struct update_report report;
    struct why why;
    begin(4, noise);
    for (size_t i = 0; i < sizeof(image); i++) {
        image[i] = (uint8_t)(i * i >> 8);
    }
    cr_assert_eq(update(image, sizeof(image), 40000, &report, &why), -ECANCELED);
    cr_expect_eq(report.resumed, 0u);
    cr_assert_eq(update(image, sizeof(image), 0, &report, &why), 0);
    cr_expect_geq(report.resumed, 40000u);
    cr_expect_str_eq(report.slot, "b");
    cr_expect_str_eq(report.message, "the next start tries it");
    cr_expect_eq(memcmp(pretended.image, image, sizeof(image)), 0);

    /* Of another image nothing is taken over. */
    pretended.update.received = 50000;
    image[100] ^= 1;
    cr_assert_eq(update(image, sizeof(image), 0, &report, &why), 0);
    cr_expect_eq(report.resumed, 0u);
    cr_expect_eq(memcmp(pretended.image, image, sizeof(image)), 0);
    end();
}

Test(nr, updates_the_system_and_goes_on_where_it_stopped)
{
    update_all(0);
}

Test(nr, does_so_on_a_line_that_spoils_bytes)
{
    update_all(1);
}

Test(nr, says_why_an_update_is_refused)
{
    static uint8_t image[5000] = {'X'};
    static const uint8_t too_large[100001];
    struct update_report report;
    struct why why;
    begin(4, 0);
    cr_expect_eq(update(image, sizeof(image), 0, &report, &why), -EREMOTEIO);
    cr_expect_str_eq(why.text, "this is none");
    cr_expect_eq(update(too_large, sizeof(too_large), 0, &report, &why), -EREMOTEIO);
    pretended.has_no_update = true;
    cr_expect_eq(update(image, sizeof(image), 0, &report, &why), -EREMOTEIO);
    cr_expect_str_eq(why.text, "nobody here takes updates");
    cr_expect_lt(update_check(image, sizeof(image), &why), 0);
    end();
}

Test(nr, sends_no_system_that_was_cut)
{
    static uint8_t image[5000];
    struct why why;
    cr_assert_eq(fdt_create_empty_tree(image, 1024), 0);
    int node = fdt_add_subnode(image, 0, "configurations");
    node = fdt_add_subnode(image, node, "neurath");
    cr_assert_geq(fdt_add_subnode(image, node, "signature"), 0);
    node = fdt_add_subnode(image, fdt_add_subnode(image, 0, "images"), "kernel");
    cr_assert_eq(fdt_setprop_u32(image, node, "data-offset", 976), 0);
    cr_assert_eq(fdt_setprop_u32(image, node, "data-size", 3000), 0);
    cr_assert_eq(update_check(image, 5000, &why), 0, "%s", why.text);
    cr_expect_eq(update_check(image, 4999, &why), -EINVAL);
    cr_expect_str_eq(why.text, "it is cut: not all of kernel is there");
    cr_assert_eq(fdt_setprop_u32(image, node, "data-size", UINT32_MAX), 0);
    cr_expect_eq(update_check(image, 5000, &why), -EINVAL);
}

/* What it writes to stdout is of no interest. */
static int push_watched(const char *words, struct watch_times *times, struct why *why)
{
    char name[] = "/tmp/test-watch-XXXXXX";
    int fd = mkstemp(name);
    cr_assert_eq(write(fd, words, strlen(words)), (ssize_t)strlen(words));
    close(fd);
    *times = (struct watch_times){.saved = now_ms(), .built = now_ms()};
    int result = watch_push(&client, name, NULL, times, why);
    remove(name);
    return result;
}

Test(nr, tells_how_long_it_took_from_a_save_to_the_new_code)
{
    struct watch_times times;
    struct why why;
    char described[128];
    begin(4, 0);
    cr_assert_eq(push_watched("led_blink 1.2.0", &times, &why), 0);
    cr_assert_leq(times.built, times.sent);
    cr_assert_leq(times.sent, times.running);
    cr_assert_eq(push_watched("rubbish", &times, &why), -EREMOTEIO);
    cr_assert_str_eq(why.text, "refused: not a package: \"rubbish\"");
    cr_assert_eq(times.running, 0);
    cr_assert_eq(watch_push(&client, "/tmp/there/is/none", NULL, &times, &why), -ENOENT);
    end();
    times = (struct watch_times){1000, 1300, 1420, 1450};
    watch_describe(&times, described, sizeof(described));
    cr_assert_str_eq(described,
                     "0.450 s from save to running: build 0.300, push 0.120, swap 0.030");
}
