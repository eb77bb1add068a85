#include "base/fetch.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/base/suite.h"

/* A server that takes one connection, reads a request to the end of its head
 * (and the body, when it says how long), and writes a fixed answer. */
struct server {
    int fd;
    pthread_t thread;
    const char *answer;
    bool silent; /* keep the connection open, say nothing until it closes */
    char request[8192];
    char url[64];
};

static size_t body_length(const char *request)
{
    const char *p = strstr(request, "Content-Length: ");

    return p != NULL ? strtoul(p + 16, NULL, 10) : 0;
}

static bool complete(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");

    return end != NULL && strlen(end + 4) >= body_length(request);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    size_t have = 0, n = strlen(s->answer);
    int fd = accept(s->fd, NULL, NULL);
    ssize_t got;

    while ((s->silent || !complete(s->request)) &&
           (got = read(fd, s->request + have, sizeof(s->request) - 1 - have)) >
               0)
        have += (size_t)got;
    while (n > 0 && (got = send(fd, s->answer + strlen(s->answer) - n, n,
                                MSG_NOSIGNAL)) > 0)
        n -= (size_t)got;
    close(fd);
    return NULL;
}

static void start(struct server *s, const char *answer)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);

    s->answer = answer;
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&in, n), 0);
    ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&in, &n), 0);
    ck_assert_int_eq(listen(s->fd, 1), 0);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/x?y=1",
             ntohs(in.sin_port));
    pthread_create(&s->thread, NULL, serve, s);
}

static void finish(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
}

#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

START_TEST(gets)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.bearer = "t0ken"};

    start(&s, OK("hello"));
    f.url = s.url;
    ck_assert_msg(fetch_run(&f, &err) == 0, "%s", err.text);
    finish(&s);
    ck_assert_int_eq(f.status, 200);
    ck_assert(span_is(buf_span(&f.answer), "hello"));
    ck_assert_ptr_eq(strstr(s.request, "GET /x?y=1 HTTP/1.1\r\n"), s.request);
    ck_assert_ptr_nonnull(
        strstr(s.request, "\r\nAuthorization: Bearer t0ken\r\n"));
    ck_assert_ptr_null(strstr(s.request, "Content-Type"));
    buf_release(&f.answer);
}
END_TEST

START_TEST(posts)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.body = SPAN("{\"a\":1}")};

    start(&s, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    f.url = s.url;
    ck_assert_msg(fetch_run(&f, &err) == 0, "%s", err.text);
    finish(&s);
    ck_assert_int_eq(f.status, 404); /* an answer is an answer */
    ck_assert(span_is(buf_span(&f.answer), "no"));
    ck_assert_ptr_eq(strstr(s.request, "POST "), s.request);
    ck_assert_ptr_nonnull(
        strstr(s.request, "\r\nContent-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(s.request, "\r\n\r\n{\"a\":1}"));
    buf_release(&f.answer);
}
END_TEST

START_TEST(other_methods)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.method = "DELETE"};

    start(&s, OK(""));
    f.url = s.url;
    ck_assert_int_eq(fetch_run(&f, &err), 0);
    finish(&s);
    ck_assert_ptr_eq(strstr(s.request, "DELETE "), s.request);
    ck_assert_uint_eq(f.answer.len, 0);
    buf_release(&f.answer);
}
END_TEST

START_TEST(unix_sockets)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct server s = {.answer = OK("from unix")};
    char directory[] = "/tmp/confab-fetch-XXXXXX";
    struct error err = {0};
    struct fetch f = {.url = "http://localhost/status"};

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/admin.sock", directory);
    s.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(s.fd, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(s.fd, 1), 0);
    pthread_create(&s.thread, NULL, serve, &s);
    f.unix_socket = un.sun_path;
    ck_assert_msg(fetch_run(&f, &err) == 0, "%s", err.text);
    finish(&s);
    ck_assert(span_is(buf_span(&f.answer), "from unix"));
    buf_release(&f.answer);
    unlink(un.sun_path);
    ck_assert_int_eq(fetch_run(&f, &err), -CF_UNAVAILABLE);
    buf_release(&f.answer);
    rmdir(directory);
}
END_TEST

START_TEST(answers_are_bounded)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.max = 5};

    start(&s, OK("12345"));
    f.url = s.url;
    ck_assert_int_eq(fetch_run(&f, &err), 0);
    finish(&s);
    buf_release(&f.answer);
    s = (struct server){0};
    start(&s, OK("123456"));
    ck_assert_int_eq(fetch_run(&f, &err), -CF_TOO_BIG);
    finish(&s);
    ck_assert_ptr_nonnull(strstr(err.text, "over 5 bytes"));
    buf_release(&f.answer);
}
END_TEST

START_TEST(silence_is_a_timeout)
{
    struct server s = {.silent = true};
    struct error err = {0};
    struct fetch f = {.timeout_ms = 50};

    start(&s, "");
    f.url = s.url;
    ck_assert_int_eq(fetch_run(&f, &err), -CF_TIMEOUT);
    finish(&s);
    ck_assert_int_eq(err.code, CF_TIMEOUT);
    buf_release(&f.answer);
}
END_TEST

START_TEST(nobody_there)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.url = s.url};

    start(&s, OK(""));
    ck_assert_int_eq(fetch_run(&f, &err), 0);
    finish(&s); /* the port is closed now */
    buf_release(&f.answer);
    ck_assert_int_eq(fetch_run(&f, &err), -CF_UNAVAILABLE);
    buf_release(&f.answer);
}
END_TEST

START_TEST(refused_before_sending)
{
    struct error err = {0};
    struct fetch f = {.url = "file:///etc/passwd"};

    ck_assert_int_eq(fetch_run(&f, &err), -CF_INVALID);
    buf_release(&f.answer);
    f = (struct fetch){.url = "http://127.0.0.1:1/", .bearer = "a\r\nX: y"};
    ck_assert_int_eq(fetch_run(&f, &err), -CF_INVALID);
    ck_assert_ptr_null(strstr(err.text, "X: y"));
    buf_release(&f.answer);
}
END_TEST

START_TEST(garbage_is_an_error)
{
    struct server s = {0};
    struct error err = {0};
    struct fetch f = {.url = s.url};

    start(&s, "");
    ck_assert_int_eq(fetch_run(&f, &err), -CF_IO);
    finish(&s);
    buf_release(&f.answer);
}
END_TEST

SUITE("fetch", gets, posts, other_methods, unix_sockets, answers_are_bounded,
      silence_is_a_timeout, nobody_there, refused_before_sending,
      garbage_is_an_error)
