/* SPDX-License-Identifier: MIT */
/* The mailbox against a model of its registers and of a firmware that knows two tags. */
#include <criterion/criterion.h>

#define component_self mailbox_test_self
#define device_claim_owned mailbox_test_device_claim
#define mailbox_call mailbox_test_call
#define mmio_read32 mailbox_test_mmio_read32
#define mmio_write32 mailbox_test_mmio_write32
#define offer_add_owned mailbox_test_offer_add
#define page_allocate_owned mailbox_test_page_allocate
#define page_free mailbox_test_page_free
#define time_now_ns mailbox_test_time_now_ns

#include "mailbox.c"

#define TAG_DOUBLES 0x11u /* answers twice the value */
#define TAG_LONG 0x12u    /* has more to say than there is room for */
#define TAG_SILENT 0x13u  /* is left as it is */
#define TAG_EMPTY 0x14u   /* is answered by nothing, as QEMU does what it does not know */

struct component {
    int unused;
};
struct component component_self;

static char base; /* only its address matters */
static uint8_t page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint64_t now_ns;
static struct {
    uint32_t answer;  /* 0: none waits */
    uint32_t strange; /* answers to others that come first */
    uint32_t code;    /* of the response */
    uint64_t delay_ns, ready_ns;
    uint32_t asked;
    bool is_dumb, is_full;
} model = {.code = 0x80000000u};

uint64_t time_now_ns(void)
{
    return now_ns += 1000;
}

int device_claim_owned(const char *compatible, struct device *device, struct component *owner)
{
    (void)owner;
    cr_assert_str_eq(compatible, "brcm,bcm2835-mbox");
    device->base = &base;
    return 0;
}

int offer_add_owned(const char *kind, const char *name, const void *table, size_t size,
                    struct component *owner)
{
    (void)kind;
    (void)name;
    (void)table;
    (void)size;
    (void)owner;
    return 1;
}

void *page_allocate_owned(size_t count, struct component *owner)
{
    (void)owner;
    cr_assert_eq(count, 1);
    return page;
}

void page_free(void *pages)
{
    cr_assert_fail("%p was freed", pages);
}

static void answer_tag(uint32_t *tag)
{
    if (tag[0] == TAG_DOUBLES) {
        tag[3] *= 2;
        tag[2] = 0x80000004u;
    } else if (tag[0] == TAG_LONG) {
        tag[2] = 0x80000000u | (tag[1] + 4);
    } else if (tag[0] == TAG_EMPTY) {
        tag[2] = 0x80000000u;
    }
}

static void answer(uint32_t *message)
{
    uint32_t *end = message + message[0] / 4;
    cr_assert_eq(message[1], 0u);
    cr_assert_eq(end[-1], 0u, "the last tag is no end");
    for (uint32_t *tag = message + 2; *tag != 0; tag += 3 + tag[1] / 4) {
        cr_assert_lt(tag, end);
        cr_assert_eq(tag[2], 0u);
        answer_tag(tag);
    }
    message[1] = model.code;
}

uint32_t mmio_read32(const volatile void *at, size_t offset)
{
    cr_assert_eq(at, &base);
    if (offset == 0x38) {
        return model.is_full ? 1u << 31 : 0;
    }
    bool is_empty = model.strange == 0 && (model.answer == 0 || now_ns < model.ready_ns);
    if (offset == 0x18) {
        return is_empty ? 1u << 30 : 0;
    }
    cr_assert(offset == 0 && !is_empty, "an empty mailbox was read");
    if (model.strange > 0) {
        model.strange--;
        return 0x12340008u;
    }
    uint32_t value = model.answer;
    model.answer = 0;
    return value;
}

void mmio_write32(volatile void *at, size_t offset, uint32_t value)
{
    cr_assert(at == &base && offset == 0x20 && !model.is_full);
    cr_assert_eq(value, (0xc0000000u | (uint32_t)(uintptr_t)page) + 8);
    model.asked++;
    if (!model.is_dumb) {
        answer((uint32_t *)page);
        model.answer = value;
        model.ready_ns = now_ns + model.delay_ns;
    }
}

static void begin(void)
{
    cr_assert_gt(start(), 0);
}

Test(mailbox, gives_each_tag_its_answer)
{
    uint32_t tags[] = {TAG_DOUBLES, 4, 77, 21, TAG_DOUBLES, 8, 0, 5, 6};
    begin();
    cr_assert_eq(mailbox_call(tags, ARRAY_SIZE(tags)), 0);
    cr_expect_eq(tags[3], 42u);
    cr_expect_eq(tags[2], 4u);
    cr_expect_eq(tags[7], 10u);
    cr_expect_eq(tags[8], 6u);
}

Test(mailbox, says_so_when_a_tag_is_not_known)
{
    uint32_t silent[] = {TAG_DOUBLES, 4, 0, 1, TAG_SILENT, 4, 0, 9};
    uint32_t empty[] = {TAG_EMPTY, 4, 0, 9};
    begin();
    cr_expect_eq(mailbox_call(silent, ARRAY_SIZE(silent)), -EOPNOTSUPP);
    cr_expect_eq(silent[2], 4u, "the one before was answered");
    cr_expect_eq(mailbox_call(empty, ARRAY_SIZE(empty)), -EOPNOTSUPP);
}

Test(mailbox, a_tag_without_a_value_needs_no_length)
{
    uint32_t tags[] = {TAG_EMPTY, 0, 0};
    begin();
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), 0);
}

Test(mailbox, says_so_when_an_answer_is_too_long)
{
    uint32_t tags[] = {TAG_LONG, 4, 0, 1};
    begin();
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -EMSGSIZE);
    cr_expect_eq(tags[2], 4u);
}

Test(mailbox, says_so_when_the_message_is_not_understood)
{
    uint32_t tags[] = {TAG_DOUBLES, 4, 0, 1};
    begin();
    model.code = 0x80000001u;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -EIO);
    cr_expect_eq(tags[3], 1u);
}

Test(mailbox, refuses_what_is_no_row_of_tags)
{
    static uint32_t too_many[MAILBOX_WORDS_MAX + 1] = {TAG_DOUBLES, (MAILBOX_WORDS_MAX - 2) * 4};
    uint32_t rows[][4] = {
        {TAG_DOUBLES, 8, 0, 1},           /* its value runs over the end */
        {TAG_DOUBLES, 3, 0, 1},           /* no whole words */
        {0, 4, 0, 1},                     /* the end is not the caller's to set */
        {TAG_DOUBLES, 0, 0, TAG_DOUBLES}, /* half a tag behind */
        {TAG_DOUBLES, 0xfffffffcu, 0, 1},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_expect_eq(mailbox_call(rows[i], 4), -EINVAL, "row %u", i);
    }
    cr_expect_eq(mailbox_call(rows[0], 0), -EINVAL);
    cr_expect_eq(mailbox_call(too_many, ARRAY_SIZE(too_many)), -EINVAL);
    cr_expect_eq(model.asked, 0u);
}

Test(mailbox, passes_over_answers_to_others)
{
    uint32_t tags[] = {TAG_DOUBLES, 4, 0, 1};
    begin();
    model.strange = 3;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), 0);
    model.strange = 100000;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -EIO);
}

Test(mailbox, sends_nothing_while_an_answer_is_out)
{
    uint32_t tags[] = {TAG_DOUBLES, 4, 0, 1};
    begin();
    model.delay_ns = 3 * DEADLINE_NS;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -ETIMEDOUT);
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -EBUSY);
    cr_expect_eq(model.asked, 1u);
    now_ns += 5 * DEADLINE_NS;
    model.delay_ns = 0;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), 0);
    cr_expect_eq(tags[3], 2u);
}

Test(mailbox, gives_up_when_the_hardware_takes_nothing)
{
    uint32_t tags[] = {TAG_DOUBLES, 4, 0, 1};
    begin();
    model.is_full = true;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), -ETIMEDOUT);
    model.is_full = false;
    cr_expect_eq(mailbox_call(tags, ARRAY_SIZE(tags)), 0, "it never went out");
}

Test(mailbox, helpers_look_at_the_length)
{
    uint32_t value = 3;
    begin();
    cr_expect_eq(mailbox_ask(TAG_DOUBLES, &value, 1, 4), 0);
    cr_expect_eq(value, 6u);
    cr_expect_eq(mailbox_ask(TAG_DOUBLES, &value, 1, 8), -EPROTO);
    cr_expect_eq(value, 6u);
    cr_expect_eq(mailbox_ask(TAG_DOUBLES, &value, 4, 4), -EINVAL);
}
