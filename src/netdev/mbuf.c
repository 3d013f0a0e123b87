/* SPDX-License-Identifier: Apache-2.0 */
// DPDK's environment in its small form, and the pools of packets.
//
// Two pools. Packets have room for MBUF_DATA_ROOM bytes, which is enough for every frame of an
// ordinary network. A frame that is larger (a TCP packet that the kernel has not segmented yet, a
// jumbo frame) continues in an external buffer of 64 KB. Receiving therefore offers the kernel
// three pieces (vnet header, packet, external buffer), whatever the frame's size, and a large frame
// costs one more packet header instead of thirty. External buffers are last-in first-out, so few of
// their pages are ever touched.
#include "netdev/mbuf.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "netdev/dpdk.h"

// Packets are not kept: they are received, and sent or freed in the same burst. What a thread needs
// is its caches and a burst or two, so the pools grow with the number of threads that there can be.
enum {
	PACKET_CACHE = 128,
	BIG_CACHE = 64,
	N_PACKETS = 2048,
	N_BIG = 128,
	PACKETS_PER_CPU = 512,
	BIG_PER_CPU = 128,
	CPUS_MAX = 64,
};

struct big { // an external buffer
	struct rte_mbuf_ext_shared_info shared;
	uint8_t data[MBUF_BIG_ROOM] __attribute__((aligned(64)));
};

// DPDK's environment exists once per process, and so do these.
static struct {
	bool starting; // read by any thread: relaxed atomic
	bool started;
	bool tried;	  // as a user asked for it
	char **arguments; // of that; they stay, as the environment may refer to them
	unsigned int n_cpus;
	// Under the lock: what DPDK says. Its own threads say something too.
	pthread_mutex_t log_lock;
	bool collecting, muted;
	struct str log; // what the main thread made it say, while collecting
	void (*sink)(int level, const char *line); // NULL: none
	char line[512];
	size_t line_len;
	int64_t log_period_end;
	unsigned int log_lines;
	char *program; // stays, as DPDK may have given it to openlog()
	struct rte_mempool *packets, *big;
	pthread_t main; // who starts it
} env = {.log_lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_starting(void)
{
	return __atomic_load_n(&env.starting, __ATOMIC_RELAXED);
}

// DPDK loads every driver of its default directory when it finds that it is a shared library
// itself: 150 of them, which takes 0.15 s and 30 MB. It finds out by asking the dynamic linker for
// a library of that name that is already loaded. While the small environment starts, the answer is
// no.
void *dlopen(const char *file, int mode)
{
	if (is_starting() && (mode & RTLD_NOLOAD) && file && !strncmp(file, "librte_eal.so", 13))
		return NULL;
	void *(*next)(const char *, int);
	*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	return next(file, mode);
}

// It also measures the frequency of the CPU's clock, for 0.1 s. A hundredth of that will do: the
// result is rounded.
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	const struct timespec *time =
		is_starting() ? &(struct timespec){.tv_nsec = 5000000} : wanted;
	int r = clock_nanosleep(CLOCK_REALTIME, 0, time, left);
	errno = r ? r : errno;
	return r ? -1 : 0;
}

// Guests can make drivers talk.
static bool admit_line(void)
{
	enum { PERIOD_MS = 10000, LINES = 300 };
	int64_t now = clock_real_ms();
	if (now >= env.log_period_end) {
		env.log_period_end = now + PERIOD_MS;
		env.log_lines = 0;
	}
	return env.log_lines++ < LINES;
}

// The small environment has no directory for files on purpose, see start_small().
#define NO_DIRECTORY "/proc/self/fdinfo"
static bool is_wanted_so(const char *line)
{
	return strstr(line, NO_DIRECTORY) || strstr(line, "No DPDK runtime directory created");
}

// One thread at a time: the stream has a lock.
static ssize_t collect_log(void *cookie, const char *text, size_t n)
{
	pthread_mutex_lock(&env.log_lock);
	if (env.collecting && pthread_equal(pthread_self(), env.main) && env.log.len < 4096)
		str_addn(&env.log, text, n);
	for (size_t i = 0; i < n && env.sink && !env.muted; i++) {
		if (text[i] != '\n' && env.line_len < sizeof(env.line) - 1) {
			env.line[env.line_len++] = text[i];
		} else if (text[i] == '\n') {
			env.line[env.line_len] = '\0';
			if (env.line_len && !is_wanted_so(env.line) && admit_line())
				env.sink(rte_log_cur_msg_loglevel(), env.line);
			env.line_len = 0;
		}
	}
	pthread_mutex_unlock(&env.log_lock);
	return (ssize_t)n;
}

void dpdk_log_mute(bool mute)
{
	pthread_mutex_lock(&env.log_lock);
	env.muted = mute;
	pthread_mutex_unlock(&env.log_lock);
}

void dpdk_log_to(void (*sink)(int level, const char *line))
{
	pthread_mutex_lock(&env.log_lock);
	env.sink = sink;
	pthread_mutex_unlock(&env.log_lock);
}

void dpdk_log_start(void)
{
	pthread_mutex_lock(&env.log_lock);
	str_clear(&env.log);
	env.collecting = true;
	env.main = pthread_self();
	pthread_mutex_unlock(&env.log_lock);
}

char *dpdk_log_take(void)
{
	pthread_mutex_lock(&env.log_lock);
	env.collecting = false;
	char *text = str_take(&env.log);
	pthread_mutex_unlock(&env.log_lock);
	return text;
}

static int first_cpu(const cpu_set_t *set)
{
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, set))
			return i;
	return 0;
}

static unsigned int n_packets(void)
{
	return N_PACKETS + PACKETS_PER_CPU * env.n_cpus;
}

static unsigned int n_big(void)
{
	return N_BIG + BIG_PER_CPU * env.n_cpus;
}

static int start_small(int cpu)
{
	// Address space for the pools, with a quarter on top, and some for drivers and what they
	// share; only what is touched becomes memory.
	size_t bytes = n_packets() * 3072ull + n_big() * sizeof(struct big);
	char lcores[32], megabytes[16];
	snprintf(lcores, sizeof(lcores), "0@%d", cpu);
	snprintf(megabytes, sizeof(megabytes), "%zu", (bytes + bytes / 4) / (1 << 20) + 192);
	// The PCI bus is not looked at: its driver is not loaded.
	char *args[] = {env.program, "--no-huge", "--no-shconf", "--no-telemetry", "--iova-mode=va",
			"-m",	     megabytes,	  "--lcores",	 lcores,	   NULL};
	// The environment wants a directory of its own for files that it does not write without
	// hugepages: one that cannot be made will do.
	char *runtime = xstrdup_null(getenv("RUNTIME_DIRECTORY"));
	setenv("RUNTIME_DIRECTORY", NO_DIRECTORY, 1);
	// What a try before this one said of cores stays, and may not be said again.
	int r = rte_eal_init(env.tried ? 7 : 9, args);
	if (runtime)
		setenv("RUNTIME_DIRECTORY", runtime, 1);
	else
		unsetenv("RUNTIME_DIRECTORY");
	free(runtime);
	return r;
}

static int start_as_asked(void)
{
	int n;
	env.arguments = dpdk_eal_arguments(env.program, &n);
	char **moved = xmemdup(env.arguments,
			       ((size_t)n + 1) * sizeof(*moved)); // getopt() and others do that
	int r = rte_eal_init(n, moved);
	int error = rte_errno;
	free(moved);
	rte_errno = error;
	env.tried = true;
	return r;
}

static int env_init(void)
{
	cpu_set_t affinity;
	CPU_ZERO(&affinity);
	pthread_getaffinity_np(pthread_self(), sizeof(affinity), &affinity);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	env.n_cpus = cpus < 1 ? 1 : cpus > CPUS_MAX ? CPUS_MAX : (unsigned int)cpus;
	if (!env.program)
		env.program = xstrdup(log_program());
	int r = dpdk_wants_hugepages() ? start_as_asked() : start_small(first_cpu(&affinity));
	if (!dpdk_wants_hugepages() || !dpdk_pins_main())
		pthread_setaffinity_np(pthread_self(), sizeof(affinity), &affinity);
	return r < 0 ? -rte_errno : 0;
}

static struct rte_mempool *make_pool(const char *name, unsigned int n, size_t size,
				     unsigned int cache, size_t private_size)
{
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, n, (unsigned int)size, cache, (unsigned int)private_size, SOCKET_ID_ANY,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (pool && rte_mempool_set_ops_byname(pool, "stack", NULL)) {
		rte_mempool_free(pool);
		pool = NULL;
	}
	return pool;
}

static struct error *pools_new(void)
{
	struct rte_pktmbuf_pool_private room = {
		.mbuf_data_room_size = RTE_PKTMBUF_HEADROOM + MBUF_DATA_ROOM,
		.mbuf_priv_size = sizeof(struct mbuf_meta),
	};
	env.packets =
		make_pool("packets", n_packets(),
			  sizeof(struct rte_mbuf) + room.mbuf_priv_size + room.mbuf_data_room_size,
			  PACKET_CACHE, sizeof(room));
	if (!env.packets)
		return error_errno(rte_errno, "cannot make the pool of packets");
	rte_pktmbuf_pool_init(env.packets, &room);
	env.big = make_pool("buffers", n_big(), sizeof(struct big), BIG_CACHE, 0);
	if (!env.big)
		return error_errno(rte_errno, "cannot make the pool of buffers");
	int r = rte_mempool_populate_default(env.packets);
	if (r < 0)
		return error_errno(-r, "no memory for %u packets", n_packets());
	rte_mempool_obj_iter(env.packets, rte_pktmbuf_init, NULL);
	r = rte_mempool_populate_default(env.big);
	return r < 0 ? error_errno(-r, "no memory for %u buffers", n_big()) : NULL;
}

struct error *mbuf_env_start(void)
{
	if (env.started)
		return NULL;
	cookie_io_functions_t io = {.write = collect_log};
	FILE *log = fopencookie(NULL, "w", io);
	if (log) {
		setvbuf(log, NULL, _IONBF, 0);
		rte_openlog_stream(log);
	}
	dpdk_log_start();
	__atomic_store_n(&env.starting, true, __ATOMIC_RELAXED);
	int r = env_init();
	char *words = dpdk_log_take();
	struct error *e = NULL;
	if (r < 0)
		e = error_errno(-r, "DPDK's environment does not start (%s)", words);
	else
		e = pools_new();
	__atomic_store_n(&env.starting, false, __ATOMIC_RELAXED);
	free(words);
	if (!e)
		env.started = true;
	return e;
}

void mbuf_thread_start(void)
{
	if (env.started && rte_lcore_id() == LCORE_ID_ANY)
		(void)rte_thread_register(); // without it the pools work, uncached
}

void mbuf_thread_stop(void)
{
	unsigned int lcore = rte_lcore_id();
	if (!env.started || lcore == LCORE_ID_ANY)
		return;
	struct rte_mempool *pools[] = {env.packets, env.big};
	for (unsigned int i = 0; i < 2; i++)
		rte_mempool_cache_flush(rte_mempool_default_cache(pools[i], lcore), pools[i]);
	rte_thread_unregister();
}

struct rte_mempool *mbuf_pool(void)
{
	return env.started ? env.packets : NULL;
}

static void big_free(void *data, void *big)
{
	rte_mempool_put(env.big, big);
}

static void *big_data(void *big)
{
	return ((struct big *)big)->data;
}

bool mbuf_take_bare(struct rte_mbuf **bare, void **big, unsigned int n)
{
	if (!env.started || rte_mempool_get_bulk(env.packets, (void **)bare, n) < 0)
		return false;
	if (rte_mempool_get_bulk(env.big, big, n) < 0) {
		rte_mempool_put_bulk(env.packets, (void **)bare, n);
		return false;
	}
	for (unsigned int i = 0; i < n; i++)
		big[i] = big_data(big[i]);
	return true;
}

static void *big_of_data(void *data)
{
	return (char *)data - offsetof(struct big, data);
}

void mbuf_give_bare(struct rte_mbuf **bare, unsigned int n)
{
	rte_mempool_put_bulk(env.packets, (void **)bare, n);
}

void mbuf_give_big(void **big, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (big[i])
			rte_mempool_put(env.big, big_of_data(big[i]));
}

struct rte_mbuf *mbuf_finish_bare(struct rte_mbuf *bare, void **big, uint32_t len)
{
	rte_pktmbuf_reset(bare);
	*mbuf_meta(bare) = (struct mbuf_meta){0};
	bare->data_len = (uint16_t)(len < MBUF_DATA_ROOM ? len : MBUF_DATA_ROOM);
	bare->pkt_len = len;
	if (len <= MBUF_DATA_ROOM)
		return bare;
	struct rte_mbuf *tail = rte_pktmbuf_alloc(env.packets);
	if (!tail || len > MBUF_MAX_FRAME) {
		rte_pktmbuf_free(tail);
		rte_pktmbuf_free(bare);
		return NULL;
	}
	struct big *b = big_of_data(*big);
	b->shared.free_cb = big_free;
	b->shared.fcb_opaque = b;
	rte_mbuf_ext_refcnt_set(&b->shared, 1);
	rte_pktmbuf_attach_extbuf(tail, b->data, RTE_BAD_IOVA, MBUF_BIG_ROOM - 1, &b->shared);
	*big = NULL;
	tail->data_off = 0;
	tail->data_len = (uint16_t)(len - MBUF_DATA_ROOM);
	tail->pkt_len = tail->data_len;
	bare->next = tail;
	bare->nb_segs = 2;
	return bare;
}

struct rte_mbuf *mbuf_from_bytes(const void *frame, size_t n)
{
	if (n > MBUF_MAX_FRAME)
		return NULL;
	struct rte_mbuf *m;
	void *big = NULL;
	if (n <= MBUF_DATA_ROOM) {
		if (!env.started || rte_mempool_get(env.packets, (void **)&m) < 0)
			return NULL;
	} else if (!mbuf_take_bare(&m, &big, 1)) {
		return NULL;
	}
	size_t head = n < MBUF_DATA_ROOM ? n : MBUF_DATA_ROOM;
	memcpy(mbuf_bare_data(m), frame, head);
	if (n > head)
		memcpy(big, (const uint8_t *)frame + head, n - head);
	m = mbuf_finish_bare(m, &big, (uint32_t)n);
	mbuf_give_big(&big, 1);
	return m;
}
