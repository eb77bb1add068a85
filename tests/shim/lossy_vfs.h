/* lossy_vfs.h - a disk that loses power. What was not synced stays in the
 * memory of the process, so SIGKILL of the process is a power cut: the files
 * are then as the last successful sync left them. Part of the writes also
 * reach the file early and torn (first half right, second half garbage), as a
 * disk is free to do before a sync.
 *
 * Environment, read by lossy_install():
 *   CONFAB_LOSSY=1         use it (else lossy_install() does nothing)
 *   CONFAB_LOSSY_NOSYNC=1  sabotage: a sync reports success and does nothing;
 *                          a test that kills must notice
 *   CONFAB_LOSSY_TEAR=N    one write in N is torn early (default 8, 0: none)
 *
 * A close without a kill writes everything: the system would do so too. */
#ifndef SHIM_LOSSY_VFS_H
#define SHIM_LOSSY_VFS_H

#include <stdbool.h>

/* Make it SQLite's default, when the environment asks. True: installed. Call
 * before any database is opened. */
bool lossy_install(void);

/* Install whatever the environment says. */
void lossy_install_with(bool nosync, int tear);

#endif
