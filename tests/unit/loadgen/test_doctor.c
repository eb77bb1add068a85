#include "doctor.h"

#include <string.h>

#include "../base/suite.h"

static struct doctor_facts machine(void)
{
    return (struct doctor_facts){
        .cores = 2,
        .fd_limit = 20000,
        .own_tables = true,
        .file_max = 4000000,
        .files = 1000,
        .ports = 28232,
        .sources = 65536,
        .watches = 5000000,
        .tracked_max = 262144,
        .tracked = 0,
        .tcp_pages = 500000,
        .page = 4096,
        .memory = INT64_C(20000000000),
        .server_here = true,
    };
}

static struct doctor judged(const struct doctor_facts *f, int64_t conns)
{
    struct doctor d;

    doctor_judge(&d, f, conns);
    return d;
}

START_TEST(fits)
{
    struct doctor_facts f = machine();
    struct doctor d = judged(&f, 1000000);

    ck_assert(d.well);
    ck_assert_int_eq(d.shards, 51); /* 1,000,000 / 19,936 */
    ck_assert_int_eq(d.addresses, 36);
    ck_assert_int_eq(d.bytes, INT64_C(1000000) * (8400 + 160 + 2300));
    ck_assert_int_eq(d.binds, BIND_MEMORY);
    ck_assert_int_eq(d.fits, INT64_C(20000000000) / 10860);
    ck_assert_int_eq(judged(&f, 1).shards, 1);
    ck_assert_int_eq(judged(&f, 19936).shards, 1);
    ck_assert_int_eq(judged(&f, 19937).shards, 2);
}
END_TEST

/* Each limit in turn made the smallest one. */
START_TEST(binds)
{
    struct doctor_facts f = machine();
    struct doctor d;
    char text[400];

    f.own_tables = false;
    d = judged(&f, 100000);
    ck_assert(!d.well && d.binds == BIND_FDS && d.fits == 19936);
    doctor_sentence(&d, text, sizeof(text));
    ck_assert_msg(strstr(text, "100000 connections do not fit: descriptors "
                               "end at 19936") == text,
                  "%s", text);
    ck_assert(strstr(text, "ulimit -Hn") != NULL);
    f = machine();
    f.file_max = 101000;
    d = judged(&f, 100000);
    ck_assert(!d.well && d.binds == BIND_FILE_MAX && d.fits == 50000);
    f.server_here = false;
    ck_assert(judged(&f, 100000).well);
    f = machine();
    f.sources = 1;
    d = judged(&f, 30000);
    ck_assert(!d.well && d.binds == BIND_PORTS && d.fits == 28232);
    f = machine();
    f.watches = 1000;
    d = judged(&f, 501);
    ck_assert(!d.well && d.binds == BIND_WATCHES && d.fits == 500);
    f = machine();
    f.tracked = 144;
    d = judged(&f, 262001);
    ck_assert(!d.well && d.binds == BIND_TRACKED && d.fits == 262000);
    f = machine();
    f.memory = 10860 * 10;
    ck_assert(judged(&f, 10).well && !judged(&f, 11).well);
}
END_TEST

START_TEST(odd)
{
    struct doctor_facts f = machine();
    char text[400];
    struct doctor d;
    json_t *j;

    f.watches = -1;
    f.tracked = -1;
    f.tcp_pages = 1; /* told, never binds */
    d = judged(&f, 1000);
    ck_assert(d.well && d.lines[BIND_TCP_MEM].fits == 0);
    doctor_sentence(&d, text, sizeof(text));
    ck_assert_str_eq(text, "");
    j = doctor_json(&d);
    ck_assert_str_eq(json_string_value(json_object_get(j, "binds")), "memory");
    json_decref(j);
    f.fd_limit = 10;
    d = judged(&f, 1);
    ck_assert(!d.well && d.fits == 0);
}
END_TEST

START_TEST(sources)
{
    ck_assert_int_eq(doctor_sources("127.1.0.0/16"), 65536);
    ck_assert_int_eq(doctor_sources("10.0.0.1/32"), 1);
    ck_assert_int_eq(doctor_sources("10.0.0.1"), 0);
    ck_assert_int_eq(doctor_sources("none/8"), 0);
}
END_TEST

START_TEST(this_machine)
{
    struct doctor_facts f;

    doctor_read(&f, "127.1.0.0/16", true);
    ck_assert(f.cores > 0 && f.fd_limit > 0 && f.memory > 0 && f.ports > 0);
    ck_assert(f.file_max > 0 && f.page > 0);
}
END_TEST

SUITE("doctor", fits, binds, odd, sources, this_machine)
