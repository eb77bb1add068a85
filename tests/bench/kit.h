/* kit.h - what the benches of a running server share: starting confabd,
 * making accounts over its admin socket, and a small blocking WebSocket
 * client on plain sockets. One program includes it once. */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fetch.h"
#include "base/json.h"
#include "base/mem.h"

#define KIT_UNUSED __attribute__((unused))

/* ---- the server ---- */

struct kit_server {
    pid_t pid;
    int port;
    char dir[64], socket[160], ready[128];
};

struct kit_account {
    char user[24], dev[16], token[64];
};

static inline void kit_die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static KIT_UNUSED bool kit_read_ready(struct kit_server *s)
{
    char text[1024];
    int fd = open(s->ready, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    char *colon;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    colon = strstr(text, "127.0.0.1:");
    s->port = colon != NULL ? (int)strtol(colon + 10, NULL, 10) : 0;
    return s->port > 0;
}

/* Start confabd from BIN; args end with NULL. Ends with the bench. */
static KIT_UNUSED void kit_start(struct kit_server *s, const char *const *extra)
{
    const char *bin = getenv("BIN");
    char path[4096];
    const char *argv[32] = {path,          "--dev",        "--data",
                            s->dir,        "--ready-file", s->ready,
                            "--log-level", "warn",         "--no-budgets"};
    int n = 9;

    snprintf(path, sizeof(path), "%s/confabd",
             bin != NULL ? bin : "build/release/bin");
    snprintf(s->dir, sizeof(s->dir), "/tmp/confab-bench-%d", (int)getpid());
    mkdir(s->dir, 0700);
    snprintf(s->ready, sizeof(s->ready), "%s/ready.json", s->dir);
    snprintf(s->socket, sizeof(s->socket), "%s/admin.sock", s->dir);
    for (int i = 0; extra != NULL && extra[i] != NULL; i++)
        argv[n++] = extra[i];
    unlink(s->ready);
    s->pid = fork();
    if (s->pid == 0) {
        execv(path, (char *const *)argv);
        kit_die(path);
    }
    while (!kit_read_ready(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) != 0)
            kit_die("confabd ended");
        poll(NULL, 0, 20);
    }
}

static KIT_UNUSED void kit_stop(struct kit_server *s)
{
    char command[160];

    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf %s", s->dir);
    if (system(command) != 0)
        fprintf(stderr, "bench: %s is left over\n", s->dir);
}

static KIT_UNUSED void kit_take_account(json_t *j, struct kit_account *a)
{
    const char *user = json_string_value(json_object_get(j, "user"));
    const char *dev = json_string_value(json_object_get(j, "dev"));
    const char *token = json_string_value(json_object_get(j, "token"));

    if (user == NULL || dev == NULL || token == NULL)
        kit_die("no account in the answer");
    snprintf(a->user, sizeof(a->user), "%s", user);
    snprintf(a->dev, sizeof(a->dev), "%s", dev);
    snprintf(a->token, sizeof(a->token), "%s", token);
}

/* count accounts PREFIX0.. with tokens. Free with free(). */
static KIT_UNUSED struct kit_account *
kit_accounts(struct kit_server *s, const char *prefix, int count)
{
    struct kit_account *all = mem_array((size_t)count, sizeof(*all));
    struct error err = {0};
    char body[160];
    struct fetch f = {.url = "http://localhost/v1/ctl",
                      .unix_socket = s->socket,
                      .max = 64 * 1024 * 1024,
                      .timeout_ms = 600000};
    struct span rest;
    int n = 0;

    snprintf(body, sizeof(body),
             "{\"cmd\":\"user bulk\",\"args\":[\"%s\",\"%d\"],\"by\":\"b\"}",
             prefix, count);
    f.body = span_of(body);
    if (fetch_run(&f, &err) < 0 || f.status != 200) {
        fprintf(stderr, "bench: accounts: %s %ld %.*s\n", err.text, f.status,
                (int)f.answer.len, f.answer.data);
        exit(1);
    }
    rest = buf_span(&f.answer);
    while (rest.n > 0 && n < count) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t len = lf != NULL ? (size_t)(lf - rest.p) : rest.n;
        json_t *j = json_parse(span_make(rest.p, len), &err);

        kit_take_account(j, &all[n++]);
        json_decref(j);
        rest.p += len + (lf != NULL);
        rest.n -= len + (lf != NULL);
    }
    buf_release(&f.answer);
    return all;
}

/* User and system time of a process, microseconds. */
static KIT_UNUSED uint64_t kit_cpu(pid_t pid)
{
    struct timespec ts;
    clockid_t id;

    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) < 0)
        kit_die("clock of the server");
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Private memory of a process, bytes. */
static KIT_UNUSED uint64_t kit_memory(pid_t pid)
{
    char path[64], line[256];
    uint64_t kb = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "Private_", 8) == 0)
            kb += strtoull(strchr(line, ':') + 1, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kb * 1024;
}

/* Kernel slab of the machine, bytes. */
static KIT_UNUSED uint64_t kit_slab(void)
{
    char line[256];
    uint64_t kb = 0;
    FILE *f = fopen("/proc/meminfo", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "Slab:", 5) == 0)
            kb = strtoull(line + 5, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kb * 1024;
}

/* ---- a WebSocket ---- */

struct kit_ws {
    int fd;
    char in[65536];
    size_t len;     /* bytes in `in` */
    size_t message; /* length of the message at the start, with its header */
};

static KIT_UNUSED void kit_write(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t wrote = write(fd, p, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            kit_die("write");
        p += wrote;
        n -= (size_t)wrote;
    }
}

/* A connected socket; source: last part of 127.1.x.y, so that ports last. */
static KIT_UNUSED int kit_connect(int port, unsigned source)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};

    if (fd < 0)
        kit_die("socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    at.sin_addr.s_addr = htonl(0x7f010001u + source);
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        kit_die("bind");
    at.sin_addr.s_addr = htonl(0x7f000001u);
    at.sin_port = htons((uint16_t)port);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        kit_die("connect");
    return fd;
}

/* One text frame with an all-zero mask. */
static KIT_UNUSED size_t kit_frame(char *out, const char *text, size_t n)
{
    size_t at = 0;

    out[at++] = (char)0x81;
    if (n < 126) {
        out[at++] = (char)(0x80 | n);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    }
    memset(out + at, 0, 4);
    at += 4;
    memcpy(out + at, text, n);
    return at + n;
}

static KIT_UNUSED void kit_send(int fd, const char *text)
{
    char out[65536];
    size_t n = strlen(text);

    kit_write(fd, out, kit_frame(out, text, n));
}

/* Read until `word` was seen in what came; the bytes are thrown away. */
static KIT_UNUSED void kit_until(int fd, const char *word)
{
    char in[16384];
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, in + len, sizeof(in) - 1 - len);

        if (n <= 0)
            kit_die("the server closed");
        len += (size_t)n;
        in[len] = '\0';
        for (size_t i = 0; i < len; i++)
            if (in[i] == '\0')
                in[i] = ' ';
        if (strstr(in, word) != NULL)
            return;
        if (len > sizeof(in) / 2) {
            memmove(in, in + len - 64, 64);
            len = 64;
        }
    }
}

/* Upgrade, hello, synced. */
static KIT_UNUSED int kit_login(int port, unsigned source,
                                const struct kit_account *a)
{
    static const char upgrade[] = "GET /v1/chat HTTP/1.1\r\nHost: x\r\n"
                                  "Upgrade: websocket\r\nConnection: "
                                  "Upgrade\r\nSec-WebSocket-Key: "
                                  "MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Protocol: confab.v1\r\n\r\n";
    char hello[512];
    int fd = kit_connect(port, source);

    kit_write(fd, upgrade, sizeof(upgrade) - 1);
    kit_until(fd, "\r\n\r\n");
    snprintf(hello, sizeof(hello),
             "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"%s\","
             "\"token\":\"%s\"}",
             a->dev, a->token);
    kit_send(fd, hello);
    kit_until(fd, "\"synced\"");
    return fd;
}

/* One request over an own connection of POST /v1/frames; the answer's text is
 * copied into out. */
static KIT_UNUSED void kit_request(struct kit_server *s,
                                   const struct kit_account *a,
                                   const char *body, char *out, size_t size)
{
    char url[64];
    struct error err = {0};
    struct fetch f = {.url = url, .bearer = a->token, .body = span_of(body)};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/frames", s->port);
    if (fetch_run(&f, &err) < 0 || f.status != 200) {
        fprintf(stderr, "bench: %s %ld %.*s\n", err.text, f.status,
                (int)f.answer.len, f.answer.data);
        exit(1);
    }
    snprintf(out, size, "%.*s", (int)f.answer.len, f.answer.data);
    buf_release(&f.answer);
}

/* The value of "key":"value" in text, into out. */
static KIT_UNUSED void kit_member(const char *text, const char *key, char *out,
                                  size_t size)
{
    char pattern[64];
    const char *at;

    snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
    at = strstr(text, pattern);
    if (at == NULL) {
        fprintf(stderr, "bench: no %s in %s\n", key, text);
        exit(1);
    }
    at += strlen(pattern);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static KIT_UNUSED int kit_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Sorts samples; the q-quantile. */
static KIT_UNUSED uint64_t kit_quantile(uint64_t *samples, int n, double q)
{
    int i = (int)(q * n);

    qsort(samples, (size_t)n, sizeof(*samples), kit_compare);
    return samples[i < n ? i : n - 1];
}

#endif
