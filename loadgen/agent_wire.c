#include "agent_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "tls_secret.h"

#define DEPTH 12
#define STRUCTURE 200000

int secret_read(char out[WIRE_SECRET], const char *path, struct error *err)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    int rc = 0;

    if (f == NULL)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(f), &st) < 0 || (st.st_mode & 077) != 0)
        rc = error_set(err, CF_DENIED,
                       "%s: others may read it; try: chmod 600 %s", path, path);
    else if (fgets(out, WIRE_SECRET, f) == NULL)
        rc = error_set(err, CF_INVALID, "%s: empty", path);
    fclose(f);
    if (rc < 0)
        return rc;
    out[strcspn(out, "\r\n")] = '\0';
    if (strlen(out) < 8)
        return error_set(err, CF_INVALID, "%s: a secret has 8 bytes or more",
                         path);
    return 0;
}

/* ---- lines ---- */

void wire_end_init(struct wire_end *w, int fd)
{
    struct timeval patience = {.tv_sec = 20};

    w->fd = fd;
    buf_init(&w->in, WIRE_LINE);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void wire_end_close(struct wire_end *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    buf_release(&w->in);
}

int wire_put(struct wire_end *w, json_t *j)
{
    struct buf b;
    size_t at = 0;
    ssize_t n = 1;
    bool whole;

    buf_init(&b, WIRE_LINE);
    whole = json_write(&b, j, true) == 0 && buf_append_byte(&b, '\n') == 0;
    json_decref(j);
    while (whole && w->fd >= 0 && at < b.len && n > 0) {
        n = send(w->fd, b.data + at, b.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            n = 1;
        else
            at += n > 0 ? (size_t)n : 0;
    }
    whole = whole && at == b.len && b.len > 0;
    buf_release(&b);
    return whole ? 0 : -CF_CLOSED;
}

/* The first line of what has come. */
static int take_line(struct wire_end *w, json_t **out)
{
    const char *end =
        w->in.len > 0 ? memchr(w->in.data, '\n', w->in.len) : NULL;
    size_t n;

    if (end == NULL)
        return 0;
    n = (size_t)(end - w->in.data);
    *out = json_parse_bounded(span_make(w->in.data, n), DEPTH, STRUCTURE, NULL);
    buf_consume(&w->in, n + 1);
    if (wire_kind(*out) != NULL)
        return 1;
    json_decref(*out);
    *out = NULL;
    return -CF_INVALID;
}

int wire_get(struct wire_end *w, int ms, json_t **out)
{
    int64_t end = clock_mono(clock_system()) + ms, left = ms;
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    char *room;
    ssize_t n;
    int rc;

    while ((rc = take_line(w, out)) == 0 && w->fd >= 0) {
        if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
            return 0;
        room = buf_reserve(&w->in, 65536);
        if (room == NULL)
            return -CF_INVALID;
        n = recv(w->fd, room, 65536, 0);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            return -CF_CLOSED;
        w->in.len += n > 0 ? (size_t)n : 0;
        left = end - clock_mono(clock_system());
    }
    return w->fd < 0 && rc == 0 ? -CF_CLOSED : rc;
}

const char *wire_kind(const json_t *j)
{
    return json_string_value(json_object_get(j, "t"));
}

/* ---- proofs ---- */

void wire_nonce(char out[WIRE_NONCE])
{
    struct rng rng;

    rng_init_system(&rng);
    snprintf(out, WIRE_NONCE, "%016" PRIx64 "%016" PRIx64, rng_u64(&rng),
             rng_u64(&rng));
}

void wire_proof(char out[65], const char *secret, const char *who,
                const char *nonce)
{
    char text[128];

    snprintf(text, sizeof(text), "confab-load %s %.64s", who, nonce);
    secret_mac(out, span_of(secret), span_of(text));
}

/* ---- numbers ---- */

json_t *wire_counts(const uint64_t counts[COUNTS])
{
    json_t *out = json_object();

    for (int i = 0; i < COUNTS; i++)
        if (counts[i] > 0)
            json_object_set_new(out, count_name((enum count)i),
                                json_integer((json_int_t)counts[i]));
    return out;
}

void wire_read_counts(uint64_t counts[COUNTS], const json_t *j)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)j, name, v)
    {
        int i = count_by_name(name);

        if (i >= 0 && json_is_integer(v) && json_integer_value(v) > 0)
            counts[i] += (uint64_t)json_integer_value(v);
    }
}

json_t *wire_hists(const struct hist hists[METRICS])
{
    json_t *out = json_object();
    struct buf b;

    buf_init(&b, WIRE_LINE);
    for (int m = 0; m < METRICS; m++) {
        if (hists[m].count == 0)
            continue;
        buf_clear(&b);
        hist_encode(&b, &hists[m]);
        json_object_set_new(out, metric_name((enum metric)m),
                            json_stringn(b.data, b.len));
    }
    buf_release(&b);
    return out;
}

void wire_merge_hists(struct hist hists[METRICS], const json_t *j)
{
    const char *name;
    struct hist h;
    json_t *v;

    json_object_foreach((json_t *)j, name, v)
    {
        int m = metric_by_name(name);

        if (m < 0 || !json_is_string(v) ||
            hist_decode(
                &h, span_make(json_string_value(v), json_string_length(v))) < 0)
            continue;
        if (h.digits == hists[m].digits && h.low == hists[m].low &&
            h.high == hists[m].high)
            hist_merge(&hists[m], &h);
        hist_release(&h);
    }
}

json_t *wire_outcome(const struct engine_outcome *o)
{
    return json_pack(
        "{s:b,s:b,s:b,s:b,s:s,s:s,s:f,s:f,s:f,s:i,s:I,s:I,s:f,s:I}", "bound",
        o->generator_bound, "inconclusive", o->inconclusive, "stopped",
        o->stopped_early, "violated", o->violated, "verdict", o->verdict,
        "refused", o->refused, "lag_p99_ms", o->lag_p99_ms, "late_share",
        o->late_share, "foreign_cpu", o->foreign_cpu, "shards", o->shards,
        "bytes", (json_int_t)o->bytes_per_client, "unanswered",
        (json_int_t)o->unanswered, "storm_lag_p99_ms", o->storm_lag_p99_ms,
        "storm_ms", (json_int_t)o->storm_ms);
}

void wire_read_outcome(struct engine_outcome *o, const json_t *j)
{
    const char *text = json_string_value(json_object_get(j, "verdict"));
    const char *refused = json_string_value(json_object_get(j, "refused"));

    memset(o, 0, sizeof(*o));
    o->generator_bound = json_is_true(json_object_get(j, "bound"));
    o->inconclusive = json_is_true(json_object_get(j, "inconclusive"));
    o->stopped_early = json_is_true(json_object_get(j, "stopped"));
    o->violated = json_is_true(json_object_get(j, "violated"));
    o->lag_p99_ms = json_number_value(json_object_get(j, "lag_p99_ms"));
    o->late_share = json_number_value(json_object_get(j, "late_share"));
    o->storm_lag_p99_ms =
        json_number_value(json_object_get(j, "storm_lag_p99_ms"));
    o->storm_ms = json_integer_value(json_object_get(j, "storm_ms"));
    o->foreign_cpu = json_number_value(json_object_get(j, "foreign_cpu"));
    o->shards = (int)json_integer_value(json_object_get(j, "shards"));
    o->bytes_per_client = json_integer_value(json_object_get(j, "bytes"));
    o->unanswered = json_integer_value(json_object_get(j, "unanswered"));
    snprintf(o->verdict, sizeof(o->verdict), "%s", text != NULL ? text : "");
    snprintf(o->refused, sizeof(o->refused), "%s",
             refused != NULL ? refused : "");
}
