/* options.h - one table per program or command: command line, environment,
 * configuration file, help, shell completion and the man page's synopsis all
 * come from it. Precedence: option > environment > file > default. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum option_type {
    OPT_FLAG,     /* bool */
    OPT_TEXT,     /* const char * */
    OPT_INT,      /* int64_t, within min..max */
    OPT_DURATION, /* int64_t ms */
    OPT_SIZE,     /* int64_t bytes; k, M, G */
    OPT_CHOICE,   /* const char *, one of choices ("a|b|c") */
    OPT_COUNT,    /* int64_t, one more per use (-v -v) */
    OPT_LIST,     /* struct option_list, may repeat */
};

struct option_list {
    const char **items;
    int count;
};

struct option {
    const char *name; /* "listen": --listen, and the key in the file */
    char letter;      /* 'l' or 0 */
    enum option_type type;
    const char *arg;     /* "ADDR:PORT", shown in help; NULL for flags */
    const char *env;     /* "CONFAB_SERVER" or NULL */
    bool in_file;        /* may stand in the configuration file */
    const char *preset;  /* default as text, or NULL */
    const char *choices; /* OPT_CHOICE */
    int64_t min, max;    /* OPT_INT, OPT_SIZE, OPT_DURATION; 0,0: no bound */
    size_t offset;       /* of the field in the target structure */
    const char *help;    /* one line */
};

/* Where a value came from. */
enum option_origin { FROM_DEFAULT, FROM_FILE, FROM_ENV, FROM_OPTION };

struct options {
    const struct option *table; /* ends with name == NULL */
    void *target;
    enum option_origin *origins; /* one per row */
    char **owned;                /* text values kept alive */
    int owned_count;
};

/* Put the defaults into target. Release with options_release(). */
int options_init(struct options *o, const struct option *table, void *target,
                 struct error *err);
void options_release(struct options *o);

/* Read "key = value" lines (# comments, [section] lines: only section is
 * read, "" = the lines before any). An unknown key or bad value is an error
 * "file:line: unknown key 'lisen', did you mean 'listen'?". */
int options_file(struct options *o, const char *path, const char *section,
                 struct error *err);

int options_env(struct options *o, struct error *err);

/* Parse argv[1..]: options before or after operands, "--" ends them, exact
 * names, "--name=value" and "--name value". Operands are moved to the front
 * of argv (from argv[1]) and counted in *operands. Stops before the first
 * operand when stop_at_operand (for "program [options] COMMAND ..."). Errors
 * name the nearest option. */
int options_args(struct options *o, int argc, char **argv, bool stop_at_operand,
                 int *operands, struct error *err);

/* Set one value as if from origin. */
int options_set(struct options *o, const char *name, const char *value,
                enum option_origin origin, struct error *err);
enum option_origin options_origin(const struct options *o, const char *name);

/* "  -l, --listen ADDR:PORT  help (default: x)" lines, wrapped at 80. */
int options_help(struct buf *out, const struct option *table);
/* "[-hv] [--listen ADDR:PORT] ..." */
int options_synopsis(struct buf *out, const struct option *table);
/* mdoc .It Fl lines of the table. */
int options_mdoc(struct buf *out, const struct option *table);

#endif
