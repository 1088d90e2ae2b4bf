#include "layout.h"

#include <linux/ip_vs.h>
#include <sys/socket.h>

#include <cstddef>

#include "outcome.h"
#include "records.h"

namespace ipvs {

namespace {

Napi::Object NewRecord(Napi::Env env, size_t size) {
  Napi::Object record = Napi::Object::New(env);
  record.Set("size", Napi::Number::New(env, static_cast<double>(size)));
  return record;
}

// The text of a field's name exists only at compile time: hence macros.
#define IPVS_FIELD(record, Type, name, field) \
  (record).Set(name, Napi::Number::New((record).Env(), static_cast<double>(offsetof(Type, field))))
#define IPVS_NUMBER(record, name, value) \
  (record).Set(name, Napi::Number::New((record).Env(), static_cast<double>(value)))

Napi::Object DescribeService(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(ServiceRecord));
  IPVS_FIELD(record, ServiceRecord, "address", address);
  IPVS_FIELD(record, ServiceRecord, "fwmark", fwmark);
  IPVS_FIELD(record, ServiceRecord, "family", family);
  IPVS_FIELD(record, ServiceRecord, "protocol", protocol);
  IPVS_FIELD(record, ServiceRecord, "port", port);
  IPVS_FIELD(record, ServiceRecord, "byFwmark", by_fwmark);
  IPVS_FIELD(record, ServiceRecord, "flags", flags);
  IPVS_FIELD(record, ServiceRecord, "timeout", timeout);
  IPVS_FIELD(record, ServiceRecord, "netmask", netmask);
  IPVS_FIELD(record, ServiceRecord, "scheduler", scheduler);
  IPVS_FIELD(record, ServiceRecord, "engine", engine);
  return record;
}

Napi::Object DescribeDestination(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(DestinationRecord));
  IPVS_FIELD(record, DestinationRecord, "address", address);
  IPVS_FIELD(record, DestinationRecord, "forwarding", forwarding);
  IPVS_FIELD(record, DestinationRecord, "weight", weight);
  IPVS_FIELD(record, DestinationRecord, "upperThreshold", upper_threshold);
  IPVS_FIELD(record, DestinationRecord, "lowerThreshold", lower_threshold);
  IPVS_FIELD(record, DestinationRecord, "family", family);
  IPVS_FIELD(record, DestinationRecord, "port", port);
  IPVS_FIELD(record, DestinationRecord, "tunnelType", tunnel_type);
  IPVS_FIELD(record, DestinationRecord, "tunnelPort", tunnel_port);
  IPVS_FIELD(record, DestinationRecord, "tunnelFlags", tunnel_flags);
  return record;
}

Napi::Object DescribeStatistics(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(StatisticsRecord));
  IPVS_FIELD(record, StatisticsRecord, "connections", connections);
  IPVS_FIELD(record, StatisticsRecord, "inPackets", in_packets);
  IPVS_FIELD(record, StatisticsRecord, "outPackets", out_packets);
  IPVS_FIELD(record, StatisticsRecord, "inBytes", in_bytes);
  IPVS_FIELD(record, StatisticsRecord, "outBytes", out_bytes);
  IPVS_FIELD(record, StatisticsRecord, "connectionRate", connection_rate);
  IPVS_FIELD(record, StatisticsRecord, "inPacketRate", in_packet_rate);
  IPVS_FIELD(record, StatisticsRecord, "outPacketRate", out_packet_rate);
  IPVS_FIELD(record, StatisticsRecord, "inByteRate", in_byte_rate);
  IPVS_FIELD(record, StatisticsRecord, "outByteRate", out_byte_rate);
  return record;
}

Napi::Object DescribeDaemon(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(DaemonRecord));
  IPVS_FIELD(record, DaemonRecord, "state", state);
  IPVS_FIELD(record, DaemonRecord, "syncId", sync_id);
  IPVS_FIELD(record, DaemonRecord, "interface", interface);
  IPVS_FIELD(record, DaemonRecord, "group", group);
  IPVS_FIELD(record, DaemonRecord, "groupFamily", group_family);
  IPVS_FIELD(record, DaemonRecord, "maxLength", max_length);
  IPVS_FIELD(record, DaemonRecord, "port", port);
  IPVS_FIELD(record, DaemonRecord, "ttl", ttl);
  return record;
}

Napi::Object DescribeTimeouts(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(TimeoutsRecord));
  IPVS_FIELD(record, TimeoutsRecord, "tcp", tcp);
  IPVS_FIELD(record, TimeoutsRecord, "tcpFin", tcp_fin);
  IPVS_FIELD(record, TimeoutsRecord, "udp", udp);
  return record;
}

Napi::Object DescribeCommand(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(CommandRecord));
  IPVS_FIELD(record, CommandRecord, "command", command);
  IPVS_FIELD(record, CommandRecord, "verify", verify);
  IPVS_FIELD(record, CommandRecord, "service", service);
  IPVS_FIELD(record, CommandRecord, "destination", destination);
  IPVS_FIELD(record, CommandRecord, "daemon", daemon);
  IPVS_FIELD(record, CommandRecord, "timeouts", timeouts);
  return record;
}

Napi::Object DescribeReply(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(ReplyHeader));
  IPVS_FIELD(record, ReplyHeader, "error", error);
  IPVS_FIELD(record, ReplyHeader, "stage", stage);
  IPVS_FIELD(record, ReplyHeader, "count", count);
  return record;
}

Napi::Object DescribeResult(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(ResultRecord));
  IPVS_FIELD(record, ResultRecord, "error", error);
  IPVS_FIELD(record, ResultRecord, "stage", stage);
  IPVS_FIELD(record, ResultRecord, "row", row);
  IPVS_FIELD(record, ResultRecord, "count", count);
  return record;
}

Napi::Object DescribeServiceRow(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(ServiceRow));
  IPVS_FIELD(record, ServiceRow, "service", service);
  IPVS_FIELD(record, ServiceRow, "statistics", statistics);
  return record;
}

Napi::Object DescribeDestinationRow(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(DestinationRow));
  IPVS_FIELD(record, DestinationRow, "destination", destination);
  IPVS_FIELD(record, DestinationRow, "active", active);
  IPVS_FIELD(record, DestinationRow, "inactive", inactive);
  IPVS_FIELD(record, DestinationRow, "persistent", persistent);
  IPVS_FIELD(record, DestinationRow, "statistics", statistics);
  return record;
}

Napi::Object DescribeInfoRow(Napi::Env env) {
  Napi::Object record = NewRecord(env, sizeof(InfoRow));
  IPVS_FIELD(record, InfoRow, "version", version);
  IPVS_FIELD(record, InfoRow, "connectionTableSize", connection_table_size);
  return record;
}

Napi::Object DescribeCommands(Napi::Env env) {
  Napi::Object numbers = Napi::Object::New(env);
  IPVS_NUMBER(numbers, "IPVS_CMD_NEW_SERVICE", IPVS_CMD_NEW_SERVICE);
  IPVS_NUMBER(numbers, "IPVS_CMD_SET_SERVICE", IPVS_CMD_SET_SERVICE);
  IPVS_NUMBER(numbers, "IPVS_CMD_DEL_SERVICE", IPVS_CMD_DEL_SERVICE);
  IPVS_NUMBER(numbers, "IPVS_CMD_GET_SERVICE", IPVS_CMD_GET_SERVICE);
  IPVS_NUMBER(numbers, "IPVS_CMD_NEW_DEST", IPVS_CMD_NEW_DEST);
  IPVS_NUMBER(numbers, "IPVS_CMD_SET_DEST", IPVS_CMD_SET_DEST);
  IPVS_NUMBER(numbers, "IPVS_CMD_DEL_DEST", IPVS_CMD_DEL_DEST);
  IPVS_NUMBER(numbers, "IPVS_CMD_GET_DEST", IPVS_CMD_GET_DEST);
  IPVS_NUMBER(numbers, "IPVS_CMD_NEW_DAEMON", IPVS_CMD_NEW_DAEMON);
  IPVS_NUMBER(numbers, "IPVS_CMD_DEL_DAEMON", IPVS_CMD_DEL_DAEMON);
  IPVS_NUMBER(numbers, "IPVS_CMD_GET_DAEMON", IPVS_CMD_GET_DAEMON);
  IPVS_NUMBER(numbers, "IPVS_CMD_SET_CONFIG", IPVS_CMD_SET_CONFIG);
  IPVS_NUMBER(numbers, "IPVS_CMD_GET_CONFIG", IPVS_CMD_GET_CONFIG);
  IPVS_NUMBER(numbers, "IPVS_CMD_GET_INFO", IPVS_CMD_GET_INFO);
  IPVS_NUMBER(numbers, "IPVS_CMD_ZERO", IPVS_CMD_ZERO);
  IPVS_NUMBER(numbers, "IPVS_CMD_FLUSH", IPVS_CMD_FLUSH);
  return numbers;
}

Napi::Object DescribeStages(Napi::Env env) {
  Napi::Object numbers = Napi::Object::New(env);
  IPVS_NUMBER(numbers, "kernel", Stage::kKernel);
  IPVS_NUMBER(numbers, "namespace", Stage::kNamespace);
  IPVS_NUMBER(numbers, "socket", Stage::kSocket);
  IPVS_NUMBER(numbers, "family", Stage::kFamily);
  IPVS_NUMBER(numbers, "send", Stage::kSend);
  IPVS_NUMBER(numbers, "receive", Stage::kReceive);
  IPVS_NUMBER(numbers, "reply", Stage::kReply);
  IPVS_NUMBER(numbers, "file", Stage::kFile);
  IPVS_NUMBER(numbers, "namespaceFile", Stage::kNamespaceFile);
  return numbers;
}

/* The bits and numbers of linux/ip_vs.h that lib/native/codec.ts gives names to. */
Napi::Object DescribeConstants(Napi::Env env) {
  Napi::Object numbers = Napi::Object::New(env);
  IPVS_NUMBER(numbers, "AF_INET", AF_INET);
  IPVS_NUMBER(numbers, "AF_INET6", AF_INET6);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_PERSISTENT", IP_VS_SVC_F_PERSISTENT);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_HASHED", IP_VS_SVC_F_HASHED);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_ONEPACKET", IP_VS_SVC_F_ONEPACKET);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_SCHED1", IP_VS_SVC_F_SCHED1);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_SCHED2", IP_VS_SVC_F_SCHED2);
  IPVS_NUMBER(numbers, "IP_VS_SVC_F_SCHED3", IP_VS_SVC_F_SCHED3);
  IPVS_NUMBER(numbers, "IP_VS_STATE_MASTER", IP_VS_STATE_MASTER);
  IPVS_NUMBER(numbers, "IP_VS_STATE_BACKUP", IP_VS_STATE_BACKUP);
  IPVS_NUMBER(numbers, "IP_VS_CONN_F_MASQ", IP_VS_CONN_F_MASQ);
  IPVS_NUMBER(numbers, "IP_VS_CONN_F_LOCALNODE", IP_VS_CONN_F_LOCALNODE);
  IPVS_NUMBER(numbers, "IP_VS_CONN_F_TUNNEL", IP_VS_CONN_F_TUNNEL);
  IPVS_NUMBER(numbers, "IP_VS_CONN_F_DROUTE", IP_VS_CONN_F_DROUTE);
  IPVS_NUMBER(numbers, "IP_VS_CONN_F_BYPASS", IP_VS_CONN_F_BYPASS);
  return numbers;
}

#undef IPVS_FIELD
#undef IPVS_NUMBER

}  // namespace

Napi::Object DescribeLayout(Napi::Env env) {
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("service", DescribeService(env));
  layout.Set("destination", DescribeDestination(env));
  layout.Set("statistics", DescribeStatistics(env));
  layout.Set("daemon", DescribeDaemon(env));
  layout.Set("timeouts", DescribeTimeouts(env));
  layout.Set("command", DescribeCommand(env));
  layout.Set("reply", DescribeReply(env));
  layout.Set("result", DescribeResult(env));
  layout.Set("serviceRow", DescribeServiceRow(env));
  layout.Set("destinationRow", DescribeDestinationRow(env));
  layout.Set("infoRow", DescribeInfoRow(env));
  layout.Set("commands", DescribeCommands(env));
  layout.Set("stages", DescribeStages(env));
  layout.Set("constants", DescribeConstants(env));
  return layout;
}

}  // namespace ipvs
