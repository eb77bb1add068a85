#include "engine_inside.h"
#include "shard.h"

void churn_start(struct shard *sh)
{
}

void churn_run(struct shard *sh)
{
}

void churn_end(struct shard *sh, struct client *c)
{
}
