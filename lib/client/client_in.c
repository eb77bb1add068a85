/* What the server says. */
#include "client_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "guest.h"

/* ---- acknowledging ---- */

void client_send_acks(struct client *c)
{
    struct mark marks[LIMIT_MARKS];
    int count = 0;

    if (c->cfg.read_nothing)
        return;
    for (uint32_t i = 0; i < c->places.len && count < LIMIT_MARKS; i++) {
        struct place *p = c->places.entries[i].value;

        if (!p->acked)
            continue;
        p->acked = false;
        marks[count++] = (struct mark){p->row.conv, p->prefix};
    }
    if (count == 0)
        return;
    enc_ack(&c->out, marks, count);
    client_write(c);
}

void client_ack(struct client *c, uint64_t conv, int64_t seq)
{
    struct mark m = {conv, seq};

    if (c->state != LINK_UP || client_is_guest(c))
        return;
    enc_ack(&c->out, &m, 1);
    client_write(c);
}

/* ---- entries ---- */

/* Is the answer to this send still to come on this connection? */
static bool asked_for(const struct client *c, uint64_t conv, const char *cid)
{
    for (uint32_t i = 0; i < c->pending.len; i++) {
        const struct pending *p = c->pending.entries[i].value;

        if (p->conv == conv && strcmp(p->cid, cid) == 0)
            return true;
    }
    return false;
}

/* Our own message came back through the log: it is stored, even if the answer
 * to the send was lost. */
static void own_entry(struct client *c, const struct entry *e)
{
    char cid[LIMIT_CID + 1];
    struct outbox_item item;
    struct client_event ev = {.kind = EV_SENT,
                              .conv = e->conv,
                              .cid = cid,
                              .seq = e->seq,
                              .id = e->id,
                              .ts = e->ts};

    if (e->cid.p == NULL || e->cid.n > LIMIT_CID || e->from != c->cfg.user)
        return;
    snprintf(cid, sizeof(cid), "%.*s", (int)e->cid.n, e->cid.p);
    if (archive_outbox_get(c->archive, e->conv, cid, &item) < 0 ||
        item.state == OUT_STORED)
        return;
    archive_outbox_set(c->archive, e->conv, cid, OUT_STORED, e->seq, e->id,
                       NULL);
    if (!asked_for(c, e->conv, cid))
        client_emit(c, &ev);
}

static void advance(struct client *c, struct place *p)
{
    int64_t prefix;

    p->row.acked = p->prefix;
    prefix = archive_prefix_from(c->archive, p->row.conv, p->prefix);
    if (prefix == p->prefix)
        return;
    p->prefix = p->row.acked = prefix;
    p->acked = true;
}

/* Store one entry; the caller commits, then tells and acknowledges. */
void client_entry(struct client *c, const struct entry *e)
{
    struct place *p = place_get(c, e->conv);

    if (client_is_guest(c)) {
        archive_put(c->archive, e); /* its owner keeps count */
        return;
    }
    if (e->seq > p->row.head)
        p->row.head = e->seq;
    if (e->seq <= p->prefix) {
        archive_put(c->archive, e); /* older history, or a duplicate */
        return;
    }
    if (archive_put(c->archive, e) == 1)
        c->replayed += c->state != LINK_UP;
    own_entry(c, e);
    advance(c, p);
    if (e->kind == ENTRY_MEMBER || e->kind == ENTRY_TITLE)
        p->known = p->unlisted = false;
    if (p->prefix < e->seq && !p->hole && !p->fetching) {
        p->hole = true;
        loop_timer_set(c->gap, GAP_WAIT_MS);
    }
    place_save(c, p);
}

static void unkept(struct client *c)
{
    struct client_event ev = {.kind = EV_ERROR,
                              .code = "io",
                              .text = "the archive cannot be written: "
                                      "nothing is acknowledged"};

    client_emit(c, &ev);
    client_drop(c, 1001); /* they come again */
}

/* False: they could not be kept. */
static bool after_entries(struct client *c)
{
    if (archive_commit(c->archive) < 0) {
        unkept(c);
        return false;
    }
    client_send_acks(c);
    client_pump(c);
    return true;
}

static void odd(struct client *c, const char *what, uint64_t conv, int64_t seq)
{
    struct client_event ev = {
        .kind = EV_ODD, .code = what, .conv = conv, .seq = seq};

    client_emit(c, &ev);
}

/* Pushes of one connection rise one by one; a gap frame says what is left out.
 */
static void check_push(struct client *c, const struct entry *e)
{
    struct place *p = place_get(c, e->conv);

    if (p->wire > 0 && e->seq == p->wire)
        odd(c, "repeated", e->conv, e->seq);
    else if (p->wire > 0 && e->seq < p->wire)
        odd(c, "order", e->conv, e->seq);
    else if (p->wire > 0 && e->seq > p->wire + 1)
        odd(c, "hole", e->conv, p->wire + 1);
    if (e->seq > p->wire)
        p->wire = e->seq;
}

static void on_entry(struct client *c, const struct frame *f)
{
    struct entry e;

    frame_entry(f, &e);
    check_push(c, &e);
    archive_begin(c->archive);
    client_entry(c, &e);
    after_entries(c);
}

static bool keep_batch(struct client *c, const struct frame *f)
{
    struct span list = f->entries;
    struct entry e;

    archive_begin(c->archive);
    while (frame_next_entry(&list, f->conv, &e)) {
        if (f->re == 0)
            check_push(c, &e);
        client_entry(c, &e);
    }
    return after_entries(c);
}

static void on_batch(struct client *c, const struct frame *f)
{
    keep_batch(c, f);
}

/* ---- holes ---- */

/* What does not come is not waited for. */
static bool pass_by(struct client *c, struct place *p, int64_t from, int64_t to)
{
    if (from > p->prefix + 1 || to <= p->prefix)
        return false;
    p->prefix = p->row.acked = to;
    if (p->told < to && p->told + 1 >= from)
        p->told = to;
    p->row.low = to;
    if (to > p->row.head)
        p->row.head = to;
    advance(c, p);
    p->acked = true;
    place_save(c, p);
    client_send_acks(c);
    return true;
}

static bool see_seq(void *ctx, const struct entry *e)
{
    *(int64_t *)ctx = e->seq;
    return false;
}

/* What is missing in an answer of the log is gone for ever. */
static void end_of_hole(struct client *c, struct place *p,
                        const struct frame *answer)
{
    while (answer->from_seq <= p->prefix + 1 && p->prefix < answer->to) {
        int64_t from = p->prefix + 1, next = answer->to + 1;
        struct client_event ev = {.kind = EV_GAP,
                                  .conv = p->row.conv,
                                  .from = from,
                                  .code = "expired"};

        archive_entries(c->archive, p->row.conv, p->prefix, next, 1, true,
                        see_seq, &next);
        ev.to = next - 1;
        if (!pass_by(c, p, from, next - 1))
            return;
        client_emit(c, &ev);
    }
    client_pump(c);
}

static void hole_filled(void *ctx, const struct frame *answer)
{
    struct client *c = ctx;
    struct place *p;
    int64_t before;

    if (answer == NULL || answer->kind != FRAME_BATCH)
        return;
    p = place_get(c, answer->conv);
    p->fetching = false;
    before = p->prefix;
    if (!keep_batch(c, answer))
        return;
    end_of_hole(c, p, answer);
    if (p->prefix > before &&
        (p->prefix < p->deferred || p->prefix < p->row.head))
        client_fill_hole(c, p);
}

/* R6: ask for what is missing, keep the connection. */
void client_fill_hole(struct client *c, struct place *p)
{
    struct buf members;

    if (p->fetching || (p->prefix >= p->row.head && p->prefix >= p->deferred))
        return;
    p->fetching = true;
    buf_init(&members, 256);
    enc_member_id(&members, "conv", 'c', p->row.conv);
    enc_member_int(&members, "after", p->prefix);
    enc_member_int(&members, "limit", LIMIT_HISTORY);
    client_ask(c, FRAME_HISTORY, buf_span(&members), hole_filled, c);
    buf_release(&members);
}

/* A hole with a reason. What this device never had and what is gone is not
 * waited for; what was only put off is fetched. */
static void on_gap(struct client *c, const struct frame *f)
{
    struct place *p = place_get(c, f->conv);
    bool deferred = span_is(f->why, "deferred");
    char why[24];
    struct client_event ev = {.kind = EV_GAP,
                              .conv = f->conv,
                              .from = f->from_seq,
                              .to = f->to,
                              .code = why};

    snprintf(why, sizeof(why), "%.*s", (int)f->why.n, f->why.p);
    if (p->wire > 0 && f->from_seq <= p->wire + 1 && f->to > p->wire)
        p->wire = f->to;
    if (deferred && p->prefix > 0 && f->from_seq <= p->prefix + 1) {
        p->deferred = f->to;
        client_fill_hole(c, p);
        return;
    }
    pass_by(c, p, f->from_seq, f->to);
    client_emit(c, &ev);
    client_pump(c);
}

/* ---- session ---- */

void client_forget_marks(struct client *c)
{
    for (uint32_t i = 0; i < c->places.len; i++) {
        struct place *p = c->places.entries[i].value;

        p->prefix = p->told = p->deferred = 0;
        p->row.acked = p->row.head = p->row.low = 0;
        p->row.read = p->row.delivered_by = p->row.read_by = 0;
    }
}

/* The server was restored from a backup: numbers are used again, and what was
 * held of them is laid aside. All is asked for again; what comes and was told
 * before is not told twice. */
static int start_over(struct client *c, const char *store)
{
    struct client_event ev = {
        .kind = EV_ERROR,
        .code = CLIENT_RESTORED,
        .text = "the server was restored from a backup: its messages are "
                "fetched again",
    };
    int rc = archive_start_over(c->archive);

    if (rc == 0)
        rc = archive_set(c->archive, "store", store);
    if (rc < 0)
        return rc;
    client_forget_marks(c);
    client_emit(c, &ev);
    return 0;
}

static void on_welcome(struct client *c, const struct frame *f)
{
    char now[64], known[64] = "";

    snprintf(now, sizeof(now), "%.*s", (int)f->store.n, f->store.p);
    archive_get(c->archive, "store", known, sizeof(known));
    if (known[0] == '\0') {
        archive_set(c->archive, "store", now);
    } else if (strcmp(known, now) != 0 && start_over(c, now) < 0) {
        unkept(c);
        return;
    }
    c->cfg.user = f->user;
    c->cfg.dev = f->dev;
}

static void on_synced(struct client *c, const struct frame *f)
{
    struct span list = f->more_list;
    struct mark m;

    if (c->synced) {
        odd(c, "synced", 0, 0);
        return;
    }
    c->synced = true;
    c->up_since = clock_mono(c->cfg.clock);
    c->no_last_seen = false;
    client_link_event(c, LINK_UP, 0, 0, NULL);
    client_start_beating(c);
    client_list_convs(c);
    while (list.p != NULL && frame_next_mark(&list, &m)) {
        struct place *p = place_get(c, m.conv);

        p->deferred = m.seq;
        client_fill_hole(c, p);
    }
}

/* The conversations are known: now others may ask for them. */
void client_synced(struct client *c)
{
    struct client_event ev = {.kind = EV_SYNCED, .replayed = c->replayed};

    c->listed = true;
    client_pump(c);
    client_emit(c, &ev);
    client_flush_outbox(c);
    if (c->guest == NULL)
        return;
    guest_hand_over(c->guest);
    guest_free(&c->guest);
}

static void on_hello_error(struct client *c, const struct frame *f)
{
    if (span_is(f->code, "bad_frame") && !c->no_last_seen) {
        c->no_last_seen = true; /* a cursor above the head: ask for all */
        c->at_once = true;
        client_drop(c, 1000);
    }
}

static void on_bye(struct client *c, const struct frame *f)
{
    c->retry_min = f->retry_min;
    c->retry_max = f->retry_max > f->retry_min ? f->retry_max : f->retry_min;
}

/* ---- the rest ---- */

static void on_receipt(struct client *c, const struct frame *f)
{
    struct place *p = place_get(c, f->conv);
    struct client_event ev = {.kind = EV_RECEIPT,
                              .conv = f->conv,
                              .user = f->user,
                              .delivered = f->delivered,
                              .read = f->read,
                              .seq = f->seq,
                              .delivered_n = f->delivered_n,
                              .read_n = f->read_n};

    if (f->user == c->cfg.user) {
        if (f->read > p->row.read)
            p->row.read = f->read;
    } else if (f->user != 0) {
        if (f->delivered > p->row.delivered_by)
            p->row.delivered_by = f->delivered;
        if (f->read > p->row.read_by)
            p->row.read_by = f->read;
    }
    place_save(c, p);
    client_emit(c, &ev);
}

static void on_presence(struct client *c, const struct frame *f)
{
    struct span list = f->at;
    struct presence_row row;

    while (frame_next_presence(&list, &row)) {
        struct client_event ev = {.kind = EV_PRESENCE,
                                  .user = row.user,
                                  .state = row.state,
                                  .last = row.last};

        client_emit(c, &ev);
    }
}

static void on_typing(struct client *c, const struct frame *f)
{
    struct client_event ev = {
        .kind = EV_TYPING, .conv = f->conv, .user = f->user, .on = f->on};

    client_emit(c, &ev);
}

static void on_head(struct client *c, const struct frame *f)
{
    struct place *p = place_get(c, f->conv);
    struct client_event ev = {.kind = EV_HEAD, .conv = f->conv, .seq = f->seq};

    if (f->seq > p->row.head)
        p->row.head = f->seq;
    client_emit(c, &ev);
    client_fill_hole(c, p);
}

static void on_error(struct client *c, const struct frame *f)
{
    char code[24], text[200];
    struct client_event ev = {.kind = EV_ERROR, .code = code, .text = text};

    snprintf(code, sizeof(code), "%.*s", (int)f->code.n, f->code.p);
    snprintf(text, sizeof(text), "%.*s", (int)f->msg.n,
             f->msg.p != NULL ? f->msg.p : "");
    client_emit(c, &ev);
}

/* ---- one frame ---- */

static const struct {
    enum frame_kind kind;
    void (*handle)(struct client *c, const struct frame *f);
} pushes[] = {
    {FRAME_WELCOME, on_welcome},   {FRAME_ENTRY, on_entry},
    {FRAME_BATCH, on_batch},       {FRAME_SYNCED, on_synced},
    {FRAME_GAP, on_gap},           {FRAME_RECEIPT, on_receipt},
    {FRAME_PRESENCE, on_presence}, {FRAME_TYPING, on_typing},
    {FRAME_HEAD, on_head},         {FRAME_BYE, on_bye},
    {FRAME_ERR, on_error},
};

static bool answer(struct client *c, const struct frame *f)
{
    struct pending *p =
        f->re > 0 ? map_remove(&c->pending, (uint64_t)f->re) : NULL;

    if (p == NULL)
        return false;
    if (p->conv != 0)
        client_outbox_answer(c, p, f);
    else if (p->done != NULL)
        p->done(p->ctx, f);
    free(p);
    return true;
}

static void odd_frame(struct client *c, const char *why)
{
    struct client_event ev = {.kind = EV_ODD, .code = "frame", .text = why};

    client_emit(c, &ev);
}

static void one_frame(struct client *c, struct span object)
{
    struct frame_error err;
    struct frame f;

    if (frame_decode(&f, object, FROM_SERVER, LIMIT_ENTRY_WIRE, false, &err) <
        0) {
        /* A kind of a newer server is ignored, as the protocol says. */
        if (strcmp(err.code, "unknown_kind") != 0)
            odd_frame(c, err.text);
        return;
    }
    if (f.kind == FRAME_ERR && f.re == 1)
        on_hello_error(c, &f);
    if (answer(c, &f))
        return;
    for (size_t i = 0; i < COUNT_OF(pushes); i++)
        if (pushes[i].kind == f.kind)
            pushes[i].handle(c, &f);
}

void client_message(struct client *c, struct span text)
{
    struct span object;

    while (frame_next(&text, &object))
        one_frame(c, object);
}
