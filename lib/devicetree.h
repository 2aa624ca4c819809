/* SPDX-License-Identifier: MIT */
/*
 * What a device tree says of its nodes, by the Devicetree Specification (release 0.4), to which the
 * section numbers here refer. The tree has passed fdt_check_full(): it is well formed, but what it
 * says may be anything. Nodes are libfdt's offsets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* More nodes no tree may have: a Raspberry Pi's has some 300. */
#define DEVICETREE_NODES_MAX 1024

/*
 * A tree, and where its nodes are. In a flattened tree a node is found by going through all before
 * it, and its parent likewise: done once, here.
 */
struct devicetree {
    const void *fdt;
    unsigned count;
    struct {
        int offset;
        uint16_t parent; /* its index; nodes[0], the root, has none */
        uint16_t depth;  /* of the root: 0 */
        bool is_device;  /* it has a compatible property (2.3.1) */
    } nodes[DEVICETREE_NODES_MAX];
};

/* Looks where the nodes are. -E2BIG: there are more than DEVICETREE_NODES_MAX. */
int devicetree_open(struct devicetree *tree, const void *fdt);

/* The first node behind `after` (-1: of all) that is compatible with a device. < 0: none. */
int devicetree_find_device(const struct devicetree *tree, int after, const char *compatible);

/* A number of `count` cells, 32 bits each, the most significant first; what exceeds 64 is lost. */
uint64_t devicetree_read_cells(const uint32_t *cells, int count);

/* A property of one or two cells; 0 if the node has none of that form. */
uint64_t devicetree_read_number(const void *fdt, int node, const char *property);

/*
 * Cell `index` of a property of a node, of a bus above it: "../NAME", "../../NAME", or of a node in
 * it: "NODE/NAME". -ENOENT: no such property or too short.
 */
int devicetree_read_u32(const struct devicetree *tree, int node, const char *property,
                        unsigned index, uint32_t *value);

/*
 * Row `index` of a node's reg property (2.3.6), an address on the node's own bus. -ENOENT: it has
 * no such row. -EINVAL: its bus has no addresses or sizes.
 */
int devicetree_read_reg(const struct devicetree *tree, int node, unsigned index, uint64_t *address,
                        uint64_t *size);

/*
 * Makes an address on a node's bus one as the CPU sees it: through the ranges of each parent
 * (2.3.8). -EINVAL: a bus does not pass it on, or has no proper cells.
 */
int devicetree_translate(const struct devicetree *tree, int node, uint64_t *address);

/*
 * The node's first interrupt, if it has the form of Arm's GIC (its binding: type 0 shared, 1
 * private; number; flags), as the GIC numbers them. -ENOENT: it has none of that form.
 */
int devicetree_read_gic_irq(const void *fdt, int node);

/* Whether its status (2.3.4) is good, or it has none. */
bool devicetree_is_okay(const void *fdt, int node);

/*
 * The node of the console: /chosen/stdout-path (3.6), an alias or a path, options after a colon.
 * < 0: none.
 */
int devicetree_find_console(const void *fdt);

/*
 * The console's baud rate: the number that begins the options of /chosen/stdout-path. -ENOENT: it
 * has none, or one beyond 32 bits.
 */
int devicetree_read_console_baud(const void *fdt, uint32_t *baud);
