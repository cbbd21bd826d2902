/// load_adapter DIRECTORY ID: finds, loads and opens an adapter, and shows that it can be called. Talks to a port where
/// nobody listens: the right answer is a refusal with a reason.

#include <cstdio>

#include "io/clock.hpp"
#include "io/net.hpp"
#include "plugin/plugin_miner.hpp"

int main(int argc, char** argv) {
  using namespace sluice;
  if (argc != 3) return 2;
  const std::vector<plugin::SearchPath> paths{{argv[1], true}};
  const plugin::Catalogue catalogue = plugin::discover(paths);
  const auto entry = catalogue.find(argv[2]);
  if (!entry) return std::puts(entry.error().text.c_str()), 1;
  auto library = plugin::Library::load(**entry);
  if (!library) return std::puts(library.error().text.c_str()), 1;
  const io::SystemClock clock;
  NullLog log;
  io::LanNetworkFactory network(clock);
  plugin::MinerSetup setup;
  setup.name = argv[2];
  setup.host = "127.0.0.1";
  setup.port = 1;
  auto miner = plugin::open_miner(*library, setup, {clock, log, network});
  if (!miner) return std::puts(miner.error().text.c_str()), 1;
  const auto identity = (*miner)->identify(clock.now() + std::chrono::seconds(2));
  const auto abilities = (*miner)->abilities();
  if (identity || !abilities || !abilities->envelope.known()) return std::puts("it did not answer as it should"), 1;
  std::printf("%s answers: %s\n", argv[2], identity.error().text.c_str());
  return identity.error().kind == ErrorKind::refused ? 0 : 1;
}
