#include "hlog.h"

#include <string.h>

#include "base/error.h"

#define LINES (64 << 20)

static void head(struct hlog *h, struct buf *out, int64_t started_ms)
{
    if (h->begun)
        return;
    h->begun = true;
    hist_write_hlog_head(out, started_ms);
}

/* Also of a run that began anew (capacity): then all of it is new. */
static bool is_more(const struct hist *last, const struct hist *all)
{
    return last->slot == NULL || all->count != last->count;
}

static bool put_metric(struct hlog *h, struct buf *out, enum metric m,
                       const struct hist *all, int64_t at_ms)
{
    struct hist *last = &h->last[m];
    int64_t ms = at_ms - h->from_ms;

    if (all->count == 0 || !is_more(last, all))
        return false;
    hist_copy(&h->now, all);
    if (last->slot != NULL && last->count < all->count)
        hist_subtract(&h->now, last);
    hist_copy(last, all);
    hist_write_hlog_line(out, metric_name(m), h->from_ms, ms > 0 ? ms : 1,
                         &h->now);
    return true;
}

int hlog_second(struct hlog *h, const struct collect *c, enum phase phase,
                int64_t at_ms, int64_t started_ms)
{
    struct buf out;
    bool any = phase < PHASE_MEASURE, whole;

    if (h->to == NULL)
        return 0;
    buf_init(&out, LINES);
    head(h, &out, started_ms);
    for (int m = 0; phase >= PHASE_MEASURE && m < METRICS; m++)
        any |= put_metric(h, &out, (enum metric)m, &c->hists[m], at_ms);
    if (any)
        h->from_ms = at_ms;
    whole = out.len == 0 || (fwrite(out.data, 1, out.len, h->to) == out.len &&
                             fflush(h->to) == 0);
    buf_release(&out);
    return whole ? 0 : -CF_IO;
}

void hlog_close(struct hlog *h)
{
    for (int m = 0; m < METRICS; m++)
        hist_release(&h->last[m]);
    hist_release(&h->now);
    if (h->to != NULL && h->to != stdout)
        fclose(h->to);
    memset(h, 0, sizeof(*h));
}
