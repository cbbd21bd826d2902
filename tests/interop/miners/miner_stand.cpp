// Three emulated miners on a stand: `miner_stand 127.0.10` serves LuxOS on 127.0.10.101, VNish on .102 and Braiins OS
// on .103, each on its firmware's own ports, says so in one line, and ends with its standard input.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "fake_door.hpp"
#include "house/firmware/braiins/braiins.hpp"
#include "house/firmware/luxos.hpp"
#include "house/firmware/vnish.hpp"

using namespace sluice;
using namespace sluice::house;

namespace {

void dress(FakeDoor& door, const MinerFace& face, double watts, double terahashes) {
  door.name(face);
  door.change([&](MinerView& view) {
    view.reported_power = Watts(watts);
    view.hashrate = view.nominal_hashrate = TeraHashes(terahashes);
  });
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: miner_stand 127.0.10\n", stderr);
    return 2;
  }
  const std::string network = arguments[1];
  ManualClock clock;
  FakeDoor luxos_door, vnish_door, braiins_door;
  dress(luxos_door, {"Antminer S19k Pro", "02:00:00:00:10:01", "HOUSE0001", "house-luxos"}, 1051.0, 59.8);
  dress(vnish_door, {"Antminer S19", "02:00:00:00:10:02", "HOUSE0002", "house-vnish"}, 1530.0, 63.0);
  dress(braiins_door, {"Antminer S19j Pro", "02:00:00:00:10:03", "HOUSE0003", "house-braiins"}, 2472.0, 88.0);

  LuxosOptions luxos;
  luxos.address = network + ".101";
  luxos.connect_burst = 100;  // pyasic opens several connections at once
  VnishOptions vnish;
  vnish.address = network + ".102";
  BraiinsOptions braiins;
  braiins.address = network + ".103";
  const auto luxos_server = make_luxos_server(luxos_door, clock, luxos);
  const auto vnish_server = make_vnish_server(vnish_door, clock, vnish);
  const auto braiins_server = make_braiins_server(braiins_door, clock, braiins);
  for (const auto* server : {&luxos_server, &vnish_server, &braiins_server}) {
    if (*server) continue;
    std::fprintf(stderr, "miner_stand: %s\n", server->error().text.c_str());
    return 1;
  }
  std::printf("serving\n");
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
