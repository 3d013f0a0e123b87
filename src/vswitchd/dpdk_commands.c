/* SPDX-License-Identifier: Apache-2.0 */
// dpdk/* and netdev-dpdk/* on the command channel.
#include "base/error.h"
#include "base/str.h"
#include "netdev/dpdk_text.h"
#include "rpc/appctl.h"
#include "vswitchd/model.h"

static void reply(struct appctl_call *call, struct str *out)
{
	appctl_reply(call, str_cstr(out));
	str_done(out);
}

// Takes the error; without one the answer is `text`.
static void finish(struct appctl_call *call, struct error *e, const char *text)
{
	if (e)
		appctl_error(call, error_text(e));
	else
		appctl_reply(call, text);
	error_free(e);
}

static void show(struct appctl_call *call, int argc, const char *argv[], void *text)
{
	struct str out = STR_INIT;
	(*(void (*const *)(struct str *))text)(&out);
	reply(call, &out);
}

static void log_set(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct error *e = NULL;
	for (int i = 1; i < argc && !e; i++)
		e = dpdk_set_log(argv[i]);
	finish(call, e, "");
}

static void mempool_info(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str out = STR_INIT;
	struct error *e = dpdk_text_mempool(argc > 1 ? argv[1] : NULL, &out);
	finish(call, e, str_cstr(&out));
	str_done(&out);
}

static void set_admin_state(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	finish(call, dpdk_set_admin_state(argc > 2 ? argv[1] : NULL, argv[argc - 1]), "OK\n");
}

static void detach(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct error *e = dpdk_detach(argv[1]);
	struct str out = STR_INIT;
	str_addf(&out, "All devices shared with device '%s' have been detached\n", argv[1]);
	finish(call, e, str_cstr(&out));
	str_done(&out);
}

void dpdk_commands_register(struct vswitchd *v)
{
	static void (*const texts[])(struct str *) = {dpdk_text_malloc, dpdk_text_lcores,
						      dpdk_text_logs};
	appctl_register(v->appctl, "dpdk/get-malloc-stats", "", 0, 0, show,
			(void *)(uintptr_t)&texts[0]);
	appctl_register(v->appctl, "dpdk/lcore-list", "", 0, 0, show, (void *)(uintptr_t)&texts[1]);
	appctl_register(v->appctl, "dpdk/log-list", "", 0, 0, show, (void *)(uintptr_t)&texts[2]);
	appctl_register(v->appctl, "dpdk/log-set", "{level | pattern:level}", 0, -1, log_set, v);
	appctl_register(v->appctl, "netdev-dpdk/detach", "pci address of device", 1, 1, detach, v);
	appctl_register(v->appctl, "netdev-dpdk/get-mempool-info", "[netdev]", 0, 1, mempool_info,
			v);
	appctl_register(v->appctl, "netdev-dpdk/set-admin-state", "[netdev] up|down", 1, 2,
			set_admin_state, v);
}
