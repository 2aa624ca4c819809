/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes 0 and 1 between ARM and VideoCore, channel 8: property tags (the wiki of
 * github.com/raspberrypi/firmware: "Mailboxes", "Accessing mailboxes", "Mailbox property
 * interface").
 *
 * One message at a time, in a page of our own: who comes meanwhile waits for its end, which the
 * deadline bounds. A message whose answer did not come in time stays out: its page may yet be
 * written, so nothing is sent before the answer is there. The hardware keeps no state that would
 * matter to a successor: at a replacement no call is inside.
 */
#include <errno.h>
#include <string.h>

#include <interface/command.h>
#include <interface/mailbox.h>
#include <neurath/device.h>
#include <neurath/dma.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/time.h>

#define READ 0x00         /* mailbox 0, to us */
#define READ_STATUS 0x18  /* of mailbox 0 */
#define WRITE 0x20        /* mailbox 1, from us */
#define WRITE_STATUS 0x38 /* of mailbox 1 */
#define STATUS_FULL (1u << 31)
#define STATUS_EMPTY (1u << 30)
#define CHANNEL_TAGS 8u
#define CHANNEL_MASK 15u

#define HEADER_WORDS 2u           /* size in bytes; request or response code */
#define RESPONSE_OK 0x80000000u   /* the whole message */
#define TAG_RESPONSE 0x80000000u  /* in a tag's third word, beside the length */
#define DEADLINE_NS 1000000000ull /* allocating a frame buffer takes some 10 ms */
#define STALE_MAX 64u             /* answers to nobody, read at once */
#define PAGES_TRIED 16u

struct mailbox {
    struct device device;
    uint32_t *message; /* a page, below the first GiB */
    uint32_t bus;      /* its address on the VideoCore's side */
    uint32_t is_busy;  /* 1: a call is inside */
    uint32_t is_out;   /* 1: the VideoCore has the page */
    uint64_t calls, failures;
};

STATE(struct mailbox) state = {};

static bool has_passed(uint64_t deadline_ns)
{
    cpu_relax();
    return time_now_ns() > deadline_ns;
}

/* Takes the answer to what is out; others' are thrown away. */
static int take_answer(uint64_t deadline_ns)
{
    unsigned stale = 0;
    while (state.is_out) {
        if (mmio_read32(state.device.base, READ_STATUS) & STATUS_EMPTY) {
            if (has_passed(deadline_ns)) {
                return -ETIMEDOUT;
            }
        } else if (mmio_read32(state.device.base, READ) == (state.bus | CHANNEL_TAGS)) {
            state.is_out = 0;
        } else if (++stale > STALE_MAX) {
            return -EIO;
        }
    }
    return 0;
}

static int send(uint64_t deadline_ns)
{
    while (mmio_read32(state.device.base, WRITE_STATUS) & STATUS_FULL) {
        if (has_passed(deadline_ns)) {
            return -ETIMEDOUT;
        }
    }
    state.is_out = 1;
    mmio_write32(state.device.base, WRITE, state.bus | CHANNEL_TAGS);
    return 0;
}

/* Whether the words are a row of tags that ends where they end; clears their lengths. */
static bool is_row_of_tags(uint32_t *tags, size_t words)
{
    size_t at = 0;
    while (at < words) {
        if (words - at < MAILBOX_TAG_WORDS || tags[at] == 0 || tags[at + 1] % 4 != 0 ||
            tags[at + 1] / 4 > words - at - MAILBOX_TAG_WORDS) {
            return false;
        }
        tags[at + 2] = 0;
        at += MAILBOX_TAG_WORDS + tags[at + 1] / 4;
    }
    return words > 0;
}

/* Copies the answers to the caller's tags: only values and lengths, whatever else was written. */
static int read_answers(uint32_t *tags, size_t words)
{
    const uint32_t *answer = state.message + HEADER_WORDS;
    int result = 0;
    for (size_t at = 0; at < words; at += MAILBOX_TAG_WORDS + tags[at + 1] / 4) {
        uint32_t size = tags[at + 1];
        uint32_t length = answer[at + 2] & ~TAG_RESPONSE;
        if (!(answer[at + 2] & TAG_RESPONSE) || (length == 0 && size > 0)) {
            result = result == 0 ? -EOPNOTSUPP : result;
            length = 0;
        } else if (length > size) {
            result = result == 0 ? -EMSGSIZE : result;
            length = size;
        }
        tags[at + 2] = length;
        memcpy(tags + at + MAILBOX_TAG_WORDS, answer + at + MAILBOX_TAG_WORDS, size);
    }
    return result;
}

/* The turn is the caller's. */
static int exchange(uint32_t *tags, size_t words)
{
    uint64_t deadline_ns = time_now_ns() + DEADLINE_NS;
    if (state.is_out && take_answer(time_now_ns()) < 0) {
        return -EBUSY; /* an earlier one's, and still not */
    }
    uint32_t bytes = (uint32_t)(HEADER_WORDS + words + 1) * 4;
    state.message[0] = bytes;
    state.message[1] = 0;
    memcpy(state.message + HEADER_WORDS, tags, words * 4);
    state.message[HEADER_WORDS + words] = 0; /* no more tags */
    dma_clean(state.message, bytes);
    int result = send(deadline_ns);
    if (result == 0) {
        result = take_answer(deadline_ns);
    }
    if (result < 0) {
        return result;
    }
    dma_invalidate(state.message, bytes);
    return state.message[1] == RESPONSE_OK ? read_answers(tags, words) : -EIO;
}

int mailbox_call(uint32_t *tags, size_t words)
{
    uint64_t deadline_ns = time_now_ns() + DEADLINE_NS;
    if (words > MAILBOX_WORDS_MAX || !is_row_of_tags(tags, words)) {
        return -EINVAL;
    }
    while (__atomic_exchange_n(&state.is_busy, 1, __ATOMIC_ACQUIRE)) {
        if (has_passed(deadline_ns)) {
            return -EBUSY;
        }
    }
    int result = exchange(tags, words);
    state.calls++;
    state.failures += result < 0;
    __atomic_store_n(&state.is_busy, 0, __ATOMIC_RELEASE);
    return result;
}

static void print_memory(struct command_output *output, const char *who, uint32_t tag)
{
    uint32_t base, bytes;
    int result = mailbox_read_memory(tag, &base, &bytes);
    if (result == 0) {
        command_print(output, "memory of the %s: 0x%08x, %u MiB\n", who, base, bytes >> 20);
    } else {
        command_print(output, "memory of the %s: error %d\n", who, result);
    }
}

static int run_command(int count, char *const words[], struct command_output *output)
{
    uint32_t firmware = 0, board = 0, millidegrees, hz;
    uint8_t mac[6];

    (void)words;
    if (count != 1) {
        command_print(output, "usage: firmware\n");
        return -EINVAL;
    }
    int result = mailbox_read_firmware_revision(&firmware);
    if (result < 0) {
        command_print(output, "the firmware does not answer: error %d\n", result);
        return result;
    }
    command_print(output, "firmware of %u%s\n", firmware, firmware == 346337 ? ", QEMU's" : "");
    if (mailbox_read_board_revision(&board) == 0) {
        command_print(output, "board revision %06x\n", board);
    }
    if (mailbox_read_mac(mac) == 0) {
        command_print(output, "MAC address %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
                      mac[3], mac[4], mac[5]);
    }
    if (mailbox_read_temperature(&millidegrees) == 0) {
        command_print(output, "temperature %u.%u degrees\n", millidegrees / 1000,
                      millidegrees % 1000 / 100);
    }
    if (mailbox_read_clock_hz(MAILBOX_CLOCK_ARM, &hz) == 0) {
        command_print(output, "CPU clock %u MHz\n", hz / 1000000);
    }
    print_memory(output, "CPUs", MAILBOX_ARM_MEMORY);
    print_memory(output, "VideoCore", MAILBOX_VIDEOCORE_MEMORY);
    command_print(output, "%llu messages, %llu of them failed\n", (unsigned long long)state.calls,
                  (unsigned long long)state.failures);
    return 0;
}

/* A page that the VideoCore can address; those which it cannot go back. */
static int allocate_message(void)
{
    void *pages[PAGES_TRIED];
    unsigned count = 0;
    int result = -ENOMEM;

    while (count < PAGES_TRIED && result < 0 && (pages[count] = page_allocate(1)) != NULL) {
        result = dma_legacy_address(pages[count++], PAGE_BYTES, &state.bus);
    }
    for (unsigned i = 0; i < count; i++) {
        if (result == 0 && i == count - 1) {
            state.message = pages[i];
        } else {
            page_free(pages[i]);
        }
    }
    return result;
}

static int start(void)
{
    static const struct command_ops command = {run_command,
                                               "firmware - shows what the VideoCore says"};
    int result = device_claim("brcm,bcm2835-mbox", &state.device);
    if (result < 0) {
        return result;
    }
    result = allocate_message();
    if (result < 0) {
        log_error("mailbox: no page in the first GiB of RAM");
        return result;
    }
    return offer_add(COMMAND_KIND, "firmware", &command, sizeof(command));
}

/* The page must not go while the VideoCore may write to it. */
static void stop(void)
{
    (void)take_answer(time_now_ns() + DEADLINE_NS); /* or never: then the bytes are anybody's */
}

COMPONENT(mailbox, .version = VERSION(1, 0, 0), .summary = "Asks the VideoCore's firmware",
          .compatible = "brcm,bcm2835-mbox", .start = start, .stop = stop);
