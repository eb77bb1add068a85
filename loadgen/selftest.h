/* selftest.h - does the instrument tell the truth? Its own parts (schedules,
 * histograms, markers, windows) against servers and streams whose faults are
 * known. */
#ifndef LOAD_SELFTEST_H
#define LOAD_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#define SELFTEST_CHECKS 40

struct selftest_check {
    char what[64];
    double expected, found;
    double tolerance; /* share of expected; 0: exactly */
    double slack;     /* and this much besides, in the unit of the value */
    bool is_time;     /* ns */
    bool well;
};

struct selftest {
    struct selftest_check checks[SELFTEST_CHECKS];
    int n, failed;
};

struct selftest_freeze {
    int64_t freeze_ms, every_ms, length_ms;
    double rate; /* messages a second, open loop */
};

/* Coordinated omission: an echo server that stands still for F every T. At an
 * open rate a share F/T of all messages waits, uniformly from 0 to F; the
 * measured quantiles must lie within 5 % of that. 0, or -CF_IO: no loopback. */
int selftest_freeze(struct selftest *t, const struct selftest_freeze *f);

/* `messages` messages in streams; loss, duplicates, swaps and changed bytes
 * are put in with chance `each`; the accounting must find every one. */
void selftest_accounting(struct selftest *t, int64_t messages, double each,
                         uint64_t seed);

/* Histograms and schedules against distributions that are known. */
void selftest_instruments(struct selftest *t, uint64_t seed);

struct selftest_check *selftest_add(struct selftest *t, const char *what,
                                    double expected, double found,
                                    double tolerance, double slack);

/* The wait that a share q of messages does not exceed: analytic, ns. */
double selftest_freeze_quantile(double freeze_ns, double every_ns, double q);

#endif
