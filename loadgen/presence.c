#include "engine_inside.h"
#include "shard.h"

void presence_look(struct shard *sh, struct client *c)
{
}

void presence_came(struct shard *sh, struct client *c, const struct object *o)
{
}
