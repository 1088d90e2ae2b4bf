/**
 * The packed records that cross the door to C++: sizes, offsets and numbers, copied from
 * native/records.h, native/outcome.h and linux/ip_vs.h. Loading the addon compares this copy with
 * what C++ was compiled with, and fails when they differ (addon.ts).
 */
export const layout = {
  service: {
    size: 80,
    address: 0,
    fwmark: 16,
    family: 20,
    protocol: 22,
    port: 24,
    byFwmark: 26,
    flags: 28,
    timeout: 32,
    netmask: 36,
    scheduler: 40,
    engine: 56,
  },
  destination: {
    size: 48,
    address: 0,
    forwarding: 16,
    weight: 20,
    upperThreshold: 24,
    lowerThreshold: 28,
    family: 32,
    port: 34,
    tunnelType: 36,
    tunnelPort: 38,
    tunnelFlags: 40,
  },
  statistics: {
    size: 80,
    connections: 0,
    inPackets: 8,
    outPackets: 16,
    inBytes: 24,
    outBytes: 32,
    connectionRate: 40,
    inPacketRate: 48,
    outPacketRate: 56,
    inByteRate: 64,
    outByteRate: 72,
  },
  daemon: {
    size: 48,
    state: 0,
    syncId: 4,
    interface: 8,
    group: 24,
    groupFamily: 40,
    maxLength: 42,
    port: 44,
    ttl: 46,
  },
  timeouts: { size: 16, tcp: 0, tcpFin: 4, udp: 8 },
  command: {
    size: 136,
    command: 0,
    verify: 4,
    service: 8,
    destination: 88,
    daemon: 88,
    timeouts: 88,
  },
  reply: { size: 16, error: 0, stage: 4, count: 8 },
  result: { size: 16, error: 0, stage: 4, row: 8, count: 12 },
  serviceRow: { size: 160, service: 0, statistics: 80 },
  destinationRow: {
    size: 144,
    destination: 0,
    active: 48,
    inactive: 52,
    persistent: 56,
    statistics: 64,
  },
  infoRow: { size: 8, version: 0, connectionTableSize: 4 },
  commands: {
    IPVS_CMD_NEW_SERVICE: 1,
    IPVS_CMD_SET_SERVICE: 2,
    IPVS_CMD_DEL_SERVICE: 3,
    IPVS_CMD_GET_SERVICE: 4,
    IPVS_CMD_NEW_DEST: 5,
    IPVS_CMD_SET_DEST: 6,
    IPVS_CMD_DEL_DEST: 7,
    IPVS_CMD_GET_DEST: 8,
    IPVS_CMD_NEW_DAEMON: 9,
    IPVS_CMD_DEL_DAEMON: 10,
    IPVS_CMD_GET_DAEMON: 11,
    IPVS_CMD_SET_CONFIG: 12,
    IPVS_CMD_GET_CONFIG: 13,
    IPVS_CMD_GET_INFO: 15,
    IPVS_CMD_ZERO: 16,
    IPVS_CMD_FLUSH: 17,
  },
  stages: {
    kernel: 0,
    namespace: 1,
    socket: 2,
    family: 3,
    send: 4,
    receive: 5,
    reply: 6,
    file: 7,
    namespaceFile: 8,
  },
  constants: {
    AF_INET: 2,
    AF_INET6: 10,
    IP_VS_SVC_F_PERSISTENT: 0x1,
    IP_VS_SVC_F_HASHED: 0x2,
    IP_VS_SVC_F_ONEPACKET: 0x4,
    IP_VS_SVC_F_SCHED1: 0x8,
    IP_VS_SVC_F_SCHED2: 0x10,
    IP_VS_SVC_F_SCHED3: 0x20,
    IP_VS_STATE_MASTER: 1,
    IP_VS_STATE_BACKUP: 2,
    IP_VS_CONN_F_MASQ: 0,
    IP_VS_CONN_F_LOCALNODE: 1,
    IP_VS_CONN_F_TUNNEL: 2,
    IP_VS_CONN_F_DROUTE: 3,
    IP_VS_CONN_F_BYPASS: 4,
  },
} as const;

/** Name of an IPVS command, as the kernel spells it. */
export type CommandName = keyof typeof layout.commands;

/** Where a failure was met; see native/outcome.h. */
export type StageName = keyof typeof layout.stages;

const STAGES = Object.keys(layout.stages) as StageName[];

/** The name of a stage's number. */
export function stageName(stage: number): StageName {
  const name = STAGES[stage];
  if (name === undefined) throw new RangeError(`The addon spoke of an unknown stage ${stage}`);
  return name;
}

const COMMANDS = new Map<number, CommandName>(
  Object.entries(layout.commands).map(([name, number]) => [number, name as CommandName]),
);

/** The name of a command's number. */
export function commandName(number: number): CommandName {
  const name = COMMANDS.get(number);
  if (name === undefined) throw new RangeError(`There is no command ${number}`);
  return name;
}
