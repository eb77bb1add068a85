#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "result.h"

static double known(const struct collect *c, const char *name)
{
    double v = -1;

    return result_value(c, name, &v) == 0 ? v : -1;
}

const char *result_binds(const struct collect *c,
                         const struct engine_outcome *outcome, int64_t cores)
{
    double offered = known(c, "rate.offered"),
           achieved = known(c, "rate.achieved");
    double srv = known(c, "srv.cpu"), gen = known(c, "gen.cpu"),
           foreign = known(c, "foreign.cpu");
    double all =
        (srv > 0 ? srv : 0) + (gen > 0 ? gen : 0) + (foreign > 0 ? foreign : 0);

    if (outcome != NULL && outcome->generator_bound)
        return outcome->inconclusive ? "other programs on this machine"
                                     : "the generator";
    if (offered <= 0 || achieved >= 0.99 * offered)
        return "nothing: all that was offered was served";
    if (cores > 0 && all >= 90 * (double)cores)
        return "the CPU of this machine, which both share";
    if (srv >= 95 && srv < 105)
        return "one core of the server";
    if (c->all[COUNT_REFUSED] > 0)
        return "the server's own limits: it refused messages";
    return "the server, and not its CPU: disk, locks or waiting";
}

struct reason {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct reason *r,
                                                      const char *fmt, ...)
{
    size_t n = strlen(r->text);
    va_list ap;

    if (n > 0)
        n += (size_t)snprintf(r->text + n, r->size - n, "; ");
    if (n >= r->size)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(r->text + n, r->size - n, fmt, ap);
    va_end(ap);
}

void result_reason(char *out, size_t size, const struct engine_outcome *o)
{
    struct reason r = {out, size};

    snprintf(out, size, "%s", o->verdict);
    if (o->generator_bound)
        add(&r,
            "the generator was the limit (lag p99 %.2f ms, %.2f %% of the "
            "slots late): these are not the server's numbers",
            o->lag_p99_ms, 100 * o->late_share);
    if (o->inconclusive)
        add(&r,
            "other programs used %.0f %% of a core meanwhile, so nothing "
            "follows from the times",
            o->foreign_cpu);
    if (o->unanswered > 0)
        add(&r,
            "%" PRId64 " messages had no answer when the drain was over, which "
            "is no pass",
            o->unanswered);
    if (o->refused[0] != '\0')
        add(&r, "messages were refused: %s", o->refused);
    if (o->paused_ms > 0)
        add(&r,
            "paused for %.1f s by hand: the schedules and the phase are longer "
            "by that, and the rates are of all of it",
            (double)o->paused_ms / 1000);
    if (o->stopped_early)
        add(&r, "stopped early");
    if (out[0] == '\0')
        add(&r, "every message is accounted for");
}
