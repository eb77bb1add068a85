#include <math.h>

#include "hist.h"
#include "hist_layout.h"

/* The level after `level`, percent: ticks_per_half steps between each halving
 * of what is left above, as PercentileIterator.java of HdrHistogram steps. */
static double next_level(double level, int ticks_per_half)
{
    double half = exp2(floor(log2(100 / (100 - level))) + 1);

    return level + 100 / (ticks_per_half * half);
}

static void write_row(struct buf *out, double value, double level,
                      uint64_t count)
{
    (void)buf_printf(out, "%12.3f %2.12f %10llu", value, level / 100,
                     (unsigned long long)count);
    if (level < 100)
        (void)buf_printf(out, " %14.2f", 1 / (1 - level / 100));
    (void)buf_append_byte(out, '\n');
}

static void write_rows(struct buf *out, const struct hist *h, double unit,
                       int ticks_per_half)
{
    uint64_t low, high, n, seen = 0;
    double level = 0, value;

    for (int at = 0; hist_next(h, &at, &low, &high, &n);) {
        seen += n;
        value = (double)(high < h->max ? high : h->max) / unit;
        while (seen < h->count &&
               100 * (double)seen / (double)h->count >= level) {
            write_row(out, value, level, seen);
            level = next_level(level, ticks_per_half);
        }
    }
    if (h->count > 0)
        write_row(out, (double)h->max / unit, 100, h->count);
}

void hist_write_hgrm(struct buf *out, const struct hist *h, double unit,
                     int ticks_per_half)
{
    int half = 1 << (h->sub_bits - 1);

    (void)buf_append_text(out, "       Value     Percentile TotalCount "
                               "1/(1-Percentile)\n\n");
    write_rows(out, h, unit, ticks_per_half > 0 ? ticks_per_half : 5);
    (void)buf_printf(out,
                     "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
                     "#[Max     = %12.3f, Total count    = %12llu]\n"
                     "#[Buckets = %12d, SubBuckets     = %12d]\n",
                     hist_mean(h) / unit, hist_stddev(h) / unit,
                     (double)h->max / unit, (unsigned long long)h->count,
                     h->slots / half - 1, 2 * half);
}
