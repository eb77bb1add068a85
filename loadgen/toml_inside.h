/* toml_inside.h - shared by the files of the TOML reader only. */
#ifndef LOAD_TOML_INSIDE_H
#define LOAD_TOML_INSIDE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/map.h"
#include "toml.h"

struct toml_reader {
    const char *source;
    struct span text;
    size_t at, line_start;
    int line;
    struct toml *out;
    struct map kinds; /* container -> enum toml_kind */
    struct error *err;
};

/* How a container came to be, which says who may add to it. */
enum toml_kind {
    TOML_IMPLICIT = 1, /* named on the way to a deeper [table] */
    TOML_HEADER,       /* by [table], or an element of [[table]] */
    TOML_DOTTED,       /* by a.b = c */
    TOML_CLOSED,       /* an inline table or an array: complete */
    TOML_TABLES        /* the array of [[table]] */
};

/* The byte at the cursor; -1 at the end. */
int toml_peek(const struct toml_reader *r);
bool toml_take(struct toml_reader *r, char c); /* true: it was there */
void toml_blanks(struct toml_reader *r);       /* spaces and tabs */
/* A comment, when one starts here; 0 or an error. */
int toml_comment(struct toml_reader *r);
/* A newline, when one is here: true. */
bool toml_newline(struct toml_reader *r);
/* Blanks, comments and newlines. */
int toml_space(struct toml_reader *r);
/* Column from 1, in characters. */
int toml_column(const struct toml_reader *r, size_t at);
int toml_fail(struct toml_reader *r, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A string in " or ' at the cursor, appended to out. */
int toml_string(struct toml_reader *r, struct buf *out);
/* Any value that is no container: string, number, boolean. */
int toml_scalar(struct toml_reader *r, json_t **out);

/* A value at the cursor; level is that of the container around it. */
int toml_value(struct toml_reader *r, json_t **out, int level);
/* key = value, put into table. */
int toml_pair(struct toml_reader *r, json_t *table, int level);
/* One key (bare or quoted) into out, without blanks around. */
int toml_key(struct toml_reader *r, struct buf *out);

void toml_put_place(struct toml_reader *r, const json_t *in, const char *key,
                    size_t key_at, size_t value_at, int value_line,
                    size_t value_line_start);
enum toml_kind toml_kind_of(const struct toml_reader *r, const json_t *j);
void toml_set_kind(struct toml_reader *r, const json_t *j, enum toml_kind k);
/* A new table under key of `in`. */
json_t *toml_new_table(struct toml_reader *r, json_t *in, const char *key,
                       enum toml_kind kind, size_t at);

#endif
