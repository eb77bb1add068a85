#include "coordinate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accounts.h"
#include "base/clock.h"
#include "commands.h"
#include "tls_secret.h"

#define LINES_BYTES (1 << 20) /* of accounts in one message */
#define HELLO_MS 10000
#define READY_MS 120000

/* ---- listening ---- */

static int parse_listen(struct sockaddr_in *a, const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[64] = "127.0.0.1", *end;
    long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;

    if (colon != NULL && colon > text)
        snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    return port >= 0 && port <= 65535 && *end == '\0' && end > colon + 1 &&
                   inet_pton(AF_INET, host, &a->sin_addr) == 1
               ? 0
               : -CF_INVALID;
}

int coordinate_listen(struct coordinator *c)
{
    const char *at = c->r->args.listen;
    struct sockaddr_in a = {0};
    socklen_t n = sizeof(a);
    int on = 1;

    if (parse_listen(&a, at) < 0)
        return load_fail(LOAD_USAGE, "--listen 0.0.0.0:7070",
                         "--listen '%s' must be ADDR:PORT", at);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (c->listener < 0 ||
        bind(c->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(c->listener, 64) < 0 ||
        getsockname(c->listener, (struct sockaddr *)&a, &n) < 0)
        return load_fail(LOAD_USAGE, "--listen 127.0.0.1:0", "--listen %s: %s",
                         at, strerror(errno));
    c->port = ntohs(a.sin_port);
    return 0;
}

/* ---- local agents ---- */

/* Without --secret-file: a secret of this run, in a file of ours. */
static int make_secret(struct coordinator *c)
{
    const char *tmp = getenv("TMPDIR");
    int fd;

    wire_nonce(c->secret);
    snprintf(c->secret_path, sizeof(c->secret_path),
             "%.200s/confab-load-secret-XXXXXX",
             tmp != NULL && *tmp == '/' ? tmp : "/tmp");
    fd = mkostemp(c->secret_path, O_CLOEXEC);
    if (fd < 0 || dprintf(fd, "%s\n", c->secret) < 0)
        return load_fail(LOAD_USAGE, NULL, "%s: %s", c->secret_path,
                         strerror(errno));
    close(fd);
    c->r->args.secret_file = c->secret_path;
    return 0;
}

_Noreturn static void become_agent(const struct coordinator *c, int parent)
{
    char join[64], file[300];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    snprintf(join, sizeof(join), "127.0.0.1:%d", c->port);
    snprintf(file, sizeof(file), "%s", c->r->args.secret_file);
    execl("/proc/self/exe", "confab-load", "agent", "--local", "--join", join,
          "--secret-file", file, (char *)NULL);
    _exit(127);
}

int coordinate_start_local(struct coordinator *c, int count)
{
    struct error err = {0};
    int rc = 0, parent = getpid();

    if (c->r->args.secret_file == NULL)
        rc = make_secret(c);
    else if (secret_read(c->secret, c->r->args.secret_file, &err) < 0)
        rc = load_fail_error("--secret-file FILE, mode 0600", &err);
    for (int i = 0; rc == 0 && i < count; i++) {
        int pid = fork();

        if (pid == 0)
            become_agent(c, parent);
        if (pid < 0)
            return load_fail(LOAD_USAGE, NULL, "fork: %s", strerror(errno));
        c->pids[c->npids++] = pid;
    }
    return rc;
}

/* ---- greeting ---- */

static bool is_ours(const struct coordinator *c, int pid)
{
    for (int i = 0; i < c->npids; i++)
        if (c->pids[i] == pid)
            return true;
    return false;
}

static bool hello_well(struct coordinator *c, struct peer *p, json_t *hello,
                       const char *nonce)
{
    const char *name = json_string_value(json_object_get(hello, "name")),
               *mac = json_string_value(json_object_get(hello, "mac")),
               *theirs = json_string_value(json_object_get(hello, "nonce"));
    char proof[65];

    wire_proof(proof, c->secret, "agent", nonce);
    if (name == NULL || mac == NULL || theirs == NULL ||
        strcmp(wire_kind(hello), "hello") != 0 || !secret_same(mac, proof)) {
        load_fail(0, NULL,
                  "an agent that does not know the secret was sent "
                  "away");
        wire_put(&p->wire, json_pack("{s:s,s:s}", "t", "error", "text",
                                     "the secrets differ"));
        return false;
    }
    p->pid = (int)json_integer_value(json_object_get(hello, "pid"));
    p->local = is_ours(c, p->pid);
    p->cores = (int)json_integer_value(json_object_get(hello, "cores"));
    p->fit = json_integer_value(json_object_get(hello, "fit"));
    snprintf(p->name, sizeof(p->name), "%.60s/%d", name, p->pid);
    wire_proof(proof, c->secret, "coordinator", theirs);
    memcpy(p->outcome.verdict, proof, sizeof(proof)); /* until assign */
    return p->cores > 0 && p->fit > 0;
}

static void greet(struct coordinator *c, int fd)
{
    struct peer *p = &c->peers[c->n];
    char nonce[WIRE_NONCE];
    json_t *hello = NULL;

    memset(p, 0, sizeof(*p));
    wire_end_init(&p->wire, fd);
    wire_nonce(nonce);
    wire_put(&p->wire,
             json_pack("{s:s,s:s}", "t", "challenge", "nonce", nonce));
    if (wire_get(&p->wire, HELLO_MS, &hello) == 1 &&
        hello_well(c, p, hello, nonce)) {
        c->n++;
        if (!c->r->args.quiet)
            fprintf(stderr, "agent %s: %d cores, %d of %d\n", p->name, p->cores,
                    c->n, c->wanted);
    } else {
        wire_end_close(&p->wire);
    }
    json_decref(hello);
}

int coordinate_gather(struct coordinator *c)
{
    struct pollfd p = {.fd = c->listener, .events = POLLIN};

    while (c->n < c->wanted) {
        if (run_interrupted())
            return LOAD_STOPPED;
        if (poll(&p, 1, 500) > 0) {
            int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0)
                greet(c, fd);
        }
        for (int i = 0; i < c->npids; i++)
            if (waitpid(c->pids[i], NULL, WNOHANG) == c->pids[i]) {
                c->pids[i] = 0;
                return load_fail(LOAD_UNREACHABLE, NULL,
                                 "a local agent ended before it began");
            }
    }
    return 0;
}

/* ---- assigning ---- */

static int send_accounts(struct coordinator *c, struct peer *p, int64_t first,
                         int64_t count)
{
    const struct account_set *a = c->r->target.accounts;
    struct buf lines;
    int rc = 0;

    buf_init(&lines, LINES_BYTES + 512);
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        buf_printf(&lines, "a u%" PRIu64 " d1 %s\n", account_user(a, first + i),
                   account_token(a, first + i));
        if (lines.len < LINES_BYTES && i + 1 < count)
            continue;
        rc = wire_put(&p->wire,
                      json_pack("{s:s,s:s#,s:b}", "t", "accounts", "lines",
                                lines.data, lines.len, "last", i + 1 == count));
        buf_clear(&lines);
    }
    buf_release(&lines);
    return rc;
}

/* The agent's part of each record, at the rate that the part has. */
static int send_record(struct peer *p, const struct scenario *s, int traffic)
{
    const struct traffic *t = &s->traffic[traffic];
    const struct record *r = t->record;
    double share = record_share(t->record_from, t->record_to);
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && at < r->n) {
        json_t *list = record_part(r, t->record_from, t->record_to, &at);

        rc = wire_put(&p->wire,
                      json_pack("{s:s,s:i,s:f,s:f,s:o,s:b}", "t", "arrivals",
                                "traffic", traffic, "period", r->period, "rate",
                                r->rate * share, "at", list, "last",
                                at == r->n));
    }
    return rc;
}

static int send_records(struct peer *p, const struct scenario *s)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < s->ntraffic; i++)
        if (s->traffic[i].record != NULL)
            rc = send_record(p, s, i);
    return rc;
}

static int assign_one(struct coordinator *c, int i)
{
    const struct target *t = &c->r->target;
    struct peer *p = &c->peers[i];
    int rc;

    p->users = c->parts[i].users.count;
    rc = wire_put(
        &p->wire,
        json_pack(
            "{s:s,s:s,s:s,s:o,s:s,s:i,s:b,s:I,s:I,s:s,s:i,s:I}", "t", "assign",
            "url", t->url, "mac", p->outcome.verdict, "scenario",
            scenario_json(&c->parts[i]), "host", t->host, "port", t->port,
            "tls", t->tls, "seed", (json_int_t)c->r->args.seed + i, "run",
            (json_int_t)((c->r->run + (uint64_t)i) & INT64_MAX), "io",
            c->r->args.io != NULL ? c->r->args.io : "auto", "server_pid",
            p->local ? t->server_pid : 0, "fold_ms", (json_int_t)t->fold_ms));
    memset(&p->outcome, 0, sizeof(p->outcome));
    if (rc == 0)
        rc = send_records(p, &c->parts[i]);
    return rc == 0 ? send_accounts(c, p, c->first[i], p->users) : rc;
}

int coordinate_assign(struct coordinator *c)
{
    double weights[SPLIT_PARTS];
    struct error err = {0};
    json_t *j;

    for (int i = 0; i < c->n; i++)
        weights[i] = c->peers[i].cores;
    if (scenario_split(c->parts, c->first, &c->r->scenario, weights, c->n,
                       &err) < 0)
        return load_fail_error("fewer --agents, or more --conns", &err);
    for (int i = 0; i < c->n; i++)
        if (c->parts[i].users.count > c->peers[i].fit)
            return load_fail(LOAD_USAGE, "more agents, or fewer --conns",
                             "agent %s has room for %" PRId64
                             " users, its part has %" PRId64,
                             c->peers[i].name, c->peers[i].fit,
                             c->parts[i].users.count);
    for (int i = 0; i < c->n; i++)
        if (assign_one(c, i) < 0)
            return load_fail(LOAD_UNREACHABLE, NULL, "agent %s is gone",
                             c->peers[i].name);
    for (int i = 0; i < c->n; i++) {
        int rc = wire_get(&c->peers[i].wire, READY_MS, &j);

        if (rc == 1 && strcmp(wire_kind(j), "ready") == 0)
            json_decref(j);
        else
            return load_fail(LOAD_UNREACHABLE, NULL,
                             "agent %s does not get ready", c->peers[i].name);
    }
    return 0;
}

void coordinate_close(struct coordinator *c)
{
    for (int i = 0; i < c->n; i++)
        wire_end_close(&c->peers[i].wire);
    if (c->listener > 0)
        close(c->listener);
    /* An agent without a coordinator ends; one that hangs is ended. */
    for (int i = 0; i < c->npids; i++) {
        if (c->pids[i] == 0)
            continue;
        kill(c->pids[i], SIGTERM);
        for (int k = 0; k < 100 && waitpid(c->pids[i], NULL, WNOHANG) == 0;
             k++) {
            poll(NULL, 0, 20);
            if (k == 99)
                kill(c->pids[i], SIGKILL);
        }
        waitpid(c->pids[i], NULL, 0);
    }
    if (c->secret_path[0] != '\0')
        unlink(c->secret_path);
    for (int m = 0; m < METRICS; m++)
        hist_release(&c->fresh[m]);
    collect_release(&c->heard);
}
