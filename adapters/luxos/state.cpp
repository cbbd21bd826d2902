#include "luxos/state.hpp"

#include <nlohmann/json.hpp>

namespace sluice::luxos {

using nlohmann::json;

std::string Kept::to_text() const {
  if (session.empty() && !atm) return {};
  json object;
  if (!session.empty()) object["session"] = session;
  if (atm) object["atm"] = {{"min_profile", atm->min_profile}, {"max_profile", atm->max_profile}};
  return object.dump();
}

Kept Kept::from_text(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Kept kept;
  if (!object.is_object()) return kept;
  const auto text_of = [](const json& from, const char* key) {
    return from.contains(key) && from[key].is_string() ? from[key].get<std::string>() : std::string();
  };
  kept.session = text_of(object, "session");
  if (object.contains("atm") && object["atm"].is_object()) {
    kept.atm = KeptAtm{text_of(object["atm"], "min_profile"), text_of(object["atm"], "max_profile")};
  }
  return kept;
}

}  // namespace sluice::luxos
