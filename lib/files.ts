/**
 * The files of `/proc` and `/proc/sys` as one network namespace shows them. Paths are written as a
 * process inside it would: `/proc/net/ip_vs_conn`, `/proc/sys/net/ipv4/vs/conntrack`. Failures reject
 * with an `IpvsError`.
 */
export interface Files {
  /** A whole file, each byte as the character of its number (Latin-1). */
  read(path: string): Promise<string>;
  /** A file in pieces of at most 64 KiB, read as they are asked for; leaving the loop closes it. */
  chunks(path: string): AsyncGenerator<Uint8Array, void, void>;
  /** The names in a folder. */
  list(path: string): Promise<string[]>;
  /** Writes a text in one piece, as `/proc/sys` wants it. */
  write(path: string, text: string): Promise<void>;
}
