/* model.c - the committed log as checkers see it: who was a member when, which
 * cid has which seq, and what devices have said about their marks. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats.h"

struct stay {
    uint64_t user;
    int64_t join, left; /* left 0: still a member */
};

struct said {
    int64_t acked, read;                   /* by any device, as it arrived */
    int64_t delivered_stored, read_stored; /* as last seen in the store */
};

struct model_conv {
    uint64_t conv;
    int64_t count; /* entries read so far */
    int64_t calm;  /* ... when the faults ended */
    uint64_t last_id;
    struct stay *stays; /* in order of joining */
    int stay_count, stay_cap, live;
    bool big;
    struct strmap cids; /* "user cid" -> seq */
    struct map said;    /* user -> said */
};

struct model {
    struct map convs;
};

struct model *model_new(struct world *w)
{
    struct model *m = mem_alloc(sizeof(*m));

    map_init(&m->convs);
    return m;
}

void model_free(struct model **m)
{
    if (*m == NULL)
        return;
    for (uint32_t i = 0; i < (*m)->convs.len; i++) {
        struct model_conv *c = (*m)->convs.entries[i].value;

        for (uint32_t k = 0; k < c->said.len; k++)
            free(c->said.entries[k].value);
        map_release(&c->said);
        strmap_release(&c->cids);
        free(c->stays);
        free(c);
    }
    map_release(&(*m)->convs);
    free(*m);
    *m = NULL;
}

static struct model_conv *conv_of(struct world *w, uint64_t conv)
{
    struct model_conv *c = map_get(&w->model->convs, conv);

    if (c != NULL)
        return c;
    c = mem_alloc(sizeof(*c));
    c->conv = conv;
    strmap_init(&c->cids);
    map_init(&c->said);
    map_put(&w->model->convs, conv, c);
    return c;
}

/* ---- stays ---- */

static struct stay *stay_last(const struct model_conv *c, uint64_t user)
{
    for (int i = c->stay_count; i-- > 0;) {
        if (c->stays[i].user == user)
            return &c->stays[i];
    }
    return NULL;
}

static void stay_begin(struct world *w, struct model_conv *c, uint64_t user,
                       int64_t seq)
{
    struct stay *s = stay_last(c, user);

    if (s != NULL && s->left == 0)
        return;
    if (s != NULL)
        stats_count("member: added again");
    if (c->stay_count == c->stay_cap) {
        c->stay_cap = c->stay_cap > 0 ? 2 * c->stay_cap : 8;
        c->stays = mem_grow(c->stays, (size_t)c->stay_cap, sizeof(*c->stays));
    }
    c->stays[c->stay_count++] = (struct stay){user, seq, 0};
    c->live++;
    c->big |= c->live > w->config.live_members;
}

static void stay_end(struct model_conv *c, uint64_t user, int64_t seq)
{
    struct stay *s = stay_last(c, user);

    if (s == NULL || s->left != 0)
        return;
    s->left = seq;
    c->live--;
}

static void read_member(struct world *w, struct model_conv *c,
                        const struct entry *e)
{
    struct span op = json_member(e->body, "op");
    struct span users = json_member(e->body, "users");
    bool out = span_is(op, "\"remove\"") || span_is(op, "\"leave\"");
    uint64_t user;

    if (span_is(op, "\"role\""))
        return;
    if (out && users.p == NULL)
        stay_end(c, e->from, e->seq);
    if (span_is(op, "\"create\""))
        stay_begin(w, c, e->from, e->seq);
    while (users.p != NULL && frame_next_user(&users, &user)) {
        if (out)
            stay_end(c, user, e->seq);
        else
            stay_begin(w, c, user, e->seq);
    }
}

/* ---- the log ---- */

static struct span cid_key(char key[96], uint64_t user, struct span cid)
{
    int n = snprintf(key, 96, "%" PRIu64 " %.*s", user, (int)cid.n, cid.p);

    return span_make(key, (size_t)n);
}

static void read_cid(struct world *w, struct model_conv *c,
                     const struct entry *e)
{
    char key[96];
    void *before;

    if (e->cid.p == NULL)
        return;
    before = strmap_put(&c->cids, cid_key(key, e->from, e->cid),
                        (void *)(uintptr_t)e->seq);
    if (before != NULL)
        world_break(w, "I6", "c%" PRIu64 ": cid %.*s has seq %d and %" PRId64,
                    c->conv, (int)e->cid.n, e->cid.p, (int)(uintptr_t)before,
                    e->seq);
}

static void read_entry(struct world *w, struct model_conv *c,
                       const struct entry *e)
{
    if (e->seq != c->count + 1)
        world_break(w, "I7", "c%" PRIu64 ": seq %" PRId64 " after %" PRId64,
                    c->conv, e->seq, c->count);
    if (e->id <= c->last_id)
        world_break(w, "I8",
                    "c%" PRIu64 ": id of seq %" PRId64 " does not rise",
                    c->conv, e->seq);
    c->last_id = e->id;
    c->count++;
    if (e->kind == ENTRY_MEMBER)
        read_member(w, c, e);
    read_cid(w, c, e);
}

/* Does the model agree with the store about who is a member? */
static void compare_stays(struct world *w, const struct model_conv *c)
{
    for (int i = 0; i < c->stay_count; i++) {
        const struct stay *s = stay_last(c, c->stays[i].user);
        const struct membership *m =
            store_memory_member(w->store, c->conv, s->user);

        if (m == NULL || (m->left == 0) != (s->left == 0) ||
            (s->left != 0 && m->left != s->left))
            world_break(w, "roster",
                        "c%" PRIu64 ": u%" PRIu64 " joined %" PRId64
                        ", left %" PRId64 ", the store says %" PRId64,
                        c->conv, s->user, s->join, s->left,
                        m != NULL ? m->left : -1);
    }
}

void model_catch_up(struct world *w)
{
    const uint64_t *convs;
    int n;

    if (!w->committed)
        return;
    w->committed = false;
    n = store_memory_convs(w->store, &convs);
    for (int i = 0; i < n; i++) {
        struct model_conv *c = conv_of(w, convs[i]);
        int count;
        const struct entry *log = store_memory_log(w->store, convs[i], &count);
        bool news = c->count < count;

        if (news && c->stay_count == 0 && c->conv >= USER_FIRST &&
            c->conv < USER_FIRST + (uint64_t)w->user_count)
            stay_begin(w, c, c->conv, 1); /* a self */
        while (c->count < count && !world_broken(w))
            read_entry(w, c, &log[c->count]);
        if (news)
            compare_stays(w, c);
    }
}

bool model_stay(struct world *w, uint64_t conv, uint64_t user, int64_t seq,
                int64_t *join, int64_t *left)
{
    struct model_conv *c = conv_of(w, conv);

    for (int i = 0; i < c->stay_count; i++) {
        const struct stay *s = &c->stays[i];

        if (s->user == user && (s->left == 0 || s->left >= seq)) {
            *join = s->join;
            *left = s->left;
            return true;
        }
    }
    return false;
}

bool model_visible(struct world *w, uint64_t conv, uint64_t user, int64_t seq)
{
    int64_t join, left;

    return model_stay(w, conv, user, seq, &join, &left) && join <= seq;
}

bool model_due(struct world *w, uint64_t conv, uint64_t user, int64_t seq)
{
    const struct stay *s = stay_last(conv_of(w, conv), user);

    return s != NULL && s->join <= seq && (s->left == 0 || s->left >= seq);
}

bool model_live(struct world *w, uint64_t conv, uint64_t user)
{
    const struct stay *s = stay_last(conv_of(w, conv), user);

    return s != NULL && s->left == 0;
}

int64_t model_head(struct world *w, uint64_t conv)
{
    return conv_of(w, conv)->count;
}

void model_calm(struct world *w)
{
    for (uint32_t i = 0; i < w->model->convs.len; i++) {
        struct model_conv *c = w->model->convs.entries[i].value;

        c->calm = c->count;
    }
}

bool model_since_calm(struct world *w, uint64_t conv, int64_t seq)
{
    return seq > conv_of(w, conv)->calm;
}

const struct entry *model_entry(struct world *w, uint64_t conv, int64_t seq)
{
    int count;
    const struct entry *log = store_memory_log(w->store, conv, &count);

    return seq >= 1 && seq <= count ? &log[seq - 1] : NULL;
}

int64_t model_cid(struct world *w, uint64_t conv, uint64_t user,
                  struct span cid)
{
    char key[96];

    return (int64_t)(uintptr_t)strmap_get(&conv_of(w, conv)->cids,
                                          cid_key(key, user, cid));
}

uint64_t model_member(struct world *w, uint64_t conv, int i)
{
    struct model_conv *c = conv_of(w, conv);

    for (int k = 0; k < c->stay_count; k++) {
        if (c->stays[k].left == 0 && i-- == 0)
            return c->stays[k].user;
    }
    return 0;
}

bool model_big(struct world *w, uint64_t conv)
{
    return conv_of(w, conv)->big;
}

/* ---- marks ---- */

static struct said *said_of(struct model_conv *c, uint64_t user)
{
    struct said *s = map_get(&c->said, user);

    if (s == NULL) {
        s = mem_alloc(sizeof(*s));
        map_put(&c->said, user, s);
    }
    return s;
}

void model_said(struct world *w, uint64_t conv, uint64_t user, int64_t acked,
                int64_t read)
{
    struct said *s = said_of(conv_of(w, conv), user);

    if (read > acked)
        acked = read;
    if (acked > s->acked)
        s->acked = acked;
    if (read > s->read)
        s->read = read;
}

void model_may_mark(struct world *w, uint64_t conv, uint64_t user,
                    int64_t *acked, int64_t *read)
{
    const struct said *s = said_of(conv_of(w, conv), user);

    *acked = s->acked;
    *read = s->read;
}

int64_t model_count(struct world *w, uint64_t conv, int64_t seq, bool read,
                    uint64_t except)
{
    struct model_conv *c = conv_of(w, conv);
    int64_t n = 0;

    for (uint32_t i = 0; i < c->said.len; i++) {
        const struct membership *m =
            store_memory_member(w->store, conv, c->said.entries[i].key);

        if (m != NULL && m->user != except)
            n += (read ? m->read : m->delivered) >= seq;
    }
    return n;
}

static void check_mark(struct world *w, const struct model_conv *c,
                       uint64_t user, struct said *s)
{
    const struct membership *m = store_memory_member(w->store, c->conv, user);

    if (m == NULL)
        return;
    if (m->delivered < s->delivered_stored || m->read < s->read_stored)
        world_break(w, "I4",
                    "c%" PRIu64 ": a stored mark of u%" PRIu64
                    " fell to %" PRId64 ", %" PRId64,
                    c->conv, user, m->delivered, m->read);
    if (m->delivered > s->acked || m->read > s->read)
        world_break(w, "I3",
                    "c%" PRIu64 ": u%" PRIu64 " is at %" PRId64 ", %" PRId64
                    " and said %" PRId64 ", %" PRId64,
                    c->conv, user, m->delivered, m->read, s->acked, s->read);
    s->delivered_stored = m->delivered;
    s->read_stored = m->read;
}

void model_marks(struct world *w)
{
    for (uint32_t i = 0; i < w->model->convs.len; i++) {
        struct model_conv *c = w->model->convs.entries[i].value;

        for (uint32_t k = 0; k < c->said.len; k++)
            check_mark(w, c, c->said.entries[k].key, c->said.entries[k].value);
    }
}

static void check_settled(struct world *w, const struct model_conv *c,
                          uint64_t user, const struct said *s)
{
    const struct membership *m = store_memory_member(w->store, c->conv, user);

    if (m != NULL && m->left == 0 && m->delivered < s->acked)
        world_break(w, "I4",
                    "c%" PRIu64 ": u%" PRIu64 " acknowledged %" PRId64
                    " and is stored with %" PRId64,
                    c->conv, user, s->acked, m->delivered);
}

void model_marks_settled(struct world *w)
{
    for (uint32_t i = 0; i < w->model->convs.len; i++) {
        struct model_conv *c = w->model->convs.entries[i].value;

        for (uint32_t k = 0; k < c->said.len; k++)
            check_settled(w, c, c->said.entries[k].key,
                          c->said.entries[k].value);
    }
}
