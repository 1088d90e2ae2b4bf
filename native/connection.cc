#include "connection.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "datagram.h"
#include "deadline.h"
#include "decode.h"
#include "encode.h"
#include "folder.h"

namespace ipvs {

namespace {

// Commands handed over in one system call, where the socket has room for them and their answers.
constexpr size_t kCommandsPerSend = 256;

// A page of a list ends with the datagram that fills it.
constexpr size_t kRowsPerPage = 256;

// A job gives way to other users of the thread pool after this time.
constexpr std::chrono::milliseconds kJobTime{100};

// Rows that are read between two looks at the clock. A list itself takes as long as some of them
// do: it may be eight empty lists, or five of ten rows.
constexpr size_t kRowsBetweenLooks = 128;
constexpr size_t kRowsWorthOfList = 16;

/* Stopping a daemon whose thread has not run yet ends with EINTR, for which netlink sends no answer
   at all (net/netlink/af_netlink.c, netlink_rcv_skb). */
bool MayGoUnanswered(const CommandRecord& command) {
  return command.command == IPVS_CMD_DEL_DAEMON;
}

/* Whether a list can be had from a new socket: this one is at another dump, which was not read to
   its end, or it had no room for all of the answer. */
bool HelpsToReopen(const Outcome& outcome) {
  return (outcome.error == EBUSY && outcome.stage == Stage::kKernel) ||
         (outcome.error == ENOBUFS && outcome.stage == Stage::kReceive);
}

/* Whether nothing was sent, because it was too much at once. */
bool IsTooMuch(const Outcome& outcome) {
  return outcome.error == EMSGSIZE && outcome.stage == Stage::kSend;
}

}  // namespace

/* Commands of one job, and what became of each. The rows of a command lie side by side: no two
   commands are answered with several rows at the same time. */
class Connection::Batch {
 public:
  explicit Batch(const std::vector<CommandRecord>& commands)
      : commands_(commands),
        results_(commands.size()),
        reply_(commands.size() * sizeof(ResultRecord)) {}

  [[nodiscard]] const CommandRecord& Command(size_t index) const { return commands_[index]; }
  [[nodiscard]] size_t RowCount(size_t index) const { return results_[index].count; }
  [[nodiscard]] Outcome Result(size_t index) const {
    return {results_[index].error, static_cast<Stage>(results_[index].stage)};
  }

  /* What failed has no rows. */
  void Settle(size_t index, Outcome outcome) {
    results_[index].error = outcome.error;
    results_[index].stage = static_cast<uint32_t>(outcome.stage);
    if (outcome.Failed()) results_[index].count = 0;
  }

  Outcome TakeRow(size_t index, const nlmsghdr* header) {
    const CommandRecord& command = commands_[index];
    switch (command.command) {
      case IPVS_CMD_GET_SERVICE:
        return AddRow(index, DecodeService(header));
      case IPVS_CMD_GET_DEST:
        return AddRow(index, DecodeDestination(header, command.service.family));
      case IPVS_CMD_GET_INFO:
        return AddRow(index, DecodeInfo(header));
      case IPVS_CMD_GET_DAEMON:
        return AddRow(index, DecodeDaemon(header));
      case IPVS_CMD_GET_CONFIG:
        return AddRow(index, DecodeTimeouts(header));
      default:
        return {EBADMSG, Stage::kReply};
    }
  }

  /* The reply, with the first `done` results. */
  [[nodiscard]] Reply Finish(size_t done) {
    for (size_t index = 0; index < done; ++index) {
      reply_.Write(sizeof(ReplyHeader) + index * sizeof(ResultRecord), results_[index]);
    }
    reply_.Finish({}, done);
    return std::move(reply_);
  }

 private:
  template <typename Row>
  Outcome AddRow(size_t index, const std::optional<Row>& row) {
    if (!row) return {EBADMSG, Stage::kReply};
    const size_t offset = reply_.Append(*row);
    ResultRecord& result = results_[index];
    if (result.count == 0) result.row = static_cast<uint32_t>(offset);
    ++result.count;
    return {};
  }

  const std::vector<CommandRecord>& commands_;
  std::vector<ResultRecord> results_;
  Reply reply_;  // with the rows, behind room for the results
};

Reply Connection::Open() { return Reply(EnsureOpen()); }

Outcome Connection::EnsureOpen() {
  if (socket_.IsOpen()) return {};
  if (const Outcome opened = EnsureNamespace(); opened.Failed()) return opened;
  if (const Outcome opened = namespace_.Run([this] { return socket_.Open(); }); opened.Failed()) {
    return opened;
  }
  const Outcome resolved = ResolveFamily();
  if (resolved.Failed()) socket_.Close();
  return resolved;
}

Outcome Connection::EnsureNamespace() {
  if (namespace_.IsOpen()) return {};
  // By now its name may be another one's.
  return cut_off_.Failed() ? cut_off_ : namespace_.Open(namespace_path_);
}

bool Connection::Encode(const CommandRecord& command, int flags) {
  return EncodeCommand({family_, socket_.Port(), ++sequence_, flags}, command, requests_);
}

Outcome Connection::Exchange(const Answer& answer) {
  const size_t count = requests_.Count();
  const uint32_t first = sequence_ + 1 - static_cast<uint32_t>(count);
  if (const Outcome sent = socket_.Send(requests_); sent.Failed()) return sent;
  Outcome failure;
  bool finished = false;
  while (!finished && !failure.Failed()) {
    NetlinkSocket::Datagram datagram;
    failure = socket_.Receive(timeout_, datagram);
    if (failure.Failed()) break;
    finished =
        ReadDatagram(datagram.data, datagram.size, {socket_.Port(), first, count}, answer, failure);
  }
  // What else belongs to these requests must not be read as the answer to the next ones.
  if (failure.Failed()) socket_.Close();
  return failure;
}

Outcome Connection::AskForFamily(uint16_t& family) {
  requests_.Clear();
  if (!EncodeFamilyRequest({GENL_ID_CTRL, socket_.Port(), ++sequence_, NLM_F_ACK}, requests_)) {
    return {ENOMEM, Stage::kSend};
  }
  Outcome refused;
  std::optional<uint16_t> found;
  const Outcome lost = Exchange([&](size_t, const nlmsghdr* header, Outcome&) {
    if (header->nlmsg_type == NLMSG_ERROR) {
      refused = ReadError(header);
      return true;
    }
    found = DecodeFamily(header);
    return false;
  });
  if (lost.Failed()) return lost;
  if (refused.Failed()) return refused;
  if (!found) return {EBADMSG, Stage::kReply};
  family = *found;
  return {};
}

Outcome Connection::ResolveFamily() {
  const Outcome outcome = AskForFamily(family_);
  // Whatever went wrong, no IPVS command was given.
  return outcome.Failed() ? Outcome{outcome.error, Stage::kFamily} : outcome;
}

bool Connection::EncodeBatch(const Batch& batch, const std::vector<size_t>& indices) {
  requests_.Clear();
  for (const size_t index : indices) {
    // Errors always answer. The one ACK behind them all says that the rest succeeded.
    const CommandRecord& command = batch.Command(index);
    const bool last = requests_.Count() + 1 == indices.size();
    if (!Encode(command, last || MayGoUnanswered(command) ? NLM_F_ACK : 0)) return false;
  }
  if (!MayGoUnanswered(batch.Command(indices.back()))) return true;
  CommandRecord fence{};
  fence.command = IPVS_CMD_GET_INFO;
  return Encode(fence, NLM_F_ACK);
}

Outcome Connection::Execute(Batch& batch, const std::vector<size_t>& indices) {
  if (!EncodeBatch(batch, indices)) {
    const Outcome failure{ENOMEM, Stage::kSend};
    for (const size_t each : indices) batch.Settle(each, failure);
    return failure;
  }
  const size_t last = requests_.Count() - 1;
  std::vector<bool> answered(requests_.Count());
  const Outcome lost = Exchange([&](size_t position, const nlmsghdr* header, Outcome& failure) {
    const bool fence = position >= indices.size();
    if (header->nlmsg_type != NLMSG_ERROR) {
      if (!fence) failure = batch.TakeRow(indices[position], header);
      return false;
    }
    const Outcome outcome = ReadError(header);
    if (!fence) {
      batch.Settle(indices[position], outcome);
      answered[position] = outcome.Failed() || MayGoUnanswered(batch.Command(indices[position]));
    }
    return position == last;
  });
  // They can be handed over again, in parts: nothing is settled.
  if (IsTooMuch(lost) && indices.size() > 1) return lost;
  for (size_t position = 0; position < indices.size(); ++position) {
    if (answered[position]) continue;
    if (lost.Failed()) {
      batch.Settle(indices[position], lost);
    } else if (MayGoUnanswered(batch.Command(indices[position]))) {
      batch.Settle(indices[position], {EINTR, Stage::kKernel});
    }
  }
  return lost;
}

void Connection::ExecuteAgainIfFamilyMoved(Batch& batch, const std::vector<size_t>& indices) {
  // After the module was unloaded and loaded again its id is another, and every command to the old
  // one is answered with ENOENT: only with the current id does ENOENT mean what it says.
  std::vector<size_t> doubtful;
  for (const size_t index : indices) {
    const Outcome outcome = batch.Result(index);
    if (outcome.error == ENOENT && outcome.stage == Stage::kKernel) doubtful.push_back(index);
  }
  if (doubtful.empty() || !socket_.IsOpen()) return;
  const uint16_t before = family_;
  const Outcome resolved = ResolveFamily();
  if (!resolved.Failed() && family_ == before) return;
  for (const size_t index : doubtful) batch.Settle(index, resolved);
  if (!resolved.Failed()) Execute(batch, doubtful);
}

Reply Connection::Transact(const std::vector<CommandRecord>& commands) {
  if (const Outcome opened = EnsureOpen(); opened.Failed()) return Reply(opened);
  Deadline deadline(kJobTime);
  // Most jobs are one send: they need no clock.
  if (commands.size() > std::min(kCommandsPerSend, socket_.Room())) deadline.Begin();
  Batch batch(commands);
  size_t done = 0;
  do {
    std::vector<size_t> indices(
        std::min({kCommandsPerSend, socket_.Room(), commands.size() - done}));
    std::iota(indices.begin(), indices.end(), done);
    if (IsTooMuch(Execute(batch, indices)) && indices.size() > 1) {
      socket_.Shrink(indices.size());
      continue;
    }
    ExecuteAgainIfFamilyMoved(batch, indices);
    done += indices.size();
    // However long it took to find out how many can be handed over, some are.
  } while (done < commands.size() && socket_.IsOpen() && (done == 0 || !deadline.IsOver()));
  return batch.Finish(done);
}

Outcome Connection::ReadRows(Batch& batch, size_t index) {
  requests_.Clear();
  if (!Encode(batch.Command(index), NLM_F_DUMP)) return {ENOMEM, Stage::kSend};
  Outcome refused;
  const Outcome lost = Exchange([&](size_t, const nlmsghdr* header, Outcome& failure) {
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      refused = ReadError(header);
      return true;
    }
    failure = batch.TakeRow(index, header);
    return false;
  });
  return lost.Failed() ? lost : refused;
}

Outcome Connection::AskForService(const CommandRecord& command) {
  std::vector<CommandRecord> questions{command};
  questions.front().command = IPVS_CMD_GET_SERVICE;
  Batch batch(questions);
  Execute(batch, {0});
  ExecuteAgainIfFamilyMoved(batch, {0});
  return batch.Result(0);
}

void Connection::DumpOne(Batch& batch, size_t index) {
  Outcome outcome = ReadRows(batch, index);
  if (outcome.error == ENOENT && outcome.stage == Stage::kKernel) {
    // No dump is answered like this but one to a family id of the past.
    outcome = ResolveFamily();
    if (!outcome.Failed()) outcome = ReadRows(batch, index);
  }
  if (HelpsToReopen(outcome)) {
    socket_.Close();
    outcome = EnsureOpen();
    if (!outcome.Failed()) outcome = ReadRows(batch, index);
  }
  const CommandRecord& command = batch.Command(index);
  if (!outcome.Failed() && command.verify != 0) outcome = AskForService(command);
  batch.Settle(index, outcome);
}

Reply Connection::Dump(const std::vector<CommandRecord>& commands) {
  if (const Outcome opened = EnsureOpen(); opened.Failed()) return Reply(opened);
  Deadline deadline(kJobTime);
  if (commands.size() > 1) deadline.Begin();
  Batch batch(commands);
  size_t done = 0;
  bool over = false;
  for (size_t rows = 0; done < commands.size() && socket_.IsOpen() && !over; ++done) {
    DumpOne(batch, done);
    rows += kRowsWorthOfList + batch.RowCount(done);
    if (rows < kRowsBetweenLooks) continue;
    over = deadline.IsOver();
    rows = 0;
  }
  return batch.Finish(done);
}

Connection Connection::Fork() const {
  Connection fork(namespace_path_, timeout_);
  fork.cut_off_ = namespace_.CopyTo(fork.namespace_);
  return fork;
}

Reply Connection::BeginList(const CommandRecord& command) {
  if (const Outcome opened = EnsureOpen(); opened.Failed()) return Reply(opened);
  list_ = {command};
  list_ended_ = false;
  requests_.Clear();
  if (!Encode(list_.front(), NLM_F_DUMP)) return Reply(Outcome{ENOMEM, Stage::kSend});
  if (const Outcome sent = socket_.Send(requests_); sent.Failed()) return Reply(sent);
  return ContinueList();
}

Reply Connection::ContinueList() {
  Batch page(list_);
  Outcome failure;
  const Answer answer = [&](size_t, const nlmsghdr* header, Outcome& malformed) {
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      page.Settle(0, ReadError(header));
      return true;
    }
    malformed = page.TakeRow(0, header);
    return false;
  };
  while (!list_ended_ && !failure.Failed() && page.RowCount(0) < kRowsPerPage) {
    NetlinkSocket::Datagram datagram;
    failure = socket_.Receive(timeout_, datagram);
    if (failure.Failed()) break;
    list_ended_ =
        ReadDatagram(datagram.data, datagram.size, {socket_.Port(), sequence_, 1}, answer, failure);
  }
  if (failure.Failed()) page.Settle(0, failure);
  return page.Finish(1);
}

OpenedFile Connection::OpenFile(const std::string& path, bool writing) {
  OpenedFile opened;
  opened.outcome = EnsureNamespace();
  if (opened.outcome.Failed()) return opened;
  const Outcome ran = namespace_.Run([&] {
    opened = OpenedFile::Open(path, writing);
    return opened.outcome;
  });
  opened.outcome = ran;
  return opened;
}

Reply Connection::List(const std::string& path) {
  if (const Outcome opened = EnsureNamespace(); opened.Failed()) return Reply(opened);
  std::vector<std::string> names;
  // A folder of /proc/sys shows each thread the names of that thread's own namespace.
  const Outcome listed = namespace_.Run([&] { return ReadFolder(path, names); });
  if (listed.Failed()) return Reply(listed);
  std::vector<uint8_t> text;
  for (const std::string& name : names)
    text.insert(text.end(), name.c_str(), name.c_str() + name.size() + 1);
  Reply reply;
  reply.Append(text);
  reply.Finish({}, names.size());
  return reply;
}

}  // namespace ipvs
