/* view.c - what a connection looks at: presence of users, typing and live big
 * conversations. Changes are batched: one frame a second at most. */
#include "core/view.h"

#include <stdlib.h>

#include "base/mem.h"

/* A user somebody here looks at. */
struct watched {
    uint64_t user;
    struct conn **conns;
    int count, cap;
    enum presence_state state;
    int64_t last;
    bool known; /* presence has answered */
};

/* ---- who looks at whom ---- */

static struct watched *watched_find(struct node *n, uint64_t user)
{
    return map_get(&n->watched, user);
}

static void watch(struct conn *c, uint64_t user)
{
    struct node *n = c->node;
    struct watched *w = watched_find(n, user);

    if (w == NULL) {
        w = mem_alloc(sizeof(*w));
        w->user = user;
        map_put(&n->watched, user, w);
        presence_watch(n->presence, user);
    }
    if (w->count == w->cap) {
        w->cap = w->cap > 0 ? w->cap * 2 : 2;
        w->conns = mem_grow(w->conns, (size_t)w->cap, sizeof(*w->conns));
    }
    w->conns[w->count++] = c;
}

static void unwatch(struct conn *c, uint64_t user)
{
    struct node *n = c->node;
    struct watched *w = watched_find(n, user);
    int i = 0;

    while (w != NULL && i < w->count && w->conns[i] != c)
        i++;
    if (w == NULL || i == w->count)
        return;
    w->conns[i] = w->conns[--w->count];
    if (w->count > 0)
        return;
    map_remove(&n->watched, user);
    presence_unwatch(n->presence, user);
    free(w->conns);
    free(w);
}

void watched_free(struct node *n)
{
    for (uint32_t i = 0; i < n->watched.len; i++) {
        struct watched *w = n->watched.entries[i].value;

        free(w->conns);
        free(w);
    }
    map_release(&n->watched);
}

/* ---- conversations in the view ---- */

static bool view_names(const struct view *v, uint64_t conv)
{
    for (int i = 0; v != NULL && i < v->conv_count; i++) {
        if (v->convs[i] == conv)
            return true;
    }
    return false;
}

static void set_viewing(struct sub *s, bool on)
{
    struct live *l = s->live;

    if (s->viewing == on)
        return;
    s->viewing = on;
    l->viewers = (uint16_t)(l->viewers + (on ? 1 : -1));
    if (l->viewers == (on ? 1 : 0) && !s->conn->node->ending)
        route_view(s->conn->node, l->conv, on);
}

void view_sub_added(struct sub *s)
{
    if (view_names(s->conn->view, s->live->conv))
        set_viewing(s, true);
}

void view_sub_removed(struct sub *s)
{
    set_viewing(s, false);
}

static void convs_viewed(struct conn *c, bool on)
{
    struct view *v = c->view;

    for (int i = 0; i < v->conv_count; i++) {
        struct sub *s = sub_find(c, v->convs[i]);

        if (s == NULL || s->until > 0)
            continue;
        set_viewing(s, on);
        sub_quiet(s);
        feed_sub(s);
    }
}

/* ---- changes ---- */

static void note_change(struct view *v, const struct watched *w)
{
    struct presence_row row = {w->user, w->state, w->last};

    for (int i = 0; i < v->changed_count; i++) {
        if (v->changed[i].user == w->user) {
            v->changed[i] = row;
            return;
        }
    }
    if (v->changed_count == v->changed_cap) {
        v->changed_cap = v->changed_cap > 0 ? v->changed_cap * 2 : 4;
        v->changed =
            mem_grow(v->changed, (size_t)v->changed_cap, sizeof(*v->changed));
    }
    v->changed[v->changed_count++] = row;
}

static void send_changes(struct conn *c)
{
    struct node *n = c->node;
    struct view *v = c->view;

    list_remove(&v->waiting);
    buf_clear(&n->scratch);
    if (v->changed_count > 0 &&
        enc_presence(&n->scratch, 0, v->changed, v->changed_count) == 0) {
        conn_put(c, WIRE_SHED, 0, 0, buf_span(&n->scratch));
        metrics_add(&n->metrics, NM_PRESENCE, v->changed_count);
    }
    v->changed_count = 0;
    v->next = now_mono(n) + n->config.fold_ms;
}

static void changed_for(struct conn *c, const struct watched *w)
{
    struct node *n = c->node;
    struct view *v = c->view;

    note_change(v, w);
    if (now_mono(n) >= v->next) {
        send_changes(c);
        return;
    }
    if (v->waiting.next == NULL)
        list_push(&n->view_dirty, &v->waiting);
    if (!timer_is_set(&n->fold) || n->fold.due > v->next)
        timer_set(&n->wheel, &n->fold, v->next);
}

void view_changed(void *node, uint64_t user, enum presence_state state,
                  int64_t last)
{
    struct watched *w = watched_find(node, user);
    bool first;

    if (w == NULL || (w->known && w->state == state))
        return;
    first = !w->known;
    w->state = state;
    w->last = last;
    w->known = true;
    /* From the end: an answer may close its connection and free w. */
    for (int i = w->count - 1; i >= 0; i--) {
        struct view *v = w->conns[i]->view;

        if (v->re >= 0 && first)
            v->unknown--;
        if (v->re >= 0)
            view_answer(w->conns[i]);
        else
            changed_for(w->conns[i], w);
    }
}

void view_tick(struct node *n)
{
    int64_t now = now_mono(n), next = INT64_MAX;

    list_each (&n->view_dirty, k, tmp) {
        struct view *v = container_of(k, struct view, waiting);

        if (v->next <= now)
            send_changes(v->conn);
        else if (v->next < next)
            next = v->next;
    }
    if (next != INT64_MAX && (!timer_is_set(&n->fold) || n->fold.due > next))
        timer_set(&n->wheel, &n->fold, next);
}

/* ---- the snapshot ---- */

static struct presence_row row_of(const struct view *v, struct node *n, int i)
{
    struct presence_row row = {v->users[i], PRESENCE_OFF, 0};
    struct watched *w = watched_find(n, v->users[i]);

    if (v->visible[i] && w != NULL && w->known) {
        row.state = w->state;
        row.last = w->last;
    }
    return row;
}

/* All states are known: answer the `view`. */
void view_answer(struct conn *c)
{
    struct node *n = c->node;
    struct view *v = c->view;
    struct presence_row *rows;
    int64_t re = v->re;

    if (re < 0 || v->unknown > 0)
        return;
    v->re = -1;
    v->next = now_mono(n) + n->config.fold_ms;
    rows = mem_array((size_t)v->user_count + 1, sizeof(*rows));
    for (int i = 0; i < v->user_count; i++)
        rows[i] = row_of(v, n, i);
    buf_clear(&n->scratch);
    if (enc_presence(&n->scratch, re, rows, v->user_count) == 0)
        conn_answer(c, buf_span(&n->scratch));
    free(rows);
}

/* ---- making and ending a view ---- */

void view_watch(struct conn *c)
{
    struct view *v = c->view;

    for (int i = 0; i < v->user_count; i++) {
        struct watched *w;

        if (!v->visible[i])
            continue;
        watch(c, v->users[i]);
        w = watched_find(c->node, v->users[i]);
        if (!w->known)
            v->unknown++;
    }
    v->watching = true;
}

void view_free(struct conn *c)
{
    struct view *v = c->view;

    if (v == NULL)
        return;
    convs_viewed(c, false);
    for (int i = 0; v->watching && i < v->user_count; i++) {
        if (v->visible[i])
            unwatch(c, v->users[i]);
    }
    list_remove(&v->waiting);
    free(v->convs);
    free(v->users);
    free(v->visible);
    free(v->changed);
    free(v);
    c->view = NULL;
}

void view_set(struct conn *c, struct view *v)
{
    if (c->view != NULL && c->view->re >= 0) {
        /* The older one's snapshot: what is known, the rest is off. */
        c->view->unknown = 0;
        view_answer(c);
    }
    view_free(c);
    c->view = v;
    v->conn = c;
    convs_viewed(c, true);
}
