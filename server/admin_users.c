#include "admin_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "shard.h"

#define INVITE_DAYS 7
#define DAY_MS INT64_C(86400000)

/* One command about one user: steps share it. */
struct step {
    struct admin_cmd *cmd;
    struct store_op op;
    struct user_row user;
    void (*found)(struct step *st);
    char token[AUTH_TOKEN_TEXT];
    char pwhash[AUTH_HASH_TEXT];
    uint32_t dev;
    uint64_t id;
    int rc;
    struct shard *shard; /* step_on_node() */
};

static struct step *step_new(struct admin_cmd *cmd)
{
    struct step *st = mem_alloc(sizeof(*st));

    st->cmd = cmd;
    return st;
}

static void step_free(struct step *st)
{
    store_op_release(&st->op);
    auth_wipe(st, sizeof(*st));
    free(st);
}

static void step_fail(struct step *st, int rc, const char *what)
{
    struct admin_cmd *cmd = st->cmd;

    step_free(st);
    admin_fail_code(cmd, rc, what);
}

/* Submit the next operation of the step. */
static struct store_op *step_op(struct step *st, enum store_verb verb,
                                store_done_fn *done)
{
    store_op_release(&st->op);
    store_op_init(&st->op, verb, done, st);
    return &st->op;
}

/* Run fn(st) where a node is, st->shard. */
static void step_on_node(struct step *st, void (*fn)(void *st))
{
    st->shard = server_any_shard(st->cmd->server);
    if (!shard_post(st->shard, fn, st))
        step_fail(st, -CF_UNAVAILABLE, "the server is ending");
}

static void step_end(struct step *st)
{
    struct admin_cmd *cmd = st->cmd;

    step_free(st);
    admin_answer(cmd, (struct span){0});
}

/* ---- ids: made by a node, on its own thread ---- */

struct make_ids {
    struct admin_cmd *cmd;
    struct shard *shard;
    uint64_t *ids;
    int count;
    void (*done)(void *arg, uint64_t *ids);
    void *arg;
};

static void ids_back(void *arg)
{
    struct make_ids *m = arg;

    m->done(m->arg, m->ids);
    free(m);
}

static void ids_make(void *arg)
{
    struct make_ids *m = arg;
    struct server *s = m->cmd->server;

    for (int i = 0; i < m->count; i++)
        m->ids[i] = node_make_id(m->shard->node);
    loop_post(s->loop, ids_back, m);
}

void admin_make_ids(struct admin_cmd *cmd, int count,
                    void (*done)(void *arg, uint64_t *ids), void *arg)
{
    struct make_ids *m = mem_alloc(sizeof(*m));

    *m =
        (struct make_ids){.cmd = cmd, .count = count, .done = done, .arg = arg};
    m->ids = mem_array((size_t)count, sizeof(*m->ids)); /* zeros */
    m->shard = server_any_shard(cmd->server);
    if (!shard_post(m->shard, ids_make, m))
        loop_post(cmd->server->loop, ids_back, m);
}

/* ---- find the user that argument 0 names ---- */

static void find_done(struct store_op *op)
{
    struct step *st = op->ctx;

    if (op->rc < 0 || op->user_count != 1) {
        step_fail(st, op->rc < 0 ? op->rc : -CF_NOT_FOUND, "user");
        return;
    }
    st->user = op->users[0];
    st->found(st);
}

static void find_user(struct admin_cmd *cmd, void (*found)(struct step *st))
{
    struct step *st;

    if (admin_arg(cmd, 0) == NULL) {
        admin_fail(cmd, 400, "which user?");
        return;
    }
    st = step_new(cmd);
    st->found = found;
    step_op(st, STORE_USER, find_done)->name = admin_arg(cmd, 0);
    admin_submit(cmd, &st->op);
}

/* ---- hashing a password ---- */

static void hash_work(void *arg)
{
    struct step *st = arg;
    const char *password =
        json_string_value(json_object_get(st->cmd->request, "password"));

    st->rc = auth_password_hash(span_of(password), st->pwhash);
}

/* Hash the request's password, then done(st). False: there is none. */
static bool hash_password(struct step *st, void (*done)(void *arg))
{
    struct server *s = st->cmd->server;
    const char *password =
        json_string_value(json_object_get(st->cmd->request, "password"));

    if (password == NULL)
        return false;
    if (strlen(password) < LIMIT_PASSWORD_MIN ||
        strlen(password) > LIMIT_PASSWORD)
        step_fail(st, -CF_INVALID, "password (8 to 256 bytes)");
    else if (worker_submit(s->hashing, hash_work, s->loop, done, st) < 0)
        step_fail(st, -CF_BUSY, "hashing");
    return true;
}

/* ---- user add ---- */

static void add_done(struct store_op *op)
{
    struct step *st = op->ctx;
    struct admin_cmd *cmd = st->cmd;
    struct buf b;

    if (op->rc < 0) {
        step_fail(st, op->rc, "user");
        return;
    }
    buf_init(&b, 512);
    enc_member_id(&b, "user", 'u', op->user);
    if (st->token[0] != '\0') {
        enc_member_id(&b, "dev", 'd', op->dev);
        enc_member_text(&b, "token", span_of(st->token));
    }
    step_free(st);
    admin_answer(cmd, buf_span(&b));
    auth_wipe_buf(&b);
}

static void add_with_id(void *arg, uint64_t *ids)
{
    struct step *st = arg;
    struct store_op *op = step_op(st, STORE_USER_ADD, add_done);

    op->user = ids[0];
    free(ids);
    op->name = admin_arg(st->cmd, 0);
    op->pwhash = st->pwhash;
    if (st->pwhash[0] == '\0') { /* no password: a token instead */
        auth_token_make(st->token);
        auth_token_hash(span_of(st->token), op->hash);
        op->text = SPAN("ctl");
        op->has_text = true;
    }
    if (op->user == 0)
        step_fail(st, -CF_UNAVAILABLE, "lease");
    else
        admin_submit(st->cmd, op);
}

static void add_hashed(void *arg)
{
    struct step *st = arg;

    if (st->rc < 0)
        step_fail(st, st->rc, "hashing");
    else
        admin_make_ids(st->cmd, 1, add_with_id, st);
}

bool admin_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= LIMIT_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

void admin_user_add(struct admin_cmd *cmd)
{
    struct step *st;

    if (admin_arg(cmd, 0) == NULL || !admin_name_ok(admin_arg(cmd, 0))) {
        admin_fail(cmd, 400,
                   "ctl user add NAME; a name is 1 to 32 of a-z 0-9 "
                   "_ . -");
        return;
    }
    st = step_new(cmd);
    if (!hash_password(st, add_hashed))
        admin_make_ids(cmd, 1, add_with_id, st);
}

/* ---- user remove ---- */

static void remove_back(void *arg)
{
    struct step *st = arg;

    if (st->rc < 0)
        step_fail(st, st->rc, "user");
    else
        step_end(st);
}

static void remove_done(void *ctx, int rc)
{
    struct step *st = ctx;

    st->rc = rc;
    loop_post(st->cmd->server->loop, remove_back, st);
}

static void remove_on_node(void *arg)
{
    struct step *st = arg;

    node_user_delete(st->shard->node, st->user.user, remove_done, st);
}

static void remove_found(struct step *st)
{
    step_on_node(st, remove_on_node);
}

/* It leaves its conversations through their homes, which a drain moves away. */
void admin_user_remove(struct admin_cmd *cmd)
{
    if (atomic_load(&cmd->server->draining))
        admin_fail(cmd, 503, "the server is draining");
    else
        find_user(cmd, remove_found);
}

/* ---- user passwd ---- */

static void passwd_done(struct store_op *op)
{
    struct step *st = op->ctx;

    if (op->rc < 0)
        step_fail(st, op->rc, "user");
    else
        step_end(st);
}

static void passwd_hashed(void *arg)
{
    struct step *st = arg;
    struct store_op *op;

    if (st->rc < 0) {
        step_fail(st, st->rc, "hashing");
        return;
    }
    op = step_op(st, STORE_USER_SET, passwd_done);
    op->user = st->user.user;
    op->pwhash = st->pwhash;
    admin_submit(st->cmd, op);
}

static void passwd_found(struct step *st)
{
    if (!hash_password(st, passwd_hashed))
        step_fail(st, -CF_INVALID, "no password given");
}

void admin_user_passwd(struct admin_cmd *cmd)
{
    find_user(cmd, passwd_found);
}

/* ---- token add: a further device ---- */

static void device_found(struct step *st)
{
    struct store_op *op = step_op(st, STORE_DEVICE_ADD, add_done);

    op->user = st->user.user;
    auth_token_make(st->token);
    auth_token_hash(span_of(st->token), op->hash);
    op->text = SPAN("ctl");
    op->has_text = true;
    admin_submit(st->cmd, op);
}

void admin_token_add(struct admin_cmd *cmd)
{
    find_user(cmd, device_found);
}

/* ---- token revoke ---- */

static void revoke_on_node(void *arg)
{
    struct step *st = arg;
    struct server *s = st->cmd->server;

    node_revoke(st->shard->node, st->user.user, st->dev);
    loop_post(s->loop, remove_back, st);
}

static void revoke_next(struct store_op *op);

/* Device by device, until none is left that is not revoked. */
static void revoke_one(struct step *st, uint32_t dev)
{
    struct store_op *op = step_op(st, STORE_DEVICE_REVOKE, revoke_next);

    op->user = st->user.user;
    op->dev = dev;
    admin_submit(st->cmd, op);
}

static void revoke_listed(struct store_op *op)
{
    struct step *st = op->ctx;

    for (int i = 0; op->rc == 0 && i < op->device_count; i++) {
        if (op->devices[i].revoked)
            continue;
        revoke_one(st, op->devices[i].dev);
        return;
    }
    if (op->rc < 0)
        step_fail(st, op->rc, "devices");
    else
        step_on_node(st, revoke_on_node);
}

static void revoke_list(struct step *st)
{
    struct store_op *op = step_op(st, STORE_DEVICES, revoke_listed);

    op->user = st->user.user;
    admin_submit(st->cmd, op);
}

static void revoke_next(struct store_op *op)
{
    struct step *st = op->ctx;

    if (op->rc < 0)
        step_fail(st, op->rc, "device");
    else if (st->dev != 0)
        step_on_node(st, revoke_on_node);
    else
        revoke_list(st);
}

static void revoke_found(struct step *st)
{
    const char *text = admin_arg(st->cmd, 1);
    uint64_t dev = 0;

    if (text != NULL && !id_parse(span_of(text), 'd', &dev)) {
        step_fail(st, -CF_INVALID, "device (dN)");
        return;
    }
    st->dev = (uint32_t)dev;
    if (st->dev != 0)
        revoke_one(st, st->dev);
    else
        revoke_list(st);
}

void admin_token_revoke(struct admin_cmd *cmd)
{
    find_user(cmd, revoke_found);
}

/* ---- invite ---- */

static void invite_done(struct store_op *op)
{
    struct step *st = op->ctx;
    struct admin_cmd *cmd = st->cmd;
    struct buf b;

    if (op->rc < 0) {
        step_fail(st, op->rc, "invitation");
        return;
    }
    buf_init(&b, 256);
    enc_member_text(&b, "invite", span_of(st->token));
    step_free(st);
    admin_answer(cmd, buf_span(&b));
    auth_wipe_buf(&b);
}

void admin_invite(struct admin_cmd *cmd)
{
    const char *text = admin_arg(cmd, 0);
    long days = text != NULL ? strtol(text, NULL, 10) : INVITE_DAYS;
    struct store_op *op;
    struct step *st;

    if (days < 1 || days > 366) {
        admin_fail(cmd, 400, "ctl invite [DAYS], 1 to 366");
        return;
    }
    st = step_new(cmd);
    auth_token_make(st->token);
    op = step_op(st, STORE_INVITE_ADD, invite_done);
    auth_token_hash(span_of(st->token), op->hash);
    op->expires = clock_wall(&cmd->server->clock.base) + days * DAY_MS;
    admin_submit(cmd, op);
}
