#include "breakeven.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "ask.hpp"
#include "exit_codes.hpp"
#include "model/worth.hpp"
#include "tariff/worth.hpp"

namespace sluice::cmd {
namespace {

using nlohmann::json;

constexpr double kTeraPerPeta = 1000.0;
constexpr const char* kGiven = "given";  // on the command line

/// One curve that is looked at.
struct Subject {
  std::string name, source;
  WorkingCurve curve;
  Watts min{}, max{};  ///< what it may be run at
  PricePerKwh heat{};
};

/// Everything that the table is made of.
struct Question {
  std::string currency;
  std::optional<tariff::Network> network;
  PricePerThsDay gross, net;  ///< before and after the pool's fee
  std::string hash_price_source;
  std::optional<PricePerKwh> price;
  std::string price_source;
  std::vector<Subject> subjects;
};

int refuse(const std::string& text) {
  fmt::print(stderr, "sluice breakeven: {}{}", text, text.ends_with('\n') ? "" : "\n");
  return kExitBadInput;
}

bool given(double value) { return !std::isnan(value); }

/// "2000:75,3000:100".
Result<WorkingCurve> parse_curve(const std::string& text) {
  WorkingCurve curve;
  const char* at = text.c_str();
  while (true) {
    char* end = nullptr;
    const double watts = std::strtod(at, &end);
    if (end == at || *end != ':') break;
    at = end + 1;
    const double hashrate = std::strtod(at, &end);
    if (end == at || (*end != '\0' && *end != ',')) break;
    if (!curve.push_back({Watts(watts), TeraHashes(hashrate)})) {
      return fail(ErrorKind::invalid, "--curve: more than {} points", kMaxWorkingPoints);
    }
    if (*end == '\0') {
      if (const std::string fault = curve_fault(curve); !fault.empty())
        return fail(ErrorKind::invalid, "--curve {}", fault);
      return curve;
    }
    at = end + 1;
  }
  return fail(ErrorKind::invalid, "--curve {}: write watts:TH/s, as 2000:75,3000:100", text);
}

Subject subject(std::string name, std::string source, const WorkingCurve& curve) {
  return {std::move(name), std::move(source), curve, curve[0].power, curve.back().power, {}};
}

/// What the options say, without daemon and configuration.
Result<void> from_options(const BreakevenOptions& options, Question& question) {
  if (!options.curve.empty()) {
    const Result<WorkingCurve> curve = parse_curve(options.curve);
    if (!curve) return tl::unexpected(curve.error());
    question.subjects.push_back(subject("curve", kGiven, *curve));
  }
  for (const double joules : options.joules_per_th) {
    question.subjects.push_back(subject(fmt::format("{:g} J/TH", joules), kGiven, tariff::flat_curve(joules)));
  }
  if (given(options.price)) {
    question.price = PricePerKwh(options.price);
    question.price_source = kGiven;
  }
  const double left = 1.0 - (given(options.pool_fee_pct) ? options.pool_fee_pct / 100.0 : 0.0);
  const bool network = given(options.difficulty) && given(options.reward_sat) && given(options.coin_price);
  if (given(options.hash_price)) {
    question.gross = PricePerThsDay(options.hash_price);
  } else if (network) {
    question.network = tariff::Network{options.difficulty, options.reward_sat + options.fees_sat};
    question.gross = tariff::hash_price(*question.network, options.coin_price, 0.0);
  } else if (given(options.difficulty) || given(options.reward_sat) || given(options.coin_price)) {
    return fail(ErrorKind::invalid, "--difficulty, --reward-sat and --btc-price are needed together");
  } else {
    return {};
  }
  question.net = question.gross * left;
  question.hash_price_source = kGiven;
  return {};
}

double number_or(const json& from, const char* key, double fallback) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number() ? found->get<double>() : fallback;
}

/// Fills what is still open with what the running daemon goes by. False: none runs.
bool from_daemon(const BreakevenOptions& options, bool own_subjects, Question& question) {
  const Result<json> reply = ask_daemon(options.socket, {{"do", "worth"}});
  if (!reply) return false;
  const json& worth = reply->at("worth");
  const double hash_price = number_or(worth, "hash_price_per_ths_day", BreakevenOptions::kNotGiven);
  if (question.hash_price_source.empty() && given(hash_price)) {
    question.gross = question.net = PricePerThsDay(hash_price);
    question.hash_price_source = "of the daemon, pool fee taken off";
  }
  const double price = number_or(worth, "import_price_per_kwh", BreakevenOptions::kNotGiven);
  if (!question.price && given(price)) {
    question.price = PricePerKwh(price);
    question.price_source = "now";
  }
  for (const json& miner : own_subjects ? worth.at("miners") : json::array()) {
    Subject one;
    one.name = miner.at("name").get<std::string>();
    one.source = miner.at("curve_source").get<std::string>();
    one.heat = PricePerKwh(number_or(miner, "heat_value_per_kwh", 0.0));
    for (const json& point : miner.at("curve"))
      one.curve.push_back({Watts(point.at(0).get<double>()), TeraHashes(point.at(1).get<double>())});
    const bool known = !one.curve.empty();
    one.min = Watts(number_or(miner, "min_w", known ? one.curve[0].power.value() : 0.0));
    one.max = Watts(number_or(miner, "max_w", known ? one.curve.back().power.value() : 0.0));
    question.subjects.push_back(std::move(one));
  }
  return true;
}

/// The curves that stand in the file.
Result<void> from_config(const BreakevenOptions& options, bool own_subjects, Question& question) {
  const Result<LoadedConfig> loaded = load_config(options.config_file, options.folders);
  if (!loaded) return tl::unexpected(loaded.error());
  if (!loaded->result.ok()) return fail(ErrorKind::invalid, "{}", config::format_all(loaded->result));
  const config::Config& config = *loaded->result.config;
  if (question.currency.empty()) question.currency = config.currency;
  const Site site = config::to_site(config);
  for (std::size_t i = 0; own_subjects && i < site.miners.size(); ++i) {
    const MinerSite& miner = site.miners[i];
    Subject one{miner.name,      config.miners[i].curve.empty() ? "J/TH of the configuration" : "of the configuration",
                miner.curve,     miner.min_power,
                miner.max_power, {}};
    if (!one.curve.empty()) {
      if (one.min == Watts(0.0)) one.min = one.curve[0].power;
      if (one.max == Watts(0.0)) one.max = one.curve.back().power;
    }
    question.subjects.push_back(std::move(one));
  }
  return {};
}

/// What it earns in a day beyond its energy, when it runs at `power` all day.
double earned_a_day(const Subject& subject, const Question& question, Watts power) {
  return question.net.value() * hashrate_at(subject.curve, power).value() +
         (subject.heat - *question.price).value() * power.value() * 24.0 / 1000.0;
}

json point_json(const tariff::BreakEven& row) {
  return {{"power_w", row.point.power.value()},
          {"hashrate_ths", row.point.hashrate.value()},
          {"j_per_th", row.joules_per_th},
          {"break_even_per_kwh", row.average.value()},
          {"marginal_per_kwh", row.marginal.value()}};
}

json subject_json(const Subject& subject, const Question& question) {
  json out{{"name", subject.name},
           {"curve_source", subject.source},
           {"heat_value_per_kwh", subject.heat.value()},
           {"points", json::array()}};
  for (const auto& row : tariff::break_even(subject.curve, question.net, subject.heat))
    out["points"].push_back(point_json(row));
  if (question.price && !subject.curve.empty()) {
    const Watts worth =
        highest_worth(subject.curve, question.net, subject.heat, *question.price, subject.min, subject.max);
    out["worth_w"] = worth.value();
    out["earned_per_day"] = earned_a_day(subject, question, worth);
  }
  return out;
}

json answer_json(const Question& question) {
  json out{{"currency", question.currency},
           {"hash_price_per_ths_day", question.net.value()},
           {"hash_price_before_fee_per_ths_day", question.gross.value()},
           {"miners", json::array()}};
  out["price_per_kwh"] = question.price ? json(question.price->value()) : json(nullptr);
  if (question.network) out["sat_per_ths_day"] = tariff::sats_per_ths_day(*question.network);
  for (const Subject& subject : question.subjects) out["miners"].push_back(subject_json(subject, question));
  return out;
}

std::string heading(const Question& question) {
  const auto per_peta = [](PricePerThsDay price) { return price.value() * kTeraPerPeta; };
  std::string text = fmt::format("Hash price {:.2f} {}/PH/day ({})", per_peta(question.gross), question.currency,
                                 question.hash_price_source);
  if (question.network) {
    text += fmt::format(", {:.5f} sat/TH/day at {:.1f} EH/s", tariff::sats_per_ths_day(*question.network),
                        tariff::network_hashes_per_s(*question.network) / 1e18);
  }
  if (question.net != question.gross) text += fmt::format(", {:.2f} after the pool's fee", per_peta(question.net));
  return text + fmt::format(".\nWhat a kWh may cost at most, {}: all that a point draws, and the step up to it.\n",
                            question.currency);
}

/// What the price means for this miner.
std::string verdict(const Subject& subject, const Question& question) {
  const Watts worth =
      highest_worth(subject.curve, question.net, subject.heat, *question.price, subject.min, subject.max);
  const std::string at = fmt::format("  at {:.4f} ({}): ", question.price->value(), question.price_source);
  if (worth == Watts(0.0)) return at + "stays asleep, no working point is worth it\n";
  const double earned = earned_a_day(subject, question, worth);
  return at + fmt::format("{:.0f} W pay{}, {:.2f} a day beyond the energy\n", worth.value(),
                          worth < subject.max ? ", more does not" : "", earned);
}

constexpr const char* kRow = "{:>9} {:>8} {:>7} {:>9} {:>9}{}\n";

std::string header() { return fmt::format(kRow, "power", "TH/s", "J/TH", "average", "step", ""); }

/// The same at every power: a row is all there is to say.
bool flat(const Subject& subject) { return subject.curve.size() == 1; }

std::string flat_row(const Subject& subject, const Question& question) {
  const tariff::BreakEven row = tariff::break_even(subject.curve, question.net, subject.heat)[0];
  std::string pays;
  if (question.price) {
    const bool worth = highest_worth(subject.curve, question.net, subject.heat, *question.price, subject.curve[0].power,
                                     subject.curve[0].power) > Watts(0.0);
    pays = fmt::format("  {} at {:.4f}", worth ? "pays" : "does not pay", question.price->value());
  }
  return fmt::format(kRow, "any", "", fmt::format("{:.1f}", row.joules_per_th),
                     fmt::format("{:.4f}", row.average.value()), fmt::format("{:.4f}", row.marginal.value()), pays);
}

std::string title(const Subject& subject) {
  std::string text = fmt::format("\n{} (curve {})", subject.name, subject.source);
  if (subject.heat.value() != 0.0) text += fmt::format(", heat worth {:.4f} a kWh", subject.heat.value());
  return text + "\n";
}

std::string subject_text(const Subject& subject, const Question& question) {
  if (subject.curve.empty()) {
    return fmt::format("\n{}: no curve is known yet; write curve or efficiency_j_per_th, or let it run a while\n",
                       subject.name);
  }
  std::string text = title(subject) + header();
  if (flat(subject)) return text + flat_row(subject, question);
  for (const auto& row : tariff::break_even(subject.curve, question.net, subject.heat)) {
    text += fmt::format(kRow, fmt::format("{:.0f} W", row.point.power.value()),
                        fmt::format("{:.1f}", row.point.hashrate.value()), fmt::format("{:.1f}", row.joules_per_th),
                        fmt::format("{:.4f}", row.average.value()), fmt::format("{:.4f}", row.marginal.value()), "");
  }
  return question.price ? text + verdict(subject, question) : text;
}

/// Efficiencies that were asked for are rows of one table.
std::string table(const Question& question) {
  std::string text = heading(question);
  bool in_rows = false;
  for (const Subject& one : question.subjects) {
    const bool row = one.source == kGiven && flat(one);
    if (row && !in_rows) text += "\nby efficiency\n" + header();
    text += row ? flat_row(one, question) : subject_text(one, question);
    in_rows = row;
  }
  return text;
}

}  // namespace

int breakeven(const BreakevenOptions& options) {
  Question question;
  question.currency = options.currency;
  if (const Result<void> read = from_options(options, question); !read) return refuse(read.error().text);
  const bool own_subjects = question.subjects.empty();
  if (own_subjects || question.hash_price_source.empty()) {
    const bool asked = from_daemon(options, own_subjects, question);
    const Result<void> read = from_config(options, own_subjects && !asked, question);
    if (!read && own_subjects && !asked) return refuse(read.error().text);
  }
  if (question.hash_price_source.empty()) {
    return refuse("what a hash earns is not known; give --hashprice, or --difficulty, --reward-sat and --btc-price");
  }
  if (options.as_json) {
    fmt::print("{}\n", answer_json(question).dump(2));
    return kExitOk;
  }
  if (question.currency.empty()) question.currency = "money";
  fmt::print("{}", table(question));
  return kExitOk;
}

}  // namespace sluice::cmd
