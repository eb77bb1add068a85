/* Accounts for actors: in bulk over the admin socket of a server of our own;
 * given in the environment or registered over HTTP on any other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/fetch.h"
#include "base/mem.h"
#include "client/client.h"
#include "fixture_priv.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define DEVICE_NAME "confab run"

/* ---- the admin socket ---- */

static int admin_refusal(struct fetch *f, const char *cmd, struct error *err)
{
    struct error ignored;
    json_t *j = json_parse(buf_span(&f->answer), &ignored);
    const char *msg = json_string_value(json_object_get(j, "msg"));
    int code = f->status == 404   ? CF_NOT_FOUND
               : f->status == 409 ? CF_EXISTS
               : f->status == 403 ? CF_DENIED
               : f->status == 503 ? CF_BUSY
                                  : CF_INVALID;

    error_set(err, code, "ctl %s: %s", cmd,
              msg != NULL ? msg : "refused without a reason");
    if (j != NULL)
        json_decref(j);
    return -code;
}

int fixture_ask(struct fixture *f, const char *cmd, json_t *args,
                struct buf *answer, struct error *err)
{
    struct fetch get = {.url = "http://localhost/v1/ctl",
                        .unix_socket = f->admin,
                        .timeout_ms = ADMIN_PATIENCE_MS,
                        .max = 64 * 1024 * 1024};
    json_t *request = json_pack("{s:s, s:o, s:s}", "cmd", cmd, "args", args,
                                "by", "confab run");
    struct buf body;
    int rc;

    buf_init(answer, 0);
    if (f->admin[0] == '\0') {
        json_decref(request);
        return error_set(err, CF_DENIED,
                         "this server has no admin socket for confab run");
    }
    buf_init(&body, 8 * 1024 * 1024);
    rc = json_write(&body, request, false);
    json_decref(request);
    get.body = buf_span(&body);
    if (rc == 0)
        rc = fetch_run(&get, err);
    if (rc == 0 && get.status != 200)
        rc = admin_refusal(&get, cmd, err);
    buf_release(&body);
    *answer = get.answer;
    return rc;
}

/* Does the command exist only here: fetch_run() could not connect because the
 * server is down? Then its end is the better reason. */
static int explain(struct fixture *f, int rc, struct error *err)
{
    struct error end = {0};

    if (rc < 0 && f->owned && fixture_check(f, &end) < 0) {
        *err = end;
        return -CF_UNAVAILABLE;
    }
    return rc;
}

/* ---- names ---- */

/* "Alice", "7-3" -> "alice-7-3": lower case, 32 bytes at most. What had to be
 * cut gets the number of the actor, so that it stays apart from the others. */
static void account_name(const char *actor, int i, const char *prefix,
                         char *out, size_t size)
{
    char tail[40];
    size_t room, n = 0;

    snprintf(tail, sizeof(tail), "-%.30s", prefix);
    if (strlen(tail) + strlen(actor) > LIMIT_NAME)
        snprintf(tail, sizeof(tail), "%d-%.24s", i, prefix);
    room = LIMIT_NAME - strlen(tail);
    for (; actor[n] != '\0' && n < room && n + 1 < size; n++) {
        char c = actor[n];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out[n] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
                     ? c
                     : '.';
    }
    snprintf(out + n, size - n, "%s", tail);
}

/* ---- in bulk ---- */

static int read_account(json_t *j, const char *name, struct account *out,
                        struct error *err)
{
    const char *user = NULL, *dev = NULL, *token = NULL;
    uint64_t number = 0;
    int rc = json_need_text(j, "user", &user, err);

    if (rc == 0)
        rc = json_need_text(j, "dev", &dev, err);
    if (rc == 0)
        rc = json_need_text(j, "token", &token, err);
    if (rc < 0)
        return rc;
    if (!id_parse(span_of(user), 'u', &out->user) ||
        !id_parse(span_of(dev), 'd', &number) ||
        strlen(token) >= sizeof(out->token))
        return error_set(err, CF_INVALID, "the server's answer makes no sense");
    out->dev = (uint32_t)number;
    snprintf(out->token, sizeof(out->token), "%s", token);
    if (name != out->name)
        snprintf(out->name, sizeof(out->name), "%s", name);
    return 0;
}

/* The account of that name in out, whose lines come in any order. */
static int place_line(struct span line, struct account *out, int count,
                      int *next, struct error *err)
{
    json_t *j = json_parse(line, err);
    const char *name = NULL;
    int rc = j == NULL ? -CF_INVALID : json_need_text(j, "name", &name, err);

    for (int i = 0; rc == 0 && i < count; i++) {
        struct account *a = &out[(*next + i) % count];

        if (strcmp(a->name, name) != 0)
            continue;
        *next = *next + i + 1;
        rc = read_account(j, a->name, a, err);
        break;
    }
    if (j != NULL)
        json_decref(j);
    return rc;
}

static int bulk(struct fixture *f, int count, struct account *out,
                struct error *err)
{
    json_t *names = json_array();
    struct buf answer;
    struct span rest;
    int next = 0, rc;

    for (int i = 0; i < count; i++)
        json_array_append_new(names, json_string(out[i].name));
    rc = fixture_ask(f, "user many", names, &answer, err);
    rest = buf_span(&answer);
    while (rc == 0 && rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;

        if (n > 0)
            rc = place_line(span_make(rest.p, n), out, count, &next, err);
        n += end != NULL ? 1 : 0;
        rest = span_make(rest.p + n, rest.n - n);
    }
    if (answer.data != NULL)
        explicit_bzero(answer.data, answer.len);
    buf_release(&answer);
    for (int i = 0; rc == 0 && i < count; i++)
        if (out[i].token[0] == '\0')
            rc = error_set(err, CF_INVALID, "no account %s came back",
                           out[i].name);
    return explain(f, rc, err);
}

/* ---- one by one ---- */

static void remember(struct fixture *f, const char *name, const char *password,
                     const char *login)
{
    struct known *k = mem_alloc(sizeof(*k));

    snprintf(k->name, sizeof(k->name), "%s", name);
    snprintf(k->password, sizeof(k->password), "%s", password);
    snprintf(k->token, sizeof(k->token), "%s", login);
    k->next = f->known;
    f->known = k;
}

static const struct known *find_known(const struct fixture *f, const char *name)
{
    for (const struct known *k = f->known; k != NULL; k = k->next)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

void fixture_forget(struct fixture *f)
{
    while (f->known != NULL) {
        struct known *k = f->known;

        f->known = k->next;
        if (k->token[0] != '\0')
            (void)account_logout(f->url, k->token, NULL, NULL);
        explicit_bzero(k, sizeof(*k));
        free(k);
    }
}

static int login(struct fixture *f, const char *name, const char *password,
                 struct account *out, struct error *err)
{
    struct account_answer got = {0};
    int rc = account_login(f->url, name, span_of(password), DEVICE_NAME, NULL,
                           &got, err);

    if (rc < 0)
        return rc;
    out->user = got.user;
    out->dev = got.dev;
    if (name != out->name)
        snprintf(out->name, sizeof(out->name), "%s", name);
    snprintf(out->token, sizeof(out->token), "%s", got.token);
    remember(f, name, password, got.token);
    explicit_bzero(&got, sizeof(got));
    return 0;
}

/* "NAME:PASSWORD", or "NAME:cfb_..." with a token of ours, or
 * "NAME:token:..." with the token of any server. The number of the user and
 * of the device of a token are known once it has connected. */
static int given(struct fixture *f, const char *actor, const char *secret,
                 struct account *out, struct error *err)
{
    const char *colon = strchr(secret, ':');
    size_t n = colon != NULL ? (size_t)(colon - secret) : 0;
    bool named = colon != NULL && strncmp(colon + 1, "token:", 6) == 0;
    const char *token = named ? colon + 7 : colon + 1;

    if (n == 0 || n >= sizeof(out->name))
        return error_set(err, CF_INVALID,
                         "CONFAB_SECRET_%s: it is NAME:PASSWORD or "
                         "NAME:token:TOKEN",
                         actor);
    snprintf(out->name, sizeof(out->name), "%.*s", (int)n, secret);
    if (!named && strncmp(token, "cfb_", 4) != 0)
        return login(f, out->name, colon + 1, out, err);
    if (strlen(token) >= sizeof(out->token))
        return error_set(err, CF_TOO_BIG, "CONFAB_SECRET_%s: long token",
                         actor);
    snprintf(out->token, sizeof(out->token), "%s", token);
    return 0;
}

static int registered(struct fixture *f, struct account *out, struct error *err)
{
    struct account_answer got = {0};
    unsigned char random[16];
    char password[2 * sizeof(random) + 1];
    int rc;

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return error_set(err, CF_IO, "no random bytes");
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(password + 2 * i, 3, "%02x", random[i]);
    rc = account_register(f->url, out->name, span_of(password), DEVICE_NAME,
                          NULL, NULL, &got, err);
    if (rc == 0) {
        out->user = got.user;
        out->dev = got.dev;
        snprintf(out->token, sizeof(out->token), "%s", got.token);
        remember(f, out->name, password, "");
    }
    explicit_bzero(&got, sizeof(got));
    explicit_bzero(password, sizeof(password));
    return rc;
}

static int single(struct fixture *f, const char *actor, struct account *out,
                  struct error *err)
{
    char variable[96];
    const char *secret;
    struct error why = {0};
    int rc;

    snprintf(variable, sizeof(variable), "CONFAB_SECRET_%.64s", actor);
    secret = getenv(variable);
    rc = secret != NULL && secret[0] != '\0'
             ? given(f, actor, secret, out, &why)
             : registered(f, out, &why);
    if (rc == 0)
        return 0;
    return error_set(err, -rc, "no account for %s: %s%s", actor, why.text,
                     secret == NULL ? " (an account may be given in "
                                      "CONFAB_SECRET_ and the actor's name)"
                                    : "");
}

int fixture_accounts(struct fixture *f, const char *const *actors, int count,
                     const char *prefix, struct account *out, struct error *err)
{
    int rc = 0;

    memset(out, 0, (size_t)count * sizeof(*out));
    for (int i = 0; i < count; i++)
        account_name(actors[i], i, prefix, out[i].name, sizeof(out[i].name));
    if (count > 0 && f->admin[0] != '\0')
        return bulk(f, count, out, err);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = single(f, actors[i], &out[i], err);
    return explain(f, rc, err);
}

/* ---- further devices ---- */

int fixture_device(struct fixture *f, const struct account *of,
                   struct account *out, struct error *err)
{
    const struct known *k = find_known(f, of->name);
    struct buf answer;
    json_t *j;
    int rc;

    memset(out, 0, sizeof(*out));
    if (k != NULL)
        return login(f, of->name, k->password, out, err);
    if (f->admin[0] == '\0')
        return error_set(err, CF_DENIED,
                         "a further device of %s needs its password: give "
                         "NAME:PASSWORD instead of a token",
                         of->name);
    rc = fixture_ask(f, "token add", json_pack("[s]", of->name), &answer, err);
    j = rc == 0 ? json_parse(buf_span(&answer), err) : NULL;
    if (rc == 0)
        rc = j == NULL ? -CF_INVALID : read_account(j, of->name, out, err);
    if (j != NULL)
        json_decref(j);
    if (answer.data != NULL)
        explicit_bzero(answer.data, answer.len);
    buf_release(&answer);
    return explain(f, rc, err);
}

/* ---- the clock ---- */

int fixture_clock(struct fixture *f, int64_t ms, bool hold, struct error *err)
{
    struct buf answer;
    char text[32];
    int rc;

    snprintf(text, sizeof(text), "%lldms", (long long)ms);
    rc = fixture_ask(f, "clock advance",
                     hold ? json_pack("[ss]", text, "hold")
                          : json_pack("[s]", text),
                     &answer, err);
    buf_release(&answer);
    return explain(f, rc, err);
}
