/* A scenario from anywhere: the TOML reader and what gives it a meaning stay
 * within their bounds, and what was accepted reads back to the same. */
#include <stdlib.h>

#include "scenario.h"
#include "toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void back_again(const struct scenario *s)
{
    struct scenario again;
    struct buf text, second;

    buf_init(&text, 1 << 20);
    buf_init(&second, 1 << 20);
    scenario_write(&text, s);
    if (scenario_parse(&again, "again", buf_span(&text), NULL, 0, NULL) < 0)
        abort();
    scenario_write(&second, &again);
    if (!span_eq(buf_span(&text), buf_span(&second)))
        abort();
    buf_release(&text);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span text = span_make(data, n);
    struct scenario s;
    struct toml t;

    if (toml_parse(&t, "fuzz", text, NULL) == 0) {
        char *dump = json_dumps(t.root, 0);

        if (dump == NULL)
            abort();
        free(dump);
        toml_release(&t);
    }
    if (scenario_parse(&s, "fuzz", text, NULL, 0, NULL) == 0)
        back_again(&s);
    return 0;
}
