#pragma once
/// `sluice tariff`: plans on this machine, their coming prices, checking one, importing one. All return an exit code.

#include <string>

#include "common/catalogue.hpp"

namespace sluice::cmd {

struct TariffOptions {
  SearchFolders folders;
  std::string config_file;
  std::string name;  ///< of a plan, or a file
  std::string from;  ///< date; empty: today
  int days = 2;
  double drawn_kwh = -1.0;  ///< since the billing period began; negative: not told
  bool as_json = false;
  bool colours = false;
  // of the import
  std::string id, zone, currency = "USD", holidays, label;
};

int list_tariffs(const TariffOptions& options);
/// Without a name: the tariff of the configuration, with what it says otherwise.
int show_tariff(const TariffOptions& options);
int check_tariff(const TariffOptions& options);
int import_tariff(const TariffOptions& options);

}  // namespace sluice::cmd
