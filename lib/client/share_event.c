/* Events of a client as lines. */
#include "share.h"

/* Numbers of an event in the order of this table, on both sides. */
enum { NUMBERS = 16 };

static void numbers_of(const struct client_event *ev, int64_t *to)
{
    const int64_t all[NUMBERS] = {
        ev->kind, ev->link,      ev->delay_ms,    ev->attempt,
        ev->seq,  ev->ts,        ev->from,        ev->to,
        ev->read, ev->delivered, ev->delivered_n, ev->read_n,
        ev->last, ev->state,     ev->replayed,    (int64_t)ev->id,
    };

    memcpy(to, all, sizeof(all));
}

static void text_member(struct buf *b, const char *key, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(b, ",\"%s\":", key);
    json_write_text(b, span_of(text));
}

void share_event_write(struct buf *b, const struct client_event *ev)
{
    int64_t numbers[NUMBERS];

    numbers_of(ev, numbers);
    buf_append_text(b, "{\"t\":\"event\",\"v\":[");
    for (int i = 0; i < NUMBERS; i++) {
        if (i > 0)
            buf_append_byte(b, ',');
        buf_append_i64(b, numbers[i]);
    }
    buf_printf(b, "],\"conv\":%lld,\"user\":%lld,\"flags\":%d",
               (long long)ev->conv, (long long)ev->user,
               ev->fresh | ev->dup << 1 | ev->on << 2);
    text_member(b, "code", ev->code);
    text_member(b, "text", ev->text);
    text_member(b, "cid", ev->cid);
    buf_append_byte(b, '}');
}

static bool in_range(const int64_t *n)
{
    return n[0] >= EV_LINK && n[0] <= EV_ODD && n[1] >= LINK_DOWN &&
           n[1] <= LINK_ENDED;
}

bool share_event_read(struct client_event *ev, const json_t *j)
{
    const json_t *list = json_object_get(j, "v");
    int64_t n[NUMBERS], flags;

    if (json_array_size(list) != NUMBERS)
        return false;
    for (size_t i = 0; i < NUMBERS; i++)
        n[i] = json_integer_value(json_array_get(list, i));
    if (!in_range(n))
        return false;
    flags = json_integer_value(json_object_get(j, "flags"));
    *ev = (struct client_event){
        .kind = (enum client_event_kind)n[0],
        .link = (enum client_link)n[1],
        .delay_ms = n[2],
        .attempt = (int)n[3],
        .seq = n[4],
        .ts = n[5],
        .from = n[6],
        .to = n[7],
        .read = n[8],
        .delivered = n[9],
        .delivered_n = n[10],
        .read_n = n[11],
        .last = n[12],
        .state = (enum presence_state)n[13],
        .replayed = (int)n[14],
        .id = (uint64_t)n[15],
        .conv = (uint64_t)json_integer_value(json_object_get(j, "conv")),
        .user = (uint64_t)json_integer_value(json_object_get(j, "user")),
        .fresh = (flags & 1) != 0,
        .dup = (flags & 2) != 0,
        .on = (flags & 4) != 0,
        .code = json_string_value(json_object_get(j, "code")),
        .text = json_string_value(json_object_get(j, "text")),
        .cid = json_string_value(json_object_get(j, "cid")),
    };
    return true;
}
