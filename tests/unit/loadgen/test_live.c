#include "live.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "unit/base/suite.h"
#include "unit/loadgen/sample.h"

static struct second busy_second(void)
{
    struct second row = {.at_ms = 12000,
                         .phase = PHASE_MEASURE,
                         .conns = 98211,
                         .srv_cpu = 71,
                         .gen_cpu = 38,
                         .srv_rss = 412000000};

    row.counts[COUNT_SENT] = 20000;
    row.counts[COUNT_ACKED] = 19990;
    row.counts[COUNT_DUP_WIRE] = 3;
    row.q[METRIC_E2E] = (struct quantiles){
        .count = 20000, .p50 = 310000, .p99 = 2400000, .p999 = 8000000};
    row.q[METRIC_LAG] = (struct quantiles){.count = 20000, .p99 = 80000};
    return row;
}

START_TEST(the_line_of_the_manual)
{
    struct live l = {.target = 100000, .last_ms = 11000, .last_conns = 94111};
    struct second row = busy_second();
    struct buf out;

    buf_init(&out, 4096);
    live_line(&out, &l, &row, NULL, 300);
    ck_assert_str_eq(buf_cstr(&out),
                     "12s conns 98,211/100,000 (+4.10k/s) | 20.0k/s sent "
                     "20.0k acked | e2e p50 0.31 p99 2.4 p99.9 8 ms | lag p99 "
                     "0.08 | lost 0 dup 3 | srv 71% 412 MB | gen 38%");
    buf_release(&out);
}
END_TEST

START_TEST(cut_between_parts)
{
    struct live l;
    struct second row = busy_second();
    struct buf out;

    buf_init(&out, 4096);
    for (int width = 0; width < 200; width++) {
        l = (struct live){0};
        buf_clear(&out);
        live_line(&out, &l, &row, "generator late", width);
        ck_assert_uint_le(out.len, (size_t)width);
        if (out.len > 0)
            ck_assert(out.data[out.len - 1] != '|');
    }
    buf_release(&out);
}
END_TEST

START_TEST(few_samples_tell_no_p999)
{
    struct live l = {0};
    struct second row = busy_second();
    struct buf out;

    row.q[METRIC_E2E].count = 9999;
    buf_init(&out, 4096);
    live_line(&out, &l, &row, NULL, 300);
    ck_assert_ptr_null(strstr(buf_cstr(&out), "p99.9"));
    buf_release(&out);
}
END_TEST

/* Read until so many lines have come: a terminal may give them in parts. */
static void read_lines(int fd, char *text, size_t size, int lines)
{
    size_t len = 0;
    ssize_t n;

    while (lines > 0) {
        n = read(fd, text + len, size - 1 - len);
        ck_assert_int_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
            lines -= text[len + (size_t)i] == '\n';
        len += (size_t)n;
    }
    text[len] = '\0';
}

/* What a stream got from two seconds and the end. */
static void written(FILE *out, char *text, size_t size, int reading, int lines)
{
    struct live l;
    struct second row = busy_second();

    live_init(&l, out, 0);
    live_second(&l, &row, NULL);
    row.at_ms += 1000;
    row.counts[COUNT_LOST] = 1;
    live_second(&l, &row, NULL);
    live_end(&l);
    read_lines(reading, text, size, lines);
}

START_TEST(a_log_has_lines)
{
    char text[4096];
    int ends[2];
    FILE *out;

    ck_assert_int_eq(pipe(ends), 0);
    out = fdopen(ends[1], "w");
    written(out, text, sizeof(text), ends[0], 2);
    ck_assert_ptr_nonnull(strstr(text, "gen 38%\n13s conns 98,211 |"));
    ck_assert_ptr_null(strchr(text, '\r'));
    ck_assert_ptr_null(strchr(text, '\033'));
    (void)fclose(out);
    (void)close(ends[0]);
}
END_TEST

/* A terminal of 70 columns: the same line again, colour unless forbidden. */
static void on_terminal(char *text, size_t size)
{
    struct winsize ws = {.ws_row = 24, .ws_col = 70};
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    FILE *out;

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &ws), 0);
    out = fdopen(slave, "w");
    written(out, text, size, master, 1);
    (void)fclose(out);
    (void)close(master);
}

START_TEST(a_terminal_has_one_line)
{
    char text[4096];

    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("NO_COLOR");
    on_terminal(text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "\r12s conns"));
    ck_assert_ptr_nonnull(strstr(text, "\033[K\r13s conns"));
    ck_assert_ptr_null(strstr(text, "gen 38%"));
    ck_assert_int_eq(strchr(text, '\n') - text, (int)strlen(text) - 1);
}
END_TEST

START_TEST(colours_can_be_forbidden)
{
    struct live l;

    (void)setenv("TERM", "xterm", 1);
    (void)setenv("NO_COLOR", "1", 1);
    live_init(&l, stderr, 0);
    ck_assert(!l.colour);
    (void)setenv("TERM", "dumb", 1);
    live_init(&l, stderr, 0);
    ck_assert(!l.tty);
}
END_TEST

START_TEST(the_summary_fits_80_columns)
{
    struct engine_outcome o = {.verdict = "lost 3 messages of 600,000 between "
                                          "second 4 and second 5 of the run, "
                                          "all of the stream direct",
                               .violated = true,
                               .shards = 16,
                               .bytes_per_client = 96};
    struct result_input in = {.url = "ws://127.0.0.1:8080", .outcome = &o};
    struct threshold t = sample_threshold("lost", "=", 0, false);
    struct verdicts v;
    struct collect c;
    struct buf out;
    const char *line;

    sample_collect(&c, 14, 300000, 1);
    c.all[COUNT_LOST] = 3;
    c.all[COUNT_COPIES] -= 3;
    verdicts_judge(&v, &t, 1, &c);
    in.collect = &c;
    in.verdicts = &v;
    buf_init(&out, 1 << 16);
    live_summary(&out, &in, "direct-100ms", false);
    line = buf_cstr(&out);
    ck_assert_ptr_nonnull(strstr(line, "violated (exit 5)"));
    ck_assert_ptr_nonnull(strstr(line, "3 lost: balanced"));
    ck_assert_ptr_nonnull(strstr(line, "MISSED       lost = 0"));
    for (; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
    buf_release(&out);
    collect_release(&c);
}
END_TEST

/* A row of four milliseconds, where a phase ended. */
START_TEST(a_short_row_is_told_with_the_next)
{
    struct second row = busy_second();
    struct live l;
    char text[4096];
    int ends[2];
    FILE *out;

    ck_assert_int_eq(pipe(ends), 0);
    out = fdopen(ends[1], "w");
    live_init(&l, out, 0);
    live_second(&l, &row, NULL);
    row.at_ms += 4;
    row.counts[COUNT_SENT] = 40;
    row.counts[COUNT_LOST] = 2;
    live_second(&l, &row, NULL);
    row.at_ms += 996;
    row.counts[COUNT_SENT] = 260;
    row.counts[COUNT_LOST] = 0;
    live_second(&l, &row, NULL);
    read_lines(ends[0], text, sizeof(text), 2);
    ck_assert_ptr_nonnull(strstr(text, "\n13s conns 98,211 | 300/s sent"));
    ck_assert_ptr_nonnull(strstr(text, "lost 2 "));
    (void)fclose(out);
    (void)close(ends[0]);
}
END_TEST

SUITE("live", a_short_row_is_told_with_the_next, the_line_of_the_manual,
      cut_between_parts, few_samples_tell_no_p999, a_log_has_lines,
      a_terminal_has_one_line, colours_can_be_forbidden,
      the_summary_fits_80_columns)
