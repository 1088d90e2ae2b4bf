/** Prints the note for binaries that are made now; the argument names another libnl than the recorded one. */
import { noteOf } from './sources.js';

const [libnl] = process.argv.slice(2);
process.stdout.write(noteOf(process.cwd(), libnl));
