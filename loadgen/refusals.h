/* refusals.h - why messages were refused: how many by each code. */
#ifndef LOAD_REFUSALS_H
#define LOAD_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define REFUSAL_CODES 8 /* more of them are counted as "others" */
#define REFUSAL_TEXT 200

struct refusals {
    struct {
        char code[24];
        uint64_t n;
    } rows[REFUSAL_CODES];
    int nrows;
    uint64_t others;
};

void refusals_note(struct refusals *r, struct span code, uint64_t n);
void refusals_add(struct refusals *into, const struct refusals *from);
/* "120 rate, 3 not_found", most first; empty: none was refused. */
void refusals_text(char *out, size_t size, const struct refusals *r);

#endif
