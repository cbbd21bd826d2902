#include "answers.hpp"

#include <nlohmann/json.hpp>

#include "common/ledger_view.hpp"
#include "common/money_report.hpp"
#include "common/reports.hpp"
#include "learning.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

constexpr std::size_t kMostDecisions = 512;

json failed(std::string text) { return {{"ok", false}, {"error", std::move(text)}}; }

json probe(const runtime::TickView& view, const std::string& name) {
  for (const auto& device : view.devices) {
    if (device->name == name) return {{"ok", true}, {"device", device_json(*device, view.snapshot->now)}};
  }
  for (std::size_t i = 0; i < view.miners.size(); ++i) {
    if (view.crew->workers[i]->name() == name) {
      return {{"ok", true}, {"miner", miner_json(*view.miners[i], name, view.snapshot->now)}};
    }
  }
  return failed("no device or miner is called " + name);
}

json park(runtime::Engine& engine, const std::string& miner, bool parked) {
  const Result<void> done = engine.park(miner, parked);
  return done ? json{{"ok", true}} : failed(done.error().text);
}

json status(const runtime::TickView& view, const Sidelights& sidelights) {
  json status = status_json(view, sidelights.history_degraded());
  const runtime::LedgerKeeper::Today today = sidelights.ledger();
  status["ledger"] = totals_json(today.totals);
  status["ledger"]["day"] = ledger::bucket_name(today.local_day, ledger::Bucket::day);
  status["ledger"]["degraded"] = today.degraded;
  status["money"] = money_json(*sidelights.market(), view.snapshot->wall, view.snapshot->wall_sane);
  return status;
}

json dispatch(const json& request, runtime::Engine& engine, const Sidelights& sidelights) {
  const std::string what = request.at("do").get<std::string>();
  const auto view = engine.view();
  if (!view) return failed("the daemon has just started and knows nothing yet");
  if (what == "status") return {{"ok", true}, {"status", status(*view, sidelights)}};
  if (what == "worth") return {{"ok", true}, {"worth", worth_json(*view)}};
  if (what == "why") {
    const auto count = std::min<std::size_t>(request.value("count", std::size_t{20}), kMostDecisions);
    return {{"ok", true}, {"decisions", why_json(engine.decisions(request.value("miner", ""), count))}};
  }
  if (what == "probe") return probe(*view, request.at("name").get<std::string>());
  if (what == "park") return park(engine, request.value("miner", ""), true);
  if (what == "release") return park(engine, request.value("miner", ""), false);
  if (what == "learn_plan") return learn_plan(*view, engine.state(), request.at("miner").get<std::string>());
  if (what == "learn") return learn(*view, engine, request.at("miner").get<std::string>());
  if (what == "learn_progress") return learn_progress(*view, engine, request.at("run").get<std::uint64_t>());
  if (what == "learn_stop") {
    engine.end_learning(request.at("run").get<std::uint64_t>());
    return {{"ok", true}};
  }
  return failed(
      "unknown request \"" + what +
      "\"; there are: status, worth, why, probe, park, release, learn_plan, learn, learn_progress, learn_stop");
}

}  // namespace

std::string answer(std::string_view request, runtime::Engine& engine, const Sidelights& sidelights) {
  json reply;
  try {
    reply = dispatch(json::parse(request), engine, sidelights);
  } catch (const json::exception& error) {
    reply = failed(std::string("the request is not understood: ") + error.what());
  }
  // Devices may say what is not UTF-8.
  return reply.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::cmd
