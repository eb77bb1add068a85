#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "unit/base/suite.h"

static int ends[2];
static char line[20000];

/* One write is one packet of a pipe, so one read gives one line. */
static const char *read_line(void)
{
    ssize_t n = read(ends[0], line, sizeof(line) - 1);

    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(line[n - 1], '\n');
    line[n - 1] = '\0';
    ck_assert_ptr_null(strchr(line, '\n'));
    return line;
}

static void begin(enum log_level level, enum log_format format)
{
    ck_assert_int_eq(pipe(ends), 0);
    log_set_fd(ends[1]);
    log_init("confabd", level, format);
}

static void end(void)
{
    log_set_fd(2);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(text_lines)
{
    begin(LOG_INFO, LOG_TEXT);
    log_info("conn %d: closed", 7);
    ck_assert_ptr_eq(strstr(read_line(), "confabd 20"), line);
    ck_assert_ptr_nonnull(strstr(line, "Z info: conn 7: closed"));
    errno = ENOENT;
    log_error("two\nlines \x1b[2J");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(read_line(), " error: two^Jlines ^[[2J"));
    end();
}
END_TEST

START_TEST(json_lines)
{
    struct error err = {0};
    const char *text = NULL;
    json_t *o;

    begin(LOG_INFO, LOG_JSON);
    log_warn("bad \"name\" \x1b\xff");
    o = json_parse(span_of(read_line()), &err);
    ck_assert_msg(o != NULL, "%s: %s", err.text, line);
    ck_assert_int_eq(json_need_text(o, "level", &text, &err), 0);
    ck_assert_str_eq(text, "warn");
    ck_assert_int_eq(json_need_text(o, "msg", &text, &err), 0);
    ck_assert_str_eq(text, "bad \"name\" \x1b\xef\xbf\xbd");
    ck_assert_int_eq(json_need_text(o, "program", &text, &err), 0);
    ck_assert_str_eq(text, "confabd");
    ck_assert_int_eq(json_need_text(o, "time", &text, &err), 0);
    ck_assert_uint_eq(strlen(text), 24);
    json_decref(o);
    end();
}
END_TEST

START_TEST(levels)
{
    enum log_level level = LOG_DEBUG;

    begin(LOG_WARN, LOG_TEXT);
    log_info("not shown");
    log_debug("not shown");
    log_warn("shown");
    ck_assert_ptr_nonnull(strstr(read_line(), "warn: shown"));
    log_set_level(LOG_DEBUG);
    log_debug("now");
    ck_assert_ptr_nonnull(strstr(read_line(), "debug: now"));
    ck_assert_int_eq(log_parse_level("warn", &level), 0);
    ck_assert_int_eq(level, LOG_WARN);
    ck_assert_int_eq(log_parse_level("loud", &level), -CF_INVALID);
    ck_assert_int_eq(level, LOG_WARN);
    end();
}
END_TEST

START_TEST(longest_line)
{
    static char many[5000];

    memset(many, '\x1b', sizeof(many) - 1);
    begin(LOG_INFO, LOG_JSON);
    log_info("%s", many);
    ck_assert_uint_gt(strlen(read_line()), 2000 * 6);
    ck_assert_ptr_nonnull(strstr(line, "\"}"));
    end();
}
END_TEST

START_TEST(gate_opens_once)
{
    struct log_gate g = {0};

    ck_assert(log_gate(&g, 3600000));
    for (int i = 0; i < 100; i++)
        ck_assert(!log_gate(&g, 3600000));
    ck_assert_uint_eq(g.suppressed, 100);
    g.next_ms = 0;
    ck_assert(log_gate(&g, 3600000));
    ck_assert_uint_eq(g.suppressed, 0);
}
END_TEST

SUITE("log", text_lines, json_lines, levels, longest_line, gate_opens_once)
