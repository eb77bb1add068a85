/* frame_table.h - what each kind of frame may hold; for frame.c. */
#ifndef PROTO_FRAME_TABLE_H
#define PROTO_FRAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"

/* How a member's value is read. min and max of a row bound it. */
enum value_type {
    VALUE_INT,        /* int64_t */
    VALUE_BOOL,       /* bool */
    VALUE_CONV,       /* uint64_t, "c5" */
    VALUE_USER,       /* uint64_t, "u5" */
    VALUE_DEV,        /* uint32_t, "d5" */
    VALUE_ID,         /* uint64_t, "5" */
    VALUE_TEXT,       /* span; bytes with escapes resolved in min..max */
    VALUE_PLAIN,      /* span; a text without escapes */
    VALUE_CID,        /* span; printable ASCII without " and \ */
    VALUE_ENTRY_KIND, /* 0 for a word of a later version */
    VALUE_CONV_KIND,
    VALUE_CONV_MODE,
    VALUE_ROLE,
    VALUE_BODY,     /* span; object with one of text, media, enc */
    VALUE_OBJECT,   /* span */
    VALUE_CONVS,    /* span; list of at most max */
    VALUE_USERS,    /* span; the same */
    VALUE_MARKS,    /* span; [["c5",74],...] */
    VALUE_PRESENCE, /* span; [["u5","on",0],...] */
    VALUE_ENTRIES,  /* span; entries without t and conv */
    VALUE_SEEN,     /* span; {"c5":74,...} */
    VALUE_WIN,      /* {"entries":1,"bytes":1} */
    VALUE_VER,      /* [1,...] into v1 */
    VALUE_RETRY,    /* 5 or [5,10] into retry_min, retry_max */
    VALUE_TYPES
};

struct row {
    const char *name;
    uint8_t length; /* of name */
    uint8_t type;
    uint8_t member;
    bool required;
    uint16_t offset; /* into struct frame */
    int64_t min, max;
};

struct rows {
    const struct row *row; /* NULL: this side never sends the kind */
    int count;
};

struct kind {
    const char *name;
    uint8_t length;
    bool open; /* has members that are not in the rows */
    struct rows client, server;
};

extern const struct kind frame_kinds[FRAME_KINDS];

/* What every frame of a client, of a server may hold. */
extern const struct row frame_n_row, frame_re_row;

/* The members of `win`, and of an element of batch.entries. */
extern const struct rows frame_win_rows, frame_element_rows;

#endif
