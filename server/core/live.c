/* live.c - conversations with connected members here, and the place of each
 * connection in their logs. Nothing is kept for a user without conversations.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/conn.h"

struct live *live_find(struct node *n, uint64_t conv)
{
    return map_get(&n->lives, conv);
}

static struct live *live_get(struct node *n, uint64_t conv, enum conv_kind kind)
{
    struct live *l = live_find(n, conv);

    if (l != NULL)
        return l;
    l = mem_alloc(sizeof(*l));
    l->conv = conv;
    l->kind = kind;
    list_init(&l->subs);
    map_put(&n->lives, conv, l);
    return l;
}

static bool subs_of_conv_are_fewer(const struct live *l, const struct conn *c)
{
    const struct link *a = l->subs.next, *b = c->subs.next;

    while (a != &l->subs && b != &c->subs) {
        a = a->next;
        b = b->next;
    }
    return a == &l->subs;
}

static struct sub *find_in_live(const struct live *l, const struct conn *c)
{
    for (struct link *k = l->subs.next; k != &l->subs; k = k->next) {
        struct sub *s = container_of(k, struct sub, of_live);

        if (s->conn == c)
            return s;
    }
    return NULL;
}

static struct sub *find_in_conn(const struct live *l, const struct conn *c)
{
    for (struct link *k = c->subs.next; k != &c->subs; k = k->next) {
        struct sub *s = container_of(k, struct sub, of_conn);

        if (s->live == l)
            return s;
    }
    return NULL;
}

/* Both lists hold it: walk the shorter one. */
struct sub *sub_find(struct conn *c, uint64_t conv)
{
    struct live *l = live_find(c->node, conv);

    if (l == NULL)
        return NULL;
    return subs_of_conv_are_fewer(l, c) ? find_in_live(l, c)
                                        : find_in_conn(l, c);
}

struct sub *sub_add(struct conn *c, uint64_t conv, enum conv_kind kind,
                    int64_t join, int64_t sent)
{
    struct sub *s = sub_find(c, conv);
    struct live *l;

    if (s != NULL)
        return s;
    l = live_get(c->node, conv, kind);
    s = mem_alloc(sizeof(*s));
    s->live = l;
    s->conn = c;
    s->join = join;
    s->sent = s->goal = sent;
    list_push(&l->subs, &s->of_live);
    list_push(&c->subs, &s->of_conn);
    view_sub_added(s);
    s->quiet = l->big && !s->viewing;
    return s;
}

static void set_behind(struct sub *s, bool behind)
{
    if (s->behind == behind)
        return;
    s->behind = behind;
    s->conn->node->behind += behind ? 1 : -1;
    if (behind)
        list_push(&s->conn->behind, &s->of_behind);
    else
        list_remove(&s->of_behind);
}

void sub_remove(struct sub *s)
{
    struct live *l = s->live;
    struct conn *c = s->conn;

    set_behind(s, false);
    view_sub_removed(s);
    list_remove(&s->of_live);
    list_remove(&s->of_conn);
    if (list_empty(&l->subs)) {
        map_remove(&c->node->lives, l->conv);
        free(l->told);
        free(l);
    }
    if (s->syncing)
        sync_reached(s);
    free(s);
    if (c->fences != NULL)
        fence_check(c);
}

int64_t sub_target(const struct sub *s)
{
    if (s->defer > 0)
        return s->goal;
    if (s->until > 0)
        return s->until;
    if (s->quiet)
        return s->goal;
    return s->live->head;
}

void sub_update(struct sub *s)
{
    set_behind(s,
               s->sent < sub_target(s) || (s->defer > 0 && s->sent < s->defer));
}

void sub_moved(struct sub *s)
{
    sub_update(s);
    if (s->syncing && s->sent >= s->goal && s->defer == 0)
        sync_reached(s);
    if (s->conn->fences != NULL)
        fence_check(s->conn);
}

/* From now on entries are pushed: after what it has fetched by history, and
 * after what it has yet to fetch. */
static void start_at_head(struct sub *s)
{
    int64_t head = s->live->head;

    if (s->acked > s->sent)
        s->sent = s->acked < head ? s->acked : head;
    if (s->sent < head)
        feed_gap(s, s->sent + 1, head, "deferred");
}

/* Big conversations push entries to those who look at them only. */
void sub_quiet(struct sub *s)
{
    bool quiet = s->live->big && !s->viewing;

    if (s->quiet == quiet)
        return;
    s->quiet = quiet;
    if (!quiet && !s->syncing && s->until == 0)
        start_at_head(s);
    sub_update(s);
}

void live_set_big(struct node *n, uint64_t conv, bool big)
{
    struct live *l = live_find(n, conv);

    if (l == NULL || l->big == big)
        return;
    l->big = big;
    list_each (&l->subs, k, next)
        sub_quiet(container_of(k, struct sub, of_live));
}

/* The connection goes, nobody waits for its syncs and fences any more. */
void subs_free(struct conn *c)
{
    struct link *k;

    while ((k = list_first(&c->subs)) != NULL) {
        struct sub *s = container_of(k, struct sub, of_conn);

        s->syncing = false;
        sub_remove(s);
    }
}

void lives_free(struct node *n)
{
    for (uint32_t i = 0; i < n->lives.len; i++)
        free(n->lives.entries[i].value);
    map_release(&n->lives);
}

static bool names(struct span users, uint64_t user)
{
    char word[24];
    struct buf b;
    bool found = false;

    buf_init(&b, sizeof(word));
    buf_append_byte(&b, '"');
    id_write(&b, 'u', user);
    buf_append_byte(&b, '"');
    for (size_t at = 0; !found && at + b.len <= users.n; at++)
        found = memcmp(users.p + at, b.data, b.len) == 0;
    buf_release(&b);
    return found;
}

int entry_moves_user(const struct entry *e, uint64_t user)
{
    struct span op;
    int way;

    if (e->kind != ENTRY_MEMBER || e->body.p == NULL)
        return 0;
    op = json_member(e->body, "op");
    if (span_is(op, "\"remove\"") || span_is(op, "\"leave\""))
        way = -1;
    else if (span_is(op, "\"add\"") || span_is(op, "\"create\"") ||
             span_is(op, "\"join\""))
        way = 1;
    else
        return 0;
    return names(json_member(e->body, "users"), user) ? way : 0;
}
