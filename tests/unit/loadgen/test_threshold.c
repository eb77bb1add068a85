#include <string.h>

#include "../base/suite.h"
#include "scenario.h"

static struct threshold parsed(const char *text)
{
    struct threshold t;
    struct error err = {0};

    ck_assert_msg(threshold_parse(&t, text, &err) == 0, "%s: %s", text,
                  err.text);
    return t;
}

static void refused(const char *text, const char *why)
{
    struct threshold t;
    struct error err = {0};

    ck_assert_msg(threshold_parse(&t, text, &err) < 0, "%s", text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", text, err.text);
}

START_TEST(durations)
{
    struct threshold t = parsed("e2e.p99<100ms");

    ck_assert_str_eq(t.metric, "e2e.p99");
    ck_assert_str_eq(t.text, "e2e.p99 < 100ms");
    ck_assert(t.is_duration && t.value == 1e8);
    ck_assert(threshold_holds(&t, 99999999));
    ck_assert(!threshold_holds(&t, 1e8));
    t = parsed(" fanout.last.p99.9 <= 500us");
    ck_assert(t.value == 5e5 && strcmp(t.op, "<=") == 0);
    ck_assert(threshold_holds(&t, 5e5));
}
END_TEST

START_TEST(numbers)
{
    struct threshold t = parsed("lost = 0");

    ck_assert(threshold_holds(&t, 0) && !threshold_holds(&t, 1));
    t = parsed("lost==0");
    ck_assert_str_eq(t.text, "lost = 0");
    t = parsed("rate.achieved >= 2k/s");
    ck_assert(t.value == 2000 && threshold_holds(&t, 2000));
    t = parsed("srv.rss.ratio > 99%");
    ck_assert(t.value == 0.99 && !threshold_holds(&t, 0.99));
    t = parsed("srv.rss<1.2g");
    ck_assert(t.value == 1.2e9);
}
END_TEST

START_TEST(mistakes)
{
    refused("", "is no threshold");
    refused("e2e.p99", "is no threshold");
    refused("e2e.p99 <", "is no threshold");
    refused("< 3", "is no threshold");
    refused("e2.p99 < 1s", "did you mean 'e2e.p99'");
    refused("e2e.p100 < 1s", "nothing measured");
    refused("e2e.px < 1s", "nothing measured");
    refused("lots = 0", "did you mean 'lost'");
    refused("frobnication < 3", "nothing measured is called");
    refused("e2e.p99 < 100", "must be a time");
    refused("e2e.p99 < 100xs", "must be a time");
    refused("lost = none", "must be a number");
    refused("lost = 0 0", "must be a number");
    refused("e2e.p99 < "
            "1000000000000000000000000000000000000000000000000000000ms",
            "59 bytes");
}
END_TEST

SUITE("threshold", durations, numbers, mistakes)
