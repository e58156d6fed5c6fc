/*
 * One member of a corosync process group: sends with a window of own messages under way, counts what is delivered, and
 * prints "joined", "measure", "measured" and one line of JSON. Built and started by gms-corosync.ts:
 *   gms-corosync MEMBERS WINDOW BYTES WARM_UP_MS MEASURE_MS
 */
#include <corosync/cpg.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TIMES 4096
#define SAMPLES 50000

static unsigned window_size, payload_bytes, wanted, members, self_id;
static uint64_t deliveries, order_hash = 1469598103934665603ull;
static uint32_t sent, returned, faults;
static double sent_at[TIMES], samples[SAMPLES];
static int sample_count, is_sending, is_measuring;
static char payload[65536];

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void mix(uint64_t value) { order_hash = (order_hash ^ value) * 1099511628211ull; }

static void on_deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t node, uint32_t pid, void *message,
                       size_t length) {
  uint32_t number;
  (void)handle, (void)group, (void)pid;
  if (length < sizeof number) return;
  memcpy(&number, message, sizeof number);
  deliveries++;
  mix(((uint64_t)node << 32) | number);
  if (node != self_id) return;
  if (number != returned) faults++;
  /* As in gms-member.ts: one in sixteen is timed, or each when only one is under way. */
  if (is_measuring && (window_size == 1 || (number & 15) == 0) && sample_count < SAMPLES)
    samples[sample_count++] = now_ms() - sent_at[number % TIMES];
  returned++;
}

static void on_members(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *all, size_t count,
                       const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
                       size_t joined_count) {
  (void)handle, (void)group, (void)all, (void)left, (void)left_count, (void)joined, (void)joined_count;
  members = count;
  if (members == wanted && !is_sending && sent == 0) deliveries = 0;
}

static void fill(cpg_handle_t handle) {
  struct iovec part = {payload, payload_bytes};
  while (is_sending && sent - returned < window_size) {
    memcpy(payload, &sent, sizeof sent);
    sent_at[sent % TIMES] = now_ms();
    if (cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1) != CS_OK) return; /* flow control: again later */
    sent++;
  }
}

static int by_value(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return a < b ? -1 : a > b;
}

static double percentile(double share) {
  return sample_count == 0 ? 0 : samples[(int)(share * (sample_count - 1))] * 1e3;
}

/* Dispatches and sends until then; returns false when corosync has gone. */
static int run_until(cpg_handle_t handle, int fd, double until) {
  while (now_ms() < until) {
    struct pollfd waiting = {fd, POLLIN, 0};
    poll(&waiting, 1, is_sending && sent - returned < window_size ? 1 : 10);
    if (cpg_dispatch(handle, CS_DISPATCH_ALL) != CS_OK) return 0;
    fill(handle);
  }
  return 1;
}

static int fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  return 1;
}

int main(int count, char **arguments) {
  cpg_model_v1_data_t model = {0};
  struct cpg_name group = {5, "bench"};
  cpg_handle_t handle;
  int fd;
  if (count != 6) return fail("usage: MEMBERS WINDOW BYTES WARM_UP_MS MEASURE_MS");
  wanted = atoi(arguments[1]), window_size = atoi(arguments[2]), payload_bytes = atoi(arguments[3]);
  if (payload_bytes < 4 || payload_bytes > sizeof payload) return fail("bytes: 4 to 65536");
  setvbuf(stdout, NULL, _IOLBF, 0);
  model.cpg_deliver_fn = (cpg_deliver_fn_t)on_deliver;
  model.cpg_confchg_fn = (cpg_confchg_fn_t)on_members;
  for (double end = now_ms() + 10000; cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, NULL) != CS_OK;
       usleep(50000))
    if (now_ms() > end) return fail("corosync does not answer");
  if (cpg_local_get(handle, &self_id) != CS_OK || cpg_fd_get(handle, &fd) != CS_OK) return fail("no node id");
  for (double end = now_ms() + 10000; cpg_join(handle, &group) != CS_OK; usleep(50000))
    if (now_ms() > end) return fail("no group");
  for (double end = now_ms() + 30000; members != wanted;) {
    if (now_ms() > end) return fail("the group does not become whole");
    run_until(handle, fd, now_ms() + 5);
  }
  printf("joined\n");
  /* All see the last join at the same place of the order; then a moment, so that nobody's messages come before it. */
  run_until(handle, fd, now_ms() + 200);
  is_sending = window_size > 0;
  if (!run_until(handle, fd, now_ms() + atoi(arguments[4]))) return fail("corosync has gone");
  printf("measure\n");
  uint64_t counted_from = deliveries;
  double started = now_ms(), cpu = cpu_seconds();
  is_measuring = 1;
  if (!run_until(handle, fd, started + atoi(arguments[5]))) return fail("corosync has gone");
  is_measuring = 0;
  double seconds = (now_ms() - started) / 1e3, cpu_used = cpu_seconds() - cpu;
  uint64_t counted = deliveries - counted_from;
  printf("measured\n");
  is_sending = 0;
  /* What is under way everywhere comes in: quiet for a second. */
  for (uint64_t before = deliveries + 1; before != deliveries;) {
    before = deliveries;
    if (!run_until(handle, fd, now_ms() + 1000)) return fail("corosync has gone");
  }
  qsort(samples, sample_count, sizeof *samples, by_value);
  printf("{\"deliveries\":%llu,\"seconds\":%.4f,\"cpuSeconds\":%.4f,\"p50Us\":%.0f,\"p99Us\":%.0f,\"total\":%llu,"
         "\"orderHash\":\"%016llx\",\"faults\":%u,\"lost\":%u}\n",
         (unsigned long long)counted, seconds, cpu_used, percentile(0.5), percentile(0.99),
         (unsigned long long)deliveries, (unsigned long long)order_hash, faults, sent - returned);
  cpg_finalize(handle);
  return 0;
}
