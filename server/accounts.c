#include "accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http.h"
#include "net.h"
#include "proto/encode.h"
#include "throttle.h"

struct account {
    struct http_peer *http; /* NULL: nobody waits any more */
    struct shard *shard;
    struct store_op op;
    bool op_used;
    char name[LIMIT_NAME + 1];
    char device[LIMIT_DEVICE_NAME + 1];
    char invite[LIMIT_INVITE + 1];
    char password[LIMIT_PASSWORD + 1], fresh[LIMIT_PASSWORD + 1];
    char pwhash[AUTH_HASH_TEXT];
    char token[AUTH_TOKEN_TEXT];
    char by_name[64], by_address[80]; /* keys of throttle.h */
    uint64_t user;
    uint32_t dev;
    bool right;                      /* the password is */
    void (*next)(struct account *a); /* after the worker */
    int rc;
};

/* ---- the frame around every operation ---- */

static void account_free(struct account *a)
{
    if (a->http != NULL)
        a->http->account = NULL;
    if (a->op_used)
        store_op_release(&a->op);
    a->shard->accounts--;
    auth_wipe(a, sizeof(*a));
    free(a);
}

static struct account *account_alloc(struct http_peer *h)
{
    struct account *a = mem_alloc(sizeof(*a));

    a->http = h;
    a->shard = h->peer.shard;
    a->shard->accounts++;
    h->account = a;
    return a;
}

void account_abandon(struct http_peer *h)
{
    if (h->account != NULL)
        h->account->http = NULL;
    h->account = NULL;
}

static void fail(struct account *a, const char *code, int64_t retry,
                 const char *msg)
{
    if (a->http != NULL)
        http_error(a->http, code, retry, msg);
    account_free(a);
}

static void fail_with(struct account *a, int rc)
{
    if (rc == -CF_EXISTS)
        fail(a, "exists", 0, "that name is taken");
    else if (rc == -CF_LIMIT)
        fail(a, "limit", 0, "too many devices: revoke one first");
    else
        fail(a, err_code_of(rc), 1000, "the store cannot do it now");
}

/* Submit the store operation of this step; done runs with it. */
static void submit(struct account *a, enum store_verb verb, store_done_fn *done)
{
    struct store_op *op = &a->op;
    struct store_op fresh;

    if (a->op_used)
        store_op_release(op);
    store_op_init(&fresh, verb, done, a);
    fresh.now = clock_wall(&a->shard->server->clock.base);
    fresh.name = a->name[0] != '\0' ? a->name : NULL;
    fresh.user = a->user;
    fresh.dev = a->dev;
    fresh.pwhash = a->pwhash;
    *op = fresh;
    a->op_used = true;
    if (verb == STORE_INVITE_USE)
        auth_token_hash(span_of(a->invite), op->hash);
    else if (a->token[0] != '\0')
        auth_token_hash(span_of(a->token), op->hash);
    if (a->device[0] != '\0') {
        op->text = span_of(a->device);
        op->has_text = true;
    }
    store_submit(a->shard->port, op);
}

static void hash_work(void *arg)
{
    struct account *a = arg;
    const char *password = a->fresh[0] != '\0' ? a->fresh : a->password;

    a->rc = auth_password_hash(span_of(password), a->pwhash);
}

static void verify_work(void *arg)
{
    struct account *a = arg;

    a->right = auth_password_verify(span_of(a->password), a->pwhash);
}

static void worker_done(void *arg)
{
    struct account *a = arg;

    a->next(a);
}

static void in_worker(struct account *a, void (*work)(void *),
                      void (*next)(struct account *))
{
    struct server *s = a->shard->server;

    a->next = next;
    a->rc = 0;
    if (worker_submit(s->hashing, work, a->shard->loop, worker_done, a) < 0)
        fail(a, "busy", 2000, "too many logins at once");
}

static void answer_token(struct account *a, int status)
{
    struct buf b;

    buf_init(&b, 1024);
    buf_append_byte(&b, '{');
    enc_member_id(&b, "user", 'u', a->user);
    enc_member_id(&b, "dev", 'd', a->dev);
    enc_member_text(&b, "token", span_of(a->token));
    buf_append_byte(&b, '}');
    if (a->http != NULL)
        http_answer(a->http, status, buf_span(&b));
    auth_wipe(b.data, b.len);
    buf_release(&b);
    account_free(a);
}

/* ---- reading the request ---- */

static bool name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= LIMIT_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

static bool copy_text(char *out, size_t size, const char *text)
{
    if (text == NULL)
        return true;
    if (strlen(text) >= size)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static const char *check(struct account *a, bool with_name, bool fresh)
{
    if (with_name && !name_ok(a->name))
        return "name: 1 to 32 of a-z 0-9 _ . -";
    if (fresh && strlen(a->fresh) < LIMIT_PASSWORD_MIN)
        return "the new password has at least 8 bytes";
    if (!text_is_utf8(span_of(a->device)))
        return "device: not UTF-8";
    return NULL;
}

/* Take the members of the body; NULL after an error was answered. */
static struct account *account_new(struct http_peer *h, bool with_name)
{
    struct account *a = account_alloc(h);
    const char *name = NULL, *password = NULL, *device = "unnamed";
    const char *invite = NULL, *fresh = NULL;
    struct error err = {0};
    json_t *j = json_parse(buf_span(&h->body), &err);
    const char *bad = NULL;
    int rc = j == NULL ? -1 : 0;

    if (rc == 0 && with_name)
        rc = json_need_text(j, "name", &name, &err);
    if (rc == 0)
        rc = json_need_text(j, with_name ? "password" : "old", &password, &err);
    if (rc == 0 && !with_name)
        rc = json_need_text(j, "new", &fresh, &err);
    if (rc == 0)
        rc = json_want_text(j, "device", &device, &err);
    if (rc == 0)
        rc = json_want_text(j, "invite", &invite, &err);
    if (rc == 0 && !(copy_text(a->name, sizeof(a->name), name) &&
                     copy_text(a->password, sizeof(a->password), password) &&
                     copy_text(a->fresh, sizeof(a->fresh), fresh) &&
                     copy_text(a->device, sizeof(a->device), device) &&
                     copy_text(a->invite, sizeof(a->invite), invite)))
        rc = error_set(&err, CF_TOO_BIG,
                       "a member is too long: name 32, password 256, device "
                       "64 bytes");
    if (rc == 0 && (bad = check(a, with_name, fresh != NULL)) != NULL)
        rc = error_set(&err, CF_INVALID, "%s", bad);
    if (j != NULL)
        json_decref(j);
    auth_wipe(h->body.data, h->body.len);
    if (rc == 0)
        return a;
    fail(a, "bad_frame", 0, err.text);
    return NULL;
}

/* ---- register: policy, hash, invitation, user ---- */

static void register_added(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        fail_with(a, op->rc);
        return;
    }
    a->dev = op->dev;
    answer_token(a, 201);
}

static void register_add(struct account *a)
{
    a->user = node_make_id(a->shard->node);
    if (a->user == 0) {
        fail(a, "unavailable", 1000, "no lease yet");
        return;
    }
    auth_token_make(a->token);
    submit(a, STORE_USER_ADD, register_added);
}

static void register_invited(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc == -CF_NOT_FOUND || op->rc == -CF_EXPIRED)
        fail(a, "expired", 0, "that invitation is not, or no longer, valid");
    else if (op->rc < 0)
        fail_with(a, op->rc);
    else
        register_add(a);
}

static void register_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc == 0) {
        fail_with(a, -CF_EXISTS);
        return;
    }
    if (op->rc != -CF_NOT_FOUND) {
        fail_with(a, op->rc);
        return;
    }
    if (strcmp(a->shard->server->settings.registration, "invite") != 0) {
        register_add(a);
        return;
    }
    submit(a, STORE_INVITE_USE, register_invited);
}

static void register_hashed(struct account *a)
{
    if (a->rc < 0)
        fail(a, "busy", 2000, "no memory to hash the password");
    else
        submit(a, STORE_USER, register_looked);
}

void account_register_request(struct http_peer *h)
{
    const char *policy = h->peer.shard->server->settings.registration;
    struct account *a = account_new(h, true);

    if (a == NULL)
        return;
    if (strcmp(policy, "closed") == 0)
        fail(a, "blocked", 0,
             "registration is closed: ask the operator for an account");
    else if (strlen(a->password) < LIMIT_PASSWORD_MIN)
        fail(a, "bad_frame", 0, "a password has at least 8 bytes");
    else if (strcmp(policy, "invite") == 0 && a->invite[0] == '\0')
        fail(a, "blocked", 0, "registration needs an invitation");
    else
        in_worker(a, hash_work, register_hashed);
}

/* ---- login: throttle, user, verify, device ---- */

static void login_added(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        fail_with(a, op->rc);
        return;
    }
    a->dev = op->dev;
    node_device_added(a->shard->node, a->user, a->dev, span_of(a->device));
    answer_token(a, 200);
}

static void login_failed(struct account *a)
{
    int64_t now = clock_mono(&a->shard->server->clock.base);

    throttle_fail(a->by_name, now);
    throttle_fail(a->by_address, now);
    fail(a, "auth", 0, "wrong name or password");
}

static void login_verified(struct account *a)
{
    if (!a->right) {
        login_failed(a);
        return;
    }
    throttle_clear(a->by_name);
    auth_token_make(a->token);
    submit(a, STORE_DEVICE_ADD, login_added);
}

static void login_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0 && op->rc != -CF_NOT_FOUND) {
        fail_with(a, op->rc);
        return;
    }
    a->pwhash[0] = '\0'; /* unknown: verified against a dummy all the same */
    if (op->rc == 0 && op->user_count == 1 && !op->users[0].deleted) {
        a->user = op->users[0].user;
        snprintf(a->pwhash, sizeof(a->pwhash), "%s", op->users[0].pwhash);
    }
    in_worker(a, verify_work, login_verified);
}

/* Answer `rate` when this account or address failed too often. */
static bool throttled(struct account *a)
{
    int64_t now = clock_mono(&a->shard->server->clock.base);
    int64_t wait;

    if (a->http == NULL) {
        account_free(a);
        return true;
    }
    snprintf(a->by_name, sizeof(a->by_name), "name %s", a->name);
    snprintf(a->by_address, sizeof(a->by_address), "addr %s",
             claim_text(net_claim(a->http->wsi)));
    wait = throttle_wait(a->by_name, now);
    if (wait == 0 && !a->shard->server->settings.dev)
        wait = throttle_wait(a->by_address, now);
    if (wait == 0)
        return false;
    fail(a, "rate", wait, "too many failed logins");
    return true;
}

void account_login_request(struct http_peer *h)
{
    struct account *a = account_new(h, true);

    if (a != NULL && !throttled(a))
        submit(a, STORE_USER, login_looked);
}

/* ---- logout ---- */

static void logout_revoked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        fail_with(a, op->rc);
        return;
    }
    node_revoke(a->shard->node, a->user, a->dev);
    if (a->http != NULL)
        http_answer(a->http, 204, (struct span){0});
    account_free(a);
}

/* Who is it? Fills user and dev; false after an error was answered. */
static bool token_found(struct account *a)
{
    if (a->op.rc == 0) {
        a->user = a->op.user;
        a->dev = a->op.dev;
        return true;
    }
    if (a->op.rc < 0 && a->op.rc != -CF_NOT_FOUND)
        fail_with(a, a->op.rc);
    else
        fail(a, "auth", 0, "this token is not, or no longer, valid");
    return false;
}

static void logout_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (token_found(a))
        submit(a, STORE_DEVICE_REVOKE, logout_revoked);
}

void account_logout_request(struct http_peer *h)
{
    struct account *a = account_alloc(h);

    copy_text(a->token, sizeof(a->token), h->token);
    submit(a, STORE_TOKEN, logout_looked);
}

/* ---- password: token, old one, new one ---- */

static void password_set(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        fail_with(a, op->rc);
        return;
    }
    if (a->http != NULL)
        http_answer(a->http, 204, (struct span){0});
    account_free(a);
}

static void password_hashed(struct account *a)
{
    a->name[0] = a->device[0] = '\0';
    if (a->rc < 0)
        fail(a, "busy", 2000, "no memory to hash the password");
    else
        submit(a, STORE_USER_SET, password_set);
}

static void password_verified(struct account *a)
{
    if (a->right)
        in_worker(a, hash_work, password_hashed);
    else
        login_failed(a);
}

static void password_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0 || op->user_count != 1) {
        fail_with(a, op->rc < 0 ? op->rc : -CF_NOT_FOUND);
        return;
    }
    snprintf(a->name, sizeof(a->name), "%s", op->users[0].name);
    snprintf(a->pwhash, sizeof(a->pwhash), "%s", op->users[0].pwhash);
    if (!throttled(a))
        in_worker(a, verify_work, password_verified);
}

static void password_who(struct store_op *op)
{
    struct account *a = op->ctx;

    if (token_found(a))
        submit(a, STORE_USER, password_looked);
}

void account_password_request(struct http_peer *h)
{
    struct account *a = account_new(h, false);

    if (a == NULL)
        return;
    copy_text(a->token, sizeof(a->token), h->token);
    submit(a, STORE_TOKEN, password_who);
}
