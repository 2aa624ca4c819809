/* SPDX-License-Identifier: MIT */
/* Pins for persons: the command, and who has claimed what. Inside the component only. */
#pragma once

#include <interface/command.h>
#include <interface/gpio.h>

/* Copies the claim of a pin. 0; -ENOENT: nobody has it. Context: any. */
int pins_find_claim(unsigned pin, struct offer *offer);

/* How often something was detected on a pin. Context: any. */
uint32_t pins_count_detections(unsigned pin);

/* gpio; gpio PIN; gpio PIN in|out|alt0..alt5|none|up|down|high|low|rising|falling|both|off */
int pins_run_command(int count, char *const words[], struct command_output *output);
