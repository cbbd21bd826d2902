#pragma once

namespace sluice::cmd {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  ///< it was tried and did not work: no daemon, a silent device, a refused command
inline constexpr int kExitBadInput = 2;  ///< wrong arguments or a wrong configuration; nothing was tried

}  // namespace sluice::cmd
