// core.h: see format.h.

#pragma once

#include <fmt/format.h>
