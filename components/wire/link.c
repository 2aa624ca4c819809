/* SPDX-License-Identifier: MIT */
/*
 * The link layer and the messages, compiled into the component: so they are replaced with it, and
 * what runs them is never outside of what a drain looks at.
 */
#include <lib/cobs.c>
#include <lib/crc.c>
#include <lib/message.c>
#include <lib/wire.c>
