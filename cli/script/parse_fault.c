/* What goes wrong: on the network of an actor, and at the server. */
#include "parse_inside.h"

static const char *const network_faults[] = {
    "cut", "heal", "reset", "latency", "rate", "close", "drip", NULL};
static const enum fault network_values[] = {
    FAULT_CUT,  FAULT_HEAL,  FAULT_RESET, FAULT_LATENCY,
    FAULT_RATE, FAULT_CLOSE, FAULT_DRIP};
static const char *const server_faults[] = {"stop", "start", "restart",
                                            "kill", "store", NULL};
static const enum fault server_values[] = {
    FAULT_STOP, FAULT_START, FAULT_RESTART, FAULT_KILL, FAULT_LACKS};

/* The fault named at the token, or an error. */
static bool parse_fault(struct parser *p, struct stmt *s, const char *what,
                        const char *const *words, const enum fault *values)
{
    struct token t = *parse_token(p);
    int i = parse_word(p, words);

    if (t.kind != TOKEN_NAME)
        parse_wanted(p, what);
    else if (i < 0)
        parse_unknown(p, &t, what, words);
    if (p->code != 0)
        return false;
    s->fault = values[i];
    parse_advance(p);
    return true;
}

void parse_network(struct parser *p, struct stmt *s)
{
    parse_advance(p);
    parse_subject(p, s, NULL);
    if (p->code != 0 || !parse_fault(p, s, "fault of a network", network_faults,
                                     network_values))
        return;
    if (s->fault == FAULT_LATENCY)
        s->number = parse_duration(p, "'latency'");
    else if (s->fault == FAULT_RATE)
        s->number = parse_rate(p);
    else if (s->fault == FAULT_CLOSE)
        s->number = parse_int(p, "a close code", 1000, 4999);
    else if (s->fault == FAULT_DRIP)
        s->off = parse_take(p, "off");
}

void parse_server_fault(struct parser *p, struct stmt *s)
{
    struct token t;
    struct lexer look;
    struct token next;

    parse_advance(p);
    t = *parse_token(p);
    look = p->source->lexer;
    next = lexer_next(&look);
    if (t.kind == TOKEN_NAME && parse_word(p, server_faults) < 0 &&
        next.kind == TOKEN_NAME) {
        s->word = parse_copy(p, &t);
        parse_advance(p);
    }
    if (!parse_fault(p, s, "fault of a server", server_faults, server_values))
        return;
    if (s->fault == FAULT_LACKS) {
        parse_expect(p, "lacks", "'store'");
        s->value = parse_text(p);
    }
}
