#include "house/firmware/cgminer_api.hpp"

#include <nlohmann/json.hpp>

#include "base/time.hpp"

namespace sluice::house {

using nlohmann::json;

std::size_t json_object_size(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth <= 0) {
      return i + 1;
    }
  }
  return 0;
}

std::size_t CgminerProtocol::request_size(std::string_view received, bool at_end) const {
  const std::size_t size = json_object_size(received);
  return size == 0 && at_end ? received.size() : size;
}

TcpAnswer CgminerProtocol::answer(std::string_view request) {
  const json parsed = json::parse(request, nullptr, false);
  json reply;
  if (parsed.is_discarded() || !parsed.is_object()) {
    reply = error(23, "Invalid JSON");
  } else if (!parsed.contains("command") || !parsed["command"].is_string()) {
    reply = error(24, "Missing JSON 'command'");
  } else {
    const std::string command = parsed["command"];
    const json parameter = parsed.value("parameter", json(""));
    const std::string text = parameter.is_string() ? parameter.get<std::string>() : parameter.dump();
    if (command.find('+') == std::string::npos) {
      reply = run(command, text);
    } else {
      for (std::size_t from = 0; from <= command.size();) {
        const std::size_t plus = std::min(command.find('+', from), command.size());
        const std::string one = command.substr(from, plus - from);
        reply[one] = json::array({run(one, "")});
        from = plus + 1;
      }
      reply["id"] = 1;
    }
  }
  if (reply.is_null()) return {};
  std::string bytes = reply.dump();
  if (trailing_nul_) bytes.push_back('\0');
  return {std::move(bytes), false};
}

json CgminerProtocol::status(char letter, int code, const std::string& message) const {
  const json status = {{"STATUS", std::string(1, letter)},
                       {"When", unix_ms(clock_.wall_now()) / 1000},
                       {"Code", code},
                       {"Msg", message},
                       {"Description", description_}};
  return {{"STATUS", json::array({status})}, {"id", 1}};
}

json CgminerProtocol::success(int code, const std::string& message) const { return status('S', code, message); }
json CgminerProtocol::error(int code, const std::string& message) const { return status('E', code, message); }
json CgminerProtocol::unknown_command() const { return error(14, "Invalid command"); }

}  // namespace sluice::house
