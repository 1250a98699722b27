/* A machine that misbehaves when it is told to, for processes that are started with this in LD_PRELOAD: its disk is full
 * (writing to files ends with ENOSPC), its clock is wrong by some seconds. FAULTS names the file that holds the
 * numbers; whoever writes there is obeyed at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static volatile long *faults; /* full, seconds; refused, which counts */

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("FAULTS");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *seen = fd < 0 ? MAP_FAILED : mmap(NULL, 3 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	faults = seen == MAP_FAILED ? NULL : seen;
}

static int full(int fd)
{
	struct stat found;

	if (!faults || !faults[0] || fstat(fd, &found) || !S_ISREG(found.st_mode))
		return 0;
	__sync_fetch_and_add(&faults[2], 1);
	errno = ENOSPC;
	return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSED(name, result, fd, parameters, arguments) \
	result name parameters { return full(fd) ? -1 : REAL(name) arguments; }

REFUSED(write, ssize_t, fd, (int fd, const void *data, size_t size), (fd, data, size))
REFUSED(pwrite, ssize_t, fd, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
REFUSED(pwrite64, ssize_t, fd, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
REFUSED(writev, ssize_t, fd, (int fd, const struct iovec *parts, int count), (fd, parts, count))

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = REAL(clock_gettime)(clock, now);

	if (!failed && faults && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += faults[1];
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int failed = REAL(gettimeofday)(now, zone);

	if (!failed && faults)
		now->tv_sec += faults[1];
	return failed;
}

time_t time(time_t *at)
{
	time_t now = REAL(time)(NULL) + (faults ? faults[1] : 0);

	if (at)
		*at = now;
	return now;
}
