/* builtin.h - the texts behind scenario_builtins(). */
#ifndef LOAD_BUILTIN_H
#define LOAD_BUILTIN_H

#include "scenario.h"

extern const char builtin_idle_20k[], builtin_idle_100k[], builtin_idle_1m[],
    builtin_connect_1m_hour[], builtin_presence_500[], builtin_presence_view[],
    builtin_direct_100ms[], builtin_group_500[], builtin_channel_10k[],
    builtin_threads[], builtin_day_100b[], builtin_offline_catchup[],
    builtin_herd_100k[], builtin_kill9[], builtin_freeze[], builtin_slow_1pc[],
    builtin_soak[];

#endif
