#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "report_text.h"

/* Ticks without the zeros that a table would want. */
static const char *tick(double v, double unit, const char *name)
{
    static char ring[4][32];
    static unsigned at;
    char *room = ring[at++ % COUNT_OF(ring)];

    snprintf(room, sizeof(ring[0]), "%.4g%s", v / unit, v == 0 ? "" : name);
    return room;
}

const char *tick_ns(double ns)
{
    if (ns == 0)
        return "0";
    return ns < 1e6   ? tick(ns, 1e3, " us")
           : ns < 1e9 ? tick(ns, 1e6, " ms")
                      : tick(ns, 1e9, " s");
}

const char *tick_rate(double v)
{
    return v < 1e3   ? tick(v, 1, "")
           : v < 1e6 ? tick(v, 1e3, "k")
                     : tick(v, 1e6, "M");
}

const char *tick_bytes(double v)
{
    return v < 1e6   ? tick(v, 1e3, " kB")
           : v < 1e9 ? tick(v, 1e6, " MB")
                     : tick(v, 1e9, " GB");
}

const char *tick_percent(double v)
{
    return tick(v, 1, "%");
}

const char *tick_seconds(double v)
{
    return v < 7200 ? tick(v, 1, "") : tick(v, 3600, "h");
}

/* 0.999 as 99.9 %, with as many digits as there are nines. */
const char *tick_quantile(double q)
{
    static char ring[4][32];
    static unsigned at;
    char *room = ring[at++ % COUNT_OF(ring)];
    int nines = (int)lround(-log10(1 - q));

    snprintf(room, sizeof(ring[0]), "%.*f%%", nines > 2 ? nines - 2 : 0,
             100 * q);
    return room;
}
