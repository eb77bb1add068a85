/* scenario_field.h - one table per table of a scenario file: which keys there
 * are, of what type and range. Reading, checking and writing come from it. */
#ifndef LOAD_SCENARIO_FIELD_H
#define LOAD_SCENARIO_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "toml.h"

enum field_type {
    FIELD_TEXT,   /* char[room] */
    FIELD_INT,    /* int64_t; 20_000 or "20k" */
    FIELD_RATE,   /* double, a second; 20 or "2k/s" */
    FIELD_SHARE,  /* double 0..1; 0.3 or "30%" */
    FIELD_FACTOR, /* double */
    FIELD_TIME,   /* int64_t ms; "30s" */
    FIELD_AUTO,   /* the same, or "auto": -1 */
    FIELD_BOOL,   /* bool */
    FIELD_CHOICE, /* enum: index into choices */
    FIELD_EITHER, /* bool: index into two choices */
    FIELD_TABLE,  /* sub, fields in the same structure */
    FIELD_OTHER   /* read by read(), written by write() */
};

struct reader;

struct field {
    const char *key;
    enum field_type type;
    size_t offset;
    double min, max;
    const char *choices; /* "a|b" */
    size_t room;
    const struct field *sub; /* ends with key == NULL */
    int (*read)(struct reader *r, const json_t *in, const char *key,
                void *target);
    /* NULL: nothing to write. */
    json_t *(*write)(const void *target);
};

struct set_value {
    const json_t *in; /* container that --set changed */
    char *key;        /* owned */
    const char *text; /* the option, for errors */
};

struct reader {
    const char *source;
    const struct toml *toml; /* NULL: JSON, no places */
    bool files;              /* read those that the scenario names */
    const struct set_value *sets;
    int nsets;
    struct error *err;
};

/* "file:3:7: what": the place of key in `in`, of its value when at_value.
 * Without a place "file: key: what". Returns -CF_INVALID. */
int field_fail(struct reader *r, const json_t *in, const char *key,
               bool at_value, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Read the members of in (found under key of parent, for errors) into target:
 * unknown keys refused with the nearest one named. */
int fields_read(struct reader *r, const struct field *table, const json_t *in,
                void *target);
/* All fields as a new object, with the units of the file. */
json_t *fields_write(const struct field *table, const void *target);

/* The tables of scenario files. */
extern const struct field scenario_fields[];

#endif
