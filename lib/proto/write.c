#include "proto/write.h"

#include "base/error.h"
#include "proto/scan.h"

#define SLACK 256 /* asked for in one go, so that most frames grow once */

void write_begin(struct writer *w, struct buf *b)
{
    w->b = b;
    w->start = b->len;
    w->rc = 0;
    w->p = w->end = NULL;
}

bool write_grow(struct writer *w, size_t n)
{
    size_t room = n + SLACK;
    char *p;

    if (w->rc != 0)
        return false;
    if (w->p != NULL)
        w->b->len = (size_t)(w->p - w->b->data);
    p = buf_reserve(w->b, room);
    if (p == NULL) {
        room = n;
        p = buf_reserve(w->b, room);
    }
    if (p == NULL) {
        w->rc = -CF_TOO_BIG;
        w->end = w->p; /* no room: every later piece ends here too */
        return false;
    }
    w->p = p;
    w->end = p + room;
    return true;
}

int write_end(struct writer *w)
{
    if (w->rc != 0)
        w->b->len = w->start;
    else if (w->p != NULL)
        w->b->len = (size_t)(w->p - w->b->data);
    return w->rc;
}

static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

void write_u64(struct writer *w, uint64_t v)
{
    char digits[20];
    char *p = digits + sizeof(digits);

    while (v >= 100) {
        p -= 2;
        memcpy(p, pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, pairs + v * 2, 2);
    } else {
        *--p = (char)('0' + v);
    }
    write_bytes(w, p, (size_t)(digits + sizeof(digits) - p));
}

void write_i64(struct writer *w, int64_t v)
{
    if (v < 0)
        write_byte(w, '-');
    write_u64(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void write_id(struct writer *w, char prefix, uint64_t id)
{
    write_byte(w, '"');
    if (prefix != 0)
        write_byte(w, prefix);
    write_u64(w, id);
    write_byte(w, '"');
}

static void write_escape(struct writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    char out[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c >= 0x20)
        out[1] = (char)c;
    else if (shorts[c] != 0)
        out[1] = shorts[c];
    write_bytes(w, out, out[1] == 'u' ? 6 : 2);
}

void write_text(struct writer *w, struct span text)
{
    const char *p = text.p, *end = p + text.n;

    write_byte(w, '"');
    while (p < end) {
        const char *run = scan_plain(p, end);
        size_t n;

        write_bytes(w, p, (size_t)(run - p));
        p = run;
        if (p == end)
            break;
        n = (unsigned char)*p < 0x80 ? 0 : scan_utf8(p, end);
        if (n > 0)
            write_bytes(w, p, n);
        else if ((unsigned char)*p >= 0x80 || *p == 0)
            write_lit(w, "\xef\xbf\xbd");
        else
            write_escape(w, (unsigned char)*p);
        p += n > 0 ? n : 1;
    }
    write_byte(w, '"');
}
