/* SPDX-License-Identifier: MIT */
/*
 * What a device tree says of its nodes, by the Devicetree Specification (release 0.4), to which the
 * section numbers here refer. The tree has passed fdt_check_full(): it is well formed, but what it
 * says may be anything. Nodes are libfdt's offsets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A number of `count` cells, 32 bits each, the most significant first; what exceeds 64 is lost. */
uint64_t devicetree_read_cells(const uint32_t *cells, int count);

/* A property of one or two cells; 0 if the node has none of that form. */
uint64_t devicetree_read_number(const void *tree, int node, const char *property);

/*
 * Cell `index` of a property of a node, or of a bus above it: "../NAME", "../../NAME". -ENOENT: no
 * such property or too short.
 */
int devicetree_read_u32(const void *tree, int node, const char *property, unsigned index,
                        uint32_t *value);

/*
 * Row `index` of a node's reg property (2.3.6), an address on the node's own bus. -ENOENT: it has
 * no such row. -EINVAL: its bus has no addresses or sizes.
 */
int devicetree_read_reg(const void *tree, int node, unsigned index, uint64_t *address,
                        uint64_t *size);

/*
 * Makes an address on a node's bus one as the CPU sees it: through the ranges of each parent
 * (2.3.8). -EINVAL: a bus does not pass it on, or has no proper cells.
 */
int devicetree_translate(const void *tree, int node, uint64_t *address);

/*
 * The node's first interrupt, if it has the form of Arm's GIC (its binding: type 0 shared, 1
 * private; number; flags), as the GIC numbers them. -ENOENT: it has none of that form.
 */
int devicetree_read_gic_irq(const void *tree, int node);

/* Whether its status (2.3.4) is good, or it has none. */
bool devicetree_is_okay(const void *tree, int node);

/*
 * The node of the console: /chosen/stdout-path (3.6), an alias or a path, options after a colon.
 * < 0: none.
 */
int devicetree_find_console(const void *tree);

/*
 * The console's baud rate: the number that begins the options of /chosen/stdout-path. -ENOENT: it
 * has none, or one beyond 32 bits.
 */
int devicetree_read_console_baud(const void *tree, uint32_t *baud);
