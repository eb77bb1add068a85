#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/hash.h"
#include "base/mem.h"

struct rig_event {
    struct rig_event *next;
    int64_t at;
    void (*fn)(void *);
    void *arg;
};

/* ---- events ---- */

static void add_event(struct rig *r, int64_t at, void (*fn)(void *), void *arg)
{
    struct rig_event *e = mem_alloc(sizeof(*e)), **p = &r->events;

    e->at = at;
    e->fn = fn;
    e->arg = arg;
    while (*p != NULL && (*p)->at <= at)
        p = &(*p)->next;
    e->next = *p;
    *p = e;
}

static void after(void *ctx, int64_t delay, void (*fn)(void *), void *arg)
{
    struct rig *r = ctx;

    add_event(r, r->clock.mono_ms + delay, fn, arg);
}

static void post(void *ctx, void (*fn)(void *), void *arg)
{
    after(ctx, 0, fn, arg);
}

static int64_t store_delay(void *ctx, bool write)
{
    struct rig *r = ctx;

    return write ? r->write_ms : r->read_ms;
}

static int store_fault(void *ctx, enum store_verb verb, bool *happens)
{
    struct rig *r = ctx;

    *happens = false;
    return r->fault;
}

static int bus_fate(void *ctx, int from, int to, int64_t *delays)
{
    struct rig *r = ctx;

    delays[0] = 0;
    return r->bus_down && from != to ? 0 : 1;
}

static void end_turn(struct rig *r)
{
    for (int i = 0; i < r->node_count; i++) {
        if (r->nodes[i] != NULL)
            node_turn_end(r->nodes[i]);
    }
}

static int64_t next_time(const struct rig *r)
{
    int64_t next = r->events != NULL ? r->events->at : INT64_MAX;

    for (int i = 0; i < r->node_count; i++) {
        int64_t t = r->nodes[i] != NULL ? node_next(r->nodes[i]) : INT64_MAX;

        if (t < next)
            next = t;
    }
    return next;
}

static void run_due(struct rig *r)
{
    int64_t now = r->clock.mono_ms;

    for (int i = 0; i < r->node_count; i++) {
        if (r->nodes[i] != NULL && node_next(r->nodes[i]) <= now)
            node_tick(r->nodes[i]);
    }
    end_turn(r);
    while (r->events != NULL && r->events->at <= now) {
        struct rig_event *e = r->events;

        r->events = e->next;
        e->fn(e->arg);
        free(e);
        end_turn(r);
    }
}

void rig_run(struct rig *r, int64_t ms)
{
    int64_t end = r->clock.mono_ms + ms;

    run_due(r);
    while (next_time(r) <= end) {
        int64_t at = next_time(r);

        if (at > r->clock.mono_ms)
            clock_manual_advance(&r->clock, at - r->clock.mono_ms);
        run_due(r);
    }
    if (end > r->clock.mono_ms)
        clock_manual_advance(&r->clock, end - r->clock.mono_ms);
    run_due(r);
}

/* ---- the transport: lines ---- */

static void seat_line(struct seat *s, const struct wire *w)
{
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 16;
        s->lines = mem_grow(s->lines, (size_t)s->cap, sizeof(*s->lines));
    }
    s->lines[s->count++] = mem_text_n(w->data, w->len);
}

void seat_pull_one(struct seat *s)
{
    const struct wire *w = conn_next(s->conn);

    if (w == NULL)
        return;
    seat_line(s, w);
    conn_took(s->conn);
}

void seat_pull(struct seat *s)
{
    s->kicked = false;
    while (s->conn != NULL && conn_next(s->conn) != NULL)
        seat_pull_one(s);
    if (s->code != 0 && s->conn != NULL) {
        conn_lost(s->conn);
        s->conn = NULL;
    }
}

static void pull_later(void *arg)
{
    struct seat *s = arg;

    if (!s->slow || s->code != 0)
        seat_pull(s);
}

static void kick(void *peer)
{
    struct seat *s = peer;

    s->kicked = true;
    if (!s->slow)
        add_event(s->rig, s->rig->clock.mono_ms, pull_later, s);
}

static void closed(void *peer, int code, const char *why)
{
    struct seat *s = peer;

    ck_assert_ptr_nonnull(why);
    s->code = code;
    add_event(s->rig, s->rig->clock.mono_ms, pull_later, s);
}

static void paused(void *peer, bool on)
{
    struct seat *s = peer;

    ck_assert_int_ne(s->paused, on);
    s->paused = on;
}

static void settled(void *peer)
{
    struct seat *s = peer;

    s->settled = true;
}

static const struct transport transport = {kick, closed, paused, settled};

/* ---- the rig ---- */

static void token_hash(struct span token, uint8_t out[TOKEN_HASH])
{
    uint64_t h = hash_stable(token.p, token.n);

    memset(out, 0, TOKEN_HASH);
    memcpy(out, &h, sizeof(h));
}

static void open_backends(struct rig *r)
{
    struct store_config store = {
        .backend = "memory", .clock = &r->clock.base, .sim = &r->store_sim};
    struct bus_config bus = {.backend = "memory", .sim = &r->bus_sim};
    struct registry_config reg = {.clock = &r->clock.base};
    struct presence_config pres = {.clock = &r->clock.base};
    struct error err = {0};

    r->store_sim = (struct store_memory_sim){
        .after = after, .ctx = r, .delay = store_delay, .fault = store_fault};
    r->bus_sim =
        (struct bus_memory_sim){.after = after, .fate = bus_fate, .ctx = r};
    store_backend_add(&store_memory);
    ck_assert_msg(store_open(&r->store, &store, &err) == 0, "%s", err.text);
    ck_assert_msg(bus_open(&r->bus, &bus, &err) == 0, "%s", err.text);
    ck_assert_msg(registry_open(&r->registry, &reg, &err) == 0, "%s", err.text);
    ck_assert_msg(presence_open(&r->presence, &pres, &err) == 0, "%s",
                  err.text);
    r->port = store_port_new(r->store, post, r);
}

static void add_node(struct rig *r)
{
    struct node_env env = {
        .number = r->node_count,
        .clock = &r->clock.base,
        .rng = &r->rng,
        .store = r->store,
        .bus = r->bus,
        .registry = r->registry,
        .presence = r->presence,
        .transport = &transport,
        .post = post,
        .post_ctx = r,
        .token_hash = token_hash,
        .config = &r->config,
        .sabotage = &r->sabotage,
    };
    struct error err = {0};

    r->nodes[r->node_count] = node_new(&env, &err);
    ck_assert_msg(r->nodes[r->node_count] != NULL, "%s", err.text);
    r->node_count++;
}

struct rig *rig_new(int nodes, void (*adjust)(struct rig *r))
{
    struct rig *r = mem_alloc(sizeof(*r));

    clock_manual_init(&r->clock, INT64_C(1764000000000));
    rng_init_seeded(&r->rng, 1);
    r->write_ms = 1;
    if (adjust != NULL)
        adjust(r);
    open_backends(r);
    for (int i = 0; i < nodes; i++)
        add_node(r);
    rig_run(r, 10);
    for (int i = 0; i < nodes; i++)
        ck_assert(node_ready(r->nodes[i]));
    return r;
}

void rig_free(struct rig **rp)
{
    struct rig *r = *rp;

    r->fault = 0;
    rig_run(r, 5000);
    for (int i = 0; i < r->node_count; i++)
        node_crash(&r->nodes[i]);
    rig_run(r, 10);
    store_port_free(&r->port);
    presence_close(&r->presence);
    registry_close(&r->registry);
    bus_close(&r->bus);
    store_close(&r->store);
    while (r->events != NULL) {
        struct rig_event *e = r->events;

        r->events = e->next;
        free(e);
    }
    free(r);
    *rp = NULL;
}

/* ---- straight into the store ---- */

static void op_done(struct store_op *op)
{
    *(bool *)op->ctx = true;
}

static void op_wait(struct rig *r, struct store_op *op)
{
    bool done = false;

    op->ctx = &done;
    store_submit(r->port, op);
    while (!done)
        rig_run(r, 1);
}

static void op_run(struct rig *r, struct store_op *op)
{
    op_wait(r, op);
    ck_assert_msg(op->rc == 0, "%s: %s", store_verb_name(op->verb),
                  error_name(op->rc));
}

static void hash_of(uint64_t user, uint32_t dev, uint8_t out[TOKEN_HASH])
{
    char text[64];
    int n = snprintf(text, sizeof(text), "token-%llu-%u",
                     (unsigned long long)user, dev);

    token_hash(span_make(text, (size_t)n), out);
}

void rig_user(struct rig *r, uint64_t user)
{
    struct store_op op;
    char name[32];

    snprintf(name, sizeof(name), "user%llu", (unsigned long long)user);
    store_op_init(&op, STORE_USER_ADD, op_done, NULL);
    op.user = user;
    op.name = name;
    op.text = SPAN("first");
    op.has_text = true;
    op.now = r->clock.wall_ms;
    hash_of(user, 1, op.hash);
    op_run(r, &op);
    ck_assert_uint_eq(op.dev, 1);
    store_op_release(&op);
}

uint32_t rig_device(struct rig *r, uint64_t user)
{
    struct store_op op;
    uint32_t next;

    store_op_init(&op, STORE_DEVICES, op_done, NULL);
    op.user = user;
    op_run(r, &op);
    next = (uint32_t)op.device_count + 1;
    store_op_release(&op);
    store_op_init(&op, STORE_DEVICE_ADD, op_done, NULL);
    op.user = user;
    op.text = SPAN("more");
    op.has_text = true;
    op.now = r->clock.wall_ms;
    hash_of(user, next, op.hash);
    op_run(r, &op);
    ck_assert_uint_eq(op.dev, next);
    store_op_release(&op);
    return next;
}

void rig_block(struct rig *r, uint64_t user, uint64_t other)
{
    struct store_op op;

    store_op_init(&op, STORE_BLOCK, op_done, NULL);
    op.user = user;
    op.other = other;
    op.on = true;
    op_run(r, &op);
    store_op_release(&op);
}

static uint64_t next_id(struct rig *r)
{
    static uint64_t last;
    uint64_t id = (uint64_t)(r->clock.wall_ms - ID_EPOCH_MS) << 22;

    last = id > last ? id : last + 1;
    return last;
}

static void member_body(char *out, size_t max, const char *op,
                        const struct roster_change *c, int count)
{
    size_t n = (size_t)snprintf(out, max, "{\"op\":\"%s\",\"users\":[", op);

    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(out + n, max - n, "%s\"u%llu\"", i ? "," : "",
                              (unsigned long long)c[i].user);
    snprintf(out + n, max - n, "]}");
}

void rig_conv(struct rig *r, uint64_t conv, enum conv_kind kind,
              const uint64_t *users)
{
    struct roster_change changes[16];
    struct store_op op;
    char body[512];
    int count = 0;

    for (; users[count] != 0; count++)
        changes[count] = (struct roster_change){
            users[count], count == 0 ? ROLE_OWNER : ROLE_MEMBER};
    member_body(body, sizeof(body), "create", changes, count);
    store_op_init(&op, STORE_CREATE, op_done, NULL);
    op.conv = conv;
    op.kind = kind;
    op.mode = MODE_OPEN;
    op.changes = changes;
    op.change_count = count;
    op.user = users[0];
    op.other = users[1];
    op.now = r->clock.wall_ms;
    op.entry = (struct entry){.conv = conv,
                              .id = next_id(r),
                              .ts = r->clock.wall_ms,
                              .kind = ENTRY_MEMBER,
                              .from = users[0],
                              .body = span_of(body)};
    op_run(r, &op);
    store_op_release(&op);
}

/* With the term of now: a home may take the conversation over in between. */
static int64_t append(struct rig *r, struct entry *e,
                      const struct roster_change *change)
{
    struct store_op op;
    int64_t seq, term;
    int rc;

    store_op_init(&op, STORE_CONV, op_done, NULL);
    op.conv = e->conv;
    op_run(r, &op);
    term = op.row.term;
    store_op_release(&op);
    store_op_init(&op, STORE_APPEND, op_done, NULL);
    op.conv = e->conv;
    op.term = term;
    op.entry = *e;
    op.changes = change;
    op.change_count = change != NULL ? 1 : 0;
    op.now = r->clock.wall_ms;
    op_wait(r, &op);
    seq = op.entry.seq;
    rc = op.rc;
    store_op_release(&op);
    if (rc == -CF_STALE) {
        e->id = next_id(r);
        return append(r, e, change);
    }
    ck_assert_int_eq(rc, 0);
    return seq;
}

int64_t rig_append(struct rig *r, uint64_t conv, uint64_t from,
                   const char *body)
{
    struct entry e = {.conv = conv,
                      .id = next_id(r),
                      .ts = r->clock.wall_ms,
                      .kind = ENTRY_MSG,
                      .from = from,
                      .dev = 1,
                      .body = span_of(body)};

    return append(r, &e, NULL);
}

int64_t rig_change(struct rig *r, uint64_t conv, uint64_t user, bool in)
{
    struct roster_change change = {user, in ? ROLE_MEMBER : ROLE_NONE};
    char body[128];
    struct entry e = {.conv = conv,
                      .id = next_id(r),
                      .ts = r->clock.wall_ms,
                      .kind = ENTRY_MEMBER,
                      .from = user};

    member_body(body, sizeof(body), in ? "add" : "remove", &change, 1);
    e.body = span_of(body);
    return append(r, &e, &change);
}

/* The user of the one-member change in e. */
static bool change_of(const struct entry *e, struct roster_change *change)
{
    struct span users = json_member(e->body, "users");
    struct span op = json_member(e->body, "op");

    if (e->kind != ENTRY_MEMBER || !frame_next_user(&users, &change->user))
        return false;
    change->role = span_is(op, "\"remove\"") ? ROLE_NONE : ROLE_MEMBER;
    return true;
}

void rig_deliver(struct rig *r, int node, uint64_t conv, int64_t seq)
{
    int count;
    const struct entry *log = store_memory_log(r->store, conv, &count);
    struct roster_change change;
    struct delivery d = {.kind = CONV_GROUP};

    ck_assert_int_le(seq, count);
    d.entry = log[seq - 1];
    if (change_of(&d.entry, &change)) {
        d.changes = &change;
        d.change_count = 1;
    }
    deliver_entry(r->nodes[node], &d);
    rig_run(r, 0);
}

struct membership rig_member(struct rig *r, uint64_t conv, uint64_t user,
                             uint32_t dev)
{
    struct store_op op;
    struct membership m;

    store_op_init(&op, STORE_MEMBER, op_done, NULL);
    op.conv = conv;
    op.user = user;
    op.dev = dev;
    op_run(r, &op);
    m = op.members[0];
    store_op_release(&op);
    return m;
}

/* ---- seats ---- */

struct seat *seat_new(struct rig *r, int node, enum conn_type type)
{
    struct seat *s = mem_alloc(sizeof(*s));

    s->rig = r;
    s->conn = conn_open(r->nodes[node], s, type);
    ck_assert_ptr_nonnull(s->conn);
    return s;
}

void seat_lose(struct seat *s)
{
    if (s->conn != NULL)
        conn_lost(s->conn);
    s->conn = NULL;
    rig_run(s->rig, 0);
}

void seat_free(struct seat **sp)
{
    struct seat *s = *sp;

    seat_lose(s);
    for (int i = 0; i < s->count; i++)
        free(s->lines[i]);
    free(s->lines);
    free(s);
    *sp = NULL;
}

void seat_say(struct seat *s, const char *fmt, ...)
{
    char *text;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    ck_assert_int_ge(n, 0);
    if (s->conn != NULL)
        conn_receive(s->conn, text, (size_t)n, true);
    free(text);
    rig_run(s->rig, 0);
}

struct seat *seat_login(struct rig *r, int node, uint64_t user, uint32_t dev,
                        const char *more)
{
    struct seat *s = seat_new(r, node, CONN_SOCKET);

    seat_say(s,
             "{\"t\":\"hello\",\"n\":1,\"ver\":[1],\"dev\":\"d%u\","
             "\"token\":\"token-%llu-%u\"%s}",
             dev, (unsigned long long)user, dev, more);
    rig_run(r, 20);
    return s;
}

const char *seat_next(struct seat *s, const char *text)
{
    while (s->read < s->count) {
        const char *line = s->lines[s->read++];

        if (strstr(line, text) != NULL)
            return line;
    }
    return NULL;
}

int seat_count(const struct seat *s, const char *text)
{
    int n = 0;

    for (int i = 0; i < s->count; i++)
        n += strstr(s->lines[i], text) != NULL;
    return n;
}

const char *seat_last(const struct seat *s, const char *text)
{
    for (int i = s->count; i-- > 0;) {
        if (strstr(s->lines[i], text) != NULL)
            return s->lines[i];
    }
    return NULL;
}

static void log_line(const char *line, uint64_t conv, char *out, size_t max,
                     size_t *n)
{
    struct frame f;
    struct frame_error err;
    struct entry e;

    ck_assert_msg(
        frame_decode(&f, span_of(line), FROM_SERVER, 1 << 20, false, &err) == 0,
        "%s: %s", err.text, line);
    if (f.conv != conv || f.re != 0)
        return;
    if (f.kind == FRAME_ENTRY)
        *n += (size_t)snprintf(out + *n, max - *n, " %lld", (long long)f.seq);
    if (f.kind == FRAME_GAP)
        *n += (size_t)snprintf(out + *n, max - *n, " %lld-%lld:%.*s",
                               (long long)f.from_seq, (long long)f.to,
                               (int)f.why.n, f.why.p);
    while (f.kind == FRAME_BATCH && frame_next_entry(&f.entries, conv, &e))
        *n += (size_t)snprintf(out + *n, max - *n, " %lld", (long long)e.seq);
}

const char *seat_log(const struct seat *s, uint64_t conv)
{
    static char out[65536];
    size_t n = 0;

    out[0] = 0;
    for (int i = 0; i < s->count; i++)
        log_line(s->lines[i], conv, out, sizeof(out), &n);
    return out[0] == ' ' ? out + 1 : out;
}
