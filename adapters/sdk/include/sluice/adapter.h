/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_ADAPTER_H
#define SLUICE_ADAPTER_H
/*
 * The border between Sluice and a miner adapter, in plain C11.
 *
 * An adapter is a shared object that exports one symbol, `sluice_adapter_entry`, and lies beside a manifest of the same
 * name (`luxos.so`, `luxos.yaml`). C++ authors derive from the class in <sluice/adapter.hpp> and need not read on.
 *
 * Rules, for both sides:
 *  - Every struct begins with `size`, set by whoever owns its memory to sizeof of the struct as it knew it. Fields are
 *    only ever appended; a field beyond `size` does not exist. Never write beyond the `size` you were given. A table
 *    (`sluice_host`, `sluice_adapter`) with fewer functions than version 1.0 has is refused.
 *  - `abi_major` must be equal on both sides. Within one no field moves, changes its meaning or goes away; `abi_minor`
 *    counts what was appended, and 0 in an appended field means "not told".
 *  - Integers have fixed widths, enums travel as int32_t; an unknown status is a failure, an unknown state is unknown.
 *  - Text is (pointer, length), UTF-8, not terminated. Text and arrays given by an adapter stay valid until the next
 *    call on that instance; those given by the host until the next host call of the same name, or the end of the call.
 *  - Units end the names. Times are nanoseconds on the host's monotonic clock (`mono_ns`). No NaN and no infinity
 *    crosses: a value that is not known has its bit in `valid` cleared.
 *  - An instance is entered by one thread at a time. Only `cancel` comes from another, while a call runs.
 *  - No exception and no signal crosses. An adapter starts no process, never exits, changes nothing process-wide, and
 *    has no thread and no open file left after `close`.
 */
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_MAJOR 1
#define SLUICE_ABI_MINOR 1

typedef struct sluice_text {
  const char* data; /* may be null when length is 0 */
  uint64_t length;
} sluice_text;

/* How a call ended. What the host does next depends on it, so choose with care. */
typedef enum sluice_status {
  SLUICE_OK = 0,
  SLUICE_TIMEOUT = 1,      /* nothing came before the deadline */
  SLUICE_REFUSED = 2,      /* connection refused or closed: restarting or overloaded, back off */
  SLUICE_UNREACHABLE = 3,  /* name or address cannot be reached */
  SLUICE_PROTOCOL = 4,     /* an answer came and cannot be understood */
  SLUICE_REJECTED = 5,     /* the miner understood and said no; the text carries its reason */
  SLUICE_UNAUTHORIZED = 6, /* wrong or missing password */
  SLUICE_UNSUPPORTED = 7,  /* this miner does not have the ability: do not ask again */
  SLUICE_NOT_FOUND = 8,    /* the named thing does not exist */
  SLUICE_INVALID = 9,      /* bad settings or arguments */
  SLUICE_CANCELLED = 10,   /* ended by cancel */
  SLUICE_IO = 11,          /* operating system */
  SLUICE_INTERNAL = 12     /* a mistake of the adapter */
} sluice_status;

typedef enum sluice_state {
  SLUICE_STATE_UNKNOWN = 0,
  SLUICE_STATE_ASLEEP = 1,   /* paused by its firmware, draws standby watts */
  SLUICE_STATE_WAKING = 2,   /* on its way to hashing */
  SLUICE_STATE_RUNNING = 3,  /* hashing, also while its tuner works */
  SLUICE_STATE_STOPPING = 4, /* on its way to sleep */
  SLUICE_STATE_FAULT = 5     /* reports a failure and does not hash */
} sluice_state;

typedef enum sluice_envelope_kind {
  SLUICE_ENVELOPE_UNKNOWN = 0,
  SLUICE_ENVELOPE_RANGE = 1, /* any target in [min_w, max_w], in steps of step_w */
  SLUICE_ENVELOPE_LEVELS = 2 /* only the listed levels */
} sluice_envelope_kind;

typedef enum sluice_log_level {
  SLUICE_LOG_DEBUG = 0,
  SLUICE_LOG_INFO = 1,
  SLUICE_LOG_WARNING = 2,
  SLUICE_LOG_ERROR = 3
} sluice_log_level;

/* ---- What the host lends -------------------------------------------------------------------------------------- */

/* Where to connect, and how gently. Spacing and back-off are kept per host and port by the host. */
typedef struct sluice_peer {
  uint32_t size;
  uint32_t port; /* 1..65535 */
  sluice_text host;
  int64_t min_spacing_ms;     /* least time between two connects; a call waits for its turn */
  int64_t refused_backoff_ms; /* after a refused connect calls fail at once for this long, then twice as long */
  int32_t ignore_backoff;     /* 1: a stop that must be tried now; the spacing still holds */
  int32_t is_command;         /* 1: this exchange changes the miner; its first byte is the command's sent time */
} sluice_peer;

typedef struct sluice_tcp_exchange {
  uint32_t size;
  uint32_t reply_limit; /* bytes, 0 = 1 MiB; a longer reply is a protocol error */
  const sluice_peer* peer;
  sluice_text send;
  int64_t deadline_ns;
} sluice_tcp_exchange;

typedef struct sluice_header {
  sluice_text name;
  sluice_text value;
} sluice_header;

typedef struct sluice_http_request {
  uint32_t size;
  uint32_t reply_limit; /* bytes of the body, 0 = 1 MiB */
  const sluice_peer* peer;
  sluice_text method; /* "GET", "POST", ... */
  sluice_text path;   /* "/api/v1/info" */
  const sluice_header* headers;
  uint32_t header_count;
  uint32_t header_size; /* sizeof(sluice_header) of the caller */
  sluice_text body;
  int64_t deadline_ns;
} sluice_http_request;

typedef struct sluice_http_reply {
  uint32_t size;
  int32_t status; /* 100..599; any status is SLUICE_OK of the call */
  sluice_text body;
} sluice_http_reply;

/* All functions take `context` first. None may be called after `close` returned, nor from another thread than the one
 * that is inside the instance, except `log` and `mono_ns`. No host call outlives the deadline of the adapter's own
 * call, whatever deadline it is given. Where a function has `error`, it is filled when the status is not SLUICE_OK. */
typedef struct sluice_host {
  uint32_t size;
  int32_t abi_major;
  int32_t abi_minor;
  uint32_t reserved;
  void* context;
  int64_t (*mono_ns)(void* context);
  /* One line. The host adds the miner's name and blots out secrets it lent. */
  void (*log)(void* context, int32_t level, sluice_text text);
  /* Waits on the host's clock; SLUICE_CANCELLED when cancelled, SLUICE_TIMEOUT when the call's deadline came first. */
  int32_t (*wait_until)(void* context, int64_t time_ns);
  /* Connects, sends, reads until the peer closes. */
  int32_t (*tcp)(void* context, const sluice_tcp_exchange* exchange, sluice_text* reply, sluice_text* error);
  int32_t (*http)(void* context, const sluice_http_request* request, sluice_http_reply* reply, sluice_text* error);
  /* For adapters that own their I/O: the first byte of a command is being written now. */
  void (*mark_sent)(void* context);
  /* The secret behind a handle of the settings. Ask each time it is needed, never keep or log it. */
  int32_t (*secret)(void* context, uint64_t handle, sluice_text* value, sluice_text* error);
  /* A small opaque text that survives restarts of the daemon (at most 4096 bytes), empty at first. */
  sluice_text (*state_get)(void* context);
  void (*state_set)(void* context, sluice_text state);
  /* Optional abilities of the host, by id; null when it has none of that name. */
  const void* (*get_extension)(void* context, sluice_text id);
} sluice_host;

/* ---- What the adapter gives ----------------------------------------------------------------------------------- */

typedef struct sluice_option {
  sluice_text name;
  sluice_text value; /* as the owner wrote it, checked against the manifest's type */
} sluice_option;

typedef struct sluice_settings {
  uint32_t size;
  uint32_t port; /* 0 = the firmware's own */
  sluice_text name;
  sluice_text host;
  sluice_text username;
  uint64_t password; /* handle for sluice_host.secret; 0 = the owner gave none */
  const sluice_option* options;
  uint32_t option_count;
  uint32_t option_size; /* sizeof(sluice_option) of the host */
} sluice_settings;

/* Bits of sluice_call.flags; one that you do not know you may ignore. */

/* Of `identify`: the host only wants to send this miner to sleep, at once. Read who it is and nothing that can wait;
 * the abilities may stay unknown until the next `identify` without this bit. */
#define SLUICE_CALL_STOP_NEXT (UINT32_C(1) << 0)

/* Given to every call. `text` is for the adapter to fill when it fails: why, in words for the owner. */
typedef struct sluice_call {
  uint32_t size;
  uint32_t flags;
  int64_t deadline_ns;
  sluice_text text;
} sluice_call;

typedef struct sluice_identity {
  uint32_t size;
  uint32_t reserved;
  sluice_text firmware; /* "LuxOS 2025.4.8" */
  sluice_text model;
  sluice_text mac;    /* lower case with colons; empty when the firmware does not tell */
  sluice_text serial; /* empty when the firmware does not tell */
  sluice_text hostname;
} sluice_identity;

typedef struct sluice_level {
  double power_w;
} sluice_level;

/* What one power brings, by the firmware's own table. */
typedef struct sluice_working_point {
  double power_w;
  double hashrate_ths;
} sluice_working_point;

typedef struct sluice_abilities {
  uint32_t size;
  int32_t envelope_kind; /* sluice_envelope_kind */
  double min_w;
  double max_w;
  double step_w;              /* of a range, > 0 */
  const sluice_level* levels; /* of levels: ascending, at most 96 */
  uint32_t level_count;
  uint32_t level_size; /* sizeof(sluice_level) of the adapter */
  int32_t can_sleep;
  int32_t writes_per_day; /* 0 = no limit known */
  int64_t dead_time_ms;   /* command sent to power moving */
  int64_t ramp_up_ms;     /* smallest to largest power */
  int64_t ramp_down_ms;
  int64_t stop_ms;        /* largest power to asleep; 0 = as ramp_down_ms */
  int64_t wake_ms;        /* wake command to smallest power */
  int64_t retarget_up_ms; /* least time between two raised targets */
  int64_t retarget_down_ms;
  double sleep_power_w;
  /* Since 1.1: both ascending, at most 96; no points = not told. Never estimated by the adapter. */
  const sluice_working_point* points;
  uint32_t point_count;
  uint32_t point_size; /* sizeof(sluice_working_point) of the adapter */
} sluice_abilities;

/* Bits of sluice_poll.valid */
#define SLUICE_POLL_POWER (UINT64_C(1) << 0)
#define SLUICE_POLL_TARGET (UINT64_C(1) << 1)
#define SLUICE_POLL_HASHRATE (UINT64_C(1) << 2)
#define SLUICE_POLL_NOMINAL_HASHRATE (UINT64_C(1) << 3)
#define SLUICE_POLL_TEMPERATURE (UINT64_C(1) << 4)
#define SLUICE_POLL_POOL_ALIVE (UINT64_C(1) << 5)
#define SLUICE_POLL_UPTIME (UINT64_C(1) << 6)

typedef struct sluice_poll {
  uint32_t size;
  int32_t state; /* sluice_state */
  uint64_t valid;
  double power_w;
  double target_w; /* in force, on the scale of the envelope */
  double hashrate_ths;
  double nominal_hashrate_ths; /* expected at the present working point */
  double temperature_c;        /* hottest chip or board */
  int64_t uptime_ms;           /* of the mining process; going backwards = it restarted */
  int32_t pool_alive;
  int32_t power_measured; /* a power supply measured the watts; 0 = estimated */
  int32_t tuning;
  uint32_t reserved;
  sluice_text note; /* the firmware's own words on a fault; empty otherwise */
} sluice_poll;

typedef struct sluice_applied {
  uint32_t size;
  int32_t verified; /* read back and equal */
  double target_w;  /* what the firmware accepted */
} sluice_applied;

typedef struct sluice_instance sluice_instance;

/* The adapter's table. It lives as long as the library is loaded. All but `open`, `close` and `cancel` end by
 * call->deadline_ns. */
typedef struct sluice_adapter {
  uint32_t size;
  int32_t abi_major;
  int32_t abi_minor;
  uint32_t reserved;
  sluice_text id;      /* equal to the manifest's */
  sluice_text version; /* of the adapter */
  /* Checks settings, talks to nobody. `host` stays valid until `close` returned; `settings` only during the call. On
   * failure *text says why. Where *instance is set, also on failure, the host calls `close` on it, and the text stays
   * valid until then. */
  int32_t (*open)(const sluice_host* host, const sluice_settings* settings, sluice_instance** instance,
                  sluice_text* text);
  void (*close)(sluice_instance* instance);
  /* Reads who is there and what it can do. Succeeds once before the following are called, and again after a reboot. */
  int32_t (*identify)(sluice_instance* instance, sluice_call* call, sluice_identity* identity);
  /* As of the last `identify`, or as refreshed by `poll`. Talks to nobody. */
  int32_t (*abilities)(sluice_instance* instance, sluice_call* call, sluice_abilities* abilities);
  int32_t (*poll)(sluice_instance* instance, sluice_call* call, sluice_poll* poll);
  /* A target below the smallest is SLUICE_INVALID; between two levels the lower one is taken. */
  int32_t (*apply_target)(sluice_instance* instance, sluice_call* call, double target_w, sluice_applied* applied);
  int32_t (*sleep)(sluice_instance* instance, sluice_call* call, sluice_applied* applied);
  int32_t (*wake)(sluice_instance* instance, sluice_call* call, double target_w, sluice_applied* applied);
  /* From any thread. Host calls end by themselves; an adapter that owns its I/O ends it here, within 100 ms. */
  void (*cancel)(sluice_instance* instance);
  /* Optional abilities of the adapter, by id; null when it has none of that name. */
  const void* (*get_extension)(sluice_text id);
} sluice_adapter;

#define SLUICE_EXPORT __attribute__((visibility("default")))

/* Returns the table, or null when the adapter cannot serve a host of this major version. */
SLUICE_EXPORT const sluice_adapter* sluice_adapter_entry(int32_t host_abi_major);

#ifdef __cplusplus
}
#endif
#endif
