/* SPDX-License-Identifier: MIT */
/*
 * Included by all of U-Boot, before anything else: what no Kconfig option of it sets.
 *
 * The variables that U-Boot takes from the environment on the card, all else being as it is built
 * in: text (s) or decimal (d), and "w": writeable from outside. boot/boot.env says what they mean.
 */
#pragma once

#define CONFIG_ENV_FLAGS_LIST_STATIC                                                               \
    "slot:sw,upgrade_available:dw,bootcount:dw,failed_slot:sw,failed_why:sw"
#define CFG_ENV_FLAGS_LIST_STATIC CONFIG_ENV_FLAGS_LIST_STATIC /* as versions from 2023.04 say */
