/* SPDX-License-Identifier: MIT */
/* The console as a whole, between a port and callers that the test plays. */
#include <criterion/criterion.h>
#include <pthread.h>

/* The nucleus's part, under names of this test's own: all tests are linked into one program. */
#define component_self console_test_self
#define event_init_owned console_test_event_init
#define event_signal console_test_event_signal
#define log_attach_owned console_test_log_attach
#define log_event console_test_log_event
#define log_read console_test_log_read
#define offer_add_owned console_test_offer_add
#define offer_event console_test_offer_event
#define offer_find console_test_offer_find
#define time_now_ns console_test_time_now_ns
#define worker_start_owned console_test_worker_start
#define worker_stop_owned console_test_worker_stop

#include "console.c"

struct component {
    int unused;
};
struct component component_self;

static uint64_t now_ns;
static struct event offers, log_written;
static struct serial_ops ops;
static struct terminal_ops terminal;
static uint32_t offer_id; /* 0: no port */
static unsigned workers, stopped_workers, attached;
static const char *log_text = "";

static uint8_t line[1 << 20]; /* what went out */
static size_t line_length, line_room = SIZE_MAX;
static uint8_t input[65536];
static size_t input_length, input_taken;

void event_init_owned(struct event *event, struct component *owner)
{
    (void)owner;
    list_init(&event->waiters);
}

void event_signal(struct event *event)
{
    __atomic_add_fetch(&event->signals, 1, __ATOMIC_SEQ_CST);
}

void log_attach_owned(struct component *owner)
{
    (void)owner;
    attached++;
}

struct event *log_event(void)
{
    return &log_written;
}

int log_read(uint64_t *position, char *buffer, size_t size)
{
    size_t count = MIN(strlen(log_text) - *position, size);
    memcpy(buffer, log_text + *position, count); /* NOLINT: a piece of text, no string */
    *position += count;
    return count > 0 ? (int)count : -EAGAIN;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(kind, TERMINAL_KIND);
    cr_assert_str_eq(name, "console");
    cr_assert_eq(size, sizeof(terminal));
    memcpy(&terminal, table, size);
    return 1;
}

struct event *offer_event(void)
{
    return &offers;
}

int offer_find(const char *kind, const char *name, uint32_t after, struct offer *offer)
{
    cr_assert_str_eq(kind, SERIAL_KIND);
    cr_assert_null(name);
    if (offer_id <= after) {
        return -ENOENT;
    }
    *offer = (struct offer){.id = offer_id, .name = "test"};
    memcpy(offer->table, &ops, sizeof(ops));
    return 0;
}

uint64_t time_now_ns(void)
{
    return now_ns;
}

int worker_start_owned(const struct worker_config *config, struct component *owner)
{
    (void)config;
    (void)owner;
    return (int)++workers;
}

int worker_stop_owned(int worker, struct component *owner)
{
    (void)worker;
    (void)owner;
    stopped_workers++;
    return 0;
}

static int port_read(void *buffer, size_t size)
{
    size_t count = MIN(size, input_length - input_taken);
    memcpy(buffer, input + input_taken, count);
    input_taken += count;
    return count > 0 ? (int)count : -EAGAIN;
}

static int port_write(const void *bytes, size_t size)
{
    size_t count = MIN(size, MIN(line_room, sizeof(line) - line_length));
    memcpy(line + line_length, bytes, count);
    line_length += count;
    line_room -= count;
    return count > 0 ? (int)count : -EAGAIN;
}

static struct event port_readable, port_writable;

static void plug(uint32_t id)
{
    offer_id = id;
    ops = (struct serial_ops){.read = port_read,
                              .write = port_write,
                              .readable = &port_readable,
                              .writable = &port_writable,
                              .is_console = 1};
    cr_assert_eq(watch_step(NULL), -EAGAIN);
}

static void begin(void)
{
    cr_assert_eq(start(), 0);
    plug(1);
}

static int receive_bytes(const void *bytes, size_t size)
{
    memcpy(input, bytes, size);
    input_length = size;
    input_taken = 0;
    return receive_step((void *)(uintptr_t)offer_id);
}

static void expect(const void *wanted, size_t size)
{
    cr_expect_eq(line_length, size, "%zu bytes, not %zu", line_length, size);
    cr_expect_arr_eq(line, wanted, MIN(line_length, size));
    line_length = 0;
}
#define EXPECT(wanted) expect(wanted, sizeof(wanted) - 1)

Test(console, waits_for_a_port_and_writes_what_was_said_before)
{
    cr_assert_eq(start(), 0);
    cr_expect_eq(console_write("early\n", 6), 6);
    EXPECT("");
    plug(1);
    EXPECT("early\r\n");
    cr_expect_eq(attached, 1u);
    cr_expect_eq(workers, 4u, "port, in, out, log");
}

Test(console, is_a_terminal_among_others)
{
    char text[16];
    begin();
    cr_expect_eq(terminal.write(terminal.unit, "hello\n", 6), 6);
    EXPECT("hello\r\n");
    cr_expect_eq(terminal.set_prompt(terminal.unit, "? "), 0);
    cr_expect_eq(terminal.read_line(terminal.unit, text, sizeof(text)), -EAGAIN);
    cr_expect(terminal.writable == console_writable() &&
              terminal.line_ready == console_line_ready());
}

Test(console, gives_keys_instead_of_lines_while_they_are_wanted)
{
    char text[CONSOLE_LINE_BYTES];
    begin();
    cr_expect(terminal.columns == 80 && terminal.rows == 24);
    cr_expect_eq(terminal.set_prompt(terminal.unit, "? "), 0);
    (void)receive_bytes("top\r", 4);
    cr_expect_eq(terminal.read_line(terminal.unit, text, sizeof(text)), 3);
    line_length = 0;
    cr_expect_eq(terminal.take_keys(terminal.unit, true), 0);
    cr_expect_eq(terminal.write(terminal.unit, "\033[Hall\033[K\nis well\033[J\n", 21), 21);
    uint32_t signals = state.line_ready.signals;
    (void)receive_bytes("h", 1);
    cr_expect_eq(state.line_ready.signals, signals + 1);
    (void)receive_bytes("\0a frame\0\033[A", 12);
    EXPECT("\033[Hall\033[K\r\nis well\033[J\r\n");
    cr_expect_eq(terminal.read_key(terminal.unit), 'h');
    cr_expect_eq(terminal.read_key(terminal.unit), -EAGAIN);
    cr_expect_eq(terminal.take_keys(terminal.unit, false), 0);
    cr_expect_eq(terminal.set_prompt(terminal.unit, "? "), 0);
    EXPECT("\r? \033[K");
}

Test(console, takes_no_port_that_is_not_the_consoles)
{
    cr_assert_eq(start(), 0);
    ops.is_console = 0;
    offer_id = 7;
    cr_assert_eq(watch_step(NULL), -EAGAIN);
    cr_expect_eq(state.port_id, 0u);
}

Test(console, follows_its_port_when_it_goes_and_another_comes)
{
    begin();
    offer_id = 0;
    cr_assert_eq(watch_step(NULL), -EAGAIN);
    cr_expect_eq(stopped_workers, 2u);
    cr_expect_eq(console_write("meanwhile\n", 10), 10);
    EXPECT("");
    plug(2);
    EXPECT("meanwhile\r\n");
    cr_expect_eq(attached, 1u, "the log is shown once");
    cr_expect_eq(receive_step((void *)(uintptr_t)1), -EAGAIN, "the old port's worker does nothing");
    plug(3); /* one goes and the other comes before anybody looks */
    cr_expect_eq(state.port_id, 3u);
}

Test(console, a_frame_cut_by_a_lost_port_is_not_ended_on_the_next)
{
    begin();
    line_room = 3;
    cr_expect_eq(console_write_frame("frame", 5), 0);
    EXPECT("\0fr");
    line_room = SIZE_MAX;
    plug(2);
    cr_expect_eq(console_write_frame("next", 4), 0);
    EXPECT("\0next\0");
}

Test(console, hands_lines_and_frames_to_their_readers)
{
    char text[CONSOLE_LINE_BYTES];
    begin();
    cr_expect_eq(console_read_line(text, sizeof(text)), -EAGAIN);
    cr_expect_eq(console_read_frame(text, sizeof(text)), -EAGAIN);
    (void)receive_bytes("wor\0one\0ld\r\0two\0", 16);
    cr_expect_eq(state.line_ready.signals, 1u);
    cr_expect_eq(console_read_line(text, sizeof(text)), 5);
    cr_expect_str_eq(text, "world");
    cr_expect_eq(console_read_frame(text, sizeof(text)), 3);
    cr_expect_arr_eq(text, "one", 3);
    cr_expect_eq(console_read_frame(text, 2), -EMSGSIZE);
    cr_expect_eq(console_read_frame(text, sizeof(text)), -EAGAIN);
}

Test(console, refuses_frames_that_cannot_be)
{
    char frame[CONSOLE_FRAME_BYTES + 1];
    begin();
    memset(frame, 'f', sizeof(frame));
    cr_expect_eq(console_write_frame(frame, sizeof(frame)), -EMSGSIZE);
    cr_expect_eq(console_write_frame("a\0b", 3), -EINVAL);
    cr_expect_eq(console_write_frame(frame, 0), -EINVAL);
    cr_expect_eq(console_write_frame(frame, CONSOLE_FRAME_BYTES), 0);
    cr_expect_eq(line_length, CONSOLE_FRAME_BYTES + 2u);
}

Test(console, tells_writers_when_there_is_room_again)
{
    char text[1000];
    unsigned frames = 0;
    begin();
    line_room = 0;
    memset(text, 'x', sizeof(text));
    while (console_write(text, sizeof(text)) > 0) {
    }
    while (console_write_frame(text, sizeof(text)) == 0) {
        frames++;
    }
    cr_expect_geq(frames, 8u);
    cr_expect_eq(state.writable.signals, 0u);
    line_room = SIZE_MAX;
    cr_expect_eq(send_step(NULL), -EAGAIN);
    while (event_read(&port_writable) > 0) { /* it left the rest to the worker */
        port_writable.signals = 0;
        (void)send_step(NULL);
    }
    cr_expect_geq(state.writable.signals, 2u);
    cr_expect_gt(console_write(text, sizeof(text)), 0);
    cr_expect_eq(console_write_frame(text, sizeof(text)), 0);
}

Test(console, shows_the_log_by_whole_lines)
{
    log_text = "old, shown by the early UART\n";
    begin();
    EXPECT("");
    log_text = "old, shown by the early UART\nnew\nha";
    cr_expect_eq(log_step(NULL), 0);
    EXPECT("new\r\n");
    cr_expect_eq(log_step(NULL), -EAGAIN);
    log_text = "old, shown by the early UART\nnew\nhalf\n";
    cr_expect_eq(log_step(NULL), 0);
    EXPECT("half\r\n");
}

Test(console, the_log_waits_for_a_program_to_end_its_line_but_not_for_ever)
{
    begin();
    cr_expect_eq(console_write("part", 4), 4);
    log_text = "log\n";
    cr_expect_gt(log_step(NULL), 0);
    EXPECT("part");
    now_ns += LOG_PATIENCE_NS + 1;
    cr_expect_eq(log_step(NULL), 0);
    EXPECT("\r\nlog\r\n");
}

Test(console, a_stray_nul_swallows_text_for_two_seconds_at_most)
{
    char text[CONSOLE_LINE_BYTES];
    begin();
    int result = receive_bytes("\0help\r", 6);
    unsigned rounds = 0;
    while (result > 0) {
        cr_assert_lt(++rounds, 20u);
        result = receive_bytes("", 0);
    }
    cr_expect_eq(result, -EAGAIN);
    cr_expect_eq(console_read_line(text, sizeof(text)), 4);
    cr_expect_str_eq(text, "help");
}

static void *write_lines(void *argument)
{
    char text[16];
    for (unsigned i = 0; i < 5000; i++) {
        memset(text, 'a' + *(const char *)argument % 26, sizeof(text));
        text[sizeof(text) - 1] = '\n';
        for (size_t done = 0; done < sizeof(text);) {
            int count = console_write(text + done, sizeof(text) - done);
            if (count > 0) {
                done += (size_t)count;
            } else {
                (void)send_step(NULL);
            }
        }
        while (i % 4 == 0 && console_write_frame(text, 8) != 0) {
            (void)send_step(NULL);
        }
    }
    return NULL;
}

/* Several callers at once: each line and frame whole, none lost, and nothing left behind unsent. */
Test(console, writers_on_all_cpus_lose_nothing)
{
    pthread_t threads[4];
    char names[4] = {0, 1, 2, 3};
    begin();
    for (unsigned i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, write_lines, &names[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    while (event_read(&port_writable) > 0) {
        port_writable.signals = 0;
        (void)send_step(NULL);
    }
    static char text[1 << 20];
    size_t length = 0;
    unsigned frames = 0;
    for (size_t i = 0; i < line_length; i++) { /* frames may stand anywhere in the text */
        if (line[i] != 0) {
            text[length++] = (char)line[i];
            continue;
        }
        for (size_t j = 2; j < 9; j++) {
            cr_assert_eq(line[i + j], line[i + 1], "frame at %zu", i);
        }
        cr_assert_eq(line[i + 9], 0);
        i += 9;
        frames++;
    }
    cr_expect_eq(frames, 5000u);
    cr_assert_eq(length, 20000u * 17);
    for (size_t i = 0; i < length; i += 17) {
        for (size_t j = 1; j < 15; j++) {
            cr_assert_eq(text[i + j], text[i], "line at %zu", i);
        }
        cr_assert_arr_eq(text + i + 15, "\r\n", 2);
    }
}
