/* The C interface, called from C.   test_c NAME */
#include "annulus.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what) check((what), #what, __LINE__)

static char channel[64]; /* its name: nobody else's, and nobody's before */

static void check(bool is_so, const char* what, int line) {
  if (is_so) return;
  fprintf(stderr, "test.c:%d: not so: %s\n", line, what);
  annulus_remove(channel, true, NULL);
  exit(1);
}

static void name_channel(const char* scheme) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(channel, sizeof channel, "%s:test.c.%ld.%ld", scheme, (long)getpid(), now.tv_nsec);
}

static annulus_producer* producer(void) {
  annulus_error why;
  annulus_producer* role = annulus_open_producer(channel, &why);
  if (role == NULL) fprintf(stderr, "%s\n", why.text);
  CHECK(role != NULL);
  return role;
}

static annulus_consumer* consumer(void) {
  annulus_error why;
  annulus_consumer* role = annulus_open_consumer(channel, &why);
  if (role == NULL) fprintf(stderr, "%s\n", why.text);
  CHECK(role != NULL);
  return role;
}

static bool is_text(annulus_bytes message, const char* text) {
  return message.count == strlen(text) && memcmp(message.data, text, message.count) == 0;
}

static void count_bytes(void* with, annulus_bytes message) { *(size_t*)with += message.count; }

static void messages(void) {
  annulus_producer* tx = producer();
  annulus_consumer* rx = consumer();
  annulus_bytes got;
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_EMPTY && got.data == NULL);
  CHECK(annulus_push(tx, "one", 3, 0) == ANNULUS_OK);
  const annulus_bytes pieces[] = {{"tw", 2}, {"o", 1}};
  CHECK(annulus_push_pieces(tx, pieces, 2, ANNULUS_SECOND) == ANNULUS_OK);
  size_t taken = 9;
  CHECK(annulus_push_batch(tx, pieces, 2, 0, &taken) == ANNULUS_OK && taken == 2);
  CHECK(annulus_push(tx, NULL, 0, 0) == ANNULUS_OK);
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && is_text(got, "one"));
  CHECK(annulus_read(rx, ANNULUS_SECOND, &got) == ANNULUS_OK && is_text(got, "two"));
  CHECK(annulus_release(rx) == ANNULUS_OK);
  size_t bytes = 0;
  CHECK(annulus_drain(rx, count_bytes, &bytes, 10, ANNULUS_SECOND, &taken) == ANNULUS_EMPTY);
  CHECK(taken == 3 && bytes == 3);
  CHECK(annulus_producer_peer(tx) == ANNULUS_ATTACHED);
  annulus_close_producer(tx);
  CHECK(annulus_consumer_peer(rx) == ANNULUS_LEFT);
  CHECK(annulus_read(rx, ANNULUS_FOREVER, &got) == ANNULUS_CLOSED);
  annulus_close_consumer(rx);
}

static void claims(void) {
  annulus_producer* tx = producer();
  annulus_consumer* rx = consumer();
  void* at = NULL;
  annulus_bytes got;
  CHECK(annulus_claim(tx, 100, 0, &at) == ANNULUS_OK && at != NULL && (size_t)at % 8 == 0);
  CHECK(annulus_push(tx, "x", 1, 0) == ANNULUS_NOT_PERMITTED);
  void* second = &at;
  CHECK(annulus_claim(tx, 1, 0, &second) == ANNULUS_NOT_PERMITTED && second == NULL);
  memcpy(at, "in place", 8);
  CHECK(annulus_commit(tx, 8) == ANNULUS_OK);
  CHECK(annulus_commit(tx, 8) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_claim(tx, 5, ANNULUS_SECOND, &at) == ANNULUS_OK);
  CHECK(annulus_abort(tx) == ANNULUS_OK && annulus_abort(tx) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_claim(tx, 5, 0, &at) == ANNULUS_OK);
  CHECK(annulus_commit(tx, 6) == ANNULUS_NEVER_FITS);
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && is_text(got, "in place"));
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_EMPTY);
  CHECK(annulus_claim(tx, annulus_producer_max_message(tx) + 1, 0, &at) == ANNULUS_NEVER_FITS);
  CHECK(annulus_claim(tx, 1, 0, &at) == ANNULUS_OK);
  annulus_close_producer(tx); /* aborts */
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_CLOSED);
  annulus_close_consumer(rx);
}

static void waits(void) {
  annulus_producer* tx = producer();
  annulus_consumer* rx = consumer();
  annulus_bytes got;
  CHECK(annulus_wait(rx, 1000) == ANNULUS_TIMED_OUT);
  annulus_interrupt_consumer(rx);
  CHECK(annulus_wait(rx, ANNULUS_FOREVER) == ANNULUS_INTERRUPTED);
  CHECK(annulus_push(tx, "a", 1, 0) == ANNULUS_OK && annulus_push(tx, "b", 1, 0) == ANNULUS_OK);
  CHECK(annulus_wait(rx, ANNULUS_FOREVER) == ANNULUS_OK);
  CHECK(annulus_wait(rx, 0) == ANNULUS_OK);
  CHECK(annulus_release(rx) == ANNULUS_OK); /* takes nothing away that was not read */
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && is_text(got, "a"));
  CHECK(annulus_wait(rx, 0) == ANNULUS_OK);
  size_t bytes = 0, taken = 0;
  CHECK(annulus_drain(rx, count_bytes, &bytes, 1, ANNULUS_FOREVER, &taken) == ANNULUS_OK);
  CHECK(taken == 1 && bytes == 1);
  while (annulus_push(tx, &bytes, sizeof bytes, 0) == ANNULUS_OK) {
  }
  CHECK(annulus_push(tx, &bytes, sizeof bytes, 1000) == ANNULUS_TIMED_OUT);
  CHECK(annulus_push_or_drop(tx, &bytes, sizeof bytes) == ANNULUS_FULL);
  annulus_interrupt_producer(tx);
  CHECK(annulus_push(tx, &bytes, sizeof bytes, ANNULUS_FOREVER) == ANNULUS_INTERRUPTED);
  annulus_close_consumer(rx);
  annulus_close_producer(tx);
}

static void refusals(void) {
  annulus_error why;
  CHECK(annulus_open_producer(NULL, &why) == NULL && why.fault == ANNULUS_BAD_ARGUMENT);
  CHECK(annulus_open_consumer("nowhere:x", &why) == NULL && strlen(why.text) > 10);
  char missing[96];
  snprintf(missing, sizeof missing, "%s?capacity=3", channel);
  CHECK(annulus_open_consumer(missing, NULL) == NULL);
  snprintf(missing, sizeof missing, "%s?create=no", channel);
  CHECK(annulus_open_consumer(missing, &why) == NULL && why.fault == ANNULUS_NOT_FOUND);
  CHECK(strstr(why.text, channel + 4) != NULL);
  CHECK(!annulus_remove(channel, false, &why));
  annulus_bytes got;
  CHECK(annulus_push(NULL, "x", 1, 0) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_read(NULL, 0, &got) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_producer_max_message(NULL) == 0);
  annulus_close_producer(NULL);
  annulus_close_consumer(NULL);
  annulus_consumer* rx = consumer();
  CHECK(annulus_open_consumer(channel, &why) == NULL && why.fault == ANNULUS_IN_USE);
  CHECK(!annulus_remove(channel, false, &why) && why.fault == ANNULUS_IN_USE);
  CHECK(annulus_read(rx, 0, NULL) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_drain(rx, NULL, NULL, 1, 0, NULL) == ANNULUS_NOT_PERMITTED);
  annulus_producer* tx = producer();
  CHECK(annulus_push(tx, NULL, 1, 0) == ANNULUS_NOT_PERMITTED);
  CHECK(annulus_push_batch(tx, NULL, 1, 0, NULL) == ANNULUS_NOT_PERMITTED);
  const annulus_bytes around[] = {{"x", SIZE_MAX}, {"yz", 2}}; /* 1 byte, if sizes may wrap */
  CHECK(annulus_push_pieces(tx, around, 2, 0) == ANNULUS_NEVER_FITS);
  annulus_close_producer(tx);
  annulus_close_consumer(rx);
  CHECK(strcmp(annulus_text(ANNULUS_PEER_GONE), "peer gone") == 0);
  for (int wrong = -1; wrong <= 256; wrong += 257)
    CHECK(strcmp(annulus_text((annulus_status)wrong), "unknown status") == 0);
  CHECK(strlen(annulus_version()) >= 5);
}

static void stat_tells(void) {
  annulus_report now;
  annulus_error why;
  CHECK(!annulus_stat(channel, &now, &why) && why.fault == ANNULUS_NOT_FOUND);
  CHECK(!annulus_stat(NULL, &now, NULL) && !annulus_stat(channel, NULL, &why));
  annulus_consumer* rx = consumer();
  CHECK(annulus_stat(channel, &now, &why));
  CHECK(now.consumer == ANNULUS_ATTACHED && now.producers == ANNULUS_NEVER_CAME);
  CHECK(now.capacity >= 4096 && now.max_message == annulus_consumer_max_message(rx));
  annulus_producer* tx = producer();
  CHECK(annulus_push(tx, "abc", 3, 0) == ANNULUS_OK && annulus_push(tx, "d", 1, 0) == ANNULUS_OK);
  CHECK(annulus_stat(channel, &now, NULL) && now.producers == ANNULUS_ATTACHED && now.depth > 0);
  annulus_bytes got;
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && annulus_read(rx, 0, &got) == ANNULUS_OK);
  annulus_close_producer(tx);
  annulus_release(rx);
  annulus_close_consumer(rx);
  CHECK(annulus_stat(channel, &now, NULL));
  CHECK(now.consumer == ANNULUS_LEFT && now.producers == ANNULUS_LEFT && now.depth == 0);
  CHECK(now.sent == 2 && now.sent_bytes == 4 && now.received == 2);
  CHECK(now.refused == 0 && now.dropped == 0 && now.recovered == 0 && now.corrupt == 0);
  rx = consumer();
  tx = producer();
  while (annulus_push(tx, &now, sizeof now, 0) == ANNULUS_OK) {
  }
  CHECK(annulus_push_or_drop(tx, &now, sizeof now) == ANNULUS_FULL);
  CHECK(annulus_stat(channel, &now, NULL) && now.refused == 1 && now.dropped == 1);
  annulus_close_producer(tx);
  annulus_close_consumer(rx);
}

static int status_of(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

static void fork_child(void) {
  annulus_producer* tx = producer();
  annulus_consumer* rx = consumer();
  const pid_t child = fork();
  if (child == 0) {
    const bool is_refused = annulus_push(tx, "x", 1, 0) == ANNULUS_NOT_PERMITTED;
    annulus_close_producer(tx);
    annulus_close_consumer(rx);
    _exit(is_refused ? 0 : 1);
  }
  CHECK(status_of(child) == 0);
  annulus_bytes got;
  CHECK(annulus_push(tx, "y", 1, 0) == ANNULUS_OK);
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && is_text(got, "y"));
  annulus_close_producer(tx);
  annulus_close_consumer(rx);
}

static void killed_producer(void) {
  annulus_consumer* rx = consumer();
  const pid_t child = fork();
  if (child == 0) {
    annulus_producer* tx = producer();
    void* at = NULL;
    for (int i = 0; i < 1000; ++i) CHECK(annulus_push(tx, &i, sizeof i, 0) == ANNULUS_OK);
    CHECK(annulus_claim(tx, 10, 0, &at) == ANNULUS_OK);
    kill(getpid(), SIGKILL);
  }
  annulus_bytes got;
  for (int i = 0; i < 1000; ++i) {
    CHECK(annulus_read(rx, 30 * ANNULUS_SECOND, &got) == ANNULUS_OK);
    CHECK(got.count == sizeof i && memcmp(got.data, &i, sizeof i) == 0);
    annulus_release(rx);
  }
  CHECK(annulus_read(rx, ANNULUS_FOREVER, &got) == ANNULUS_PEER_GONE);
  CHECK(annulus_consumer_peer(rx) == ANNULUS_DIED);
  CHECK(WIFSIGNALED(status_of(child)));
  annulus_producer* tx = producer(); /* the successor */
  CHECK(annulus_push(tx, "next", 4, 0) == ANNULUS_OK);
  CHECK(annulus_read(rx, 0, &got) == ANNULUS_OK && is_text(got, "next"));
  annulus_close_producer(tx);
  annulus_close_consumer(rx);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } tests[] = {{"messages", messages},     {"claims", claims},
               {"waits", waits},           {"refusals", refusals},
               {"fork_child", fork_child}, {"killed_producer", killed_producer},
               {"stat_tells", stat_tells}};
  for (size_t i = 0; i < sizeof tests / sizeof *tests; ++i) {
    if (argc != 2 || strcmp(argv[1], tests[i].name) != 0) continue;
    static const char* const schemes[] = {"shm", "pipe", "auto"};
    for (size_t s = 0; s < 3; ++s) {
      name_channel(schemes[s]);
      tests[i].run();
      CHECK(annulus_remove(channel, false, NULL));
    }
    return 0;
  }
  fprintf(stderr, "usage: test_c NAME\n");
  return 2;
}
