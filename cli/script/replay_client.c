/* A wire log is played to a real client. Its own requests are matched with
 * those of the log, so that the answers find them. */
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "base/mem.h"
#include "client/link.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "replay.h"

#define SEED 1
#define IDLE_TURNS 3    /* without anything new: the client is done */
#define TURNS_MAX 10000 /* a client that never rests */

struct replay {
    const struct wire_log *log;
    struct stage stage;
    struct actor actor;
    struct actor *actors[1];
    struct link_stand_in server;
    struct map numbers;     /* request number in the log -> now + 1 */
    json_t *said, *awaited; /* requests without a partner: now; in the log */
    int emitted, shown;     /* events written */
    struct wire_writer writer;
    struct replay_client_result *result;
    int conn, rc;
    bool closed;
};

/* ---- requests find each other ---- */

static const char *kind_of(const json_t *frame)
{
    const char *t = json_string_value(json_object_get(frame, "t"));

    return t != NULL ? t : "";
}

static bool is_kind(const json_t *frame, const char *t)
{
    return strcmp(kind_of(frame), t) == 0;
}

/* What says what is asked, without what differs each time. */
static json_t *essence(const json_t *frame)
{
    static const char *const no[] = {"n", "token", "ua", "dev", "last_seen"};
    json_t *copy = json_copy((json_t *)(uintptr_t)frame);

    for (size_t i = 0; i < COUNT_OF(no); i++)
        json_object_del(copy, no[i]);
    return copy;
}

static bool same_request(const json_t *a, const json_t *b)
{
    json_t *x, *y;
    bool same;

    if (is_kind(a, "hello") && is_kind(b, "hello"))
        return true;
    x = essence(a);
    y = essence(b);
    same = json_equal(x, y) == 1;
    json_decref(x);
    json_decref(y);
    return same;
}

/* Take the first of the list that asks the same; NULL: none. */
static json_t *take_partner(json_t *list, const json_t *frame)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (!same_request(one, frame))
            continue;
        json_incref(one);
        json_array_remove(list, i);
        return one;
    }
    return NULL;
}

static void pair_up(struct replay *r, const json_t *logged, const json_t *now)
{
    int64_t n = json_integer_value(json_object_get(logged, "n"));
    int64_t ours = json_integer_value(json_object_get(now, "n"));

    if (n > 0 && ours > 0)
        map_put(&r->numbers, (uint64_t)n, (void *)(uintptr_t)(ours + 1));
}

static void on_sent(void *ctx, struct span object)
{
    struct replay *r = ctx;
    struct error err;
    json_t *now = json_parse_bounded(object, LIMIT_DEPTH, 20000, &err);
    json_t *logged;

    if (now == NULL)
        return;
    r->emitted++;
    logged = take_partner(r->awaited, now);
    if (logged != NULL)
        pair_up(r, logged, now);
    else
        json_array_append(r->said, now);
    json_decref(logged);
    json_decref(now);
}

static void on_closed(void *ctx, int code)
{
    ((struct replay *)ctx)->closed = true;
}

/* Run the loop until the client has nothing more to do. */
static void settle(struct replay *r)
{
    int idle = 0;

    for (int i = 0; i < TURNS_MAX && idle < IDLE_TURNS; i++) {
        int before = r->emitted + r->actor.count;

        loop_run_once(r->stage.loop, false);
        idle = r->emitted + r->actor.count == before ? idle + 1 : 0;
    }
}

/* ---- what a person did is done again ---- */

static int64_t number(const json_t *frame, const char *key)
{
    return json_integer_value(json_object_get(frame, key));
}

static uint64_t conv_of(const json_t *frame)
{
    const char *text = json_string_value(json_object_get(frame, "conv"));
    uint64_t conv = 0;

    return text != NULL && id_parse(span_of(text), 'c', &conv) ? conv : 0;
}

static void send_again(struct replay *r, const json_t *frame,
                       enum frame_kind kind)
{
    const char *emoji = json_string_value(json_object_get(frame, "emoji"));
    struct client_send s = {
        .conv = conv_of(frame),
        .cid = json_string_value(json_object_get(frame, "cid")),
        .thread = number(frame, "thread"),
        .reply = number(frame, "reply"),
        .ttl = number(frame, "ttl"),
        .kind = kind,
        .of = number(frame, "seq"),
        .emoji = span_of(emoji),
        .on = json_is_true(json_object_get(frame, "on")),
    };
    json_t *text = json_object_get(frame, "body");
    char cid[LIMIT_CID + 1];
    struct buf body;

    buf_init(&body, 2 * LIMIT_OBJECT);
    if (text != NULL && json_write(&body, text, false) == 0)
        s.body = buf_span(&body);
    (void)client_send(r->actor.client, &s, cid);
    buf_release(&body);
}

static void history_came(void *ctx, int rc, int count)
{
}

/* The members after t and n, as they go behind them. */
static void ask_again(struct replay *r, const json_t *frame,
                      enum frame_kind kind)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)frame);
    struct buf b;

    json_object_del(copy, "t");
    json_object_del(copy, "n");
    buf_init(&b, LIMIT_OBJECT_ENC);
    if (json_write(&b, copy, false) == 0 && b.len >= 2)
        client_request(r->actor.client, kind,
                       b.len > 2 ? span_make(b.data + 1, b.len - 2)
                                 : (struct span){0},
                       NULL, NULL);
    buf_release(&b);
    json_decref(copy);
}

static void do_again(struct replay *r, const json_t *frame)
{
    enum frame_kind kind = frame_kind_parse(span_of(kind_of(frame)));

    switch (kind) {
    case FRAME_HELLO:
    case FRAME_HB:
    case FRAME_ACK:
    case FRAME_BYE:
    case FRAME_NONE:
        return; /* its own affair */
    case FRAME_SEND:
    case FRAME_EDIT:
    case FRAME_DELETE:
    case FRAME_REACT:
        send_again(r, frame, kind);
        break;
    case FRAME_HISTORY:
        client_history(r->actor.client, conv_of(frame), number(frame, "before"),
                       number(frame, "after"), (int)number(frame, "limit"),
                       history_came, NULL);
        break;
    default:
        ask_again(r, frame, kind);
        break;
    }
}

static void play_up(struct replay *r, json_t *frame)
{
    json_t *now = take_partner(r->said, frame);

    if (now == NULL) {
        settle(r);
        now = take_partner(r->said, frame);
    }
    if (now != NULL) {
        pair_up(r, frame, now);
        json_decref(now);
        return;
    }
    json_array_append(r->awaited, frame);
    do_again(r, frame);
    settle(r);
}

/* ---- what the server said is said again ---- */

static void remember_device(struct replay *r, const json_t *frame)
{
    const char *user = json_string_value(json_object_get(frame, "user"));
    const char *dev = json_string_value(json_object_get(frame, "dev"));
    uint64_t id = 0;

    if (user != NULL && id_parse(span_of(user), 'u', &id))
        r->actor.account.user = id;
    if (dev != NULL && id_parse(span_of(dev), 'd', &id))
        r->actor.account.dev = (uint32_t)id;
}

static void play_down(struct replay *r, const json_t *frame)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)frame);
    int64_t re = number(copy, "re");
    uintptr_t now = (uintptr_t)map_get(&r->numbers, (uint64_t)re);
    struct buf b;

    if (is_kind(frame, "welcome"))
        remember_device(r, frame);
    if (re > 0 && now == 0) {
        r->result->unasked++;
        json_decref(copy);
        return;
    }
    if (re > 0)
        json_object_set_new(copy, "re", json_integer((int64_t)now - 1));
    buf_init(&b, 4 * WIRE_MAX_MESSAGE);
    if (json_write(&b, copy, false) == 0)
        client_feed(r->actor.client, buf_span(&b));
    r->result->frames++;
    buf_release(&b);
    json_decref(copy);
    settle(r);
}

/* ---- events ---- */

static void show_events(struct replay *r)
{
    for (; r->shown < r->actor.count; r->shown++)
        if (r->rc == 0 && r->writer.to != NULL)
            r->rc = wire_write(&r->writer, r->conn, WIRE_EVENT,
                               r->actor.events[r->shown].value, 0);
}

static void put_event(struct buf *b, const char *what, const json_t *event)
{
    buf_append_text(b, what);
    if (event != NULL)
        json_write(b, event, false);
    else
        buf_append_text(b, "(nothing)");
    buf_append_byte(b, '\n');
}

/* Hold the events against those of the log, up to the first difference. */
static void compare(struct replay *r)
{
    struct replay_client_result *out = r->result;
    int n = 0;

    out->same = true;
    out->events = r->actor.count;
    for (int i = 0; i < r->log->count; i++) {
        const struct wire_line *l = &r->log->lines[i];
        const json_t *now =
            n < r->actor.count ? r->actor.events[n].value : NULL;

        if (l->conn != r->conn || l->kind != WIRE_EVENT)
            continue;
        n++;
        if (!out->same || (now != NULL && json_equal(now, l->what) == 1))
            continue;
        out->same = false;
        buf_printf(&out->difference, "line %d, event %d\n", l->line, n);
        put_event(&out->difference, "  recorded: ", l->what);
        put_event(&out->difference, "  now:      ", now);
    }
    out->expected = n;
    if (n == 0 || !out->same || n >= r->actor.count)
        return;
    out->same = false;
    buf_printf(&out->difference, "%d more events than recorded\n",
               r->actor.count - n);
    put_event(&out->difference, "  now:      ", r->actor.events[n].value);
}

/* ---- the whole ---- */

static void play_line(struct replay *r, const struct wire_line *l)
{
    if (l->kind == WIRE_UP)
        play_up(r, l->what);
    else if (l->kind == WIRE_DOWN)
        play_down(r, l->what);
    else if (l->kind == WIRE_DOWN_CLOSE)
        client_feed_end(r->actor.client, l->close);
    if (r->rc == 0 && r->writer.to != NULL && l->kind != WIRE_EVENT)
        r->rc = wire_write(&r->writer, l->conn, l->kind, l->what, l->close);
    show_events(r);
}

static void nothing_stored(void *ctx, struct actor *a, uint64_t conv,
                           int64_t seq, const char *cid)
{
}

static int begin(struct replay *r, struct error *err)
{
    struct client_config cfg = {
        .loop = r->stage.loop,
        .clock = &r->stage.clock.base,
        .rng = &r->stage.rng,
        .server = "ws://127.0.0.1:1", /* never connected to */
        .token = "replayed",
        .ua = "confab-replay/" CONFAB_VERSION,
        .event = actor_event,
        .ctx = &r->actor,
        .instead = &r->server,
    };
    int rc = client_new(&r->actor.client, &cfg, err);

    if (rc == 0) {
        client_start(r->actor.client);
        settle(r);
        show_events(r);
    }
    return rc;
}

static void set_up(struct replay *r)
{
    r->stage.loop = loop_new();
    clock_shifted_init(&r->stage.clock);
    rng_init_seeded(&r->stage.rng, SEED);
    r->actors[0] = &r->actor;
    r->stage.actors = r->actors;
    r->stage.count = 1;
    r->stage.stored = nothing_stored;
    r->actor.name = "me";
    r->actor.stage = &r->stage;
    r->server = (struct link_stand_in){on_sent, on_closed, r};
    r->said = json_array();
    r->awaited = json_array();
    map_init(&r->numbers);
}

static void tear_down(struct replay *r)
{
    actor_release(&r->actor);
    loop_free(&r->stage.loop);
    json_decref(r->said);
    json_decref(r->awaited);
    map_release(&r->numbers);
    wire_writer_release(&r->writer);
}

int replay_client(const struct wire_log *log, int conn, FILE *out,
                  struct replay_client_result *result, struct error *err)
{
    struct replay r = {.log = log, .conn = conn, .result = result};

    *result = (struct replay_client_result){.same = true};
    buf_init(&result->difference, 1 << 20);
    set_up(&r);
    wire_writer_init(&r.writer, out);
    r.rc = begin(&r, err);
    for (int i = 0; i < log->count && r.rc == 0; i++)
        if (log->lines[i].conn == conn)
            play_line(&r, &log->lines[i]);
    if (r.rc == 0)
        compare(&r);
    else if (r.rc == -CF_IO)
        error_set(err, CF_IO, "the events cannot be written");
    tear_down(&r);
    return r.rc;
}
