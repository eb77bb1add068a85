/* sync.h - for login.c and sync.c: one hello or HTTP login under way. */
#ifndef CORE_SYNC_H
#define CORE_SYNC_H

#include "core/conn.h"

struct sync_op {
    struct node_op op;
    struct store_op store;
    struct registry_op reg;
    struct timer again;
    void (*step)(struct sync_op *o); /* submit once more */
    uint64_t conn;
    uint64_t after;         /* conversation of the last page */
    struct mark_row *heads; /* of conversations that moved meanwhile */
    int head_count;
};

/* The connection that it is for; NULL: gone. */
static inline struct conn *sync_conn(const struct sync_op *o)
{
    return conn_find(o->op.node, o->conn);
}

/* The step failed; it is worth another try a little later. */
void sync_retry(struct sync_op *o, void (*step)(struct sync_op *o));

/* The login is through: list the conversations, bring the backlog. o->store is
 * the answer to TOKEN. Frees o when all is done. */
void sync_first(struct sync_op *o);

#endif
