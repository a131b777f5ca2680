#include "controller/insecure_dev.h"

namespace skerry::controller {

metrics::Figure insecure_dev_figure(bool on) {
  return {.name = "skerry_insecure_dev",
          .help = "1 if this process was told to speak without TLS beyond this machine",
          .kind = metrics::Figure::Kind::kGauge,
          .samples = {{.labels = {}, .value = on ? 1.0 : 0.0}}};
}

}  // namespace skerry::controller
