/* toml.h - a strict subset of TOML 1.0 (toml.io) read into a jansson tree.
 *
 * Read: comments; bare, quoted and dotted keys; basic and literal strings;
 * decimal integers and floats with "_"; booleans; arrays over many lines;
 * inline tables; [table] and [[array of tables]]. Refused: dates, multi-line
 * strings, hexadecimal and the like, inf and nan, duplicate keys. Whatever is
 * accepted, a TOML reader reads the same. Bounded: 1 MiB, 8 levels. */
#ifndef LOAD_TOML_H
#define LOAD_TOML_H

#include "base/error.h"
#include "base/json.h"
#include "base/map.h"
#include "base/span.h"

#define TOML_BYTES (1 << 20)
#define TOML_DEPTH 8

struct toml_place {
    int line, column;             /* of the key; of the element in an array */
    int value_line, value_column; /* of its value */
};

struct toml {
    json_t *root; /* owned */
    /* container and key -> struct toml_place, owned; see toml_place(). */
    struct strmap places;
};

/* Read text; source is the file's name in errors, which read
 * "file:3:7: what" with lines and columns from 1, columns in characters.
 * 0; -CF_INVALID, -CF_TOO_BIG: then there is nothing to release. */
int toml_parse(struct toml *t, const char *source, struct span text,
               struct error *err);
void toml_release(struct toml *t);

/* Where key stands in a table of the tree, or the element of that index
 * ("0") in an array; NULL when it came from elsewhere. */
const struct toml_place *toml_place(const struct toml *t, const json_t *in,
                                    const char *key);

#endif
