/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/ctl/ctl.h"

LOG_MODULE(fatal_signal);

void ctl_die_of_alarm(void)
{
	log_warn("terminating with signal %d (%s)", SIGALRM, strsignal(SIGALRM));
	fflush(stdout);
	signal(SIGALRM, SIG_DFL);
	raise(SIGALRM);
	abort(); // when the signal is blocked
}
