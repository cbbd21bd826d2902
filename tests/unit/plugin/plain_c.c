/* An adapter in plain C11: the header must compile as C, and an adapter needs no C++. Its miner is imaginary.
 * PLAIN_C_TOMORROW builds it as if against a later minor version, whose structs have grown. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/adapter.h"

struct sluice_instance {
  const sluice_host* host;
  double target_w;
  int32_t asleep;
};

static sluice_text text(const char* from) {
  sluice_text to = {from, strlen(from)};
  return to;
}

static int32_t open_instance(const sluice_host* host, const sluice_settings* settings, sluice_instance** instance,
                             sluice_text* why) {
  if (settings->host.length == 0) {
    *why = text("it needs a host");
    return SLUICE_INVALID;
  }
  *instance = calloc(1, sizeof(sluice_instance));
  (*instance)->host = host;
  (*instance)->target_w = 1000;
  return SLUICE_OK;
}
static void close_instance(sluice_instance* instance) { free(instance); }
static int32_t identify(sluice_instance* instance, sluice_call* call, sluice_identity* identity) {
  (void)call;
  instance->host->log(instance->host->context, SLUICE_LOG_INFO, text("hello from C"));
  identity->firmware = text("Plain C 1.0");
  identity->model = text("Imaginary");
  identity->mac = text("");
  identity->serial = text("C-1");
  identity->hostname = text("");
  return SLUICE_OK;
}
static int32_t abilities(sluice_instance* instance, sluice_call* call, sluice_abilities* to) {
#ifdef PLAIN_C_TOMORROW
  static const struct {
    sluice_level today;
    double hashrate_ths;
  } levels[] = {{{500}, 21}, {{1000}, 43}, {{1500}, 60}};
#else
  static const sluice_level levels[] = {{500}, {1000}, {1500}};
#endif
  (void)instance;
  (void)call;
  to->envelope_kind = SLUICE_ENVELOPE_LEVELS;
  to->min_w = 500;
  to->max_w = 1500;
  to->levels = (const sluice_level*)levels;
  to->level_count = 3;
  to->level_size = sizeof levels[0];
  to->can_sleep = 1;
  return SLUICE_OK;
}
static int32_t poll(sluice_instance* instance, sluice_call* call, sluice_poll* to) {
  (void)call;
  to->state = instance->asleep ? SLUICE_STATE_ASLEEP : SLUICE_STATE_RUNNING;
  if (instance->target_w == 501) to->state = 99; /* a state of tomorrow, on demand */
  to->valid = SLUICE_POLL_POWER;
  to->power_w = instance->asleep ? 5 : instance->target_w;
  to->hashrate_ths = 99; /* not marked as valid: nobody may believe it */
  return SLUICE_OK;
}
static int32_t apply_target(sluice_instance* instance, sluice_call* call, double target_w, sluice_applied* applied) {
  if (target_w < 500) {
    call->text = text("too little");
    return SLUICE_INVALID;
  }
  instance->host->mark_sent(instance->host->context);
  instance->target_w = target_w;
  applied->target_w = target_w;
  applied->verified = 1;
  return SLUICE_OK;
}
static int32_t sleep_miner(sluice_instance* instance, sluice_call* call, sluice_applied* applied) {
  (void)call;
  instance->asleep = 1;
  applied->verified = 1;
  return SLUICE_OK;
}
static int32_t wake_miner(sluice_instance* instance, sluice_call* call, double target_w, sluice_applied* applied) {
  instance->asleep = 0;
  return apply_target(instance, call, target_w, applied);
}
#ifdef PLAIN_C_TOMORROW
static int32_t wake_miner_over_the_network(sluice_instance* instance, sluice_call* call, double target_w,
                                           sluice_applied* applied) {
  struct {
    sluice_tcp_exchange today;
    double tomorrow;
  } exchange = {{0}, 1.0};
  sluice_peer peer = {0};
  sluice_text reply = {0};
  peer.size = sizeof peer;
  peer.port = 4028;
  peer.host = text("127.0.0.1");
  exchange.today.size = sizeof exchange;
  exchange.today.peer = &peer;
  exchange.today.send = text("wake");
  exchange.today.deadline_ns = call->deadline_ns;
  const int32_t status = instance->host->tcp(instance->host->context, &exchange.today, &reply, &call->text);
  return status == SLUICE_OK ? wake_miner(instance, call, target_w, applied) : status;
}
#define wake_miner wake_miner_over_the_network
#endif
static void cancel(sluice_instance* instance) { (void)instance; }
static const void* get_extension(sluice_text id) {
  (void)id;
  return NULL;
}

const sluice_adapter* sluice_adapter_entry(int32_t host_abi_major) {
  static sluice_adapter table;
  if (host_abi_major != SLUICE_ABI_MAJOR) return NULL;
  table.size = PLAIN_C_TABLE_SIZE;
  table.abi_major = PLAIN_C_ABI_MAJOR;
  table.abi_minor = PLAIN_C_ABI_MINOR;
  table.id = text(PLAIN_C_ID);
  table.version = text("1.0");
  table.open = open_instance;
  table.close = close_instance;
  table.identify = identify;
  table.abilities = abilities;
  table.poll = poll;
  table.apply_target = apply_target;
  table.sleep = sleep_miner;
  table.wake = wake_miner;
  table.cancel = cancel;
  table.get_extension = get_extension;
  return &table;
}
