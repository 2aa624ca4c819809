/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists that end in NULL at both ends; their nodes are members of the objects.
 *
 * Unlike those of list.h, a zeroed head is empty, and no node points at its head: so a head that
 * lies in a component's state can be moved to another place by copying it. No locking: the owner
 * of the chain says what guards it. A node is in one chain at most; nothing marks those in none.
 */
#pragma once

#include <lib/list.h>
#include <neurath/compiler.h>

struct chain {
    struct list *first, *last; /* both NULL: empty */
};

static inline bool chain_is_empty(const struct chain *chain)
{
    return !chain->first;
}

/* Inserts node before position; NULL: at the end. */
static inline void chain_insert_before(struct chain *chain, struct list *position,
                                       struct list *node)
{
    struct list *previous = position ? position->previous : chain->last;
    node->previous = previous;
    node->next = position;
    *(previous ? &previous->next : &chain->first) = node;
    *(position ? &position->previous : &chain->last) = node;
}

static inline void chain_append(struct chain *chain, struct list *node)
{
    chain_insert_before(chain, NULL, node);
}

/* Takes out a node, which must be in this chain. */
static inline void chain_remove(struct chain *chain, struct list *node)
{
    *(node->previous ? &node->previous->next : &chain->first) = node->next;
    *(node->next ? &node->next->previous : &chain->last) = node->previous;
    node->next = NULL;
    node->previous = NULL;
}

/* The object of a node that may be NULL: then NULL. */
#define chain_object(node, type, member) ((node) ? container_of(node, type, member) : (type *)NULL)

/* First object of a chain, or NULL; the one behind an object, or NULL. */
#define chain_first(chain, type, member) chain_object((chain)->first, type, member)
#define chain_next(object, member) chain_object((object)->member.next, typeof(*(object)), member)

/* `object` is NULL when the loop has ended by itself. The body must not remove it. */
#define chain_for_each(object, chain, member)                                                      \
    for (object = chain_first(chain, typeof(*object), member); object;                             \
         object = chain_next(object, member))
