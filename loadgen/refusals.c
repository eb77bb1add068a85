#include "refusals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void refusals_note(struct refusals *r, struct span code, uint64_t n)
{
    int i = 0;

    while (i < r->nrows && !span_is(code, r->rows[i].code))
        i++;
    if (i == REFUSAL_CODES || code.n >= sizeof(r->rows[0].code)) {
        r->others += n;
        return;
    }
    if (i == r->nrows) {
        snprintf(r->rows[i].code, sizeof(r->rows[i].code), "%.*s", (int)code.n,
                 code.p);
        r->rows[i].n = 0;
        r->nrows++;
    }
    r->rows[i].n += n;
}

void refusals_add(struct refusals *into, const struct refusals *from)
{
    for (int i = 0; i < from->nrows; i++)
        refusals_note(into, span_of(from->rows[i].code), from->rows[i].n);
    into->others += from->others;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return x[0] < y[0] ? 1 : x[0] > y[0] ? -1 : 0;
}

void refusals_text(char *out, size_t size, const struct refusals *r)
{
    uint64_t order[REFUSAL_CODES][2];
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; i < r->nrows; i++) {
        order[i][0] = r->rows[i].n;
        order[i][1] = (uint64_t)i;
    }
    qsort(order, (size_t)r->nrows, sizeof(order[0]), by_number);
    for (int i = 0; i < r->nrows && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%" PRIu64 " %s",
                              i > 0 ? ", " : "", order[i][0],
                              r->rows[order[i][1]].code);
    if (r->others > 0 && n < size)
        snprintf(out + n, size - n, "%s%" PRIu64 " others", n > 0 ? ", " : "",
                 r->others);
}
