/* Preloaded into a node, it makes the node's disk hang or fill up on order. Files below FOLDER/data/ are told by FOLDER/trouble:
   "hang" keeps every write and sync until it says something else, "full" answers every write with ENOSPC, "fail" every sync
   with EIO, and no file means that all is well. So one environment serves a whole cluster, and each node has trouble of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum trouble { NONE, HANG, FULL, FAIL };
static __thread int busy;

static enum trouble trouble_of(int fd) {
  char name[64], path[PATH_MAX + 16], word[8] = "";
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, PATH_MAX - 1);
  if (length < 0) return NONE;
  path[length] = 0;
  char *data = strstr(path, "/data/");
  if (data == NULL) return NONE;
  strcpy(data, "/trouble");
  busy = 1;
  FILE *file = fopen(path, "r");
  if (file != NULL) {
    if (fgets(word, sizeof word, file) == NULL) word[0] = 0;
    fclose(file);
  }
  busy = 0;
  if (strncmp(word, "hang", 4) == 0) return HANG;
  if (strncmp(word, "full", 4) == 0) return FULL;
  return strncmp(word, "fail", 4) == 0 ? FAIL : NONE;
}

/* Waits while the disk hangs; what is the matter then. */
static enum trouble suffer(int fd) {
  if (busy || fd < 3) return NONE;
  for (;;) {
    enum trouble trouble = trouble_of(fd);
    if (trouble != HANG) return trouble;
    usleep(10000);
  }
}

#define REAL(result, function, ...) \
  static result (*real)(__VA_ARGS__); \
  if (real == NULL) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, function)

#define SYNC(name) \
  int name(int fd) { \
    REAL(int, #name, int); \
    if (suffer(fd) == FAIL) { errno = EIO; return -1; } \
    return real(fd); \
  }
SYNC(fsync)
SYNC(fdatasync)

#define WRITES(name, parameters, arguments, ...) \
  ssize_t name parameters { \
    REAL(ssize_t, #name, __VA_ARGS__); \
    if (suffer(fd) == FULL) { errno = ENOSPC; return -1; } \
    return real arguments; \
  }
WRITES(write, (int fd, const void *bytes, size_t count), (fd, bytes, count), int, const void *, size_t)
WRITES(pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), int, const void *, size_t, off_t)
WRITES(pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at), int, const void *, size_t, off64_t)
WRITES(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), int, const struct iovec *, int)
WRITES(pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at), int, const struct iovec *, int, off_t)
WRITES(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), int, const struct iovec *, int, off64_t)
