/* The members of a conversation as its home knows them: all of them in order
 * of user, or, when it is big, those who were looked up lately. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/home.h"

/* ---- small: all of them ---- */

static int roster_at(const struct home *h, uint64_t user)
{
    int low = 0, high = h->roster_count;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (h->roster[mid].user < user)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct member *home_member(struct home *h, uint64_t user)
{
    int at = roster_at(h, user);

    if (at >= h->roster_count || h->roster[at].user != user)
        return NULL;
    return &h->roster[at];
}

static struct member *roster_insert(struct home *h, uint64_t user)
{
    int at = roster_at(h, user);

    if (at < h->roster_count && h->roster[at].user == user)
        return &h->roster[at];
    h->roster =
        mem_grow(h->roster, (size_t)h->roster_count + 1, sizeof(struct member));
    memmove(h->roster + at + 1, h->roster + at,
            (size_t)(h->roster_count - at) * sizeof(struct member));
    h->roster_count++;
    h->roster[at] = (struct member){.user = user};
    return &h->roster[at];
}

static void roster_remove(struct home *h, uint64_t user)
{
    int at = roster_at(h, user);

    if (at >= h->roster_count || h->roster[at].user != user)
        return;
    h->roster_count--;
    memmove(h->roster + at, h->roster + at + 1,
            (size_t)(h->roster_count - at) * sizeof(struct member));
}

void roster_clear(struct home *h)
{
    free(h->roster);
    h->roster = NULL;
    h->roster_count = 0;
    free(h->looked);
    h->looked = NULL;
    h->looked_count = h->looked_next = 0;
}

static struct member *looked_find(struct home *h, uint64_t user)
{
    for (int i = 0; i < h->looked_count; i++) {
        if (h->looked[i].user == user)
            return &h->looked[i];
    }
    return NULL;
}

static void change_looked(struct home *h, const struct roster_change *c)
{
    struct member *m = looked_find(h, c->user);

    if (m != NULL)
        *m = (struct member){0};
}

static void change_small(struct home *h, const struct roster_change *c,
                         int64_t seq)
{
    struct member *m;

    if (c->role == ROLE_NONE) {
        if (!SABOTAGED(h->node, leak_to_removed))
            roster_remove(h, c->user);
        return;
    }
    m = roster_insert(h, c->user);
    m->role = c->role;
    if (m->join == 0)
        m->join = seq;
}

/* The entry at seq made these changes; h->row is as after it. */
void roster_apply(struct home *h, const struct roster_change *changes,
                  int count, int64_t seq)
{
    if (home_is_big(h)) {
        for (int i = 0; i < count; i++)
            change_looked(h, &changes[i]);
        free(h->roster);
        h->roster = NULL;
        h->roster_count = 0;
        return;
    }
    for (int i = 0; i < count; i++)
        change_small(h, &changes[i], seq);
}

struct roster_read {
    struct task task;
    void (*ready)(struct home *h, int rc);
};

static void roster_read_done(struct task *t)
{
    struct roster_read *r = (struct roster_read *)t;
    struct home *h = t->home;
    struct store_op *op = &t->op;
    bool full = op->member_count >= ROSTER_BATCH;

    if (h->state != HOME_LOADING) {
        task_free(t);
        return;
    }
    for (int i = 0; op->rc == 0 && i < op->member_count; i++) {
        const struct membership *from = &op->members[i];
        struct member *m;

        op->other = from->user;
        if (from->role == ROLE_NONE)
            continue;
        m = roster_insert(h, from->user);
        m->role = from->role;
        m->join = from->join;
        m->delivered = from->delivered;
        m->read = from->read;
    }
    if (op->rc == 0 && full) {
        store_op_release(op);
        task_submit(t);
        return;
    }
    r->ready(h, op->rc);
    task_free(t);
}

void roster_load(struct home *h, void (*done)(struct home *h, int rc))
{
    struct roster_read *r =
        task_new(sizeof(*r), h->node, h, NULL, STORE_ROSTER, roster_read_done);

    r->ready = done;
    r->task.op.limit = ROSTER_BATCH;
    task_submit(&r->task);
}

/* ---- big: one at a time ---- */

static void looked_up(struct task *t)
{
    struct home *h = t->home;
    struct store_op *op = &t->op;
    struct member *m;

    home_unpark(h);
    if (op->rc != 0 && op->rc != -CF_NOT_FOUND) {
        request_failed(h->node, task_request(t), op->rc, 0,
                       "the store did not answer");
    } else {
        if (h->looked == NULL)
            h->looked = mem_array(HOME_LOOKED, sizeof(*h->looked));
        m = &h->looked[h->looked_next++ % HOME_LOOKED];
        if (h->looked_count < HOME_LOOKED)
            h->looked_count++;
        *m = (struct member){.user = op->user};
        if (op->rc == 0 && op->member_count > 0) {
            m->role = op->members[0].role;
            m->join = op->members[0].join;
        }
        home_requeue(h, task_request(t));
    }
    home_resume(h, t);
    task_free(t);
}

int roster_need(struct home *h, struct request *rq, uint64_t user,
                const struct member **out)
{
    struct member *m;
    struct task *t;

    if (!home_is_big(h)) {
        *out = home_member(h, user);
        return 0;
    }
    m = looked_find(h, user);
    if (m != NULL) {
        *out = m->role != ROLE_NONE ? m : NULL;
        return 0;
    }
    t = task_new(sizeof(*t), h->node, h, rq, STORE_MEMBER, looked_up);
    t->op.user = user;
    home_park(h, t);
    task_submit(t);
    return 1;
}

/* ---- who owns it ---- */

int roster_owners(const struct home *h, uint64_t except)
{
    int owners = 0;

    for (int i = 0; i < h->roster_count; i++)
        owners +=
            h->roster[i].role == ROLE_OWNER && h->roster[i].user != except;
    return owners;
}

uint64_t roster_heir(const struct home *h, uint64_t except)
{
    const struct member *best = NULL;

    for (int i = 0; i < h->roster_count; i++) {
        const struct member *m = &h->roster[i];

        if (m->user == except)
            continue;
        if (best == NULL || m->role > best->role ||
            (m->role == best->role && m->join < best->join))
            best = m;
    }
    return best != NULL ? best->user : 0;
}
