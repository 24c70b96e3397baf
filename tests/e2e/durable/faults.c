/* Preloaded into host-stub: the N-th durable system call below a folder goes wrong.
 *
 * DURABLE_ROOT names the folder, DURABLE_CONTROL a file of at least sizeof(struct control) that the test
 * maps, too. Nothing is counted before `armed`. A durable call is one that changes what a later start finds:
 * write, pwrite, fsync, fdatasync, ftruncate, rename, unlink. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#pragma GCC visibility push(default) /* what stands in for the C library must be seen */

enum mode { kill_before = 1, kill_after, fail_eio, fail_enospc, short_write };

struct control {
  _Atomic uint32_t armed, count, target, mode, hit;
  char what[64]; /* the call and the file that were hit */
};

static struct control* control;
static const char* root;
static size_t root_length;

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("DURABLE_CONTROL");
  root = getenv("DURABLE_ROOT");
  if (!path || !root) return;
  root_length = strlen(root);
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

static int below(const char* path) {
  return strncmp(path, root, root_length) == 0 && path[root_length] == '/';
}

/* 0, or the mode that this call shall meet. */
static uint32_t strike(const char* call, const char* path) {
  if (!below(path)) return 0;
  const uint32_t mode = control->mode;
  if (mode == short_write && !strstr(call, "write")) return 0;
  if (atomic_fetch_add(&control->count, 1) + 1 != control->target) return 0;
  snprintf(control->what, sizeof control->what, "%s %s", call, path + root_length + 1);
  control->hit = 1;
  if (mode == kill_before) raise(SIGKILL);
  return mode;
}

static uint32_t strike_fd(const char* call, int fd) {
  if (!control || !control->armed) return 0;
  const int saved = errno;
  char link[40], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (n <= 0) return 0;
  path[n] = 0;
  return strike(call, path);
}

static int refused(uint32_t mode) {
  if (mode != fail_eio && mode != fail_enospc) return 0;
  errno = mode == fail_eio ? EIO : ENOSPC;
  return 1;
}

#define REAL(name)               \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define DONE(mode, result)                  \
  if ((mode) == kill_after) raise(SIGKILL); \
  return result

ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  const uint32_t mode = strike_fd("write", fd);
  if (refused(mode)) return -1;
  const ssize_t n = real(fd, data, mode == short_write ? size / 2 : size);
  DONE(mode, n);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  const uint32_t mode = strike_fd("pwrite", fd);
  if (refused(mode)) return -1;
  const ssize_t n = real(fd, data, mode == short_write ? size / 2 : size, at);
  DONE(mode, n);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

#define ON_FD(name, parameters, arguments)      \
  int name parameters {                         \
    REAL(name);                                 \
    const uint32_t mode = strike_fd(#name, fd); \
    if (refused(mode)) return -1;               \
    const int result = real arguments;          \
    DONE(mode, result);                         \
  }
ON_FD(fsync, (int fd), (fd))
ON_FD(fdatasync, (int fd), (fd))
ON_FD(ftruncate64, (int fd, off64_t size), (fd, size))
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

#define ON_PATH(name, parameters, arguments)                                 \
  int name parameters {                                                      \
    REAL(name);                                                              \
    const uint32_t mode = control && control->armed ? strike(#name, to) : 0; \
    if (refused(mode)) return -1;                                            \
    const int result = real arguments;                                       \
    DONE(mode, result);                                                      \
  }
ON_PATH(rename, (const char* from, const char* to), (from, to))
ON_PATH(unlink, (const char* to), (to))
