#include "live.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report_text.h"

#define LINE_MAX_BYTES 1024
#define LOG_WIDTH 500 /* columns of a line that is not on a terminal */

bool live_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(out)) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void live_init(struct live *l, FILE *out, int64_t target)
{
    const char *term = getenv("TERM");

    *l = (struct live){.out = out, .target = target};
    l->tty = isatty(fileno(out)) && (term == NULL || strcmp(term, "dumb") != 0);
    l->colour = live_colour(out);
}

static int width_of(FILE *out)
{
    struct winsize size;

    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        return size.ws_col - 1;
    return 79;
}

/* A line made of parts; one that does not fit is left out, and all after. */
struct line {
    struct buf *out;
    int width, used;
    bool full;
};

__attribute__((format(printf, 3, 4))) static void
part(struct line *l, const char *sgr, const char *fmt, ...)
{
    const char *border = l->used > 0 ? " | " : "";
    char text[200];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    n = n < (int)sizeof(text) ? n : (int)sizeof(text) - 1;
    if (l->full || l->used + (int)strlen(border) + n > l->width) {
        l->full = true;
        return;
    }
    l->used += (int)strlen(border) + n;
    (void)buf_printf(l->out, "%s%s%s%s", border, sgr, text,
                     sgr[0] != '\0' ? "\033[0m" : "");
}

static double per_second(const struct live *l, const struct second *row,
                         double n)
{
    double ms = (double)row->at_ms - (double)l->last_ms;

    return ms > 0 ? n * 1000 / ms : n;
}

static void part_conns(struct line *line, const struct live *l,
                       const struct second *row)
{
    double grown = per_second(l, row, (double)(row->conns - l->last_conns));
    const char *phase =
        row->phase == PHASE_MEASURE ? "" : phase_name(row->phase);
    char change[32] = "", of[32] = "";

    if (grown >= 1 || grown <= -1)
        snprintf(change, sizeof(change), " (%s%s/s)", grown > 0 ? "+" : "",
                 show_rate(grown));
    if (l->target > 0)
        snprintf(of, sizeof(of), "/%s", show_count((double)l->target));
    part(line, "", "%" PRId64 "s %s%sconns %s%s%s", row->at_ms / 1000, phase,
         phase[0] != '\0' ? " " : "", show_count((double)row->conns), of,
         change);
}

/* Three numbers in ms, as the line has no room for units. */
static const char *ms(uint64_t ns)
{
    static char ring[4][24];
    static unsigned at;
    char *room = ring[at++ % 4];

    snprintf(room, sizeof(ring[0]), "%.3g", (double)ns / 1e6);
    return room;
}

static void part_times(struct line *line, const struct second *row)
{
    const struct quantiles *q = &row->q[METRIC_E2E];
    const char *name = "e2e";

    if (q->count == 0) {
        q = &row->q[METRIC_LOGIN];
        name = "login";
    }
    if (q->count > 0 && q->count < ENOUGH_FOR_P999)
        part(line, "", "%s p50 %s p99 %s ms", name, ms(q->p50), ms(q->p99));
    else if (q->count > 0)
        part(line, "", "%s p50 %s p99 %s p99.9 %s ms", name, ms(q->p50),
             ms(q->p99), ms(q->p999));
    if (row->q[METRIC_LAG].count > 0)
        part(line, "", "lag p99 %s", ms(row->q[METRIC_LAG].p99));
}

static void part_machine(struct line *line, const struct second *row)
{
    if (row->srv_cpu >= 0 && row->srv_rss >= 0)
        part(line, "", "srv %.0f%% %s", row->srv_cpu,
             show_bytes((double)row->srv_rss));
    else if (row->srv_rss >= 0)
        part(line, "", "srv %s", show_bytes((double)row->srv_rss));
    if (row->gen_cpu >= 0)
        part(line, "", "gen %.0f%%", row->gen_cpu);
}

static void count_row(struct live *l, const struct second *row)
{
    l->lost += row->counts[COUNT_LOST];
    l->dup += row->counts[COUNT_DUP] + row->counts[COUNT_DUP_WIRE];
    l->sent += row->counts[COUNT_SENT];
    l->acked += row->counts[COUNT_ACKED];
}

void live_line(struct buf *out, struct live *l, const struct second *row,
               const char *note, int width)
{
    struct line line = {out, width, 0, false};
    bool faults;

    count_row(l, row);
    faults = l->lost > 0 || row->counts[COUNT_DUP] > 0;
    part_conns(&line, l, row);
    part(&line, "", "%s/s sent %s acked",
         show_rate(per_second(l, row, (double)l->sent)),
         show_rate(per_second(l, row, (double)l->acked)));
    part_times(&line, row);
    part(&line, l->colour && faults ? "\033[31;1m" : "",
         "lost %" PRIu64 " dup %" PRIu64, l->lost, l->dup);
    part_machine(&line, row);
    if (note != NULL && note[0] != '\0')
        part(&line, l->colour ? "\033[33m" : "", "%.150s", note);
    l->sent = l->acked = 0;
    l->last_ms = row->at_ms;
    l->last_conns = row->conns;
}

void live_second(struct live *l, const struct second *row, const char *note)
{
    struct buf text;

    if (row->at_ms - l->last_ms < SHORT_ROW_MS) {
        count_row(l, row);
        return;
    }
    buf_init(&text, LINE_MAX_BYTES);
    if (l->tty)
        (void)buf_append_byte(&text, '\r');
    live_line(&text, l, row, note, l->tty ? width_of(l->out) : LOG_WIDTH);
    (void)buf_append_text(&text, l->tty ? "\033[K" : "\n");
    (void)fwrite(text.data, 1, text.len, l->out);
    (void)fflush(l->out);
    l->open = l->tty;
    buf_release(&text);
}

void live_end(struct live *l)
{
    if (l->open)
        (void)fputc('\n', l->out);
    (void)fflush(l->out);
    l->open = false;
}
