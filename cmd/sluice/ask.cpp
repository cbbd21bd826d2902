#include "ask.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "exit_codes.hpp"
#include "view.hpp"
#include "web/line_client.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

int complain(const Error& error) {
  fmt::print(stderr, "sluice: {}\n", error.text);
  return kExitFailed;
}

}  // namespace

Result<json> ask_daemon(const std::string& socket, const json& request) {
  const Result<std::string> line = web::ask(socket, request.dump());
  if (!line) return tl::unexpected(line.error());
  json reply = json::parse(*line, nullptr, false);
  if (reply.is_discarded() || !reply.contains("ok")) {
    return fail(ErrorKind::protocol, "{} answers, but not as sluiced does", socket);
  }
  if (!reply["ok"].get<bool>()) return fail(ErrorKind::rejected, "{}", reply.value("error", "refused"));
  return reply;
}

int show_status(const std::string& socket, bool as_json) {
  const Result<json> reply = ask_daemon(socket, {{"do", "status"}});
  if (!reply) return complain(reply.error());
  const json& status = reply->at("status");
  fmt::print("{}\n", as_json ? status.dump(2) : status_text(status));
  return kExitOk;
}

int watch_status(const std::string& socket, bool as_json, int count) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  Screen screen(isatty(STDOUT_FILENO) != 0 && !as_json);
  for (int shown = 0; count <= 0 || shown < count; ++shown) {
    const timespec pause{1, 0};
    if (shown > 0 && sigtimedwait(&ends, nullptr, &pause) > 0) break;
    const Result<json> reply = ask_daemon(socket, {{"do", "status"}});
    if (!reply) return complain(reply.error());
    const json& status = reply->at("status");
    screen.show(as_json ? status.dump() : status_text(status));
  }
  return kExitOk;
}

int show_why(const std::string& socket, const std::string& miner, int count, bool as_json) {
  const Result<json> reply = ask_daemon(socket, {{"do", "why"}, {"miner", miner}, {"count", count}});
  if (!reply) return complain(reply.error());
  const json& decisions = reply->at("decisions");
  if (as_json) {
    fmt::print("{}\n", decisions.dump(2));
    return kExitOk;
  }
  for (auto entry = decisions.rbegin(); entry != decisions.rend(); ++entry) fmt::print("{}\n", decision_text(*entry));
  return kExitOk;
}

int park(const std::string& socket, const std::string& miner, bool parked) {
  const Result<json> reply = ask_daemon(socket, {{"do", parked ? "park" : "release"}, {"miner", miner}});
  if (!reply && parked && reply.error().kind == ErrorKind::not_found) {
    return complain({ErrorKind::not_found, reply.error().text + "; what one that died left running or held ends with " +
                                               "sluice park --if-unclean"});
  }
  if (!reply) return complain(reply.error());
  fmt::print("{} {}\n", miner.empty() ? "all miners" : miner, parked ? "will sleep until released" : "may run again");
  return kExitOk;
}

}  // namespace sluice::cmd
