/* run_request.c - requests that wait for their answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "run_inside.h"

static enum progress answered(struct strand *s, struct work *w,
                              const struct stmt *st)
{
    struct reply *r = w->reply;
    enum progress p;

    if (!r->done) {
        p = run_wait(s, w, st);
        return p;
    }
    if (r->rc < 0)
        return run_fail(s->run, st, "%s has no connection for this",
                        w->actor->name);
    if (r->refused)
        actor_refused(w->actor, r->answer, verb_name(st->verb));
    else if (!r->agreed)
        return run_fail(s->run, st,
                        "the server answers this with neither ok nor err");
    return DONE;
}

static void ask(struct strand *s, struct work *w, enum frame_kind kind,
                struct buf *members)
{
    w->begun = true;
    s->run->stage.last_action_ns = w->began_ns;
    client_request(w->actor->client, kind, buf_span(members), reply_frame,
                   reply_new(w));
    buf_release(members);
}

static bool put_users(struct strand *s, const struct stmt *st,
                      struct buf *members)
{
    for (int i = 0; i < st->nnames; i++) {
        struct actor *who = run_actor(s, st, st->names[i], st->name_exprs[i]);

        if (who == NULL)
            return false;
        buf_append_text(members, i > 0 ? ",\"" : ",\"users\":[\"");
        id_write(members, 'u', who->account.user);
        buf_append_byte(members, '"');
    }
    if (st->nnames > 0)
        buf_append_byte(members, ']');
    return true;
}

static enum progress creates_ask(struct strand *s, struct work *w,
                                 const struct stmt *st)
{
    struct eval e = run_eval(s);
    struct error err;
    struct buf title, members;
    int rc;

    buf_init(&title, 8192);
    buf_init(&members, 1 << 20);
    rc = expr_eval_text(&e, st->value, &title, &err);
    if (rc == 0) {
        enc_member_text(&members, "title", buf_span(&title));
        enc_member_text(&members, "kind", span_of(st->word));
    }
    buf_release(&title);
    if (rc == 0 && put_users(s, st, &members)) {
        ask(s, w, FRAME_CONV_CREATE, &members);
        return WAIT;
    }
    buf_release(&members);
    return rc < 0 ? run_fail(s->run, st, "%s", err.text) : FAILED;
}

enum progress verb_creates(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    enum progress p;
    json_t *capture;
    struct eval e = run_eval(s);

    if (!w->begun)
        return creates_ask(s, w, st);
    p = answered(s, w, st);
    if (p != DONE || st->as.name == NULL)
        return p;
    capture = json_object();
    json_object_set(capture, "conv_id",
                    json_object_get(w->reply->answer, "conv"));
    json_object_set(capture, "id", json_object_get(w->reply->answer, "conv"));
    json_object_set(capture, "error",
                    json_object_get(w->reply->answer, "code"));
    {
        struct error err;
        struct buf title;

        buf_init(&title, 8192);
        if (expr_eval_text(&e, st->value, &title, &err) == 0)
            json_object_set_new(capture, "title",
                                json_string(buf_cstr(&title)));
        buf_release(&title);
    }
    return run_capture(s, st, capture);
}

/* One request about a conversation; users: put who is named. */
static enum progress about_conv(struct strand *s, struct work *w,
                                const struct stmt *st, enum frame_kind kind)
{
    enum progress p;
    struct buf members;
    struct actor *who;

    if (w->begun)
        return answered(s, w, st);
    if (w->conv == 0) {
        p = run_conv_ref(s, w, st, w->actor, st->to, &w->conv);
        if (p != DONE)
            return p == WAIT ? run_wait(s, w, st) : p;
        if (w->reply != NULL)
            reply_drop(&w->reply);
    }
    buf_init(&members, 1 << 20);
    enc_member_id(&members, "conv", 'c', w->conv);
    if (kind == FRAME_CONV_ADD) {
        if (!put_users(s, st, &members)) {
            buf_release(&members);
            return FAILED;
        }
    } else if (st->nnames > 0) {
        who = run_actor(s, st, st->names[0], st->name_exprs[0]);
        if (who == NULL) {
            buf_release(&members);
            return FAILED;
        }
        enc_member_id(&members, "user", 'u', who->account.user);
    }
    if (kind == FRAME_CONV_ROLE)
        enc_member_text(&members, "role", span_of(st->word));
    if (kind == FRAME_CONV_RENAME) {
        struct eval e = run_eval(s);
        struct error err;
        struct buf title;

        buf_init(&title, 8192);
        expr_eval_text(&e, st->value, &title, &err);
        enc_member_text(&members, "title", buf_span(&title));
        buf_release(&title);
    }
    ask(s, w, kind, &members);
    return WAIT;
}

enum progress verb_adds(struct strand *s, struct work *w, const struct stmt *st)
{
    return about_conv(s, w, st, FRAME_CONV_ADD);
}

enum progress verb_removes(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    return about_conv(s, w, st, FRAME_CONV_REMOVE);
}

enum progress verb_leaves(struct strand *s, struct work *w,
                          const struct stmt *st)
{
    return about_conv(s, w, st, FRAME_CONV_LEAVE);
}

enum progress verb_renames(struct strand *s, struct work *w,
                           const struct stmt *st)
{
    return about_conv(s, w, st, FRAME_CONV_RENAME);
}

enum progress verb_promotes(struct strand *s, struct work *w,
                            const struct stmt *st)
{
    return about_conv(s, w, st, FRAME_CONV_ROLE);
}

enum progress verb_block(struct strand *s, struct work *w,
                         const struct stmt *st)
{
    struct buf members;
    struct actor *who;

    if (w->begun)
        return answered(s, w, st);
    who = run_actor(s, st, st->names[0], st->name_exprs[0]);
    if (who == NULL)
        return FAILED;
    buf_init(&members, 256);
    enc_member_id(&members, "user", 'u', who->account.user);
    enc_member_bool(&members, "on", st->verb == VERB_BLOCKS);
    ask(s, w, FRAME_USER_BLOCK, &members);
    return WAIT;
}

/* ---- raw frames ---- */

enum progress verb_raw(struct strand *s, struct work *w, const struct stmt *st)
{
    json_t *v;
    enum progress p;

    if (!w->begun) {
        struct buf text;

        p = run_value(s, w, st, st->value, &v);
        if (p != DONE)
            return p;
        w->begun = true;
        s->run->stage.last_action_ns = w->began_ns;
        buf_init(&text, 1 << 20);
        if (json_is_string(v))
            buf_append_text(&text, json_string_value(v));
        else
            json_write(&text, v, false);
        json_decref(v);
        client_raw(w->actor->client, buf_span(&text), reply_frame,
                   reply_new(w));
        buf_release(&text);
    }
    if (!w->reply->done)
        return run_wait(s, w, st);
    if (w->reply->refused && st->as.name == NULL)
        actor_refused(w->actor, w->reply->answer, "raw");
    if (st->as.name != NULL)
        return run_capture(s, st,
                           w->reply->answer != NULL
                               ? json_incref(w->reply->answer)
                               : json_null());
    return DONE;
}
