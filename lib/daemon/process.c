// This process: what it gives up at start, what it says of itself in metrics, its signals.
// Neighbours: daemon.c, endpoints.c.
#include "daemon/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/daemon/daemon.h>

#define STOP_MAX 5 // seconds from the signal to the end

// ---- at start ----

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1); // from cs_process_signals_destroy alone
}

// Nothing is under way yet, only files are read, of which one may be a pipe that says nothing.
static void end_at_once(int number)
{
	(void)number;
	_exit(0);
}

// Who closed them would find log lines in the first sockets we open.
static int open_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR); // the lowest number that is free; not O_CLOEXEC
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

int cs_daemon_prepare(struct cs_error *err)
{
	static const struct rlimit no_core = { 0, 0 };
	int r = open_standard_files();
	if (r < 0)
		return cs_error_errno(err, r, "opening /dev/null");

	umask(077);
	setlocale(LC_ALL, "C");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, end_at_once);
	signal(SIGINT, end_at_once);
	// Memory holds credentials: neither core files nor other processes may read it.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return cs_error_errno(err, -errno, "prctl");
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return cs_error_errno(err, -errno, "limiting core files");
	return 0;
}

// ---- metrics ----

static const struct cs_metric_info cpu_seconds = {
	.name = "process_cpu_seconds_total",
	.help = "Total user and system CPU time spent in seconds.",
	.kind = CS_METRIC_COUNTER,
};
static const struct cs_metric_info resident = {
	.name = "process_resident_memory_bytes",
	.help = "Resident memory size in bytes.",
	.kind = CS_METRIC_GAUGE,
};
static const struct cs_metric_info virtual_size = {
	.name = "process_virtual_memory_bytes",
	.help = "Virtual memory size in bytes.",
	.kind = CS_METRIC_GAUGE,
};
static const struct cs_metric_info max_fds = {
	.name = "process_max_fds",
	.help = "Maximum number of open file descriptors.",
	.kind = CS_METRIC_GAUGE,
};

static const struct cs_metric_info open_fds = {
	.name = "process_open_fds",
	.help = "Number of open file descriptors.",
	.kind = CS_METRIC_GAUGE,
};

static const struct cs_metric_info start_time = {
	.name = "process_start_time_seconds",
	.help = "Start time of the process since unix epoch in seconds.",
	.kind = CS_METRIC_GAUGE,
};

static void set(struct cs_metrics *metrics, const struct cs_metric_info *info, double value)
{
	cs_metric_set(cs_metrics_series(metrics, info, NULL), value);
}

void cs_process_started(struct cs_metrics *metrics, int64_t wall)
{
	set(metrics, &start_time, (double)wall / (double)CS_SECOND);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void measure_files(struct cs_metrics *metrics)
{
	struct rlimit files;
	uint32_t n = 0;
	DIR *open = opendir("/proc/self/fd");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		set(metrics, &max_fds, (double)files.rlim_cur);
	if (!open)
		return;
	for (struct dirent *entry = readdir(open); entry; entry = readdir(open))
		n += entry->d_name[0] != '.';
	closedir(open);
	set(metrics, &open_fds, n - 1); // without the one that looked
}

void cs_process_measure(struct cs_metrics *metrics)
{
	struct rusage usage;
	unsigned long pages, resident_pages;
	double page = (double)sysconf(_SC_PAGESIZE);

	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		struct cs_metric *cpu = cs_metrics_series(metrics, &cpu_seconds, NULL);
		double used = seconds(usage.ru_utime) + seconds(usage.ru_stime);
		cs_metric_add(cpu, used - cs_metric_value(cpu));
	}
	measure_files(metrics);
	FILE *statm = fopen("/proc/self/statm", "re");
	if (!statm)
		return;
	if (fscanf(statm, "%lu %lu", &pages, &resident_pages) == 2) {
		set(metrics, &virtual_size, (double)pages * page);
		set(metrics, &resident, (double)resident_pages * page);
	}
	fclose(statm);
}

// ---- signals ----

struct cs_process_signals {
	const struct cs_log *log;
	void (*stop)(void *user);
	void *user;
	atomic_bool done; // our own SIGUSR1, not somebody else's
	pthread_t thread;
};

// 0 = done, < 0 = nothing within `limit`, else SIGTERM or SIGINT. NULL = no limit.
static int next_signal(struct cs_process_signals *signals, const struct timespec *limit)
{
	sigset_t set;
	int number;
	watched_signals(&set);
	do {
		number = limit ? sigtimedwait(&set, NULL, limit) : sigwaitinfo(&set, NULL);
		if (atomic_load(&signals->done))
			return 0;
	} while (number == SIGUSR1 || (number < 0 && errno == EINTR));
	return number;
}

static void *run(void *user)
{
	static const struct timespec limit = { .tv_sec = STOP_MAX };
	struct cs_process_signals *signals = user;
	if (next_signal(signals, NULL) == 0)
		return NULL;
	signals->stop(signals->user);
	int number = next_signal(signals, &limit);
	if (number == 0)
		return NULL;
	cs_log_error(signals->log, number < 0 ? "Did not end in time, exiting"
					      : "Second signal, exiting at once");
	_exit(1);
}

int cs_process_signals_create(const struct cs_log *log, void (*stop)(void *user), void *user,
			      struct cs_process_signals **ret, struct cs_error *err)
{
	struct cs_process_signals *signals = cs_alloc(sizeof(*signals));
	sigset_t set;
	signals->log = log;
	signals->stop = stop;
	signals->user = user;
	watched_signals(&set);
	int r = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r == 0)
		r = pthread_create(&signals->thread, NULL, run, signals);
	if (r != 0) {
		free(signals);
		return cs_error_errno(err, -r, "signal thread");
	}
	pthread_setname_np(signals->thread, "signals");
	*ret = signals;
	return 0;
}

void cs_process_signals_destroy(struct cs_process_signals *signals)
{
	if (!signals)
		return;
	atomic_store(&signals->done, true);
	pthread_kill(signals->thread, SIGUSR1);
	pthread_join(signals->thread, NULL);
	free(signals);
}
