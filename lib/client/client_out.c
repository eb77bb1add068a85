/* What we say: requests, and sends from the outbox. */
#include "client_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "guest.h"
#include "owner.h"

/* ---- requests ---- */

struct pending *client_pending_new(struct client *c, int64_t *n)
{
    struct pending *p = mem_alloc(sizeof(*p));

    *n = c->next_n++;
    map_put(&c->pending, (uint64_t)*n, p);
    return p;
}

void client_request(struct client *c, enum frame_kind kind, struct span members,
                    client_done_fn *done, void *ctx)
{
    struct pending *p;
    int64_t n;

    if (client_is_guest(c)) {
        guest_ask(c->guest, kind, members, done, ctx);
        return;
    }
    if (c->state != LINK_UP && c->state != LINK_SYNCING) {
        if (done != NULL)
            done(ctx, NULL);
        return;
    }
    p = client_pending_new(c, &n);
    p->done = done;
    p->ctx = ctx;
    buf_clear(&c->out);
    enc_request(&c->out, n, kind, members);
    client_write(c);
}

/* The link is gone: the outcome of what had no answer is unknown. */
void client_forget_requests(struct client *c)
{
    struct map old = c->pending;

    map_init(&c->pending);
    for (uint32_t i = 0; i < old.len; i++) {
        struct pending *p = old.entries[i].value;

        if (p->conv == 0 && p->done != NULL)
            p->done(p->ctx, NULL);
        free(p);
    }
    map_release(&old);
    client_ask_forget(c);
    map_release(&c->asked);
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        p->sending = p->fetching = p->hole = p->asking = false;
        p->wire = 0;
    }
}

/* ---- the outbox ---- */

static void make_cid(struct client *c, char *cid)
{
    uint8_t random[16];

    rng_bytes(c->cfg.rng, random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(cid + 2 * i, 3, "%02x", random[i]);
}

static bool cid_ok(const char *cid)
{
    size_t n = strlen(cid);

    if (n < 1 || n > LIMIT_CID)
        return false;
    for (size_t i = 0; i < n; i++)
        if (cid[i] < 0x21 || cid[i] > 0x7e || cid[i] == '"' || cid[i] == '\\')
            return false;
    return true;
}

/* The members after conv and cid: what is kept in the outbox. */
static int make_members(struct buf *b, const struct client_send *s)
{
    int rc = 0;

    if (s->of > 0)
        rc |= enc_member_int(b, "seq", s->of);
    if (s->body.p != NULL)
        rc |= enc_member_raw(b, "body", s->body);
    if (s->emoji.p != NULL) {
        rc |= enc_member_text(b, "emoji", s->emoji);
        rc |= enc_member_bool(b, "on", s->on);
    }
    if (s->thread > 0)
        rc |= enc_member_int(b, "thread", s->thread);
    if (s->reply > 0)
        rc |= enc_member_int(b, "reply", s->reply);
    if (s->mention.p != NULL)
        rc |= enc_member_raw(b, "mention", s->mention);
    if (s->ttl > 0)
        rc |= enc_member_int(b, "ttl", s->ttl);
    return rc;
}

int client_send(struct client *c, const struct client_send *s, char *cid_out)
{
    struct outbox_item item = {.conv = s->conv,
                               .state = OUT_QUEUED,
                               .kind = s->kind != 0 ? (int)s->kind : FRAME_SEND,
                               .queued = clock_wall(c->cfg.clock)};
    struct buf b;
    int rc;

    if (s->cid != NULL && !cid_ok(s->cid))
        return -CF_INVALID;
    if (s->cid != NULL)
        snprintf(item.cid, sizeof(item.cid), "%s", s->cid);
    else
        make_cid(c, item.cid);
    if (cid_out != NULL)
        memcpy(cid_out, item.cid, sizeof(item.cid));
    buf_init(&b, LIMIT_OBJECT);
    rc = make_members(&b, s) < 0 ? -CF_TOO_BIG : 0;
    item.frame = buf_span(&b);
    if (rc == 0)
        rc = archive_outbox_add(c->archive, &item);
    buf_release(&b);
    if (client_is_guest(c) && (rc == 0 || rc == -CF_EXISTS))
        guest_queued(c->guest, s->conv, item.cid);
    else if (rc == 0 && !place_get(c, s->conv)->sending)
        client_flush_outbox(c);
    return rc;
}

static bool send_one(void *ctx, const struct outbox_item *i)
{
    struct client *c = ctx;
    struct place *p = place_get(c, i->conv);
    struct pending *q;
    struct buf members;
    int64_t n;

    if (p->sending)
        return true;
    p->sending = true; /* one at a time keeps the order of a conversation */
    q = client_pending_new(c, &n);
    q->conv = i->conv;
    memcpy(q->cid, i->cid, sizeof(q->cid));
    buf_init(&members, LIMIT_OBJECT);
    enc_member_id(&members, "conv", 'c', i->conv);
    enc_member_text(&members, "cid", span_of(i->cid));
    if (i->frame.n > 0) {
        buf_append_byte(&members, ',');
        buf_append_span(&members, i->frame);
    }
    buf_clear(&c->out);
    enc_request(&c->out, n, (enum frame_kind)i->kind, buf_span(&members));
    buf_release(&members);
    return client_write(c) == 0;
}

void client_flush_outbox(struct client *c)
{
    if (c->state == LINK_UP && !client_is_guest(c))
        archive_outbox(c->archive, send_one, c);
}

struct next {
    struct client *client;
    uint64_t conv;
};

static bool send_next(void *ctx, const struct outbox_item *i)
{
    struct next *next = ctx;

    if (i->conv != next->conv)
        return true;
    send_one(next->client, i);
    return false;
}

/* Only of this conversation: the others have one under way, or wait. */
static void send_next_of(struct client *c, uint64_t conv)
{
    struct next next = {c, conv};

    if (c->state == LINK_UP && !client_is_guest(c))
        archive_outbox(c->archive, send_next, &next);
}

static bool not_empty(void *ctx, const struct outbox_item *i)
{
    *(bool *)ctx = false;
    return false;
}

bool client_outbox_empty(struct client *c)
{
    bool empty = true;

    archive_outbox(c->archive, not_empty, &empty);
    return empty;
}

static void refused(struct client *c, const struct pending *p,
                    const struct frame *f)
{
    char code[24], text[200];
    struct client_event ev = {.kind = EV_REFUSED,
                              .conv = p->conv,
                              .cid = p->cid,
                              .code = code,
                              .text = text,
                              .seq = f->seq};

    snprintf(code, sizeof(code), "%.*s", (int)f->code.n, f->code.p);
    snprintf(text, sizeof(text), "%.*s", (int)f->msg.n,
             f->msg.p != NULL ? f->msg.p : "");
    archive_outbox_set(c->archive, p->conv, p->cid, OUT_FAILED, 0, 0, code);
    client_emit(c, &ev);
}

static void stored(struct client *c, const struct pending *p,
                   const struct frame *f)
{
    struct client_event ev = {.kind = EV_SENT,
                              .conv = p->conv,
                              .cid = p->cid,
                              .seq = f->seq,
                              .id = f->id,
                              .ts = f->ts,
                              .dup = f->dup};

    archive_outbox_set(c->archive, p->conv, p->cid, OUT_STORED, f->seq, f->id,
                       NULL);
    client_emit(c, &ev);
}

void client_outbox_answer(struct client *c, const struct pending *p,
                          const struct frame *f)
{
    place_get(c, p->conv)->sending = false;
    if (f->kind == FRAME_SENT) {
        stored(c, p, f);
    } else if (f->kind == FRAME_ERR && f->temp) {
        /* Stays queued; the same cid goes out again a little later. */
        int64_t wait = f->retry_max > 0 ? f->retry_max : 1000;
        struct client_event ev = {.kind = EV_ERROR,
                                  .code = "retry",
                                  .conv = p->conv,
                                  .cid = p->cid,
                                  .delay_ms = wait};

        loop_timer_set(c->outbox, wait);
        client_emit(c, &ev);
        return;
    } else if (f->kind == FRAME_ERR) {
        refused(c, p, f);
    }
    send_next_of(c, p->conv);
}

/* ---- raw text ---- */

struct raw_pass {
    client_done_fn *done;
    void *ctx;
};

static void raw_passed(void *ctx, const struct frame *f)
{
    struct raw_pass *r = ctx;

    r->done(r->ctx, NULL);
    free(r);
}

/* Does the server answer an object that begins so? */
static bool raw_answered(struct span text)
{
    static const char *const silent[] = {"\"ack\"", "\"read\"", "\"typing\"",
                                         "\"bye\""};

    if (text.n < 2 || text.p[0] != '{' || text.p[text.n - 1] != '}' ||
        memmem(text.p, text.n, "\"n\":", 4) != NULL)
        return false;
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        size_t head = text.n < 24 ? text.n : 24;

        if (memmem(text.p, head, silent[i], strlen(silent[i])) != NULL)
            return false;
    }
    return true;
}

void client_raw(struct client *c, struct span text, client_done_fn *done,
                void *ctx)
{
    struct raw_pass *pass;
    struct pending *p;
    int64_t n;

    if ((c->state != LINK_UP && c->state != LINK_SYNCING) ||
        client_is_guest(c)) {
        done(ctx, NULL);
        return;
    }
    buf_clear(&c->out);
    if (raw_answered(text)) {
        p = client_pending_new(c, &n);
        p->done = done;
        p->ctx = ctx;
        buf_append(&c->out, text.p, text.n - 1);
        buf_printf(&c->out, ",\"n\":%lld}", (long long)n);
        client_write(c);
        return;
    }
    buf_append(&c->out, text.p, text.n);
    client_write(c);
    pass = mem_alloc(sizeof(*pass));
    *pass = (struct raw_pass){done, ctx};
    client_request(c, FRAME_FENCE, (struct span){0}, raw_passed, pass);
}

/* ---- small frames ---- */

void client_read(struct client *c, uint64_t conv, int64_t seq)
{
    struct place *p = place_get(c, conv);
    struct mark m = {conv, seq};

    if (seq > p->row.shown)
        p->row.shown = seq;
    if (client_is_guest(c)) {
        guest_read(c->guest, conv, seq);
        return;
    }
    if (seq > p->row.read && c->state == LINK_UP) {
        enc_read(&c->out, &m, 1);
        if (client_write(c) == 0)
            p->row.read = seq;
    }
    place_save(c, p);
}

void client_typing(struct client *c, uint64_t conv, bool on)
{
    if (client_is_guest(c)) {
        guest_typing(c->guest, conv, on);
        return;
    }
    if (c->state != LINK_UP)
        return;
    enc_typing(&c->out, conv, on);
    client_write(c);
}

void client_view(struct client *c, const uint64_t *convs, int nconvs,
                 const uint64_t *users, int nusers)
{
    if (client_is_guest(c)) {
        guest_view(c->guest, convs, nconvs, users, nusers);
    } else if (c->owner != NULL) {
        owner_view(c->owner, convs, nconvs, users, nusers);
    } else if (c->state == LINK_UP) {
        enc_view(&c->out, c->next_n++, convs, nconvs, users, nusers);
        client_write(c);
    }
}

struct history {
    struct client *client;
    void (*done)(void *ctx, int rc, int count);
    void *ctx;
};

static void history_came(void *ctx, const struct frame *f)
{
    struct history *h = ctx;
    struct client *c = h->client;
    struct span list;
    struct entry e;
    int count = 0;

    if (f == NULL || f->kind != FRAME_BATCH) {
        h->done(h->ctx, f == NULL ? -CF_UNAVAILABLE : -CF_NOT_FOUND, 0);
        free(h);
        return;
    }
    list = f->entries;
    archive_begin(c->archive);
    while (frame_next_entry(&list, f->conv, &e)) {
        client_entry(c, &e);
        count++;
    }
    h->done(h->ctx, archive_commit(c->archive), count);
    client_pump(c);
    free(h);
}

void client_history(struct client *c, uint64_t conv, int64_t before,
                    int64_t after, int limit,
                    void (*done)(void *ctx, int rc, int count), void *ctx)
{
    struct history *h = mem_alloc(sizeof(*h));
    struct buf members;

    *h = (struct history){c, done, ctx};
    buf_init(&members, 512);
    enc_member_id(&members, "conv", 'c', conv);
    if (after > 0)
        enc_member_int(&members, "after", after);
    else if (before > 0)
        enc_member_int(&members, "before", before);
    enc_member_int(&members, "limit",
                   limit > 0 && limit < LIMIT_HISTORY ? limit : LIMIT_HISTORY);
    client_request(c, FRAME_HISTORY, buf_span(&members), history_came, h);
    buf_release(&members);
}
