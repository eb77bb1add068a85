#include "base/timer.h"

#include <stddef.h>

#define BITS 6 /* of WHEEL_SLOTS */
#define RANGE_BITS (BITS * WHEEL_LEVELS)

/* A timer's level is the highest 6-bit digit in which its due time and now
 * differ. So all timers of one due time are always in one list, in order of
 * setting: a slot is spread over the finer levels, which are empty then, at
 * the moment when now enters it. */

static unsigned digit(int64_t t, int level)
{
    return (unsigned)((uint64_t)t >> (BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_init(struct wheel *w, int64_t now, void *ctx)
{
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        w->used[level] = 0;
        for (int i = 0; i < WHEEL_SLOTS; i++)
            list_init(&w->slots[level][i]);
    }
    list_init(&w->past);
    list_init(&w->far);
    w->now = now;
    w->ctx = ctx;
}

void timer_init(struct timer *t, timer_fn *fn)
{
    *t = (struct timer){.fn = fn};
}

bool timer_is_set(const struct timer *t)
{
    return t->link.next != NULL;
}

static void place(struct wheel *w, struct timer *t)
{
    uint64_t apart = (uint64_t)t->due ^ (uint64_t)w->now;
    int level = apart == 0 ? 0 : (63 - __builtin_clzll(apart)) / BITS;
    unsigned slot = digit(t->due, level);

    if (level >= WHEEL_LEVELS) {
        list_push(&w->far, &t->link);
        return;
    }
    list_push(&w->slots[level][slot], &t->link);
    w->used[level] |= UINT64_C(1) << slot;
}

void timer_cancel(struct wheel *w, struct timer *t)
{
    const struct link *head = t->link.next;
    ptrdiff_t at;

    if (head != NULL && head == t->link.prev) { /* alone in its list */
        at = head - &w->slots[0][0];
        if (at >= 0 && at < WHEEL_LEVELS * WHEEL_SLOTS)
            w->used[at / WHEEL_SLOTS] &= ~(UINT64_C(1) << at % WHEEL_SLOTS);
    }
    list_remove(&t->link);
}

void timer_set(struct wheel *w, struct timer *t, int64_t due)
{
    timer_cancel(w, t);
    t->due = due;
    if (due <= w->now)
        list_push(&w->past, &t->link);
    else
        place(w, t);
}

static void move_all(struct link *from, struct link *to)
{
    struct link *l;

    list_init(to);
    while ((l = list_pop(from)) != NULL)
        list_push(to, l);
}

static void run(struct wheel *w, struct link *list)
{
    struct link *l;
    struct timer *t;

    while ((l = list_pop(list)) != NULL) {
        t = (struct timer *)((char *)l - offsetof(struct timer, link));
        t->fn(t, w->ctx);
    }
}

/* Put the timers of a list where they belong as seen from the present now. */
static void spread(struct wheel *w, struct link *list)
{
    struct link all, *l;

    move_all(list, &all);
    while ((l = list_pop(&all)) != NULL)
        place(w, (struct timer *)((char *)l - offsetof(struct timer, link)));
}

/* When now reaches the returned time, slot *slot of *level has to be run (level
 * 0) or spread; *level is WHEEL_LEVELS for the far list. */
static int64_t next_event(const struct wheel *w, int *level, unsigned *slot)
{
    uint64_t ahead, block;

    for (*level = 0; *level < WHEEL_LEVELS; ++*level) {
        ahead = w->used[*level] & (UINT64_MAX << digit(w->now, *level));
        if (ahead == 0)
            continue;
        *slot = (unsigned)__builtin_ctzll(ahead);
        block = (uint64_t)w->now >> (BITS * (*level + 1))
                                        << (BITS * (*level + 1));
        return (int64_t)(block | (uint64_t)*slot << (BITS * *level));
    }
    if (list_empty(&w->far))
        return INT64_MAX;
    return (int64_t)((((uint64_t)w->now >> RANGE_BITS) + 1) << RANGE_BITS);
}

void wheel_advance(struct wheel *w, int64_t now)
{
    struct link past;
    int64_t at;
    int level;
    unsigned slot;

    move_all(&w->past, &past);
    run(w, &past);
    while (w->now <= now) {
        at = next_event(w, &level, &slot);
        if (at > now || at == INT64_MAX)
            break;
        w->now = at;
        if (level == WHEEL_LEVELS) {
            spread(w, &w->far);
            continue;
        }
        w->used[level] &= ~(UINT64_C(1) << slot);
        if (level == 0)
            run(w, &w->slots[0][slot]);
        else
            spread(w, &w->slots[level][slot]);
    }
    if (w->now < now)
        w->now = now;
}

int64_t wheel_next(const struct wheel *w)
{
    unsigned slot;
    int level;

    if (!list_empty(&w->past))
        return w->now;
    return next_event(w, &level, &slot);
}
