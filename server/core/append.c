/* One entry: prepared, given to the store under the home's term, answered, and
 * handed to the fan-out. The store gives seq and looks for duplicates; what
 * the home has against the entry travels with it and counts only when it is
 * new, so that a repeated request gets its first answer whatever changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/home.h"

static void append_done(struct task *t);

static void append_release(struct task *t)
{
    struct append *a = (struct append *)t;

    list_remove(&a->of_home);
    buf_release(&a->body);
    buf_release(&a->title);
    free(a->changes);
    free(a->ids);
    free(a->nodes);
    registry_op_release(&a->where);
}

void append_free(struct append *a)
{
    task_free(&a->task);
}

static void append_random_cid(struct append *a, struct node *n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[16];

    rng_bytes(n->env.rng, random, sizeof(random));
    for (int i = 0; i < 16; i++) {
        a->cid[2 * i] = digits[random[i] >> 4];
        a->cid[2 * i + 1] = digits[random[i] & 15];
    }
    a->task.op.entry.cid = span_make(a->cid, 32);
}

static void append_cid(struct append *a, struct node *n, struct span cid)
{
    if (cid.p != NULL && cid.n > 0)
        a->task.op.entry.cid = cid;
    else
        append_random_cid(a, n);
}

struct append *append_new(struct home *h, struct request *rq,
                          enum entry_kind kind)
{
    struct append *a =
        task_new(sizeof(*a), h->node, h, rq, STORE_APPEND, append_done);
    struct entry *e = &a->task.op.entry;

    a->task.release = append_release;
    buf_init(&a->body, LIMIT_OBJECT);
    buf_init(&a->title, LIMIT_TITLE + 1);
    e->conv = h->conv;
    e->kind = kind;
    e->from = rq->user;
    e->dev = rq->dev;
    e->trace = rq->frame.trace;
    append_cid(a, h->node, rq->frame.cid);
    if (rq->over_budget)
        append_refuse(a, -CF_BUSY, "rate", "too many sends");
    return a;
}

void append_refuse(struct append *a, int cf, const char *code, const char *text)
{
    if (cf == 0 || a->task.op.refuse != 0)
        return;
    a->task.op.refuse = cf;
    a->refuse_code = code;
    a->refuse_text = text;
}

void append_refuse_role(struct append *a, int cf)
{
    if (cf == -CF_NOT_FOUND)
        append_refuse(a, cf, "not_found", "no such conversation");
    else if (cf == -CF_INVALID)
        append_refuse(a, cf, "bad_frame", "not in this kind of conversation");
    else
        append_refuse(a, cf, err_code_of(-CF_DENIED),
                      "your role does not allow this");
}

void append_change(struct append *a, uint64_t user, enum role role)
{
    a->changes =
        mem_grow(a->changes, (size_t)a->change_count + 1, sizeof(*a->changes));
    a->changes[a->change_count++] = (struct roster_change){user, role};
}

static void append_number(struct append *a)
{
    struct node *n = a->task.node;
    struct entry *e = &a->task.op.entry;
    int64_t ttl = a->task.rq->frame.ttl;

    e->id = id_next(&n->ids, node_wall(n));
    e->ts = id_time(e->id);
    if (e->kind == ENTRY_MSG && ttl > 0)
        e->expires = e->ts + ttl;
}

static void answer_sent(struct append *a, int64_t seq)
{
    struct node *n = a->task.node;
    struct entry *e = &a->task.op.entry;
    struct buf *b = answer_buf(n);
    struct request *rq = a->task.rq;

    if (rq == NULL)
        return;
    enc_sent(b, rq->frame.n, e->conv, e->cid, seq, e->id, e->ts,
             a->task.op.dup);
    /* The entry's spans point into the request: it stays until the end. */
    request_answer_keep(n, rq, buf_span(b));
}

void append_submit(struct append *a)
{
    struct home *h = a->task.home;
    struct store_op *op = &a->task.op;

    op->term = h->row.term;
    op->changes = a->changes;
    op->change_count = a->change_count;
    append_number(a);
    h->under_way++;
    a->changing = op->refuse == 0 &&
                  (a->change_count > 0 || op->entry.kind == ENTRY_TITLE);
    if (a->changing)
        home_stall(h, &a->task);
    if (SABOTAGED(h->node, no_dedupe)) { /* no store can know it again */
        a->asked_cid = op->entry.cid;
        append_random_cid(a, h->node);
    }
    if (SABOTAGED(h->node, ack_before_commit) && a->answer == APPEND_SENT &&
        op->refuse == 0)
        answer_sent(a, h->row.head + h->under_way);
    task_submit(&a->task);
}

/* ---- answers ---- */

static void answer_ok(struct append *a)
{
    struct node *n = a->task.node;
    struct entry *e = &a->task.op.entry;
    struct request *rq = a->task.rq;
    struct buf *b = answer_buf(n);
    char text[24];
    struct buf members;

    buf_init(&members, 128);
    enc_member_id(&members, "conv", 'c', e->conv);
    if (e->seq > 0) {
        enc_member_int(&members, "seq", e->seq);
        snprintf(text, sizeof(text), "%" PRIu64, e->id);
        enc_member_text(&members, "id", span_of(text));
    }
    if (a->task.op.dup)
        enc_member_bool(&members, "dup", true);
    enc_ok(b, rq->frame.n, buf_span(&members));
    buf_release(&members);
    request_answer_keep(n, rq, buf_span(b));
}

static void answer_stored(struct append *a)
{
    struct home *h = a->task.home;
    struct node *n = a->task.node;
    struct store_op *op = &a->task.op;

    metrics_add(&n->metrics, op->dup ? NM_DUPS : NM_SENDS, 1);
    if (a->task.rq == NULL || a->answer == APPEND_SILENT)
        return;
    if (a->answer == APPEND_OK)
        answer_ok(a);
    else if (!SABOTAGED(n, ack_before_commit))
        answer_sent(a, op->dup && SABOTAGED(n, wrong_dup) ? h->row.head
                                                          : op->entry.seq);
}

static void answer_refused(struct append *a)
{
    struct node *n = a->task.node;
    const char *code = a->refuse_code;

    if (a->task.op.refuse == -CF_EXISTS && a->answer == APPEND_OK) {
        a->task.op.entry.seq = 0; /* nothing to change: as it was wanted */
        answer_ok(a);
        return;
    }
    request_error(n, task_request(&a->task), code,
                  err_is_temporary(code) ? retry_jitter(n) : 0, 0,
                  a->refuse_text);
}

static const char *error_text(int rc)
{
    switch (-rc) {
    case CF_NOT_FOUND:
        return "no such message";
    case CF_CONFLICT:
        return "another body was sent under this cid";
    case CF_DENIED:
        return "only its author may do this";
    case CF_UNKNOWN:
    case CF_TIMEOUT:
        return "it is not known whether this was stored; ask again";
    case CF_FULL:
        return "the server's disk is full";
    default:
        return "the store did not take it";
    }
}

static void answer_failed(struct append *a, int rc)
{
    if (a->task.rq != NULL)
        request_failed(a->task.node, task_request(&a->task), rc,
                       rc == -CF_CONFLICT ? a->task.op.entry.seq : 0,
                       error_text(rc));
}

/* ---- after the store ---- */

static void append_committed(struct append *a)
{
    struct home *h = a->task.home;
    struct store_op *op = &a->task.op;
    bool was_big = home_is_big(h);

    if (op->entry.seq > h->row.head)
        h->row.head = op->entry.seq;
    if (op->entry.id > h->row.last_id)
        h->row.last_id = op->entry.id;
    if (a->changing) {
        int64_t head = h->row.head, term = h->row.term;

        h->row = op->row;
        h->row.term = term;
        if (h->row.head < head)
            h->row.head = head;
        roster_apply(h, a->changes, a->change_count, op->entry.seq);
    }
    a->epoch = h->row.epoch;
    if (op->entry.kind == ENTRY_MSG)
        receipts_sent(h, op->entry.from, op->entry.seq);
    if (was_big && !home_is_big(h))
        home_reload(h); /* the whole roster is wanted from now on */
}

/* The term is an old one: nothing was written, so it may be tried again. */
static void append_stale(struct append *a)
{
    struct home *h = a->task.home;
    struct request *rq = task_request(&a->task);

    SEEN(h->node, "append: an old term");
    home_reload(h);
    if (rq == NULL)
        return;
    if (++rq->retries > HOME_RETRIES)
        request_error(h->node, rq, "busy", retry_jitter(h->node), 0,
                      "the conversation is changing its home");
    else if (h->state == HOME_LOST)
        route_request(h->node, rq);
    else
        home_requeue(h, rq);
}

static void append_failed(struct append *a, int rc)
{
    struct home *h = a->task.home;

    if (rc == a->task.op.refuse && a->refuse_code != NULL) {
        answer_refused(a);
    } else if (rc == -CF_STALE) {
        append_stale(a);
    } else {
        if (rc == -CF_UNKNOWN) {
            SEEN(h->node, "append: not known whether");
            home_reload(h);
        }
        answer_failed(a, rc);
    }
}

static void append_done(struct task *t)
{
    struct append *a = (struct append *)t;
    struct home *h = t->home;
    int rc = t->op.rc;

    if (a->asked_cid.p != NULL)
        t->op.entry.cid = a->asked_cid;
    h->under_way--;
    h->holds++;
    if (rc != 0) {
        append_failed(a, rc);
        home_resume(h, t);
        append_free(a);
    } else if (t->op.dup) {
        answer_stored(a);
        home_resume(h, t);
        append_free(a);
    } else {
        append_committed(a);
        answer_stored(a);
        account_changes(a);
        fanout_start(a);
        home_resume(h, t);
    }
    home_release_hold(h);
}

struct append *append_blank(struct home *h)
{
    struct append *a =
        task_new(sizeof(*a), h->node, h, NULL, STORE_APPEND, append_done);

    a->task.release = append_release;
    buf_init(&a->body, LIMIT_ENTRY_WIRE + LIMIT_OBJECT);
    buf_init(&a->title, 0);
    a->answer = APPEND_SILENT;
    return a;
}

static struct span copy_to(char **at, struct span s)
{
    char *to = *at;

    if (s.p == NULL)
        return s;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    *at += s.n;
    return span_make(to, s.n);
}

void append_copy(struct append *a, const struct entry *e)
{
    struct entry *to = &a->task.op.entry;
    char *at = mem_alloc(e->cid.n + e->body.n + e->mention.n + 1);

    a->task.extra = at;
    *to = *e;
    to->cid = copy_to(&at, e->cid);
    to->body = copy_to(&at, e->body);
    to->mention = copy_to(&at, e->mention);
}
