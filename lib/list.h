/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked circular lists whose nodes are members of the objects they link.
 * No locking: the owner of the list says what guards it.
 */
#pragma once

#include <stdbool.h>

#include "macros.h"

struct list {
    struct list *next, *previous;
};

static inline void list_init(struct list *head)
{
    head->next = head;
    head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Inserts node before position: at the end of the list when position is its head. */
static inline void list_insert_before(struct list *position, struct list *node)
{
    node->previous = position->previous;
    node->next = position;
    position->previous->next = node;
    position->previous = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

/* Takes node out and leaves it as an empty list, so that removing it again does no harm. */
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* First object of a list, or NULL. */
#define list_first(head, type, member)                                                             \
    (list_is_empty(head) ? (type *)NULL : container_of((head)->next, type, member))

#define list_for_each(object, head, member)                                                        \
    for (object = container_of((head)->next, typeof(*object), member); &object->member != (head);  \
         object = container_of(object->member.next, typeof(*object), member))

/* The same from the last to the first. */
#define list_for_each_back(object, head, member)                                                   \
    for (object = container_of((head)->previous, typeof(*object), member);                         \
         &object->member != (head);                                                                \
         object = container_of(object->member.previous, typeof(*object), member))

/* As list_for_each, and the body may remove the object it is given. */
#define list_for_each_safe(object, following, head, member)                                        \
    for (object = container_of((head)->next, typeof(*object), member),                             \
        following = container_of(object->member.next, typeof(*object), member);                    \
         &object->member != (head); object = following,                                            \
        following = container_of(following->member.next, typeof(*object), member))
