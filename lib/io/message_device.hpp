#pragma once
/// A meter, inverter, battery or other load that answers JSON over HTTP or publishes over MQTT.

#include <cstdint>
#include <memory>
#include <string>

#include "devices/template.hpp"
#include "io/device_options.hpp"
#include "io/http_login.hpp"
#include "ports/clock.hpp"
#include "ports/device.hpp"
#include "ports/messages.hpp"
#include "ports/network.hpp"

namespace sluice::io {

struct HttpEndpoint {
  std::string host;
  std::uint16_t port = 80;
  std::string base;  ///< before every path of the template: "" or "/something"
  HttpLogin login;
};

/// `format` has its options filled in. A poll asks once for every path of the template, each within the time-out; after
/// a failure the device keeps quiet for 1, 2, 4 … 30 s, during which `poll` returns the last error at once. `clock`
/// must outlive the device.
std::unique_ptr<ports::Device> make_http_device(std::string name, std::string key,
                                                std::unique_ptr<ports::Network> network, HttpEndpoint endpoint,
                                                const devices::Template& device_template, devices::MessageFormat format,
                                                DeviceOptions options, const ports::Clock& clock);

/// Topics that `make_mqtt_device` wants subscribed.
std::vector<std::string> topics_of(const devices::MessageFormat& format);

/// A poll waits up to a second for news and then tells what still holds: a message counts from its arrival, and from
/// the last arrival on the template's `alive` topic; one that the broker had kept only from the latter. Too old is
/// absent.
std::unique_ptr<ports::Device> make_mqtt_device(std::string name, std::string key,
                                                std::unique_ptr<ports::Subscription> subscription, std::string broker,
                                                devices::MessageFormat format, DeviceOptions options,
                                                const ports::Clock& clock);

}  // namespace sluice::io
