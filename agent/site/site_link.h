// site_link.h: the agent's link to its site's core, in the same process: what would be frames of the wire
// become events of the core, and the core's commands become messages.
//
// The same checks and translations as between machines (controller/hub/validate.h, translate.h), so
// that the site's core sees an agent like any other. Nothing calls back: what happens is posted.
//
// Used on the agent's strand; the gateway and the events outlive it.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <vector>

#include "agent/link.h"
#include "common/log.h"
#include "controller/core/effects.h"
#include "controller/gateway.h"
#include "controller/hub/model_source.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::agent {

class SiteLink final : public AgentLink {
 public:
  SiteLink(boost::asio::any_io_executor strand, controller::Gateway& gateway,
           hub::ModelSource& models, LinkEvents& events, Clock& clock, Log& log);

  void connect(ConnectionId id) override;
  void write(ConnectionId id, std::vector<Outgoing> frame) override;
  void close(ConnectionId id, bool flush) override;

  // A command of the site's core.
  void send(const core::Send& send);

 private:
  void take(v1::AgentMessage& message);
  void deliver(v1::ControllerMessage message);
  template <typename Call>
  void later(ConnectionId id, Call call);

  boost::asio::any_io_executor strand_;
  controller::Gateway& gateway_;
  hub::ModelSource& models_;
  LinkEvents& events_;
  Clock& clock_;
  Log& log_;
  ConnectionId open_ = 0;  // 0 = none
  std::uint64_t heartbeat_sent_us_ = 0;
  std::uint64_t last_seq_ = 0;
};

}  // namespace skerry::agent
