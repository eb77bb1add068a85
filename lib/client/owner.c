#include "owner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "share.h"

#define TOLD_MARKS 100 /* in one line */
#define ASKS_MAX 1000  /* of one guest, without an answer yet */
#define LINE_STRUCTURE 4096

struct view {
    uint64_t convs[LIMIT_VIEW], users[LIMIT_VIEW];
    int nconvs, nusers;
};

struct visitor { /* a guest, seen from here */
    struct link link;
    struct owner *owner;
    struct share_line *line;
    uint64_t id;
    pid_t pid;
    int asks;
    bool greeted, gone, slow;
    bool active, active_said;
    struct view view;
};

struct owner {
    struct client *client;
    struct loop_fd *watch;
    struct loop_timer *sweep;
    int fd, count;
    uint64_t next_id;
    struct link visitors;
    struct view view; /* of this process */
    struct buf out;
};

/* ---- telling ---- */

/* A guest that cannot be told goes, but not under the feet of the caller. */
static void dismiss(struct visitor *v, bool slow)
{
    v->gone = true;
    v->slow = slow;
    loop_timer_set(v->owner->sweep, 0);
}

static void say(struct visitor *v, const struct buf *line)
{
    if (!v->gone && share_line_send(v->line, buf_span(line)) == -CF_FULL)
        dismiss(v, true);
}

void owner_tell(struct owner *o, const struct client_event *ev)
{
    if (o->count == 0 ||
        (ev->kind == EV_LINK && ev->link == LINK_ENDED && o->client->stopping))
        return; /* the end of this process is not the end of theirs */
    buf_clear(&o->out);
    share_event_write(&o->out, ev);
    list_each (&o->visitors, l, next) {
        struct visitor *v = container_of(l, struct visitor, link);

        if (v->greeted)
            say(v, &o->out);
    }
}

/* How far events have come: what is up to there is in the archive. */
static void say_told(struct visitor *v)
{
    struct map *places = &v->owner->client->places;
    struct buf b;
    uint32_t i = 0;

    buf_init(&b, SHARE_LINE_MAX);
    while (i < places->len) {
        buf_clear(&b);
        buf_append_text(&b, "{\"t\":\"told\",\"at\":[");
        for (int k = 0; k < TOLD_MARKS && i < places->len; k++, i++) {
            const struct place *p = places->entries[i].value;

            buf_printf(&b, "%s[%lld,%lld]", k > 0 ? "," : "",
                       (long long)p->row.conv, (long long)p->told);
        }
        buf_append_text(&b, "]}");
        say(v, &b);
    }
    buf_release(&b);
}

static void say_hello(struct visitor *v)
{
    const struct client *c = v->owner->client;
    struct buf b;

    buf_init(&b, 4096);
    buf_printf(&b,
               "{\"t\":\"hello\",\"link\":%d,\"synced\":%s,\"code\":%d,"
               "\"attempt\":%d,\"text\":",
               (int)c->state, c->listed ? "true" : "false", c->last_error.code,
               c->attempt);
    json_write_text(&b, span_of(c->last_error.text));
    buf_append_byte(&b, '}');
    say(v, &b);
    buf_release(&b);
}

static void say_sorry(struct share_line *line, const char *text)
{
    struct buf b;

    buf_init(&b, 1024);
    buf_append_text(&b, "{\"t\":\"sorry\",\"text\":");
    json_write_text(&b, span_of(text));
    buf_append_byte(&b, '}');
    share_line_send(line, buf_span(&b));
    buf_release(&b);
}

/* ---- requests of guests ---- */

struct relay {
    struct owner *owner;
    uint64_t visitor;
    int64_t n;
};

static struct visitor *visitor_of(struct owner *o, uint64_t id)
{
    list_each (&o->visitors, l, next) {
        struct visitor *v = container_of(l, struct visitor, link);

        if (v->id == id)
            return v;
    }
    return NULL;
}

static void relayed(void *ctx, const struct frame *f)
{
    struct relay *r = ctx;
    struct visitor *v = visitor_of(r->owner, r->visitor);
    struct buf b;

    /* When this process ends, the next owner gets the question. */
    if (v != NULL && (f != NULL || !r->owner->client->stopping)) {
        v->asks--;
        buf_init(&b, SHARE_LINE_MAX);
        buf_printf(&b, "{\"t\":\"answer\",\"n\":%lld", (long long)r->n);
        if (f != NULL)
            enc_member_raw(&b, "frame", f->raw);
        buf_append_byte(&b, '}');
        say(v, &b);
        buf_release(&b);
    }
    free(r);
}

/* Of what it is, a connection has one alone. */
static bool relayable(enum frame_kind k)
{
    return k > FRAME_HELLO && k < FRAME_BYE && k != FRAME_ACK;
}

static void on_ask(struct visitor *v, struct span line)
{
    struct span kind = json_member(line, "kind"), n = json_member(line, "n"),
                members = json_member(line, "members");
    struct relay *r = mem_alloc(sizeof(*r));
    enum frame_kind k = FRAME_NONE;

    *r = (struct relay){v->owner, v->id, 0};
    for (size_t i = 0; i < n.n && i < 15 && n.p[i] >= '0' && n.p[i] <= '9'; i++)
        r->n = 10 * r->n + (n.p[i] - '0');
    if (kind.n > 2)
        k = frame_kind_parse(span_make(kind.p + 1, kind.n - 2));
    v->asks++;
    if (!relayable(k) || members.n < 2 || members.p[0] != '{' ||
        v->asks > ASKS_MAX) {
        relayed(r, NULL);
        return;
    }
    client_request(v->owner->client, k, span_make(members.p + 1, members.n - 2),
                   relayed, r);
}

/* ---- what processes look at, together ---- */

static void add_ids(uint64_t *to, int *count, const uint64_t *from, int n)
{
    for (int i = 0; i < n && *count < LIMIT_VIEW; i++) {
        bool there = false;

        for (int k = 0; k < *count && !there; k++)
            there = to[k] == from[i];
        if (!there)
            to[(*count)++] = from[i];
    }
}

static void add_view(struct view *to, const struct view *from)
{
    add_ids(to->convs, &to->nconvs, from->convs, from->nconvs);
    add_ids(to->users, &to->nusers, from->users, from->nusers);
}

static void send_view(struct owner *o)
{
    struct client *c = o->client;
    struct view all = o->view;

    list_each (&o->visitors, l, next) {
        const struct visitor *v = container_of(l, struct visitor, link);

        if (!v->gone)
            add_view(&all, &v->view);
    }
    if (c->state != LINK_UP)
        return;
    buf_clear(&c->out);
    enc_view(&c->out, c->next_n++, all.convs, all.nconvs, all.users,
             all.nusers);
    client_write(c);
}

void owner_view(struct owner *o, const uint64_t *convs, int nconvs,
                const uint64_t *users, int nusers)
{
    o->view.nconvs = o->view.nusers = 0;
    add_ids(o->view.convs, &o->view.nconvs, convs, nconvs);
    add_ids(o->view.users, &o->view.nusers, users, nusers);
    send_view(o);
}

/* Those that never say it (scripts) count when nobody says it. */
bool owner_active(const struct owner *o, bool own)
{
    bool said = o->client->active_said, any = said && own;

    for (const struct link *l = o->visitors.next; l != &o->visitors;
         l = l->next) {
        const struct visitor *v = container_of(l, struct visitor, link);

        said = said || v->active_said;
        any = any || (v->active_said && v->active);
    }
    return said ? any : own;
}

static void read_ids(const json_t *list, uint64_t *to, int *count)
{
    *count = 0;
    for (size_t i = 0; i < json_array_size(list) && i < LIMIT_VIEW; i++) {
        uint64_t id = (uint64_t)json_integer_value(json_array_get(list, i));

        add_ids(to, count, &id, id != 0 ? 1 : 0);
    }
}

/* ---- lines of guests ---- */

static void on_hi(struct visitor *v, const json_t *j)
{
    if (json_integer_value(json_object_get(j, "v")) != SHARE_VERSION) {
        say_sorry(v->line, "a process of another version uses the account now");
        dismiss(v, false);
        return;
    }
    say_told(v);
    say_hello(v);
    v->greeted = true;
}

static void on_nudge(struct visitor *v, const json_t *j)
{
    client_flush_outbox(v->owner->client);
}

static void on_read(struct visitor *v, const json_t *j)
{
    int64_t conv = json_integer_value(json_object_get(j, "conv"));
    int64_t seq = json_integer_value(json_object_get(j, "seq"));

    if (conv > 0 && seq > 0)
        client_read(v->owner->client, (uint64_t)conv, seq);
}

static void on_typing(struct visitor *v, const json_t *j)
{
    int64_t conv = json_integer_value(json_object_get(j, "conv"));

    if (conv > 0)
        client_typing(v->owner->client, (uint64_t)conv,
                      json_is_true(json_object_get(j, "on")));
}

static void on_view(struct visitor *v, const json_t *j)
{
    read_ids(json_object_get(j, "convs"), v->view.convs, &v->view.nconvs);
    read_ids(json_object_get(j, "users"), v->view.users, &v->view.nusers);
    send_view(v->owner);
}

static void on_active(struct visitor *v, const json_t *j)
{
    v->active_said = true;
    v->active = json_is_true(json_object_get(j, "on"));
    client_beat_now(v->owner->client);
}

static void on_retry(struct visitor *v, const json_t *j)
{
    client_retry_now(v->owner->client);
}

static const struct {
    const char *name;
    void (*handle)(struct visitor *v, const json_t *j);
} lines[] = {
    {"hi", on_hi},         {"nudge", on_nudge}, {"read", on_read},
    {"typing", on_typing}, {"view", on_view},   {"active", on_active},
    {"retry", on_retry},
};

static void handle(struct visitor *v, const json_t *j)
{
    const char *t = json_string_value(json_object_get(j, "t"));

    for (size_t i = 0; t != NULL && i < COUNT_OF(lines); i++)
        if (strcmp(t, lines[i].name) == 0 && (v->greeted || i == 0))
            lines[i].handle(v, j);
}

static void got(void *ctx, struct span line)
{
    struct visitor *v = ctx;
    struct error err;
    json_t *j;
    size_t end;

    if (v->gone)
        return;
    if (json_scan(line, &end) < 0 || end != line.n) {
        dismiss(v, false);
        return;
    }
    if (v->greeted && span_is(json_member(line, "t"), "\"ask\"")) {
        on_ask(v, line);
        return;
    }
    j = json_parse_bounded(line, LIMIT_DEPTH, LINE_STRUCTURE, &err);
    if (j == NULL) {
        dismiss(v, false);
        return;
    }
    handle(v, j);
    json_decref(j);
}

static void ended(void *ctx)
{
    dismiss(ctx, false);
}

/* ---- coming and going ---- */

static void visitor_free(struct visitor *v)
{
    list_remove(&v->link);
    v->owner->count--;
    share_line_free(&v->line);
    free(v);
}

static void tell_slow(struct owner *o, pid_t pid)
{
    char text[120];
    struct client_event ev = {.kind = EV_ERROR, .code = "slow", .text = text};

    snprintf(text, sizeof(text),
             "process %d does not read what it is told: let go", (int)pid);
    client_emit(o->client, &ev);
}

static void sweep(void *arg)
{
    struct owner *o = arg;
    bool looked = false;

    list_each (&o->visitors, l, next) {
        struct visitor *v = container_of(l, struct visitor, link);
        bool slow = v->slow;
        pid_t pid = v->pid;

        if (!v->gone)
            continue;
        looked = looked || v->view.nconvs + v->view.nusers > 0;
        visitor_free(v);
        if (slow)
            tell_slow(o, pid);
    }
    if (looked)
        send_view(o);
    client_beat_now(o->client);
}

static void welcome(struct owner *o, int fd)
{
    struct visitor *v = mem_alloc(sizeof(*v));
    struct share_events ev = {.got = got, .ended = ended, .ctx = v};

    v->owner = o;
    v->id = ++o->next_id;
    v->pid = share_peer(fd);
    v->line = share_line_new(o->client->cfg.loop, fd, &ev);
    list_push(&o->visitors, &v->link);
    if (o->count++ < SHARE_GUESTS)
        return;
    say_sorry(v->line, "too many processes use the account now");
    dismiss(v, false);
}

static void on_connection(void *arg, int events)
{
    struct owner *o = arg;
    int fd = accept4(o->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (share_peer(fd) == 0)
        close(fd);
    else
        welcome(o, fd);
}

struct owner *owner_new(struct client *c)
{
    int fd = share_listen(c->cfg.dir);
    struct owner *o;

    if (fd < 0)
        return NULL;
    o = mem_alloc(sizeof(*o));
    o->client = c;
    o->fd = fd;
    list_init(&o->visitors);
    buf_init(&o->out, SHARE_LINE_MAX);
    o->sweep = loop_timer_new(c->cfg.loop, sweep, o);
    o->watch = loop_fd_new(c->cfg.loop, fd, on_connection, o);
    loop_fd_events(o->watch, LOOP_READ);
    return o;
}

void owner_stop(struct owner *o)
{
    loop_fd_events(o->watch, 0);
}

void owner_free(struct owner **op, int lock_fd)
{
    struct owner *o = *op;

    *op = NULL;
    if (o != NULL) {
        loop_fd_free(&o->watch);
        close(o->fd);
        share_unlisten(o->client->cfg.dir);
    }
    if (lock_fd >= 0)
        close(lock_fd);
    if (o == NULL)
        return;
    list_each (&o->visitors, l, next)
        visitor_free(container_of(l, struct visitor, link));
    loop_timer_free(&o->sweep);
    buf_release(&o->out);
    free(o);
}
