/* local.c - presence in one process: a table in shards, each under a mutex.
 *
 * A row of 16 bytes says when a user last beat on a node. Time to live is kept
 * by a calendar with a page for each quarter second: a user with a living row
 * stands on exactly one page, and is looked at only when that page comes up; if
 * it beat meanwhile it moves to the page where it would end now (a lazy timing
 * wheel: Varghese, Lauck 1987). So a beat costs one look-up, and a page costs
 * what stands on it. About 35 bytes a user altogether. */
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/table.h"
#include "presence/presence_backend.h"

#define SHARDS 64
#define PAGE_MS 250
#define PAGES 256 /* a longer time to live is looked at in between */
#define CHUNK 14  /* users; a chunk is 128 bytes */
#define TICK 32   /* ms of mono time in a unit of `beat` */
#define OFF_KEPT (3600 * 1000 / TICK) /* how long "last seen" is known */
#define DROP_PAUSE (60 * 1000 / TICK)

enum row_flag {
    ROW_AWAY = 1,
    ROW_OFF = 2,       /* the user's only row: when it was last seen */
    ROW_SCHEDULED = 4, /* the user stands in the calendar: one row has it */
};

struct row {
    uint64_t user;
    uint32_t beat; /* in TICKs since the start */
    uint16_t node;
    uint16_t flags;
};

struct chunk {
    struct chunk *next;
    uint64_t count;
    uint64_t users[CHUNK];
};

struct shard {
    pthread_mutex_t lock;
    struct table rows;
    struct chunk *pages[PAGES];
    int64_t page;     /* every page up to it has come up */
    uint32_t dropped; /* when drop_old() ran */
};

struct local {
    struct shard shards[SHARDS];
    int64_t start; /* mono ms */
};

static struct shard *shard_of(struct presence *p, uint64_t user)
{
    struct local *l = p->priv;

    return &l->shards[(user ^ user >> 8 ^ user >> 22) % SHARDS];
}

/* Units since the start; from 1, so that a beat is never 0. */
static uint32_t unit_now(const struct presence *p)
{
    const struct local *l = p->priv;

    return (uint32_t)((clock_mono(p->clock) - l->start) / TICK) + 1;
}

static int64_t page_now(const struct presence *p)
{
    const struct local *l = p->priv;

    return (clock_mono(p->clock) - l->start) / PAGE_MS;
}

/* Is the row's time over? Exactly ttl after the beat it still lives. */
static bool ended(const struct presence *p, const struct row *r)
{
    return (r->flags & ROW_OFF) != 0 ||
           (int64_t)(unit_now(p) - r->beat) * TICK > p->ttl_ms;
}

/* ---- the calendar ---- */

static void calendar_add(struct shard *s, int64_t number, uint64_t user)
{
    struct chunk **page;

    if (number <= s->page)
        number = s->page + 1;
    if (number >= s->page + PAGES)
        number = s->page + PAGES - 1;
    page = &s->pages[number % PAGES];
    if (*page == NULL || (*page)->count == CHUNK) {
        struct chunk *c = mem_alloc(sizeof(*c));

        c->next = *page;
        *page = c;
    }
    (*page)->users[(*page)->count++] = user;
}

/* The page on which a row that beat in unit `beat` ends. */
static int64_t end_page(const struct presence *p, uint32_t beat)
{
    return ((int64_t)beat * TICK + p->ttl_ms) / PAGE_MS + 1;
}

/* ---- rows of a user, under the shard's lock ---- */

static struct row *row_of(const struct shard *s, uint64_t user, int node)
{
    struct row *r = table_first(&s->rows, user);

    while (r != NULL && (r->node != node || (r->flags & ROW_OFF) != 0))
        r = table_next(&s->rows, r);
    return r;
}

/* The living row with the last beat; NULL: the user is off. */
static struct row *last_row(const struct presence *p, const struct shard *s,
                            uint64_t user)
{
    struct row *r = table_first(&s->rows, user), *best = NULL;

    for (; r != NULL; r = table_next(&s->rows, r)) {
        if (!ended(p, r) && (best == NULL || r->beat > best->beat))
            best = r;
    }
    return best;
}

static struct presence_news news_of(const struct presence *p,
                                    const struct shard *s, uint64_t user)
{
    struct row *r = last_row(p, s, user);
    struct presence_news n = {.user = user, .state = PRESENCE_OFF};

    if (r != NULL)
        n.state = (r->flags & ROW_AWAY) != 0 ? PRESENCE_AWAY : PRESENCE_ON;
    else
        r = table_first(&s->rows, user);
    if (r != NULL)
        n.last = clock_wall(p->clock) - (int64_t)(unit_now(p) - r->beat) * TICK;
    return n;
}

/* "Last seen" of long ago is worth less than the memory. */
static void drop_old(const struct presence *p, struct shard *s)
{
    uint32_t now = unit_now(p);

    if (now - s->dropped < DROP_PAUSE)
        return;
    s->dropped = now;
    for (uint32_t i = 0; i < s->rows.cap;) {
        struct row *r = table_at(&s->rows, i);

        if (r != NULL && r->flags == ROW_OFF && now - r->beat > OFF_KEPT)
            table_remove(&s->rows, r);
        else
            i++;
    }
}

static void row_remove(struct shard *s, struct row *r)
{
    uint64_t user = r->user;
    uint16_t scheduled = r->flags & ROW_SCHEDULED;

    table_remove(&s->rows, r);
    r = table_first(&s->rows, user);
    if (r != NULL)
        r->flags |= scheduled;
}

/* Take out the rows that live no more, all but the last one, which becomes
 * the memory of when the user was seen. */
static void rows_end(const struct presence *p, struct shard *s, uint64_t user)
{
    struct row *r = table_first(&s->rows, user);

    while (r != NULL) {
        struct row *other = table_next(&s->rows, r);
        bool alone = other == NULL && table_first(&s->rows, user) == r;

        if (!ended(p, r)) {
            r = other;
        } else if (alone) {
            r->flags = (r->flags & ROW_SCHEDULED) | ROW_OFF;
            return;
        } else {
            row_remove(s, r);
            r = table_first(&s->rows, user);
        }
    }
}

static struct row *row_for_beat(const struct presence *p, struct shard *s,
                                uint64_t user, int node)
{
    struct row *r = row_of(s, user, node);

    if (r == NULL) {
        r = table_first(&s->rows, user);
        if (r != NULL && (r->flags & ROW_OFF) == 0)
            r = NULL;
    }
    if (r == NULL) {
        if (table_full(&s->rows))
            drop_old(p, s);
        r = table_add(&s->rows, user);
    }
    r->node = (uint16_t)node;
    return r;
}

static bool is_scheduled(const struct shard *s, uint64_t user)
{
    struct row *r = table_first(&s->rows, user);

    for (; r != NULL; r = table_next(&s->rows, r)) {
        if ((r->flags & ROW_SCHEDULED) != 0)
            return true;
    }
    return false;
}

static void schedule(const struct presence *p, struct shard *s, struct row *r)
{
    if (is_scheduled(s, r->user))
        return;
    r->flags |= ROW_SCHEDULED;
    calendar_add(s, end_page(p, r->beat), r->user);
}

/* ---- the backend's functions ---- */

static void local_beat(struct presence_port *port, uint64_t user, bool act)
{
    struct presence *p = port->presence;
    struct shard *s = shard_of(p, user);
    struct presence_news before, now;
    struct row *r;

    pthread_mutex_lock(&s->lock);
    before = news_of(p, s, user);
    r = row_for_beat(p, s, user, port->node);
    r->beat = unit_now(p);
    r->flags = (r->flags & ROW_SCHEDULED) | (act ? 0 : ROW_AWAY);
    schedule(p, s, r);
    now = (struct presence_news){
        .user = user,
        .last = clock_wall(p->clock),
        .state = act ? PRESENCE_ON : PRESENCE_AWAY,
    };
    if (before.state != now.state)
        presence_tell(p, &now);
    pthread_mutex_unlock(&s->lock);
}

/* The user's row of this node becomes the memory of a beat unless another
 * node still has one. */
static void leave_node(struct presence *p, struct shard *s, struct row *r)
{
    uint64_t user = r->user;

    if (table_next(&s->rows, r) != NULL || table_first(&s->rows, user) != r) {
        row_remove(s, r);
        rows_end(p, s, user);
        return;
    }
    r->flags = (r->flags & ROW_SCHEDULED) | ROW_OFF;
    r->beat = unit_now(p);
}

static void local_leave(struct presence_port *port, uint64_t user)
{
    struct presence *p = port->presence;
    struct shard *s = shard_of(p, user);
    struct presence_news before, now;
    struct row *r;

    pthread_mutex_lock(&s->lock);
    before = news_of(p, s, user);
    r = row_of(s, user, port->node);
    if (r != NULL)
        leave_node(p, s, r);
    now = news_of(p, s, user);
    if (before.state != now.state)
        presence_tell(p, &now);
    pthread_mutex_unlock(&s->lock);
}

static void local_watch(struct presence_port *port, uint64_t user)
{
    struct shard *s = shard_of(port->presence, user);
    struct presence_news now;

    pthread_mutex_lock(&s->lock);
    now = news_of(port->presence, s, user);
    presence_watch_add(port, user);
    presence_answer(port, &now);
    pthread_mutex_unlock(&s->lock);
}

/* The user's page has come up. */
static void look_at(struct presence *p, struct shard *s, uint64_t user)
{
    struct row *r = table_first(&s->rows, user);
    struct presence_news now;
    bool was_off = r == NULL || (r->flags & ROW_OFF) != 0;

    for (; r != NULL; r = table_next(&s->rows, r))
        r->flags &= (uint16_t)~ROW_SCHEDULED;
    if (was_off)
        return;
    r = last_row(p, s, user);
    if (r != NULL) {
        schedule(p, s, r);
        return;
    }
    rows_end(p, s, user);
    now = news_of(p, s, user);
    presence_tell(p, &now);
}

static void turn_page(struct presence *p, struct shard *s)
{
    struct chunk *c;

    s->page++;
    c = s->pages[s->page % PAGES];
    s->pages[s->page % PAGES] = NULL;
    while (c != NULL) {
        struct chunk *next = c->next;

        for (uint64_t i = 0; i < c->count; i++)
            look_at(p, s, c->users[i]);
        free(c);
        c = next;
    }
}

static void local_tick(struct presence_port *port)
{
    struct presence *p = port->presence;
    struct local *l = p->priv;
    int64_t now = page_now(p);

    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &l->shards[i];

        pthread_mutex_lock(&s->lock);
        for (int pages = 0; s->page < now && pages < PAGES; pages++)
            turn_page(p, s);
        if (s->page < now)
            s->page = now;
        pthread_mutex_unlock(&s->lock);
    }
}

static int local_open(struct presence *p, const struct presence_config *cfg,
                      struct error *err)
{
    struct local *l = mem_alloc(sizeof(*l));

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&l->shards[i].lock, NULL);
        table_init(&l->shards[i].rows, sizeof(struct row));
    }
    l->start = clock_mono(p->clock);
    p->priv = l;
    return 0;
}

static void shard_release(struct shard *s)
{
    for (int i = 0; i < PAGES; i++) {
        while (s->pages[i] != NULL) {
            struct chunk *c = s->pages[i];

            s->pages[i] = c->next;
            free(c);
        }
    }
    table_release(&s->rows);
    pthread_mutex_destroy(&s->lock);
}

static void local_close(struct presence *p)
{
    struct local *l = p->priv;

    for (int i = 0; i < SHARDS; i++)
        shard_release(&l->shards[i]);
    free(l);
}

const struct presence_backend presence_local = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .beat = local_beat,
    .leave = local_leave,
    .watch = local_watch,
    .tick = local_tick,
};
