#include "sched.h"

#include <stdlib.h>

#include "base/mem.h"

void sched_init(struct sched *s)
{
    *s = (struct sched){.now = 0};
}

void sched_release(struct sched *s)
{
    for (int i = 0; i < s->len; i++) {
        if (s->heap[i].drop != NULL)
            s->heap[i].drop(s->heap[i].arg);
    }
    free(s->heap);
    *s = (struct sched){.now = s->now};
}

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sched_put_off(struct sched *s, const struct event *e)
{
    struct event made = *e;
    int i = s->len++;

    if (s->len > s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 1024;
        s->heap = mem_grow(s->heap, (size_t)s->cap, sizeof(*s->heap));
    }
    if (made.at < s->now)
        made.at = s->now;
    while (i > 0 && earlier(&made, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = made;
}

void sched_add(struct sched *s, const struct event *e)
{
    struct event made = *e;

    made.order = ++s->order;
    sched_put_off(s, &made);
}

bool sched_next(struct sched *s, struct event *e)
{
    struct event last;
    int i = 0, child;

    if (s->len == 0)
        return false;
    *e = s->heap[0];
    last = s->heap[--s->len];
    while ((child = 2 * i + 1) < s->len) {
        if (child + 1 < s->len && earlier(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!earlier(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    if (s->len > 0)
        s->heap[i] = last;
    s->now = e->at;
    return true;
}
