/* value_inside.h - for the files of values and patterns only. */
#ifndef SCRIPT_VALUE_INSIDE_H
#define SCRIPT_VALUE_INSIDE_H

#include "value.h"

#define VALUE_MAX_TEXT (16 << 20) /* bytes of a text made by an expression */
#define VALUE_MAX_FILE (64 << 20) /* bytes of a file() */
#define VALUE_SHOWN 60            /* bytes of a value in an error */

/* "file:line:column: what" into *err; returns -CF_INVALID. */
int value_error(const struct expr *x, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "a text", "a number", "null" ... */
const char *value_type(const json_t *v);

/* A number, whatever its sort. */
double value_real(const json_t *v);

/* Are they equal? 1 and 1.0 are. */
bool value_same(const json_t *a, const json_t *b);

/* Append what ${...} makes of it. */
int value_write(struct buf *out, const json_t *v);

/* Append it as JSON, shortened to VALUE_SHOWN bytes. */
void value_show(struct buf *out, const json_t *v);

/* ---- value_file.c ---- */

/* What file("name") is: an object of path, size, sha256 and, when it is
 * short and UTF-8, text. */
int value_file(const struct eval *e, const struct expr *x, const char *name,
               json_t **out, struct error *err);

/* SHA-256 (FIPS 180-4) of n bytes as 64 hex digits and a NUL. */
void value_sha256(const void *bytes, size_t n, char hex[65]);

/* ---- eval_operator.c, eval_call.c ---- */

int eval_unary(const struct eval *e, const struct expr *x, json_t **out,
               struct error *err);
int eval_binary(const struct eval *e, const struct expr *x, json_t **out,
                struct error *err);
int eval_call(const struct eval *e, const struct expr *x, json_t **out,
              struct error *err);

/* The text of a regex pattern, its ${...} quoted, into out. */
int eval_regex(const struct eval *e, const struct expr *x, struct buf *out,
               struct error *err);

#endif
