#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define MESSAGE_MAX 2048
#define LINE_MAX_BYTES (16 * 1024) /* an escape is up to 6 bytes for one */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static char program_name[32] = "confab";
static enum log_format line_format = LOG_TEXT;
static _Atomic int level_now = LOG_INFO;
static _Atomic int line_fd = STDERR_FILENO;

void log_init(const char *program, enum log_level level, enum log_format f)
{
    snprintf(program_name, sizeof(program_name), "%s", program);
    line_format = f;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

void log_set_fd(int fd)
{
    atomic_store_explicit(&line_fd, fd, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

int log_parse_level(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -CF_INVALID;
}

static void make_text(struct buf *line, const char *time, const char *level,
                      struct span message)
{
    buf_printf(line, "%s %s %s: ", program_name, time, level);
    text_sanitise(line, TEXT_LINE, message, 0, NULL);
}

static void make_json(struct buf *line, const char *time, const char *level,
                      struct span message)
{
    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":", time,
               level);
    json_write_text(line, span_of(program_name));
    buf_append_text(line, ",\"msg\":");
    json_write_text(line, message);
    buf_append_byte(line, '}');
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char message[MESSAGE_MAX], time[32];
    int saved = errno;
    struct buf line;
    va_list args;
    ssize_t written;

    if (!log_enabled(level))
        return;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    clock_format_rfc3339(clock_wall(clock_system()), time);
    buf_init(&line, LINE_MAX_BYTES);
    (line_format == LOG_JSON ? make_json : make_text)(
        &line, time, level_names[level], span_of(message));
    buf_append_byte(&line, '\n');
    do {
        written = write(atomic_load_explicit(&line_fd, memory_order_relaxed),
                        line.data, line.len);
    } while (written < 0 && errno == EINTR);
    buf_release(&line);
    errno = saved;
}

bool log_gate(struct log_gate *g, int64_t interval_ms)
{
    /* One more than the clock, so that a zeroed gate is open. */
    int64_t now = clock_mono(clock_system()) + 1;
    int64_t next = atomic_load_explicit(&g->next_ms, memory_order_relaxed);

    if (now >= next && atomic_compare_exchange_strong_explicit(
                           &g->next_ms, &next, now + interval_ms,
                           memory_order_relaxed, memory_order_relaxed)) {
        atomic_store_explicit(&g->suppressed, 0, memory_order_relaxed);
        return true;
    }
    atomic_fetch_add_explicit(&g->suppressed, 1, memory_order_relaxed);
    return false;
}
