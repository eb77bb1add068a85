/* user bulk, user many: accounts with tokens by the thousand. The lines leave
 * as the store answers, and only as many accounts are under way as fill its
 * transactions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_users.h"
#include "auth.h"
#include "base/mem.h"
#include "proto/encode.h"

#define BULK_MAX 10000000
#define BULK_IN_FLIGHT 384 /* fills transactions, stays under the queue */
#define BULK_IDS 4096      /* asked for at once */
#define BULK_OUT (1024 * 1024 + BULK_IN_FLIGHT * 160) /* ADMIN_FULL, and on */

struct bulk {
    struct admin_cmd *cmd;
    uint64_t *ids; /* a batch of them */
    int ids_count, ids_used;
    int count, next, under_way;
    bool asking; /* for ids */
    bool named;  /* each argument is a name; else a prefix and a count */
    int rc;
};

struct bulk_one {
    struct bulk *bulk;
    struct store_op op;
    char name[LIMIT_NAME + 1];
    char token[AUTH_TOKEN_TEXT];
};

static void bulk_more(void *arg);

static void bulk_line(struct bulk_one *one)
{
    struct admin_cmd *cmd = one->bulk->cmd;
    struct buf *out = &cmd->out;

    buf_append_byte(out, '{');
    enc_member_text(out, "name", span_of(one->name));
    enc_member_id(out, "user", 'u', one->op.user);
    enc_member_id(out, "dev", 'd', one->op.dev);
    enc_member_text(out, "token", span_of(one->token));
    buf_append_text(out, "}\n");
    admin_stream(cmd);
}

static void bulk_end(struct bulk *b)
{
    struct admin_cmd *cmd = b->cmd;
    int rc = b->rc;

    cmd->more = NULL;
    free(b->ids);
    free(b);
    if (rc < 0)
        admin_fail_code(cmd, rc, "bulk");
    else
        admin_done(cmd);
}

static void bulk_done(struct store_op *op)
{
    struct bulk_one *one = op->ctx;
    struct bulk *b = one->bulk;

    if (op->rc == 0)
        bulk_line(one);
    else if (b->rc == 0)
        b->rc = op->rc;
    store_op_release(op);
    auth_wipe(one, sizeof(*one));
    free(one);
    b->under_way--;
    bulk_more(b);
}

static void bulk_submit(struct bulk *b, int i)
{
    struct bulk_one *one = mem_alloc(sizeof(*one));

    one->bulk = b;
    if (b->named)
        snprintf(one->name, sizeof(one->name), "%s", admin_arg(b->cmd, i));
    else
        snprintf(one->name, sizeof(one->name), "%s%d", admin_arg(b->cmd, 0), i);
    auth_token_make(one->token);
    store_op_init(&one->op, STORE_USER_ADD, bulk_done, one);
    one->op.user = b->ids[b->ids_used++];
    one->op.name = one->name;
    one->op.pwhash = "";
    one->op.text = SPAN("bulk");
    one->op.has_text = true;
    auth_token_hash(span_of(one->token), one->op.hash);
    b->under_way++;
    admin_submit(b->cmd, &one->op);
}

static void bulk_with_ids(void *arg, uint64_t *ids)
{
    struct bulk *b = arg;

    free(b->ids);
    b->ids = ids;
    b->ids_used = 0;
    b->asking = false;
    if (ids[b->ids_count - 1] == 0)
        b->rc = -CF_UNAVAILABLE; /* no lease */
    bulk_more(b);
}

static void bulk_ask_ids(struct bulk *b)
{
    int left = b->count - b->next;

    b->asking = true;
    b->ids_count = left < BULK_IDS ? left : BULK_IDS;
    admin_make_ids(b->cmd, b->ids_count, bulk_with_ids, b);
}

/* As many at once as fill the store's transactions; none for nobody, and none
 * that would wait in memory for a slow reader. */
static void bulk_more(void *arg)
{
    struct bulk *b = arg;

    if (b->rc == 0 && (b->cmd->gone || atomic_load(&b->cmd->server->draining)))
        b->rc = -CF_UNAVAILABLE;
    while (b->rc == 0 && !b->asking && b->next < b->count &&
           b->under_way < BULK_IN_FLIGHT && !admin_full(b->cmd)) {
        if (b->ids_used < b->ids_count)
            bulk_submit(b, b->next++);
        else
            bulk_ask_ids(b);
    }
    if (b->under_way == 0 && !b->asking && (b->next == b->count || b->rc < 0))
        bulk_end(b);
}

static void bulk_begin(struct admin_cmd *cmd, int count, bool named)
{
    struct bulk *b = mem_alloc(sizeof(*b));

    b->cmd = cmd;
    b->count = count;
    b->named = named;
    buf_reserve(&cmd->out, BULK_OUT); /* growing, it leaves tokens behind */
    cmd->more = bulk_more;
    cmd->more_arg = b;
    bulk_more(b);
}

void admin_user_bulk(struct admin_cmd *cmd)
{
    const char *prefix = admin_arg(cmd, 0), *number = admin_arg(cmd, 1);
    long count = number != NULL ? strtol(number, NULL, 10) : 0;

    if (prefix == NULL || !admin_name_ok(prefix) || strlen(prefix) > 24 ||
        count < 1 || count > BULK_MAX)
        admin_fail(cmd, 400,
                   "ctl user bulk PREFIX COUNT; at most 24 characters and "
                   "10000000 users");
    else
        bulk_begin(cmd, (int)count, false);
}

void admin_user_many(struct admin_cmd *cmd)
{
    size_t count = json_array_size(json_object_get(cmd->request, "args"));
    bool good = count >= 1 && count <= BULK_MAX;

    for (size_t i = 0; good && i < count; i++)
        good = admin_arg(cmd, (int)i) != NULL &&
               admin_name_ok(admin_arg(cmd, (int)i));
    if (!good) {
        admin_fail(cmd, 400,
                   "ctl user many NAME ...; a name is 1 to 32 of a-z 0-9 "
                   "_ . -");
        return;
    }
    bulk_begin(cmd, (int)count, true);
}
