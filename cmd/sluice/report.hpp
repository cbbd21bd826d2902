#pragma once
/// `sluice report`: what mining brought, by day, month or year.

#include <map>
#include <string>

#include "ledger.hpp"
#include "ledger/report.hpp"

namespace sluice::cmd {

struct ReportOptions {
  LedgerOptions where;
  std::string by = "day";  ///< day, month, year
  std::string from, to;    ///< "2026-05-31"; empty: the newest month, for months the newest year, for years everything
  bool as_csv = false;
  std::string svg_file;  ///< empty: none
};

/// Exit code.
int report(const ReportOptions& options);

/// A stacked bar of energy by source for each bucket, above what it brought. `currency` may be empty.
std::string report_svg(const std::map<std::string, ledger::Totals>& buckets, const std::string& title,
                       const std::string& currency);

}  // namespace sluice::cmd
