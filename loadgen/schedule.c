#include "schedule.h"

#include <math.h>

#define NS 1e9

static double rate_at(const struct schedule *s, double due)
{
    double share;

    if (s->rate_end <= 0 || s->to <= s->from || due <= s->from)
        return s->rate * s->factor;
    share = due >= s->to ? 1 : (due - s->from) / (s->to - s->from);
    return (s->rate + (s->rate_end - s->rate) * share) * s->factor;
}

/* Of the rate, a second per second. */
static double slope_at(const struct schedule *s, double due)
{
    if (s->rate_end <= 0 || due < s->from || due >= s->to)
        return 0;
    return (s->rate_end - s->rate) * s->factor / ((s->to - s->from) / NS);
}

/* Seconds from due on in which `slots` slots lie: rate*t + slope*t^2/2 =
 * slots, solved without losing digits when the slope is small. */
static double time_for(const struct schedule *s, double slots)
{
    double rate = rate_at(s, s->due), slope = slope_at(s, s->due);
    double root = rate * rate + 2 * slope * slots;

    if (root <= 0)
        return 1e9;
    return 2 * slots / (rate + sqrt(root));
}

static void advance(struct schedule *s, double slots)
{
    s->due += time_for(s, slots) * NS;
}

/* ---- recorded ---- */

/* Of the next arrival, in ns of the record and all rounds before. */
static double position(const struct schedule *s)
{
    return s->round * s->record->period + s->record->at[s->next];
}

/* From next on to one that is ours; a record has its end, and begins again. */
static void find(struct schedule *s)
{
    const struct record *r = s->record;

    for (size_t looked = 0; looked <= r->n; looked++, s->next++) {
        if (s->next >= r->n) {
            s->next = 0;
            s->round++;
        }
        if (!record_is_in(s->next, s->part_from, s->part_to))
            continue;
        s->due = s->seen_due + (position(s) - s->seen) / (s->tempo * s->factor);
        return;
    }
    s->due = INFINITY;
}

void schedule_record(struct schedule *s, const struct traffic *t, uint64_t from,
                     uint64_t to)
{
    if (t->record == NULL || t->record->n == 0 || t->rate <= 0)
        return;
    s->record = t->record;
    s->part_from = from;
    s->part_to = to;
    s->tempo = t->rate / t->record->rate;
    find(s);
}

/* ---- all of them ---- */

static double exponential(struct schedule *s)
{
    return -log1p(-rng_unit(s->rng));
}

void schedule_init(struct schedule *s, const struct traffic *t, double rate,
                   double rate_end, uint64_t start, uint64_t end,
                   struct rng *rng)
{
    *s = (struct schedule){.arrivals = t->arrivals,
                           .rate = rate,
                           .rate_end = rate_end,
                           .factor = 1,
                           .start = start,
                           .to = (double)(end - start),

                           .burst = t->burst > 0 ? t->burst : 1,
                           .rng = rng};
    s->in_burst = s->burst;
    if ((rate <= 0 && rate_end <= 0) || s->arrivals == ARRIVE_RECORDED)
        s->due = INFINITY;
    else if (s->arrivals == ARRIVE_POISSON)
        advance(s, exponential(s));
    else if (s->arrivals == ARRIVE_BURST)
        advance(s, rng_unit(rng) * (double)s->burst);
    else
        advance(s, rng_unit(rng));
}

uint64_t schedule_due(const struct schedule *s)
{
    if (!(s->due < 9e18))
        return UINT64_MAX;
    return s->start + (uint64_t)s->due;
}

void schedule_step(struct schedule *s)
{
    switch (s->arrivals) {
    case ARRIVE_POISSON:
        advance(s, exponential(s));
        break;
    case ARRIVE_BURST:
        if (--s->in_burst > 0)
            break;
        s->in_burst = s->burst;
        advance(s, (double)s->burst);
        break;
    case ARRIVE_CONSTANT:
        advance(s, 1);
        break;
    case ARRIVE_RECORDED:
        if (s->record == NULL || isinf(s->due))
            break;
        s->next++;
        find(s);
        break;
    }
}

void schedule_ramp(struct schedule *s, uint64_t from, uint64_t to)
{
    s->from = (double)from - (double)s->start;
    s->to = (double)to - (double)s->start;
}

void schedule_factor(struct schedule *s, double factor)
{
    if (s->record != NULL && !isinf(s->due)) {
        s->seen = position(s);
        s->seen_due = s->due;
    }
    s->factor = factor > 0 ? factor : 1e-9;
}
