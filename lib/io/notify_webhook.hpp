#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "io/notify.hpp"

namespace sluice::io {

/// POSTs each event to `url` as `application/json`; any 2xx answer is success, redirects are not followed. The whole
/// exchange, name resolution included, is given up after `limit` (real time). Errors of `deliver`: `timeout`,
/// `unreachable`, `rejected` (status), `cancelled`.
Result<std::unique_ptr<NotifyChannel>> make_webhook_channel(const std::string& url,
                                                            std::chrono::milliseconds limit = std::chrono::seconds(5));

}  // namespace sluice::io
