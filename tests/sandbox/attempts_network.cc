// The network: TCP, UDP, sockets of this machine by path and by abstract name, raw packets, listening.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

sockaddr_in loopback(const std::string& port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// name: a path, or an abstract name behind "@".
std::pair<sockaddr_un, socklen_t> local(const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[0], name.data(), name.size());
  if (name.starts_with('@')) {
    address.sun_path[0] = '\0';
  }
  return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())};
}

// With the sockets that there are: a new one, or the one to the agent told to go elsewhere.
template <typename Address>
std::string connect_to(int family, int type, const Address& address, socklen_t size,
                       std::string_view what) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return denied(fmt::format("make a socket to connect to {}", what));
  }
  const int done = connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
  if (done == 0) {
    send(fd, "hostile", 7, MSG_NOSIGNAL);  // the other end may have closed it already
  }
  std::string told = outcome(done, fmt::format("connect to {}", what));
  close(fd);
  return told;
}

std::string connect_tcp(const Arguments& arguments) {
  const sockaddr_in address = loopback(arguments.at(0));
  return connect_to(AF_INET, SOCK_STREAM, address, sizeof(address), "TCP " + arguments[0]);
}

std::string send_udp(const Arguments& arguments) {
  const sockaddr_in address = loopback(arguments.at(0));
  return connect_to(AF_INET, SOCK_DGRAM, address, sizeof(address), "UDP " + arguments[0]);
}

std::string connect_local(const Arguments& arguments) {
  const auto [address, size] = local(arguments.at(0));
  return connect_to(AF_UNIX, SOCK_STREAM, address, size, arguments[0]);
}

std::string listen_tcp(const Arguments& arguments) {
  const sockaddr_in address = loopback(arguments.at(0));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int done = fd;
  if (fd >= 0) {
    done = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    done = done == 0 ? listen(fd, 1) : done;
  }
  // It stays open, for others to find.
  return outcome(done, "listen on TCP " + arguments[0]);
}

std::string sniff(const Arguments&) {
  return any_of({outcome(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), "open a packet socket"),
                 outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "open a raw socket")});
}

// Other families of sockets are code of the kernel that a model has no business with.
std::string odd_families(const Arguments&) {
  std::vector<std::string> outcomes;
  for (const int family : {AF_NETLINK, AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_TIPC}) {
    outcomes.push_back(
        outcome(socket(family, SOCK_RAW, 0), fmt::format("make a socket of family {}", family)));
  }
  return any_of(outcomes);
}

}  // namespace

void add_network_attempts(Attempts& attempts) {
  attempts["connect-tcp"] = connect_tcp;
  attempts["send-udp"] = send_udp;
  attempts["connect-local"] = connect_local;
  attempts["listen-tcp"] = listen_tcp;
  attempts["sniff"] = sniff;
  attempts["odd-sockets"] = odd_families;
}

}  // namespace skerry::hostile
