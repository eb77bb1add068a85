#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/encode.h"

/* ---- the frame around every operation ---- */

void account_free(struct account *a)
{
    if (a->http != NULL)
        a->http->account = NULL;
    if (a->op_used)
        store_op_release(&a->op);
    a->shard->accounts--;
    auth_wipe(a, sizeof(*a));
    free(a);
}

struct account *account_alloc(struct http_peer *h)
{
    struct account *a = mem_alloc(sizeof(*a));

    a->http = h;
    a->shard = h->peer.shard;
    a->shard->accounts++;
    h->account = a;
    return a;
}

void account_fail(struct account *a, const char *code, int64_t retry,
                  const char *msg)
{
    if (a->http != NULL)
        http_error(a->http, code, retry, msg);
    account_free(a);
}

void account_fail_code(struct account *a, int rc)
{
    if (rc == -CF_EXISTS)
        account_fail(a, "exists", 0, "that name is taken");
    else if (rc == -CF_LIMIT)
        account_fail(a, "limit", 0, "too many devices: revoke one first");
    else
        account_fail(a, err_code_of(rc), 1000, "the store cannot do it now");
}

/* Submit the store operation of this step; done runs with it. */
void account_submit(struct account *a, enum store_verb verb,
                    store_done_fn *done)
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

void account_hash(void *arg)
{
    struct account *a = arg;
    const char *password = a->fresh[0] != '\0' ? a->fresh : a->password;

    a->rc = auth_password_hash(span_of(password), a->pwhash);
}

void account_verify(void *arg)
{
    struct account *a = arg;

    a->right = auth_password_verify(span_of(a->password), a->pwhash);
}

static void worker_done(void *arg)
{
    struct account *a = arg;

    a->next(a);
}

void account_in_worker(struct account *a, void (*work)(void *),
                       void (*next)(struct account *))
{
    struct server *s = a->shard->server;

    a->next = next;
    a->rc = 0;
    if (worker_submit(s->hashing, work, a->shard->loop, worker_done, a) < 0)
        account_fail(a, "busy", 2000, "too many logins at once");
}

void account_answer_token(struct account *a, int status)
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

bool account_copy(char *out, size_t size, const char *text)
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
struct account *account_new(struct http_peer *h, bool with_name)
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
    if (rc == 0 && !(account_copy(a->name, sizeof(a->name), name) &&
                     account_copy(a->password, sizeof(a->password), password) &&
                     account_copy(a->fresh, sizeof(a->fresh), fresh) &&
                     account_copy(a->device, sizeof(a->device), device) &&
                     account_copy(a->invite, sizeof(a->invite), invite)))
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
    account_fail(a, "bad_frame", 0, err.text);
    return NULL;
}
