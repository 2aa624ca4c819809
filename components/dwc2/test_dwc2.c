/* SPDX-License-Identifier: MIT */
/*
 * The driver against a model of the core's registers, with one device behind its port: what it is
 * asked it answers by a script, at once when a channel is enabled, as QEMU's does, or never.
 */
#include <criterion/criterion.h>

#define close dwc2_test_close
#define component_self dwc2_test_self
#define device_claim_owned dwc2_test_device_claim
#define event_init_owned dwc2_test_event_init
#define event_signal dwc2_test_event_signal
#define irq_request_owned dwc2_test_irq_request
#define mmio_read32 dwc2_test_mmio_read32
#define mmio_write32 dwc2_test_mmio_write32
#define offer_add_owned dwc2_test_offer_add
#define open dwc2_test_open
#define page_allocate_owned dwc2_test_page_allocate
#define page_free dwc2_test_page_free
#define time_now_ns dwc2_test_time_now_ns
#define worker_start_owned dwc2_test_worker_start

#include "core.c"
#include "dwc2.c"
#include "transfer.c"

#include "test_model.h"

static void switch_on(void)
{
    *at(GSNPSID) = 0x4f54280a;
    *at(GHWCFG2) = 7u << 14 | 2u << 3;
    cr_assert_eq(start(), 0);
    pass(1);
}

static void begin_enabled(void)
{
    switch_on();
    plug_in();
    cr_assert_eq(ops.reset_port(0), 0);
    pass(70);
}

static const struct usb_pipe control = {
    .address = 5, .speed = USB_SPEED_FULL, .packet_bytes = PACKET};
static const struct usb_pipe interrupt = {.address = 5,
                                          .endpoint = 1,
                                          .speed = USB_SPEED_FULL,
                                          .interval_ms = 10,
                                          .packet_bytes = PACKET};

static struct usb_setup reading(uint16_t length)
{
    return (struct usb_setup){.type = 0x80, .request = 6, .value = 0x100, .length = length};
}

static int ask(uint16_t length)
{
    struct usb_setup setup = reading(length);
    int ticket = ops.submit(0, &control, &setup, NULL);
    cr_assert_gt(ticket, 0);
    return ticket;
}

Test(dwc2, becomes_a_host_at_full_speed_with_power_on_its_port)
{
    switch_on();
    cr_expect(read_model(HCFG) & HCFG_FULL_SPEED);
    cr_expect(read_model(HPRT0) & HPRT0_POWER);
    cr_expect_eq(read_model(GAHBCFG), 0x31u);
    uint32_t transmit = read_model(GNPTXFSIZ), periodic = read_model(HPTXFSIZ);
    cr_expect_eq(transmit & 0xffff, read_model(GRXFSIZ), "FIFOs side by side");
    cr_expect_eq(periodic & 0xffff, (transmit & 0xffff) + (transmit >> 16));
    cr_expect_leq((periodic & 0xffff) + (periodic >> 16), 4080u);
    cr_expect_eq(health(), 0);
}

Test(dwc2, stays_without_a_core_and_offers_nothing)
{
    *at(GSNPSID) = 0;
    cr_expect_eq(start(), 0);
    cr_expect_null(ops.submit);
    cr_expect_eq(step(NULL), -EAGAIN);
    *at(GSNPSID) = 0x4f54280a; /* of slave mode alone */
    cr_expect_eq(start(), 0);
    cr_expect_null(ops.submit);
}

Test(dwc2, tells_of_its_port)
{
    struct usb_port port;
    switch_on();
    cr_expect_eq(ops.reset_port(0), -ENODEV);
    struct usb_setup setup = reading(8);
    cr_expect_eq(ops.submit(0, &control, &setup, NULL), -ENODEV);
    plug_in();
    cr_assert_eq(ops.read_port(0, &port), 0);
    cr_expect(port.is_connected && !port.is_enabled && port.connections == 1);
    cr_assert_eq(ops.reset_port(0), 0);
    pass(40);
    cr_assert_eq(ops.read_port(0, &port), 0);
    cr_expect(port.is_resetting && !port.is_enabled, "50 ms at least");
    uint32_t signals = state.changed.signals;
    pass(30);
    cr_assert_eq(ops.read_port(0, &port), 0);
    cr_expect(port.is_enabled && !port.is_resetting && port.speed == USB_SPEED_FULL);
    cr_expect_gt(state.changed.signals, signals);
    pull_out();
    plug_in();
    cr_assert_eq(ops.read_port(0, &port), 0);
    cr_expect_eq(port.connections, 2u);
    cr_expect_not(port.is_enabled);
}

Test(dwc2, a_control_transfer_has_three_stages)
{
    uint8_t data[32] = {0};
    begin_enabled();
    for (unsigned i = 0; i < 18; i++) {
        device.answer[i] = (uint8_t)(i + 1);
    }
    device.answer_bytes = 18;
    int ticket = ask(18);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), -EAGAIN);
    pass(1);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), 18);
    cr_expect_arr_eq(data, device.answer, 18);
    cr_expect_eq(data[18], 0);
    cr_expect_eq(device.questions, 3u);
    cr_expect_eq(device.setup[1], 6);
    cr_expect(device.pids[0] == PID_SETUP && device.pids[1] == PID_DATA1);
    cr_expect_eq(device.pids[2], PID_DATA1);
    cr_expect_not(device.character & HCCHAR_IN, "the status goes against the data");
    cr_expect_eq(device.character >> 22 & 0x7f, 5u);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), -ENOENT, "only once");
}

Test(dwc2, more_than_was_asked_for_is_cut_off)
{
    uint8_t data[64] = {0};
    begin_enabled();
    memset(device.answer, 7, sizeof(device.answer));
    device.answer_bytes = 24;
    int ticket = ask(18);
    pass(1);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), 18);
    cr_expect_eq(data[18], 0);
    ticket = ask(18);
    pass(1);
    memset(data, 0, sizeof(data));
    cr_expect_eq(ops.collect(0, ticket, data, 4), 18);
    cr_expect(data[3] == 7 && data[4] == 0, "no more than there is room for");
}

Test(dwc2, data_goes_out_too)
{
    static const uint8_t leds[2] = {0x5a, 0xa5};
    struct usb_setup setup = {.type = 0x21, .request = 9, .length = 2};
    begin_enabled();
    int ticket = ops.submit(0, &control, &setup, leds);
    cr_assert_gt(ticket, 0);
    pass(1);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), 2);
    cr_expect_arr_eq(device.written, leds, 2);
    cr_expect(device.character & HCCHAR_IN);
    cr_expect_eq(ops.submit(0, &control, &setup, NULL), -EINVAL);
}

Test(dwc2, a_stall_is_told_at_once)
{
    begin_enabled();
    device.behaviour = STALLS;
    device.times = 1;
    int ticket = ask(8);
    pass(1);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -EPIPE);
    cr_expect_eq(device.questions, 1u);
}

Test(dwc2, errors_of_the_wire_begin_it_anew_but_not_for_ever)
{
    begin_enabled();
    device.behaviour = FAILS;
    device.times = 2;
    int ticket = ask(8);
    pass(10);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), 0);
    device.times = 100;
    ticket = ask(8);
    pass(10);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -EIO);
    cr_expect_eq(device.times, 97u);
}

Test(dwc2, a_silent_device_takes_no_longer_than_the_specification_allows)
{
    begin_enabled();
    device.behaviour = IS_SILENT;
    int ticket = ask(8);
    pass(4990);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -EAGAIN);
    pass(50);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -ETIMEDOUT);
    device.is_unstoppable = true;
    ticket = ask(8);
    pass(5100);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -ETIMEDOUT, "nor does a channel that hangs");
}

Test(dwc2, an_interrupt_endpoint_is_asked_at_its_interval)
{
    uint8_t data[8];
    begin_enabled();
    device.behaviour = SAYS_NAK;
    device.times = 5;
    int ticket = ops.open(0, &interrupt);
    cr_assert_gt(ticket, 0);
    pass(45);
    cr_expect_eq(device.questions, 5u);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), -EAGAIN);
    device.answer[0] = 42;
    device.answer_bytes = 8;
    pass(10);
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), 8);
    cr_expect_eq(data[0], 42);
    pass(10);
    cr_expect(device.pids[5] == PID_DATA0 && device.pids[6] == PID_DATA1, "its toggle");
    cr_expect_eq(device.pids[4], PID_DATA0, "a NAK does not change it");
}

Test(dwc2, packets_that_nobody_takes_are_kept_and_no_more_asked_for)
{
    uint8_t data[8];
    begin_enabled();
    device.answer_bytes = 8;
    int ticket = ops.open(0, &interrupt);
    device.is_counting = true;
    pass(300);
    cr_expect_eq(device.questions, DWC2_REPORTS);
    for (unsigned i = 0; i < DWC2_REPORTS; i++) {
        cr_assert_eq(ops.collect(0, ticket, data, sizeof(data)), 8);
        cr_expect_eq(data[0], i + 1);
    }
    cr_expect_eq(ops.collect(0, ticket, data, sizeof(data)), -EAGAIN);
    pass(1);
    cr_expect_eq(device.questions, DWC2_REPORTS + 1, "at once, when there is room");
}

Test(dwc2, an_endpoint_that_is_gone_is_told_as_an_error)
{
    begin_enabled();
    device.behaviour = FAILS;
    device.times = 1000;
    int ticket = ops.open(0, &interrupt);
    pass(100);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -EIO);
    cr_expect_eq(device.questions, 3u);
    cr_expect_eq(ops.close(0, ticket), 0);
    cr_expect_eq(ops.close(0, ticket), -ENOENT);
}

Test(dwc2, what_is_closed_frees_its_channel)
{
    begin_enabled();
    device.behaviour = IS_SILENT;
    int ticket = ask(8);
    pass(1);
    cr_expect_eq(state.transfers.list[0].phase, DWC2_RUNNING);
    cr_expect_eq(ops.close(0, ticket), 0);
    cr_expect_eq(ops.collect(0, ticket, NULL, 0), -ENOENT);
    pass(1);
    cr_expect_eq(state.transfers.list[0].phase, DWC2_FREE);
    device.is_unstoppable = true;
    ticket = ask(8);
    pass(1);
    cr_expect_eq(ops.close(0, ticket), 0);
    pass(5);
    cr_expect_neq(state.transfers.list[0].phase, DWC2_FREE, "its channel may still write");
    pass(20);
    cr_expect_eq(state.transfers.list[0].phase, DWC2_FREE);
}

Test(dwc2, pulling_the_plug_cuts_off_all)
{
    begin_enabled();
    device.behaviour = IS_SILENT;
    int tickets[3] = {ask(8), ops.open(0, &interrupt), ask(18)};
    pass(1);
    uint32_t signals = state.changed.signals;
    pull_out();
    pass(1);
    cr_expect_gt(state.changed.signals, signals);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(ops.collect(0, tickets[i], NULL, 0), -ENOENT);
    }
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        cr_expect_eq(state.transfers.list[i].phase, DWC2_FREE);
    }
}

Test(dwc2, more_transfers_than_channels_take_turns)
{
    int tickets[DWC2_TRANSFERS];
    begin_enabled();
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        tickets[i] = ask(0);
    }
    struct usb_setup setup = reading(8);
    cr_expect_eq(ops.submit(0, &control, &setup, NULL), -EAGAIN);
    cr_expect_eq(ops.open(0, &interrupt), -EAGAIN);
    pass(20);
    for (unsigned i = 0; i < DWC2_TRANSFERS; i++) {
        cr_expect_eq(ops.collect(0, tickets[i], NULL, 0), 0);
    }
}

Test(dwc2, low_speed_is_said_to_the_channel)
{
    struct usb_pipe slow = control;
    struct usb_setup setup = reading(8);
    slow.speed = USB_SPEED_LOW;
    begin_enabled();
    cr_assert_gt(ops.submit(0, &slow, &setup, NULL), 0);
    pass(1);
    cr_expect(device.character & HCCHAR_LOW_SPEED);
}

Test(dwc2, refuses_pipes_that_cannot_be)
{
    struct usb_setup setup = reading(8), huge = reading(USB_CONTROL_BYTES + 1);
    begin_enabled();
    struct usb_pipe wrong[] = {control, control, control, control, control, control};
    wrong[0].address = 128;
    wrong[1].endpoint = 16;
    wrong[2].speed = 3;
    wrong[3].packet_bytes = 0;
    wrong[4].packet_bytes = 65;
    wrong[5].packet_bytes = 24;
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        cr_expect_eq(ops.submit(0, &wrong[i], &setup, NULL), -EINVAL, "%u", i);
    }
    cr_expect_eq(ops.submit(0, &control, &huge, NULL), -EINVAL);
    cr_expect_eq(ops.open(0, &control), -EINVAL, "endpoint 0");
    cr_expect_eq(ops.collect(0, 0, NULL, 0), -ENOENT);
    cr_expect_eq(ops.collect(0, -5, NULL, 0), -ENOENT);
    cr_expect_eq(ops.collect(0, 12345, NULL, 0), -ENOENT);
}

Test(dwc2, stop_leaves_no_bus_master_behind)
{
    begin_enabled();
    device.behaviour = IS_SILENT;
    (void)ask(8);
    pass(1);
    stop();
    cr_expect_eq(read_model(GAHBCFG), 0u);
    cr_expect_eq(read_model(GINTMSK), 0u);
    for (unsigned i = 0; i < 8; i++) {
        cr_expect_not(read_model(HCCHAR(i)) & HCCHAR_ENABLE);
    }
    struct usb_setup setup = reading(8);
    cr_expect_eq(ops.submit(0, &control, &setup, NULL), -ENODEV);
}
