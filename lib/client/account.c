/* Accounts over HTTP: register, login, logout. */
#include "client.h"

#include <stdio.h>
#include <string.h>

#include "base/fetch.h"
#include "base/json.h"
#include "proto/encode.h"
#include "proto/ids.h"

/* ws://host:port -> http://host:port + path. */
static int http_url(const char *server, const char *path, char *out,
                    size_t size, struct error *err)
{
    static const char *const pairs[][2] = {{"wss://", "https://"},
                                           {"ws://", "http://"},
                                           {"https://", "https://"},
                                           {"http://", "http://"}};

    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(pairs[i][0]);

        if (strncmp(server, pairs[i][0], n) != 0)
            continue;
        snprintf(out, size, "%s%.*s%s", pairs[i][1],
                 (int)strcspn(server + n, "/?#"), server + n, path);
        return 0;
    }
    return error_set(err, CF_INVALID,
                     "'%s': a server is ws://HOST:PORT or wss://HOST:PORT",
                     server);
}

static int code_of_status(long status)
{
    switch (status) {
    case 401:
        return CF_DENIED;
    case 403:
        return CF_BLOCKED;
    case 404:
        return CF_NOT_FOUND;
    case 409:
        return CF_EXISTS;
    case 429:
    case 503:
        return CF_BUSY;
    default:
        return CF_INVALID;
    }
}

static int refusal(const struct fetch *f, struct error *err)
{
    struct error ignored;
    json_t *j = json_parse(buf_span(&f->answer), &ignored);
    const char *msg = json_string_value(json_object_get(j, "msg"));

    error_set(err, code_of_status(f->status), "%s",
              msg != NULL ? msg : "the server refused");
    if (j != NULL)
        json_decref(j);
    return -err->code;
}

static int read_answer(const struct fetch *f, struct account_answer *out,
                       struct error *err)
{
    json_t *j = json_parse(buf_span(&f->answer), err);
    const char *user = NULL, *dev = NULL, *token = NULL;
    uint64_t number = 0;
    int rc;

    if (j == NULL)
        return -CF_INVALID;
    rc = json_need_text(j, "user", &user, err);
    if (rc == 0)
        rc = json_need_text(j, "dev", &dev, err);
    if (rc == 0)
        rc = json_need_text(j, "token", &token, err);
    if (rc == 0 && (!id_parse(span_of(user), 'u', &out->user) ||
                    !id_parse(span_of(dev), 'd', &number) ||
                    strlen(token) >= sizeof(out->token)))
        rc = error_set(err, CF_INVALID, "the answer makes no sense");
    if (rc == 0) {
        out->dev = (uint32_t)number;
        snprintf(out->token, sizeof(out->token), "%s", token);
    }
    json_decref(j);
    return rc;
}

static int post(const char *server, const char *path, struct buf *body,
                const char *token, const char *ca_file,
                struct account_answer *out, struct error *err)
{
    char url[512];
    struct fetch f = {.method = "POST",
                      .url = url,
                      .bearer = token,
                      .ca_file = ca_file,
                      .body = buf_span(body)};
    int rc = http_url(server, path, url, sizeof(url), err);

    if (rc == 0)
        rc = fetch_run(&f, err);
    if (rc == 0 && f.status / 100 != 2)
        rc = refusal(&f, err);
    else if (rc == 0 && out != NULL)
        rc = read_answer(&f, out, err);
    if (f.answer.data != NULL)
        explicit_bzero(f.answer.data, f.answer.len);
    buf_release(&f.answer);
    return rc;
}

static int ask(const char *path, const char *server, const char *name,
               struct span password, const char *device, const char *invite,
               const char *ca_file, struct account_answer *out,
               struct error *err)
{
    struct buf b;
    int rc;

    buf_init(&b, 8192);
    buf_append_byte(&b, '{');
    enc_member_text(&b, "name", span_of(name));
    enc_member_text(&b, "password", password);
    enc_member_text(&b, "device", span_of(device));
    if (invite != NULL)
        enc_member_text(&b, "invite", span_of(invite));
    buf_append_byte(&b, '}');
    rc = post(server, path, &b, NULL, ca_file, out, err);
    explicit_bzero(b.data, b.len);
    buf_release(&b);
    return rc;
}

int account_register(const char *server, const char *name, struct span password,
                     const char *device, const char *invite,
                     const char *ca_file, struct account_answer *out,
                     struct error *err)
{
    return ask("/v1/register", server, name, password, device, invite, ca_file,
               out, err);
}

int account_login(const char *server, const char *name, struct span password,
                  const char *device, const char *ca_file,
                  struct account_answer *out, struct error *err)
{
    return ask("/v1/login", server, name, password, device, NULL, ca_file, out,
               err);
}

int account_logout(const char *server, const char *token, const char *ca_file,
                   struct error *err)
{
    struct buf b;
    int rc;

    buf_init(&b, 16);
    buf_append_text(&b, "{}");
    rc = post(server, "/v1/logout", &b, token, ca_file, NULL, err);
    buf_release(&b);
    return rc;
}
