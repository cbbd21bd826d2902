/* Preloaded into the daemon: the system's date is off by as many seconds as stand in the file that
 * SLUICE_WALL_STEP_FILE names. The monotonic clock runs on, as it does when somebody sets the date. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long step_s(void) {
  const char* path = getenv("SLUICE_WALL_STEP_FILE");
  FILE* file = path == NULL ? NULL : fopen(path, "r");
  long seconds = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  fclose(file);
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int failed = (int)syscall(SYS_clock_gettime, clock, time);
  if (failed == 0 && clock == CLOCK_REALTIME) time->tv_sec += step_s();
  return failed;
}
