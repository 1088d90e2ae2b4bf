#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "datagram.h"
#include "file.h"
#include "netlink_socket.h"
#include "network_namespace.h"
#include "outcome.h"
#include "records.h"
#include "reply.h"
#include "request_buffer.h"

namespace ipvs {

/* A conversation with the IPVS of one network namespace.

   Used by one thread at a time: its owner runs one job after another (client.cc). Whenever an
   answer is lost, the socket is closed, so that a late answer can't be taken for another's; the
   next job opens it again, in the same namespace. */
class Connection {
 public:
  Connection(std::string namespace_path, std::chrono::milliseconds timeout)
      : namespace_path_(std::move(namespace_path)), timeout_(timeout) {}

  /* Opens the namespace and the socket, and resolves the IPVS family. */
  Reply Open();

  /* Executes commands in order. A failed one does not stop those behind it. Stops early, with fewer
     results than commands, when its time is over or the socket failed. */
  Reply Transact(const std::vector<CommandRecord>& commands);

  /* Lists one after the other: all services (IPVS_CMD_GET_SERVICE), all destinations of a service
     (IPVS_CMD_GET_DEST), all daemons (IPVS_CMD_GET_DAEMON). Ends early like Transact. For a service
     that is not there the kernel reports an empty list of destinations, and a shortened one for a
     service that vanishes meanwhile; with `verify` the service is asked for afterwards, and its
     absence is the list's error. */
  Reply Dump(const std::vector<CommandRecord>& commands);

  /* Another conversation in the same namespace, which is open, for what keeps a socket busy. */
  [[nodiscard]] Connection Fork() const;

  /* Reads a list page by page, in the kernel's order: the first page of what `command` asks for,
     then the next ones. An empty page is the end. Between two pages nothing else may be asked: a
     list that is read like this takes a conversation of its own. */
  Reply BeginList(const CommandRecord& command);
  Reply ContinueList();

  /* Opens a file as the namespace shows it. Takes no socket, and in one's own namespace nothing. */
  OpenedFile OpenFile(const std::string& path, bool writing);

  /* The names in a folder, each with a NUL behind it. */
  Reply List(const std::string& path);

  /* Forgets the conversation, not the namespace: the next job begins anew in the same one. */
  void Reset() noexcept { socket_.Close(); }

  /* Lets go of everything. */
  void Close() noexcept {
    socket_.Close();
    requests_ = {};
    namespace_.Close();
  }

 private:
  class Batch;

  Outcome EnsureOpen();
  Outcome EnsureNamespace();
  Outcome ResolveFamily();
  Outcome AskForFamily(uint16_t& family);
  bool EncodeBatch(const Batch& batch, const std::vector<size_t>& indices);
  /* Settles them all, unless they were too many at once to be handed over (EMSGSIZE). */
  Outcome Execute(Batch& batch, const std::vector<size_t>& indices);
  void ExecuteAgainIfFamilyMoved(Batch& batch, const std::vector<size_t>& indices);
  Outcome ReadRows(Batch& batch, size_t index);
  Outcome AskForService(const CommandRecord& command);
  void DumpOne(Batch& batch, size_t index);

  /* Adds a request to those that Exchange() will hand over; false when there is no memory. */
  bool Encode(const CommandRecord& command, int flags);
  /* Hands over the requests, and sees their answers. */
  Outcome Exchange(const Answer& answer);

  std::string namespace_path_;
  std::chrono::milliseconds timeout_;
  NetworkNamespace namespace_;
  Outcome cut_off_;  // why a fork could not have its namespace
  NetlinkSocket socket_;
  uint16_t family_ = 0;
  RequestBuffer requests_;           // keeps its memory, 40 kB after a whole batch
  uint32_t sequence_ = 0;            // of the last request
  std::vector<CommandRecord> list_;  // what is read page by page: one command
  bool list_ended_ = true;
};

}  // namespace ipvs
