/* outputs.h - the files that a run writes beside what it says. */
#ifndef LOAD_OUTPUTS_H
#define LOAD_OUTPUTS_H

#include <stdio.h>

#include "hlog.h"
#include "result.h"

struct output_paths { /* NULL: not asked for; "-": standard output */
    const char *json, *jsonl, *csv, *hgrm, *hlog, *junit, *tap;
    const char *floor; /* a document of `floor --json` to put in */
};

struct outputs {
    struct output_paths paths;
    FILE *jsonl, *csv; /* written each second */
    struct hlog hlog;
    json_t *floor;      /* owned, or NULL */
    const char *failed; /* a line could not be written there; said once */
};

/* Open what is written each second, and see that the rest can be written, so
 * that nobody learns it after a day. */
int outputs_open(struct outputs *o, const struct output_paths *paths,
                 struct error *err);
/* row is the last one of c, a run that began at started_ms (of the epoch). */
void outputs_second(struct outputs *o, const struct second *row,
                    const struct collect *c, int64_t started_ms);
/* Write everything that is left; goes on after an error and returns the first
 * one. name: of the scenario. */
int outputs_finish(struct outputs *o, struct result_input *in, const char *name,
                   struct error *err);
void outputs_close(struct outputs *o);

#endif
