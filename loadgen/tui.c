#include "tui.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "report_text.h"

#define LEAST_FACTOR 0.01
#define MOST_FACTOR 100

static struct termios before;
static volatile bool taken;

/* ---- the terminal ---- */

void tui_restore(void)
{
    static const char leave[] = "\033[?25h\033[?1049l";

    if (!taken)
        return;
    taken = false;
    (void)!write(STDERR_FILENO, leave, sizeof(leave) - 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

bool tui_open(struct tui *t, int64_t target)
{
    static const char enter[] = "\033[?1049h\033[?25l";
    struct termios raw;

    memset(t, 0, sizeof(*t));
    t->factor = 1;
    t->target = target;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
        tcgetattr(STDIN_FILENO, &before) < 0)
        return false;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return false;
    taken = true;
    t->on = true;
    (void)!write(STDERR_FILENO, enter, sizeof(enter) - 1);
    return true;
}

void tui_close(struct tui *t)
{
    if (t->on)
        tui_restore();
    t->on = false;
}

static void key(struct tui *t, char c)
{
    if (c == '+' || c == '=')
        t->factor =
            t->factor * 1.1 < MOST_FACTOR ? t->factor * 1.1 : MOST_FACTOR;
    else if (c == '-')
        t->factor =
            t->factor / 1.1 > LEAST_FACTOR ? t->factor / 1.1 : LEAST_FACTOR;
    else if (c == ' ')
        t->paused = !t->paused;
    else if (c == 'q')
        t->quit = true;
}

void tui_keys(struct tui *t)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char keys[64];
    ssize_t n;

    while (t->on && poll(&p, 1, 0) > 0) {
        n = read(STDIN_FILENO, keys, sizeof(keys));
        if (n <= 0)
            return;
        for (ssize_t i = 0; i < n; i++)
            key(t, keys[i]);
    }
}

/* ---- the picture ---- */

static void put_curve(struct buf *out, const struct tui *t, int width)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int n = t->ncurve < width - 10 ? t->ncurve : width - 10;
    double most = 0;

    for (int i = t->ncurve - n; i < t->ncurve; i++)
        most = t->curve[i] > most ? t->curve[i] : most;
    buf_append_text(out, "p99       ");
    for (int i = t->ncurve - n; i < t->ncurve; i++)
        buf_append_text(out, t->curve[i] <= 0
                                 ? " "
                                 : bars[(int)(t->curve[i] / most * 7.99)]);
    buf_printf(out, "\n          highest %s of %d s\n\n",
               most > 0 ? show_ns(most) : "-", n);
}

static void put_bar(struct buf *out, const struct tui *t, int64_t conns,
                    int width)
{
    int room = width - 40, full;

    if (room > 60)
        room = 60;
    full = t->target > 0 ? (int)((double)conns / (double)t->target * room) : 0;
    full = full > room ? room : full;
    buf_append_text(out, "connected [");
    for (int i = 0; i < room; i++)
        buf_append_byte(out, i < full ? '#' : '.');
    buf_printf(out, "] %s/%s\n\n", show_count((double)conns),
               show_count((double)t->target));
}

static void put_metrics(struct buf *out, const struct second *row)
{
    buf_printf(out, "%-14s %9s %10s %10s %10s %10s\n", "this second", "count",
               "p50", "p90", "p99", "max");
    for (int m = 0; m < METRICS; m++) {
        const struct quantiles *q = &row->q[m];

        if (q->count == 0)
            continue;
        buf_printf(out, "%-14s %9s %10s %10s %10s %10s\n",
                   metric_name((enum metric)m), show_count((double)q->count),
                   show_ns((double)q->p50), show_ns((double)q->p90),
                   show_ns((double)q->p99), show_ns((double)q->max));
    }
    buf_append_byte(out, '\n');
}

static void put_accounting(struct buf *out, const struct tui *t)
{
    const uint64_t *n = t->totals;

    buf_printf(out, "sent %s  acked %s  refused %s",
               show_count((double)n[COUNT_SENT]),
               show_count((double)n[COUNT_ACKED]),
               show_count((double)n[COUNT_REFUSED]));
    buf_printf(out, "  copies %s  lost %s  dup %s\n",
               show_count((double)n[COUNT_COPIES]),
               show_count((double)n[COUNT_LOST]),
               show_count((double)n[COUNT_DUP]));
}

void tui_screen(struct buf *out, struct tui *t, const char *name,
                const struct second *row, int width)
{
    buf_printf(out, "%s  %s  %d s   rate x %.2f%s\n\n", name,
               phase_name(row->phase), (int)(row->at_ms / 1000), t->factor,
               t->paused ? "  paused" : "");
    put_bar(out, t, row->conns, width);
    put_curve(out, t, width);
    buf_printf(out, "sent %s/s  acked %s/s  copies %s/s\n",
               show_rate((double)row->counts[COUNT_SENT]),
               show_rate((double)row->counts[COUNT_ACKED]),
               show_rate((double)row->counts[COUNT_COPIES]));
    put_accounting(out, t);
    buf_printf(out, "CPU: server %.0f%%  generator %.0f%%  others %.0f%%\n\n",
               row->srv_cpu, row->gen_cpu, row->foreign_cpu);
    put_metrics(out, row);
    buf_append_text(out, "+/- rate   space pause   q drain and report\n");
}

static void keep(struct tui *t, const struct second *row)
{
    if (t->ncurve == TUI_CURVE) {
        memmove(t->curve, t->curve + 1, sizeof(t->curve) - sizeof(double));
        t->ncurve--;
    }
    t->curve[t->ncurve++] = (double)row->q[METRIC_E2E].p99;
    for (int i = 0; i < COUNTS; i++)
        t->totals[i] += row->counts[i];
}

void tui_second(struct tui *t, const char *name, const struct second *row)
{
    struct winsize size = {.ws_col = 80};
    struct buf text;

    keep(t, row);
    if (!t->on)
        return;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 60)
        size.ws_col = 80;
    buf_init(&text, 65536);
    buf_append_text(&text, "\033[H");
    tui_screen(&text, t, name, row, size.ws_col);
    buf_append_text(&text, "\033[J");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            fputs("\033[K", stderr);
        fputc(text.data[i], stderr);
    }
    fflush(stderr);
    buf_release(&text);
}
