/*
 * Preloaded into a process: as long as the file that FAIL_SYNCS names is there, every sync of a log of SQLite fails with EIO. Where the file
 * says "lose", the last page of the log is lost besides, and that sync alone fails.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_log(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static void lose_last_page(int descriptor) {
  static const char zeros[4096];
  struct stat file;
  if (fstat(descriptor, &file) == 0 && pwrite(descriptor, zeros, sizeof zeros, file.st_size - (off_t)sizeof zeros) < 0)
    perror("lose a page");
}

static int fails(int descriptor) {
  const char *control = getenv("FAIL_SYNCS");
  FILE *file = control == NULL || !is_log(descriptor) ? NULL : fopen(control, "r");
  if (file == NULL) return 0;
  char mode[16] = "";
  if (fgets(mode, sizeof mode, file) != NULL && strncmp(mode, "lose", 4) == 0) {
    lose_last_page(descriptor);
    unlink(control);
  }
  fclose(file);
  errno = EIO;
  return 1;
}

int fdatasync(int descriptor) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return fails(descriptor) ? -1 : real(descriptor);
}

int fsync(int descriptor) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return fails(descriptor) ? -1 : real(descriptor);
}
