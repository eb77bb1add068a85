#include "admin_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "shard.h"

/* ---- what the nodes know, asked on their own threads, one after another ----
 */

struct asking {
    struct admin_cmd *cmd;
    int next; /* shard */
    struct node_stats sum;
    struct conv_row row; /* conv show */
    int home;
    void (*done)(struct asking *a); /* frees a */
};

static void ask_shard(void *arg);

static void asked(void *arg)
{
    struct asking *a = arg;
    struct server *s = a->cmd->server;

    do
        a->next++;
    while (a->next < s->shard_count &&
           !shard_post(s->shards[a->next], ask_shard, a));
    if (a->next >= s->shard_count)
        a->done(a);
}

static void ask_shard(void *arg)
{
    struct asking *a = arg;
    struct server *s = a->cmd->server;
    struct node *n = s->shards[a->next]->node;
    struct node_stats one;

    node_stats(n, &one);
    a->sum.conns += one.conns;
    a->sum.users += one.users;
    a->sum.homes += one.homes;
    a->sum.lives += one.lives;
    a->sum.behind += one.behind;
    a->sum.pending += one.pending;
    a->home = node_home_of(n, a->row.conv);
    loop_post(s->loop, asked, a);
}

static void ask_nodes(struct asking *a)
{
    a->next = -1; /* asked() goes to the first */
    loop_post(a->cmd->server->loop, asked, a);
}

/* ---- status ---- */

struct status {
    struct asking nodes;
    struct store_op op;
};

static void status_write(struct buf *b, const struct status *st)
{
    static const char *const names[] = {"stored_users", "conversations",
                                        "entries", "bytes"};
    const struct server *s = st->nodes.cmd->server;
    const struct node_stats *sum = &st->nodes.sum;

    enc_member_text(b, "url", span_of(s->url));
    enc_member_text(b, "store", span_of(store_name(s->store)));
    enc_member_text(b, "durability", span_of(store_durability(s->store)));
    enc_member_int(b, "nodes", s->shard_count);
    enc_member_int(b, "fold_ms", s->settings.fold_ms);
    enc_member_int(b, "connections", sum->conns);
    enc_member_int(b, "users", sum->users);
    enc_member_int(b, "homes", sum->homes);
    enc_member_int(b, "behind", sum->behind);
    enc_member_int(b, "pending", sum->pending);
    for (size_t i = 0; st->op.rc == 0 && i < COUNT_OF(names); i++)
        enc_member_int(b, names[i], st->op.stats[i]);
    enc_member_int(b, "uptime_s",
                   (clock_wall(&s->clock.base) - s->started) / 1000);
    enc_member_bool(b, "draining", atomic_load(&s->draining));
}

static void status_stored(struct store_op *op)
{
    struct status *st = op->ctx;
    struct admin_cmd *cmd = st->nodes.cmd;
    struct buf b;

    buf_init(&b, 4096);
    status_write(&b, st);
    store_op_release(op);
    free(st);
    admin_answer(cmd, buf_span(&b));
    buf_release(&b);
}

static void status_asked(struct asking *a)
{
    struct status *st = container_of(a, struct status, nodes);

    store_op_init(&st->op, STORE_STATS, status_stored, st);
    admin_submit(a->cmd, &st->op);
}

void admin_status(struct admin_cmd *cmd)
{
    struct status *st = mem_alloc(sizeof(*st));

    st->nodes.cmd = cmd;
    st->nodes.done = status_asked;
    ask_nodes(&st->nodes);
}

/* ---- drain, log, clock ---- */

static void drain_later(void *arg)
{
    server_drain(arg);
}

void admin_drain(struct admin_cmd *cmd)
{
    loop_post(cmd->server->loop, drain_later, cmd->server);
    admin_answer(cmd, SPAN("\"draining\":true"));
}

void admin_log(struct admin_cmd *cmd)
{
    const char *word = admin_arg(cmd, 0);
    enum log_level level;

    if (word == NULL || log_parse_level(word, &level) < 0) {
        admin_fail(cmd, 400, "ctl log error|warn|info|debug");
        return;
    }
    log_set_level(level);
    admin_answer(cmd, (struct span){0});
}

/* Every node's due timers fire, one node after the other, and then once more
 * all of them: by then what they told each other in the first round is there.
 * Last, what is too old goes from the store. */
struct advance {
    struct admin_cmd *cmd;
    struct shard *at;
    int held; /* shards whose people were kept alive; hold only */
    int next; /* of 2 * shard_count */
    struct store_op op;
};

static void advanced_all(struct store_op *op)
{
    struct advance *a = op->ctx;
    struct admin_cmd *cmd = a->cmd;
    int rc = op->rc;
    struct buf b;

    store_op_release(op);
    free(a);
    if (rc < 0) {
        admin_fail_code(cmd, rc, "expiry");
        return;
    }
    buf_init(&b, 256);
    enc_member_int(&b, "now", clock_wall(&cmd->server->clock.base));
    admin_answer(cmd, buf_span(&b));
    buf_release(&b);
}

static void advance_next(void *arg);

static void advance_node(void *arg)
{
    struct advance *a = arg;

    node_tick(a->at->node);
    loop_post(a->cmd->server->loop, advance_next, a);
}

static void hold_node(void *arg)
{
    struct advance *a = arg;

    node_hold(a->at->node);
    loop_post(a->cmd->server->loop, advance_next, a);
}

static void advance_next(void *arg)
{
    struct advance *a = arg;
    struct server *s = a->cmd->server;

    while (a->held < s->shard_count) {
        a->at = s->shards[a->held++];
        if (shard_post(a->at, hold_node, a))
            return;
    }
    atomic_store(&s->holding, false);
    while (a->next < 2 * s->shard_count) {
        a->at = s->shards[a->next++ % s->shard_count];
        if (shard_post(a->at, advance_node, a))
            return;
    }
    store_op_init(&a->op, STORE_EXPIRE, advanced_all, a);
    admin_submit(a->cmd, &a->op);
}

void admin_clock_advance(struct admin_cmd *cmd)
{
    const char *text = admin_arg(cmd, 0);
    struct server *s = cmd->server;
    struct advance *a;
    const char *how = admin_arg(cmd, 1);
    bool hold = how != NULL && strcmp(how, "hold") == 0;
    int64_t ms;

    if (!s->settings.test_clock) {
        admin_fail(cmd, 403, "the clock moves only with --test-clock");
        return;
    }
    if (text == NULL || clock_parse_duration(text, &ms) < 0 ||
        (how != NULL && !hold)) {
        admin_fail(cmd, 400, "ctl clock advance TIME [hold], for instance 46s");
        return;
    }
    atomic_store(&s->holding, hold);
    clock_shifted_advance(&s->clock, ms);
    a = mem_alloc(sizeof(*a));
    a->cmd = cmd;
    a->held = hold ? 0 : s->shard_count;
    advance_next(a);
}

/* ---- backup ---- */

struct backup {
    struct admin_cmd *cmd;
    const char *dir;
    struct error err;
    int rc;
};

static void backup_work(void *arg)
{
    struct backup *b = arg;

    b->rc = store_backup(b->cmd->server->store, b->dir, &b->err);
}

static void backup_done(void *arg)
{
    struct backup *b = arg;

    if (b->rc < 0)
        admin_fail(b->cmd, 503, b->err.text);
    else
        admin_answer(b->cmd, (struct span){0});
    free(b);
}

void admin_backup(struct admin_cmd *cmd)
{
    struct backup *b;

    if (admin_arg(cmd, 0) == NULL) {
        admin_fail(cmd, 400, "ctl backup DIR");
        return;
    }
    b = mem_alloc(sizeof(*b));
    b->cmd = cmd;
    b->dir = admin_arg(cmd, 0);
    if (worker_submit(cmd->server->files, backup_work, cmd->server->loop,
                      backup_done, b) < 0) {
        free(b);
        admin_fail(cmd, 503, "busy");
    }
}

/* ---- conv show ---- */

static void conv_asked(struct asking *a)
{
    const struct conv_row *row = &a->row;
    struct admin_cmd *cmd = a->cmd;
    struct buf b;

    buf_init(&b, 2048);
    enc_member_id(&b, "conv", 'c', row->conv);
    enc_member_text(&b, "kind", span_of(conv_kind_name(row->kind)));
    enc_member_text(&b, "mode", span_of(conv_mode_name(row->mode)));
    enc_member_text(&b, "title", span_of(row->title));
    enc_member_int(&b, "head", row->head);
    enc_member_int(&b, "term", row->term);
    enc_member_int(&b, "epoch", row->epoch);
    enc_member_int(&b, "members", row->members);
    enc_member_int(&b, "home", a->home);
    free(a);
    admin_answer(cmd, buf_span(&b));
    buf_release(&b);
}

static void conv_done(struct store_op *op)
{
    struct admin_cmd *cmd = op->ctx;
    struct asking *a;

    if (op->rc < 0) {
        admin_fail_code(cmd, op->rc, "conversation");
    } else {
        a = mem_alloc(sizeof(*a));
        a->cmd = cmd;
        a->row = op->row;
        a->done = conv_asked;
        ask_nodes(a);
    }
    store_op_release(op);
    free(op);
}

void admin_conv_show(struct admin_cmd *cmd)
{
    const char *text = admin_arg(cmd, 0);
    struct store_op *op;
    uint64_t conv;

    if (text == NULL || !id_parse(span_of(text), 'c', &conv)) {
        admin_fail(cmd, 400, "ctl conv show cN");
        return;
    }
    op = mem_alloc(sizeof(*op));
    store_op_init(op, STORE_CONV, conv_done, cmd);
    op->conv = conv;
    admin_submit(cmd, op);
}
