#include "base/text.h"

#include <stdio.h>

#include "base/error.h"
#include "base/rng.h"
#include "unit/base/suite.h"

#define FSI "\xe2\x81\xa8"
#define PDI "\xe2\x81\xa9"
#define RLO "\xe2\x80\xae"
#define LRE "\xe2\x80\xaa"
#define PDF "\xe2\x80\xac"
#define RLI "\xe2\x81\xa7"
#define ACUTE "\xcc\x81"
#define BAD "\xef\xbf\xbd"

static struct buf out;

static const char *sanitised(enum text_kind kind, struct span s)
{
    buf_release(&out);
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(text_sanitise(&out, kind, s, 0, NULL), 0);
    return buf_cstr(&out);
}

static const char *shown(enum text_kind kind, const char *text)
{
    return sanitised(kind, span_of(text));
}

/* What must hold for any input: UTF-8, no C0 but newline and tab of a body,
 * no DEL, no C1, no line separators. */
static bool harmless(enum text_kind kind, struct span s)
{
    int32_t c;

    for (size_t at = 0; at < s.n;) {
        c = text_next(s, &at);
        if (c < 0 || c == 0x7f || (c >= 0x80 && c < 0xa0) || c == 0x2028 ||
            c == 0x2029)
            return false;
        if (c < 0x20 && !(kind == TEXT_BODY && (c == '\n' || c == '\t')))
            return false;
    }
    return true;
}

START_TEST(decodes_strictly)
{
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3(",
                                      "\xe2\x82(",
                                      "\xe2(\xac"};
    struct span s = SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    size_t at = 0;

    ck_assert(text_is_utf8(s));
    ck_assert_int_eq(text_next(s, &at), 'a');
    ck_assert_int_eq(text_next(s, &at), 0xe9);
    ck_assert_int_eq(text_next(s, &at), 0x20ac);
    ck_assert_int_eq(text_next(s, &at), 0x1f600);
    ck_assert_uint_eq(at, s.n);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        at = 0;
        ck_assert_msg(!text_is_utf8(span_of(bad[i])), "bad %zu taken", i);
        ck_assert_int_eq(text_next(span_of(bad[i]), &at), -1);
        ck_assert_uint_eq(at, 1);
    }
    ck_assert(text_is_utf8(span_make(NULL, 0)));
    ck_assert(text_is_utf8(span_make("\0", 1)));
}
END_TEST

START_TEST(widths)
{
    ck_assert_int_eq(text_width('a'), 1);
    ck_assert_int_eq(text_width(0xe9), 1);
    ck_assert_int_eq(text_width(0x4e2d), 2);
    ck_assert_int_eq(text_width(0x1f600), 2);
    ck_assert_int_eq(text_width(0x301), 0);
    ck_assert_int_eq(text_width(0x200b), 0);
    ck_assert_int_eq(text_width('\n'), -1);
    ck_assert_int_eq(text_width(0x7f), -1);
    ck_assert_int_eq(text_width(0x9b), -1);
}
END_TEST

START_TEST(every_byte_in_every_kind)
{
    char bytes[3] = {'a', 0, 'b'};

    for (int kind = TEXT_BODY; kind <= TEXT_NAME; kind++) {
        for (int i = 0; i < 256; i++) {
            bytes[1] = (char)i;
            sanitised((enum text_kind)kind, span_make(bytes, 3));
            ck_assert_msg(harmless((enum text_kind)kind, buf_span(&out)),
                          "byte %02x in kind %d", i, kind);
        }
    }
    ck_assert_str_eq(shown(TEXT_BODY, "a\n\tb"), FSI "a\n\tb" PDI);
    ck_assert_str_eq(shown(TEXT_LINE, "a\n\tb\r"), "a^J^Ib^M");
    ck_assert_str_eq(shown(TEXT_LINE, "\x1b[2J\a\x7f"), "^[[2J^G^?");
    ck_assert_str_eq(sanitised(TEXT_LINE, span_make("\0", 1)), "^@");
    ck_assert_str_eq(shown(TEXT_LINE, "a\xff\xc3z"), "a" BAD BAD "z");
}
END_TEST

START_TEST(every_c1)
{
    char bytes[3] = {'\xc2', 0, 0}, want[8];

    for (int c = 0x80; c < 0xa0; c++) {
        bytes[1] = (char)c;
        snprintf(want, sizeof(want), "\\x%02x", c);
        ck_assert_str_eq(shown(TEXT_LINE, bytes), want);
        ck_assert_str_eq(shown(TEXT_NAME, bytes), want);
        shown(TEXT_BODY, bytes);
        ck_assert_mem_eq(out.data + 3, want, 4);
    }
}
END_TEST

/* OSC, DCS, APC, PM, SOS in both forms: the introducers become visible, so
 * the rest is plain text. */
START_TEST(control_strings)
{
    static const char *const rows[][2] = {
        {"\x1b]52;c;aGk=\x07", "^[]52;c;aGk=^G"},
        {"\x1b]0;title\x1b\\", "^[]0;title^[\\"},
        {"\x1bP1$r\x1b\\", "^[P1$r^["
                           "\\"},
        {"\x1b_Gf=32\x1b\\", "^[_Gf=32^[\\"},
        {"\x1b^pm\x1b\\", "^[^pm^[\\"},
        {"\x1bXsos\x1b\\", "^[Xsos^[\\"},
        {"\xc2\x9d"
         "8;;http://x\xc2\x9c",
         "\\x9d8;;http://x\\x9c"},
        {"\xc2\x90q\xc2\x9c", "\\x90q\\x9c"},
        {"\xc2\x9fq", "\\x9fq"},
        {"\xc2\x9b"
         "6n",
         "\\x9b6n"},
        {"\x1b]8;;x\xe2\x80\xa8y", "^[]8;;x^Jy"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(shown(TEXT_LINE, rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(escapes_can_be_marked)
{
    static const char *const marks[2] = {"<", ">"};

    buf_release(&out);
    buf_init(&out, 100);
    ck_assert_int_eq(
        text_sanitise(&out, TEXT_LINE, SPAN("a\x1b[b\xc2\x9b"), 0, marks), 0);
    ck_assert_str_eq(buf_cstr(&out), "a<^[>[b<\\x9b>");
}
END_TEST

static size_t marks_of(enum text_kind kind, int n)
{
    struct buf in;
    size_t marks = 0;

    buf_init(&in, 1 << 20);
    buf_append_text(&in, "e");
    for (int i = 0; i < n; i++)
        buf_append_text(&in, i % 2 == 0 ? ACUTE : "\xcc\xa3");
    buf_append_text(&in, "x");
    sanitised(kind, buf_span(&in));
    for (size_t at = 0; at < out.len;)
        marks += text_width(text_next(buf_span(&out), &at)) == 0;
    ck_assert_int_eq(out.data[out.len - (kind == TEXT_BODY ? 4 : 1)],
                     kind == TEXT_NAME ? out.data[out.len - 1] : 'x');
    buf_release(&in);
    return marks;
}

START_TEST(marks_are_bounded)
{
    ck_assert_uint_eq(marks_of(TEXT_LINE, 3), 3);
    ck_assert_uint_eq(marks_of(TEXT_LINE, 8), 8);
    ck_assert_uint_eq(marks_of(TEXT_LINE, 9), 8);
    ck_assert_uint_eq(marks_of(TEXT_LINE, 10000), 8);
    ck_assert_uint_eq(marks_of(TEXT_BODY, 10000), 8 + 2); /* and FSI, PDI */
    ck_assert_uint_le(marks_of(TEXT_NAME, 10000), 8);
}
END_TEST

START_TEST(directions_are_balanced)
{
    ck_assert_str_eq(shown(TEXT_BODY, RLO "abc"), FSI RLO "abc" PDF PDI);
    ck_assert_str_eq(shown(TEXT_BODY, RLI LRE "a" PDI "b"),
                     FSI RLI LRE "a" PDF PDI "b" PDI);
    ck_assert_str_eq(shown(TEXT_BODY, "a" PDI PDF PDI "b"), FSI "ab" PDI);
    ck_assert_str_eq(shown(TEXT_BODY, RLI "a" PDF "b" PDI),
                     FSI RLI "ab" PDI PDI);
    ck_assert_str_eq(shown(TEXT_BODY, RLO "a\nb"), FSI RLO "a" PDF "\nb" PDI);
    ck_assert_str_eq(shown(TEXT_LINE, RLO "a"), "\\u202ea");
    ck_assert_str_eq(shown(TEXT_NAME, RLO "a" PDI "\xe2\x80\x8b\xef\xbb\xbf"
                                          "b"),
                     "ab");
}
END_TEST

START_TEST(directions_are_bounded)
{
    struct buf in;
    int depth = 0, deepest = 0;
    int32_t c;

    buf_init(&in, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buf_append_text(&in, i % 2 == 0 ? RLI : RLO);
    sanitised(TEXT_BODY, buf_span(&in));
    for (size_t at = 0; at < out.len;) {
        c = text_next(buf_span(&out), &at);
        depth += c == 0x2068 || c == 0x2067 || c == 0x202e ? 1 : -1;
        deepest = depth > deepest ? depth : deepest;
    }
    ck_assert_int_eq(depth, 0);
    ck_assert_int_le(deepest, 17);
    buf_release(&in);
}
END_TEST

START_TEST(bodies_are_indented_and_cut)
{
    struct buf in;

    buf_release(&out);
    buf_init(&out, 100);
    ck_assert_int_eq(text_sanitise(&out, TEXT_BODY,
                                   SPAN("a\nb\xe2\x80\xa8"
                                        "c"),
                                   2, NULL),
                     0);
    ck_assert_str_eq(buf_cstr(&out), FSI "a\n  b\n  c" PDI);
    buf_init(&in, 1000);
    for (int i = 0; i < 39; i++)
        buf_append_text(&in, "x\n");
    buf_append_text(&in, "y"); /* the fortieth line */
    ck_assert_ptr_null(strstr(sanitised(TEXT_BODY, buf_span(&in)), "more"));
    buf_append_text(&in, "\nz");
    ck_assert_ptr_nonnull(strstr(sanitised(TEXT_BODY, buf_span(&in)),
                                 "y" PDI "\n... 1 more line"));
    ck_assert_ptr_null(strchr(out.data, 'z'));
    buf_append_text(&in, "\nz");
    ck_assert_ptr_nonnull(
        strstr(sanitised(TEXT_BODY, buf_span(&in)), "\n... 2 more lines"));
    buf_release(&in);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(shown(TEXT_NAME, "e" ACUTE), "\xc3\xa9");
    ck_assert_str_eq(shown(TEXT_NAME, "a\nb"), "a^Jb");
    ck_assert_str_eq(shown(TEXT_NAME, "0123456789012345678901234567890123456"),
                     "01234567890123456789012345678901");
    shown(TEXT_NAME, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                     "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                     "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                     "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                     "\xe4\xb8\xad\xe4\xb8\xad");
    ck_assert_uint_eq(out.len, 48); /* 16 of two columns */
    ck_assert_str_eq(shown(TEXT_NAME, "\xe3\x85\xa4\xe2\xa0\x80"), "");
    ck_assert_str_eq(shown(TEXT_NAME, "a\xff"), "a" BAD);
}
END_TEST

START_TEST(too_big_appends_nothing)
{
    for (int kind = TEXT_BODY; kind <= TEXT_NAME; kind++) {
        buf_release(&out);
        buf_init(&out, 6);
        buf_append_text(&out, "ab");
        ck_assert_int_eq(text_sanitise(&out, (enum text_kind)kind,
                                       SPAN("\x1b\x1b\x1b"), 0, NULL),
                         -CF_TOO_BIG);
        ck_assert(span_is(buf_span(&out), "ab"));
    }
}
END_TEST

/* Pieces that matter, glued at random. */
START_TEST(random_input_is_harmless)
{
    static const char *const pieces[] = {"a",
                                         "\x1b",
                                         "]",
                                         "\xc2",
                                         "\x9b",
                                         "\xc2\x9b",
                                         "\n",
                                         ACUTE,
                                         RLO,
                                         RLI,
                                         PDI,
                                         PDF,
                                         FSI,
                                         "\xe2\x80",
                                         "\xe2\x80\xa8",
                                         "\xf0\x9f\x98\x80",
                                         "\xff",
                                         "\x7f",
                                         "\r",
                                         "\t",
                                         "\xed\xa0\x80",
                                         "\xef\xbb\xbf",
                                         "\xe2\x80\x8d"};
    struct buf in;
    struct rng r;
    uint8_t byte;

    rng_init_seeded(&r, 5);
    buf_init(&in, 4096);
    for (int round = 0; round < 6000; round++) {
        enum text_kind kind = (enum text_kind)(round % 3);

        buf_clear(&in);
        for (uint64_t n = rng_below(&r, 60); n > 0; n--) {
            rng_bytes(&r, &byte, 1);
            if (byte < 64)
                buf_append_byte(&in, (char)rng_below(&r, 256));
            else
                buf_append_text(&in, pieces[byte % 23]);
        }
        sanitised(kind, buf_span(&in));
        ck_assert_msg(harmless(kind, buf_span(&out)), "round %d", round);
    }
    buf_release(&in);
}
END_TEST

START_TEST(nearest_words)
{
    static const char *const words[] = {"listen", "list",   "history",
                                        "send",   "status", NULL};

    ck_assert_str_eq(text_nearest("lisen", words), "listen");
    ck_assert_str_eq(text_nearest("lsit", words), "list");
    ck_assert_str_eq(text_nearest("sned", words), "send");
    ck_assert_str_eq(text_nearest("hisstroy", words), "history");
    ck_assert_ptr_null(text_nearest("frobnicate", words));
    ck_assert_ptr_null(text_nearest("ls", words)); /* half of it is wrong */
    ck_assert_ptr_null(text_nearest("", words));
}
END_TEST

START_TEST(same_names)
{
    ck_assert(text_same_name(SPAN("Alice"), SPAN("aLICE")));
    ck_assert(text_same_name(SPAN("e" ACUTE), SPAN("\xc3\x89")));
    ck_assert(text_same_name(SPAN("stra\xc3\x9f"
                                  "e"),
                             SPAN("STRASSE")));
    ck_assert(text_same_name(SPAN("\xef\xbc\xa1"), SPAN("a")));
    ck_assert(text_same_name(SPAN(""), SPAN("")));
    ck_assert(!text_same_name(SPAN("alice"), SPAN("alice2")));
    ck_assert(!text_same_name(SPAN("\xff"), SPAN("\xfe")));
    ck_assert(text_same_name(SPAN("\xff"), SPAN("\xff")));
}
END_TEST

START_TEST(release)
{
    buf_release(&out);
}
END_TEST

SUITE("text", decodes_strictly, widths, every_byte_in_every_kind, every_c1,
      control_strings, escapes_can_be_marked, marks_are_bounded,
      directions_are_balanced, directions_are_bounded,
      bodies_are_indented_and_cut, names, too_big_appends_nothing,
      random_input_is_harmless, nearest_words, same_names, release)
