/* SPDX-License-Identifier: Apache-2.0 */
// In-band control and fail-open put flows into a bridge that OpenFlow does not show, and that
// explain what a dump does not.
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "rpc/appctl.h"

void hidden_flows_tell(const char *target)
{
	enum { PATIENCE_MS = 2000 };
	if (!isatty(STDERR_FILENO))
		return;
	char *argv[] = {"bridge/hidden-flows", (char *)target, NULL};
	bool failed = false;
	char *text = NULL;
	// A switch elsewhere, or one that is not ours, has no answer.
	error_free(appctl_call("ovs-vswitchd", 2, argv, false, PATIENCE_MS, &failed, &text));
	unsigned long n = text && !failed ? strtoul(text, NULL, 10) : 0;
	if (n)
		fprintf(stderr,
			"%s: %s has %lu hidden flow%s, too: see \"ovs-appctl bridge/dump-flows "
			"%s\"\n",
			log_program(), target, n, n > 1 ? "s" : "", target);
	free(text);
}
