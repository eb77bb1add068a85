/* object.h - one object that the server sent, scanned in one pass for what the
 * generator looks at; nothing is copied or allocated. The scanner trusts that
 * strings hold no raw quotes and is content with the outline of JSON: a server
 * is judged by what it delivers, and lib/proto judges its grammar elsewhere. */
#ifndef LOAD_OBJECT_H
#define LOAD_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum object_kind {
    OBJECT_OTHER,
    OBJECT_ENTRY,
    OBJECT_SENT,
    OBJECT_HB,
    OBJECT_RECEIPT,
    OBJECT_BATCH,
    OBJECT_PRESENCE,
    OBJECT_HEAD,
    OBJECT_SYNCED,
    OBJECT_WELCOME,
    OBJECT_OK,
    OBJECT_GAP,
    OBJECT_ERR,
    OBJECT_BYE
};

struct object {
    enum object_kind kind;
    bool more, dup, temp, is_message; /* is_message: k is msg */
    int64_t re, seq, to, head, delivered, read, delivered_n, read_n;
    int64_t from_seq;          /* batch, gap */
    uint64_t conv, user, from; /* 0: absent; from of an entry */
    uint64_t id;
    struct span cid, body, entries, at, code, retry, why;
};

/* Scan the object at the head of *rest and move *rest behind it and behind
 * white space and commas. 1; 0: nothing is left; -CF_INVALID: not an object.
 * Elements of batch.entries are read by the same function: their kind is
 * OBJECT_OTHER. */
int object_next(struct span *rest, struct object *o);

/* Walk presence.at ([["u3","on",1764000000000],...]) and marks
 * ([["c5",76],...]): takes a row out of *rows. state is empty for marks. False
 * at the end or where it is broken. */
struct object_row {
    uint64_t id;
    struct span state;
    int64_t number;
};
bool object_next_row(struct span *rows, struct object_row *row);

#endif
