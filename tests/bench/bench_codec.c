/* Nanoseconds per frame of 250 bytes: this codec beside jansson, in the same
 * run on the same frame. The ratio is what carries over to other machines. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proto/encode.h"
#include "proto/limits.h"

#define ROUNDS 10000
#define RUNS 60

static const char send_frame[] =
    "{\"t\":\"send\",\"n\":4711,\"conv\":\"c730144820293632\","
    "\"cid\":\"5f3c1a9be0d24c7f8a6b1c2d3e4f5a6b\",\"body\":{\"text\":\"the "
    "build is green again, see the log of the night for what it was; please "
    "pull before you push, and tell bob\"},\"mention\":[\"u730144820293633\"]}";

static struct span frame;
static struct buf out;
static json_t *tree;
static char *dumped;
static volatile uint64_t sink;

static void decode_ours(void)
{
    struct frame_error err;
    struct frame f;

    if (frame_decode(&f, frame, FROM_CLIENT, LIMIT_OBJECT, false, &err) != 0)
        abort();
    sink += f.conv;
}

static void decode_jansson(void)
{
    json_error_t err;
    json_t *j = json_loadb(frame.p, frame.n, JSON_REJECT_DUPLICATES, &err);

    if (j == NULL)
        abort();
    sink += json_object_size(j);
    json_decref(j);
}

static void encode_ours(void)
{
    static const char body[] =
        "{\"text\":\"the build is green again, see the log of the night for "
        "what it was; please pull before you push\"}";
    static const struct entry e = {
        .conv = 730144820293632,
        .seq = 4711,
        .id = 730144820293999,
        .ts = 1764000000123,
        .kind = ENTRY_MSG,
        .from = 730144820293633,
        .dev = 3,
        .body = {body, sizeof(body) - 1},
    };

    buf_clear(&out);
    if (enc_entry(&out, &e, false) != 0)
        abort();
    sink += out.len;
}

static void encode_jansson(void)
{
    sink += json_dumpb(tree, dumped, LIMIT_OBJECT, JSON_COMPACT);
}

/* The best of some runs: what disturbs only makes it slower. */
static double best(void (*fn)(void))
{
    double least = 1e18;

    for (int run = 0; run < RUNS; run++) {
        uint64_t start = clock_ns();

        for (int i = 0; i < ROUNDS; i++)
            fn();
        double ns = (double)(clock_ns() - start) / ROUNDS;

        if (ns < least)
            least = ns;
    }
    return least;
}

static void report(const char *what, size_t bytes, double ours, double theirs)
{
    printf("%s %zu bytes: %.0f ns, jansson %.0f ns, ratio %.3f\n", what, bytes,
           ours, theirs, ours / theirs);
}

int main(void)
{
    json_error_t err;

    frame = span_make(send_frame, sizeof(send_frame) - 1);
    buf_init(&out, LIMIT_OBJECT);
    dumped = malloc(LIMIT_OBJECT);
    encode_ours();
    tree = json_loadb(out.data, out.len, 0, &err);
    if (tree == NULL || dumped == NULL)
        return EXIT_FAILURE;
    report("decode send", frame.n, best(decode_ours), best(decode_jansson));
    report("encode entry", out.len, best(encode_ours), best(encode_jansson));
    json_decref(tree);
    free(dumped);
    buf_release(&out);
    return EXIT_SUCCESS;
}
