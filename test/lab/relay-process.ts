// Copies stdin to stdout. It is what cat does, except that cat fails when stdout is non-blocking, and
// a pipe or socket is for all who share it as soon as one of them, say a Node process, makes it so.
import { exitOutputClosed } from './failure.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitOutputClosed : 1);
});
process.stdin.pipe(process.stdout);
