/* Preloaded into host-stub: the wall clock as somebody has set it. CLOCK_OFFSET names a file of 8 bytes that
 * the test maps, too: nanoseconds to be added. Monotonic clocks run on, as they do on a machine whose clock
 * is set. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(default) /* what stands in for the C library must be seen */

static const _Atomic int64_t* offset_ns;

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("CLOCK_OFFSET");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* at = mmap(NULL, sizeof *offset_ns, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) offset_ns = at;
}

int clock_gettime(clockid_t clock, struct timespec* out) {
  const int result = (int)syscall(SYS_clock_gettime, clock, out);
  if (result || !offset_ns || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  const int64_t at = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + *offset_ns;
  out->tv_sec = at / 1000000000;
  out->tv_nsec = at % 1000000000;
  return 0;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
