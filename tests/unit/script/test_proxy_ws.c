#include "script/proxy_inside.h"

#include <string.h>

#include "unit/base/suite.h"

#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"

START_TEST(finds_frame_boundaries)
{
    static const char small[] = "\x81\x03"
                                "abc";
    static const char medium[] = "\x82\x7e\x00\x80";
    struct ws_scan s = {0};
    char body[128] = {0};

    ck_assert_int_eq(ws_scan_boundary(&s, UPGRADED, sizeof(UPGRADED) - 1),
                     sizeof(UPGRADED) - 1);
    ws_scan_run(&s, UPGRADED, sizeof(UPGRADED) - 1);
    ck_assert_int_eq(s.phase, WS_FRAMES);
    ck_assert_int_eq(ws_scan_boundary(&s, small, 5), 0);
    for (size_t i = 1; i < 5; i++) {
        struct ws_scan t = s;

        ws_scan_run(&t, small, i);
        ck_assert_int_eq(ws_scan_boundary(&t, small + i, 5 - i), 5 - (int)i);
        ck_assert_int_eq(ws_scan_boundary(&t, small + i, 4 - i), -1);
    }
    ws_scan_run(&s, medium, 4);
    ws_scan_run(&s, body, 127);
    ck_assert_int_eq(ws_scan_boundary(&s, body, 1), 1);
    ws_scan_run(&s, "\0\x81\x7f\0\0\0\0\0\0\0\2x", 12);
    ck_assert_int_eq(ws_scan_boundary(&s, "yz", 2), 1);
    memset(&s, 0, sizeof(s));
    ws_scan_run(&s, "HTTP/1.1 404 Not Found\r\n\r\n", 26);
    ck_assert_int_eq(s.phase, WS_PLAIN);
    ck_assert_int_eq(ws_scan_boundary(&s, small, 5), -1);
}
END_TEST

SUITE("proxy_ws", finds_frame_boundaries)
