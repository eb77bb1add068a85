/* What is typed and pasted, byte by byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/span.h"
#include "pump.h"

static struct loop *loop;
static struct pump *pump;
static struct buf keys, paste;
static int pastes, cuts;

static void on_keys(void *ctx)
{
    int key;

    while ((key = pump_take(pump)) >= 0)
        buf_append_byte(&keys, (char)key);
}

static void on_paste(void *ctx, struct span text, bool cut)
{
    pastes++;
    cuts += cut;
    buf_clear(&paste);
    buf_append_span(&paste, text);
    loop_stop(loop);
}

static void on_end(void *ctx)
{
}

static void setup(void)
{
    struct pump_events ev = {on_keys, on_paste, on_end, NULL};

    loop = loop_new();
    buf_init(&keys, 1 << 20);
    buf_init(&paste, 1 << 20);
    pastes = cuts = 0;
    pump = pump_new(loop, -1, &ev);
}

static void teardown(void)
{
    pump_free(&pump);
    loop_free(&loop);
    buf_release(&keys);
    buf_release(&paste);
}

static void feed(const char *text)
{
    pump_feed(pump, span_of(text));
}

#define EQ(buf, text)                                                          \
    ck_assert_msg(span_is(buf_span(&(buf)), text), "got %.*s", (int)(buf).len, \
                  (buf).data)

START_TEST(keys_pass)
{
    feed("a");
    feed("\r");
    feed("\033[A"); /* arrow up */
    feed("hello\r");
    EQ(keys, "a\r\033[Ahello\r");
    ck_assert_int_eq(pastes, 0);
}
END_TEST

START_TEST(lone_escape_comes_after_a_moment)
{
    feed("\033");
    EQ(keys, "");
    while (keys.len == 0)
        loop_run_once(loop, true);
    EQ(keys, "\033");
}
END_TEST

START_TEST(paste_is_collected_over_reads)
{
    feed("x\033[2");
    feed("00~one\r\n");
    feed("two\033[20");
    ck_assert_int_eq(pastes, 0);
    feed("1~");
    ck_assert_int_eq(pastes, 1);
    EQ(paste, "one\ntwo");
    EQ(keys, "x");
}
END_TEST

START_TEST(paste_cannot_press_enter)
{
    feed("\033[200~evil\033[201~ rest\r");
    EQ(paste, "evil");
    EQ(keys, " rest\033\r"); /* a newline, not Enter */
    feed("\r");
    EQ(keys, " rest\033\r\r");
}
END_TEST

START_TEST(end_without_start_is_nothing)
{
    feed("a\033[201~b");
    EQ(keys, "ab");
}
END_TEST

START_TEST(lines_at_once_are_a_paste)
{
    feed("one\rtwo\rthree\r");
    ck_assert_int_eq(pastes, 0);
    loop_run(loop); /* until the burst is quiet */
    ck_assert_int_eq(pastes, 1);
    EQ(paste, "one\ntwo\nthree\n");
    EQ(keys, "");
}
END_TEST

START_TEST(paste_has_an_end)
{
    static char piece[4097];

    memset(piece, 'x', sizeof(piece) - 1);
    feed("\033[200~");
    for (int i = 0; i < 32; i++)
        feed(piece);
    feed("\033[201~");
    ck_assert_int_eq(pastes, 1);
    ck_assert_int_eq(cuts, 1);
    ck_assert_uint_eq(paste.len, PUMP_PASTE_MAX);
}
END_TEST

static const struct {
    const char *dirty, *clean;
} texts[] = {
    {"plain \xc3\xa9 \xf0\x9f\x8e\x89", "plain \xc3\xa9 \xf0\x9f\x8e\x89"},
    {"a\tb\r\nc\rd", "a\tb\nc\nd"},
    {"x\xe2\x80\xa8y", "x\ny"}, /* U+2028 */
    {"\033[31mred\033[0m", "red"},
    {"\033]0;title\aend", "end"},
    {"\033]52;c;aGk=\033\\end", "end"},
    {"\033P1$r\033\\end", "end"},
    {"\033]0;open", "]0;open"},
    {"bell\a nul", "bell nul"},
    {"c1 \xc2\x9b"
     "31m",
     "c1 31m"},
    {"\x7f"
     "del",
     "del"},
    {"bad \xff byte", "bad \xef\xbf\xbd byte"},
    {"\033", ""},
    {"\033[", "["},
};

START_TEST(cleaning)
{
    buf_clear(&paste);
    ck_assert_int_eq(pump_clean(&paste, span_of(texts[_i].dirty)), 0);
    EQ(paste, texts[_i].clean);
}
END_TEST

START_TEST(every_byte_is_safe)
{
    char all[256];

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    buf_clear(&paste);
    pump_clean(&paste, span_make(all, sizeof(all)));
    for (size_t i = 0; i < paste.len; i++) {
        unsigned char c = (unsigned char)paste.data[i];

        ck_assert(c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pump");
    TCase *t = tcase_create("pump");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keys_pass);
    tcase_add_test(t, lone_escape_comes_after_a_moment);
    tcase_add_test(t, paste_is_collected_over_reads);
    tcase_add_test(t, paste_cannot_press_enter);
    tcase_add_test(t, end_without_start_is_nothing);
    tcase_add_test(t, lines_at_once_are_a_paste);
    tcase_add_test(t, paste_has_an_end);
    tcase_add_loop_test(t, cleaning, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(t, every_byte_is_safe);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
