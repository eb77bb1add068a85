#include "accounts.h"

#include <stdio.h>
#include <string.h>

#include "account.h"
#include "net.h"
#include "throttle.h"

void account_abandon(struct http_peer *h)
{
    if (h->account != NULL)
        h->account->http = NULL;
    h->account = NULL;
}

/* ---- register: policy, hash, invitation, user ---- */

static void register_added(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        account_fail_code(a, op->rc);
        return;
    }
    a->dev = op->dev;
    account_answer_token(a, 201);
}

static void register_add(struct account *a)
{
    a->user = node_make_id(a->shard->node);
    if (a->user == 0) {
        account_fail(a, "unavailable", 1000, "no lease yet");
        return;
    }
    auth_token_make(a->token);
    account_submit(a, STORE_USER_ADD, register_added);
}

static void register_invited(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc == -CF_NOT_FOUND || op->rc == -CF_EXPIRED)
        account_fail(a, "expired", 0,
                     "that invitation is not, or no longer, valid");
    else if (op->rc < 0)
        account_fail_code(a, op->rc);
    else
        register_add(a);
}

static void register_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc == 0) {
        account_fail_code(a, -CF_EXISTS);
        return;
    }
    if (op->rc != -CF_NOT_FOUND) {
        account_fail_code(a, op->rc);
        return;
    }
    if (strcmp(a->shard->server->settings.registration, "invite") != 0) {
        register_add(a);
        return;
    }
    account_submit(a, STORE_INVITE_USE, register_invited);
}

static void register_hashed(struct account *a)
{
    if (a->rc < 0)
        account_fail(a, "busy", 2000, "no memory to hash the password");
    else
        account_submit(a, STORE_USER, register_looked);
}

void account_register_request(struct http_peer *h)
{
    const char *policy = h->peer.shard->server->settings.registration;
    struct account *a = account_new(h, true);

    if (a == NULL)
        return;
    if (strcmp(policy, "closed") == 0)
        account_fail(a, "blocked", 0,
                     "registration is closed: ask the operator for an account");
    else if (strlen(a->password) < LIMIT_PASSWORD_MIN)
        account_fail(a, "bad_frame", 0, "a password has at least 8 bytes");
    else if (strcmp(policy, "invite") == 0 && a->invite[0] == '\0')
        account_fail(a, "blocked", 0, "registration needs an invitation");
    else
        account_in_worker(a, account_hash, register_hashed);
}

/* ---- login: throttle, user, verify, device ---- */

static void login_added(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        account_fail_code(a, op->rc);
        return;
    }
    a->dev = op->dev;
    node_device_added(a->shard->node, a->user, a->dev, span_of(a->device));
    account_answer_token(a, 200);
}

static void login_failed(struct account *a)
{
    int64_t now = clock_mono(&a->shard->server->clock.base);

    throttle_fail(a->by_name, now);
    throttle_fail(a->by_address, now);
    account_fail(a, "auth", 0, "wrong name or password");
}

static void login_verified(struct account *a)
{
    if (!a->right) {
        login_failed(a);
        return;
    }
    throttle_clear(a->by_name);
    auth_token_make(a->token);
    account_submit(a, STORE_DEVICE_ADD, login_added);
}

static void login_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0 && op->rc != -CF_NOT_FOUND) {
        account_fail_code(a, op->rc);
        return;
    }
    a->pwhash[0] = '\0'; /* unknown: verified against a dummy all the same */
    if (op->rc == 0 && op->user_count == 1 && !op->users[0].deleted) {
        a->user = op->users[0].user;
        snprintf(a->pwhash, sizeof(a->pwhash), "%s", op->users[0].pwhash);
    }
    account_in_worker(a, account_verify, login_verified);
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
    account_fail(a, "rate", wait, "too many failed logins");
    return true;
}

void account_login_request(struct http_peer *h)
{
    struct account *a = account_new(h, true);

    if (a != NULL && !throttled(a))
        account_submit(a, STORE_USER, login_looked);
}

/* ---- logout ---- */

static void logout_revoked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        account_fail_code(a, op->rc);
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
        account_fail_code(a, a->op.rc);
    else
        account_fail(a, "auth", 0, "this token is not, or no longer, valid");
    return false;
}

static void logout_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (token_found(a))
        account_submit(a, STORE_DEVICE_REVOKE, logout_revoked);
}

void account_logout_request(struct http_peer *h)
{
    struct account *a = account_alloc(h);

    account_copy(a->token, sizeof(a->token), h->token);
    account_submit(a, STORE_TOKEN, logout_looked);
}

/* ---- password: token, old one, new one ---- */

static void password_set(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0) {
        account_fail_code(a, op->rc);
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
        account_fail(a, "busy", 2000, "no memory to hash the password");
    else
        account_submit(a, STORE_USER_SET, password_set);
}

static void password_verified(struct account *a)
{
    if (a->right)
        account_in_worker(a, account_hash, password_hashed);
    else
        login_failed(a);
}

static void password_looked(struct store_op *op)
{
    struct account *a = op->ctx;

    if (op->rc < 0 || op->user_count != 1) {
        account_fail_code(a, op->rc < 0 ? op->rc : -CF_NOT_FOUND);
        return;
    }
    snprintf(a->name, sizeof(a->name), "%s", op->users[0].name);
    snprintf(a->pwhash, sizeof(a->pwhash), "%s", op->users[0].pwhash);
    if (!throttled(a))
        account_in_worker(a, account_verify, password_verified);
}

static void password_who(struct store_op *op)
{
    struct account *a = op->ctx;

    if (token_found(a))
        account_submit(a, STORE_USER, password_looked);
}

void account_password_request(struct http_peer *h)
{
    struct account *a = account_new(h, false);

    if (a == NULL)
        return;
    account_copy(a->token, sizeof(a->token), h->token);
    account_submit(a, STORE_TOKEN, password_who);
}
