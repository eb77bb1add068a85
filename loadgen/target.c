#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/json.h"

#define DEFAULT_URL "ws://127.0.0.1:7000"

/* ---- URLs ---- */

static int parse_url(struct target *t, const char *url, struct error *err)
{
    const char *p = url, *colon, *end;
    long port;
    char *rest;

    t->tls = strncmp(p, "wss://", 6) == 0;
    t->driver = driver_of_url(url);
    if (!t->tls && t->driver == NULL && strncmp(p, "ws://", 5) != 0)
        return error_set(err, CF_INVALID,
                         "'%s' must be ws://HOST:PORT or wss://HOST:PORT", url);
    p = strstr(p, "://") + 3;
    end = p + strcspn(p, "/");
    colon = memrchr(p, ':', (size_t)(end - p));
    t->port = t->tls ? 443 : t->driver != NULL ? 0 : 80;
    if (colon != NULL && (end[-1] != ']')) {
        port = strtol(colon + 1, &rest, 10);
        if (rest != end || port < 1 || port > 65535)
            return error_set(err, CF_INVALID,
                             "'%s' has no port from 1 to "
                             "65535",
                             url);
        t->port = (int)port;
    } else {
        colon = end;
    }
    if (t->port == 0)
        return error_set(err, CF_INVALID, "'%s' has no port", url);
    if (colon == p || (size_t)(colon - p) >= sizeof(t->host) ||
        strlen(url) >= sizeof(t->url))
        return error_set(err, CF_INVALID, "'%s' has no host", url);
    snprintf(t->host, sizeof(t->host), "%.*s", (int)(colon - p), p);
    snprintf(t->url, sizeof(t->url), "%s", url);
    return 0;
}

/* ---- the admin socket ---- */

static int unix_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(a.sun_path))
        return -1;
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The process behind a listening socket; 0: unknown. */
static int pid_behind(const char *path)
{
    struct ucred who = {0};
    socklen_t n = sizeof(who);
    int fd = unix_connect(path);

    if (fd < 0)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        who.pid = 0;
    close(fd);
    return who.pid;
}

/* Ask the server who it is; its url goes to t when t has none. */
static int ask(struct target *t, const char *admin, struct error *err)
{
    struct fetch f = {.url = "http://localhost/v1/ctl",
                      .unix_socket = admin,
                      .timeout_ms = 5000,
                      .body = SPAN("{\"cmd\":\"status\"}")};
    json_t *j = NULL;
    const char *text;
    int rc = fetch_run(&f, err);

    if (rc == 0)
        j = json_parse(buf_span(&f.answer), err);
    buf_release(&f.answer);
    if (rc < 0 || j == NULL)
        return error_set(err, CF_UNAVAILABLE, "no server answers at %s", admin);
    text = json_string_value(json_object_get(j, "url"));
    if (text != NULL && t->url[0] == '\0')
        rc = parse_url(t, text, err);
    text = json_string_value(json_object_get(j, "durability"));
    snprintf(t->durability, sizeof(t->durability), "%s",
             text != NULL ? text : "");
    text = json_string_value(json_object_get(j, "store"));
    snprintf(t->server_name, sizeof(t->server_name), "confabd %s",
             text != NULL ? text : "");
    t->fold_ms = json_integer_value(json_object_get(j, "fold_ms"));
    json_decref(j);
    snprintf(t->admin, sizeof(t->admin), "%s", admin);
    t->server_pid = pid_behind(admin);
    return rc;
}

/* ---- finding one ---- */

/* A `confabd --dev` of this machine: the one of that URL, or the only one. */
static int discover(struct target *t, struct error *err)
{
    struct target found = {0}, one;
    const char *tmp = getenv("TMPDIR");
    char pattern[300];
    int n = 0;
    glob_t g;

    snprintf(pattern, sizeof(pattern), "%.200s/confabd-*/admin.sock",
             tmp != NULL && *tmp == '/' ? tmp : "/tmp");
    if (glob(pattern, 0, NULL, &g) != 0)
        return 0;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        memset(&one, 0, sizeof(one));
        if (pid_behind(g.gl_pathv[i]) == 0 || ask(&one, g.gl_pathv[i], err))
            continue;
        if (t->url[0] != '\0' && strcmp(one.url, t->url) != 0)
            continue;
        found = one;
        n++;
    }
    globfree(&g);
    if (n > 1)
        return error_set(err, CF_INVALID,
                         "%d servers run here; say which with --url or "
                         "--admin",
                         n);
    if (n == 1)
        *t = found;
    return 0;
}

static int from_ready_file(struct target *t, const char *path,
                           struct error *err)
{
    char text[4096];
    FILE *f = fopen(path, "re");
    const char *url = NULL, *admin = NULL;
    json_t *j;
    size_t n;
    int rc;

    if (f == NULL)
        return error_set(err, CF_UNAVAILABLE, "%s: %s", path, strerror(errno));
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    j = json_parse(span_make(text, n), err);
    if (j == NULL || json_need_text(j, "url", &url, err) < 0 ||
        json_need_text(j, "socket", &admin, err) < 0) {
        json_decref(j);
        return error_set(err, CF_INVALID, "%s is no ready file", path);
    }
    rc = t->url[0] != '\0' ? 0 : parse_url(t, url, err);
    if (rc == 0)
        rc = ask(t, admin, err);
    json_decref(j);
    return rc;
}

static int find_server(struct target *t, const struct target_options *o,
                       int64_t conns, struct error *err)
{
    int rc = 0;

    if (o->server != NULL) {
        rc = own_server_start(&t->own, o->server, conns, err);
        if (rc == 0)
            rc = parse_url(t, t->own.url, err);
        if (rc == 0)
            rc = ask(t, t->own.socket, err);
        return rc;
    }
    if (o->url != NULL)
        rc = parse_url(t, o->url, err);
    if (rc == 0 && o->ready_file != NULL)
        return from_ready_file(t, o->ready_file, err);
    if (rc == 0 && o->admin != NULL)
        return ask(t, o->admin, err);
    if (rc == 0 && t->driver == NULL)
        rc = discover(t, err);
    if (rc == 0 && t->url[0] == '\0')
        rc = parse_url(t, DEFAULT_URL, err);
    return rc;
}

/* Is anybody there, and is it on this machine? */
static int knock(struct target *t, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char port[16], host[200];
    int fd = -1, rc;
    char unnamed[48] = "";

    snprintf(port, sizeof(port), ":%d", t->port);
    if (strstr(t->url, port) == NULL)
        snprintf(unnamed, sizeof(unnamed), " (port %d, as it names none)",
                 t->port);
    snprintf(host, sizeof(host), "%s",
             t->host[0] == '[' ? t->host + 1 : t->host);
    host[strcspn(host, "]")] = '\0';
    rc = getaddrinfo(host, port + 1, &hints, &all);
    if (rc != 0)
        return error_set(err, CF_UNAVAILABLE, "%s: %s", t->url,
                         gai_strerror(rc));
    for (struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next) {
        struct sockaddr_in *in = (struct sockaddr_in *)a->ai_addr;

        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
        t->here = fd >= 0 && a->ai_family == AF_INET &&
                  ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    freeaddrinfo(all);
    if (fd < 0)
        return error_set(err, CF_UNAVAILABLE, "%s%s: %s", t->url, unnamed,
                         strerror(errno));
    close(fd);
    return 0;
}

int target_open(struct target *t, const struct target_options *o, int64_t conns,
                struct error *err)
{
    int rc;

    memset(t, 0, sizeof(*t));
    rc = find_server(t, o, conns, err);
    if (rc == 0)
        rc = knock(t, err);
    if (o->server_pid > 0)
        t->server_pid = (int)o->server_pid;
    else if (t->own.pid > 0)
        t->server_pid = t->own.pid;
    if (rc < 0)
        target_close(t);
    return rc;
}

int target_accounts(struct target *t, const struct target_options *o,
                    int64_t count, uint64_t run, struct error *err)
{
    char prefix[20];
    int rc;

    if (t->driver != NULL)
        return accounts_plain(&t->accounts, count, err);
    if (o->accounts != NULL) {
        rc = accounts_read(&t->accounts, o->accounts, err);
        if (rc == 0 && accounts_count(t->accounts) < count)
            rc = error_set(err, CF_INVALID,
                           "%s has %" PRId64 " accounts, the scenario %" PRId64
                           " users",
                           o->accounts, accounts_count(t->accounts), count);
        return rc;
    }
    if (t->admin[0] == '\0')
        return error_set(err, CF_INVALID,
                         "no admin socket of %s is known to make %" PRId64
                         " accounts with; say --admin SOCKET or --accounts "
                         "FILE",
                         t->url, count);
    snprintf(prefix, sizeof(prefix), "load%08" PRIx64, run & 0xffffffff);
    return accounts_make(&t->accounts, t->admin, prefix, count, err);
}

void target_close(struct target *t)
{
    if (t->accounts != NULL)
        accounts_free(&t->accounts);
    own_server_end(&t->own);
}
