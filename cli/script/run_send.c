/* run_send.c - what actors write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "run_inside.h"

static uint64_t conv_in(const json_t *v)
{
    const char *text = json_string_value(json_object_get(v, "conv_id"));
    uint64_t conv = 0;

    return text != NULL && id_parse(span_of(text), 'c', &conv) ? conv : 0;
}

static int64_t seq_in(const json_t *v)
{
    return json_integer_value(json_object_get(v, "seq"));
}

/* The message that an expression names, once its number is known. */
enum progress run_message(struct strand *s, struct work *w,
                          const struct stmt *st, const struct expr *x,
                          uint64_t *conv, int64_t *seq)
{
    json_t *v;
    enum progress p = run_value(s, w, st, x, &v);
    bool pending;

    if (p != DONE)
        return p;
    pending = json_object_get(v, "pending") != NULL;
    *conv = conv_in(v);
    *seq = seq_in(v);
    json_decref(v);
    if (pending)
        return run_wait(s, w, st);
    if (*conv == 0 || *seq == 0)
        return run_fail(s->run, st, "this is no message that was stored");
    return DONE;
}

static void send_began(struct run *r, const char *cid, uint64_t began_ns)
{
    struct begun *b;

    r->begun =
        mem_grow(r->begun, (size_t)r->begun_count + 1, sizeof(*r->begun));
    b = &r->begun[r->begun_count++];
    snprintf(b->cid, sizeof(b->cid), "%s", cid);
    b->began_ns = began_ns;
}

/* Queue it, and remember it under its key. */
static enum progress queue(struct strand *s, struct work *w,
                           const struct stmt *st, struct client_send *send,
                           json_t *capture)
{
    struct run *r = s->run;
    char cid[LIMIT_CID + 1], conv[32];
    struct eval e = run_eval(s);
    struct error err;
    struct buf key;
    int rc = 0;

    snprintf(conv, sizeof(conv), "c%llu", (unsigned long long)send->conv);
    json_object_set_new(capture, "conv_id", json_string(conv));
    json_object_set_new(capture, "from", json_string(w->actor->name));
    buf_init(&key, 1024);
    if (st->cid != NULL) {
        rc = expr_eval_text(&e, st->cid, &key, &err);
        send->cid = buf_cstr(&key);
    }
    if (rc == 0) {
        r->stage.last_action_ns = w->began_ns;
        rc = actor_send(w->actor, send, capture, cid);
        if (rc < 0)
            error_set(&err, rc, "the client does not take it: %s",
                      error_name(rc));
    }
    buf_release(&key);
    if (rc < 0) {
        json_decref(capture);
        return run_fail(r, st, "%s", err.text);
    }
    send_began(r, cid, w->began_ns);
    if (st->as.name != NULL)
        return run_capture(s, st, capture);
    json_decref(capture);
    return DONE;
}

/* {"text":...} of a text; an object is the body itself. */
static json_t *body_of(json_t *v)
{
    json_t *body;

    if (json_is_object(v))
        return v;
    body = json_object();
    json_object_set_new(body, "text", v);
    return body;
}

static enum progress send_body(struct strand *s, struct work *w,
                               const struct stmt *st, struct client_send *send)
{
    json_t *v, *capture = json_object();
    enum progress p = run_value(s, w, st, st->value, &v);
    struct buf text;

    if (p != DONE) {
        json_decref(capture);
        return p;
    }
    if (!json_is_object(v) && !json_is_string(v)) {
        json_decref(v);
        json_decref(capture);
        return run_fail(s->run, st, "a message is a text or an object");
    }
    v = body_of(v);
    json_object_set(capture, "text", json_object_get(v, "text"));
    if (send->kind != FRAME_SEND)
        json_object_set_new(capture, "what", json_string("edit"));
    buf_init(&text, 1 << 20);
    json_write(&text, v, false);
    json_decref(v);
    send->body = buf_span(&text);
    p = queue(s, w, st, send, capture);
    buf_release(&text);
    return p;
}

enum progress verb_sends(struct strand *s, struct work *w,
                         const struct stmt *st)
{
    struct client_send send = {.kind = FRAME_SEND, .ttl = st->ttl_ms};
    enum progress p;
    uint64_t conv;

    if (w->conv == 0) {
        p = run_conv_ref(s, w, st, w->actor, st->to, &w->conv);
        if (p != DONE)
            return p == WAIT ? run_wait(s, w, st) : p;
    }
    send.conv = w->conv;
    if (st->thread != NULL) {
        p = run_message(s, w, st, st->thread, &conv, &send.thread);
        if (p != DONE)
            return p;
    }
    return send_body(s, w, st, &send);
}

enum progress verb_replies(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    struct client_send send = {.kind = FRAME_SEND, .ttl = st->ttl_ms};
    enum progress p = run_message(s, w, st, st->of, &send.conv, &send.reply);

    return p == DONE ? send_body(s, w, st, &send) : p;
}

enum progress verb_edits(struct strand *s, struct work *w,
                         const struct stmt *st)
{
    struct client_send send = {.kind = FRAME_EDIT};
    enum progress p = run_message(s, w, st, st->of, &send.conv, &send.of);

    return p == DONE ? send_body(s, w, st, &send) : p;
}

enum progress verb_deletes(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    struct client_send send = {.kind = FRAME_DELETE};
    enum progress p = run_message(s, w, st, st->of, &send.conv, &send.of);
    json_t *capture;

    if (p != DONE)
        return p;
    capture = json_object();
    json_object_set_new(capture, "what", json_string("delete"));
    return queue(s, w, st, &send, capture);
}

enum progress verb_reacts(struct strand *s, struct work *w,
                          const struct stmt *st)
{
    struct client_send send = {.kind = FRAME_REACT, .on = !st->off};
    enum progress p = run_message(s, w, st, st->of, &send.conv, &send.of);
    struct eval e = run_eval(s);
    struct error err;
    struct buf emoji;
    json_t *capture;

    if (p != DONE)
        return p;
    buf_init(&emoji, 4096);
    if (expr_eval_text(&e, st->value, &emoji, &err) < 0) {
        buf_release(&emoji);
        return run_fail(s->run, st, "%s", err.text);
    }
    send.emoji = buf_span(&emoji);
    capture = json_object();
    json_object_set_new(capture, "what", json_string("react"));
    p = queue(s, w, st, &send, capture);
    buf_release(&emoji);
    return p;
}
