/* list.h - intrusive doubly linked list. A link that is in no list points to
 * itself or is zeroed; removing it twice does nothing. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

static inline void list_init(struct link *head)
{
    head->prev = head->next = head;
}

static inline bool list_empty(const struct link *head)
{
    return head->next == NULL || head->next == head;
}

static inline void list_insert_before(struct link *at, struct link *l)
{
    l->prev = at->prev;
    l->next = at;
    at->prev->next = l;
    at->prev = l;
}

/* At the tail. */
static inline void list_push(struct link *head, struct link *l)
{
    list_insert_before(head, l);
}

static inline void list_remove(struct link *l)
{
    if (l->next == NULL)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->prev = l->next = NULL;
}

static inline struct link *list_first(struct link *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct link *list_pop(struct link *head)
{
    struct link *l = list_first(head);

    if (l != NULL)
        list_remove(l);
    return l;
}

/* Walk; the current link may be removed inside the body. */
#define list_each(head, l, tmp)                                    \
    for (struct link *l = (head)->next, *tmp = l ? l->next : NULL; \
         l != NULL && l != (head); l = tmp, tmp = l->next)

#endif
