#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "store/store_backend.h"

#define ROW_ALIGN 16

uint64_t store_entry_hash(const struct entry *e)
{
    uint64_t parts[5] = {hash_stable(e->body.p ? e->body.p : "", e->body.n),
                         (uint64_t)e->kind, (uint64_t)e->of,
                         (uint64_t)e->thread, (uint64_t)e->reply};

    return hash_stable(parts, sizeof(parts));
}

size_t store_entry_size(const struct entry *e)
{
    return 160 + e->body.n + e->cid.n + e->mention.n;
}

void store_pair(const struct store_op *op, uint64_t pair[2])
{
    uint64_t a = op->user, b = op->other;

    pair[0] = a < b ? a : b;
    pair[1] = a < b ? b : a;
}

int64_t store_mark_top(int64_t head, int64_t left)
{
    return left > 0 && left < head ? left : head;
}

bool store_hash_is_zero(const uint8_t hash[TOKEN_HASH])
{
    static const uint8_t zero[TOKEN_HASH];

    return memcmp(hash, zero, TOKEN_HASH) == 0;
}

void store_copy_text(char *out, size_t size, const char *text, size_t n)
{
    if (text == NULL)
        n = 0;
    if (n >= size)
        n = size - 1;
    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

/* ---- variable results ---- */

int store_out_bytes(struct store_op *op, struct span *to, const void *p,
                    size_t n)
{
    size_t at = op->out.len;
    int rc;

    *to = (struct span){NULL, 0};
    if (p == NULL)
        return 0;
    rc = buf_append(&op->out, p, n);
    if (rc == 0)
        *to = span_make((const char *)(uintptr_t)(at + 1), n);
    return rc;
}

static void span_rebase(struct span *s, const struct buf *out)
{
    if (s->p == NULL)
        return;
    s->p = s->n > 0 ? out->data + ((uintptr_t)s->p - 1) : "";
}

void store_out_entry(struct store_op *op, struct entry *e)
{
    span_rebase(&e->cid, &op->out);
    span_rebase(&e->body, &op->out);
    span_rebase(&e->mention, &op->out);
}

void *store_out_array(struct store_op *op, const void *items, size_t n)
{
    size_t pad = (ROW_ALIGN - op->out.len % ROW_ALIGN) % ROW_ALIGN;
    char *to = buf_reserve(&op->out, pad + n);

    if (to == NULL)
        return NULL;
    memset(to, 0, pad);
    if (n > 0)
        memcpy(to + pad, items, n);
    op->out.len += pad + n;
    return to + pad;
}

int store_out_entries(struct store_op *op, const struct entry *items, int n)
{
    op->entry_count = 0;
    op->entries = store_out_array(op, items, (size_t)n * sizeof(*items));
    if (op->entries == NULL)
        return n > 0 ? -CF_TOO_BIG : 0;
    for (int i = 0; i < n; i++)
        store_out_entry(op, &op->entries[i]);
    op->entry_count = n;
    return 0;
}

void *store_rows_add(struct store_rows *r, size_t size)
{
    void *item;

    if (r->count == r->cap) {
        r->cap = r->cap > 0 ? r->cap * 2 : 16;
        r->items = mem_grow(r->items, (size_t)r->cap, size);
    }
    item = (char *)r->items + (size_t)r->count++ * size;
    memset(item, 0, size);
    return item;
}

void store_rows_release(struct store_rows *r)
{
    free(r->items);
    *r = (struct store_rows){0};
}

/* ---- export ---- */

int store_export_begin(const struct store_op *op, struct export_cursor *c)
{
    char text[80];
    int used = 0;

    *c = (struct export_cursor){0};
    if (op->cursor.p == NULL)
        return 0;
    if (op->cursor.n >= sizeof(text))
        return -CF_INVALID;
    store_copy_text(text, sizeof(text), op->cursor.p, op->cursor.n);
    if (sscanf(text, "%d.%" SCNu64 ".%" SCNd64 "%n", &c->stage, &c->conv,
               &c->seq, &used) != 3 ||
        (size_t)used != op->cursor.n)
        return -CF_INVALID;
    return c->stage >= 0 && c->stage <= 3 && c->seq >= 0 ? 0 : -CF_INVALID;
}

/* Open a line {"what":"..."; members follow. */
static int line_open(struct buf *b, const char *what)
{
    return buf_printf(b, "{\"what\":\"%s\"", what);
}

static int line_close(struct buf *b)
{
    return buf_append_text(b, "}\n");
}

int store_export_user(struct buf *b, const struct user_row *u)
{
    int rc = line_open(b, "user");

    rc |= enc_member_id(b, "user", 'u', u->user);
    rc |= enc_member_text(b, "name", span_of(u->name));
    rc |= enc_member_text(b, "display", span_of(u->display));
    rc |= enc_member_text(b, "contact", span_of(u->contact));
    rc |= enc_member_int(b, "created", u->created);
    rc |= line_close(b);
    return rc != 0 ? -CF_TOO_BIG : 0;
}

int store_export_device(struct buf *b, const struct device_row *d)
{
    int rc = line_open(b, "device");

    rc |= enc_member_id(b, "dev", 'd', d->dev);
    rc |= enc_member_text(b, "name", span_of(d->name));
    rc |= enc_member_int(b, "created", d->created);
    rc |= enc_member_int(b, "seen", d->seen);
    rc |= line_close(b);
    return rc != 0 ? -CF_TOO_BIG : 0;
}

int store_export_member(struct buf *b, const struct membership *m)
{
    int rc = line_open(b, "member");

    rc |= enc_member_id(b, "conv", 'c', m->conv);
    rc |= enc_member_text(b, "kind", span_of(conv_kind_name(m->c.kind)));
    rc |= enc_member_text(b, "title", span_of(m->c.title));
    rc |= enc_member_text(b, "role", span_of(role_name(m->role)));
    rc |= enc_member_int(b, "join", m->join);
    rc |= enc_member_int(b, "left", m->left);
    rc |= enc_member_int(b, "delivered", m->delivered);
    rc |= enc_member_int(b, "read", m->read);
    rc |= line_close(b);
    return rc != 0 ? -CF_TOO_BIG : 0;
}

int store_export_entry(struct buf *b, const struct entry *e)
{
    int rc = line_open(b, "entry");

    rc |= enc_member_id(b, "conv", 'c', e->conv);
    rc |= enc_member_int(b, "seq", e->seq);
    rc |= enc_member_text(b, "k", span_of(entry_kind_name(e->kind)));
    rc |= enc_member_int(b, "ts", e->ts);
    if (e->of > 0)
        rc |= enc_member_int(b, "of", e->of);
    if (e->deleted)
        rc |= enc_member_bool(b, "deleted", true);
    if (e->body.p != NULL)
        rc |= enc_member_raw(b, "body", e->body);
    rc |= line_close(b);
    return rc != 0 ? -CF_TOO_BIG : 0;
}

int store_export_end(struct store_op *op, const struct export_cursor *c)
{
    size_t rows = op->out.len;
    int rc = 0;

    op->cursor = (struct span){NULL, 0};
    if (c->stage <= 3)
        rc = buf_printf(&op->out, "%d.%" PRIu64 ".%" PRId64, c->stage, c->conv,
                        c->seq);
    op->rows = span_make(rows > 0 ? op->out.data : "", rows);
    if (c->stage <= 3 && rc == 0)
        op->cursor = span_make(op->out.data + rows, op->out.len - rows);
    return rc;
}
