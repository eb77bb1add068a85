/* help.h - what a program with commands says of itself, from the tables of its
 * commands and their options: help, shell completion, the rows of its man
 * page. */
#ifndef BASE_HELP_H
#define BASE_HELP_H

#include "base/options.h"

struct help_row {
    const char *name;             /* "conv add" */
    const char *args;             /* "CONV USER..." */
    const char *help;             /* one line */
    const char *example;          /* one line */
    const struct option *options; /* NULL: none */
};

struct help_program {
    const char *name;             /* "confab" */
    const char *about;            /* up to and with "commands:" */
    const char *ending;           /* behind everything */
    int width;                    /* of the column of commands */
    const struct option *options; /* that stand before a command; NULL */
    /* The i-th command that is shown. False: there are no more. */
    bool (*row)(int i, struct help_row *out);
    /* What completes a row beside its options, each behind a blank; NULL. */
    void (*words)(struct buf *out, const struct help_row *row);
};

/* The command of that name. False: there is none, or it is hidden. */
bool help_find(const struct help_program *p, const char *name,
               struct help_row *out);

/* Lines "  name args   help". */
void help_commands(struct buf *out, const struct help_program *p);
void help_program(struct buf *out, const struct help_program *p);
void help_row(struct buf *out, const struct help_program *p,
              const struct help_row *row);
/* mdoc: ".It Ic name Ar args" with the options of each. */
void help_mdoc(struct buf *out, const struct help_program *p);

/* A script for "bash", "zsh" or "fish". -CF_NOT_FOUND: of no such shell. */
int help_completion(struct buf *out, const struct help_program *p,
                    const char *shell);

#endif
