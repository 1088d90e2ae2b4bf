/** What the kernel counted in all services: `/proc/net/ip_vs_stats` and `…_percpu`. */
import { type FileSubject, malformedFileError } from './failures.js';
import type { CpuTotals } from '../model.js';
import { Statistics } from '../statistics.js';
import type { Files } from './files.js';

/** Source: ip_vs_ctl.c, ip_vs_stats_show: five hexadecimal numbers, twice, each below two headers. */
const NUMBERS = /^ *([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+)$/;
/** Source: ip_vs_ctl.c, ip_vs_stats_percpu_show: the number of the CPU before them, or `~` for all. */
const CPU = /^ *([0-9A-F]+|~) +([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+) +([0-9A-F]+)$/;

function hex(text: string | undefined): bigint {
  return BigInt(`0x${text ?? ''}`);
}

/** The totals of a network namespace. */
export async function readTotals(files: Files): Promise<Statistics> {
  const subject: FileSubject = { method: 'getTotals', path: '/proc/net/ip_vs_stats' };
  const text = await files.read(subject);
  const rows = text.split('\n').map((line) => NUMBERS.exec(line));
  const [totals, rates, ...others] = rows.filter((row) => row !== null);
  if (totals === undefined || rates === undefined || others.length > 0) {
    throw malformedFileError(subject, text);
  }
  const total = (index: number): bigint => hex(totals[index]);
  const rate = (index: number): number => Number(hex(rates[index]));
  return new Statistics({
    connections: total(1),
    inPackets: total(2),
    outPackets: total(3),
    inBytes: total(4),
    outBytes: total(5),
    connectionRate: rate(1),
    inPacketRate: rate(2),
    outPacketRate: rate(3),
    inByteRate: rate(4),
    outByteRate: rate(5),
  });
}

/** The totals of each CPU. */
export async function readCpuTotals(files: Files): Promise<CpuTotals[]> {
  const subject: FileSubject = { method: 'getCpuTotals', path: '/proc/net/ip_vs_stats_percpu' };
  const [header = '', title = '', ...lines] = (await files.read(subject)).split('\n');
  const end = lines.findIndex((line) => line.trimStart().startsWith('~'));
  if (!title.startsWith('CPU') || end < 0) throw malformedFileError(subject, `${header}\n${title}`);
  return lines.slice(0, end).map((line) => {
    const match = CPU.exec(line);
    if (match === null) throw malformedFileError(subject, line);
    const [, cpu, connections, inPackets, outPackets, inBytes, outBytes] = match;
    return {
      cpu: Number(hex(cpu)),
      connections: hex(connections),
      inPackets: hex(inPackets),
      outPackets: hex(outPackets),
      inBytes: hex(inBytes),
      outBytes: hex(outBytes),
    };
  });
}
