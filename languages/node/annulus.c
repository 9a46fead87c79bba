/* The addon under index.js: the C interface for Node.js, by Node-API alone. Roles are externals,
 * closed by the collector at the latest. Bytes in place are array buffers, which are detached at
 * their end: then they have no bytes any more. */
#define NAPI_VERSION 8
#include <annulus.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

typedef struct role {
  annulus_producer* tx; /* one of the two, or none once it is closed */
  annulus_consumer* rx;
  bool is_waiting; /* another thread uses it: it closes when that is done */
  bool closes;
} role;

static napi_value number(napi_env env, int64_t value) {
  napi_value out = NULL;
  napi_create_int64(env, value, &out);
  return out;
}

static void close_role(role* r) {
  annulus_close_producer(r->tx);
  annulus_close_consumer(r->rx);
  r->tx = NULL;
  r->rx = NULL;
}

static void finalize(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  close_role(data);
  free(data);
}

/* The arguments, of which the first is a role if `r` is not NULL. */
static bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value* into,
                      role** r) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, into, NULL, NULL) != napi_ok || given < count ||
      (r != NULL && napi_get_value_external(env, into[0], (void**)r) != napi_ok)) {
    napi_throw_type_error(env, NULL, "annulus: bad arguments");
    return false;
  }
  return true;
}

static int64_t integer(napi_env env, napi_value from) {
  int64_t value = 0;
  napi_get_value_int64(env, from, &value);
  return value;
}

static bool fail(napi_env env, const annulus_error* why) {
  napi_value text = NULL, error = NULL;
  napi_create_string_utf8(env, why->text, NAPI_AUTO_LENGTH, &text);
  napi_create_error(env, NULL, text, &error);
  napi_set_named_property(env, error, "fault", number(env, why->fault));
  napi_throw(env, error);
  return false;
}

static bool name_of(napi_env env, napi_value from, char* into, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, from, into, size, &length) == napi_ok && length + 1 < size &&
      strlen(into) == length)
    return true;
  napi_throw_type_error(env, NULL,
                        "annulus: a channel's name is a string without NUL, under 4 KiB");
  return false;
}

static napi_value open_role(napi_env env, napi_callback_info info, bool is_producer) {
  char name[4096];
  napi_value given[1], out = NULL;
  annulus_error why;
  if (!arguments(env, info, 1, given, NULL) || !name_of(env, given[0], name, sizeof name))
    return NULL;
  role* r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  if (is_producer)
    r->tx = annulus_open_producer(name, &why);
  else
    r->rx = annulus_open_consumer(name, &why);
  if (r->tx == NULL && r->rx == NULL) {
    free(r);
    fail(env, &why);
    return NULL;
  }
  napi_create_external(env, r, finalize, NULL, &out);
  return out;
}
static napi_value open_producer(napi_env env, napi_callback_info info) {
  return open_role(env, info, true);
}
static napi_value open_consumer(napi_env env, napi_callback_info info) {
  return open_role(env, info, false);
}

static napi_value close_(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  if (r->is_waiting) {
    r->closes = true;
    annulus_interrupt_consumer(r->rx);
  } else {
    close_role(r);
  }
  return NULL;
}

static napi_value push(napi_env env, napi_callback_info info) {
  napi_value given[3];
  role* r;
  void* data = NULL;
  size_t count = 0;
  napi_typedarray_type type;
  if (!arguments(env, info, 3, given, &r)) return NULL;
  if (napi_get_typedarray_info(env, given[1], &type, &count, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    napi_throw_type_error(env, NULL, "annulus: a message is a string or a Uint8Array");
    return NULL;
  }
  return number(env, annulus_push(r->tx, data, count, integer(env, given[2])));
}

/* An array buffer over memory of the channel, or a status. */
static napi_value in_place(napi_env env, annulus_status status, void* at, size_t count) {
  napi_value out = NULL;
  if (status != ANNULUS_OK) return number(env, status);
  if (count == 0) {
    void* none = NULL;
    napi_create_arraybuffer(env, 0, &none, &out);
  } else if (napi_create_external_arraybuffer(env, at, count, NULL, NULL, &out) != napi_ok) {
    napi_throw_error(env, NULL, "annulus: this Node.js has no external array buffers");
  }
  return out;
}

static napi_value claim(napi_env env, napi_callback_info info) {
  napi_value given[3];
  role* r;
  void* at = NULL;
  if (!arguments(env, info, 3, given, &r)) return NULL;
  const int64_t count = integer(env, given[1]);
  if (count < 0) return number(env, ANNULUS_NEVER_FITS);
  const annulus_status s = annulus_claim(r->tx, (size_t)count, integer(env, given[2]), &at);
  return in_place(env, s, at, (size_t)count);
}

static napi_value read_(napi_env env, napi_callback_info info) {
  napi_value given[2];
  role* r;
  annulus_bytes got = {0};
  if (!arguments(env, info, 2, given, &r)) return NULL;
  if (r->is_waiting) return number(env, ANNULUS_NOT_PERMITTED);
  const annulus_status s = annulus_read(r->rx, integer(env, given[1]), &got);
  return in_place(env, s, (void*)(uintptr_t)got.data, got.count);
}

static napi_value commit(napi_env env, napi_callback_info info) {
  napi_value given[2];
  role* r;
  if (!arguments(env, info, 2, given, &r)) return NULL;
  const int64_t count = integer(env, given[1]);
  return number(env, annulus_commit(r->tx, count < 0 ? SIZE_MAX : (size_t)count));
}

static napi_value abort_(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  return number(env, annulus_abort(r->tx));
}

static napi_value release(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  return number(env, r->is_waiting ? ANNULUS_NOT_PERMITTED : annulus_release(r->rx));
}

static napi_value detach(napi_env env, napi_callback_info info) {
  napi_value given[1];
  if (arguments(env, info, 1, given, NULL) && napi_detach_arraybuffer(env, given[0]) != napi_ok)
    napi_throw_type_error(env, NULL, "annulus: not an array buffer of a message");
  return NULL;
}

/* A wait in a thread of the pool, as a promise of its status. */
typedef struct waiting {
  role* r;
  napi_ref keeps; /* the role from the collector */
  napi_deferred promise;
  napi_async_work work;
  int64_t wait;
  annulus_status status;
} waiting;

static void wait_execute(napi_env env, void* data) {
  (void)env;
  waiting* w = data;
  w->status = annulus_wait(w->r->rx, w->wait);
}

static void wait_complete(napi_env env, napi_status how, void* data) {
  (void)how;
  waiting* w = data;
  w->r->is_waiting = false;
  if (w->r->closes) close_role(w->r);
  napi_resolve_deferred(env, w->promise, number(env, w->status));
  napi_delete_reference(env, w->keeps);
  napi_delete_async_work(env, w->work);
  free(w);
}

static napi_value wait_(napi_env env, napi_callback_info info) {
  napi_value given[2], promise = NULL, name = NULL;
  role* r;
  if (!arguments(env, info, 2, given, &r)) return NULL;
  if (r->is_waiting || r->rx == NULL) return number(env, ANNULUS_NOT_PERMITTED);
  waiting* w = calloc(1, sizeof *w);
  if (w == NULL) return NULL;
  w->r = r;
  w->wait = integer(env, given[1]);
  w->status = ANNULUS_INTERRUPTED;
  napi_create_reference(env, given[0], 1, &w->keeps);
  napi_create_promise(env, &w->promise, &promise);
  napi_create_string_utf8(env, "annulus", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, wait_execute, wait_complete, w, &w->work);
  r->is_waiting = true;
  napi_queue_async_work(env, w->work);
  return promise;
}

static napi_value interrupt(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  annulus_interrupt_producer(r->tx);
  annulus_interrupt_consumer(r->rx);
  return NULL;
}

static napi_value peer(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  if (r->is_waiting) return number(env, ANNULUS_ATTACHED);
  return number(env, r->rx != NULL ? annulus_consumer_peer(r->rx) : annulus_producer_peer(r->tx));
}

static napi_value max_message(napi_env env, napi_callback_info info) {
  napi_value given[1];
  role* r;
  if (!arguments(env, info, 1, given, &r)) return NULL;
  return number(env, (int64_t)(r->rx != NULL ? annulus_consumer_max_message(r->rx)
                                             : annulus_producer_max_message(r->tx)));
}

static napi_value text(napi_env env, napi_callback_info info) {
  napi_value given[1], out = NULL;
  if (!arguments(env, info, 1, given, NULL)) return NULL;
  const char* const words = annulus_text((annulus_status)integer(env, given[0]));
  napi_create_string_utf8(env, words, NAPI_AUTO_LENGTH, &out);
  return out;
}

static napi_value remove_(napi_env env, napi_callback_info info) {
  char name[4096];
  napi_value given[2];
  annulus_error why;
  bool is_forced = false;
  if (!arguments(env, info, 2, given, NULL) || !name_of(env, given[0], name, sizeof name))
    return NULL;
  napi_get_value_bool(env, given[1], &is_forced);
  if (!annulus_remove(name, is_forced, &why)) fail(env, &why);
  return NULL;
}

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback call;
  } all[] = {{"openProducer", open_producer},
             {"openConsumer", open_consumer},
             {"close", close_},
             {"push", push},
             {"claim", claim},
             {"commit", commit},
             {"abort", abort_},
             {"read", read_},
             {"release", release},
             {"detach", detach},
             {"wait", wait_},
             {"interrupt", interrupt},
             {"peer", peer},
             {"maxMessage", max_message},
             {"text", text},
             {"remove", remove_}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i) {
    napi_value function = NULL;
    napi_create_function(env, all[i].name, NAPI_AUTO_LENGTH, all[i].call, NULL, &function);
    napi_set_named_property(env, exports, all[i].name, function);
  }
  return exports;
}
