#include "connection.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "decode.h"
#include "encode.h"

namespace ipvs {

namespace {

// Commands handed over in one system call. Each may answer once, and the kernel holds the answers
// in the socket's receive buffer: even the smallest default one has room for four times as many.
constexpr size_t kCommandsPerSend = 64;

// A job gives way to other users of the thread pool after this time.
constexpr std::chrono::milliseconds kJobTime{100};

/* The error in an NLMSG_ERROR or NLMSG_DONE message, as a positive errno; 0 is an ACK. */
Outcome ReadError(const nlmsghdr* header) {
  int32_t error = 0;
  if (header->nlmsg_len < NLMSG_HDRLEN + sizeof error) return {EBADMSG, Stage::kReply};
  std::memcpy(&error, NLMSG_DATA(header), sizeof error);
  return {error < 0 ? -error : 0, Stage::kKernel};
}

}  // namespace

struct Connection::Batch {
  const std::vector<CommandRecord>& commands;
  std::vector<ResultRecord> results;
  std::vector<uint8_t> rows;

  void Fail(size_t index, Outcome outcome) {
    results[index].error = outcome.error;
    results[index].stage = static_cast<uint32_t>(outcome.stage);
  }

  template <typename Row>
  Outcome AddRow(size_t index, const std::optional<Row>& row) {
    if (!row) return {EBADMSG, Stage::kReply};
    const size_t offset = rows.size();
    rows.resize(offset + sizeof *row);
    std::memcpy(rows.data() + offset, &*row, sizeof *row);
    // Relative to the rows' begin, plus one: zero says that there is none.
    results[index].row = static_cast<uint32_t>(offset + 1);
    return {};
  }

  Outcome TakeRow(size_t index, nlmsghdr* header) {
    return commands[index].command == IPVS_CMD_GET_INFO ? AddRow(index, DecodeInfo(header))
                                                        : AddRow(index, DecodeService(header));
  }
};

Reply Connection::Open() { return Reply(EnsureOpen()); }

Outcome Connection::EnsureOpen() {
  if (socket_.IsOpen()) return {};
  if (!namespace_.IsOpen()) {
    if (const Outcome opened = namespace_.Open(namespace_path_); opened.Failed()) return opened;
  }
  if (const Outcome opened = namespace_.Run([this] { return socket_.Open(); }); opened.Failed()) {
    return opened;
  }
  const Outcome resolved = ResolveFamily();
  if (resolved.Failed()) socket_.Close();
  return resolved;
}

Outcome Connection::Exchange(const std::vector<Message>& requests, uint32_t first,
                             const Answer& answer) {
  if (const Outcome sent = socket_.Send(requests); sent.Failed()) return sent;
  Outcome failure;
  bool finished = false;
  while (!finished && !failure.Failed()) {
    NetlinkSocket::Datagram datagram;
    failure = socket_.Receive(NetlinkSocket::Clock::now() + timeout_, datagram);
    if (failure.Failed()) break;
    int left = datagram.size;
    auto* header = const_cast<nlmsghdr*>(static_cast<const nlmsghdr*>(datagram.data));
    for (; nlmsg_ok(header, left) != 0 && !finished && !failure.Failed();
         header = nlmsg_next(header, &left)) {
      const size_t index = header->nlmsg_seq - first;
      if (header->nlmsg_pid != socket_.Port() || index >= requests.size()) continue;
      finished = answer(index, header, failure);
    }
    // What is left over is the beginning of a message that was cut short.
    const bool cut = left > 0 || datagram.size == 0;
    if (cut && !finished && !failure.Failed()) failure = {EBADMSG, Stage::kReply};
  }
  // What else belongs to these requests must not be read as the answer to the next ones.
  if (failure.Failed()) socket_.Close();
  return failure;
}

Outcome Connection::ResolveFamily() {
  const uint32_t first = ++sequence_;
  std::vector<Message> requests;
  requests.push_back(EncodeFamilyRequest({GENL_ID_CTRL, socket_.Port(), first, NLM_F_ACK}));
  if (!requests.front()) return {ENOMEM, Stage::kSend};
  Outcome refused;
  std::optional<uint16_t> family;
  const Outcome failure = Exchange(requests, first, [&](size_t, nlmsghdr* header, Outcome&) {
    if (header->nlmsg_type == NLMSG_ERROR) {
      refused = ReadError(header);
      return true;
    }
    family = DecodeFamily(header);
    return false;
  });
  if (failure.Failed()) return failure;
  if (refused.Failed()) return {refused.error, Stage::kFamily};
  if (!family) return {EBADMSG, Stage::kReply};
  family_ = *family;
  return {};
}

void Connection::Execute(Batch& batch, const std::vector<size_t>& indices) {
  const uint32_t first = sequence_ + 1;
  sequence_ += static_cast<uint32_t>(indices.size());
  std::vector<Message> requests;
  for (const size_t index : indices) {
    // Errors always answer. The one ACK behind them all says that the rest succeeded.
    const bool last = requests.size() + 1 == indices.size();
    requests.push_back(
        EncodeCommand({family_, socket_.Port(), first + static_cast<uint32_t>(requests.size()),
                       last ? NLM_F_ACK : 0},
                      batch.commands[index]));
    if (!requests.back()) {
      for (const size_t each : indices) batch.Fail(each, {ENOMEM, Stage::kSend});
      return;
    }
  }
  const size_t last = indices.size() - 1;
  std::vector<bool> refused(indices.size());
  const Outcome lost =
      Exchange(requests, first, [&](size_t position, nlmsghdr* header, Outcome& failure) {
        const size_t index = indices[position];
        if (header->nlmsg_type != NLMSG_ERROR) {
          failure = batch.TakeRow(index, header);
          return false;
        }
        const Outcome outcome = ReadError(header);
        batch.Fail(index, outcome);
        refused[position] = outcome.Failed();
        return position == last;
      });
  if (!lost.Failed()) return;
  for (size_t position = 0; position < indices.size(); ++position) {
    if (!refused[position]) batch.Fail(indices[position], lost);
  }
}

void Connection::ExecuteAgainIfFamilyMoved(Batch& batch, const std::vector<size_t>& indices) {
  // After the module was unloaded and loaded again its id is another, and every command to the old
  // one is answered with ENOENT: only with the current id does ENOENT mean what it says.
  std::vector<size_t> doubtful;
  for (const size_t index : indices) {
    const ResultRecord& result = batch.results[index];
    if (result.error == ENOENT && result.stage == static_cast<uint32_t>(Stage::kKernel)) {
      doubtful.push_back(index);
    }
  }
  if (doubtful.empty() || !socket_.IsOpen()) return;
  const uint16_t before = family_;
  const Outcome resolved = ResolveFamily();
  if (!resolved.Failed() && family_ == before) return;
  for (const size_t index : doubtful) batch.Fail(index, resolved);
  if (!resolved.Failed()) Execute(batch, doubtful);
}

Reply Connection::Transact(const std::vector<CommandRecord>& commands) {
  if (const Outcome opened = EnsureOpen(); opened.Failed()) return Reply(opened);
  const auto stop = NetlinkSocket::Clock::now() + kJobTime;
  Batch batch{commands, std::vector<ResultRecord>(commands.size()), {}};
  size_t done = 0;
  do {
    std::vector<size_t> indices(std::min(kCommandsPerSend, commands.size() - done));
    std::iota(indices.begin(), indices.end(), done);
    Execute(batch, indices);
    ExecuteAgainIfFamilyMoved(batch, indices);
    done += indices.size();
  } while (done < commands.size() && socket_.IsOpen() && NetlinkSocket::Clock::now() < stop);

  Reply reply;
  const size_t rows_begin = sizeof(ReplyHeader) + done * sizeof(ResultRecord);
  for (size_t index = 0; index < done; ++index) {
    ResultRecord& result = batch.results[index];
    if (result.row != 0) result.row += static_cast<uint32_t>(rows_begin - 1);
    reply.Append(result);
  }
  reply.Append(batch.rows);
  reply.Finish({}, done);
  return reply;
}

Outcome Connection::ReadRows(const CommandRecord& command, Reply& reply, size_t& count) {
  const uint32_t first = ++sequence_;
  std::vector<Message> requests;
  requests.push_back(EncodeCommand({family_, socket_.Port(), first, NLM_F_DUMP}, command));
  if (!requests.front()) return {ENOMEM, Stage::kSend};
  const bool services = command.command == IPVS_CMD_GET_SERVICE;
  const auto append = [&](const auto& row) -> Outcome {
    if (!row) return {EBADMSG, Stage::kReply};
    reply.Append(*row);
    ++count;
    return {};
  };
  Outcome refused;
  const Outcome lost = Exchange(requests, first, [&](size_t, nlmsghdr* header, Outcome& failure) {
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      refused = ReadError(header);
      return true;
    }
    failure = services ? append(DecodeService(header))
                       : append(DecodeDestination(header, command.service.family));
    return false;
  });
  return lost.Failed() ? lost : refused;
}

Outcome Connection::AskForService(const CommandRecord& command) {
  CommandRecord question = command;
  question.command = IPVS_CMD_GET_SERVICE;
  const std::vector<CommandRecord> questions{question};
  Batch batch{questions, std::vector<ResultRecord>(1), {}};
  Execute(batch, {0});
  ExecuteAgainIfFamilyMoved(batch, {0});
  return {batch.results[0].error, static_cast<Stage>(batch.results[0].stage)};
}

Reply Connection::Dump(const CommandRecord& command) {
  if (const Outcome opened = EnsureOpen(); opened.Failed()) return Reply(opened);
  Reply reply;
  size_t count = 0;
  Outcome outcome = ReadRows(command, reply, count);
  if (outcome.error == ENOENT && outcome.stage == Stage::kKernel) {
    // No dump is answered like this but one to a family id of the past.
    outcome = ResolveFamily();
    if (!outcome.Failed()) outcome = ReadRows(command, reply, count);
  }
  if (!outcome.Failed() && command.command == IPVS_CMD_GET_DEST) outcome = AskForService(command);
  if (outcome.Failed()) return Reply(outcome);
  reply.Finish({}, count);
  return reply;
}

}  // namespace ipvs
