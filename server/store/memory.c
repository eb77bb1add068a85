#include "store/store_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/memory_data.h"

struct memory_store {
    struct memory data;
    struct store *store;
    const struct store_memory_sim *sim; /* NULL: everything at once */
    struct link waiting, running;       /* writes */
    int queued;                         /* in both */
    bool committing;
    struct link reads; /* struct read_job */
    int read_count;
    struct store_port *dead;
};

/* A read on its way. op is NULL when its process died. */
struct read_job {
    struct memory_store *ms;
    struct store_op *op;
    struct link link;
};

static void batch_begin(struct memory_store *ms);

static struct store_op *op_of(struct link *l)
{
    return container_of(l, struct store_op, link);
}

static bool too_late(const struct memory_store *ms, const struct store_op *op)
{
    return clock_mono(ms->store->clock) > op->due;
}

/* ---- the sabotage "answer before the commit" ---- */

static struct span span_copy(struct span s)
{
    return s.p != NULL ? span_make(mem_text_n(s.p, s.n), s.n) : s;
}

/* What is left of an operation that was answered too early. */
static struct store_op *early_copy(const struct store_op *op)
{
    struct store_op *copy = mem_copy(op, sizeof(*op));

    copy->done = NULL;
    copy->link = (struct link){NULL, NULL};
    copy->text = span_copy(op->text);
    copy->entry.cid = span_copy(op->entry.cid);
    copy->entry.body = span_copy(op->entry.body);
    copy->entry.mention = span_copy(op->entry.mention);
    if (op->change_count > 0)
        copy->changes = mem_copy(op->changes, (size_t)op->change_count *
                                                  sizeof(*op->changes));
    buf_init(&copy->out, 0);
    return copy;
}

static void early_free(struct store_op *copy)
{
    free((void *)copy->text.p);
    free((void *)copy->entry.cid.p);
    free((void *)copy->entry.body.p);
    free((void *)copy->entry.mention.p);
    if (copy->change_count > 0)
        free((void *)copy->changes);
    free(copy);
}

/* The seq that op will get if all goes well, 0: it will not. */
static int64_t early_seq(struct memory_store *ms, const struct store_op *op)
{
    struct memory_conv *c = map_get(&ms->data.convs, op->conv);
    struct memory_key key;
    int64_t seq;

    if (c == NULL || op->refuse != 0 || op->term != c->row.term)
        return 0;
    if (op->entry.cid.p != NULL &&
        strmap_get(&c->keys,
                   memory_key(&key, op->entry.from, 0, op->entry.cid)) != NULL)
        return 0;
    seq = c->row.head + 1;
    list_each (&ms->running, l, tmp) {
        if (l == &op->link)
            break;
        seq += op_of(l)->conv == op->conv && op_of(l)->done == NULL;
    }
    return seq;
}

static void answer_early(struct memory_store *ms, struct store_op *op)
{
    int64_t seq = op->verb == STORE_APPEND ? early_seq(ms, op) : 0;
    struct store_op *copy;

    if (seq == 0)
        return;
    copy = early_copy(op);
    list_insert_before(&op->link, &copy->link);
    list_remove(&op->link);
    op->entry.seq = seq;
    store_done(op, 0);
}

/* ---- writes: one group after the other ---- */

static int carry_out(struct memory_store *ms, struct store_op *op)
{
    bool happens = false;
    int rc = 0;

    ms->data.no_dedupe = ms->sim != NULL && ms->sim->no_dedupe;
    if (ms->sim != NULL && ms->sim->fault != NULL)
        rc = ms->sim->fault(ms->sim->ctx, op->verb, &happens);
    if (rc == 0)
        return memory_write(&ms->data, op);
    if (happens)
        memory_write(&ms->data, op);
    op->entry.seq = 0; /* whoever asked must not learn it */
    op->dup = false;
    return rc;
}

static void finish_write(struct memory_store *ms, struct store_op *op, int rc)
{
    ms->queued--;
    if (op->done == NULL)
        early_free(op);
    else
        store_done(op, rc);
}

/* The group is durable now. */
static void batch_commit(void *arg)
{
    struct memory_store *ms = arg;
    struct link *l;

    ms->committing = false;
    ms->data.commits++;
    while ((l = list_pop(&ms->running)) != NULL) {
        struct store_op *op = op_of(l);

        ms->data.rows++;
        finish_write(ms, op, carry_out(ms, op));
    }
    batch_begin(ms);
}

static void batch_begin(struct memory_store *ms)
{
    struct link *l;

    if (ms->committing)
        return;
    while ((l = list_pop(&ms->waiting)) != NULL) {
        if (op_of(l)->done != NULL && too_late(ms, op_of(l)))
            finish_write(ms, op_of(l), -CF_TIMEOUT);
        else
            list_push(&ms->running, l);
    }
    if (list_empty(&ms->running))
        return;
    ms->committing = true;
    if (ms->sim->ack_before_commit) {
        list_each (&ms->running, w, tmp)
            answer_early(ms, op_of(w));
    }
    ms->sim->after(ms->sim->ctx, ms->sim->delay(ms->sim->ctx, true),
                   batch_commit, ms);
}

static void submit_write(struct memory_store *ms, struct store_op *op)
{
    if (ms->queued >= LIMIT_STORE_QUEUE) {
        store_done(op, -CF_BUSY);
        return;
    }
    ms->queued++;
    if (ms->sim != NULL) {
        list_push(&ms->waiting, &op->link);
        batch_begin(ms);
        return;
    }
    ms->data.commits++;
    ms->data.rows++;
    finish_write(ms, op, too_late(ms, op) ? -CF_TIMEOUT : carry_out(ms, op));
}

/* ---- reads ---- */

static void read_run(void *arg)
{
    struct read_job *job = arg;
    struct memory_store *ms = job->ms;
    struct store_op *op = job->op;
    int rc = 0;

    list_remove(&job->link);
    ms->read_count--;
    free(job);
    if (op == NULL)
        return;
    store_stamp(ms->store, op);
    if (ms->sim != NULL && ms->sim->read_fault != NULL)
        rc = ms->sim->read_fault(ms->sim->ctx, op->verb);
    if (rc == 0)
        rc = too_late(ms, op) ? -CF_TIMEOUT : memory_read(&ms->data, op);
    store_done(op, rc);
}

static void submit_read(struct memory_store *ms, struct store_op *op)
{
    struct read_job *job;

    if (ms->read_count >= LIMIT_STORE_QUEUE) {
        store_done(op, -CF_BUSY);
        return;
    }
    job = mem_alloc(sizeof(*job));
    job->ms = ms;
    job->op = op;
    list_push(&ms->reads, &job->link);
    ms->read_count++;
    if (ms->sim == NULL)
        read_run(job);
    else
        ms->sim->after(ms->sim->ctx, ms->sim->delay(ms->sim->ctx, false),
                       read_run, job);
}

static void memory_submit(struct store_port *p, struct store_op *op)
{
    struct memory_store *ms = p->store->priv;

    if (store_verb_is_write(op->verb))
        submit_write(ms, op);
    else
        submit_read(ms, op);
}

/* ---- life ---- */

static int memory_open(struct store *s, const struct store_config *cfg,
                       struct error *err)
{
    struct memory_store *ms = mem_alloc(sizeof(*ms));

    memory_init(&ms->data);
    ms->store = s;
    ms->sim = cfg->sim;
    list_init(&ms->waiting);
    list_init(&ms->running);
    list_init(&ms->reads);
    /* The same for every seed: a trace must not depend on it. */
    store_copy_text(s->name, sizeof(s->name), "memory", 6);
    s->priv = ms;
    return 0;
}

static void fail_writes(struct memory_store *ms, struct link *list)
{
    struct link *l;

    while ((l = list_pop(list)) != NULL)
        finish_write(ms, op_of(l), -CF_UNAVAILABLE);
}

static void memory_close(struct store *s)
{
    struct memory_store *ms = s->priv;
    struct link *l;

    fail_writes(ms, &ms->running);
    fail_writes(ms, &ms->waiting);
    while ((l = list_pop(&ms->reads)) != NULL) {
        struct read_job *job = container_of(l, struct read_job, link);

        if (job->op != NULL)
            store_done(job->op, -CF_UNAVAILABLE);
        free(job);
    }
    while (ms->dead != NULL) {
        struct store_port *p = ms->dead;

        ms->dead = p->next;
        free(p);
    }
    memory_release(&ms->data);
    free(ms);
}

const struct store_backend store_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .submit = memory_submit,
};

/* ---- crash ---- */

static bool is_one_of(const struct store_port *p, struct store_port **ports,
                      int count)
{
    for (int i = 0; i < count; i++) {
        if (ports[i] == p)
            return true;
    }
    return false;
}

static void drop_writes(struct memory_store *ms, struct link *list,
                        struct store_port **ports, int count)
{
    list_each (list, l, tmp) {
        struct store_op *op = op_of(l);

        if (!is_one_of(op->port, ports, count))
            continue;
        list_remove(l);
        ms->queued--;
        if (op->done == NULL)
            early_free(op);
    }
}

void store_memory_crash(struct store *s, struct store_port **ports, int count)
{
    struct memory_store *ms = s->priv;

    drop_writes(ms, &ms->waiting, ports, count);
    drop_writes(ms, &ms->running, ports, count);
    list_each (&ms->reads, l, tmp) {
        struct read_job *job = container_of(l, struct read_job, link);

        if (job->op != NULL && is_one_of(job->op->port, ports, count))
            job->op = NULL;
    }
    for (int i = 0; i < count; i++) {
        if (ports[i] == NULL)
            continue;
        ports[i]->dead = true; /* a post may be under way: freed at the end */
        ports[i]->next = ms->dead;
        ms->dead = ports[i];
        ports[i] = NULL;
    }
}

/* ---- for checkers ---- */

const struct entry *store_memory_log(const struct store *s, uint64_t conv,
                                     int *count)
{
    const struct memory_store *ms = s->priv;
    struct memory_conv *c = map_get(&ms->data.convs, conv);

    *count = c != NULL ? (int)c->row.head : 0;
    return c != NULL ? c->log : NULL;
}

const struct membership *store_memory_member(const struct store *s,
                                             uint64_t conv, uint64_t user)
{
    const struct memory_store *ms = s->priv;
    struct memory_conv *c = map_get(&ms->data.convs, conv);

    return c != NULL ? memory_member(c, user) : NULL;
}

int store_memory_convs(const struct store *s, const uint64_t **convs)
{
    const struct memory_store *ms = s->priv;

    *convs = ms->data.conv_order;
    return (int)ms->data.convs.len;
}
