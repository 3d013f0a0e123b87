/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/dpdk.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <rte_build_config.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/vec.h"
#include "netdev/mbuf.h"

struct retired_pool {
	struct rte_mempool *pool;
	unsigned int kept; // packets that do not come back
};

// As DPDK's environment, once per process.
static struct {
	bool init, wants_hugepages, has_hugepages;
	const struct dpdk_settings *settings; // while it starts
	char *unknown;			      // a virtual device of dpdk-extra that is left out
	VEC(struct retired_pool) retired;
} dpdk;

// --- Starting.

static uint64_t read_number(const char *directory, const char *name, const char *file)
{
	char path[512], text[32] = "";
	uint64_t value = 0;
	snprintf(path, sizeof(path), "%s/%s/%s", directory, name, file);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		if (parse_u64(text, 10, &value))
			value = 0;
	}
	fclose(f);
	return value;
}

static uint64_t free_hugepage_bytes(void)
{
	static const char directory[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(directory);
	uint64_t bytes = 0;
	unsigned long long kb;
	for (const struct dirent *entry; d && (entry = readdir(d));)
		if (sscanf(entry->d_name, "hugepages-%llukB", &kb) == 1)
			bytes +=
				kb * 1024 * read_number(directory, entry->d_name, "free_hugepages");
	if (d)
		closedir(d);
	return bytes;
}

// "1024,0": megabytes per NUMA node.
static uint64_t sum_megabytes(const char *text)
{
	uint64_t sum = 0;
	for (const char *p = text; p && *p; p += strcspn(p, ","), p += *p == ',')
		sum += strtoull(p, NULL, 10);
	return sum;
}

struct error *dpdk_start(const struct dpdk_settings *s, char **warning)
{
	*warning = NULL;
	if (!s->init || dpdk.init)
		return NULL;
	dpdk.init = true;
	if (mbuf_pool()) {
		*warning = xstrdup("dpdk-init: DPDK runs without hugepages until ovs-vswitchd is "
				   "restarted, as there were "
				   "userspace bridges before it was set");
		return NULL;
	}
	uint64_t megabytes = free_hugepage_bytes() >> 20,
		 wanted = sum_megabytes(s->socket_mem ? s->socket_mem : s->alloc_mem);
	dpdk.wants_hugepages = megabytes && wanted <= megabytes;
	if (!megabytes)
		*warning = xstrdup("dpdk-init: there are no free hugepages: DPDK runs without, and "
				   "only its virtual devices work");
	else if (!dpdk.wants_hugepages)
		*warning = xasprintf("dpdk-init: %llu MB of hugepages are asked for and %llu MB "
				     "are free: DPDK runs without, and only "
				     "its virtual devices work",
				     (unsigned long long)wanted, (unsigned long long)megabytes);
	dpdk.settings = s;
	struct error *e = mbuf_env_start();
	dpdk.settings = NULL;
	if (!*warning && dpdk.unknown)
		*warning = xasprintf(
			"dpdk-extra: --vdev=%s is left out: there is no driver of that name",
			dpdk.unknown);
	if (!e || !dpdk.wants_hugepages) {
		dpdk.has_hugepages = dpdk.wants_hugepages;
		return e;
	}
	free(*warning);
	*warning = xasprintf("dpdk-init: %s; trying without hugepages", error_text(e));
	error_free(e);
	dpdk.wants_hugepages = false;
	return mbuf_env_start();
}

bool dpdk_wants_hugepages(void)
{
	return dpdk.wants_hugepages;
}

bool dpdk_pins_main(void)
{
	return dpdk.settings && dpdk.settings->lcore_mask;
}

bool dpdk_has_hugepages(void)
{
	return dpdk.has_hugepages;
}

bool dpdk_is_initialized(void)
{
	return dpdk.init && mbuf_pool();
}

const char *dpdk_version_text(void)
{
	return rte_version();
}

struct arguments {
	VEC(char *) of;
};

static void add(struct arguments *a, const char *name, const char *value)
{
	if (name)
		vec_push(&a->of, xstrdup(name));
	if (value)
		vec_push(&a->of, xstrdup(value));
}

static bool has_extra(const struct dpdk_settings *s, const char *option)
{
	return s->extra && strstr(s->extra, option);
}

// The first thread runs on the cores of the mask; without one, wherever this process may run.
static void add_lcores(struct arguments *a, const struct dpdk_settings *s)
{
	struct str list = STR_INIT;
	const char *digits =
		s->lcore_mask
			? s->lcore_mask +
				  (s->lcore_mask[0] == '0' && tolower(s->lcore_mask[1]) == 'x' ? 2
											       : 0)
			: "";
	size_t n = strlen(digits);
	for (size_t i = 0; i < n * 4; i++) {
		char digit[2] = {digits[n - 1 - i / 4]};
		if (strtoul(digit, NULL, 16) >> i % 4 & 1)
			str_addf(&list, "%s%zu", list.len ? "," : "0@(", i);
	}
	cpu_set_t set;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && !list.len; i++)
		if (CPU_ISSET(i, &set))
			str_addf(&list, "0@(%d", i);
	str_addc(&list, ')');
	add(a, "--lcores", str_cstr(&list));
	str_done(&list);
}

// A virtual device whose driver is there. The environment would not start with another, and never
// after that.
static bool is_known(const char *device)
{
	struct rte_devargs unused;
	error_free(dpdk_load_driver(device)); // of another kind than this: the environment says it
	bool known = !rte_devargs_parse(&unused, device);
	if (known)
		free(unused.data);
	else if (!dpdk.unknown)
		dpdk.unknown = xstrdup(device);
	return known;
}

char **dpdk_eal_arguments(char *program, int *n)
{
	const struct dpdk_settings *s = dpdk.settings;
	struct arguments a = {0};
	add(&a, program, NULL);
	// Nothing stays behind when we end, and no mount is needed, unless a directory for pages is
	// named.
	if (s->hugepage_dir)
		add(&a, "--huge-dir", s->hugepage_dir);
	else
		add(&a, "--in-memory", NULL);
	add(&a, "--no-telemetry", NULL);
	add_lcores(&a, s);
	if (s->socket_mem)
		add(&a, "--socket-mem", s->socket_mem);
	else if (s->alloc_mem)
		add(&a, "-m", s->alloc_mem);
	if (s->socket_limit)
		add(&a, "--socket-limit", s->socket_limit);
	if (!has_extra(s, "-a ") && !has_extra(s, "-b ") && !has_extra(s, "--no-pci")) {
		// Nothing is probed but what ports name.
		add(&a, "-d", RTE_EAL_PMD_PATH "/librte_bus_pci.so");
		add(&a, "-a", "0000:00:00.0");
	}
	char *extra = xstrdup(s->extra ? s->extra : ""), *state = NULL;
	for (char *word = strtok_r(extra, " \t", &state); word;
	     word = strtok_r(NULL, " \t", &state)) {
		bool apart = !strcmp(word, "--vdev");
		const char *device = apart			    ? strtok_r(NULL, " \t", &state)
				     : !strncmp(word, "--vdev=", 7) ? word + 7
								    : NULL;
		if (!device || is_known(device))
			add(&a, word, apart ? device : NULL);
	}
	free(extra);
	*n = (int)a.of.n;
	vec_push(&a.of, NULL);
	return a.of.v;
}

// --- Drivers.

static bool load(const char *file)
{
	char *path = xasprintf("%s/%s", RTE_EAL_PMD_PATH, file);
	bool ok = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	free(path);
	return ok;
}

static void load_all(void)
{
	DIR *d = opendir(RTE_EAL_PMD_PATH);
	for (const struct dirent *entry; d && (entry = readdir(d));) {
		size_t n = strlen(entry->d_name);
		bool wanted = !strncmp(entry->d_name, "librte_net_", 11) ||
			      !strncmp(entry->d_name, "librte_bus_", 11);
		if (wanted && n > 3 && !strcmp(entry->d_name + n - 3, ".so"))
			load(entry->d_name);
	}
	if (d)
		closedir(d);
}

static bool is_pci(const char *devargs)
{
	unsigned int a, b, c, d;
	if (!strncmp(devargs, "pci:", 4))
		devargs += 4;
	return sscanf(devargs, "%x:%x:%x.%x", &a, &b, &c, &d) == 4 ||
	       sscanf(devargs, "%x:%x.%x", &a, &b, &c) == 3;
}

// A virtual device is named after its driver, which is all that is loaded then; 150 drivers are 30
// MB.
struct error *dpdk_load_driver(const char *devargs)
{
	char name[64], file[96];
	if (is_pci(devargs) && !dpdk.has_hugepages)
		return error_errno(ENODEV,
				   "%s: a device on the PCI bus needs other_config:dpdk-init=true "
				   "and free hugepages when "
				   "ovs-vswitchd starts",
				   devargs);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	size_t n = strlen(name);
	while (n && isdigit((unsigned char)name[n - 1]))
		name[--n] = '\0';
	const char *driver =
		!strncmp(name, "net_", 4) || !strncmp(name, "eth_", 4) ? name + 4 : name;
	snprintf(file, sizeof(file), "librte_net_%s.so",
		 !strcmp(driver, "virtio_user") ? "virtio" : driver);
	if (strchr(file, '/') || !load(file))
		load_all();
	return NULL;
}

// --- Pools.

static void unmap(struct rte_mempool_memhdr *chunk, void *size)
{
	munmap(chunk->addr, (size_t)size);
}

// The environment without hugepages has memory for the common pools only; what else is wanted is
// mapped beside it, in large pages where the kernel has some.
static int populate(struct rte_mempool *pool, unsigned int n, bool shared)
{
	if (dpdk.has_hugepages || shared)
		return rte_mempool_populate_default(pool);
	size_t page = 2u << 20, each = pool->header_size + pool->elt_size + pool->trailer_size;
	size_t size = (each * n + 2 * page) / page * page;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, size, MADV_HUGEPAGE);
	int r = rte_mempool_populate_iova(pool, memory, (rte_iova_t)memory, size, unmap,
					  (void *)size);
	if (r <= 0)
		munmap(memory, size);
	return r > 0 && pool->populated_size < pool->size ? -ENOMEM : r;
}

static void free_retired(void)
{
	for (size_t i = dpdk.retired.n; i-- > 0;) {
		if (rte_mempool_in_use_count(dpdk.retired.v[i].pool) > dpdk.retired.v[i].kept)
			continue;
		rte_mempool_free(dpdk.retired.v[i].pool);
		vec_swap_remove(&dpdk.retired, i);
	}
	if (!dpdk.retired.n)
		vec_done(&dpdk.retired);
}

struct error *dpdk_pool_new(const char *name, unsigned int n, unsigned int room, bool shared,
			    struct rte_mempool **out)
{
	enum { CACHE = 256 };
	static unsigned int serial;
	char unique[RTE_MEMPOOL_NAMESIZE];
	struct rte_pktmbuf_pool_private private = {
		.mbuf_data_room_size = (uint16_t)(RTE_PKTMBUF_HEADROOM + room),
		.mbuf_priv_size = sizeof(struct mbuf_meta),
	};
	free_retired();
	snprintf(unique, sizeof(unique), "%.10s_%u", name, serial++);
	unsigned int size =
		sizeof(struct rte_mbuf) + private.mbuf_priv_size + private.mbuf_data_room_size;
	struct rte_mempool *pool =
		rte_mempool_create_empty(unique, n, size, CACHE, sizeof(private), SOCKET_ID_ANY,
					 RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	int r = pool ? rte_mempool_set_ops_byname(pool, "stack", NULL) : -rte_errno;
	if (!r) {
		rte_pktmbuf_pool_init(pool, &private);
		r = populate(pool, n, shared);
	}
	if (r < 0) {
		rte_mempool_free(pool);
		return error_errno(-r, "no memory for %u packets of %u bytes", n, room);
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	*out = pool;
	return NULL;
}

void dpdk_pool_retire(struct rte_mempool *pool, unsigned int kept)
{
	struct retired_pool retired = {pool, kept};
	if (pool)
		vec_push(&dpdk.retired, retired);
	free_retired();
}
