// credentials.h: how the agents' port is secured. Without TLS it serves loopback alone.

#pragma once

#include <string_view>

#include "common/error.h"
#include "controller/hub/options.h"

namespace skerry::hub {

bool is_loopback(std::string_view address);

// kInvalidArgument if agents of other machines could reach an unsecured port, unless insecure_dev
// allows it; or if TLS is asked for and nobody says whom to admit.
Status check_secured(const HubOptions& options);

}  // namespace skerry::hub
