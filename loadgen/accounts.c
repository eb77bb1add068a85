#include "accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/json.h"
#include "base/mem.h"

#define AT_ONCE 100000 /* of one request: its answer stays below 64 MiB */
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define ATTEMPTS 20 /* when the server is busy */
#define PAUSE_NS 500000000
#define TOKENS_MAX UINT32_MAX

static int add(struct account_set *a, uint64_t user, const char *token,
               struct error *err)
{
    size_t n = strlen(token) + 1;

    if (user == 0 || n == 1 || n > ACCOUNT_TOKEN + 1 ||
        a->used + n > TOKENS_MAX)
        return error_set(err, CF_INVALID,
                         "account %" PRId64 ": no user or "
                         "no token",
                         a->count);
    if (a->count == a->room) {
        a->room = a->room == 0 ? 1024 : a->room * 2;
        a->rows = mem_grow(a->rows, (size_t)a->room, sizeof(a->rows[0]));
    }
    while (a->used + n > a->tokens_room) {
        a->tokens_room = a->tokens_room == 0 ? 65536 : a->tokens_room * 2;
        a->tokens = mem_grow(a->tokens, a->tokens_room, 1);
    }
    memcpy(a->tokens + a->used, token, n);
    a->rows[a->count++] = (struct account_row){user, (uint32_t)a->used};
    a->used += n;
    return 0;
}

/* "u17" */
static uint64_t user_number(const char *text)
{
    return text[0] == 'u' ? strtoull(text + 1, NULL, 10) : 0;
}

/* {"name":"a0","user":"u1","dev":"d1","token":"cfb_..."}: the tokens and ids
 * of the server hold no escapes, so that a line is cut up by hand, at ten
 * times the speed of a parser. */
static int add_json_line(struct account_set *a, char *line, struct error *err)
{
    char *user = strstr(line, "\"user\":\""), *token, *end;

    token = strstr(line, "\"token\":\"");
    if (user == NULL || token == NULL)
        return error_set(err, strstr(line, "busy") ? CF_BUSY : CF_INVALID,
                         "the server answered with what is no account: %.100s",
                         line);
    token += strlen("\"token\":\"");
    end = strchr(token, '"');
    if (end != NULL)
        *end = '\0';
    return add(a, user_number(user + strlen("\"user\":\"")), token, err);
}

static int add_answer(struct account_set *a, struct buf *answer,
                      struct error *err)
{
    char *line, *end;
    int rc;

    if (buf_cstr(answer) == NULL)
        return error_set(err, CF_TOO_BIG, "the answer is too long");
    line = answer->data;
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        rc = add_json_line(a, line, err);
        if (rc < 0)
            return rc;
        line = end + 1;
    }
    return 0;
}

static int make_some(struct account_set *a, const char *socket,
                     const char *prefix, int64_t count, struct error *err)
{
    char body[160];
    struct fetch f = {.url = "http://localhost/v1/ctl",
                      .unix_socket = socket,
                      .timeout_ms = 600000,
                      .max = ANSWER_MAX};
    int n = snprintf(body, sizeof(body),
                     "{\"cmd\":\"user bulk\",\"by\":\"confab-load\","
                     "\"args\":[\"%s\",\"%" PRId64 "\"]}",
                     prefix, count);
    int rc;

    f.body = span_make(body, (size_t)n);
    rc = fetch_run(&f, err);
    if (rc < 0)
        error_set(err, CF_UNAVAILABLE,
                  "no server at %s: is confabd running, with this data "
                  "directory?",
                  socket);
    else if (f.status == 503)
        rc = -CF_BUSY;
    else if (f.status != 200)
        rc = error_set(err, CF_UNAVAILABLE,
                       "%s: the server made no users: "
                       "status %ld %.*s",
                       socket, f.status,
                       (int)(f.answer.len < 120 ? f.answer.len : 120),
                       f.answer.data != NULL ? f.answer.data : "");
    else
        rc = add_answer(a, &f.answer, err);
    buf_release(&f.answer);
    return rc;
}

int accounts_plain(struct account_set **out, int64_t count, struct error *err)
{
    struct account_set *a = mem_alloc(sizeof(*a));
    int rc = 0;

    for (int64_t i = 1; i <= count && rc == 0; i++)
        rc = add(a, (uint64_t)i, "-", err);
    if (rc == 0)
        *out = a;
    else
        accounts_free(&a);
    return rc;
}

/* A server that has just worked hard may say busy. What it made until then
 * keeps its names: each attempt has names of its own. */
static int make_patiently(struct account_set *a, const char *socket,
                          const char *name, int64_t left, struct error *err)
{
    int64_t count = left < AT_ONCE ? left : AT_ONCE;
    char again[48];
    int rc = make_some(a, socket, name, count, err);

    for (int i = 1; rc == -CF_BUSY && i <= ATTEMPTS; i++) {
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        snprintf(again, sizeof(again), "%d.%s", i, name);
        rc = make_some(a, socket, again, count, err);
    }
    if (rc == -CF_BUSY)
        error_set(err, CF_UNAVAILABLE,
                  "%s: the server is too busy to make users", socket);
    return rc == -CF_BUSY ? -CF_UNAVAILABLE : rc;
}

/* Letters and digits alone go into a request and a name. */
static bool plain(const char *prefix)
{
    size_t n = strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

    return n > 0 && n <= 20 && prefix[n] == '\0';
}

int accounts_make(struct account_set **out, const char *admin_socket,
                  const char *prefix, int64_t count, struct error *err)
{
    struct account_set *a;
    int64_t part = 0;
    int rc = 0;

    *out = NULL;
    if (!plain(prefix))
        return error_set(err, CF_INVALID,
                         "prefix '%s': at most 20 of a-z 0-9 _ . -", prefix);
    a = mem_alloc(sizeof(*a));
    while (rc == 0 && a->count < count) {
        int64_t left = count - a->count, had = a->count;
        char name[40];

        /* prefix-0 ...; each request after the first numbers anew. */
        if (part == 0)
            snprintf(name, sizeof(name), "%s-", prefix);
        else
            snprintf(name, sizeof(name), "%s.%" PRId64 "-", prefix, part);
        rc = make_patiently(a, admin_socket, name, left, err);
        if (rc == 0 && a->count == had)
            rc = error_set(err, CF_UNAVAILABLE, "the server made no users");
        part++;
    }
    if (rc < 0)
        accounts_free(&a);
    *out = a;
    return rc;
}

/* ---- from a file ---- */

static int add_text_line(struct account_set *a, const char *path, int line,
                         const char *text, struct error *err)
{
    char user[32], token[ACCOUNT_TOKEN + 1];

    if (sscanf(text, "%*63s %31s %*31s %128s", user, token) != 2)
        return error_set(err, CF_INVALID,
                         "%s:%d: expected 'name user dev token'", path, line);
    if (add(a, user_number(user), token, err) < 0)
        return error_set(err, CF_INVALID, "%s:%d: no user or no token", path,
                         line);
    return 0;
}

static int check_mode(int fd, const char *path, struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    if ((st.st_mode & 077) != 0)
        return error_set(err, CF_DENIED,
                         "%s: others may read it, and it holds tokens; try: "
                         "chmod 600 %s",
                         path, path);
    return 0;
}

int accounts_read(struct account_set **out, const char *path, struct error *err)
{
    FILE *f = fopen(path, "re");
    struct account_set *a;
    char text[512];
    int rc, line = 0;

    *out = NULL;
    if (f == NULL)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    rc = check_mode(fileno(f), path, err);
    a = mem_alloc(sizeof(*a));
    while (rc == 0 && fgets(text, sizeof(text), f) != NULL) {
        line++;
        if (text[0] != '#' && text[0] != '\n')
            rc = add_text_line(a, path, line, text, err);
    }
    fclose(f);
    if (rc == 0 && a->count == 0)
        rc = error_set(err, CF_INVALID, "%s: no account in it", path);
    if (rc < 0)
        accounts_free(&a);
    *out = a;
    return rc;
}

void accounts_free(struct account_set **a)
{
    if (*a == NULL)
        return;
    if ((*a)->tokens != NULL)
        explicit_bzero((*a)->tokens, (*a)->tokens_room);
    free((*a)->rows);
    free((*a)->tokens);
    free(*a);
    *a = NULL;
}

int64_t accounts_count(const struct account_set *a)
{
    return a->count;
}
