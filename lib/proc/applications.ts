/** Application helpers: `/proc/net/ip_vs_app`. */
import { type FileSubject, malformedFileError } from './failures.js';
import type { Application } from '../model.js';
import type { Files } from './files.js';

/** Source: ip_vs_app.c, ip_vs_app_seq_show. */
const LINE = /^(\S+) +(\d+) +(\d+) +(\S+) *$/;

/** The helpers that are registered in a network namespace. */
export async function readApplications(files: Files): Promise<Application[]> {
  const subject: FileSubject = { method: 'listApplications', path: '/proc/net/ip_vs_app' };
  const [, ...lines] = (await files.read(subject)).split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const match = LINE.exec(line);
      if (match === null) throw malformedFileError(subject, line);
      const [, protocol = '', port, users, name = ''] = match;
      return { name, protocol: protocol.toLowerCase(), port: Number(port), users: Number(users) };
    });
}
