/* Channels between processes, for C and for every language that calls C.
 *
 *     annulus_error why;
 *     annulus_producer* tx = annulus_open_producer("shm:orders", &why);
 *     if (tx == NULL) return fail(why.text);
 *     if (annulus_push(tx, bytes, count, ANNULUS_SECOND) != ANNULUS_OK) ...
 *     annulus_close_producer(tx);
 *
 * Names      as of annulus/bus/name.hpp: shm:NAME, pipe:NAME or auto:NAME, options behind a '?':
 *            "shm:orders?capacity=16MiB&producers=8". A channel that does not exist is made
 * Time       `wait` is nanoseconds. 0: the call never waits. Negative: it waits without a deadline
 * Threads    a role is used by one thread at a time. Any thread may call its _interrupt
 * Processes  a role belongs to the process that opened it. In a child of fork() every call answers
 *            ANNULUS_NOT_PERMITTED, and _close frees the child's copy and changes nothing else
 * Signals    only _interrupt is async-signal-safe. No call is a cancellation point
 * Errors     calls on an open role return a status and set no errno. Opening returns NULL and fills
 *            in an annulus_error. A NULL role or pointer returns ANNULUS_NOT_PERMITTED
 * Progress   with wait 0: consumers and lone producers are wait-free, one of several producers is
 *            lock-free; over a pipe a call makes system calls that do not block
 *
 * The interface is stable within one SONAME: functions and values are added, none is changed. */
#ifndef ANNULUS_H
#define ANNULUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined __GNUC__
#pragma GCC visibility push(default)
#endif

#define ANNULUS_SECOND INT64_C(1000000000)
#define ANNULUS_FOREVER INT64_C(-1)

typedef struct annulus_producer annulus_producer;
typedef struct annulus_consumer annulus_consumer;

/* What a call answers. Every refusal asks for something else of the caller. */
typedef enum annulus_status {
  ANNULUS_OK = 0,
  ANNULUS_FULL = 1,       /* no room now */
  ANNULUS_EMPTY = 2,      /* no message now */
  ANNULUS_NEVER_FITS = 3, /* larger than the largest message: no waiting will help */
  ANNULUS_CLOSED = 4,     /* the other side closed, and there is no room, or all was read */
  ANNULUS_PEER_GONE = 5,  /* the other side died, and there is no room, or all was read */
  ANNULUS_STALLED = 6,    /* a live producer has claimed and not committed */
  ANNULUS_CORRUPT = 7,    /* damaged records were skipped, or a position makes no sense */
  ANNULUS_NOT_PERMITTED =
      8,                    /* the role does not allow it now: closed, another process's, claimed */
  ANNULUS_TIMED_OUT = 9,    /* `wait` has passed */
  ANNULUS_INTERRUPTED = 10, /* _interrupt ended the wait */
  ANNULUS_REMOVED = 11,     /* the channel's name is gone: nobody else comes */
  ANNULUS_NO_MEMORY = 12,   /* the ring took no memory when it was made, and there is none now */
} annulus_status;

/* Why a channel could not be opened or removed. */
typedef enum annulus_fault {
  ANNULUS_BAD_ARGUMENT = 0,
  ANNULUS_NOT_FOUND = 1,
  ANNULUS_ALREADY_EXISTS = 2,
  ANNULUS_IN_USE = 3,
  ANNULUS_NO_PERMISSION = 4,
  ANNULUS_NO_SPACE = 5,
  ANNULUS_NOT_A_CHANNEL = 6,
  ANNULUS_INCOMPATIBLE = 7,
  ANNULUS_DAMAGED = 8,
  ANNULUS_SYSTEM = 9,
} annulus_fault;

typedef struct annulus_error {
  annulus_fault fault;
  char text[1024]; /* what was found, and what to do; always terminated, cut off if longer */
} annulus_error;

/* What is known of the other side. */
typedef enum annulus_presence {
  ANNULUS_NEVER_CAME = 0,
  ANNULUS_ATTACHED = 1,
  ANNULUS_LEFT = 2, /* by closing */
  ANNULUS_DIED = 3,
} annulus_presence;

typedef struct annulus_bytes {
  const void* data;
  size_t count;
} annulus_bytes;

/* The version of the library, as "0.1.0". Never freed. */
const char* annulus_version(void);
/* A status in words. Never freed. */
const char* annulus_text(annulus_status status);

/* Producers. */

/* Opens the channel and takes a producer's role. NULL: see `why`, which may be NULL. */
annulus_producer* annulus_open_producer(const char* name, annulus_error* why);
/* Says that no more will come, and frees the role. An open claim is aborted. NULL: does nothing. */
void annulus_close_producer(annulus_producer* role);

/* Sends one message. */
annulus_status annulus_push(annulus_producer* role, const void* data, size_t count, int64_t wait);
/* Sends one message from several pieces. */
annulus_status annulus_push_pieces(annulus_producer* role, const annulus_bytes* pieces, size_t many,
                                   int64_t wait);
/* Sends messages in order, as many as fit (wait 0), or all. *taken (may be NULL) tells how many. */
annulus_status annulus_push_batch(annulus_producer* role, const annulus_bytes* messages,
                                  size_t many, int64_t wait, size_t* taken);
/* Sends one message, or drops and counts it if there is no room; then the answer is ANNULUS_FULL.
 */
annulus_status annulus_push_or_drop(annulus_producer* role, const void* data, size_t count);

/* Space for a message of `count` bytes at *at, aligned to 8. One claim may be open at a time; no
 * other call but commit, abort, interrupt and close is permitted meanwhile. */
annulus_status annulus_claim(annulus_producer* role, size_t count, int64_t wait, void** at);
/* Sends the first `count` bytes of the open claim; more than were claimed: aborts, and answers
 * ANNULUS_NEVER_FITS. */
annulus_status annulus_commit(annulus_producer* role, size_t count);
/* Gives the open claim up; the consumer never sees it. */
annulus_status annulus_abort(annulus_producer* role);

/* The most that one message can hold, bytes; 0 for NULL. */
size_t annulus_producer_max_message(const annulus_producer* role);
/* What is known of the consumer. Asks the kernel. */
annulus_presence annulus_producer_peer(annulus_producer* role);
/* Ends the wait that runs in this role, or else the next one. From any thread or signal handler. */
void annulus_interrupt_producer(annulus_producer* role);

/* Consumers. */

/* Opens the channel and takes the consumer's role. NULL: see `why`, which may be NULL. */
annulus_consumer* annulus_open_consumer(const char* name, annulus_error* why);
/* Gives the role back and frees it; its views end. What was not released is redelivered to the next
 * consumer. NULL: does nothing. */
void annulus_close_consumer(annulus_consumer* role);

/* The next message, in place until annulus_release. A peer that may write the channel can change it
 * meanwhile: if it is not trusted, copy before parsing. */
annulus_status annulus_read(annulus_consumer* role, int64_t wait, annulus_bytes* message);
/* Hands back the space of all that was read; their bytes are gone. */
annulus_status annulus_release(annulus_consumer* role);
/* Calls f for each of at most `most` messages, then hands their space back. Waits for the first one
 * only. f may not call into the role. *taken (may be NULL) tells how many came. The answer is
 * ANNULUS_OK if all `most` did, else why no more came. */
annulus_status annulus_drain(annulus_consumer* role, void (*f)(void* with, annulus_bytes message),
                             void* with, size_t most, int64_t wait, size_t* taken);
/* Waits until there is a message, without reading it. */
annulus_status annulus_wait(annulus_consumer* role, int64_t wait);

/* The most that one message can hold, bytes; 0 for NULL. */
size_t annulus_consumer_max_message(const annulus_consumer* role);
/* What is known of the producers: of several the most alive one counts. Asks the kernel. */
annulus_presence annulus_consumer_peer(annulus_consumer* role);
/* Ends the wait that runs in this role, or else the next one. From any thread or signal handler. */
void annulus_interrupt_consumer(annulus_consumer* role);

/* Channels. */

/* What a channel is like, and what has passed through it since it was made. */
typedef struct annulus_report {
  uint64_t capacity;           /* bytes; of a pipe: what the kernel grants */
  uint64_t max_message;        /* bytes */
  uint64_t depth;              /* bytes that stand in it, headers included */
  annulus_presence consumer;   /* as the kernel says */
  annulus_presence producers;  /* the same; of several the most alive one counts */
  uint64_t sent, sent_bytes;   /* messages, and their payload */
  uint64_t received;           /* messages that were released */
  uint64_t refused, dropped;   /* by producers without room */
  uint64_t recovered, corrupt; /* what the dead left unfinished; stretches of damage */
} annulus_report;

/* What is there now. Takes no role, makes nothing and disturbs nobody. False: see `why`, which may
 * be NULL. */
bool annulus_stat(const char* name, annulus_report* report, annulus_error* why);

/* Removes a channel with its files. In use: fails, unless forced; the attached then go on among
 * themselves. False: see `why`, which may be NULL. */
bool annulus_remove(const char* name, bool is_forced, annulus_error* why);

#if defined __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
