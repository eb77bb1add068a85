#include "history.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "proto/frame.h"

#define NAME_MAX_BYTES 200

struct ack { /* a message that was acknowledged */
    struct link link;
    char conv[32], cid[80];
    int64_t seq;
};

struct reader { /* one device in one conversation */
    struct link link;
    char who[80], conv[32];
    int64_t last;
    bool member;
    struct map seqs; /* seq -> anything */
};

struct history {
    FILE *out;
    struct link acks, readers;
    struct strmap ack_of;    /* "conv cid" -> ack */
    struct strmap reader_of; /* "who conv" -> reader */
    struct strmap ids;       /* "conv seq" -> text of the id */
    struct strmap marks;     /* "conv user what" -> value + 1 */
    int64_t events, broken;
};

static void broken(struct history *h, const char *rule, const char *what,
                   int64_t seq)
{
    h->broken++;
    if (h->broken <= 50)
        fprintf(h->out, "%s: %s (seq %" PRId64 ")\n", rule, what, seq);
}

/* The text of a member without its quotes, "" when absent. */
static void text_of(struct span line, const char *key, char *out, size_t size)
{
    struct span v = json_member(line, key);

    out[0] = '\0';
    if (v.p != NULL && v.n >= 2 && v.p[0] == '"')
        snprintf(out, size, "%.*s", (int)v.n - 2, v.p + 1);
}

static int64_t number_of(struct span line, const char *key)
{
    struct span v = json_member(line, key);
    char digits[24];

    snprintf(digits, sizeof(digits), "%.*s", (int)(v.n < 20 ? v.n : 20),
             v.p != NULL ? v.p : "0");
    return strtoll(digits, NULL, 10);
}

static struct span key_of(char key[NAME_MAX_BYTES], const char *a,
                          const char *b)
{
    int n = snprintf(key, NAME_MAX_BYTES, "%s %s", a, b);

    return span_make(key, (size_t)n < NAME_MAX_BYTES ? (size_t)n
                                                     : NAME_MAX_BYTES - 1);
}

static struct reader *reader_get(struct history *h, const char *who,
                                 const char *conv)
{
    char key[NAME_MAX_BYTES];
    struct reader *r = strmap_get(&h->reader_of, key_of(key, who, conv));

    if (r != NULL)
        return r;
    r = mem_alloc(sizeof(*r));
    snprintf(r->who, sizeof(r->who), "%s", who);
    snprintf(r->conv, sizeof(r->conv), "%s", conv);
    map_init(&r->seqs);
    list_push(&h->readers, &r->link);
    strmap_put(&h->reader_of, key_of(key, who, conv), r);
    return r;
}

/* ---- events ---- */

static void on_acked(struct history *h, struct span line)
{
    struct ack *a = mem_alloc(sizeof(*a)), *before;
    char key[NAME_MAX_BYTES];

    text_of(line, "conv", a->conv, sizeof(a->conv));
    text_of(line, "cid", a->cid, sizeof(a->cid));
    a->seq = number_of(line, "seq");
    before = strmap_get(&h->ack_of, key_of(key, a->conv, a->cid));
    if (before != NULL && before->seq != a->seq)
        broken(h, "one cid, two seqs", a->cid, a->seq);
    if (before != NULL) {
        free(a);
        return;
    }
    strmap_put(&h->ack_of, key_of(key, a->conv, a->cid), a);
    list_push(&h->acks, &a->link);
}

static void check_id(struct history *h, const char *conv, int64_t seq,
                     const char *id)
{
    char key[NAME_MAX_BYTES], number[24];
    const char *before;
    struct span k;

    if (id[0] == '\0')
        return;
    snprintf(number, sizeof(number), "%" PRId64, seq);
    k = key_of(key, conv, number);
    before = strmap_get(&h->ids, k);
    if (before == NULL)
        strmap_put(&h->ids, k, mem_text(id));
    else if (strcmp(before, id) != 0)
        broken(h, "two entries under one seq", conv, seq);
}

static void on_seen(struct history *h, struct span line)
{
    char who[80], conv[32], id[32], cid[80], key[NAME_MAX_BYTES];
    int64_t seq = number_of(line, "seq");
    struct reader *r;
    struct ack *a;

    text_of(line, "who", who, sizeof(who));
    text_of(line, "conv", conv, sizeof(conv));
    text_of(line, "id", id, sizeof(id));
    text_of(line, "cid", cid, sizeof(cid));
    r = reader_get(h, who, conv);
    if (map_put(&r->seqs, (uint64_t)seq, r) != NULL)
        broken(h, "rendered twice", who, seq);
    else if (seq < r->last)
        broken(h, "out of order", who, seq);
    if (seq > r->last)
        r->last = seq;
    check_id(h, conv, seq, id);
    a = cid[0] != '\0' ? strmap_get(&h->ack_of, key_of(key, conv, cid)) : NULL;
    if (a != NULL && a->seq != seq)
        broken(h, "the same message under two seqs", cid, seq);
}

static void rise(struct history *h, const char *key, const char *what,
                 int64_t value)
{
    char full[NAME_MAX_BYTES];
    struct span k = key_of(full, key, what);
    uintptr_t before = (uintptr_t)strmap_get(&h->marks, k);

    if (before > (uintptr_t)value + 1)
        broken(h, "a mark fell", key, value);
    strmap_put(&h->marks, k, (void *)((uintptr_t)value + 1));
}

static void on_mark(struct history *h, struct span line)
{
    char conv[32], user[32], key[80];

    text_of(line, "conv", conv, sizeof(conv));
    text_of(line, "user", user, sizeof(user));
    snprintf(key, sizeof(key), "%s %s", conv, user);
    rise(h, key, "delivered", number_of(line, "delivered"));
    rise(h, key, "read", number_of(line, "read"));
    if (number_of(line, "read") > number_of(line, "delivered"))
        broken(h, "read above delivered", key, number_of(line, "read"));
}

static void on_member(struct history *h, struct span line)
{
    char who[80], conv[32];

    text_of(line, "who", who, sizeof(who));
    text_of(line, "conv", conv, sizeof(conv));
    reader_get(h, who, conv)->member = true;
}

static void on_line(struct history *h, struct span line)
{
    static const struct {
        const char *name;
        void (*act)(struct history *h, struct span line);
    } kinds[] = {{"\"acked\"", on_acked},
                 {"\"seen\"", on_seen},
                 {"\"mark\"", on_mark},
                 {"\"member\"", on_member}};
    struct span kind;
    size_t end;

    if (json_scan(line, &end) < 0 || line.p[0] != '{') {
        broken(h, "not a line of JSON", "", h->events);
        return;
    }
    kind = json_member(line, "e");
    h->events++;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (span_is(kind, kinds[i].name))
            kinds[i].act(h, line);
    }
}

/* ---- the end ---- */

static void check_lost(struct history *h)
{
    list_each (&h->readers, l, tmp) {
        struct reader *r = container_of(l, struct reader, link);

        list_each (&h->acks, k, tmp_k) {
            struct ack *a = container_of(k, struct ack, link);

            if (r->member && strcmp(a->conv, r->conv) == 0 &&
                map_get(&r->seqs, (uint64_t)a->seq) == NULL)
                broken(h, "acknowledged and lost", r->who, a->seq);
        }
    }
}

static void history_release(struct history *h)
{
    struct link *l;

    while ((l = list_pop(&h->acks)) != NULL)
        free(container_of(l, struct ack, link));
    while ((l = list_pop(&h->readers)) != NULL) {
        struct reader *r = container_of(l, struct reader, link);

        map_release(&r->seqs);
        free(r);
    }
    for (uint32_t i = 0; i < h->ids.len; i++)
        free(h->ids.entries[i].value);
    strmap_release(&h->ids);
    strmap_release(&h->ack_of);
    strmap_release(&h->reader_of);
    strmap_release(&h->marks);
}

int history_check_file(const char *path, FILE *out)
{
    struct history h = {.out = out};
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    if (f == NULL) {
        fprintf(out, "history: cannot read %s\n", path);
        return 2;
    }
    list_init(&h.acks);
    list_init(&h.readers);
    while ((n = getline(&line, &cap, f)) > 0) {
        if (line[n - 1] == '\n')
            n--;
        if (n > 0)
            on_line(&h, span_make(line, (size_t)n));
    }
    free(line);
    fclose(f);
    check_lost(&h);
    fprintf(out, "history: %" PRId64 " events, %" PRId64 " broken\n", h.events,
            h.broken);
    history_release(&h);
    return h.broken > 0;
}
