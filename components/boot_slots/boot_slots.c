/* SPDX-License-Identifier: MIT */
/*
 * Slots: two systems on the card, of which one runs and the other can be replaced by a newer one.
 * docs/updates.md tells the whole story.
 *
 * One worker does all that takes time, in small steps; between them, and in the calls of the offer,
 * whoever has the word `is_taken` may touch the state. Who finds it taken is told to come again.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/shell.h>
#include <neurath/device.h>
#include <neurath/library.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/thread.h>
#include <neurath/time.h>
#include <neurath/world.h>

#include "receive.h"

#define LOOK_US 250000   /* for a card that may come; at a system on trial */
#define BUSY_US 2000     /* the files are at work for others */
#define MOMENT_US 20000u /* for the word, in a call */
#define S_NS 1000000000ull
#ifndef PATIENCE_S
#define PATIENCE_S CONFIG_BOOT_SLOTS_PATIENCE_S
#endif
#define PATIENCE_NS (PATIENCE_S * S_NS)
#define PATIENCE_TIMES 4u /* in all, if components are replaced meanwhile */

enum stage { STAGE_WAITING, STAGE_ENVIRONMENT, STAGE_SLOTS, STAGE_READY };

struct boot_slots {
    struct event wake;
    uint32_t is_taken;
    uint32_t stage; /* enum stage: how far it is with the card */
    enum slot running;
    enum slot wanted;      /* what the environment is to say, */
    uint32_t is_trying;    /* and whether on trial */
    uint32_t is_to_write;  /* it does not say so yet */
    uint32_t is_failing;   /* it could not be written, which was said */
    uint32_t is_noted;     /* what was found first */
    uint32_t is_trial;     /* this system is on trial: by U-Boot, and then by the card */
    uint32_t is_given_up;  /* it was not found good in time: the machine restarts */
    uint32_t transactions; /* when all was well since */
    uint64_t well_ns;      /* since when */
    uint64_t quiet_ns;     /* since when nothing was replaced */
    uint64_t trial_ns;     /* since when it is on trial here */
    uint64_t shell_bytes;  /* what the shell has said when it was asked */
    struct command_output sink;
    struct device device;
    struct receive receive;
    struct card card;
};

STATE(struct boot_slots) state = {};

static bool enter(void)
{
    return __atomic_exchange_n(&state.is_taken, 1, __ATOMIC_ACQUIRE) == 0;
}

static int leave(int result)
{
    __atomic_store_n(&state.is_taken, 0, __ATOMIC_RELEASE);
    return result;
}

/* For calls, which cannot wait: the word is held for a step at most. */
static bool enter_soon(void)
{
    uint64_t end = time_now_ns() + MOMENT_US * 1000u;
    bool is_in;
    while (!(is_in = enter()) && time_now_ns() < end) {
    }
    return is_in;
}

/* --- U-Boot's environment -----------------------------------------------------------------------
 */

/* It is read again before: another computer may have changed it meanwhile. */
static void request_next(enum slot slot, bool is_trial)
{
    state.wanted = slot;
    state.is_trying = is_trial;
    state.is_to_write = 1;
    state.stage = STAGE_ENVIRONMENT;
}

/*
 * A system that is good and cannot say so is tried again and again, and stays on trial: U-Boot goes
 * on counting, and so the slot that it would fall back to must not be touched.
 */
static void fail_to_write(int error)
{
    if (!state.is_failing) {
        log_error("boot_slots: the environment cannot be written: error %d", -error);
    }
    state.is_failing = state.is_to_write = state.is_trial;
    card_revert(&state.card);
}

static int write_environment(void)
{
    int result = card_set_next(&state.card, state.wanted, state.is_trying);
    if (result == 0) {
        result = card_write_environment(&state.card);
    }
    if (result == -EAGAIN) {
        return BUSY_US;
    }
    if (result < 0) {
        fail_to_write(result);
        state.stage = STAGE_ENVIRONMENT; /* the card may be another one */
        return LOOK_US;
    }
    state.is_to_write = state.is_failing = 0;
    if (state.is_trial) {
        state.is_trial = 0;
        log_info("boot_slots: slot %c is good", card_letter(state.running));
    }
    return 0;
}

/* --- whether this system is good ---------------------------------------------------------------
 */

static void sink_write(struct command_output *output, const char *text, size_t size)
{
    (void)text;
    container_of(output, struct boot_slots, sink)->shell_bytes += size;
}

/* The shell does what it is told. */
static bool does_shell_answer(void)
{
    state.shell_bytes = 0;
    state.sink.write = sink_write;
    return shell_execute("help", &state.sink) == 0 && state.shell_bytes > 0;
}

/*
 * Good: the card is mounted and was read, the shell has answered at each look, and nothing was
 * replaced, for so long. (That all components of the boot bundle started is a condition for getting
 * here at all.)
 */
static bool is_found_good(uint64_t now_ns)
{
    struct world_totals totals = {0};
    world_read_totals(&totals);
    if (totals.transactions != state.transactions) {
        state.transactions = totals.transactions;
        state.well_ns = state.quiet_ns = now_ns;
    }
    if (!does_shell_answer()) {
        state.well_ns = now_ns;
    }
    return now_ns - state.well_ns >= CONFIG_BOOT_SLOTS_GOOD_S * S_NS;
}

static void restart(void)
{
    struct offer offer;
    struct command_ops ops;
    char name[] = "reboot";
    char *const words[] = {name};
    log_error("boot_slots: slot %c was not found good in time: restarting",
              card_letter(state.running));
    state.is_given_up = 1;
    if (offer_find(COMMAND_KIND, name, 0, &offer) == 0) {
        memcpy(&ops, offer.table, sizeof(ops));
        state.sink.write = sink_write;
        (void)ops.run(1, words, &state.sink); /* without power management there is only the plug */
    }
}

/* Returns when to look again. */
static int watch_trial(void)
{
    uint64_t now_ns = time_now_ns();
    if (is_found_good(now_ns)) {
        request_next(state.running, false);
        return 0;
    }
    bool is_over = now_ns - state.quiet_ns > PATIENCE_NS || /* a kept package takes its time */
                   now_ns - state.trial_ns > PATIENCE_TIMES * PATIENCE_NS;
    if (is_over && !state.is_given_up) {
        restart();
    }
    return LOOK_US;
}

/* --- the card as it is found -------------------------------------------------------------------
 */

static void take_note(void)
{
    struct card *card = &state.card;
    char slot[4], why[96];
    enum slot wanted = card_next(card);
    state.is_noted = 1;
    if (state.running == SLOT_UNKNOWN) {
        state.running = wanted; /* an older device tree on the card: nobody has said it */
    }
    state.is_trial = card_get_number(card, "upgrade_available") == 1 && wanted == state.running;
    state.well_ns = state.quiet_ns = state.trial_ns = time_now_ns();
    card_get(card, "failed_slot", slot, sizeof(slot));
    card_get(card, "failed_why", why, sizeof(why));
    log_info("boot_slots: slot %c runs%s", card_letter(state.running),
             state.is_trial ? ", on trial" : "");
    if (slot[0]) {
        log_warning("boot_slots: slot %s was given up: %s", slot, why);
    }
    if (wanted != state.running) {
        log_warning("boot_slots: slot %c could not be started", card_letter(wanted));
    }
    if (card->current > 1) {
        log_info("boot_slots: there is no environment on the card yet, or none that is whole");
    } else if (!card->is_whole[!card->current]) {
        log_info("boot_slots: one copy of the environment is missing or not whole");
    }
}

/* A system on trial that cannot so much as read its card is not good either. */
static void watch_for_card(void)
{
    bool is_blind = state.is_trial && !state.is_noted && !state.is_given_up;
    if (is_blind && time_now_ns() - state.trial_ns > PATIENCE_NS) {
        restart();
    }
}

/* Looks for the card, and then at it. Returns as a step does; 0: go on. */
static int look_at_card(void)
{
    struct file_info info;
    int result = 0;
    watch_for_card();
    if (state.stage == STAGE_WAITING) {
        result = vfs_look("/card", &info);
    } else if (state.stage == STAGE_ENVIRONMENT) {
        result = card_read_environment(&state.card);
    } else if (state.stage == STAGE_SLOTS) {
        result = card_read_slots(&state.card);
    }
    if (result == -EAGAIN) {
        return BUSY_US;
    }
    if (result < 0) {
        if (state.is_to_write) {
            fail_to_write(result);
        }
        state.stage = STAGE_WAITING;
        return LOOK_US;
    }
    state.stage++;
    if (state.stage == STAGE_READY && !state.is_noted) {
        take_note();
    }
    return 0;
}

static int continue_update(void)
{
    uint32_t phase = state.receive.phase;
    int result = receive_continue(&state.receive, &state.card);
    if (state.receive.phase != phase && state.receive.phase == UPDATE_FAILED) {
        state.stage = STAGE_ENVIRONMENT; /* what is known of the card may not be true now */
        return 0;
    }
    if (result == 0 && state.receive.phase != UPDATE_RECEIVING) {
        result = card_close(&state.card); /* nobody is to be kept from unmounting */
    }
    return result == -EAGAIN ? BUSY_US : result > 0 ? 0 : -EAGAIN;
}

static int step(void *argument)
{
    (void)argument;
    int result;
    if (!enter()) {
        return BUSY_US;
    }
    if (state.stage != STAGE_READY) {
        result = look_at_card();
    } else if (state.is_to_write) {
        result = write_environment();
    } else if (state.is_trial && state.card.handle) {
        result = card_close(&state.card) == -EAGAIN ? BUSY_US : 0;
    } else if (state.is_trial) {
        result = watch_trial();
    } else {
        result = continue_update();
    }
    return leave(result);
}

/* It was found, and has not gone since as far as is known. */
static bool is_card_there(void)
{
    return state.is_noted && state.stage != STAGE_WAITING;
}

/* --- the offer ----------------------------------------------------------------------------------
 */

static int update_begin(uint32_t bytes, const uint8_t *digest)
{
    if (bytes == 0 || bytes > UPDATE_BYTES_MAX) {
        return -EINVAL;
    }
    if (!enter_soon()) {
        return -EAGAIN;
    }
    bool is_busy = state.is_trial || state.is_to_write || state.receive.phase == UPDATE_CHECKING;
    int result = !is_card_there() ? -ENOMEDIUM : is_busy ? -EBUSY : card_close(&state.card);
    if (result == 0) {
        receive_begin(&state.receive, card_other(state.running), bytes, digest);
        event_signal(&state.wake);
    }
    return leave(result);
}

static int update_write(uint32_t offset, const void *data, uint32_t size)
{
    if (!enter_soon()) {
        return -EAGAIN;
    }
    return leave(receive_write(&state.receive, &state.card, offset, data, size));
}

static int update_finish(void)
{
    if (!enter_soon()) {
        return -EAGAIN;
    }
    int result = receive_finish(&state.receive, &state.card);
    event_signal(&state.wake);
    return leave(result);
}

static int update_read_status(struct update_status *status)
{
    const struct receive *receive = &state.receive;
    if (!enter_soon()) {
        return -EAGAIN;
    }
    *status = (struct update_status){.phase = receive->phase,
                                     .bytes = receive->bytes,
                                     .received = receive->received,
                                     .slot = {card_letter(receive->slot)}};
    memcpy(status->digest, receive->digest, sizeof(status->digest));
    memcpy(status->message, receive->message, sizeof(status->message));
    return leave(0);
}

/* --- the command --------------------------------------------------------------------------------
 */

static void print_slot(enum slot slot, enum slot next, bool is_trial, struct command_output *output)
{
    const struct card *card = &state.card;
    command_print(output, "slot %c  %s%s", card_letter(slot),
                  card->version[slot][0] ? card->version[slot] : "holds no system",
                  slot == state.running ? "  runs" : "");
    if (slot == state.running) {
        command_print(output, state.is_trial ? ", on trial: start %u" : ", good",
                      card_get_number(card, "bootcount"));
    }
    if (slot == next && slot != state.running) {
        command_print(output, is_trial ? "  next, on trial" : "  next");
    }
    command_print(output, "\n");
}

static int print_slots(struct command_output *output)
{
    const struct receive *receive = &state.receive;
    char slot[4], why[96];
    if (!is_card_there()) {
        command_print(output, "there is no card\n");
        return -ENOMEDIUM;
    }
    bool is_trial = card_get_number(&state.card, "upgrade_available") == 1;
    enum slot next = card_next(&state.card);
    print_slot(SLOT_A, next, is_trial, output);
    print_slot(SLOT_B, next, is_trial, output);
    card_get(&state.card, "failed_slot", slot, sizeof(slot));
    card_get(&state.card, "failed_why", why, sizeof(why));
    if (slot[0]) {
        command_print(output, "slot %s was given up: %s\n", slot, why);
    }
    if (receive->phase == UPDATE_RECEIVING) {
        command_print(output, "an update of slot %c: %u of %u bytes are here\n",
                      card_letter(receive->slot), receive->received, receive->bytes);
    } else if (receive->message[0]) {
        command_print(output, "the last update: %s\n", receive->message);
    }
    return 0;
}

/* The next start tries a slot, as after an update. */
static int try_slot(const char *slot, struct command_output *output)
{
    enum slot wanted = strcmp(slot, "a") == 0   ? SLOT_A
                       : strcmp(slot, "b") == 0 ? SLOT_B
                                                : SLOT_UNKNOWN;
    if (wanted == SLOT_UNKNOWN || !is_card_there() || !state.card.version[wanted][0]) {
        command_print(output, "there is no system to be tried\n");
        return -ENOENT;
    }
    if (state.is_trial || state.receive.phase == UPDATE_CHECKING) {
        command_print(output, "not now: a system is on trial, or being put in place\n");
        return -EBUSY;
    }
    bool is_change = wanted != state.running;
    if (card_set_next(&state.card, wanted, is_change) < 0) {
        command_print(output, "U-Boot's environment is full\n");
        return -ENOSPC;
    }
    request_next(wanted, is_change);
    event_signal(&state.wake);
    command_print(output, "the next start takes slot %s%s\n", slot, is_change ? ", on trial" : "");
    return 0;
}

static int run_slots(int count, char *const words[], struct command_output *output)
{
    if (!(count == 1 || (count == 3 && strcmp(words[1], "try") == 0))) {
        command_print(output, "usage: slots [try a|b]\n");
        return -EINVAL;
    }
    if (!enter_soon()) {
        command_print(output, "the slots are being looked at: try again\n");
        return -EAGAIN;
    }
    return leave(count == 1 ? print_slots(output) : try_slot(words[2], output));
}

static int start(void)
{
    static const struct command_ops slots = {run_slots,
                                             "slots [try a|b] - the systems on the card"};
    const struct update_ops update = {update_begin, update_write, update_finish,
                                      update_read_status};
    const struct worker_config worker = {.name = "boot slots", .step = step, .event = &state.wake};
    uint32_t slot, trial;
    event_init(&state.wake);
    if (device_claim("neurath,boot", &state.device) == 0 &&
        device_read_u32(&state.device, "slot", 0, &slot) == 0 && slot <= SLOT_B) {
        state.running = (enum slot)slot;
        /* It was so when the machine started: whoever starts later asks the card alone. */
        state.trial_ns = time_now_ns();
        state.is_trial = device_read_u32(&state.device, "trial", 0, &trial) == 0 && trial == 1 &&
                         state.trial_ns < CONFIG_BOOT_SLOTS_PATIENCE_S * S_NS;
    }
    int result = offer_add(COMMAND_KIND, "slots", &slots, sizeof(slots));
    if (result >= 0) {
        result = offer_add(UPDATE_KIND, "slots", &update, sizeof(update));
    }
    if (result >= 0) {
        result = worker_start(&worker);
    }
    return result < 0 ? result : 0;
}

/* Nobody is inside: a word that was not given up belonged to a call that was cut off. */
static int adopt(void)
{
    state.is_taken = 0;
    return 0;
}

COMPONENT(boot_slots, .version = VERSION(1, 0, 0), .summary = "Slots: updates of the whole system",
          .start = start, .adopt = adopt);
