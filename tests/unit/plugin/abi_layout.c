/* The layout of version 1.0, as frozen: within a major version nothing below may change. A field that is appended gets
 * a line of its own, and what it is appended to keeps all lines but SIZE. Sizes are those of 64-bit machines; on 32-bit
 * ones the same order of the same fields follows from the same header. */
#include <stddef.h>

#include "sluice/adapter.h"

#if UINTPTR_MAX == 0xffffffffffffffff
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")

AT(sluice_text, data, 0);
AT(sluice_text, length, 8);
SIZE(sluice_text, 16);

AT(sluice_peer, size, 0);
AT(sluice_peer, port, 4);
AT(sluice_peer, host, 8);
AT(sluice_peer, min_spacing_ms, 24);
AT(sluice_peer, refused_backoff_ms, 32);
AT(sluice_peer, ignore_backoff, 40);
AT(sluice_peer, is_command, 44);
SIZE(sluice_peer, 48);

AT(sluice_tcp_exchange, size, 0);
AT(sluice_tcp_exchange, reply_limit, 4);
AT(sluice_tcp_exchange, peer, 8);
AT(sluice_tcp_exchange, send, 16);
AT(sluice_tcp_exchange, deadline_ns, 32);
SIZE(sluice_tcp_exchange, 40);

AT(sluice_header, name, 0);
AT(sluice_header, value, 16);
SIZE(sluice_header, 32);

AT(sluice_http_request, size, 0);
AT(sluice_http_request, reply_limit, 4);
AT(sluice_http_request, peer, 8);
AT(sluice_http_request, method, 16);
AT(sluice_http_request, path, 32);
AT(sluice_http_request, headers, 48);
AT(sluice_http_request, header_count, 56);
AT(sluice_http_request, header_size, 60);
AT(sluice_http_request, body, 64);
AT(sluice_http_request, deadline_ns, 80);
SIZE(sluice_http_request, 88);

AT(sluice_http_reply, size, 0);
AT(sluice_http_reply, status, 4);
AT(sluice_http_reply, body, 8);
SIZE(sluice_http_reply, 24);

AT(sluice_host, size, 0);
AT(sluice_host, abi_major, 4);
AT(sluice_host, abi_minor, 8);
AT(sluice_host, reserved, 12);
AT(sluice_host, context, 16);
AT(sluice_host, mono_ns, 24);
AT(sluice_host, log, 32);
AT(sluice_host, wait_until, 40);
AT(sluice_host, tcp, 48);
AT(sluice_host, http, 56);
AT(sluice_host, mark_sent, 64);
AT(sluice_host, secret, 72);
AT(sluice_host, state_get, 80);
AT(sluice_host, state_set, 88);
AT(sluice_host, get_extension, 96);
SIZE(sluice_host, 104);

AT(sluice_option, name, 0);
AT(sluice_option, value, 16);
SIZE(sluice_option, 32);

AT(sluice_settings, size, 0);
AT(sluice_settings, port, 4);
AT(sluice_settings, name, 8);
AT(sluice_settings, host, 24);
AT(sluice_settings, username, 40);
AT(sluice_settings, password, 56);
AT(sluice_settings, options, 64);
AT(sluice_settings, option_count, 72);
AT(sluice_settings, option_size, 76);
SIZE(sluice_settings, 80);

AT(sluice_call, size, 0);
AT(sluice_call, flags, 4);
AT(sluice_call, deadline_ns, 8);
AT(sluice_call, text, 16);
SIZE(sluice_call, 32);

AT(sluice_identity, size, 0);
AT(sluice_identity, reserved, 4);
AT(sluice_identity, firmware, 8);
AT(sluice_identity, model, 24);
AT(sluice_identity, mac, 40);
AT(sluice_identity, serial, 56);
AT(sluice_identity, hostname, 72);
SIZE(sluice_identity, 88);

AT(sluice_level, power_w, 0);
SIZE(sluice_level, 8);

AT(sluice_abilities, size, 0);
AT(sluice_abilities, envelope_kind, 4);
AT(sluice_abilities, min_w, 8);
AT(sluice_abilities, max_w, 16);
AT(sluice_abilities, step_w, 24);
AT(sluice_abilities, levels, 32);
AT(sluice_abilities, level_count, 40);
AT(sluice_abilities, level_size, 44);
AT(sluice_abilities, can_sleep, 48);
AT(sluice_abilities, writes_per_day, 52);
AT(sluice_abilities, dead_time_ms, 56);
AT(sluice_abilities, ramp_up_ms, 64);
AT(sluice_abilities, ramp_down_ms, 72);
AT(sluice_abilities, stop_ms, 80);
AT(sluice_abilities, wake_ms, 88);
AT(sluice_abilities, retarget_up_ms, 96);
AT(sluice_abilities, retarget_down_ms, 104);
AT(sluice_abilities, sleep_power_w, 112);
AT(sluice_abilities, points, 120);
AT(sluice_abilities, point_count, 128);
AT(sluice_abilities, point_size, 132);
SIZE(sluice_abilities, 136);

AT(sluice_working_point, power_w, 0);
AT(sluice_working_point, hashrate_ths, 8);
SIZE(sluice_working_point, 16);

AT(sluice_poll, size, 0);
AT(sluice_poll, state, 4);
AT(sluice_poll, valid, 8);
AT(sluice_poll, power_w, 16);
AT(sluice_poll, target_w, 24);
AT(sluice_poll, hashrate_ths, 32);
AT(sluice_poll, nominal_hashrate_ths, 40);
AT(sluice_poll, temperature_c, 48);
AT(sluice_poll, uptime_ms, 56);
AT(sluice_poll, pool_alive, 64);
AT(sluice_poll, power_measured, 68);
AT(sluice_poll, tuning, 72);
AT(sluice_poll, reserved, 76);
AT(sluice_poll, note, 80);
SIZE(sluice_poll, 96);

AT(sluice_applied, size, 0);
AT(sluice_applied, verified, 4);
AT(sluice_applied, target_w, 8);
SIZE(sluice_applied, 16);

AT(sluice_adapter, size, 0);
AT(sluice_adapter, abi_major, 4);
AT(sluice_adapter, abi_minor, 8);
AT(sluice_adapter, reserved, 12);
AT(sluice_adapter, id, 16);
AT(sluice_adapter, version, 32);
AT(sluice_adapter, open, 48);
AT(sluice_adapter, close, 56);
AT(sluice_adapter, identify, 64);
AT(sluice_adapter, abilities, 72);
AT(sluice_adapter, poll, 80);
AT(sluice_adapter, apply_target, 88);
AT(sluice_adapter, sleep, 96);
AT(sluice_adapter, wake, 104);
AT(sluice_adapter, cancel, 112);
AT(sluice_adapter, get_extension, 120);
SIZE(sluice_adapter, 128);

#endif

_Static_assert(SLUICE_ABI_MAJOR == 1, "another major version is another interface: begin this list anew");

/* Numbers that travel. */
_Static_assert(SLUICE_OK == 0, "");
_Static_assert(SLUICE_TIMEOUT == 1, "");
_Static_assert(SLUICE_REFUSED == 2, "");
_Static_assert(SLUICE_UNREACHABLE == 3, "");
_Static_assert(SLUICE_PROTOCOL == 4, "");
_Static_assert(SLUICE_REJECTED == 5, "");
_Static_assert(SLUICE_UNAUTHORIZED == 6, "");
_Static_assert(SLUICE_UNSUPPORTED == 7, "");
_Static_assert(SLUICE_NOT_FOUND == 8, "");
_Static_assert(SLUICE_INVALID == 9, "");
_Static_assert(SLUICE_CANCELLED == 10, "");
_Static_assert(SLUICE_IO == 11, "");
_Static_assert(SLUICE_INTERNAL == 12, "");
_Static_assert(SLUICE_STATE_UNKNOWN == 0, "");
_Static_assert(SLUICE_STATE_ASLEEP == 1, "");
_Static_assert(SLUICE_STATE_WAKING == 2, "");
_Static_assert(SLUICE_STATE_RUNNING == 3, "");
_Static_assert(SLUICE_STATE_STOPPING == 4, "");
_Static_assert(SLUICE_STATE_FAULT == 5, "");
_Static_assert(SLUICE_ENVELOPE_UNKNOWN == 0, "");
_Static_assert(SLUICE_ENVELOPE_RANGE == 1, "");
_Static_assert(SLUICE_ENVELOPE_LEVELS == 2, "");
_Static_assert(SLUICE_LOG_DEBUG == 0, "");
_Static_assert(SLUICE_LOG_INFO == 1, "");
_Static_assert(SLUICE_LOG_WARNING == 2, "");
_Static_assert(SLUICE_LOG_ERROR == 3, "");
_Static_assert(SLUICE_CALL_STOP_NEXT == UINT64_C(1) << 0, "");
_Static_assert(SLUICE_POLL_POWER == UINT64_C(1) << 0, "");
_Static_assert(SLUICE_POLL_TARGET == UINT64_C(1) << 1, "");
_Static_assert(SLUICE_POLL_HASHRATE == UINT64_C(1) << 2, "");
_Static_assert(SLUICE_POLL_NOMINAL_HASHRATE == UINT64_C(1) << 3, "");
_Static_assert(SLUICE_POLL_TEMPERATURE == UINT64_C(1) << 4, "");
_Static_assert(SLUICE_POLL_POOL_ALIVE == UINT64_C(1) << 5, "");
_Static_assert(SLUICE_POLL_UPTIME == UINT64_C(1) << 6, "");
