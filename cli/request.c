#include "request.h"

#include <stdio.h>
#include <string.h>

#include "proto/encode.h"

#define ANSWER_STRUCTURE 100000
#define PATIENCE_MS 15000

/* ---- a session that has something to do ---- */

struct work {
    struct cli *cli;
    void (*ready)(void *ctx);
    client_event_fn *event;
    void *ctx;
    bool started;
};

static struct work work;

static void unreachable(struct cli *c)
{
    const struct error *why = client_last_error(c->client);

    session_end(c, cli_fail(c,
                            why->code == CF_NOT_FOUND ? EXIT_NO_HOST
                            : why->code == CF_DENIED  ? EXIT_DENIED
                                                      : EXIT_UNREACHABLE,
                            NULL, "%s: %s", c->profile.server, why->text));
}

static void on_event(void *ctx, const struct client_event *ev)
{
    struct work *w = ctx;

    if (ev->kind == EV_SYNCED && !w->started) {
        w->started = true;
        w->ready(w->ctx);
    } else if (ev->kind == EV_LINK && ev->link == LINK_RETRYING &&
               ev->delay_ms > 0 && !w->started) {
        unreachable(w->cli);
        return;
    }
    if (w->event != NULL)
        w->event(w->ctx, ev);
}

int request_session(struct cli *c, void (*ready)(void *ctx),
                    client_event_fn *event, void *ctx)
{
    int rc;

    work = (struct work){.cli = c, .ready = ready, .event = event, .ctx = ctx};
    rc = session_open(c, on_event, &work);
    if (rc == 0)
        rc =
            session_run(c, c->g.timeout_ms > 0 ? c->g.timeout_ms : PATIENCE_MS);
    if (c->client != NULL)
        session_close(c);
    return rc;
}

/* ---- answers ---- */

static int code_of(const struct frame *f)
{
    static const struct {
        const char *code;
        int exit;
    } table[] = {
        {"not_found", EXIT_NO_USER}, {"auth", EXIT_DENIED},
        {"blocked", EXIT_DENIED},    {"limit", EXIT_DENIED},
        {"quota", EXIT_DENIED},      {"too_big", EXIT_DATA},
        {"bad_frame", EXIT_DATA},    {"bad_type", EXIT_DATA},
        {"cid_conflict", EXIT_DATA}, {"expired", EXIT_DENIED},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (span_is(f->code, table[i].code))
            return table[i].exit;
    return f->temp ? EXIT_TRY_AGAIN : EXIT_PROTOCOL;
}

void request_failed(struct cli *c, const struct frame *f)
{
    int code;

    if (f == NULL) {
        session_end(c, cli_fail(c, EXIT_UNREACHABLE, NULL,
                                "the connection was lost before the answer"));
    } else if (f->kind == FRAME_ERR) {
        code = code_of(f);
        session_end(c, cli_fail(c, code, NULL, "%.*s (%.*s)", (int)f->msg.n,
                                f->msg.p != NULL ? f->msg.p : "",
                                (int)f->code.n, f->code.p));
    } else {
        session_end(c, cli_fail(c, EXIT_PROTOCOL, NULL,
                                "the server's answer makes no sense"));
    }
}

json_t *request_tree(struct cli *c, const struct frame *f)
{
    struct error err = {0};
    json_t *j = NULL;

    if (f != NULL && f->kind == FRAME_OK)
        j = json_parse_bounded(f->raw, LIMIT_DEPTH, ANSWER_STRUCTURE, &err);
    if (j == NULL)
        request_failed(c, f);
    return j;
}

/* ---- one request ---- */

struct once {
    struct cli *cli;
    enum frame_kind kind;
    struct buf *members;
    request_show_fn *show;
    bool pages;
};

static void once_send(void *ctx);

static void once_answer(void *ctx, const struct frame *f)
{
    struct once *o = ctx;
    struct cli *c = o->cli;
    json_t *j = request_tree(c, f);
    const char *cursor;

    if (j == NULL)
        return;
    if (o->show != NULL)
        o->show(c, j);
    cursor = json_string_value(json_object_get(j, "cursor"));
    if (o->pages && json_is_true(json_object_get(j, "more")) &&
        cursor != NULL) {
        buf_clear(o->members);
        enc_member_text(o->members, "after", span_of(cursor));
        once_send(o);
    } else {
        session_end(c, EXIT_DONE);
    }
    json_decref(j);
}

static void once_send(void *ctx)
{
    struct once *o = ctx;

    client_request(o->cli->client, o->kind, buf_span(o->members), once_answer,
                   o);
}

int request_once(struct cli *c, enum frame_kind kind, struct buf *members,
                 request_show_fn *show)
{
    struct once o = {.cli = c, .kind = kind, .members = members, .show = show};

    return request_session(c, once_send, NULL, &o);
}

int request_pages(struct cli *c, enum frame_kind kind, request_show_fn *show)
{
    struct buf members;
    struct once o = {.cli = c,
                     .kind = kind,
                     .members = &members,
                     .show = show,
                     .pages = true};
    int rc;

    buf_init(&members, 4096);
    rc = request_session(c, once_send, NULL, &o);
    buf_release(&members);
    return rc;
}

void request_own_device(struct cli *c, struct buf *members)
{
    struct profile p = {0};

    if (profile_load(c, &p) == 0)
        enc_member_id(members, "dev", 'd', p.dev);
}
