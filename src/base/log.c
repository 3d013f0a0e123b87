/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/dirs.h"
#include "base/log_alias.h"
#include "base/log_syslog.h"
#include "base/str.h"

// Formatting runs in the calling thread. `lock` guards the file descriptor, the patterns and the
// sequence of writes.

extern struct log_module *const __start_sluice_log_modules[], *const __stop_sluice_log_modules[];

LOG_MODULE(vlog);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *program;
static char *file_path;
static int file_fd = -1;
static bool target_is_news; // the first message comes behind a word about --syslog-target
static unsigned int sequence;
static _Thread_local char thread_name[16];

static const char *const level_names[LVL_N_LEVELS] = {"OFF", "EMER", "ERR", "WARN", "INFO", "DBG"};
static const char *const destination_names[LOG_N_DESTINATIONS] = {"syslog", "console", "file"};
static const int syslog_priority[LVL_N_LEVELS] = {LOG_DEBUG,   LOG_ALERT,  3,
						  LOG_WARNING, LOG_NOTICE, LOG_DEBUG};
static char *patterns[LOG_N_DESTINATIONS];
static const char *const default_patterns[LOG_N_DESTINATIONS] = {
	"ovs|%05N|%c%T|%p|%m",
	"%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m",
	"%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m",
};

// RFC 5424, for a remote syslog: the byte order mark says that the message is UTF-8.
static const char target_pattern[] =
	"<%B>1 %D{%Y-%m-%dT%H:%M:%S.###Z} %E %A %P %c - \xef\xbb\xbf%m";

static const char *pattern(enum log_destination d)
{
	return patterns[d] ? patterns[d] : default_patterns[d];
}

void log_set_program(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	free(program);
	program = xstrdup(slash ? slash + 1 : argv0);
}

const char *log_program(void)
{
	return program ? program : "sluice";
}

bool log_has_program(void)
{
	return program;
}

void log_set_thread(const char *name)
{
	snprintf(thread_name, sizeof(thread_name), "%s", name);
}

static void add_time(struct str *out, const char *format, bool utc)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	if (utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	char text[128];
	size_t n = strftime(text, sizeof(text), format, &tm);
	char *hashes = strstr(text, "###");
	for (int i = 2, ms = (int)(now % 1000); hashes && i >= 0; i--, ms /= 10)
		hashes[i] = (char)('0' + ms % 10);
	str_addn(out, text, n);
}

static void add_padded(struct str *out, const char *text, bool left, bool zeros, size_t width)
{
	size_t n = strlen(text), pad = n < width ? width - n : 0;
	if (!left)
		str_add_repeat(out, zeros ? '0' : ' ', pad);
	str_add(out, text);
	if (left)
		str_add_repeat(out, ' ', pad);
}

// The time format of %d{...} and %D{...}, default when there are no braces; steps over it.
static const char *take_braces(const char *p, char *format, size_t size)
{
	snprintf(format, size, "%s", "%Y-%m-%d %H:%M:%S.###");
	if (*p != '{')
		return p;
	const char *end = strchr(p, '}');
	if (!end)
		return p;
	snprintf(format, size, "%.*s", (int)(end - p - 1), p + 1);
	return end + 1;
}

static void format_line(struct str *out, const char *p, const struct log_module *m,
			enum log_level level, unsigned int n, const char *message)
{
	while (*p) {
		if (*p != '%') {
			str_addc(out, *p++);
			continue;
		}
		p++;
		bool left = false, zeros = false;
		size_t width = 0;
		for (; *p == '-' || *p == '0'; p++)
			*(*p == '-' ? &left : &zeros) = true;
		for (; isdigit((unsigned char)*p); p++)
			width = width * 10 + (size_t)(*p - '0');
		char text[128];
		const char *value = text;
		text[0] = '\0';
		char c = *p ? *p++ : '%';
		switch (c) {
		case 'A':
			value = log_program();
			break;
		case 'B':
			snprintf(text, sizeof(text), "%d",
				 log_syslog_priority(syslog_priority[level], LOG_LOCAL0));
			break;
		case 'c':
			value = m->name;
			break;
		case 'd':
		case 'D':
			p = take_braces(p, text, sizeof(text));
			add_time(out, text, c == 'D');
			continue;
		case 'E':
			gethostname(text, sizeof(text) - 1);
			break;
		case 'm':
			value = message;
			break;
		case 'N':
			snprintf(text, sizeof(text), "%u", n);
			break;
		case 'n':
			value = "\n";
			break;
		case 'p':
			value = level_names[level];
			break;
		case 'P':
			snprintf(text, sizeof(text), "%ld", (long)getpid());
			break;
		case 'r':
			snprintf(text, sizeof(text), "%lld", (long long)clock_ms());
			break;
		case 't':
			value = thread_name[0] ? thread_name : "main";
			break;
		case 'T':
			if (thread_name[0])
				snprintf(text, sizeof(text), "(%s)", thread_name);
			break;
		default:
			snprintf(text, sizeof(text), "%c", c);
		}
		add_padded(out, value, left, zeros, width);
	}
}

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

// To the local syslog, and to a remote one.
static void emit_syslog(struct log_module *m, enum log_level level, unsigned int n,
			const char *message)
{
	struct str line = STR_INIT;
	if (log_syslog_wanted()) {
		format_line(&line, pattern(LOG_TO_SYSLOG), m, level, n, message);
		log_syslog_send(syslog_priority[level], str_cstr(&line));
		str_clear(&line);
	}
	if (log_syslog_has_target()) {
		format_line(&line, target_pattern, m, level, n, message);
		log_syslog_send_to_target(&line);
	}
	str_done(&line);
}

static void emit(struct log_module *m, enum log_level level, const char *message)
{
	int saved = errno;
	if (__atomic_exchange_n(&target_is_news, false, __ATOMIC_RELAXED))
		log_warn("--syslog-target flag is deprecated, use --syslog-method instead");
	pthread_mutex_lock(&lock);
	unsigned int n = ++sequence;
	for (int d = 0; d < LOG_N_DESTINATIONS; d++) {
		if (level > __atomic_load_n(&m->level[d], __ATOMIC_RELAXED))
			continue;
		if (d == LOG_TO_SYSLOG) {
			emit_syslog(m, level, n, message);
			continue;
		}
		if (d == LOG_TO_FILE && file_fd < 0)
			continue;
		struct str line = STR_INIT;
		format_line(&line, pattern((enum log_destination)d), m, level, n, message);
		str_addc(&line, '\n');
		write_all(d == LOG_TO_FILE ? file_fd : STDERR_FILENO, line.s, line.len);
		str_done(&line);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void log_write(struct log_module *m, enum log_level level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int saved = errno;
	char *message = xvasprintf(format, args);
	va_end(args);
	emit(m, level, message);
	free(message);
	errno = saved;
}

void log_fatal_(struct log_module *m, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *message = xvasprintf(format, args);
	va_end(args);
	emit(m, LVL_EMER, message);
	free(message);
	exit(EXIT_FAILURE);
}

// A token bucket: five lines at once, then one each twelve seconds.
bool log_rate_admit(struct log_module *m, enum log_level level, struct log_rate *r)
{
	enum { BURST = 5, MS_PER_TOKEN = 12000 };
	if (!m->honor_rate_limits)
		return true;
	int64_t now = clock_real_ms();
	pthread_mutex_lock(&lock);
	if (!r->last_fill) {
		r->tokens = BURST;
		r->last_fill = now;
	}
	int64_t earned = (now - r->last_fill) / MS_PER_TOKEN;
	if (earned) {
		r->tokens = earned + r->tokens > BURST ? BURST : r->tokens + (uint32_t)earned;
		r->last_fill += earned * MS_PER_TOKEN;
	}
	if (!r->tokens) {
		if (!r->dropped++)
			r->first_dropped = now;
		r->last_dropped = now;
		pthread_mutex_unlock(&lock);
		return false;
	}
	r->tokens--;
	uint32_t dropped = r->dropped;
	int64_t first = (now - r->first_dropped) / 1000, last = (now - r->last_dropped) / 1000;
	r->dropped = 0;
	pthread_mutex_unlock(&lock);
	if (dropped)
		log_write(m, level,
			  "Dropped %u log messages in last %lld seconds (most recently, %lld "
			  "seconds ago) due to "
			  "excessive rate",
			  dropped, (long long)first, (long long)last);
	return true;
}

static void set_level(struct log_module *m, int destination, enum log_level level)
{
	uint8_t most = LVL_OFF;
	for (int d = 0; d < LOG_N_DESTINATIONS; d++) {
		if (destination < 0 || destination == d)
			__atomic_store_n(&m->level[d], (uint8_t)level, __ATOMIC_RELAXED);
		most = m->level[d] > most ? m->level[d] : most;
	}
	__atomic_store_n(&m->most, most, __ATOMIC_RELAXED);
}

static int find_name(const char *const *names, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (!strcasecmp(names[i], word))
			return i;
	return -1;
}

static bool is_name_of_module(const char *name)
{
	for (struct log_module *const *m = __start_sluice_log_modules;
	     m < __stop_sluice_log_modules; m++)
		if (!strcasecmp((*m)->name, name))
			return true;
	return false;
}

// One after the other, those that `name` means: several files may share a name, and what Open
// vSwitch calls by one name may have several of ours. All with NULL. NULL behind the last.
static struct log_module *const *next_module(const char *name, struct log_module *const *before)
{
	bool alias = name && !is_name_of_module(name);
	struct log_module *const *m = before ? before + 1 : __start_sluice_log_modules;
	for (; m < __stop_sluice_log_modules; m++)
		if (!name || (alias ? log_alias_stands_for(name, (*m)->name)
				    : !strcasecmp((*m)->name, name)))
			return m;
	return NULL;
}

static bool is_any(const char *word)
{
	return !strcasecmp(word, "ANY");
}

// "PATTERN:destination:pattern".
static struct error *set_pattern(const char *spec)
{
	const char *colon = strchr(spec, ':');
	if (!colon)
		return error_new("Please supply a valid pattern and destination");
	char *name = xstrndup(spec, (size_t)(colon - spec));
	int destination = find_name(destination_names, LOG_N_DESTINATIONS, name);
	bool any = is_any(name);
	if (destination < 0 && !any) {
		struct error *e = *name ? error_new("unknown destination \"%s\"", name)
					: error_new("missing destination");
		free(name);
		return e;
	}
	free(name);
	pthread_mutex_lock(&lock);
	for (int d = 0; d < LOG_N_DESTINATIONS; d++)
		if (any || d == destination) {
			free(patterns[d]);
			patterns[d] = xstrdup(colon + 1);
		}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static struct error *set_words(char *spec)
{
	const char *module = NULL;
	int destination = -1, level = -1;
	bool any_module = false, any_destination = false;
	char *save = NULL;
	for (char *word = strtok_r(spec, " :,\t", &save); word;
	     word = strtok_r(NULL, " :,\t", &save)) {
		int found;
		if (is_any(word)) {
			*(any_module ? &any_destination : &any_module) = true;
		} else if ((found = find_name(level_names, LVL_N_LEVELS, word)) >= 0 && level < 0) {
			level = found;
		} else if ((found = find_name(destination_names, LOG_N_DESTINATIONS, word)) >= 0 &&
			   destination < 0) {
			destination = found;
		} else if (!module && next_module(word, NULL)) {
			module = word;
		} else {
			return error_new("no destination, level, or module \"%s\"", word);
		}
	}
	if (level < 0)
		level = LVL_DBG;
	for (struct log_module *const *m = next_module(module, NULL); m; m = next_module(module, m))
		set_level(*m, destination, (enum log_level)level);
	return NULL;
}

struct error *log_set_levels(const char *spec)
{
	if (!strncasecmp(spec, "PATTERN:", 8))
		return set_pattern(spec + 8);
	if (!strncasecmp(spec, "FACILITY:", 9)) {
		pthread_mutex_lock(&lock);
		bool known = log_syslog_set_facility(spec + 9);
		pthread_mutex_unlock(&lock);
		return known ? NULL : error_new("invalid facility");
	}
	char *copy = xstrdup(spec);
	struct error *e = set_words(copy);
	free(copy);
	return e;
}

void log_set_verbose(void)
{
	for (struct log_module *const *m = __start_sluice_log_modules;
	     m < __stop_sluice_log_modules; m++)
		set_level(*m, LOG_TO_CONSOLE, LVL_DBG);
}

static int by_name(const void *a, const void *b)
{
	struct log_module *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

void log_format_levels(struct str *s)
{
	size_t n = (size_t)(__stop_sluice_log_modules - __start_sluice_log_modules);
	struct log_module **sorted = xmalloc(n * sizeof(struct log_module *));
	memcpy(sorted, __start_sluice_log_modules, n * sizeof(struct log_module *));
	qsort(sorted, n, sizeof(struct log_module *), by_name);
	str_add(s, "                 console    syslog    file\n");
	str_add(s, "                 -------    ------    ------\n");
	for (size_t i = 0; i < n; i++) {
		if (i && !strcmp(sorted[i]->name, sorted[i - 1]->name))
			continue; // several files may share a name
		str_addf(s, "%-16s  %4s       %4s       %4s", sorted[i]->name,
			 level_names[sorted[i]->level[LOG_TO_CONSOLE]],
			 level_names[sorted[i]->level[LOG_TO_SYSLOG]],
			 level_names[sorted[i]->level[LOG_TO_FILE]]);
		if (!sorted[i]->honor_rate_limits)
			str_add(s, "    (rate limiting disabled)");
		str_addc(s, '\n');
	}
	free(sorted);
}

void log_format_patterns(struct str *s)
{
	pthread_mutex_lock(&lock);
	const char *const prefixes[LOG_N_DESTINATIONS] = {log_syslog_prefix(), "none", "none"};
	pthread_mutex_unlock(&lock);
	static const char *const shown[LOG_N_DESTINATIONS] = {"SYSLOG", "CONSOLE", "FILE"};
	str_add(s, "         prefix                            format\n");
	str_add(s, "         ------                            ------\n");
	for (int d = 0; d < LOG_N_DESTINATIONS; d++)
		str_addf(s, "%-7s  %-32s  %s\n", shown[d], prefixes[d],
			 pattern((enum log_destination)d));
}

int log_set_rate_limits(const char *module, bool on)
{
	struct log_module *const *m = next_module(module, NULL);
	if (!m)
		return -ENOENT;
	for (; m; m = next_module(module, m))
		(*m)->honor_rate_limits = on;
	return 0;
}

struct error *log_open_file(const char *path)
{
	char *wanted = path ? xstrdup(path) : xasprintf("%s/%s.log", dir_log(), log_program());
	int fd = open(wanted, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0) {
		struct error *e = error_errno(errno, "failed to open %s for logging", wanted);
		free(wanted);
		return e;
	}
	pthread_mutex_lock(&lock);
	if (file_fd >= 0)
		close(file_fd);
	file_fd = fd;
	free(file_path);
	file_path = wanted;
	pthread_mutex_unlock(&lock);
	log_info("opened log file %s", wanted);
	return NULL;
}

struct error *log_reopen_file(void)
{
	if (!file_path)
		return error_new("Logging to file not configured");
	char *path = xstrdup(file_path);
	struct error *e = log_open_file(path);
	free(path);
	return e;
}

void log_close_file(void)
{
	pthread_mutex_lock(&lock);
	if (file_fd >= 0)
		close(file_fd);
	file_fd = -1;
	free(file_path);
	file_path = NULL;
	pthread_mutex_unlock(&lock);
}

const char *log_file_path(void)
{
	return file_path;
}

struct error *log_set_syslog_method(const char *method)
{
	pthread_mutex_lock(&lock);
	struct error *e = log_syslog_set_method(method);
	pthread_mutex_unlock(&lock);
	return e;
}

struct error *log_set_syslog_target(const char *target)
{
	pthread_mutex_lock(&lock);
	struct error *e = log_syslog_set_target(target);
	pthread_mutex_unlock(&lock);
	target_is_news = !e;
	return e;
}
