/* Whatever comes in, what text_sanitise() lets out is valid UTF-8 without a
 * character that acts on a terminal, and its directional controls are closed.
 * The first byte chooses the kind, the indent and the marks. */
#include "base/text.h"

#include <stdlib.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(enum text_kind kind, struct span s)
{
    size_t at = 0;
    int32_t c;

    while (at < s.n) {
        c = text_next(s, &at);
        if (c < 0 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
            abort();
        if (c < 0x20 && !(kind == TEXT_BODY && (c == '\n' || c == '\t')))
            abort();
    }
}

/* Isolates and embeddings close in the reverse order of opening. */
static void check_balance(struct span s)
{
    static int32_t open[64];
    int depth = 0;
    size_t at = 0;
    int32_t c;

    while (at < s.n) {
        c = text_next(s, &at);
        if ((c >= 0x202a && c <= 0x202e && c != 0x202c) ||
            (c >= 0x2066 && c <= 0x2068)) {
            if (depth == 64)
                abort();
            open[depth++] = c >= 0x2066 ? 0x2069 : 0x202c;
        } else if (c == 0x202c || c == 0x2069) {
            if (depth == 0 || open[--depth] != c)
                abort();
        }
    }
    if (depth != 0)
        abort();
}

static void check_width(struct span s)
{
    int columns = 0, width;
    size_t at = 0;

    while (at < s.n) {
        width = text_width(text_next(s, &at));
        columns += width > 0 ? width : 0;
    }
    if (columns > 32)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const marks[2] = {"{", "}"};
    enum text_kind kind;
    struct buf out;

    if (n == 0)
        return 0;
    kind = (enum text_kind)(data[0] % 3);
    buf_init(&out, 8 * n + 4096);
    if (text_sanitise(&out, kind, span_make(data + 1, n - 1), data[0] >> 6,
                      kind == TEXT_LINE && data[0] & 8 ? marks : NULL) == 0) {
        check(kind, buf_span(&out));
        check_balance(buf_span(&out));
        if (kind == TEXT_NAME)
            check_width(buf_span(&out));
    }
    buf_release(&out);
    return 0;
}
