#include <math.h>

#include "svg.h"

/* 1, 2 or 5 times a power of ten, at least v. */
static double round_up(double v)
{
    double power = pow(10, floor(log10(v)));

    for (int i = 0; i < 3; i++) {
        static const double steps[] = {1, 2, 5};

        if (steps[i] * power >= v * (1 - 1e-9))
            return steps[i] * power;
    }
    return 10 * power;
}

static double round_down(double v)
{
    double power = pow(10, floor(log10(v)));

    return v >= 5 * power ? 5 * power : v >= 2 * power ? 2 * power : power;
}

static int linear_ticks(const struct svg_axis *a, double *at, int room)
{
    double step = round_up((a->high - a->low) / 5), v;
    int n = 0;

    if (!(step > 0) || !isfinite(step))
        return 0;
    v = ceil(a->low / step - 1e-9) * step;
    for (; n < room && v <= a->high + step * 1e-6; v += step)
        at[n++] = v + 0.0; /* no -0 */
    return n;
}

/* Decades, and 2 and 5 between when they are few. */
static int log_ticks(const struct svg_axis *a, double *at, int room)
{
    static const double all[] = {1, 2, 5};
    double decades = log10(a->high / a->low);
    int steps = decades <= 3.2 ? 3 : 1, skip = 1 + (int)(decades / room), n = 0;
    double power = pow(10, floor(log10(a->low) + 1e-9));

    for (; n < room && power <= a->high * 1.0001; power *= pow(10, skip))
        for (int i = 0; n < room && i < steps; i++)
            if (all[i] * power >= a->low * 0.9999 &&
                all[i] * power <= a->high * 1.0001)
                at[n++] = all[i] * power;
    return n;
}

/* 0, 0.9, 0.99, ... */
static int percentile_ticks(const struct svg_axis *a, double *at, int room)
{
    double rest = 1;
    int n = 0;

    for (; n < room && 1 - rest <= a->high; rest /= 10)
        at[n++] = 1 - rest;
    return n;
}

int svg_ticks(const struct svg_axis *a, double *at, int room)
{
    if (a->scale == SVG_LOG)
        return log_ticks(a, at, room);
    if (a->scale == SVG_PERCENTILE)
        return percentile_ticks(a, at, room);
    return linear_ticks(a, at, room);
}

struct bounds {
    double low, high;
};

static void widen(struct bounds *b, double y, bool positive)
{
    if (!isfinite(y) || (positive && y <= 0))
        return;
    b->low = y < b->low ? y : b->low;
    b->high = y > b->high ? y : b->high;
}

bool svg_fit_y(struct svg_chart *c)
{
    bool log = c->y.scale == SVG_LOG;
    struct bounds b = {INFINITY, -INFINITY};

    for (int i = 0; i < c->nseries; i++)
        for (int k = 0; k < c->series[i].n; k++)
            widen(&b, c->series[i].y[k], log);
    if (b.high < b.low)
        return false;
    for (int i = 0; i < c->nmarks; i++)
        widen(&b, c->marks[i].y, log);
    if (!log) {
        c->y.low = 0;
        c->y.high = b.high > 0 ? b.high * 1.08 : 1;
        return true;
    }
    c->y.low = round_down(b.low);
    c->y.high = round_up(b.high * 1.05);
    return true;
}
