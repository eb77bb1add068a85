#include "script/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script/replay_ids.h"
#include "unit/base/suite.h"

/* ---- bytes to frames ---- */

struct seen {
    struct buf text;
    int frames, closes, code;
};

static void on_frame(void *ctx, json_t *frame)
{
    struct seen *s = ctx;

    s->frames++;
    json_write(&s->text, frame, false);
}

static void on_close(void *ctx, int code)
{
    struct seen *s = ctx;

    s->closes++;
    s->code = code;
}

/* Feed it in pieces of `step` bytes. */
static void feed(struct seen *s, const char *bytes, size_t n, size_t step)
{
    struct wire_stream *stream = wire_stream_new();

    *s = (struct seen){0};
    buf_init(&s->text, 1 << 20);
    for (size_t at = 0; at < n; at += step)
        wire_stream_feed(stream, bytes + at, n - at < step ? n - at : step,
                         on_frame, on_close, s);
    wire_stream_free(&stream);
}

#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n"

START_TEST(takes_frames_apart)
{
    static const char down[] = ANSWER "\x81\x13{\"t\":\"a\"}\n{\"t\":\"b\"}"
                                      "\x89\x01p"       /* a ping between */
                                      "\x01\x04{\"t\""  /* fragments, */
                                      "\x8a\x00"        /* a pong in them */
                                      "\x80\x05:\"c\"}" /* and their end */
                                      "\x82\x02xx"      /* no text */
                                      "\x88\x02\x0f\xa0";
    struct seen s;

    for (size_t step = 1; step <= sizeof(down); step++) {
        feed(&s, down, sizeof(down) - 1, step);
        ck_assert_str_eq(buf_cstr(&s.text),
                         "{\"t\":\"a\"}{\"t\":\"b\"}{\"t\":\"c\"}");
        ck_assert_int_eq(s.frames, 3);
        ck_assert_int_eq(s.closes, 1);
        ck_assert_int_eq(s.code, 4000);
        buf_release(&s.text);
    }
}
END_TEST

START_TEST(unmasks)
{
    char up[64] = "GET /v1/chat HTTP/1.1\r\n\r\n\x81\x89mask";
    size_t head = strlen(up);
    static const char text[] = "{\"t\":\"a\"}";
    struct seen s;

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        up[head + i] = (char)(text[i] ^ "mask"[i % 4]);
    feed(&s, up, head + sizeof(text) - 1, 3);
    ck_assert_str_eq(buf_cstr(&s.text), text);
    buf_release(&s.text);
}
END_TEST

START_TEST(reads_long_lengths)
{
    size_t n = 70000, head = strlen(ANSWER);
    char *bytes = malloc(head + 10 + n);
    struct seen s;

    memcpy(bytes, ANSWER "\x81\x7f\0\0\0\0\0\x01\x11\x70", head + 10);
    memset(bytes + head + 10, ' ', n);
    memcpy(bytes + head + 10, "{\"t\":\"", 6);
    memset(bytes + head + 16, 'x', n - 8);
    memcpy(bytes + head + 8 + n, "\"}", 2);
    feed(&s, bytes, head + 10 + n, 4096);
    ck_assert_uint_eq(s.text.len, n);
    buf_release(&s.text);
    free(bytes);
}
END_TEST

START_TEST(gives_up_on_what_is_none)
{
    static const char refused[] = "HTTP/1.1 400 Bad\r\n\r\n\x81\x02{}";
    static const char huge[] = ANSWER "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
                                      "\x81\x02{}";
    static const char torn[] = ANSWER "\x81\x03{,}\x81\x02{}";
    struct seen s;

    feed(&s, refused, sizeof(refused) - 1, 5);
    ck_assert_int_eq(s.frames, 0);
    buf_release(&s.text);
    feed(&s, huge, sizeof(huge) - 1, 5);
    ck_assert_int_eq(s.frames, 0);
    buf_release(&s.text);
    feed(&s, torn, sizeof(torn) - 1, 5);
    ck_assert_int_eq(s.frames, 1); /* the next one stands for itself */
    buf_release(&s.text);
}
END_TEST

/* ---- the file ---- */

static char path[64];

static FILE *make_file(void)
{
    int fd;

    snprintf(path, sizeof(path), "/tmp/confab-wire-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    return fdopen(fd, "w");
}

START_TEST(reads_back_what_it_wrote)
{
    struct wire_writer w;
    struct wire_log log;
    struct error err = {0};
    FILE *f = make_file();
    json_t *hello = json_pack("{s:s, s:s}", "t", "hello", "token", "secret");
    json_t *other = json_pack("{s:s, s:s}", "t", "hello", "token", "other");

    wire_writer_init(&w, f);
    ck_assert_int_eq(wire_write(&w, 1, WIRE_UP, hello, 0), 0);
    ck_assert_int_eq(wire_write(&w, 2, WIRE_UP, other, 0), 0);
    ck_assert_int_eq(wire_write(&w, 3, WIRE_UP, hello, 0), 0);
    ck_assert_int_eq(wire_write(&w, 3, WIRE_DOWN_CLOSE, NULL, 4000), 0);
    ck_assert_int_eq(wire_write(&w, 3, WIRE_EVENT, other, 0), 0);
    ck_assert_int_eq(w.lines, 5);
    wire_writer_release(&w);
    fclose(f);
    ck_assert_msg(wire_read(&log, path, &err) == 0, "%s", err.text);
    ck_assert_int_eq(log.count, 5);
    ck_assert_int_eq(log.conns, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(
            json_string_value(json_object_get(log.lines[i].what, "token")),
            i == 1 ? "[token 2]" : "[token 1]");
    ck_assert_int_eq(log.lines[3].kind, WIRE_DOWN_CLOSE);
    ck_assert_int_eq(log.lines[3].close, 4000);
    ck_assert_int_eq(log.lines[4].kind, WIRE_EVENT);
    wire_release(&log);
    json_decref(hello);
    json_decref(other);
    unlink(path);
}
END_TEST

static void refuses(const char *text, const char *words)
{
    struct wire_log log;
    struct error err = {0};
    FILE *f = make_file();

    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(wire_read(&log, path, &err), -CF_INVALID);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
    ck_assert_int_eq(log.count, 0);
    unlink(path);
}

START_TEST(refuses_bad_files)
{
    struct wire_log log;
    struct error err = {0};

    refuses("", "no frame");
    refuses("# nothing\n{\"dir\":\"sideways\",\"frame\":{}}\n", "no frame");
    refuses("{\"dir\":\"up\",\"frame\":{}}\n{\n", ":2:");
    refuses("{\"conn\":-1,\"dir\":\"up\",\"frame\":{}}\n", ":1:");
    refuses("{\"conn\":\"x\",\"dir\":\"up\",\"frame\":{}}\n", ":1:");
    ck_assert_int_eq(wire_read(&log, "/nowhere/x", &err), -CF_NOT_FOUND);
}
END_TEST

/* ---- ids ---- */

static bool fit(struct replay_ids *ids, const char *logged, const char *came)
{
    struct error err = {0};
    json_t *a = json_parse(span_of(logged), &err);
    json_t *b = json_parse(span_of(came), &err);
    bool is;

    ck_assert_msg(a != NULL && b != NULL, "%s", err.text);
    is = replay_ids_fit(ids, a, b);
    json_decref(a);
    json_decref(b);
    return is;
}

START_TEST(learns_ids)
{
    struct replay_ids ids = {0};

    replay_ids_init(&ids);
    ck_assert(fit(&ids, "{\"t\":\"ok\",\"conv\":\"c5\",\"ts\":1700000000000}",
                  "{\"t\":\"ok\",\"conv\":\"c9\",\"ts\":1800000000000}"));
    ck_assert(!fit(&ids, "{\"conv\":\"c5\"}", "{\"conv\":\"c8\"}"));
    ck_assert(!fit(&ids, "{\"conv\":\"c6\"}", "{\"conv\":\"c9\"}"));
    ck_assert(!fit(&ids, "{\"conv\":\"c6\"}", "{\"conv\":\"u9\"}"));
    ck_assert(!fit(&ids, "{\"a\":1}", "{\"a\":2}"));
    ck_assert(!fit(&ids, "{\"a\":1}", "{\"a\":1,\"b\":1}"));
    ck_assert(!fit(&ids, "{\"a\":[1,2]}", "{\"a\":[1]}"));
    ck_assert(fit(&ids, "{\"a\":1,\"acked\":3}", "{\"a\":1,\"acked\":4}"));
    ids.hints = true;
    ck_assert(!fit(&ids, "{\"a\":1,\"acked\":3}", "{\"a\":1,\"acked\":4}"));
    /* What is said is no id. */
    ck_assert(!fit(&ids, "{\"body\":{\"text\":\"c5\"}}",
                   "{\"body\":{\"text\":\"c9\"}}"));
    replay_ids_release(&ids);
}
END_TEST

START_TEST(forgets_what_did_not_fit)
{
    struct replay_ids ids = {0};

    replay_ids_init(&ids);
    ck_assert(
        !fit(&ids, "{\"conv\":\"c5\",\"z\":1}", "{\"conv\":\"c9\",\"z\":2}"));
    ck_assert(
        fit(&ids, "{\"conv\":\"c5\",\"z\":1}", "{\"conv\":\"c7\",\"z\":1}"));
    replay_ids_release(&ids);
}
END_TEST

START_TEST(translates_both_ways)
{
    struct replay_ids ids = {0};
    struct error err;
    json_t *up =
        json_parse(SPAN("{\"t\":\"x\",\"conv\":\"c5\",\"after\":\"c4\","
                        "\"body\":{\"text\":\"c5\"},"
                        "\"last_seen\":{\"c5\":3},"
                        "\"at\":[[\"c5\",1],[\"c77\",2]]}"),
                   &err);
    json_t *there, *back;
    struct buf b;

    replay_ids_init(&ids);
    ck_assert(replay_ids_bind(&ids, "c5", "c90"));
    there = replay_ids_translate(&ids, up, false);
    buf_init(&b, 4096);
    json_write(&b, there, false);
    ck_assert_str_eq(buf_cstr(&b),
                     "{\"t\":\"x\",\"conv\":\"c90\",\"after\":\"c89\","
                     "\"body\":{\"text\":\"c5\"},"
                     "\"last_seen\":{\"c90\":3},"
                     "\"at\":[[\"c90\",1],[\"c77\",2]]}");
    back = replay_ids_translate(&ids, there, true);
    ck_assert(json_equal(back, up) == 1);
    buf_release(&b);
    json_decref(up);
    json_decref(there);
    json_decref(back);
    replay_ids_release(&ids);
}
END_TEST

SUITE("wire", takes_frames_apart, unmasks, reads_long_lengths,
      gives_up_on_what_is_none, reads_back_what_it_wrote, refuses_bad_files,
      learns_ids, forgets_what_did_not_fit, translates_both_ways)
