/* cmd_state.c - `state`: who has an entry. The answer counts the members and
 * names those who have it, the first LIMIT_LIST of each kind:
 * {"t":"ok","re":1,"conv":"c5","seq":7,"members":3,"delivered_n":2,"read_n":1,
 *  "delivered":["u1","u2"],"read":["u1"]} */
#include <stdlib.h>

#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

struct state {
    int64_t n, seq;
    uint64_t conv;
};

struct state_op {
    struct node_op op;
    struct store_op store;
    struct state ask;
    uint64_t conn, user;
    int64_t members, delivered_n, read_n;
    struct buf delivered, read; /* lists, without their brackets */
};

static void state_release(struct node_op *op)
{
    struct state_op *s = container_of(op, struct state_op, op);

    store_op_release(&s->store);
    buf_release(&s->delivered);
    buf_release(&s->read);
    free(s);
}

static void list_add(struct buf *list, int64_t at, uint64_t user)
{
    if (at > LIMIT_LIST)
        return;
    buf_append_text(list, list->len > 0 ? ",\"" : "\"");
    id_write(list, 'u', user);
    buf_append_byte(list, '"');
}

static void count(struct state_op *s, const struct membership *m)
{
    if (m->join > s->ask.seq)
        return; /* came later: it may not see it */
    s->members++;
    if (m->delivered >= s->ask.seq)
        list_add(&s->delivered, ++s->delivered_n, m->user);
    if (m->read >= s->ask.seq)
        list_add(&s->read, ++s->read_n, m->user);
}

static void put_list(struct buf *out, const char *key, const struct buf *list)
{
    buf_append_text(out, ",\"");
    buf_append_text(out, key);
    buf_append_text(out, "\":[");
    buf_append(out, list->data, list->len);
    buf_append_byte(out, ']');
}

static void answer(struct state_op *s, struct conn *c)
{
    struct buf members;

    buf_init(&members, LIMIT_OBJECT);
    enc_member_id(&members, "conv", 'c', s->ask.conv);
    enc_member_int(&members, "seq", s->ask.seq);
    enc_member_int(&members, "members", s->members);
    enc_member_int(&members, "delivered_n", s->delivered_n);
    enc_member_int(&members, "read_n", s->read_n);
    put_list(&members, "delivered", &s->delivered);
    put_list(&members, "read", &s->read);
    buf_clear(&c->node->scratch);
    if (enc_ok(&c->node->scratch, s->ask.n, buf_span(&members)) == 0)
        conn_answer(c, buf_span(&c->node->scratch));
    buf_release(&members);
}

static void ask_roster(struct state_op *s, uint64_t after);

static void roster_known(struct store_op *op)
{
    struct state_op *s = op->ctx;
    struct conn *c = conn_find(s->op.node, s->conn);
    uint64_t last;

    if (c == NULL || op->rc < 0) {
        if (c != NULL)
            conn_error(c, s->ask.n, err_code_of(op->rc), 1000,
                       "the members could not be read");
        node_op_end(&s->op);
        return;
    }
    for (int i = 0; i < op->member_count; i++)
        count(s, &op->members[i]);
    last = op->member_count == op->limit
               ? op->members[op->member_count - 1].user
               : 0;
    store_op_release(op);
    if (last != 0) {
        ask_roster(s, last);
        return;
    }
    answer(s, c);
    node_op_end(&s->op);
}

static void ask_roster(struct state_op *s, uint64_t after)
{
    store_op_init(&s->store, STORE_ROSTER, roster_known, s);
    s->store.conv = s->ask.conv;
    s->store.other = after;
    s->store.limit = LIMIT_PAGE;
    store_submit(s->op.node->store, &s->store);
}

static void member_known(struct node *n, struct conn *c, void *ctx, int rc,
                         const struct membership *m)
{
    struct state *ask = ctx;
    struct state_op *s;

    if (c == NULL) {
        free(ask);
        return;
    }
    if (m == NULL || ask->seq < member_low(m) || ask->seq > member_high(m)) {
        const char *code = rc < 0 ? err_code_of(rc) : "not_found";

        conn_error(c, ask->n, code, err_is_temporary(code) ? 1000 : 0,
                   "no such entry");
        free(ask);
        return;
    }
    s = mem_alloc(sizeof(*s));
    s->ask = *ask;
    s->conn = c->id;
    buf_init(&s->delivered, LIMIT_OBJECT);
    buf_init(&s->read, LIMIT_OBJECT);
    node_op_begin(n, &s->op, state_release);
    ask_roster(s, 0);
    free(ask);
}

void cmd_state(struct conn *c, const struct frame *f)
{
    struct state *ask = mem_alloc(sizeof(*ask));

    ask->n = f->n;
    ask->conv = f->conv;
    ask->seq = f->seq;
    member_ask(c, f->conv, member_known, ask);
}
