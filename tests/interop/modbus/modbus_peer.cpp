// The part of the interop tests that speaks for us.
//
//   modbus_peer image TEMPLATE NAME=VALUE…        prints the encoded registers: unit, table, address, value
//   modbus_peer poll TEMPLATE PORT                polls 127.0.0.1 once and prints what it read: name, value
//   modbus_peer serve TEMPLATE NAME=VALUE…        serves the encoded registers until its input ends; prints the port

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "devices/encode.hpp"
#include "devices/library.hpp"
#include "io/clock.hpp"
#include "io/modbus_device.hpp"
#include "io/modbus_tcp.hpp"
#include "scripted_server.hpp"

namespace sluice {
namespace {

using Values = std::map<Measurement, double>;

Values parse_values(int count, char** arguments) {
  Values values;
  for (int index = 0; index < count; ++index) {
    const std::string_view argument = arguments[index];
    const auto equals = argument.find('=');
    const auto what = measurement_from_name(argument.substr(0, equals));
    if (what && equals != std::string_view::npos) values[*what] = std::stod(std::string(argument.substr(equals + 1)));
  }
  return values;
}

void print_image(const devices::RegisterImage& image) {
  for (const auto& [unit, tables] : image)
    for (const auto& [table, words] : tables)
      for (const auto& [address, word] : words)
        fmt::print("{} {} {} {}\n", unit, static_cast<int>(table), address, word);
}

int poll(const devices::Template& device_template, std::uint16_t port) {
  io::ModbusTcpFactory factory;
  const io::SystemClock clock;
  const auto device = io::make_modbus_device("peer", factory.make("127.0.0.1", port), "peer", device_template.unit,
                                             device_template, {}, clock);
  const auto poll = device->poll();
  if (!poll) {
    fmt::print(stderr, "{}\n", poll.error().text);
    return 1;
  }
  for (const ports::Measured& measured : poll->values)
    if (measured.value) fmt::print("{} {}\n", to_string(measured.what), *measured.value);
  return 0;
}

void serve(const devices::RegisterImage& image) {
  test::ScriptedServer server([&](const test::Request& request) { return test::image_answer(request, image); });
  fmt::print("{}\n", server.port());
  std::fflush(stdout);
  while (std::cin.get() != std::char_traits<char>::eof()) continue;
}

int run(int count, char** arguments) {
  const auto library = devices::Library::load({SLUICE_SOURCE_DIR "/config/devices"});
  const devices::Template* device_template = count > 2 && library ? library->find(arguments[2]) : nullptr;
  if (!device_template) {
    fmt::print(stderr, "modbus_peer image|poll|serve TEMPLATE …\n");
    return 2;
  }
  const std::string_view command = arguments[1];
  if (command == "poll" && count == 4)
    return poll(*device_template, static_cast<std::uint16_t>(std::stoi(arguments[3])));
  const auto image = devices::encode(*device_template, parse_values(count - 3, arguments + 3));
  command == "serve" ? serve(image) : print_image(image);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int count, char** arguments) { return sluice::run(count, arguments); }
