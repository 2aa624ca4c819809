/* SPDX-License-Identifier: MIT */
/* Measuring, in machines whose time goes by instructions: see docs/performance.md. */
#pragma once

#include "figures.h"

/* Measures everything, in the order in which it is shown. Takes a minute or two. */
int measure_all(struct figures *figures, struct why *why);
