#include "svg.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "report_text.h"

/* The view, and the box of the plot in it. */
#define WIDTH 480
#define HEIGHT 280
#define LEFT 62
#define RIGHT 468
#define TOP 52
#define BOTTOM 236
#define TICKS 12

static double along(const struct svg_axis *a, double v)
{
    double low = a->low, high = a->high;

    if (a->scale == SVG_LOG) {
        v = log10(v);
        low = log10(low);
        high = log10(high);
    } else if (a->scale == SVG_PERCENTILE) {
        v = -log10(1 - v);
        low = -log10(1 - low);
        high = -log10(1 - high);
    }
    return high > low ? (v - low) / (high - low) : 0;
}

static double x_of(const struct svg_chart *c, double x)
{
    return LEFT + (RIGHT - LEFT) * along(&c->x, x);
}

/* Never outside the box, also for what is above the axis. */
static double y_of(const struct svg_chart *c, double y)
{
    double share = along(&c->y, y);

    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return BOTTOM - (BOTTOM - TOP) * share;
}

static bool drawable(const struct svg_chart *c, double x, double y)
{
    return isfinite(x) && isfinite(y) && (c->y.scale != SVG_LOG || y > 0);
}

static void put_text(struct buf *out, double x, double y, const char *class,
                     const char *text)
{
    (void)buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y,
                     class);
    put_escaped(out, text);
    (void)buf_append_text(out, "</text>");
}

static void put_line(struct buf *out, double x1, double y1, double x2,
                     double y2, const char *class)
{
    (void)buf_printf(out,
                     "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                     "class=\"%s\"/>",
                     x1, y1, x2, y2, class);
}

static void put_bands(struct buf *out, const struct svg_chart *c)
{
    for (int i = 0; i < c->nbands; i++) {
        double from = x_of(c, c->bands[i].from), to = x_of(c, c->bands[i].to);

        if (!(to > from))
            continue;
        (void)buf_printf(out,
                         "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
                         "height=\"%d\" class=\"band\"/>",
                         from, TOP, to - from, BOTTOM - TOP);
        if (to - from > 34)
            put_text(out, (from + to) / 2, BOTTOM - 6, "mid faint halo",
                     c->bands[i].text);
    }
}

static void put_x_axis(struct buf *out, const struct svg_chart *c)
{
    double at[TICKS], x, last = -100;
    int n = svg_ticks(&c->x, at, TICKS);

    for (int i = 0; i < n; i++) {
        x = x_of(c, at[i]);
        put_line(out, x, BOTTOM, x, BOTTOM + 4, "axis");
        if (x - last < 40)
            continue;
        put_text(out, x, BOTTOM + 18, "mid", c->x.show(at[i]));
        last = x;
    }
    put_line(out, LEFT, BOTTOM, RIGHT, BOTTOM, "axis");
    put_text(out, (LEFT + RIGHT) / 2.0, HEIGHT - 6, "mid faint", c->x.label);
}

static void put_y_axis(struct buf *out, const struct svg_chart *c)
{
    double at[TICKS], y, last = HEIGHT + 100;
    int n = svg_ticks(&c->y, at, TICKS);

    for (int i = 0; i < n; i++) {
        y = y_of(c, at[i]);
        put_line(out, LEFT, y, RIGHT, y, "grid");
        if (last - y < 16)
            continue;
        put_text(out, LEFT - 6, y + 4, "end", c->y.show(at[i]));
        last = y;
    }
}

static void put_path(struct buf *out, const struct svg_chart *c,
                     const struct svg_series *s)
{
    bool pen = false;

    (void)buf_printf(out, "<path class=\"line s%d%s\" d=\"", s->colour,
                     s->dashed ? " dash" : "");
    for (int i = 0; i < s->n; i++) {
        if (!drawable(c, s->x[i], s->y[i])) {
            pen = false;
            continue;
        }
        (void)buf_printf(out, "%c%.1f %.1f", pen ? 'L' : 'M', x_of(c, s->x[i]),
                         y_of(c, s->y[i]));
        /* A lone point is a line of no length, which a round cap shows. */
        if (!pen)
            (void)buf_append_text(out, "h0");
        pen = true;
    }
    (void)buf_append_text(out, "\"/>");
}

static void put_dots(struct buf *out, const struct svg_chart *c,
                     const struct svg_series *s)
{
    for (int i = 0; i < s->n; i++)
        if (drawable(c, s->x[i], s->y[i]))
            (void)buf_printf(out,
                             "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" "
                             "class=\"dot s%d\"/>",
                             x_of(c, s->x[i]), y_of(c, s->y[i]), s->colour);
}

static void put_marks(struct buf *out, const struct svg_chart *c)
{
    double y;

    for (int i = 0; i < c->nmarks; i++) {
        if (!drawable(c, 0, c->marks[i].y))
            continue;
        y = y_of(c, c->marks[i].y);
        put_line(out, LEFT, y, RIGHT, y, "limit");
        put_text(out, LEFT + 6, y < TOP + 16 ? y + 14 : y - 5,
                 "limit-text halo", c->marks[i].text);
    }
}

/* Names in the order of the lines, each behind a piece of its line. Widths are
 * guessed: 7 a letter. */
static void put_legend(struct buf *out, const struct svg_chart *c)
{
    double x = LEFT;

    for (int i = 0; i < c->nseries; i++) {
        const struct svg_series *s = &c->series[i];
        char class[32];

        (void)snprintf(class, sizeof(class), "line s%d%s", s->colour,
                       s->dashed ? " dash" : "");
        if (s->no_line)
            (void)buf_printf(out,
                             "<circle cx=\"%.1f\" cy=\"37\" r=\"3.5\" "
                             "class=\"dot s%d\"/>",
                             x + 9, s->colour);
        else
            put_line(out, x, 37, x + 18, 37, class);
        put_text(out, x + 23, 41, "legend", s->name);
        x += 40 + 7.2 * (double)span_of(s->name).n;
    }
}

void svg_draw(struct buf *out, const struct svg_chart *c)
{
    (void)buf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>",
                     WIDTH, HEIGHT);
    put_escaped(out, c->title);
    (void)buf_append_text(out, "</title>");
    put_text(out, 4, 18, "title", c->title);
    put_bands(out, c);
    put_y_axis(out, c);
    put_x_axis(out, c);
    for (int i = 0; i < c->nseries; i++) {
        if (!c->series[i].no_line)
            put_path(out, c, &c->series[i]);
        if (c->series[i].dots)
            put_dots(out, c, &c->series[i]);
    }
    put_marks(out, c);
    put_legend(out, c);
    (void)buf_append_text(out, "</svg>\n");
}
