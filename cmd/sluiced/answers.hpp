#pragma once
/// The requests of the Unix socket: one JSON object a line, `{"do":"status"}`, answered by one, `{"ok":true,…}` or
/// `{"ok":false,"error":"…"}`. docs/reference/socket.md lists them.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/engine.hpp"
#include "runtime/ledger_keeper.hpp"
#include "runtime/market.hpp"

namespace sluice::cmd {

/// What is asked beside the engine. From any thread.
struct Sidelights {
  std::function<std::string()> history_degraded;  ///< why history is not written, or nothing
  std::function<runtime::LedgerKeeper::Today()> ledger;
  std::function<std::shared_ptr<const runtime::MarketView>()> market;
};

/// Never throws.
std::string answer(std::string_view request, runtime::Engine& engine, const Sidelights& sidelights);

}  // namespace sluice::cmd
